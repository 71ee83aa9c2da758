"""Serves an export over HTTP with TensorFlow Serving's REST interface; see docs/serving.md.

    ssgan serve --model=runs/demo/export --port=8501

From Python, in the main thread:

    from ssgan_tf import serving

    serving.run("runs/demo/export", port=8501)

Modules, in the order in which a request meets them:

    server      the HTTP server, from binding the port to a graceful stop
    admission   limits the work in progress and the time that a client may take
    app         URLs, request headers, errors
    parsing     JSON -> arrays; tensors: one input; images: PNG and JPEG files
    batching    computes the requests of many clients together; model: the SavedModel
    responses   arrays -> JSON

The package needs tensorflow, numpy, pillow, fastapi, uvicorn, orjson and `ssgan_tf.editing`, and nothing else of
`ssgan_tf`. Importing it imports none of them: `run` does, when it is first used.
"""

from typing import TYPE_CHECKING, Any

from ssgan_tf.serving.options import ServerOptions

if TYPE_CHECKING:
    from ssgan_tf.serving.server import run

__all__ = ["ServerOptions", "run"]


def __getattr__(name: str) -> Any:
    """Imports `run` on first use: it needs TensorFlow, which the command's --help and bad flags do not wait for."""
    if name == "run":
        from ssgan_tf.serving import server

        return server.run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
