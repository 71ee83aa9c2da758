"""Options of a server: limits for its clients, and how requests are batched."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """Limits for clients, batching, and shutdown.

    Args:
        max_body_mib: Largest request body, in MiB.
        max_batch: Maximum number of images in one request, and in a batch that several requests share.
        max_queue: Maximum number of rows in progress, over all requests. At least `max_batch`.
        max_connections: Maximum number of open connections.
        batch_wait_ms: Milliseconds that a request waits for others to share its batch.
        threads: Number of batches computed in parallel.
        client_seconds: Time limit for a client to send the header of its next request, to send its body, and to accept
            each piece of the response.
        grace_seconds: Time limit for finishing the requests in progress when the server stops.

    Raises:
        ValueError: If an option is out of range. The message begins with the name of the option.
    """

    max_body_mib: float = 16.0
    max_batch: int = 64
    max_queue: int = 256
    max_connections: int = 512
    batch_wait_ms: float = 2.0
    threads: int = 1
    client_seconds: float = 30.0
    grace_seconds: int = 30

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "batch_wait_ms" and not 0 < value < math.inf:  # also true of NaN
                raise ValueError(f"{field.name}: expected a number above 0. Received: {value}.")
        if not 0 <= self.batch_wait_ms < math.inf:
            raise ValueError(f"batch_wait_ms: expected a number of at least 0. Received: {self.batch_wait_ms}.")
        if self.max_queue < self.max_batch:
            raise ValueError(
                f"max_queue: expected at least max_batch ({self.max_batch}). Received: {self.max_queue}."
            )

    @property
    def max_body_bytes(self) -> int:
        """Largest request body, in bytes."""
        return max(1, int(self.max_body_mib * 2**20))
