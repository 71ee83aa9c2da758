"""From a folder of images and labels to a data set and a config."""

import contextlib
import dataclasses
import os
import re
import shlex
from collections.abc import Callable, Iterator

from ssgan_tf.label.images import find_images
from ssgan_tf.new import preparation, record, report
from ssgan_tf.new.labels import Labels, read_labels
from ssgan_tf.new.options import Options
from ssgan_tf.new.preparation import Preparation
from ssgan_tf.new.record import Record
from ssgan_tf.new.survey import Survey, check_number, choose_images, survey
from ssgan_tf.new.wording import count
from ssgan_tf.utils import files, project

_LOCK = "new.lock"


@dataclasses.dataclass(frozen=True, repr=False)
class Project:
    """Data set and config that `run` has made.

    Args:
        folder: Folder with both.
        config: Path of the config, with which `train`, `evaluate`, `export` and `page` find everything else.
        run: Folder of the run.
        images: The image files.
        labels: Labels of the images that are used.
        resolution: Height and width of the prepared images.
        hours: Expected length of training, an estimate; 0 if it is not known.
        lines: The report, line by line.
    """

    folder: str
    config: str
    run: str
    images: Survey
    labels: Labels
    resolution: int
    hours: float
    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def run(
    images: str,
    out: str,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Project:
    """Reads images and labels, prepares the data set, and writes a config.

    A second call with the same `out` goes on with what has changed since then.

    Args:
        images: Folder with the images, at any depth; "" for that of the last time.
        out: Folder to write in: new, or that of an earlier call.
        options: Answers to what images and labels leave open; None for those of the last time.
        overwrite: Whether a config that was edited is replaced.
        tell: Function that gets each line of the report as soon as it is known.

    Raises:
        OSError: A file cannot be read or written.
        ValueError: Images or labels cannot be used, or what they mean is open. The message begins with the name of the
            argument or option that settles it. Everything is as before.
    """
    if images:
        check_apart(images, out)
    before = record.read(out)
    images = images or (before.images if before else "")
    if not images:
        raise ValueError("images: expected the folder with the images. Received: ''.")
    options = options or (before.options if before else Options())
    lines = _Lines(tell)
    if before and str(options):
        lines.add(f"With {options}")

    # Images and labels.
    names = find_images(images)
    found = survey(images, names)
    lines.add(*found.describe())
    check_number(found)
    labels = read_labels(images, names, options.for_labels())
    found, background = choose_images(found, options.not_square, options.background)

    # Resolution. It decides which images are large enough.
    from ssgan_tf.new import configuration  # imports TensorFlow, which mistakes above need not wait for

    choice = configuration.choose(found, labels.labelled, background, options, before)
    if choice.resolution > found.side():
        lines.add(
            f"  note: many images are smaller than {choice.resolution} pixels; {found.side()} is what nearly all have."
        )
    small = {file.name for file in found.usable if min(file.size) < choice.resolution}
    found = found.without(small, f"smaller than {choice.resolution} pixels")
    used = tuple(file.name for file in found.usable)
    check_number(found)
    labels = labels.of(used)
    lines.add(*found.describe_problems(), *report.describe_labels(labels, len(used)))

    # Data set, config and record.
    prepared = Preparation(
        _name(out), images, used, labels, choice.resolution, options.not_square == "crop", background, choice.on_disk
    )
    with _exclusive(out, before):
        fingerprint = prepared.fingerprint()  # of the files as they are before the build
        changed = _prepare(prepared, fingerprint, out, before, lines)
        run_name = before.run if before else project.RUN
        run_name = record.next_run(out, run_name) if changed else run_name
        written = configuration.write(out, prepared, choice, before, run_name, overwrite)
        lines.add(*written.lines)
        record.write(
            out,
            Record(
                run_name, os.path.abspath(images), options, choice.resolution, choice.reason, written.sha256,
                fingerprint,
            ),
        )  # fmt: skip
    config = os.path.join(out, project.CONFIG)
    lines.add(*_next_commands(config))
    return Project(
        out, config, os.path.join(out, run_name), found, labels, choice.resolution, written.hours, tuple(lines.lines)
    )


def check_apart(images: str, out: str) -> None:
    """Raises ValueError if what is written to `out` would be found among the images."""
    inside = os.path.relpath(os.path.realpath(out), os.path.realpath(images))
    if inside == "." or not inside.startswith(".."):
        raise ValueError(f"out: expected a folder outside {images!r}, whose images are read. Received: {out!r}.")


class _Lines:
    """Lines of the report."""

    def __init__(self, tell: Callable[[str], None] | None):
        self.lines: list[str] = []
        self._tell = tell

    def add(self, *lines: str) -> None:
        self.lines += lines
        if self._tell:
            for line in lines:
                self._tell(line)


def _name(out: str) -> str:
    """Returns a name for the data set from that of a folder: a letter, then letters, digits or any of _.-"""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", os.path.basename(os.path.abspath(out))).lstrip("_.-0123456789")
    return name[:60] or "images"


@contextlib.contextmanager
def _exclusive(out: str, before: Record | None) -> Iterator[None]:
    """Locks the folder; a new one is removed if the block fails, and recognised as ours if it is killed."""
    existed = os.path.isdir(out)
    with files.exclusive_folder(out, "runs `ssgan new`", _LOCK):
        try:
            if before is None:
                record.write(out, Record(project.RUN))
            yield
        except BaseException:
            if before is None:
                record.remove(out)
            raise
        finally:
            os.remove(os.path.join(out, _LOCK))
            if not existed:
                with contextlib.suppress(OSError):  # it has content
                    os.rmdir(out)


def _prepare(prepared: Preparation, fingerprint: str, out: str, before: Record | None, lines: _Lines) -> bool:
    """Builds the data set unless nothing has changed; returns whether anything has since the last time."""
    table, data_dir = os.path.join(out, project.LABELS), os.path.join(out, project.DATA)
    if before and before.data == fingerprint and preparation.is_built(prepared, table, data_dir):
        lines.add("Neither images nor labels have changed since the last time.")
        return False
    rows = preparation.read_rows(table) if before and before.data else {}
    size = f"{prepared.resolution}x{prepared.resolution}"
    lines.add(f"Preparing {count(len(prepared.images), 'image')} at {size} in {data_dir} ...")
    lines.add(*(f"  note: {note}" for note in preparation.build(prepared, table, data_dir)))
    if rows:
        found = report.describe_differences(rows, preparation.read_rows(table))
        lines.add("Since the last time:", *(found or ["  the files of images, or how they are prepared"]))
    return True


def _next_commands(config: str) -> list[str]:
    config = shlex.quote(config)
    return ["Next:", *(f"  ssgan {verb} --config={config}" for verb in ("train", "evaluate", "export", "page"))]
