"""Session of one visitor of the page: an image, and its edits as an image, a strip and a command; without the web."""

import base64
import dataclasses
import html
import io
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ssgan_tf.editing import Editor, Factor, Latents, images_in, to_uint8

_STRIP = 7  # images in a strip, if the factor's values have no names

Values = Sequence[float | None]  # of the factors' controls: index of a name, number in the factor's range, or code


@dataclasses.dataclass(frozen=True, eq=False)  # gradio recognises a new session by its identity
class Session:
    """The image that one visitor edits.

    Args:
        latents: Latents of the image before any edit; one row.
        before: [R,R,C] in about [-1, 1], the image shown beside the edited one.
        seed: Seed of a generated image.
        photo: Name of the uploaded file; "" for a generated image.
        notes: Changes made to the file so that the model can read it, one sentence each.
    """

    latents: Latents
    before: np.ndarray
    seed: int = 0
    photo: str = ""
    notes: tuple[str, ...] = ()


def generate(editor: Editor, seed: int, truncation: float) -> Session:
    """Generates an image, the same one as `ssgan-edit --seed`."""
    latents = editor.latents(editor.random_codes(1, seed), seed, truncation=truncation)
    return Session(latents, editor.edit(latents, {})[0], seed)


def fit(editor: Editor, path: Path, progress: Callable[[float], None], check: Callable[[], None]) -> Session:
    """Loads an uploaded image and fits it.

    Args:
        editor: The model.
        path: Path of the file, whose name is the one on the visitor's machine.
        progress: Function that receives the completed share of the fit after every step.
        check: Function that is called while the file is read and after every step; an exception in it ends the fit.

    Raises:
        ValueError: The file is not an image, is damaged or exceeds a bound. The message contains the file's name.
    """
    try:
        images, notes = images_in.load_images(path, editor.resolution, editor.channels, check=check)
    except (OSError, ValueError) as error:
        raise ValueError(str(error).replace(str(path), path.name)) from None

    def report(share: float) -> None:
        check()
        progress(share)

    latents = editor.fit(images[:1], progress=report)
    short = tuple(note.replace(str(path), path.name) for note in notes)
    return Session(latents, images[0], photo=path.name, notes=short)


# --- Between codes and the values of the page's controls


def control_value(factor: Factor, code: float) -> float:
    """Returns the value of a control for a code: the index of the nearest name, or the nearest of 101 numbers."""
    if factor.kind == "choice":
        return round(float(code) * (factor.size - 1))
    low, high = factor.range or (0.0, 1.0)
    return round(low + round(float(code), 2) * (high - low), 9)


def edited_code(editor: Editor, session: Session, values: Values) -> np.ndarray:
    """Returns the code [1,K] that the controls describe. A control that was not moved leaves its code unchanged.

    Args:
        editor: The model.
        session: The image being edited.
        values: Number for each factor; None, from an empty box, leaves the factor unchanged.

    Raises:
        ValueError: A number is outside its control's range.
    """
    code = np.array(session.latents.code)
    for k, (factor, value) in enumerate(zip(editor.factors, values, strict=True)):
        if value is None or value == control_value(factor, code[0, k]):
            continue
        low, high = (0, factor.size - 1) if factor.kind == "choice" else factor.range or (0.0, 1.0)
        if not low <= value <= high:
            raise ValueError(f"{factor.name}: expected a number from {low:g} to {high:g}. Received: {value:g}.")
        code[0, k] = (value - low) / (high - low)
    return code


def edit(editor: Editor, session: Session, truncation: float, values: Values) -> Latents:
    """Returns the latents of the edited image; raises ValueError as `edited_code` does."""
    latents = session.latents.with_code(edited_code(editor, session, values))
    return latents if session.photo else dataclasses.replace(latents, truncation=np.array([truncation], np.float32))


def command(editor: Editor, session: Session, latents: Latents, model: str | None) -> str:
    """Returns a command that makes the edited image.

    Args:
        editor: The model.
        session: The image before the edits.
        latents: Latents of the edited image.
        model: Folder of the export; None for the model that comes with the package.
    """
    words = ["ssgan-edit"] + [f"--model={model}"] * (model is not None)
    words.append(f"--in={session.photo}" if session.photo else f"--seed={session.seed}")
    if latents.truncation[0] != 1:
        words.append(f"--truncation={str(latents.truncation[0])}")
    for factor, old, new in zip(editor.factors, session.latents.code[0], latents.code[0], strict=True):
        if old != new:  # str of a float32 has the digits needed to read the same number back
            words.append(f"--set={factor.name}={factor.text(new) if factor.kind == 'choice' else str(new)}")
    return shlex.join([*words, f"--out={file_name(session)}"])


def file_name(session: Session) -> str:
    """Returns the name of the edited image's file."""
    return f"{os.path.splitext(session.photo)[0] or 'seed-' + str(session.seed)}-edited.png"


# --- HTML


def png_address(image: np.ndarray) -> str:
    """Returns [R,R,C] as a `data:` address that contains a PNG file, so that no file is left on the server."""
    pixels, file = to_uint8(image), io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def before_html(session: Session) -> str:
    """Returns the image before the edits, with a caption."""
    caption = session.photo or f"generated from seed {session.seed}"
    return _figure("before", f"Before: {caption}", session.before)


def after_html(session: Session, image: np.ndarray) -> str:
    """Returns the edited image [R,R,C] with a link that saves it."""
    name = html.escape(file_name(session))
    link = f'<a class="download" download="{name}" href="{png_address(image)}">Download PNG</a>'
    return _figure("after", "After", image, link)


def _figure(kind: str, caption: str, image: np.ndarray, more: str = "") -> str:
    return (
        f'<figure class="{kind}"><figcaption>{html.escape(caption)}</figcaption>'
        f'<img src="{png_address(image)}" alt="The image {kind} the edit">{more}</figure>'
    )


def strip_html(editor: Editor, latents: Latents, name: str) -> str:
    """Returns the image with one factor moved over its range, captioned with its values; the nearest one is marked."""
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


def message_html(text: str, wrong: bool = False) -> str:
    """Returns the message as a line that screen readers announce when it changes."""
    return f'<p role="{"alert" if wrong else "status"}" class="{"wrong" if wrong else "said"}">{html.escape(text)}</p>'
