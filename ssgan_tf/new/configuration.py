"""Choice of a config for a folder of images, and the file in which it is written."""

import contextlib
import dataclasses
import os
from typing import NamedTuple

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.new import record, settings
from ssgan_tf.new.advice import (
    Advice,
    Facts,
    advise,
    choose_resolution,
    describe_hours,
    exceeds_memory,
    memory_limit,
)
from ssgan_tf.new.config_text import render
from ssgan_tf.new.machine import Machine, this_machine
from ssgan_tf.new.options import Options
from ssgan_tf.new.preparation import BUILDER, Preparation
from ssgan_tf.new.record import Record
from ssgan_tf.new.survey import Survey
from ssgan_tf.new.wording import clip, count
from ssgan_tf.runs import Workdir
from ssgan_tf.train import memory, setup
from ssgan_tf.utils import files, project

PROPOSAL, REPLACED = "config.new.py", "config.old.py"  # beside a config that was edited
_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Choice:
    """Resolution for a folder of images.

    Args:
        facts: The images and labels.
        machine: The machine.
        resolution: Height and width of the prepared images.
        reason: Reason for it.
    """

    facts: Facts
    machine: Machine
    resolution: int
    reason: str

    @property
    def on_disk(self) -> bool:
        """True if the images do not fit into memory."""
        return exceeds_memory(self.facts, self.resolution, self.machine)


class Written(NamedTuple):
    """Config on disk.

    Args:
        sha256: Hash of the text that `ssgan new` has written.
        hours: Expected length of training.
        lines: Lines for the report.
    """

    sha256: str
    hours: float
    lines: list[str]


def choose(found: Survey, labelled: int, background: str, options: Options, before: Record | None) -> Choice:
    """Chooses a resolution.

    Args:
        found: The images.
        labelled: Number of images with a label.
        background: Colour behind transparent images; "" if there are none.
        options: Answers of the user.
        before: Record of the last time, whose resolution stays, so that the held-out labels do; None for a new folder.

    Raises:
        ValueError: The images are too small, or the resolution is not possible.
    """
    limits = [limit.size for limit in memory.limits() if limit.hard]
    machine = this_machine(min(limits, default=2**33), setup.on_gpu())
    facts = Facts(len(found.usable), found.side(), labelled, 1 if found.grey(background) else 3)
    if before and before.resolution and options.resolution in (0, before.resolution):
        return Choice(facts, machine, before.resolution, before.reason)
    hours = options.hours or settings.HOURS
    return Choice(facts, machine, *choose_resolution(facts, machine, hours, options.resolution))


def write(out: str, prepared: Preparation, choice: Choice, before: Record | None, run: str, overwrite: bool) -> Written:
    """Writes the config of a prepared data set, unless the user has edited it.

    Args:
        out: Folder of the project.
        prepared: What the data set was made from.
        choice: The resolution.
        before: Record of the last time; None for a new folder.
        run: Name of the run's folder.
        overwrite: Whether a config that was edited is replaced; it stays as REPLACED.
    """
    # Look at what was built: some images may have been damaged.
    dataset, data_dir = f"{BUILDER}/{prepared.name}", os.path.join(out, project.DATA)
    names = tuple(factor.name for factor in prepared.labels.factors)
    info = data.inspect(dataset, data_dir, names, memory_limit(choice.machine))
    facts = dataclasses.replace(
        choice.facts, images=info.count, labelled=prepared.labels.labelled, channels=info.shape[-1]
    )
    advice = advise(facts, choice.machine, choice.resolution, choice.reason, dataset, names)

    # Write the config, or a proposal beside one that was edited.
    config, text = os.path.join(out, project.CONFIG), record.config_text(out)
    edited = text is not None and (before is None or record.hash_of(text) != before.config)
    own = render(advice, _head(out, prepared, advice, choice.machine, info))
    lines = _describe(config, advice, info, choice.machine)
    sha256 = record.hash_of(own)
    if edited and not overwrite:
        assert before is not None
        _write(os.path.join(out, PROPOSAL), own)
        lines, sha256 = _compare(out, config, advice.config), before.config
    else:
        if edited:
            os.replace(config, os.path.join(out, REPLACED))
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(out, PROPOSAL))
        _write(config, own)
    lines += _check(config, data_dir, os.path.join(out, run))
    if before and run != before.run:
        lines.append(
            f"The next training begins a new run in {os.path.join(out, run)}; {os.path.join(out, before.run)} stays."
        )
    return Written(sha256, advice.hours, lines)


def _write(path: str, text: str) -> None:
    with files.atomic_write(path) as file:
        file.write(text)


def _head(out: str, prepared: Preparation, advice: Advice, machine: Machine, info: data.DatasetInfo) -> str:
    """Returns the docstring of the config."""
    config = os.path.join(out, project.CONFIG)
    labelled = prepared.labels.labelled
    verbs = "\n".join(f"  ssgan {verb} --config={config}" for verb in ("train", "evaluate", "export", "page"))
    return (
        f"Semi-StyleGAN on {count(info.count, 'image')} of {prepared.folder}, {labelled:,} of them labelled.\n\n"
        f"{verbs}\n\n"
        f"Expected: {_expected(advice, info)}\n"
        f"on the machine that this was written on ({machine}), as busy as it was.\n"
        "Written by `ssgan new`; edit it as you like. docs/own_images.md says where the numbers come from."
    )


def _expected(advice: Advice, info: data.DatasetInfo) -> str:
    gib = memory.needed(advice.config, info).expected / 2**30
    time = f"about {describe_hours(advice.hours)} of training" if advice.hours else "time not known on GPUs"
    return f"{time}, {gib:.1f} GiB of memory; estimated, not measured,"


def _describe(config: str, advice: Advice, info: data.DatasetInfo, machine: Machine) -> list[str]:
    """Returns lines on the config for the report."""
    reasons, c = advice.reasons, advice.config
    return [
        f"{config}:",
        f"  {c.model.resolution}x{c.model.resolution} pixels: {reasons['model.network.resolution']}",
        f"  {c.train.images:,} images in batches of {c.phases[-1].batch}: {reasons['train.images']}",
        f"  {_expected(advice, info)} here ({machine})",
    ]


def _compare(out: str, config: str, advised: configs.Config) -> list[str]:
    """Returns lines on a config that the user has edited."""
    lines = [f"{config} was edited and stays as it is; {os.path.join(out, PROPOSAL)} is today's (--overwrite uses it)."]
    try:
        found = list(configs.differences(configs.load_config(config), advised))
    except (ValueError, OSError):
        return lines  # `_check` says why
    shown = "; ".join(f"{name} {old!r}, not {new!r}" for name, old, new in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [*lines, clip(f"yours has {shown}{more}.")] if found else lines


def _check(config: str, data_dir: str, run: str) -> list[str]:
    """Returns the labels that training will use, or why the config does not fit the data."""
    try:
        loaded = configs.load_config(config)
        info = setup.inspect_dataset(loaded, data_dir)
        setup.check_data(loaded, info, Workdir(run))
        use = setup.preview_labels(loaded, data_dir, info)
    except (ValueError, OSError, MemoryError) as error:
        return [f"  note: {config} does not fit the data: {clip(str(error))}"]
    return [f"  {use}"] if use else []
