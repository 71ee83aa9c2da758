"""Checks of the names of images and columns, which become lines of images.txt and names of files."""

MAX_MESSAGE = 500
_MAX_COLUMN = 200  # bytes: TFDS writes the categories of a column into a file of its name, of at most 255 bytes


def check_image_name(name: str) -> None:
    """Raises ValueError if an image's path does not fit on a line of images.txt."""
    if len(name.splitlines()) > 1:
        raise ValueError("expected a name on one line, since images.txt has a line for each image. Rename the file.")


def check_column_name(name: str, where: str) -> None:
    """Raises ValueError, beginning with `where`, if a column's name cannot be part of a file's name."""
    check_text(name, where)
    size = len(name.encode())
    if size > _MAX_COLUMN:
        raise ValueError(
            f"{where}: expected column names of at most {_MAX_COLUMN} bytes. Received: {size}, {name[:40]!r}..."
        )
    if any(ord(character) < 32 for character in name):
        raise ValueError(f"{where}: expected column names without control characters. Received: {name!r}.")


def check_text(text: str, where: str) -> None:
    """Raises ValueError, beginning with `where`, if a text cannot be written: JSON can contain half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: expected text. Received: {text[:40]!r}, which contains half a character.") from None


def on_one_line(name: str) -> str:
    """Returns a name as it is, or with escapes if it has several lines."""
    return name if len(name.splitlines()) <= 1 else repr(name)


def shorten(message: str) -> str:
    """Returns an error's message without the middle if it is longer than MAX_MESSAGE; it ends with what to do."""
    message = " ".join(message.splitlines())
    if len(message) <= MAX_MESSAGE:
        return message
    return f"{message[: MAX_MESSAGE - 205]} ... {message[-200:]}"
