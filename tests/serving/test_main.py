"""The command and `serving.run`: flags, errors, exit codes, and what they import."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from ssgan_tf import serving
from ssgan_tf.serving.__main__ import main
from ssgan_tf.serving.model import ServedModel
from tests.support.servers import SECONDS

HEAVY = ["tensorflow", "numpy", "fastapi", "uvicorn"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model={empty}"], "ssgan export"),
        (["--model={toy}", "--port={taken}"], "expected a free address"),
        (["--model={toy}", "--port=65536"], "--port: expected a number from 0 to 65535. Received: 65536"),
        (["--model={toy}", "--name=a/b"], "--name: expected a name without"),
        (["--model={toy}", "--max_queue=8"], "--max_queue: expected at least max_batch (64). Received: 8"),
        (["--model={toy}", "--max_connections=0"], "--max_connections: expected a number above 0. Received: 0"),
        (["--model={toy}", "--max_body_mib=inf"], "--max_body_mib: expected a number above 0. Received: inf"),
        (["--model={toy}", "--threads=0"], "--threads: expected a number above 0"),
        (["--model={toy}", "--batch_wait_ms=-1"], "--batch_wait_ms: expected a number of at least 0. Received: -1"),
        (["--model={toy}", "--max_batch=many"], "--max_batch"),
        (["--model={toy}", "--nmae=x"], "--nmae=x"),
    ],
)
def test_bad_input_is_named_in_one_line(flags, words, toy: Path, tmp_path: Path, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        places = {"toy": toy, "empty": tmp_path, "taken": taken.getsockname()[1]}
        port = [] if any("port" in flag for flag in flags) else ["--port=0"]
        code = main([flag.format(**places) for flag in flags] + port)
    out, error = capsys.readouterr()
    assert (code, out) == (2, "")
    assert error.startswith("error: ") and error.count("\n") == 1 and words in error, error


def test_run_raises_what_the_command_prints(toy: Path) -> None:
    with pytest.raises(ValueError, match="^name: expected a name without"):
        serving.run(toy, port=0, name="a/b")
    with pytest.raises(ValueError, match="^max_queue: expected at least max_batch"):
        serving.ServerOptions(max_queue=8)


def test_run_serves_until_a_signal_and_restores_the_handlers(toy: Path) -> None:
    statuses: list[dict] = []
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def ask_and_stop(url: str) -> None:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as response:
                statuses.append(json.load(response))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_ready(model: ServedModel, url: str) -> None:
        assert "half" in model.signatures
        threading.Thread(target=ask_and_stop, args=[url]).start()

    serving.run(toy, port=0, name="mine", on_ready=on_ready)
    assert [status["model_version_status"][0]["version"] for status in statuses] == ["7"]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


@pytest.mark.parametrize(
    "statement",
    [
        "import ssgan_tf.serving",
        "import runpy; runpy.run_module('ssgan_tf.serving', run_name='__main__', alter_sys=True)",
    ],
    ids=["import", "--help"],
)
def test_the_package_and_its_help_import_nothing_heavy(statement: str, repository: Path) -> None:
    code = f"""
import atexit, sys
sys.argv[1:] = ["--help"]
atexit.register(lambda: print("imported:", [name for name in {HEAVY} if name in sys.modules]))
{statement}
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported: []"
    assert ("--max_batch" in done.stdout) == ("runpy" in statement)
