"""The pages, asked in process."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Scope

from gateway.web.api import create_api
from gateway.web.problems import MAX_BODY


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: ASGIApp,
    path: str,
    *,
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: Iterable[bytes] = (),
    answer: Answer | None = None,
) -> Answer:
    """One request through ASGI, answered into ``answer``."""
    answer = answer or Answer()
    chunks = list(body) or [b""]

    async def receive() -> Message:
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return answer


class Process:
    """Stands for the running gateway."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def not_ready(self) -> str | None:
        return self.reason

    def api(self) -> ASGIApp:
        return create_api(self.not_ready, lambda: b"passerelle_meetings 1.0\n")


def test_healthz() -> None:
    process = Process()
    process.reason = "starting"
    answer = ask(process.api(), "/healthz")
    assert answer.status == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["version"]


@pytest.mark.parametrize("reason", ["starting", "draining"])
def test_not_ready_says_why(reason: str) -> None:
    process = Process()
    process.reason = reason
    answer = ask(process.api(), "/readyz")
    assert answer.status == 503
    assert answer.json()["status"] == reason


def test_ready() -> None:
    answer = ask(Process().api(), "/readyz")
    assert answer.status == 200
    assert answer.json()["status"] == "ready"


def test_metrics() -> None:
    answer = ask(Process().api(), "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body == b"passerelle_meetings 1.0\n"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
def test_security_headers_are_on_every_answer(path: str) -> None:
    headers = ask(Process().api(), path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_head(path: str) -> None:
    process = Process()
    assert ask(process.api(), path, method="HEAD").status == 200
    process.reason = "starting"
    assert ask(process.api(), path, method="HEAD").status == (503 if path == "/readyz" else 200)


def test_no_page_that_loads_from_elsewhere() -> None:
    for path in ("/docs", "/redoc"):
        assert ask(Process().api(), path).status == 404
    assert set(ask(Process().api(), "/openapi.json").json()["paths"]) == {"/healthz", "/readyz", "/metrics"}


@pytest.mark.parametrize("tls_only", [False, True])
def test_browsers_are_told_to_come_by_tls_where_that_is_for_good(tls_only: bool) -> None:
    app = create_api(lambda: None, lambda: b"", tls_only=tls_only)
    told = ask(app, "/healthz").headers.get("strict-transport-security")
    assert told == ("max-age=31536000" if tls_only else None)


def test_a_body_announced_too_large() -> None:
    length = str(MAX_BODY + 1).encode()
    answer = ask(Process().api(), "/healthz", headers=[(b"content-length", length)])
    assert answer.status == 413
    assert answer.headers["x-content-type-options"] == "nosniff"
