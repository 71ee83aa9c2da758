"""The door alone: answers in pieces, clients that do not take theirs, and who is let in."""

import asyncio
import time

import pytest

from ssgan_tf.serving.admission import Door, Message, Receive, Send
from ssgan_tf.serving.errors import RequestError


class Answering:
    """An application behind a door that counts each request as so many rows, and answers with this."""

    def __init__(self, body: bytes, rows: int = 1, seconds: float = 5.0):
        self.body, self.rows = body, rows
        self.door = Door(self, max_rows=8, seconds=seconds)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.door.admit(scope, self.rows)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.body})

    def visit(self, send: Send) -> None:
        """One request without a body."""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        asyncio.run(self.door({"type": "http", "headers": []}, receive, send))


def test_a_large_answer_leaves_in_pieces() -> None:
    body = bytes(range(256)) * 1000
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    Answering(body).visit(send)
    assert sent[0]["type"] == "http.response.start"
    parts = sent[1:]
    assert b"".join(part["body"] for part in parts) == body
    assert max(len(part["body"]) for part in parts) <= 1 << 16
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]


def test_a_client_that_does_not_take_its_answer_is_cut_off_and_counts_no_more() -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    app = Answering(bytes(300_000), rows=8, seconds=0.2)
    start = time.monotonic()
    for _ in range(2):  # the second finds room again
        app.visit(send)
    assert time.monotonic() - start < 20


def test_a_request_counts_once_and_as_more_only_where_there_is_room() -> None:
    class Growing(Answering):
        async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
            for rows in (3, 2, 8):  # it counts as 3 already when it asks for 2
                self.door.admit(scope, rows)
            with pytest.raises(RequestError, match="8 and 1 more") as caught:
                self.door.admit(scope, 9)
            assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
            self.door.stopping = True
            self.door.admit(scope, 8)  # it is in flight

    async def send(message: Message) -> None:
        pass

    app = Growing(b"")
    app.visit(send)
    with pytest.raises(RequestError, match="stopping") as caught:
        app.visit(send)
    assert caught.value.status == 503
