"""What is served over HTTP: whether the process lives, whether it takes calls, and its metrics.

- ``GET /healthz``: 200 while the loop turns; for a supervisor that restarts.
- ``GET /readyz``: 200 when calls are taken, else 503 and the reason (starting, draining); for a dispatcher
  that chooses where calls go.
- ``GET /metrics``: Prometheus' text format.

HEAD is answered too, which is what some health checks send. Nothing is fetched from elsewhere by a page of
ours, nothing is kept by a cache, and a request that brings more than ``MAX_BODY`` octets is answered 413
without being read. Where ``http.public_url`` begins with https:, browsers are told to come by TLS from then
on (RFC 6797); a certificate of one's own making for a local network is no reason: there is no way back.
"""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.metrics import CONTENT_TYPE, software_version
from gateway.web.problems import MAX_BODY, BodyLimit, install_errors

Router = APIRouter

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
"""A year."""

NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""Whatever the environment says, FastAPI sends nothing anywhere: our metrics are asked for."""


class Health(BaseModel):
    """The answer of ``/healthz`` and ``/readyz``."""

    status: str
    version: str


def create_api(
    not_ready: Callable[[], str | None],
    metrics: Callable[[], bytes],
    *routers: Router,
    tls_only: bool = False,
) -> ASGIApp:
    """Build the application.

    Args:
        not_ready: why no calls are taken ("starting", "draining"), or ``None`` when they are.
        metrics: the page in the Prometheus text format.
        routers: what else is served.
        tls_only: whether browsers are to come by TLS for ever.
    """
    api = FastAPI(
        title="Passerelle",
        version=software_version(),
        docs_url=None,  # these pages would load their scripts from elsewhere; /openapi.json says the same
        redoc_url=None,
        max_body_size=MAX_BODY,
        telemetry=NO_TELEMETRY,
    )

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

    for router in routers:
        api.include_router(router)
    install_errors(api)
    return SecurityHeaders(BodyLimit(api), tls_only=tls_only)


class SecurityHeaders:
    """ASGI middleware: the security headers on every answer, errors included, unless it brings its own."""

    def __init__(self, app: ASGIApp, *, tls_only: bool = False) -> None:
        self._app = app
        self._headers = [*SECURITY_HEADERS, *([STRICT_TRANSPORT_SECURITY] if tls_only else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                own = {name for name, _ in headers}
                message["headers"] = headers + [header for header in self._headers if header[0] not in own]
            await send(message)

        await self._app(scope, receive, send_with_headers)
