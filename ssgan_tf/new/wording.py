"""Numbers of things in words, and messages of limited length."""

MOST = 500  # characters of a message
_END = 180


def count(number: int, noun: str) -> str:
    """Returns e.g. "1 image" or "1,500 images"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def clip(message: str) -> str:
    """Returns a message on one line without the middle if it is long, since it ends with what to do."""
    message = " ".join(message.split())
    return message if len(message) <= MOST else f"{message[: MOST - _END - 5]} ... {message[-_END:]}"
