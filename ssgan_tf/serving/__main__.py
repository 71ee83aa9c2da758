"""Serves an export over HTTP until ctrl-C or SIGTERM; docs/serving.md says how to ask.

    python -m ssgan_tf.serving --model=runs/demo/export --port=8501
"""

import argparse
import gc
import os
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow is first imported

import uvicorn  # noqa: E402

from ssgan_tf.editing import shipped_model  # noqa: E402
from ssgan_tf.serving.app import Limits, make_app  # noqa: E402
from ssgan_tf.serving.batching import Batcher  # noqa: E402
from ssgan_tf.serving.admission import Door  # noqa: E402
from ssgan_tf.serving.model import Served  # noqa: E402


def stop(message: object) -> NoReturn:
    """Ends the program with one line that says what is wrong with the input."""
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, without the usage."""

    def error(self, message: str) -> NoReturn:
        stop(f"{message} (see --help)")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = Parser(prog="ssgan_tf.serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder that `python -m ssgan_tf.export` wrote (the one of the package)")
    parser.add_argument("--name", help="what clients call the model (the name of its run)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8501, help="0 takes a free one (8501)")
    parser.add_argument("--max_body_mib", type=float, default=16.0, help="largest request, in MiB (16)")
    parser.add_argument("--max_batch", type=int, default=64, help="images of a request, and computed at once (64)")
    parser.add_argument("--max_queue", type=int, default=256, help="rows of all requests inside at once (256)")
    parser.add_argument("--batch_wait_ms", type=float, default=2.0, help="how long a request waits for others (2)")
    parser.add_argument("--threads", type=int, default=1, help="batches computed at a time (1)")
    parser.add_argument("--client_seconds", type=float, default=30.0, help="for a client to send its request (30)")
    parser.add_argument("--grace_seconds", type=int, default=30, help="to finish what is in flight when stopped (30)")
    options = parser.parse_args(arguments)
    positive = ("max_body_mib", "max_batch", "max_queue", "threads", "client_seconds", "grace_seconds")
    if low := [name for name in positive if not getattr(options, name) > 0]:
        stop(f"--{low[0]}: expected a number above 0. Received: {getattr(options, low[0])}.")
    if options.batch_wait_ms < 0 or not 0 <= options.port < 65536:
        stop("--batch_wait_ms and --port: expected numbers from 0 on, a port below 65536.")
    if options.max_queue < options.max_batch:
        stop(f"--max_queue: expected --max_batch ({options.max_batch}) or more. Received: {options.max_queue}.")
    return options


class Server(uvicorn.Server):
    """uvicorn, which says when it is ready, and stops without an error when it is told to."""

    def __init__(self, config: uvicorn.Config, door: Door, ready: str):
        super().__init__(config)
        self._door = door
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._ready, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._door.stopping = True
        super().handle_exit(sig, frame)


def reserve(host: str, port: int) -> socket.socket:
    """A socket with that address, which refuses connections until the server is ready.

    Raises:
        OSError: if the address is not this machine's, or taken.
    """
    # The protocol is named because asyncio sends at once (TCP_NODELAY) only where it is: 40 ms for many an answer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind((host, port))
    return place


def main(options: argparse.Namespace) -> int:
    """Serves until a signal; returns the exit code."""
    try:
        place = reserve(options.host, options.port)
    except OSError as error:
        stop(f"--host={options.host} and --port={options.port}: expected a free address. Received: {error}.")
    try:
        model = Served(options.model or shipped_model(), options.name)
    except (OSError, ValueError) as error:
        stop(error)
    model.warm_up()
    gc.collect()
    gc.freeze()  # looking through TensorFlow's objects again and again cost half the time of reading large requests
    limits = Limits(int(options.max_body_mib * 2**20), options.max_batch, options.max_queue, options.client_seconds)
    batcher = Batcher(model.run, options.max_batch, options.batch_wait_ms / 1000, options.threads)
    door = make_app(model, batcher, limits)
    host, port = place.getsockname()[:2]
    at = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1/models/{model.name}"
    ready = f"Serving version {model.version} at {at} ({', '.join(sorted(model.signatures))}); ctrl-C stops it."
    config = uvicorn.Config(
        door,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=options.grace_seconds,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises the signal again once it has stopped
        signal.signal(number, lambda *_: None)
    try:
        Server(config, door, ready).run(sockets=[place])
    finally:
        batcher.close()
    print("Stopped.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(parse()))
