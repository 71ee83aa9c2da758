"""Web server of a gradio page: its address, gradio's settings, its signals, and its launch, without TensorFlow."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr
    from starlette.middleware import Middleware

_MAX_SESSIONS = 128  # visitors whose image is kept; the one who was away longest must reload the page


def check_address(host: str, port: int) -> None:
    """Raises ValueError or OSError if nothing can listen on the address."""
    if not 1 <= port <= 65535:
        raise ValueError(f"port: expected a number from 1 to 65535. Received: {port}.")
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"port: cannot listen on {host}:{port}: {reason}. Another port may be free.") from None


def configure_gradio(folder: str) -> None:
    """Sets the environment variables that gradio and its dependencies read when they are imported.

    Args:
        folder: Folder for uploads.
    """
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "100"  # of the last 10,000 events, gradio makes a table after each
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Yields an event that SIGINT (Ctrl-C) and SIGTERM set while the block runs. Only the main thread gets signals."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def launch(
    blocks: "gr.Blocks", host: str, port: int, middleware: Sequence["Middleware"], css: str, max_file_size: int
) -> None:
    """Starts gradio's server, with all features off that would contact other machines.

    Args:
        blocks: The page.
        host: Address to listen on.
        port: Port of the page's address.
        middleware: Starlette's middleware in front of gradio.
        css: Style sheet of the page.
        max_file_size: Bytes of the largest upload.
    """
    import gradio as gr

    blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        max_file_size=max_file_size,
        state_session_capacity=_MAX_SESSIONS,
        app_kwargs={"middleware": list(middleware)},
        css=css,
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    )
