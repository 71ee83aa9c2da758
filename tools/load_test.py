"""Tests a server under load: errors, response times, images per second, and the server's memory.

    .venv/bin/python tools/load_test.py
    .venv/bin/python tools/load_test.py --model=runs/demo/export --signature=encode --image_format=png
    .venv/bin/python tools/load_test.py --url=http://127.0.0.1:8501/v1/models/demo --pid=1234

Starts a server for --model (default: the model that comes with the package) and stops it at the end. With --url it
tests a server that is already running, ours or TensorFlow Serving.

Every client sends its next request as soon as it has a response. Some responses are compared with the server's response
to the same request sent alone, which would reveal a response to another client's request. Clients and server share the
same processors. Exits with 1 if any response was an error.
"""

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `tools` importable from any folder

import numpy as np

from ssgan_tf.utils.program import ArgumentParser
from tools.load_testing.clients import Clients, Request
from tools.load_testing.protocol import connect, decode_outputs, random_inputs, send

ROOT = Path(__file__).resolve().parents[1]
REQUESTS = 16  # number of different requests, each of which is sent alone first
# In a larger batch TensorFlow may add numbers in another order. In units of the largest value, if that is above 1.
TOLERANCE = 1e-5
PIXEL_TOLERANCE = 1.01 / 255  # a value may be rounded to the next of the 255 levels


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    add = parser.add_argument

    # Server.
    add("--model", help="export to start a server for (default: the model that comes with the package)")
    add("--url", help="address of a model of a running server, http://HOST:PORT/v1/models/NAME")
    add("--pid", type=int, help="process id of that server, to measure its memory and processor time")
    add("--server", action="append", default=[], help="flag for the server to start; may be repeated")

    # Requests.
    add("--signature", default="generate", help="signature to request (default: %(default)s)")
    add("--image_format", choices=["png"], help="send and receive images as PNG instead of numbers")
    add("--clients", type=int, default=64, help="number of clients (default: %(default)s)")
    add("--rows", type=int, default=1, help="rows of each request (default: %(default)s)")
    add("--seconds", type=float, default=60.0, help="length of the test (default: %(default)s)")
    return parser


def check(options: argparse.Namespace) -> None:
    """Raises ValueError if a flag is out of range or cannot be combined with another."""
    if options.model and options.url:
        raise ValueError("expected either --model or --url. Received: both.")
    if min(options.clients, options.rows) < 1 or not options.seconds > 0:
        raise ValueError("--clients, --rows and --seconds: expected numbers above 0.")


def start_server(options: argparse.Namespace, log: Path) -> tuple[subprocess.Popen, str]:
    """Starts a server on a free port; returns its process and the address of its model.

    Raises:
        ValueError: It did not start.
    """
    model = [f"--model={options.model}"] if options.model else []
    words = [sys.executable, "-m", "ssgan_tf.serving", *model, "--port=0", *options.server]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with open(log, "wb") as file:
        process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": path})
    while process.poll() is None:
        found = re.search(r"at (http://\S+) ", log.read_text())
        if found:
            return process, found[1]
        time.sleep(0.1)
    raise ValueError(f"the server did not start: {log.read_text().strip().removeprefix('error: ')}")


def make_requests(options: argparse.Namespace, url: urllib.parse.SplitResult) -> tuple[list[Request], float]:
    """Makes random requests and sends each alone; returns them with the tolerance of later comparisons.

    Raises:
        ValueError: There is no such model or signature, or the server refuses a request.
    """
    connection, rng = connect(url), np.random.default_rng(0)
    status, body = send(connection, "GET", f"{url.path}/metadata")
    if status != 200:
        raise ValueError(f"url: expected the address of a model. Received: {status} {body[:200]!r}.")
    signatures = json.loads(body)["metadata"]["signature_def"]["signature_def"]
    png = options.image_format == "png"
    outputs = signatures.get(options.signature, {}).get("outputs", {})
    extra = {"image_format": "png"} if png and {"image", "images"} & set(outputs) else {}
    requests = []
    for _ in range(REQUESTS):
        inputs = random_inputs(signatures, options.signature, options.rows, png, rng)
        request = json.dumps({"signature_name": options.signature, "inputs": inputs, **extra}).encode()
        status, body = send(connection, "POST", f"{url.path}:predict", request)
        if status != 200:
            raise ValueError(f"the first request was refused, {status}: {body[:300].decode(errors='replace')}")
        requests.append(Request(request, decode_outputs(body)))
    connection.close()
    return requests, PIXEL_TOLERANCE if extra else TOLERANCE


def memory(pid: int | None) -> float:
    """Returns the resident memory of a process in MiB; NaN if it is not known."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else float("nan")
    except OSError:
        return float("nan")


def processor_seconds(pid: int | None) -> float:
    """Returns the processor time that a process has used, in seconds; NaN if it is not known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return float("nan")


def report(options: argparse.Namespace, clients: Clients, seconds: float, rss: Sequence[float], used: float) -> int:
    """Prints the table; returns the exit code, 1 if any response was an error.

    Args:
        options: Flags.
        clients: Clients after their run.
        seconds: Length of the run.
        rss: Memory of the server in MiB at its start, after a third, and at its end.
        used: Processor time of the server in seconds.
    """
    counts = dict(clients.counts)
    good, refused = counts.pop("200", 0), counts.pop("429", 0)
    errors = {outcome: count for outcome, count in counts.items() if count}
    p50, p99 = np.percentile(clients.times, [50, 99]) * 1000 if clients.times else (float("nan"),) * 2
    cells = {
        "request": options.signature + (f", {options.image_format}" if options.image_format else ""),
        "clients": options.clients,
        "rows": options.rows,
        "seconds": f"{seconds:.0f}",
        "responses": f"{good:,}",
        "429": refused,
        "errors": sum(errors.values()),
        "p50 ms": f"{p50:.0f}",
        "p99 ms": f"{p99:.0f}",
        "images/s": f"{good * options.rows / seconds:.0f}",
        "CPU ms/image": f"{1000 * used / max(1, good * options.rows):.1f}",
        "RSS MiB, start": f"{rss[0]:.0f}",
        "after a third": f"{rss[1]:.0f}",
        "end": f"{rss[2]:.0f}",
    }
    print("| " + " | ".join(cells) + " |\n|" + "---|" * len(cells))
    print("| " + " | ".join(map(str, cells.values())) + " |")
    print(f"{clients.compared:,} responses compared, largest difference {clients.largest:.2g}.", end=" ")
    print(f"Errors: {errors or 'none'}.")
    return 1 if errors or not good else 0


def measure(options: argparse.Namespace, address: str, pid: int | None) -> int:
    """Runs the clients and prints the table; returns the exit code.

    Raises:
        ValueError, OSError, HTTPException: The server cannot be reached or refuses the first requests.
    """
    load_before = os.getloadavg()[0]
    url = urllib.parse.urlsplit(address)
    clients = Clients(url, *make_requests(options, url))

    # Run, and read the server's memory after a third of the time.
    rss, used = [memory(pid), float("nan")], processor_seconds(pid)

    def read_memory() -> None:
        rss[1] = memory(pid)

    timer = threading.Timer(options.seconds / 3, read_memory)
    timer.start()
    seconds = clients.run(options.clients, options.seconds)
    timer.join()
    print(f"{os.cpu_count()} processors; load average before: {load_before:.1f}")
    return report(options, clients, seconds, [*rss, memory(pid)], processor_seconds(pid) - used)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tests the server; returns the exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        check(options)
        if options.url:
            try:
                return measure(options, options.url, options.pid)
            except (OSError, http.client.HTTPException) as error:
                raise ValueError(f"url: {options.url} does not answer: {error}") from error
        with tempfile.TemporaryDirectory() as scratch:
            process, url = start_server(options, Path(scratch) / "log")
            try:
                return measure(options, url, process.pid)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
    except ValueError as error:
        parser.stop(error)


if __name__ == "__main__":
    sys.exit(main())
