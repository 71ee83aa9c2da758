"""Web page on which images are labelled by keyboard: `ssgan label`, or from Python:

    from ssgan_tf import label

    label.run("photos", factors="shape=cube,ball;size=0..1")
    label.merge(["ann.csv", "bob.csv"], "both.csv")

Pure modules: `factors` (what is asked), `table` (labels.csv), `answers` (answers, skips, undo, progress), `proposals`
(the next image), `merging` (tables of several people). `images` reads the image files, `guesses` asks trained models,
and `background` keeps both out of the way of the keyboard. `session` is what the page calls, `server` runs it, and
page.html, page.css and page.js are shown. The package needs gradio, numpy, pillow and `ssgan_tf.editing`; TensorFlow is
imported only to load a model, once the page is open.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssgan_tf.label.merging import merge
    from ssgan_tf.label.server import run

__all__ = ["merge", "run"]


def __getattr__(name: str) -> Any:
    """Imports a function on first use, so that the command's --help answers at once."""
    if name == "run":
        from ssgan_tf.label import server

        return server.run
    if name == "merge":
        from ssgan_tf.label import merging

        return merging.merge
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
