"""Server of the page, from loading the model to a graceful stop."""

import tempfile
from collections.abc import Callable

from ssgan_tf.editing import Editor, to_uint8
from ssgan_tf.page import editor_session as sessions
from ssgan_tf.page import hosting
from ssgan_tf.page.fits import SECONDS, Fits
from ssgan_tf.page.uploads import MAX_BYTES, Uploads

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
    hosting.check_address(host, port)
    if not fit_seconds > 0:
        raise ValueError(f"fit_seconds: expected a number above 0. Received: {fit_seconds:g}.")
    editor = _load(model)
    _warm_up(editor)
    with tempfile.TemporaryDirectory(prefix="editor_page-") as folder:
        uploads = Uploads(folder)
        fits = Fits(uploads, fit_seconds)
        hosting.configure_gradio(str(uploads.arriving))
        # gradio reads its settings when it is imported, here.
        from starlette.middleware import Middleware

        from ssgan_tf.page import editor_page
        from ssgan_tf.page.limits import Limits

        with hosting.stop_signals() as stopped:
            blocks = editor_page.build(editor_page.Page(editor, model, fits))
            hosting.launch(blocks, host, port, [Middleware(Limits, uploads=uploads)], editor_page.CSS, MAX_BYTES)
            if on_ready:
                on_ready(f"http://{host}:{port}")
            while not stopped.wait(_SWEEP_SECONDS):
                uploads.sweep()
                fits.sweep()
            fits.close()
            blocks.close(verbose=False)


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
