"""What is served over HTTP: whether the process lives, whether it takes calls, and its metrics.

- ``GET /healthz``: 200 while the loop turns; for a supervisor that restarts.
- ``GET /readyz``: 200 when calls are taken, else 503 and the reason (starting, draining); for a dispatcher
  that chooses where calls go.
- ``GET /metrics``: Prometheus' text format.

HEAD is answered too, which is what some health checks send. Nothing is fetched from elsewhere by a page of
ours, nothing is kept by a cache, and a request that brings more than ``MAX_BODY`` octets is answered 413
without being read.
"""

from collections.abc import Callable

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.metrics import CONTENT_TYPE, software_version

MAX_BODY = 64 * 1024
"""Octets."""

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Health(BaseModel):
    """The answer of ``/healthz`` and ``/readyz``."""

    status: str
    version: str


def create_api(not_ready: Callable[[], str | None], metrics: Callable[[], bytes]) -> ASGIApp:
    """Build the application.

    Args:
        not_ready: why no calls are taken ("starting", "draining"), or ``None`` when they are.
        metrics: the page in the Prometheus text format.
    """
    # No /docs: FastAPI's page would load its scripts from elsewhere. /openapi.json describes everything.
    api = FastAPI(title="Passerelle", version=software_version(), docs_url=None, redoc_url=None)

    @api.head("/healthz", include_in_schema=False)
    @api.get("/healthz")
    async def healthz() -> Health:
        """Say that the process is alive."""
        return Health(status="ok", version=software_version())

    @api.head("/readyz", include_in_schema=False)
    @api.get("/readyz", responses={503: {"model": Health, "description": "No calls are taken"}})
    async def readyz() -> JSONResponse:
        """Say whether calls are taken."""
        reason = not_ready()
        health = Health(status=reason or "ready", version=software_version())
        return JSONResponse(health.model_dump(), status_code=503 if reason else 200)

    @api.head("/metrics", include_in_schema=False)
    @api.get("/metrics", response_class=Response)
    async def read_metrics() -> Response:
        """Return the metrics for Prometheus."""
        return Response(metrics(), media_type=CONTENT_TYPE)

    return Guard(api)


class Guard:
    """ASGI middleware: security headers on every answer, a limit on every body."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP is passed on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        left = self._max_body

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        async def guarded_receive() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _TooLargeError
            return message

        try:
            if _announced(scope) > self._max_body:
                raise _TooLargeError
            await self._app(scope, guarded_receive, guarded_send)
        except _TooLargeError:
            if not started:
                await _refuse(guarded_send)


class _TooLargeError(Exception):
    """The body is longer than we take."""


def _announced(scope: Scope) -> int:
    """The Content-Length; the server has refused what is no number."""
    return int(next((value for name, value in scope["headers"] if name == b"content-length"), 0))


async def _refuse(send: Send) -> None:
    body = b'{"detail":"The request is too large"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]}
    )
    await send({"type": "http.response.body", "body": body})
