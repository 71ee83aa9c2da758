"""Serves an export over HTTP with TensorFlow Serving's REST interface; see docs/serving.md.

    ssgan serve --model=runs/demo/export --port=8501

From Python, in the main thread:

    from ssgan_tf import serving

    serving.run("runs/demo/export", port=8501)

Modules, in the order in which a request meets them:

    server      the HTTP server, from binding the port to a graceful stop
    connections limits on connections, and errors of HTTP itself
    admission   limits on the work in progress and on the time that a client may take
    app         URLs, request headers, errors; bodies: requests while they arrive
    parsing     JSON -> arrays; tensors: one input; images: PNG and JPEG files
    batching    computation of many clients' requests together; model: the SavedModel
    responses   arrays -> JSON

The package needs tensorflow, numpy, pillow, fastapi, uvicorn, orjson and `ssgan_tf.editing`, but nothing else of
`ssgan_tf`. Importing it imports none of them; they are imported when `run` is first used.
"""

from typing import TYPE_CHECKING, Any

from ssgan_tf.serving.options import ServerOptions

if TYPE_CHECKING:
    from ssgan_tf.serving.server import run

__all__ = ["ServerOptions", "run"]


def __getattr__(name: str) -> Any:
    """Imports `run` on first use, so that the command's --help and errors in flags do not wait for TensorFlow."""
    if name == "run":
        from ssgan_tf.serving import server

        return server.run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
