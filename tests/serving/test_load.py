"""Runs tools/load_test.py for a second or two: its counts, and its exit code when something is wrong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ENVIRONMENT, ROOT, Server


def load_test(*flags: str) -> subprocess.CompletedProcess:
    words = [sys.executable, str(ROOT / "tools" / "load_test.py"), *flags]
    return subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)


def cells(process: subprocess.CompletedProcess) -> dict[str, str]:
    """Returns {column: value} of the table's only row."""
    head, _, row = process.stdout.splitlines()[1:4]
    names, values = ([cell.strip() for cell in line.strip("|").split("|")] for line in (head, row))
    return dict(zip(names, values, strict=True))


def test_many_clients_of_a_server_that_it_starts_itself(exported: Path) -> None:
    process = load_test(f"--model={exported}", "--seconds=2", "--clients=16", "--rows=2")
    assert process.returncode == 0, process.stdout + process.stderr
    found = cells(process)
    assert (found["request"], found["clients"], found["errors"], found["429"]) == ("generate", "16", "0", "0")
    responses = int(found["responses"].replace(",", ""))
    assert responses >= 16 and float(found["p99 ms"]) >= float(found["p50 ms"]) > 0
    assert float(found["images/s"]) == pytest.approx(responses * 2 / float(found["seconds"]), rel=0.5)
    assert float(found["end"]) > 100 and float(found["CPU ms/image"]) > 0
    compared = re.search(r"([\d,]+) responses compared, largest difference (\S+)\. Errors: none\.", process.stdout)
    assert compared and int(compared[1].replace(",", "")) > 0 and float(compared[2]) <= 1e-5


def test_images_in_both_directions_with_a_running_server(export_server: Server) -> None:
    url = f"http://127.0.0.1:{export_server.port}{export_server.base}"
    for signature in ("encode", "generate"):
        process = load_test(
            f"--url={url}", "--seconds=1", "--clients=2", "--image_format=png", f"--signature={signature}"
        )
        assert process.returncode == 0, process.stdout + process.stderr
        assert cells(process)["request"] == f"{signature}, png"


def test_refusals_are_counted_and_a_wrong_response_is_an_error(toy_server: Server) -> None:
    url = f"http://127.0.0.1:{toy_server.port}{toy_server.base}"
    process = load_test(f"--url={url}", "--seconds=1", "--clients=24", "--signature=batch_size")
    # This signature returns the number of rows in its batch, which is not the same alone and with other requests.
    assert process.returncode == 1 and "'wrong response'" in process.stdout, process.stdout + process.stderr
    assert int(cells(process)["429"]) > 0  # 24 clients, room for 16


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model=/nowhere", "--url=http://127.0.0.1:9/v1/models/x"], "either --model or --url"),
        (["--url=http://127.0.0.1:9/v1/models/x"], "does not answer"),
        (["--model=/nowhere"], "ssgan export"),
        (["--model=/nowhere", "--clients=0"], "--clients"),
    ],
)
def test_bad_input_is_named_in_one_line(flags: list[str], words: str) -> None:
    process = load_test(*flags)
    assert process.returncode == 2 and process.stderr.startswith("error: "), process.stderr
    assert words in process.stderr and process.stderr.count("\n") == 1
