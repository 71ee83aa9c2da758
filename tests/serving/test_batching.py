"""Micro-batching: which requests share a batch, and that the outputs do not depend on it."""

import concurrent.futures
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.serving.batching import Batcher
from ssgan_tf.serving.errors import RequestError
from ssgan_tf.serving.model import Arrays, ServedModel
from ssgan_tf.serving.parsing import PredictRequest
from tests.support.servers import Server


def rows(*values: float, signature: str = "half", **inputs: np.ndarray) -> PredictRequest:
    """Returns a request with one row for each of the values."""
    arrays = {"x": np.array(values, np.float32), **inputs}
    return PredictRequest(signature, arrays, len(values), len(values))


class Halves:
    """Model that halves numbers and refuses negative ones; it records its batches and can be held up."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[float]]] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, signature: str, inputs: Arrays) -> Arrays:
        self.open.wait(60)
        self.batches.append((signature, inputs["x"].tolist()))
        if (inputs["x"] < 0).any():
            raise RequestError(400, f"negative: {inputs['x'].min():g}")
        if signature == "sum":
            return {"sum": inputs["x"].sum()}
        return {"y": inputs["x"] / 2}


@pytest.fixture
def halves() -> Halves:
    return Halves()


@pytest.fixture
def batcher_of(halves: Halves) -> Iterator[Callable[..., Batcher]]:
    made: list[Batcher] = []

    def make(max_batch: int = 8, wait_s: float = 0.0) -> Batcher:
        made.append(Batcher(halves, max_batch, wait_s))
        return made[-1]

    yield make
    halves.open.set()
    for batcher in made:
        batcher.close()


def submit_behind(halves: Halves, batcher: Batcher, *requests: PredictRequest) -> list[concurrent.futures.Future]:
    """Submits requests while the thread is busy with another one, so that all of them wait; then lets it continue."""
    halves.open.clear()
    first = batcher.submit(rows(100))
    while not first.running():
        time.sleep(0.001)
    answers = [batcher.submit(request) for request in requests]
    halves.open.set()
    first.result(60)
    return answers


def test_requests_that_wait_together_share_a_batch_and_get_their_own_outputs(halves, batcher_of) -> None:
    requests = [rows(1), rows(2, 3, 4), rows(5), rows(6, 7, 8)]
    answers = submit_behind(halves, batcher_of(), *requests)
    for request, answer in zip(requests, answers, strict=True):
        np.testing.assert_array_equal(answer.result(60)["y"], request.inputs["x"] / 2)
    assert halves.batches[1:] == [("half", [1, 2, 3, 4, 5, 6, 7, 8])]


def test_no_batch_is_larger_than_allowed_and_no_request_is_overtaken(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(max_batch=4), rows(1), rows(2), rows(3, 4, 5), rows(6))
    assert [answer.result(60)["y"].tolist() for answer in answers] == [[0.5], [1], [1.5, 2, 2.5], [3]]
    assert [x for _, x in halves.batches[1:]] == [[1, 2], [3, 4, 5, 6]]


def test_batches_are_trimmed_to_a_few_sizes(halves, batcher_of) -> None:
    for answer in submit_behind(halves, batcher_of(max_batch=64), *map(rows, range(1, 24)), rows(24, 25, 26)):
        answer.result(60)
    assert [x for _, x in halves.batches[1:]] == [
        list(range(1, 17)),
        list(range(17, 21)),
        [21, 22],
        [23, 24, 25, 26],
    ]


def test_only_requests_of_the_same_kind_share_a_batch(halves, batcher_of) -> None:
    steps = {n: np.array([n], np.int32) for n in (2, 3)}
    wide = np.zeros([1, 5], np.float32)
    requests = [
        rows(1),
        rows(2, signature="other"),
        rows(3, steps=steps[2]),
        rows(4, steps=steps[3]),
        rows(5, steps=steps[2]),
        rows(6, steps=np.array(2, np.int32)),  # one number for all rows: the input has no rows
        rows(7, style=wide),
        rows(8, style=wide[:, :4]),
        rows(9),
        rows(10, 11, steps=np.array([2, 3], np.int32)),
    ]
    for answer in submit_behind(halves, batcher_of(max_batch=64), *requests):
        answer.result(60)
    assert sorted(x for _, x in halves.batches[1:]) == [[1, 9], [2], [3, 5], [4], [6], [7], [8], [10, 11]]


def test_requests_of_several_kinds_that_wait_together_are_all_answered(halves, batcher_of) -> None:
    steps = {n: np.array([n, n], np.int32) for n in (3, 5)}
    style, styles = np.zeros([2, 4], np.float32), np.zeros([2, 6, 4], np.float32)
    requests = [rows(i, i, steps=steps[n]) for i, n in enumerate((3, 5, 3))]
    requests += [rows(i, i, style=value.copy()) for i, value in enumerate((style, styles, style, styles), 3)]
    answers = submit_behind(halves, batcher_of(max_batch=64), *requests)
    assert [answer.result(10)["y"].tolist() for answer in answers] == [[i / 2] * 2 for i in range(7)]
    assert sorted(x for _, x in halves.batches[1:]) == [[0, 0, 2, 2], [1, 1], [3, 3, 5, 5], [4, 4, 6, 6]]


def test_requests_of_one_kind_do_not_overtake_an_older_one_of_another(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(max_batch=64), rows(1), rows(2), rows(3, signature="other"), rows(4))
    for answer in answers:
        answer.result(60)
    assert [x for _, x in halves.batches[1:]] == [[1, 2], [3], [4]]  # 3 rows are trimmed to 2


def test_only_the_request_at_fault_gets_the_error(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(), rows(1), rows(-2), rows(3))
    assert answers[0].result(60)["y"] == 0.5 and answers[2].result(60)["y"] == 1.5
    with pytest.raises(RequestError, match="negative: -2"):
        answers[1].result(60)


def test_requests_whose_outputs_have_no_rows_are_computed_one_by_one(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(), rows(1, 2, signature="sum"), rows(3, 4, signature="sum"))
    assert [answer.result(60)["sum"] for answer in answers] == [3, 7]


def test_the_first_request_waits_for_others_no_longer_than_wait_s(halves, batcher_of) -> None:
    batcher = batcher_of(wait_s=0.5, max_batch=4)
    start = time.monotonic()
    batcher.submit(rows(1)).result(60)
    assert time.monotonic() - start >= 0.5
    start = time.monotonic()
    for answer in [batcher.submit(rows(2)), batcher.submit(rows(3, 4, 5))]:  # a full batch does not wait
        answer.result(60)
    assert halves.batches[-1] == ("half", [2, 3, 4, 5]) and time.monotonic() - start < 0.5


def test_close_computes_waiting_requests_and_accepts_no_more(halves, batcher_of) -> None:
    batcher = batcher_of(wait_s=30)
    answers = [batcher.submit(rows(1)), batcher.submit(rows(2, signature="other"))]
    batcher.close()
    assert [answer.result(0)["y"].tolist() for answer in answers] == [[0.5], [1]]
    with pytest.raises(RequestError, match="stopping"):
        batcher.submit(rows(3))


def test_a_cancelled_request_is_not_computed(halves, batcher_of) -> None:
    halves.open.clear()
    batcher = batcher_of()
    first = batcher.submit(rows(1))
    while not first.running():
        time.sleep(0.001)
    request = rows(2)
    second, third = batcher.submit(request), batcher.submit(rows(3))
    data = weakref.ref(request.inputs["x"])
    del request
    assert second.cancel()
    assert data() is None  # at once, although the thread is busy
    halves.open.set()
    assert third.result(60)["y"] == 1.5 and halves.batches == [("half", [1]), ("half", [3])]


def test_when_a_thread_ends_every_request_gets_an_error_in_bounded_time(halves, batcher_of, monkeypatch) -> None:
    batcher = batcher_of()

    def fail(jobs: object) -> None:
        raise MemoryError("a bug")

    halves.open.clear()
    first = batcher.submit(rows(100))
    while not first.running():
        time.sleep(0.001)
    monkeypatch.setattr(batcher, "_resolve", fail)
    answers = [batcher.submit(rows(1)), batcher.submit(rows(2, signature="other"))]
    cancelled = batcher.submit(rows(3))
    cancelled.cancel()
    halves.open.set()
    assert first.result(60)["y"] == 50
    for answer in answers:
        with pytest.raises(RequestError, match="must be restarted") as caught:
            answer.result(10)
        assert caught.value.status == 500
    assert batcher.failed
    with pytest.raises(RequestError, match="must be restarted") as caught:
        batcher.submit(rows(4))
    assert caught.value.status == 503
    batcher.close()


def test_more_threads_than_can_be_started_are_refused(halves, monkeypatch) -> None:
    start, count = threading.Thread.start, threading.active_count()

    def fail(thread: threading.Thread) -> None:
        if thread.name == "inference-2":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(ValueError, match=r"threads: expected .* \(it started 2\)\. Received: 5"):
        Batcher(halves, 8, 0, threads=5)
    assert threading.active_count() == count


def test_clients_of_a_server_share_batches(toy_server: Server) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda i: toy_server.predict("batch_size", instances=[[i, i]]).json, range(8)))
    sizes = [answer["predictions"][0] for answer in answers]
    assert max(sizes) > 1 and max(sizes) <= 8, sizes


def test_the_outputs_of_a_row_do_not_depend_on_the_values_of_other_rows(exported) -> None:
    model = ServedModel(str(exported))
    rng = np.random.default_rng(0)
    first, second = (
        {
            name: rng.standard_normal([8, 6]) if name == "noise" else rng.uniform(size=[8, *spec.shape[1:]])
            for name, spec in model.signatures["generate"].inputs.items()
        }
        for _ in range(2)
    )
    for name, values in first.items():
        second[name][5] = values[2]  # at another position, among other rows
    images = [
        model.run("generate", {name: values.astype(np.float32) for name, values in inputs.items()})["image"]
        for inputs in (first, second)
    ]
    np.testing.assert_array_equal(images[0][2], images[1][5])
    assert (images[0] != images[1]).any(axis=(1, 2, 3)).all()  # all other rows differ


def test_a_row_of_an_export_does_not_depend_on_the_batch_it_shares(export_server: Server, exported) -> None:
    rng = np.random.default_rng(0)
    noise, code = rng.standard_normal([64, 6]).astype(np.float32), rng.uniform(size=[64, 2]).astype(np.float32)
    model = tf.saved_model.load(str(exported / "1")).signatures["generate"]
    extra = {"truncation": tf.ones([1])} if "truncation" in model.structured_input_signature[1] else {}
    alone = [model(noise=noise[i : i + 1], code=code[i : i + 1], **extra)["image"].numpy()[0] for i in range(64)]

    def generate(i: int) -> np.ndarray:
        row = {"noise": noise[i].tolist(), "code": code[i].tolist(), **dict.fromkeys(extra, 1.0)}
        if i % 4 == 3:
            row["code"] = [0.5, 7.0]  # out of range: refused, while other requests in the batch are not
        answer = export_server.predict("generate", instances=[row])
        assert answer.status == (400 if i % 4 == 3 else 200)
        return np.asarray(answer.json.get("predictions", [alone[i]])[0], np.float32)

    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        together = list(clients.map(generate, range(64)))
    # Only rounding may differ: TensorFlow chooses the order of its sums by the number of rows in the batch.
    np.testing.assert_allclose(together, alone, rtol=0, atol=3e-6 * np.abs(alone).max())
