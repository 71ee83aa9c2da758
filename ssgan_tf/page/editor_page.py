"""The page on which a model's images, or the visitor's own, are edited: its layout, controls and events."""

import dataclasses
import os
import secrets
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from ssgan_tf.editing import Editor, Factor
from ssgan_tf.page import editor_session as sessions
from ssgan_tf.page.fits import Cancelled, Check, Fits

_MAX_RADIO = 8  # choices shown side by side; more become a drop-down list
_MAX_SEED = 2**31 - 1
_MAX_QUEUE = 64  # events that wait, of all visitors together
CSS = """
.before figure, .after figure { margin: 0; text-align: center; }
.before img, .after img { width: 100%; min-width: 256px; max-width: 448px; aspect-ratio: 1; margin: 6px auto; }
.before img, .after img, .strip img { image-rendering: pixelated; display: block; }
figure .download { text-decoration: underline; }
.strip { display: flex; gap: 6px; } .strip figure { flex: 1; margin: 0; min-width: 0; text-align: center; }
.strip img { width: 100%; aspect-ratio: 1; } .strip .nearest { outline: 3px solid var(--color-accent); }
.strip figcaption { overflow-wrap: anywhere; }
.said, .wrong { padding: 6px 10px; margin: 0; border-left: 4px solid var(--color-accent); }
.wrong { border-color: #dc2626; font-weight: 600; }
"""


class Page:
    """Functions that handle the events of the page.

    The state of each visitor is a `Session` in `gr.State`, and None once gradio has deleted it. A visitor of `fits` is
    gradio's identifier of an open page.

    Args:
        editor: The model.
        model: Folder of the export, for the command shown on the page; None for the model that comes with the
            package.
        fits: Fits that wait or run.
    """

    def __init__(self, editor: Editor, model: str | None, fits: Fits):
        self.editor, self.model, self.fits = editor, model, fits

    def new(self, seed: float | None, truncation: float) -> list:
        """Generates an image.

        Returns:
            Values of the outputs listed in `_connect`: session, before, message, seed, truncation, cancel, and the
            control of each factor.
        """
        seed = min(max(0, int(seed or 0)), _MAX_SEED)
        session = sessions.generate(self.editor, seed, truncation)
        return self._begin(session, f"An image generated from seed {seed}. Move a slider to edit it.")

    def random(self, truncation: float) -> list:
        """Generates an image from a random seed."""
        return self.new(secrets.randbelow(10**6), truncation)

    def reset(self, session: sessions.Session | None) -> list:
        """Returns the session, and the values of the controls before any edit."""
        session = _existing(session)
        return [dataclasses.replace(session), *self._control_values(session)]

    def _control_values(self, session: sessions.Session) -> list[float]:
        codes = session.latents.code[0]
        return [sessions.control_value(f, code) for f, code in zip(self.editor.factors, codes, strict=True)]

    def _begin(self, session: sessions.Session, text: str) -> list:
        if session.photo:
            seed = truncation = gr.update(visible=False)
        else:
            seed, truncation = gr.update(visible=True, value=session.seed), gr.update(visible=True)
        outputs = [session, sessions.before_html(session), sessions.message_html(text), seed, truncation]
        return [*outputs, gr.update(visible=False), *self._control_values(session)]

    def edit(self, session: sessions.Session | None, truncation: float, *values: float | None) -> tuple[str, str]:
        """Returns the edited image and the command that makes it."""
        session = _existing(session)
        latents = self._edited(session, truncation, values)
        image = self.editor.edit(latents, {})[0]
        return sessions.after_html(session, image), sessions.command(self.editor, session, latents, self.model)

    def strip(self, session: sessions.Session | None, truncation: float, name: str, *values: float | None) -> str:
        """Returns a strip of images in which the factor `name` moves over its range."""
        return sessions.strip_html(self.editor, self._edited(_existing(session), truncation, values), name)

    def _edited(self, session, truncation, values):
        try:
            return sessions.edit(self.editor, session, truncation, values)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def receive(self, file: dict[str, Any], request: gr.Request) -> list:
        """Takes an uploaded file for a fit.

        Args:
            file: The file as gradio describes it; its "path" is where gradio has put it.
            request: gradio's request.

        Returns:
            Values of the message, the cancel button, and the file, which the page need not show any longer.
        """
        path = file["path"]
        try:
            self.fits.add(str(request.session_hash), path)
        except ValueError as error:
            return [sessions.message_html(str(error), wrong=True), gr.update(visible=False), None]
        return [sessions.message_html(f"Fitting {os.path.basename(path)} ..."), gr.update(visible=True), None]

    def fit(self, request: gr.Request, progress=gr.Progress()) -> list:  # noqa: B008  (gradio's convention)
        """Fits the visitor's file when its turn comes.

        Returns:
            Values of the outputs of `new`; only a message if the file cannot be fitted, and nothing if the fit was
            cancelled.
        """

        def fit(path: Path, check: Check) -> sessions.Session:
            progress(0.0, desc="Preparing; the first fit takes longest")
            return sessions.fit(self.editor, path, show_progress, check)

        def show_progress(share: float) -> None:
            progress(share, desc="Searching for latents that reproduce the image")

        progress(0.0, desc="Waiting for earlier fits")
        try:
            session = self.fits.run(str(request.session_hash), fit)
        except Cancelled:
            return [gr.skip()] * (6 + len(self.editor.factors))
        except ValueError as error:
            return self._keep(str(error))
        assert session.latents.psnr is not None  # fitted latents have it
        notes = " ".join(session.notes)
        return self._begin(session, f"Fitted to {session.latents.psnr[0]:.1f} dB; move a slider to edit it. {notes}")

    def _keep(self, error: str) -> list:
        """Returns outputs of `new` that change nothing but the message."""
        keep = gr.skip()
        controls = [keep] * len(self.editor.factors)
        return [keep, keep, sessions.message_html(error, wrong=True), keep, keep, gr.update(visible=False), *controls]

    def cancel(self, request: gr.Request) -> tuple[Any, Any]:
        """Cancels this visitor's fit; returns the values of the message and the cancel button."""
        cancelled = self.fits.cancel(str(request.session_hash))
        return sessions.message_html("The fit was cancelled.") if cancelled else gr.skip(), gr.update(visible=False)

    def leave(self, request: gr.Request) -> None:
        """Cancels the fit of a visitor who has closed the page."""
        self.fits.cancel(str(request.session_hash))


def _existing(session: sessions.Session | None) -> sessions.Session:
    if session is None:
        raise gr.Error("This page was open for too long, and its image is gone. Reload it.", print_exception=False)
    return session


class _Widgets(NamedTuple):
    """Components of the page that events read or change."""

    session: gr.State
    controls: list
    reset: gr.Button
    truncation: gr.Slider
    seed: gr.Number
    new: gr.Button
    file: gr.File
    message: gr.HTML
    cancel: gr.Button
    before: gr.HTML
    after: gr.HTML
    factor: gr.Radio | gr.Dropdown
    strip: gr.HTML
    command: gr.Textbox


def build(page: Page) -> gr.Blocks:
    """Builds the page: its layout and its events."""
    card = page.editor.card
    with gr.Blocks(title=f"{card.get('run', 'model')} - ssgan_tf", analytics_enabled=False) as blocks:
        widgets = _lay_out(page.editor)
        _connect(page, widgets, blocks)
    return blocks.queue(max_size=_MAX_QUEUE)


def _lay_out(editor: Editor) -> _Widgets:
    card, size, names = editor.card, editor.resolution, [factor.name for factor in editor.factors]
    run, dataset = card.get("run", "model"), card.get("dataset", "unknown")
    gr.Markdown(f"# {run}\nTrained on `{dataset}`, {size}x{size} pixels, {len(names)} factors.")
    session = gr.State()
    with gr.Row():
        # Left: everything that can be changed.
        with gr.Column(scale=2, min_width=320):
            controls = [_control(factor) for factor in editor.factors]
            reset = gr.Button("Undo all edits")
            truncation = gr.Slider(
                0, 1, 1, step=0.05, label="truncation: lower is closer to the average image", buttons=[]
            )
            with gr.Row():
                seed = gr.Number(0, label="seed", precision=0, minimum=0, maximum=_MAX_SEED, min_width=120)
                new = gr.Button("New image", variant="primary")
            file = gr.File(label="Your own image: drop it here, or click", height=160, elem_id="file")

        # Right: the result.
        with gr.Column(scale=5):
            message = gr.HTML(elem_id="said", min_height=40)
            cancel = gr.Button("Cancel the fit", visible=False, variant="stop")
            with gr.Row():
                before = gr.HTML(elem_classes="before")
                after = gr.HTML(elem_classes="after")
            factor = _choice("Factor of the strip", names, names[0])
            strip = gr.HTML(elem_id="strip", min_height=90)
            command = gr.Textbox(
                label="Command that makes this image", interactive=False, buttons=["copy"], elem_id="command", lines=1
            )
    return _Widgets(
        session, controls, reset, truncation, seed, new, file, message, cancel, before, after, factor, strip, command
    )


def _control(factor: Factor):
    """Slider or choice for one factor, with the warning about it if there is one."""
    if factor.kind == "choice":
        return _choice(factor.name, [(name, i) for i, name in enumerate(factor.values)], 0, factor.warning)
    low, high = factor.range or (0.0, 1.0)
    return gr.Slider(
        low, high, low, step=(high - low) / 100, label=factor.name, info=factor.warning or None, buttons=[]
    )


def _choice(label: str, choices: list, value, info: str = ""):
    return (gr.Radio if len(choices) <= _MAX_RADIO else gr.Dropdown)(
        choices, value=value, label=label, info=info or None
    )


def _connect(page: Page, w: _Widgets, blocks: gr.Blocks) -> None:
    """Connects the components to the functions of `page`."""
    begun = [w.session, w.before, w.message, w.seed, w.truncation, w.cancel, *w.controls]
    edited = [w.session, w.truncation, *w.controls]
    # Quick functions do not use gradio's queue, which would take longer than they do. Functions that change the session
    # must use it: without the queue, gradio does not report the change to the browser. Fits run one after another.
    queued: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 4}
    quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}

    # A new session.
    w.new.click(page.random, w.truncation, begun, **queued)
    w.seed.input(page.new, [w.seed, w.truncation], begun, trigger_mode="always_last", **queued)
    w.reset.click(page.reset, w.session, [w.session, *w.controls], **queued)
    blocks.load(page.new, [w.seed, w.truncation], begun, **queued)

    # An edit. All images come from this one event, the newest last, so that a late result cannot replace a newer one.
    gr.on(
        [w.session.change, w.truncation.input, *(control.input for control in w.controls)],
        page.edit, edited, [w.after, w.command], trigger_mode="always_last", **quick,
    )  # fmt: skip
    gr.on(
        [w.after.change, w.factor.input], page.strip, [w.session, w.truncation, w.factor, *w.controls], w.strip,
        trigger_mode="always_last", **quick,
    )  # fmt: skip

    # An upload. gradio's own reading of its value, `preprocess`, would leave an empty temporary file for every event. A
    # fit waits for its turn in `page.fits`, so all of them may start at once.
    w.file.upload(page.receive, w.file, [w.message, w.cancel, w.file], preprocess=False, **quick).then(
        page.fit, None, begun, show_progress="full", show_progress_on=w.message, api_visibility="private",
        concurrency_limit=None, trigger_mode="multiple",
    )  # fmt: skip
    w.cancel.click(page.cancel, None, [w.message, w.cancel], **quick)
    blocks.unload(page.leave)
