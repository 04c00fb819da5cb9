"""The server on real sockets."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from config.outcome import PasserelleError
from config.settings import Endpoint
from gateway.web.api import create_api
from gateway.web.server import MAX_HEADER, REQUEST_SECONDS, HttpServer


def with_server(
    use: Callable[[Endpoint], Awaitable[None]],
    app: ASGIApp | None = None,
    *,
    request_seconds: float = REQUEST_SECONDS,
) -> None:
    """Run ``use`` against a server on a free port, on the loop that production has."""
    app = app or create_api(lambda: None, lambda: b"metric 1\n")

    async def run() -> None:
        server = HttpServer(app, Endpoint("127.0.0.1", 0), request_seconds=request_seconds)
        listen = await server.start()
        try:
            await asyncio.wait_for(use(listen), 60)
        finally:
            await server.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def talk(listen: Endpoint, request: bytes) -> bytes:
    """Send these octets and read until the server closes, which it may do before it has read them all."""
    reader, writer = await asyncio.open_connection(listen.host, listen.port)
    writer.write(request)
    answer = b""
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            answer += part
    writer.close()
    return answer


def test_serves_until_stopped() -> None:
    used: list[Endpoint] = []

    async def use(listen: Endpoint) -> None:
        answer = await talk(listen, b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"server:" not in head.lower()
        assert b'"ready"' in body
        used.append(listen)

    with_server(use)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((used[0].host, used[0].port)).close()


def test_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def use(listen: Endpoint) -> None:
        await talk(listen, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert signal.getsignal(signal.SIGTERM) is before

    with_server(use)


def test_a_header_too_large_is_refused() -> None:
    async def use(listen: Endpoint) -> None:
        junk = b"X: " + b"y" * (MAX_HEADER + 1) + b"\r\n"
        answer = await talk(listen, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + junk * 9)
        assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))

    with_server(use)


def test_head_has_no_body() -> None:
    async def use(listen: Endpoint) -> None:
        answer = await talk(listen, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"\r\n\r\n")

    with_server(use)


def test_a_body_too_large_is_refused() -> None:
    async def use(listen: Endpoint) -> None:
        answer = await talk(
            listen,
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
        )
        assert answer.startswith(b"HTTP/1.1 413")

    with_server(use)


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers when the whole body is there."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(1.5)
        await send({"type": "http.response.body", "body": b"done"})


def test_a_body_that_comes_drop_by_drop_has_an_end() -> None:
    async def use(listen: Endpoint) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        quick = await talk(listen, head + b"Content-Length: 1\r\n\r\n.")
        assert quick.startswith(b"HTTP/1.1 200"), "an answer that has begun may take its time"
        assert quick.endswith(b"done\r\n0\r\n\r\n")
        reader, writer = await asyncio.open_connection(listen.host, listen.port)
        writer.write(head + b"Content-Length: 10000\r\n\r\n")
        reading = asyncio.create_task(reader.readline())
        while not reading.done():
            writer.write(b".")
            await asyncio.sleep(0.05)
        assert (await reading).startswith(b"HTTP/1.1 408")
        writer.close()

    with_server(use, read_all, request_seconds=1.0)


def test_http_2_is_not_spoken_without_tls() -> None:
    async def use(listen: Endpoint) -> None:
        preface = await talk(listen, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        assert preface.startswith(b"HTTP/1.1 4")
        upgrade = await talk(
            listen,
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        )
        assert upgrade.startswith(b"HTTP/1.1 200")

    with_server(use)


def test_stopping_does_not_wait_for_a_silent_client() -> None:
    clients: list[socket.socket] = []

    async def use(listen: Endpoint) -> None:
        client = socket.create_connection((listen.host, listen.port))
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
        clients.append(client)
        await talk(listen, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    with_server(use)
    clients[0].close()


def test_a_port_in_use_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = Endpoint("127.0.0.1", taken.getsockname()[1])

        async def start() -> None:
            await HttpServer(create_api(lambda: None, lambda: b""), listen).start()

        with pytest.raises(
            PasserelleError, match=rf"127\.0\.0\.1:{listen.port}: Address already in use"
        ) as caught:
            asyncio.run(start())
        assert "http.listen" in caught.value.hint
