"""Server of the page, from loading the model to a graceful stop."""

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from ssgan_tf.editing import Editor, to_uint8
from ssgan_tf.page import editor_session as sessions
from ssgan_tf.page.fits import SECONDS, Fits
from ssgan_tf.page.uploads import MAX_BYTES, Uploads

if TYPE_CHECKING:
    import gradio as gr

_MAX_SESSIONS = 128  # visitors whose image is kept; the one who was away longest must reload the page
_SWEEP_SECONDS = 5.0  # between two searches for uploads that nobody fits


def run(
    model: str | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
    *,
    fit_seconds: float = SECONDS,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves the page until SIGINT (Ctrl-C) or SIGTERM. Must be called from the main thread, which gets the signals.

    Args:
        model: Folder of an export; None for the model that comes with the package.
        host: Address to listen on; "0.0.0.0" lets other machines in, without a password.
        port: Port of the page's address.
        fit_seconds: Time after which a fit is stopped.
        on_ready: Function that is called with the page's URL once the page can be opened.

    Raises:
        OSError: The address is not available, or there is no export.
        ValueError: The port or the time is out of range, or the export is damaged or generates no images.
    """
    _check_address(host, port)
    if not fit_seconds > 0:
        raise ValueError(f"fit_seconds: expected a number above 0. Received: {fit_seconds:g}.")
    editor = _load(model)
    _warm_up(editor)
    with tempfile.TemporaryDirectory(prefix="editor_page-") as folder:
        uploads = Uploads(folder)
        fits = Fits(uploads, fit_seconds)
        _configure_gradio(uploads)
        from ssgan_tf.page import editor_page  # imports gradio, which reads its settings at that moment

        stopped = threading.Event()
        handlers = _on_signals(stopped)
        try:
            blocks = editor_page.build(editor_page.Page(editor, model, fits))
            _launch(blocks, host, port, uploads)
            if on_ready:
                on_ready(f"http://{host}:{port}")
            while not stopped.wait(_SWEEP_SECONDS):
                uploads.sweep()
                fits.sweep()
            fits.close()
            blocks.close(verbose=False)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _check_address(host: str, port: int) -> None:
    """Raises ValueError or OSError if nothing can listen on the address."""
    if not 1 <= port <= 65535:
        raise ValueError(f"port: expected a number from 1 to 65535. Received: {port}.")
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"port: cannot listen on {host}:{port}: {reason}. Another port may be free.") from None


def _load(model: str | None) -> Editor:
    """Loads the export; error messages name the argument."""
    try:
        editor = Editor.load(model)
    except (OSError, ValueError) as error:
        raise type(error)(f"model: {error}") from error
    if not editor.can_generate:
        raise ValueError(f"model: expected a model that generates images. Received: {model!r}, an encoder.")
    return editor


def _warm_up(editor: Editor) -> None:
    """Computes everything once, because the first call of each function takes longer."""
    session = sessions.generate(editor, 0, 1.0)
    sessions.strip_html(editor, session.latents, editor.factors[0].name)
    editor.encode(to_uint8(session.before))


def _configure_gradio(uploads: Uploads) -> None:
    """Sets the environment variables that gradio and its dependencies read when they are imported."""
    os.environ["GRADIO_TEMP_DIR"] = str(uploads.arriving)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "100"  # of the last 10,000 events, gradio makes a table after each
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def _on_signals(stopped: threading.Event) -> dict:
    """Lets SIGINT and SIGTERM set `stopped`; returns the previous handlers."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    return {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}


def _launch(blocks: "gr.Blocks", host: str, port: int, uploads: Uploads) -> None:
    """Starts gradio's server, with all features off that would contact other machines."""
    import gradio as gr
    from starlette.middleware import Middleware

    from ssgan_tf.page.editor_page import CSS
    from ssgan_tf.page.limits import Limits

    blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        max_file_size=MAX_BYTES,
        state_session_capacity=_MAX_SESSIONS,
        app_kwargs={"middleware": [Middleware(Limits, uploads=uploads)]},
        css=CSS,
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    )
