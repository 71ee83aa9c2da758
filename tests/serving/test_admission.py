"""Admission control by itself: responses in chunks, slow clients, and the limit on rows in progress."""

import asyncio
import time

import pytest

from ssgan_tf.serving.admission import AdmissionControl, Message, Receive, Send
from ssgan_tf.serving.errors import RequestError


class Responder:
    """Application behind admission control that reserves `rows` rows for each request and responds with `body`."""

    def __init__(self, body: bytes, rows: int = 1, seconds: float = 5.0):
        self.body, self.rows = body, rows
        self.admission = AdmissionControl(self, max_rows=8, client_seconds=seconds)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.admission.reserve(scope, self.rows)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.body})

    def handle(self, send: Send) -> None:
        """Handles one request without a body."""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        asyncio.run(self.admission({"type": "http", "headers": []}, receive, send))


def test_a_large_response_is_sent_in_chunks() -> None:
    body = bytes(range(256)) * 1000
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    Responder(body).handle(send)
    assert sent[0]["type"] == "http.response.start"
    parts = sent[1:]
    assert b"".join(part["body"] for part in parts) == body
    assert max(len(part["body"]) for part in parts) <= 1 << 16
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]


def test_a_client_that_does_not_accept_its_response_is_disconnected_and_its_rows_are_released() -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    app = Responder(bytes(300_000), rows=8, seconds=0.2)
    start = time.monotonic()
    for _ in range(2):  # there is room for the second
        app.handle(send)
    assert time.monotonic() - start < 20


def test_a_reservation_grows_only_while_there_is_room() -> None:
    class Growing(Responder):
        async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
            self.admission.admit(scope)
            for rows in (3, 2, 8):  # 3 rows are reserved already when it asks for 2
                self.admission.reserve(scope, rows)
            with pytest.raises(RequestError, match="8 in progress and 1 more") as caught:
                self.admission.reserve(scope, 9)
            assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
            self.admission.stopping = True
            self.admission.reserve(scope, 8)  # admitted before the stop
            with pytest.raises(RequestError, match="8 in progress and 1 more"):
                self.admission.reserve(scope, 9)

    async def send(message: Message) -> None:
        pass

    app = Growing(b"")
    app.handle(send)
    with pytest.raises(RequestError, match="stopping") as caught:
        app.handle(send)
    assert caught.value.status == 503


@pytest.mark.parametrize("stalls", [True, False], ids=["reads nothing", "reads"])
def test_a_client_that_reads_slowly_makes_room_when_the_server_is_full(stalls: bool) -> None:
    app = Responder(bytes(30 << 16), rows=8, seconds=60)
    finished: list[str] = []
    sent, most = 0, 1 if stalls else 10  # messages before the client pauses
    paused, goes_on = asyncio.Event(), asyncio.Event()

    async def send_slowly(message: Message) -> None:
        nonlocal sent
        if message["type"] == "http.response.body":
            sent += 1
            if sent == most:
                paused.set()
                await goes_on.wait()

    async def send(message: Message) -> None:
        pass

    async def handle(send: Send, name: str) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        await app.admission({"type": "http", "headers": []}, receive, send)
        finished.append(name)

    async def run() -> None:
        slow = asyncio.create_task(handle(send_slowly, "slow"))
        await paused.wait()
        with pytest.raises(RequestError, match="busy"):  # no rate is known yet
            await handle(send, "early")
        (state,) = app.admission._states
        state.send_time -= 2  # as if two seconds had passed
        if stalls:
            await handle(send, "late")
        else:
            with pytest.raises(RequestError, match="busy"):
                await handle(send, "late")
            goes_on.set()
        await slow

    asyncio.run(run())
    assert sorted(finished) == (["late", "slow"] if stalls else ["slow"])
