"""The addresses of TensorFlow Serving's REST interface, answered by one model."""

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ssgan_tf.serving.responses import write_answer, write_json
from ssgan_tf.serving.batching import Batcher
from ssgan_tf.serving.admission import Door
from ssgan_tf.serving.errors import RequestError, short
from ssgan_tf.serving.model import Served
from ssgan_tf.serving.parsing import read_call

# curl's -d says the second, as in TensorFlow Serving's own examples; that server looks at none of it.
_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "")
_READERS = 2  # threads that read and write JSON and pictures


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may ask for.

    Args:
        body: bytes of a request.
        batch: images of a request, and of a batch that several requests share.
        queue: rows of all requests that are inside at once.
        seconds: for a client to send its request, and to take each piece of its answer.
    """

    body: int = 16 << 20
    batch: int = 64
    queue: int = 256
    seconds: float = 30.0


def make_app(model: Served, batcher: Batcher, limits: Limits) -> Door:
    """The application that uvicorn runs."""
    # Without openapi_url the pages that would load scripts from elsewhere are gone too.
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    door = Door(app, limits.queue, limits.seconds)
    readers = ThreadPoolExecutor(_READERS, "json")
    prefixes = ("/v1/models/{name}", "/v1/models/{name}/versions/{version}")

    def find(name: str, version: str | None) -> None:
        if ":" in name + (version or ""):  # a verb with a method that it does not have, or another verb
            known = f"{name}{version or ''}".endswith(":predict")
            raise HTTPException(405 if known else 404, headers={"Allow": "POST"} if known else None)
        if name != model.name:
            raise RequestError(404, f"The model: expected {model.name!r}. Received: {short(name)}.")
        if version is not None and version != model.version:
            raise RequestError(404, f"The version: expected {model.version}. Received: {short(version)}.")

    async def predict(request: Request, name: str, version: str | None = None) -> Response:
        find(name, version)
        length = _check_headers(request, limits)
        # A body counts as the share of a batch that its size is, until its rows are known.
        door.admit(request.scope, max(1, -(-length * limits.batch // limits.body)))
        body = await _read_body(request, limits)
        loop = asyncio.get_running_loop()
        call = await loop.run_in_executor(readers, read_call, body, model.signatures, limits.batch)
        del body
        door.admit(request.scope, call.weight)
        outputs = await asyncio.wrap_future(batcher.submit(call))
        answer = await loop.run_in_executor(readers, write_answer, outputs, call)
        return Response(answer, media_type="application/json")

    async def metadata(name: str, version: str | None = None) -> Response:
        find(name, version)
        return _json(model.metadata)

    async def status(name: str, version: str | None = None) -> Response:
        find(name, version)
        fine = {"error_code": "OK", "error_message": ""}
        return _json({"model_version_status": [{"version": model.version, "state": "AVAILABLE", "status": fine}]})

    async def health() -> Response:
        if door.stopping:
            return _error(503, "The server is stopping.")
        return _json({"status": "ok"})

    for prefix in prefixes:
        app.post(prefix + ":predict")(predict)
        app.get(prefix + "/metadata")(metadata)
        app.get(prefix)(status)
    app.get("/healthz")(health)
    _explain_errors(app, model)
    return door


def _check_headers(request: Request, limits: Limits) -> int:
    """The length of the body, or the most it may be where the request does not say."""
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    charset = rest.partition("charset=")[2].strip(' "')
    if kind.strip() not in _CONTENT_TYPES or charset not in ("", "utf-8", "utf8"):
        received = short(request.headers["content-type"])
        raise RequestError(415, f"Content-Type: expected application/json in UTF-8. Received: {received}.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        received = short(request.headers["content-encoding"])
        raise RequestError(415, f"Content-Encoding: expected a body that is not compressed. Received: {received}.")
    length = int(request.headers.get("content-length", limits.body))
    if length > limits.body:
        raise _too_large(limits, f"{length:,}")
    return length


def _too_large(limits: Limits, received: str) -> RequestError:
    return RequestError(413, f"The body: expected at most {limits.body:,} bytes. Received: {received}.")


async def _read_body(request: Request, limits: Limits) -> bytes:
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limits.body:
                raise _too_large(limits, "more")
            parts.append(part)
    except asyncio.TimeoutError:
        reason = f"The body: expected all of it within {limits.seconds:g} s. Received: {size:,} bytes."
        raise RequestError(408, reason, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "The body: the connection ended before it did.") from None
    return b"".join(parts)


def _json(value: object, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(write_json(value), code, headers, "application/json")


def _error(code: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return _json({"error": reason}, code, headers)


def _explain_errors(app: FastAPI, model: Served) -> None:
    """Makes every error an object with the key "error", as TensorFlow Serving has it."""
    base = f"/v1/models/{model.name}"

    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> Response:
        return _error(error.status, error.reason, error.headers)

    @app.exception_handler(HTTPException)
    async def misdirected(request: Request, error: HTTPException) -> Response:
        received = f"{request.method} {short(request.url.path)}"
        wanted = f"GET {base}, GET {base}/metadata, POST {base}:predict or GET /healthz"
        code, headers = error.status_code, dict(error.headers or {})
        last = request.url.path.rpartition("/")[2]
        if code == 405 and ":" in last and not last.endswith(":predict"):
            code, headers = 404, {}  # another verb, whatever the method
        return _error(code, f"The address: expected {wanted}. Received: {received}.", headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return _error(500, f"The server failed ({type(error).__name__}); its log says where.")
