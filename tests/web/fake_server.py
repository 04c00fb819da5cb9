"""A meeting server for the page's own tests: the vocabulary of the WebSocket, spoken from a script.

It serves the real page, answers joins, and keeps one meeting whose other participants are what a test says.
It has no media: where a test wants pictures and tones, a second page (``mirror.html``) answers the offers
with a coloured, moving picture and a tone in every slot, so the browser under test has a real far side.
"""

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.telemetry import TelemetryConfig
from starlette.websockets import WebSocketDisconnected, WebSocketState

from config.settings import Endpoint
from gateway.web.api import SecurityHeaders
from gateway.web.pages import create_pages
from gateway.web.server import HttpServer

Message = dict[str, Any]
QUIET: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
HERE = Path(__file__).parent
PATIENCE = 30.0
"""Seconds."""

ROOM: Message = {"name": "Weekly meeting", "slug": "weekly", "locked": False, "access": "open", "shares": 2}
INVITATION: Message = {
    "link": "https://meet.example/r/weekly",
    "number": "+33 1 23 45 67 42",
    "pin": "481516234",
    "sip_uri": "sip:weekly@meet.example",
}


def person(name: str, kind: str = "browser", **more: Any) -> Message:
    """A participant as the server tells of one; the id is made from the name."""
    known = {
        "host": False,
        "microphone": True,
        "camera": False,
        "screen": False,
        "hand": None,
        "key": False,
        "you": False,
    }
    return {"id": name.lower().replace(" ", "-"), "name": name, "kind": kind, **known, **more}


class FakeServer:
    """One room at a free port of the loopback; runs in a thread of its own."""

    def __init__(self) -> None:
        self.room: Message = {
            "name": ROOM["name"],
            "slug": ROOM["slug"],
            "access": "open",
            "pin_needed": False,
        }
        self.meeting = dict(ROOM)
        self.people: list[Message] = []
        self.lobby: list[Message] = []
        self.chat: list[Message] = []
        self.host = True
        self.key = False  # whether the pages came by the host's link
        self.mutes = False  # those who enter
        self.tiles = 9
        self.wait = False  # in the waiting room until `let_in`
        self.host_there = True  # while it waits
        self.refuse_join: tuple[int, Message] | None = None  # HTTP status and body
        self.know_seat = True  # accept `resume`
        self.slow_down = 0  # how many of them are told to wait
        self.received: list[Message] = []
        self.joins: list[Message] = []
        self.made: list[Message] = []
        self.leaves: list[Message] = []
        self.refuse_hello = ""  # the code of an error
        self.refuse_offers = 0  # so many
        self.connections = 0
        self.away = False  # sockets are closed as soon as they open
        self.address = ""
        self._numbers = itertools.count(1)
        self._minutes = itertools.count()
        self._pages: dict[WebSocket, Message] = {}  # socket → its participant
        self._mirrors: list[WebSocket] = []
        self._asked = itertools.count(1)
        self._offers: dict[int, WebSocket] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    # Life

    def start(self) -> str:
        """Listen; returns the address of the start page."""
        self._thread.start()
        self._http = HttpServer(SecurityHeaders(self._application()), Endpoint("127.0.0.1", 0))
        where = self._run(self._http.start())
        self.address = f"http://127.0.0.1:{where.port}"
        return self.address

    def stop(self) -> None:
        """Give the port back."""
        self._run(self._http.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    # What a test does

    def tell(self, kind: str, **fields: Any) -> None:
        """Send a message to every page in the meeting."""
        self._run(self._tell(kind, **fields))

    def come(self, participant: Message) -> None:
        """Somebody joins."""
        self.people.append(participant)
        self.tell("joined", participant=participant)

    def go(self, identity: str) -> None:
        """Somebody leaves."""
        self.people = [each for each in self.people if each["id"] != identity]
        self.tell("left", participant=identity, reason="left")

    def change(self, identity: str, **fields: Any) -> None:
        """Somebody is muted, raises a hand and so on."""
        for each in [*self.people, *self._pages.values()]:
            if each["id"] == identity:
                each.update(fields)
                self.tell("changed", participant=each)

    def knock(self, *waiting: Message) -> None:
        """Who is in the waiting room now."""
        self.lobby = list(waiting)
        self.tell("lobby", waiting=self.lobby)

    def host_comes(self, there: bool = True) -> None:
        """A host comes, or goes, while the page waits."""
        self.host_there = there
        self.tell("waiting", **self._waiting())

    def _waiting(self) -> Message:
        return {"session": "s1", "secret": "secret", "name": self.meeting["name"], "host": self.host_there}

    def let_in(self) -> None:
        """Admit the page that waits."""
        self.wait = False
        self._run(self._welcome_all())

    def cut(self) -> None:
        """Drop every WebSocket."""
        self._run(self._cut())

    def restart(self) -> None:
        """The process ends and comes back, remembering nothing."""
        self.chat = []
        self._numbers = itertools.count(1)
        self.tell("closed", reason="restarting")

    def heard(self, kind: str) -> list[Message]:
        """The messages of this type that pages have sent."""
        return [message for message in self.received if message["type"] == kind]

    def wait_for(self, met: Callable[[], Any]) -> Any:
        """What `met` gives, as soon as it is true; fails when that takes too long."""
        deadline = time.monotonic() + PATIENCE
        while not (result := met()):
            if time.monotonic() > deadline:
                raise AssertionError(f"never happened; heard {[each['type'] for each in self.received]}")
            time.sleep(0.02)
        return result

    def next(self, kind: str, **fields: Any) -> Message:
        """A message of this type with these fields, once a page has sent it."""
        found: Message = self.wait_for(
            lambda: next((each for each in self.heard(kind) if fields.items() <= each.items()), None)
        )
        return found

    @property
    def has_mirror(self) -> bool:
        """Whether there is somebody to answer offers."""
        return bool(self._mirrors)

    # The server

    def _application(self) -> FastAPI:
        api = FastAPI(telemetry=QUIET)
        api.include_router(create_pages())

        @api.get("/api/rooms/{slug}")
        async def room(request: Request, slug: str) -> Response:
            if slug != self.room["slug"]:
                return JSONResponse({"code": "no_room"}, status_code=404)
            known = not self.room["pin_needed"] or "room-key" in request.headers
            return JSONResponse(self.room if known else {**self.room, "name": None})

        @api.post("/api/meetings")
        async def create(request: Message) -> Message:
            self.made.append(request)
            return {"slug": "weekly", "link": "/r/weekly", "host_link": "/r/weekly#k=AWghost"}

        @api.post("/api/join")
        async def join(request: Message) -> Response:
            self.joins.append(request)
            if self.refuse_join:
                status, problem = self.refuse_join
                return JSONResponse(problem, status_code=status)
            return JSONResponse(
                {"token": f"token-{len(self.joins)}", "role": "host" if self.host else "guest"}
            )

        @api.post("/api/leave", status_code=204)
        async def leave(request: Message) -> None:
            self.leaves.append(request)

        @api.get("/mirror")
        async def mirror() -> HTMLResponse:
            headers = {"Content-Security-Policy": "default-src 'self' 'unsafe-inline' blob:"}
            return HTMLResponse((HERE / "mirror.html").read_text(), headers=headers)

        @api.websocket("/ws")
        async def page_socket(socket: WebSocket) -> None:
            await socket.accept()
            self.connections += 1
            if self.away:
                return await socket.close(1013)
            await self._listen(socket, self._from_page)
            self._forget(socket)

        @api.websocket("/mirror")
        async def mirror_socket(socket: WebSocket) -> None:
            await socket.accept()
            self._mirrors.append(socket)
            await self._listen(socket, self._from_mirror)
            self._mirrors.remove(socket)

        return api

    async def _listen(self, socket: WebSocket, act: Callable[..., Coroutine[Any, Any, None]]) -> None:
        with suppress(WebSocketDisconnect, WebSocketDisconnected):
            while text := await socket.receive_text():
                if socket.application_state is WebSocketState.CONNECTED:  # what crosses our own close is lost
                    await act(socket, json.loads(text))

    async def _from_page(self, socket: WebSocket, message: Message) -> None:
        self.received.append(message)
        kind = message["type"]
        if kind in ("hello", "resume"):
            await self._arrive(socket, message)
        elif kind == "ping":
            await self._send(socket, "pong")
        elif kind == "offer" and self.refuse_offers:
            self.refuse_offers -= 1
            await self._send(socket, "error", code="bad_offer", message="no", about="offer")
        elif kind == "offer" and self._mirrors:
            number = next(self._asked)
            self._offers[number] = socket
            await self._mirrors[-1].send_json({"number": number, "sdp": message["sdp"]})
        elif kind == "media":
            await self._alter(
                socket, **{source: message[source] for source in ("microphone", "camera", "screen")}
            )
        elif kind == "hand":
            await self._alter(socket, hand=1000.0 if message["raised"] else None)
        elif kind == "leave":
            await self._close(socket)
        elif kind == "rename":
            await self._alter(socket, name=message["name"])
        elif kind == "reaction":
            await self._tell("reaction", participant="me", emoji=message["emoji"])
        elif kind == "lock":
            self.meeting["locked"] = message["locked"]
            await self._tell("meeting", meeting=self.meeting)
        elif kind == "chat":
            await self._tell("chat", message=self.line("me", self._pages[socket]["name"], message["text"]))

    def line(self, identity: str, name: str, text: str) -> Message:
        """A message of the chat, kept for those who come later."""
        at = f"2026-11-22T09:{next(self._minutes):02}:00Z"
        self.chat.append(
            {"id": str(len(self.chat) + 1), "from": identity, "name": name, "text": text, "at": at}
        )
        return self.chat[-1]

    async def _from_mirror(self, _: WebSocket, message: Message) -> None:
        socket = self._offers.pop(message["number"])
        await self._send(socket, "answer", sdp=message["sdp"])
        await self._send(socket, "slots", slots=self._slots(message))

    def _slots(self, message: Message) -> list[Message]:
        """Pairs for those with pictures and sound, the last video slots for screens."""
        slots, pairs = [], message["received"]
        for index, each in enumerate(self.people[: self.tiles]):
            audio, video = pairs[2 * index], pairs[2 * index + 1]
            slots.append({"mid": audio, "participant": each["id"], "source": "microphone"})
            slots.append(
                {"mid": video, "participant": each["id"] if each["camera"] else None, "source": "camera"}
            )
        for mid, each in zip(pairs[-2:], [each for each in self.people if each["screen"]], strict=False):
            slots.append({"mid": mid, "participant": each["id"], "source": "screen"})
        return slots

    async def _arrive(self, socket: WebSocket, message: Message) -> None:
        resumed = message["type"] == "resume"
        if resumed and self.slow_down:
            self.slow_down -= 1
            await self._send(socket, "error", code="too_fast", message="slower, please", about="resume")
            return await self._close(socket)
        if resumed and not self.know_seat:
            self.know_seat = True
            return await self._send(
                socket, "error", code="unknown_session", message="no such session", about="resume"
            )
        if self.refuse_hello:
            return await self._send(socket, "error", code=self.refuse_hello, message="no", about="hello")
        name = message.get("name", "Camille Petit")
        self._pages[socket] = person(
            name, id="me", host=self.host, key=self.key, you=True, microphone=not self.mutes or resumed
        )
        if self.wait:
            return await self._send(socket, "waiting", **self._waiting())
        await self._welcome(socket, resumed)

    async def _welcome_all(self) -> None:
        for socket in list(self._pages):
            await self._welcome(socket, resumed=False)

    async def _welcome(self, socket: WebSocket, resumed: bool) -> None:
        await self._send(
            socket, "welcome", session="s1", secret="secret", you="me", meeting=self.meeting,
            participants=[*self.people, self._pages[socket]], lobby=self.lobby if self.host else [],
            chat=self.chat, ice_servers=[], tiles=self.tiles, invitation=INVITATION, resumed=resumed,
        )  # fmt: skip

    async def _alter(self, socket: WebSocket, **fields: Any) -> None:
        self._pages[socket].update(fields)
        await self._tell("changed", participant=self._pages[socket])

    async def _tell(self, kind: str, **fields: Any) -> None:
        for socket in list(self._pages):
            await self._send(socket, kind, **fields)

    async def _send(self, socket: WebSocket, kind: str, **fields: Any) -> None:
        with suppress(WebSocketDisconnect, WebSocketDisconnected):  # the page went while we spoke
            await socket.send_json({"type": kind, "n": next(self._numbers), **fields})

    async def _cut(self) -> None:
        for socket in list(self._pages):
            await self._close(socket, 1011)

    async def _close(self, socket: WebSocket, code: int = 1000) -> None:
        self._forget(socket)  # at once: what is told to all from now on is not for this one
        await socket.close(code)

    def _forget(self, socket: WebSocket) -> None:
        self._pages.pop(socket, None)
