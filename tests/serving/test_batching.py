"""Micro-batching: who is computed with whom, and that nobody can tell by the answer."""

import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.serving.batching import Batcher
from ssgan_tf.serving.errors import RequestError
from ssgan_tf.serving.model import Arrays, Served
from ssgan_tf.serving.parsing import Call
from tests.support.servers import Server


def call(*values: float, signature: str = "half", **inputs: np.ndarray) -> Call:
    """A question of a row for each of the values."""
    arrays = {"x": np.array(values, np.float32), **inputs}
    return Call(signature, arrays, len(values), len(values))


class Halves:
    """A model that halves, refuses negative numbers, keeps what it was asked, and can be held up."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[float]]] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, signature: str, inputs: Arrays) -> Arrays:
        self.open.wait(60)
        self.asked.append((signature, inputs["x"].tolist()))
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


def submit_behind(halves: Halves, batcher: Batcher, *calls: Call) -> list[concurrent.futures.Future]:
    """Submits them while the thread is busy with another, so that all of them wait; then lets it go on."""
    halves.open.clear()
    first = batcher.submit(call(100))
    while not first.running():
        time.sleep(0.001)
    answers = [batcher.submit(one) for one in calls]
    halves.open.set()
    first.result(60)
    return answers


def test_what_waits_together_is_computed_together_and_answered_apart(halves, batcher_of) -> None:
    calls = [call(1), call(2, 3, 4), call(5), call(6, 7, 8)]
    answers = submit_behind(halves, batcher_of(), *calls)
    for one, answer in zip(calls, answers, strict=True):
        np.testing.assert_array_equal(answer.result(60)["y"], one.inputs["x"] / 2)
    assert halves.asked[1:] == [("half", [1, 2, 3, 4, 5, 6, 7, 8])]


def test_no_batch_is_larger_than_allowed_and_nobody_is_overtaken(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(max_batch=4), call(1), call(2), call(3, 4, 5), call(6))
    assert [answer.result(60)["y"].tolist() for answer in answers] == [[0.5], [1], [1.5, 2, 2.5], [3]]
    assert [x for _, x in halves.asked[1:]] == [[1, 2], [3, 4, 5, 6]]


def test_batches_have_usual_sizes_where_that_can_be(halves, batcher_of) -> None:
    for answer in submit_behind(halves, batcher_of(max_batch=64), *map(call, range(1, 24)), call(24, 25, 26)):
        answer.result(60)
    assert [x for _, x in halves.asked[1:]] == [
        list(range(1, 17)),
        list(range(17, 21)),
        [21, 22],
        [23, 24, 25, 26],
    ]


def test_only_what_goes_together_is_joined(halves, batcher_of) -> None:
    steps = {n: np.array([n], np.int32) for n in (2, 3)}
    wide = np.zeros([1, 5], np.float32)
    calls = [
        call(1),
        call(2, signature="other"),
        call(3, steps=steps[2]),
        call(4, steps=steps[3]),
        call(5, steps=steps[2]),
        call(6, steps=np.array(2, np.int32)),  # for all rows, so it has no row of its own
        call(7, style=wide),
        call(8, style=wide[:, :4]),
        call(9),
        call(10, 11, steps=np.array([2, 3], np.int32)),
    ]
    for answer in submit_behind(halves, batcher_of(max_batch=64), *calls):
        answer.result(60)
    assert sorted(x for _, x in halves.asked[1:]) == [[1, 9], [2], [3, 5], [4], [6], [7], [8], [10, 11]]


def test_the_one_at_fault_hears_why_and_the_others_get_their_answers(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(), call(1), call(-2), call(3))
    assert answers[0].result(60)["y"] == 0.5 and answers[2].result(60)["y"] == 1.5
    with pytest.raises(RequestError, match="negative: -2"):
        answers[1].result(60)


def test_outputs_without_rows_are_computed_one_by_one(halves, batcher_of) -> None:
    answers = submit_behind(halves, batcher_of(), call(1, 2, signature="sum"), call(3, 4, signature="sum"))
    assert [answer.result(60)["sum"] for answer in answers] == [3, 7]


def test_the_first_waits_for_others_no_longer_than_told(halves, batcher_of) -> None:
    batcher = batcher_of(wait_s=0.5, max_batch=4)
    start = time.monotonic()
    batcher.submit(call(1)).result(60)
    assert time.monotonic() - start >= 0.5
    start = time.monotonic()
    for answer in [batcher.submit(call(2)), batcher.submit(call(3, 4, 5))]:  # a full batch waits for nobody
        answer.result(60)
    assert halves.asked[-1] == ("half", [2, 3, 4, 5]) and time.monotonic() - start < 0.5


def test_close_computes_what_waits_and_takes_nothing_more(halves, batcher_of) -> None:
    batcher = batcher_of(wait_s=30)
    answers = [batcher.submit(call(1)), batcher.submit(call(2, signature="other"))]
    batcher.close()
    assert [answer.result(0)["y"].tolist() for answer in answers] == [[0.5], [1]]
    with pytest.raises(RequestError, match="stopping"):
        batcher.submit(call(3))


def test_what_was_cancelled_is_not_computed(halves, batcher_of) -> None:
    halves.open.clear()
    batcher = batcher_of()
    first = batcher.submit(call(1))
    while not first.running():
        time.sleep(0.001)
    second, third = batcher.submit(call(2)), batcher.submit(call(3))
    assert second.cancel()
    halves.open.set()
    assert third.result(60)["y"] == 1.5 and halves.asked == [("half", [1]), ("half", [3])]


def test_clients_of_a_server_share_batches(toy_server: Server) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda i: toy_server.predict("company", instances=[[i, i]]).json, range(8)))
    rows = [answer["predictions"][0] for answer in answers]
    assert max(rows) > 1 and max(rows) <= 8, rows


def test_the_values_of_its_neighbours_change_no_bit_of_a_row(exported) -> None:
    model = Served(str(exported))
    rng = np.random.default_rng(0)
    first, second = (
        {
            name: rng.standard_normal([8, 6]) if name == "noise" else rng.uniform(size=[8, *spec.shape[1:]])
            for name, spec in model.signatures["generate"].inputs.items()
        }
        for _ in range(2)
    )
    for name, values in first.items():
        second[name][5] = values[2]  # in another place, among others
    images = [
        model.run("generate", {name: values.astype(np.float32) for name, values in inputs.items()})["image"]
        for inputs in (first, second)
    ]
    np.testing.assert_array_equal(images[0][2], images[1][5])
    assert (images[0] != images[1]).any(axis=(1, 2, 3)).all()  # and all else differs


def test_a_row_of_an_export_never_depends_on_its_neighbours(export_server: Server, exported) -> None:
    rng = np.random.default_rng(0)
    noise, code = rng.standard_normal([64, 6]).astype(np.float32), rng.uniform(size=[64, 2]).astype(np.float32)
    model = tf.saved_model.load(str(exported / "1")).signatures["generate"]
    extra = {"truncation": tf.ones([1])} if "truncation" in model.structured_input_signature[1] else {}
    alone = [model(noise=noise[i : i + 1], code=code[i : i + 1], **extra)["image"].numpy()[0] for i in range(64)]

    def ask(i: int) -> np.ndarray:
        row = {"noise": noise[i].tolist(), "code": code[i].tolist(), **dict.fromkeys(extra, 1.0)}
        if i % 4 == 3:
            row["code"] = [0.5, 7.0]  # out of range: refused, beside others that are not
        answer = export_server.predict("generate", instances=[row])
        assert answer.status == (400 if i % 4 == 3 else 200)
        return np.asarray(answer.json.get("predictions", [alone[i]])[0], np.float32)

    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        together = list(clients.map(ask, range(64)))
    # By how many rows are computed at once TensorFlow chooses the order of its sums: that is all.
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
