"""What tools/editor_page shows: one person's picture, its edits as an image, a strip and a command. No web here."""

import base64
import dataclasses
import html
import io
import os
import shlex
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ssgan_tf.editing import Editor, Factor, Latents, images_in, to_uint8

MOST_PIXELS = 40_000_000  # of a picture that is uploaded; decoded it takes up to a gigabyte for a moment
_STRIP = 7  # pictures of a strip, for factors whose values have no names

Values = Sequence[float | None]  # of the factors' controls: a place among the names, a number in the range, or a code


class Cancelled(Exception):
    """The person wants no fit any more."""


@dataclasses.dataclass(frozen=True, eq=False)  # gradio knows by its identity that a session is another
class Session:
    """The picture that one person has before them.

    Args:
        latents: what it is made from, before any edit; one picture.
        before: [R,R,C] in about [-1, 1], what is shown beside the edited one.
        seed: of a generated picture.
        photo: name of the file that it came from; "" for a generated picture.
        notes: what was done to the file so that the model can read it.
    """

    latents: Latents
    before: np.ndarray
    seed: int = 0
    photo: str = ""
    notes: tuple[str, ...] = ()


def generated(editor: Editor, seed: int, truncation: float) -> Session:
    """A picture of the model's own, the one that `ssgan-edit --seed` makes."""
    latents = editor.latents(editor.random_codes(1, seed), seed, truncation=truncation)
    return Session(latents, editor.edit(latents, {})[0], seed)


def uploaded(editor: Editor, path: str, progress: Callable[[float], None]) -> Session:
    """A picture from a file, fitted.

    Args:
        progress: is told the share of the fit that is done; what it raises ends it.

    Raises:
        ValueError: for what is no picture, is damaged, or has too many pixels, with the name that the file had.
    """
    name = os.path.basename(path)
    try:
        images, notes = images_in.load_images(path, editor.resolution, editor.channels, MOST_PIXELS)
    except (OSError, ValueError) as error:
        raise ValueError(str(error).replace(path, name)) from None
    latents = editor.fit(images[:1], progress=progress)
    return Session(latents, images[0], photo=name, notes=tuple(note.replace(path, name) for note in notes))


# --- Between codes and what the page's controls say


def shown(factor: Factor, code: float) -> float:
    """What a control shows for a code: the place of the nearest name, or the nearest of 101 numbers."""
    if factor.kind == "choice":
        return round(float(code) * (factor.size - 1))
    low, high = factor.range or (0.0, 1.0)
    return round(low + round(float(code), 2) * (high - low), 9)


def code_of(editor: Editor, session: Session, values: Values) -> np.ndarray:
    """The code [1,K] that the controls ask for. One that nobody moved leaves the code exactly as it was.

    Args:
        values: a number for each factor; None, of an empty box, leaves its factor as it was.

    Raises:
        ValueError: for a number outside the control's range.
    """
    code = np.array(session.latents.code)
    for k, (factor, value) in enumerate(zip(editor.factors, values, strict=True)):
        if value is None or value == shown(factor, code[0, k]):
            continue
        low, high = (0, factor.size - 1) if factor.kind == "choice" else factor.range or (0.0, 1.0)
        if not low <= value <= high:
            raise ValueError(f"{factor.name}: expected a number from {low:g} to {high:g}. Received: {value:g}.")
        code[0, k] = (value - low) / (high - low)
    return code


def edited(editor: Editor, session: Session, truncation: float, values: Values) -> Latents:
    """What the edited picture is made from.

    Raises:
        ValueError: as `code_of`.
    """
    latents = session.latents.with_code(code_of(editor, session, values))
    return latents if session.photo else dataclasses.replace(latents, truncation=np.float32([truncation]))


def command(editor: Editor, session: Session, latents: Latents, model: str | None) -> str:
    """The command that makes the edited picture again.

    Args:
        latents: of the edited picture.
        model: folder of the export; None for the one that comes with the package.
    """
    words = ["ssgan-edit"] + [f"--model={model}"] * (model is not None)
    words.append(f"--in={session.photo}" if session.photo else f"--seed={session.seed}")
    if latents.truncation[0] != 1:
        words.append(f"--truncation={str(latents.truncation[0])}")
    for factor, old, new in zip(editor.factors, session.latents.code[0], latents.code[0], strict=True):
        if old != new:  # str of a float32 has the digits that it takes to read it back
            words.append(f"--set={factor.name}={factor.text(new) if factor.kind == 'choice' else str(new)}")
    return shlex.join([*words, f"--out={file_name(session)}"])


def file_name(session: Session) -> str:
    """What the edited picture's file is called."""
    return f"{os.path.splitext(session.photo)[0] or 'seed-' + str(session.seed)}-edited.png"


# --- HTML


def png_address(image: np.ndarray) -> str:
    """[R,R,C] as a `data:` address that holds a whole PNG file, so that no file is left on the server."""
    pixels, file = to_uint8(image), io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def before_figure(session: Session) -> str:
    caption = session.photo or f"made from seed {session.seed}"
    return _figure("before", f"Before: {caption}", session.before)


def after_figure(session: Session, image: np.ndarray) -> str:
    """The edited picture [R,R,C] with a link that saves it."""
    name = html.escape(file_name(session))
    link = f'<a class="download" download="{name}" href="{png_address(image)}">Download PNG</a>'
    return _figure("after", "After", image, link)


def _figure(kind: str, caption: str, image: np.ndarray, more: str = "") -> str:
    return (
        f'<figure class="{kind}"><figcaption>{html.escape(caption)}</figcaption>'
        f'<img src="{png_address(image)}" alt="The picture {kind} the edit">{more}</figure>'
    )


def strip(editor: Editor, latents: Latents, name: str) -> str:
    """The picture with one factor moved over its range, with what each step is called; the nearest one is marked."""
    column = [factor.name for factor in editor.factors].index(name)
    factor = editor.factors[column]
    steps = factor.size if factor.kind == "choice" else _STRIP
    images = editor.traverse(latents, name, steps)[0]
    codes = np.linspace(0.0, 1.0, steps)
    nearest = int(np.abs(codes - latents.code[0, column]).argmin())
    cells = []
    for i, (image, code) in enumerate(zip(images, codes, strict=True)):
        text = html.escape(factor.text(code))
        mark = ' class="nearest"' if i == nearest else ""
        cells.append(
            f'<figure{mark}><img src="{png_address(image)}" alt="{html.escape(name)} {text}">'
            f"<figcaption>{text}</figcaption></figure>"
        )
    return f'<div class="strip">{"".join(cells)}</div>'


def message(text: str, wrong: bool = False) -> str:
    """A line that screen readers read out when it changes."""
    return f'<p role="{"alert" if wrong else "status"}" class="{"wrong" if wrong else "said"}">{html.escape(text)}</p>'
