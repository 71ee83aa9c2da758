"""TensorFlow Serving's REST interface for one model: URLs, request headers, and errors."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ssgan_tf.serving.admission import AdmissionControl
from ssgan_tf.serving.batching import FAILURE, Batcher
from ssgan_tf.serving.bodies import Bodies, Body
from ssgan_tf.serving.errors import RequestError, abbreviate
from ssgan_tf.serving.model import Arrays, ServedModel, Signature
from ssgan_tf.serving.options import ServerOptions
from ssgan_tf.serving.parsing import PredictRequest, parse_request
from ssgan_tf.serving.responses import error_to_json, format_response, to_json

# `curl -d`, as in TensorFlow Serving's own examples, sends the second type; TensorFlow Serving does not check the type.
_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "")
_CODEC_THREADS = 2  # for parsing requests and formatting responses, both JSON and images


def make_app(model: ServedModel, batcher: Batcher, options: ServerOptions) -> AdmissionControl:
    """Builds the ASGI application: the REST interface of `model` behind admission control."""
    # Without `openapi_url`, FastAPI has no documentation pages either; they would load scripts from other hosts.
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    admission = AdmissionControl(app, options.max_queue, options.client_seconds)
    endpoints = _Endpoints(model, batcher, options, admission)
    for prefix in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        app.post(prefix + ":predict")(endpoints.predict)
        app.get(prefix + "/metadata")(endpoints.metadata)
        app.get(prefix)(endpoints.status)
    app.get("/healthz")(endpoints.health)
    _add_error_handlers(app, model)
    return admission


class _Endpoints:
    """Functions behind the URLs."""

    def __init__(self, model: ServedModel, batcher: Batcher, options: ServerOptions, admission: AdmissionControl):
        self._model = model
        self._batcher = batcher
        self._options = options
        self._admission = admission
        self._bodies = Bodies(options.max_body_bytes * options.max_queue // options.max_batch)
        self._codec_threads = ThreadPoolExecutor(_CODEC_THREADS, "json")

    async def predict(self, request: Request, name: str, version: str | None = None) -> Response:
        """Answers POST /v1/models/NAME:predict."""
        self._check_model(name, version)
        model, options, loop = self._model, self._options, asyncio.get_running_loop()

        # Read the body. Until it is parsed, it counts as rows in proportion to its size: the largest as a full batch.
        self._admission.admit(request.scope)
        _check_headers(request, options)
        body = await self._read_body(request)
        self._admission.reserve(request.scope, max(1, -(-len(body) * options.max_batch // options.max_body_bytes)))

        # Parse the body and reserve the actual number of rows.
        predict_request = await loop.run_in_executor(
            self._codec_threads, _parse, body, model.signatures, options.max_batch
        )
        del body  # free its memory while the request waits
        self._admission.reserve(request.scope, predict_request.cost)

        # Compute the outputs and format the response.
        outputs = await self._compute(request, predict_request)
        response = await loop.run_in_executor(self._codec_threads, format_response, outputs, predict_request)
        return Response(response, media_type="application/json")

    async def _read_body(self, request: Request) -> bytearray:
        """Reads the body of a request.

        Raises:
            RequestError: 408 if it takes too long, 413 if it is too long, 429 if there is no room for it, 400 if the
                client disconnects.
        """
        body, options = Body(), self._options
        try:
            async for part in request.stream():
                if len(body.data) + len(part) > options.max_body_bytes:
                    raise _too_large(options, "more")
                self._bodies.add(body, part)
            return body.data
        except asyncio.TimeoutError:
            received = f"{len(body.data):,} bytes"
            reason = f"The body: expected all of it within {options.client_seconds:g} s. Received: {received}."
            raise RequestError(408, reason, {"Connection": "close"}) from None
        except ClientDisconnect:
            raise RequestError(400, "The body: the connection was closed before the end of the body.") from None
        finally:
            self._bodies.remove(body)

    async def _compute(self, request: Request, predict_request: PredictRequest) -> Arrays:
        """Computes a request together with others; drops it from the queue if its client disconnects.

        Raises:
            RequestError: The model's, or 400 if the client disconnects.
        """
        outputs = asyncio.wrap_future(self._batcher.submit(predict_request))
        disconnect = asyncio.ensure_future(_wait_for_disconnect(request))
        try:
            await asyncio.wait((outputs, disconnect), return_when=asyncio.FIRST_COMPLETED)
            if not outputs.done():
                raise RequestError(400, "The connection was closed before the response.")
            return outputs.result()
        finally:
            outputs.cancel()
            disconnect.cancel()

    async def metadata(self, name: str, version: str | None = None) -> Response:
        """Answers GET /v1/models/NAME/metadata."""
        self._check_model(name, version)
        return _json_response(self._model.metadata)

    async def status(self, name: str, version: str | None = None) -> Response:
        """Answers GET /v1/models/NAME."""
        self._check_model(name, version)
        failed = self._batcher.failed
        status = {"error_code": "INTERNAL" if failed else "OK", "error_message": FAILURE if failed else ""}
        state = {"version": self._model.version, "state": "END" if failed else "AVAILABLE", "status": status}
        return _json_response({"model_version_status": [state]})

    async def health(self) -> Response:
        """Answers GET /healthz."""
        if self._admission.stopping:
            return _error_response(503, "The server is stopping.")
        if self._batcher.failed:
            return _error_response(503, FAILURE)
        return _json_response({"status": "ok"})

    def _check_model(self, name: str, version: str | None) -> None:
        """Raises an error if the URL names another model or version, or has a verb that GET does not support."""
        model = self._model
        if ":" in name + (version or ""):
            # The status route matched a URL with a verb: `:predict` needs POST; other verbs do not exist.
            known = f"{name}{version or ''}".endswith(":predict")
            raise HTTPException(405 if known else 404, headers={"Allow": "POST"} if known else None)
        if name != model.name:
            raise RequestError(404, f"The model: expected {model.name!r}. Received: {abbreviate(name)}.")
        if version is not None and version != model.version:
            raise RequestError(404, f"The version: expected {model.version}. Received: {abbreviate(version)}.")


def _parse(body: bytearray, signatures: Mapping[str, Signature], max_batch: int) -> PredictRequest:
    """Parses the body of a request, in a thread that takes the next one only when the memory of this one is free."""
    try:
        return parse_request(body, signatures, max_batch)
    except RequestError as error:
        raise error.with_traceback(None) from None  # The traceback would hold all that has been parsed.


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _check_headers(request: Request, options: ServerOptions) -> None:
    """Checks what the headers say about the body.

    Raises:
        RequestError: 413 if the body is too long, 415 if it is compressed or not JSON in UTF-8.
    """
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    charset = rest.partition("charset=")[2].strip(' "')
    if kind.strip() not in _CONTENT_TYPES or charset not in ("", "utf-8", "utf8"):
        received = abbreviate(request.headers["content-type"])
        raise RequestError(415, f"Content-Type: expected application/json in UTF-8. Received: {received}.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        received = abbreviate(request.headers["content-encoding"])
        raise RequestError(415, f"Content-Encoding: expected an uncompressed body. Received: {received}.")
    length = int(request.headers.get("content-length", 0))
    if length > options.max_body_bytes:
        raise _too_large(options, f"{length:,}")


def _too_large(options: ServerOptions, received: str) -> RequestError:
    return RequestError(413, f"The body: expected at most {options.max_body_bytes:,} bytes. Received: {received}.")


def _json_response(value: object, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), code, headers, "application/json")


def _error_response(code: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return Response(error_to_json(reason), code, headers, "application/json")


def _add_error_handlers(app: FastAPI, model: ServedModel) -> None:
    """Makes every error a JSON object with the key "error", as TensorFlow Serving does."""
    base = f"/v1/models/{model.name}"

    @app.exception_handler(RequestError)
    async def on_request_error(request: Request, error: RequestError) -> Response:
        return _error_response(error.status, error.reason, error.headers)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        path = request.scope["path"]  # unlike `request.url`, it does not depend on the header Host
        received = f"{abbreviate(request.method)[1:-1]} {abbreviate(path)}"
        wanted = f"GET {base}, GET {base}/metadata, POST {base}:predict or GET /healthz"
        code, headers = error.status_code, dict(error.headers or {})
        last = path.rpartition("/")[2]
        if code == 405 and ":" in last and not last.endswith(":predict"):
            code, headers = 404, {}  # A verb that does not exist is not found, whatever the method.
        return _error_response(code, f"The address: expected {wanted}. Received: {received}.", headers)

    @app.exception_handler(Exception)
    async def on_exception(request: Request, error: Exception) -> Response:
        return _error_response(500, f"The server failed ({type(error).__name__}); its log has the details.")
