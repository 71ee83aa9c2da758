"""Server of the page, from reading the folder and its table to a graceful stop."""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssgan_tf.label import images as image_files
from ssgan_tf.label.answers import Answers
from ssgan_tf.label.background import Background
from ssgan_tf.label.factors import declarations, read_factors
from ssgan_tf.label.guesses import Guesser
from ssgan_tf.label.proposals import Proposals
from ssgan_tf.label.session import Session
from ssgan_tf.label.table import Table
from ssgan_tf.page import hosting
from ssgan_tf.utils.files import LockedError, check_writable, lock_file

if TYPE_CHECKING:
    import gradio as gr

_MAX_BODY = 2**20  # bytes of a request
_HERE = Path(__file__).parent


def run(
    images: str,
    labels: str = "",
    factors: str = "",
    model: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 7861,
    *,
    seed: int = 0,
    on_ready: Callable[[str], None] | None = None,
) -> str:
    """Serves the page until SIGINT (Ctrl-C) or SIGTERM. Must be called from the main thread, which gets the signals.

    Args:
        images: Folder with the images, at any depth.
        labels: Table that the answers go to; by default labels.csv in the folder.
        factors: What is asked: see `read_factors`.
        model: Exports whose guesses are shown.
        host: Address to listen on; "0.0.0.0" lets other machines in, without a password.
        port: Port of the page's address.
        seed: Seed of the order of the images.
        on_ready: Function that is called with the page's URL once the page can be opened.

    Returns:
        Sentences that say how much is labelled, and how a data set's config declares the values.

    Raises:
        OSError: There is no such folder or export, the table cannot be written, or the address is not available.
        ValueError: An argument cannot be used, the table is damaged, or another process labels with it.
    """
    hosting.check_address(host, port)
    path = labels or os.path.join(images, "labels.csv")
    names = image_files.find_images(images)
    _check_table(images, path)
    table = Table(path)
    asked = read_factors(factors, table.columns())
    answers = Answers(table, names, asked, seed)
    guesser = Guesser(images, model, answers.factors) if model else None
    try:
        lock = lock_file(path + ".lock")
    except LockedError as error:
        raise ValueError(
            f"labels: {path} is in use ({error}). Choose another file with --labels, and merge them later with --merge."
        ) from None
    try:
        vectors = Background(lambda name: image_files.vector(os.path.join(images, name)))
        guesses = Background(guesser.guess) if guesser else None
        proposals = Proposals(answers, vectors.get, guesses.get if guesses else None, len(model))
        _serve(Session(images, answers, proposals, guesses, path), host, port, on_ready)
        vectors.close()
        if guesses:
            guesses.close()
    finally:
        os.remove(path + ".lock")
        lock.close()
    said = f"{len(answers.done())} of {len(names)} images are labelled in {path}."
    declared = json.dumps(declarations(asked), ensure_ascii=False)[1:-1]
    return f"{said} Fields of labeled_folder's --config that name all values: {declared}" if declared else said


def _check_table(images: str, path: str) -> None:
    """Raises OSError or ValueError if answers cannot be written to `path`, before anybody has answered."""
    other = os.path.join(images, "labels.json")
    if os.path.dirname(os.path.abspath(path)) == os.path.abspath(images) and os.path.exists(other):
        raise ValueError(
            f"labels: expected one table in the folder. Received: {other}, which the data set is built from. Choose "
            "another file, such as --labels=more_labels.csv, or turn labels.json into labels.csv."
        )
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder) or os.path.isdir(path):
        raise FileNotFoundError(f"labels: expected a file in an existing folder. Received: {path!r}.")
    check_writable(folder, f"labels: {folder!r} cannot be written.")


def _serve(session: Session, host: str, port: int, on_ready: Callable[[str], None] | None) -> None:
    with tempfile.TemporaryDirectory(prefix="label-") as folder, hosting.stop_signals() as stopped:
        hosting.configure_gradio(folder)
        # gradio reads its settings when it is imported, here.
        from starlette.middleware import Middleware

        from ssgan_tf.label.limits import OnlyThisPage

        blocks = build(session)
        css = (_HERE / "page.css").read_text(encoding="utf-8")
        hosting.launch(blocks, host, port, [Middleware(OnlyThisPage)], css, _MAX_BODY)
        if on_ready:
            on_ready(f"http://{host}:{port}")
        stopped.wait()
        blocks.close(verbose=False)


def build(session: Session) -> "gr.Blocks":
    """Returns the page. It is a single component, whose script calls the two functions of the session."""
    import gradio as gr

    html, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.html", "page.js"))

    def act(request: dict[str, Any]) -> dict[str, Any]:  # gradio marks functions, which methods do not allow
        return session.act(request)

    def image(request: dict[str, Any]) -> dict[str, str]:
        return session.image(request)

    with gr.Blocks(title="Labels - ssgan_tf", analytics_enabled=False) as blocks:
        gr.HTML(
            html_template=html, js_on_load=script, elem_classes="label", apply_default_css=False,
            server_functions=[act, image],
        )  # fmt: skip
    return blocks
