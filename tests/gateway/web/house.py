"""The doors of the gateway for browsers, real down to HTTP and the WebSocket; media is a fake that notes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bridge.pin_guard import PinGuard
from conferencing.embedded.engine import EmbeddedEngine
from conferencing.meeting import MeetingRules
from config.settings import Endpoint, Settings
from gateway.web.api import create_api
from gateway.web.doors import Doors
from gateway.web.meetings import create_meetings
from gateway.web.origins import Origins
from gateway.web.server import HttpServer
from gateway.web.socket import MOST_STRANGERS, PageSockets
from rooms.local import LocalDirectory
from rooms.store import Store
from tests.conferencing.embedded.fake_plane import FakePlane

PATIENCE = 30.0
Message = dict[str, Any]


class Page:
    """A browser's page: reads events, keeps the numbers."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.welcome: Message = {}
        self.last = 0

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> Message:
        event: Message = json.loads(await self.socket.recv())
        assert event["n"] >= self.last
        self.last = event["n"]
        return event

    async def until(self, kind: str, **fields: Any) -> Message:
        """The next event of that type whose fields are these."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.next()
                if event["type"] == kind and fields.items() <= event.items():
                    return event

    async def closes(self) -> None:
        """Read to the end."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()


class Gateway:
    """What a test talks to."""

    def __init__(self, listen: Endpoint, store: Store, engine: EmbeddedEngine, sockets: PageSockets) -> None:
        self.listen = listen
        self.store = store
        self.engine = engine
        self.sockets = sockets
        self.planes: list[FakePlane] = []
        self.headers: dict[str, str] = {}  # of the last answer

    @property
    def origin(self) -> str:
        return f"http://{self.listen}"

    async def http(
        self,
        method: str,
        path: str,
        body: Message | None = None,
        *,
        origin: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Message]:
        """Ask; ``origin`` None: send none."""
        content = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.listen}", "Connection: close"]
        if origin is not None:
            head.append(f"Origin: {origin or self.origin}")
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if content:
            head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        reader, writer = await asyncio.open_connection(self.listen.host, self.listen.port)
        writer.write("\r\n".join([*head, "", ""]).encode() + content)
        answer = await asyncio.wait_for(reader.read(-1), PATIENCE)
        writer.close()
        top, _, rest = answer.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in top.decode().splitlines()[1:]]
        self.headers = {name.lower(): value for name, _, value in lines}
        return int(top.split()[1]), json.loads(rest or b"{}")

    async def connect(self, **options: Any) -> Page:
        options = {"origin": self.origin} | options
        return Page(await connect(f"ws://{self.listen}/ws", compression=None, **options))

    async def ticket(self, slug: str, name: str = "Anna", **credentials: str) -> str:
        status, answer = await self.http("POST", "/api/join", {"slug": slug, "name": name, **credentials})
        assert status == 200, answer
        return str(answer["token"])

    async def join(self, slug: str, name: str, *, waits: bool = False, **credentials: str) -> Page:
        """Come in as a browser does."""
        token = await self.ticket(slug, name, **credentials)
        page = await self.connect()
        await page.send("hello", version=1, token=token, name=name, language="fr")
        page.welcome = await page.until("waiting" if waits else "welcome")
        return page

    async def resume(self, page: Page, *, last: int | None = None) -> Page:
        again = await self.connect()
        session = {key: page.welcome[key] for key in ("session", "secret")}
        await again.send("resume", version=1, last=page.last if last is None else last, **session)
        return again


def _clock() -> float:
    """Time stands still: on a slow machine, too, a brake stays as it is in the midst of a test."""
    return 1000.0


def with_gateway(
    folder: Path,
    scenario: Callable[[Gateway], Awaitable[None]],
    *,
    first_seconds: float = PATIENCE,
    most_strangers: int = MOST_STRANGERS,
    **sections: dict[str, Any],
) -> None:
    """Run a scenario against a gateway with an empty database, on the loop that production has."""
    settings = Settings.model_validate(sections)

    async def run() -> None:
        random, planes = SystemRandom(), []

        def make_plane(rules: MeetingRules) -> FakePlane:
            planes.append(FakePlane(rules))
            return planes[-1]

        store = await Store.open(f"sqlite:///{folder}/rooms.db", folder / "secret")
        engine = EmbeddedEngine(clock=_clock, random=random, make_plane=make_plane)
        doors = Doors(
            settings,
            store,
            LocalDirectory(store),
            PinGuard(settings.limits),
            engine,
            clock=_clock,
            wall=time.time,
            random=random,
        )
        origins = Origins(settings.http)
        sockets = PageSockets(
            doors,
            engine,
            origins,
            _clock,
            first_seconds=first_seconds,
            most_strangers=most_strangers,
        )
        api = create_api(lambda: None, lambda: b"", create_meetings(doors, origins), sockets.router())
        server = HttpServer(api, Endpoint("127.0.0.1", 0), stop_seconds=0.2)
        gateway = Gateway(await server.start(), store, engine, sockets)
        gateway.planes = planes
        try:
            async with asyncio.timeout(4 * PATIENCE):
                await scenario(gateway)
        finally:
            engine.close()
            await server.stop()
            await store.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
