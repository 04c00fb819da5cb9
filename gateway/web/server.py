"""Hypercorn inside our loop: it is handed a socket that already listens, and never touches signals (D2).

We bind ourselves, so that a port that is taken is one clear error before anything else starts. What a
client may cost is bounded: the header must be there within ``IDLE_SECONDS`` of connecting, and a request
that says nothing for ``READ_SECONDS`` is dropped; so is a WebSocket whose other end is dead. A request whose
body comes drop by drop is answered 408 after ``REQUEST_SECONDS``.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import structlog
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.protocol import ws_stream
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ASGIFramework
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.outcome import Outcome, PasserelleError
from config.settings import Endpoint
from gateway import certificate
from gateway.web.problems import problem

IDLE_SECONDS = 5
READ_SECONDS = 10
REQUEST_SECONDS = 15.0
PING_SECONDS = 4
"""Between pings over a WebSocket, whose answers count as saying something."""
STOP_SECONDS = 2.0
MAX_HEADER = 8 * 1024
"""Octets of request line and header together."""
MAX_MESSAGE = 1024 * 1024
"""Characters of a WebSocket message: more ends it. What is long for us is answered by the vocabulary."""

log = structlog.get_logger(__name__)


class HttpServer:
    """Serves ``app`` on ``listen`` between `start` and `stop`."""

    def __init__(
        self,
        app: ASGIApp,
        listen: Endpoint,
        tls: tuple[Path, Path] | None = None,
        *,
        stop_seconds: float = STOP_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._app = Deadline(app, request_seconds)
        self._listen = listen
        self._tls = tls
        self._stop_seconds = stop_seconds
        self._stopping = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> Endpoint:
        """Listen and serve; returns where, with the real port if 0 was asked for.

        Raises:
            PasserelleError: when the address cannot be bound, or the certificate not be used.
        """
        if self._tls is not None:
            certificate.check(*self._tls)
        refuse_compression()
        refuse_http_2()
        listener = bind(self._listen)
        host, port = listener.getsockname()[:2]
        app = cast(ASGIFramework, self._app)  # Starlette's and Hypercorn's words for the same
        self._serving = asyncio.create_task(
            serve(
                app,
                _config(listener, self._tls, self._stop_seconds),
                shutdown_trigger=self._stopping.wait,
                mode="asgi",
            ),
            name="http",
        )
        self._serving.add_done_callback(self._over)
        return Endpoint(host, port)

    async def stop(self) -> None:
        """Close the listener, let requests under way finish for ``stop_seconds``, cut the others."""
        self._stopping.set()
        asyncio.get_running_loop().set_exception_handler(_unless_cancelled)
        if self._serving is not None:
            await asyncio.wait([self._serving], timeout=self._stop_seconds)
            self._serving.cancel()
            with suppress(asyncio.CancelledError, Exception):  # told by _over
                await self._serving

    def _over(self, serving: asyncio.Task[None]) -> None:
        if not serving.cancelled() and (error := serving.exception()) is not None:
            log.error("HTTP has stopped: no health, no metrics", exc_info=error)


class Deadline:
    """ASGI middleware: 408 for a request whose answer has not begun after ``seconds``."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket, which may take its time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_in_time(message: Message) -> None:
            if message["type"] == "http.response.start":
                patience.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as patience:
                await self._app(scope, receive, send_in_time)
        except TimeoutError:
            if not patience.expired():
                raise
            late = problem(408, "too_slow", "the request did not come to its end", {"Connection": "close"})
            await late(scope, receive, send)


def _unless_cancelled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log it, but for a connection that we cut.

    Hypercorn keeps the task of a closed WebSocket until its next ping and cancels it when we stop; the
    streams of Python 3.11 then ask a cancelled task for its exception, which raises (3.12 looks first).
    """
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


def bind(listen: Endpoint) -> socket.socket:
    """A TCP socket that listens there. Raises `PasserelleError` when the address cannot be bound."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listen.host, listen.port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PasserelleError(
            f"HTTP cannot listen on {listen}: {error.strerror}",
            outcome=Outcome.UNAVAILABLE,
            hint="stop what uses that port, or change http.listen",
        ) from None
    return listener


def refuse_compression() -> None:
    """Never agree to compressed WebSocket messages (RFC 7692).

    64 KiB can unfold to 64 MiB, all at once and before any limit on messages is looked at; and what pages say
    is short. Hypercorn has no setting for it, so its negotiation is made to find nothing in common.
    """
    ws_stream.__dict__["server_extensions_handshake"] = _nothing_in_common


def refuse_http_2() -> None:
    """Never change to HTTP/2 without TLS, by ``Upgrade: h2c`` or because its preface comes (RFC 7540).

    No browser does, and limits on requests would have to be thought of twice. Hypercorn has no setting for
    it, so its look for it is made to see nothing: an upgrade is ignored, a preface is a request for nothing.
    """
    setattr(H11Protocol, "_check_protocol", _see_nothing)  # noqa: B010


async def _see_nothing(_protocol: H11Protocol, _request: object) -> None:
    """Stands for ``H11Protocol._check_protocol``."""


def _nothing_in_common(_requested: Iterable[str], _supported: list[object]) -> None:
    """Stands for ``wsproto.handshake.server_extensions_handshake``."""


def _config(listener: socket.socket, tls: tuple[Path, Path] | None, stop_seconds: float) -> Config:
    config = Config()
    if tls is not None:
        config.certfile, config.keyfile = map(str, tls)
        config.alpn_protocols = ["http/1.1"]
    config.websocket_max_message_size = MAX_MESSAGE
    config.websocket_ping_interval = PING_SECONDS
    config.bind = [f"fd://{listener.detach()}"]  # Hypercorn owns and closes it from here
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.h11_max_incomplete_size = MAX_HEADER
    config.h2_max_header_list_size = MAX_HEADER
    config.keep_alive_timeout = IDLE_SECONDS
    config.read_timeout = READ_SECONDS
    config.graceful_timeout = stop_seconds / 2
    config.shutdown_timeout = stop_seconds
    config.wsgi_max_body_size = 0
    return config
