"""Runs the HTTP server: from binding the port and loading the model to a graceful stop."""

import contextlib
import functools
import gc
import logging
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
from ssgan_tf.serving.connections import ACCEPTS, LogRateLimit, count_affordable_connections, limit_connections
from ssgan_tf.serving.model import ServedModel
from ssgan_tf.serving.options import ServerOptions

_LISTEN_QUEUE = 1024  # connections that wait to be accepted; beyond it, clients try again by themselves
_LOGGER = logging.getLogger("uvicorn.error")  # the server's log

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
        with _stop_signals_ignored(), _objects_kept_from_gc(), _log_rate_limited(), contextlib.closing(
            Batcher(served.run, options.max_batch, options.batch_wait_ms / 1000, options.threads)
        ) as batcher:
            server = make_server(served, batcher, options)
            if on_ready:
                url = f"{_base_url(listener)}/v1/models/{served.name}"
                server.on_ready = functools.partial(on_ready, served, url)
            server.run(sockets=[listener])


def make_server(model: ServedModel, batcher: Batcher, options: ServerOptions) -> "Server":
    """Builds the HTTP server of a model; its `run` takes a bound socket."""
    max_connections = min(options.max_connections, count_affordable_connections())
    app = make_app(model, batcher, options)
    config = uvicorn.Config(
        app,
        http=limit_connections(max_connections, options.client_seconds),
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        backlog=ACCEPTS,
        timeout_graceful_shutdown=options.grace_seconds,
    )
    if max_connections < options.max_connections:
        reason = "because of the limit on open files (ulimit -n)"
        _LOGGER.error("max_connections: %d instead of %d, %s.", max_connections, options.max_connections, reason)
    return Server(config, app)


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


@contextlib.contextmanager
def _log_rate_limited() -> Iterator[None]:
    """Limits the rate of the server's log in the body."""
    limit, loggers = LogRateLimit(), [_LOGGER, logging.getLogger("asyncio")]
    for logger in loggers:
        logger.addFilter(limit)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(limit)


class Server(uvicorn.Server):
    """uvicorn's server; calls `on_ready` when it accepts requests, and tells admission control when it stops."""

    def __init__(self, config: uvicorn.Config, admission: AdmissionControl):
        super().__init__(config)
        self.on_ready: Callable[[], None] = lambda: None
        self._admission = admission

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen; a long queue of the system takes the connections that wait to be accepted."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_LISTEN_QUEUE)
        self.on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops the server after a signal."""
        self._admission.stopping = True
        super().handle_exit(sig, frame)
