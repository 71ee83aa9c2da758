"""What a client is told when there is no answer."""

from typing import Any


class RequestError(Exception):
    """A request that gets no answer: an HTTP status, and a reason that its sender can act on.

    Args:
        status: 4xx where the request is at fault, 429 and 503 where it may come again, 500 where the model is.
        reason: what happened, what was expected, `Received:`.
        headers: of the response.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def short(value: Any, length: int = 80) -> str:
    """`value` as an error message shows it, whatever its size."""
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    text = repr(value[: length + 1] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= length else f"{text[:length]}..."
