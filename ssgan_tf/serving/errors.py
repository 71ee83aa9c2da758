"""Errors that are reported to the client."""

from typing import Any


class RequestError(Exception):
    """Refusal of a request, with an HTTP status and a reason that the client can act on.

    Args:
        status: 4xx if the request is at fault, 429 or 503 if it may be sent again later, 500 if the model is at fault.
        reason: Text for the client: the part at fault, what was expected, and what was received.
        headers: Additional headers of the response.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def abbreviate(value: Any, length: int = 80) -> str:
    """Returns a short text for `value` in an error message: the size of lists and objects; other values are cut off."""
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    text = repr(value[: length + 1] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= length else f"{text[:length]}..."
