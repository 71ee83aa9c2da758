"""Web page on which images are edited with sliders: `ssgan page`, or from Python:

    from ssgan_tf import page

    page.run("runs/demo/export", port=7860)

Modules: `server` runs the page; `hosting` is its web server, which `ssgan label` shares; `editor_page` has its layout
and events; `editor_session` has the state of one visitor, independent of the web server. `uploads`, `fits` and `limits`
keep the files, the fits and the requests of all visitors within bounds. The package needs gradio, tensorflow, numpy,
pillow, `ssgan_tf.editing` and `ssgan_tf.utils`, but nothing else of `ssgan_tf`. Importing it imports none of them; they
are imported when `run` is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssgan_tf.page.server import run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """Imports `run` on first use, so that the command's --help does not wait for TensorFlow."""
    if name == "run":
        from ssgan_tf.page import server

        return server.run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
