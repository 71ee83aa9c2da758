"""Runs the HTTP server: from binding the port and loading the model to a graceful stop."""

import contextlib
import functools
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from ssgan_tf.editing import shipped_model
from ssgan_tf.serving.admission import AdmissionControl
from ssgan_tf.serving.app import make_app
from ssgan_tf.serving.batching import Batcher
from ssgan_tf.serving.model import ServedModel
from ssgan_tf.serving.options import ServerOptions

OnReady = Callable[[ServedModel, str], None]


def run(
    model: str | os.PathLike[str] | None = None,
    host: str = "127.0.0.1",
    port: int = 8501,
    *,
    name: str | None = None,
    options: ServerOptions | None = None,
    on_ready: OnReady | None = None,
) -> None:
    """Serves an export over HTTP until SIGINT (Ctrl-C) or SIGTERM.

    Must be called from the main thread, which receives the signals. After a signal, finishes the requests in progress,
    for at most `options.grace_seconds`, and returns.

    Args:
        model: Folder that `ssgan export` wrote; by default the model that comes with the package.
        host: Address to listen on; "0.0.0.0" for all addresses of this machine.
        port: Port to listen on; 0 for any free port.
        name: Model's name in URLs; by default the name of its run.
        options: Limits and batching; by default `ServerOptions()`.
        on_ready: Function that is called with the model and its URL once the server accepts requests.

    Raises:
        OSError: If the address is not available, or there is no export.
        ValueError: If an argument is out of range (the message begins with its name), or the export is damaged.

    Example:

        serving.run("runs/demo/export", port=8501, options=serving.ServerOptions(max_batch=16))
    """
    options = options or ServerOptions()
    with bind(host, port) as listener:
        served = ServedModel(os.fspath(model or shipped_model()), name)
        served.warm_up()
        with _stop_signals_ignored(), _objects_kept_from_gc(), contextlib.closing(
            Batcher(served.run, options.max_batch, options.batch_wait_ms / 1000, options.threads)
        ) as batcher:
            _serve(listener, served, batcher, options, on_ready)


def _serve(
    listener: socket.socket, model: ServedModel, batcher: Batcher, options: ServerOptions, on_ready: OnReady | None
) -> None:
    """Runs uvicorn on a bound socket until a signal."""
    app = make_app(model, batcher, options)
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=options.grace_seconds,
    )
    server = _Server(config, app)
    if on_ready:
        server.on_ready = functools.partial(on_ready, model, f"{_base_url(listener)}/v1/models/{model.name}")
    server.run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket bound to an address, which refuses connections until the server listens on it.

    Raises:
        OSError: If the address is in use or does not belong to this machine.
        ValueError: If the port is out of range.
    """
    if not 0 <= port < 65536:
        raise ValueError(f"port: expected a number from 0 to 65535. Received: {port}.")
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it many responses take 40 ms longer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"host {host}, port {port}: expected a free address. Received: {error}.") from None
    return listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextlib.contextmanager
def _objects_kept_from_gc() -> Iterator[None]:
    """Excludes all existing objects from garbage collection in the body.

    Scanning TensorFlow's many objects again and again took half the time of parsing large requests.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def _stop_signals_ignored() -> Iterator[None]:
    """Ignores SIGINT and SIGTERM in the body: uvicorn handles them, but raises them again once it has stopped."""
    previous = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """uvicorn's server; calls `on_ready` when it accepts requests, and tells admission control when it stops."""

    def __init__(self, config: uvicorn.Config, admission: AdmissionControl):
        super().__init__(config)
        self.on_ready: Callable[[], None] = lambda: None
        self._admission = admission

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._admission.stopping = True
        super().handle_exit(sig, frame)
