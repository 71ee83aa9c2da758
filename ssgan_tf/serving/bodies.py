"""Bodies of requests while they arrive, within a limit on the memory that all of them take together."""

import time

from ssgan_tf.serving.errors import RequestError

_SMALL_BYTES = 1 << 16  # of a body that always has room: the number of connections bounds how many there are


class Body:
    """Part of one request's body that has arrived."""

    def __init__(self) -> None:
        self.data = bytearray()  # rather than a list of parts, which would take 40 times the memory of single bytes
        self.start_time = time.monotonic()
        self.dropped = False

    @property
    def rate(self) -> float:
        """Bytes per second since the body began to arrive."""
        return len(self.data) / max(time.monotonic() - self.start_time, 1e-3)


class Bodies:
    """All bodies that are being received.

    What a client announces takes no room; what it sends does. When the bodies above 64 KiB do not fit together, the
    one that arrives most slowly is dropped. So clients that send slowly, or stop, cannot keep others from sending.

    Args:
        max_bytes: Limit for all bodies above 64 KiB together.
    """

    def __init__(self, max_bytes: int):
        self._max_bytes = max_bytes
        self._large: set[Body] = set()

    def add(self, body: Body, part: bytes) -> None:
        """Appends the next part of a body.

        Raises:
            RequestError: 429 if the body was dropped.
        """
        if not body.dropped:
            body.data += part
        if len(body.data) > _SMALL_BYTES:
            self._large.add(body)
        while sum(len(large.data) for large in self._large) > self._max_bytes:
            slowest = min(self._large, key=lambda large: large.rate)
            slowest.dropped, slowest.data = True, bytearray()
            self._large.remove(slowest)
        if body.dropped:
            reason = (
                f"The server is busy: expected at most {self._max_bytes:,} bytes of bodies at once from all clients. "
                "Received: more, of which the slowest is refused; try again later."
            )
            raise RequestError(429, reason, {"Retry-After": "1"})

    def remove(self, body: Body) -> None:
        """Gives the room of a body to others, once it is complete or given up."""
        self._large.discard(body)
