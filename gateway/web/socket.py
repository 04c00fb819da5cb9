"""The WebSocket of a page: texts in, texts out; what they mean is for ``conferencing.embedded``.

What a stranger may cost is bounded: the first message must come within ``FIRST_SECONDS``, and no more than
``MOST_STRANGERS`` are waited for. One more is let in all the same: whichever source has most of them
(``config.sources``) loses the one that has said nothing for longest. So nobody can lock the others out by
saying nothing, nor do the many behind one address hinder each other. What a page does not read is not kept
beyond ``MOST_UNREAD`` messages: its connection is cut, and it may resume.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from conferencing.embedded import messages
from conferencing.embedded.engine import EmbeddedEngine
from conferencing.embedded.messages import Code, Error, decode, encode
from conferencing.embedded.session import Session
from config.outcome import Outcome, PasserelleError
from config.sources import SUBSCRIBER_BITS, counted_as, first_of_most
from gateway.web.doors import Doors
from gateway.web.origins import Origins

FIRST_SECONDS = 10.0
MOST_STRANGERS = 200
MOST_UNREAD = 1_000
CLOSE_SECONDS = 2.0

POLICY_VIOLATION = 1008  # RFC 6455 section 7.4

DOOR_CODES = {Outcome.ROOM_FULL: Code.ROOM_FULL, Outcome.ROOM_LOCKED: Code.ROOM_LOCKED}

log = structlog.get_logger(__name__)


class PageConnection:
    """What is to be sent to one page (:class:`conferencing.embedded.session.Connection`)."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._unsent: asyncio.Queue[str | None] = asyncio.Queue(MOST_UNREAD + 1)
        self._closed = False

    def send(self, text: str) -> None:
        """Send a message; one who does not read is cut off."""
        if self._closed:
            return
        if self._unsent.qsize() >= MOST_UNREAD:
            log.info("A page does not read what it is sent: its connection is cut")
            while not self._unsent.empty():
                self._unsent.get_nowait()
            self.close()
        else:
            self._unsent.put_nowait(text)

    def close(self) -> None:
        """Close it after what was sent."""
        if not self._closed:
            self._closed = True
            self._unsent.put_nowait(None)

    async def write(self) -> None:
        """Send until closed."""
        while (text := await self._unsent.get()) is not None:
            await self._websocket.send_text(text)


class PageSockets:
    """All WebSockets. ``opened``: how many there are."""

    def __init__(
        self,
        doors: Doors,
        engine: EmbeddedEngine,
        origins: Origins,
        clock: Callable[[], float],
        *,
        first_seconds: float = FIRST_SECONDS,
        most_strangers: int = MOST_STRANGERS,
    ) -> None:
        self.opened = 0
        self._doors = doors
        self._engine = engine
        self._origins = origins
        self._clock = clock
        self._first_seconds = first_seconds
        self._most_strangers = most_strangers
        self._strangers: dict[
            asyncio.Timeout, str | None
        ] = {}  # their sources, by how long they are waited for

    def router(self) -> APIRouter:
        """The route."""
        router = APIRouter()
        router.add_api_websocket_route("/ws", self.serve)
        return router

    async def serve(self, websocket: WebSocket) -> None:
        """One page, from its first message to its last."""
        if not self._origins.is_ours(websocket):
            await websocket.close(POLICY_VIOLATION)
            return
        await websocket.accept()
        self.opened += 1
        connection = PageConnection(websocket)
        reading = asyncio.create_task(self._read(websocket, connection))
        writing = asyncio.create_task(connection.write())
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            connection.close()
            await asyncio.wait({writing}, timeout=CLOSE_SECONDS)
        finally:
            self.opened -= 1
            await _end(reading)
            await _end(writing)
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):  # they were quicker, or do not listen
            await websocket.close()
            async with asyncio.timeout(CLOSE_SECONDS):
                while True:  # what was on its way, up to their word of closing (RFC 6455 section 7.1.1)
                    await _text(websocket)

    async def _read(self, websocket: WebSocket, connection: PageConnection) -> None:
        source = counted_as(self._origins.source(websocket), (), bits=SUBSCRIBER_BITS)
        try:
            async with asyncio.timeout(self._first_seconds) as patience:
                self._wait_for(patience, source)
                first = decode(await _text(websocket))
        except TimeoutError:
            return
        finally:
            self._strangers.pop(patience, None)
        session = self._begin(first, connection)
        if isinstance(session, Error):
            connection.send(encode(session, 0))
            return
        try:
            while True:
                session.hear(await _text(websocket), self._clock())
        finally:
            session.detach(connection, self._clock())

    def _wait_for(self, patience: asyncio.Timeout, source: str | None) -> None:
        """Count a stranger; where that is one too many, wait no longer for another."""
        self._strangers[patience] = source
        if len(self._strangers) > self._most_strangers:
            oldest = first_of_most(self._strangers)
            del self._strangers[oldest]
            if not oldest.expired():
                oldest.reschedule(0.0)

    def _begin(self, first: messages.Message | Error, connection: PageConnection) -> Session | Error:
        """The session of a page's first message, or why there is none."""
        match first:
            case Error():
                return first
            case messages.Hello(version) | messages.Resume(version) if version != messages.VERSION:
                return Error(Code.BAD_VERSION, f"this server speaks version {messages.VERSION}")
            case messages.Hello(_, token, name):
                visit = self._doors.redeem(token)
                if visit is None:
                    return Error(Code.BAD_TOKEN, "the token was used, or is older than a minute", "hello")
                try:
                    return self._engine.open_session(visit, name, connection)
                except PasserelleError as error:
                    code = DOOR_CODES.get(error.outcome, Code.UNAVAILABLE)
                    return Error(code, str(error), "hello")
            case messages.Resume(_, session_id, secret, last):
                try:
                    session = self._engine.resume_session(session_id, secret, last, connection)
                except PasserelleError as error:
                    return Error(Code.TOO_FAST, str(error), "resume")
                return session or Error(Code.UNKNOWN_SESSION, "there is no such session", "resume")
            case _:
                return Error(Code.INVALID, "the first message is hello or resume")


async def _text(websocket: WebSocket) -> str:
    """The next message, empty if it is binary. Raises ``WebSocketDisconnect``."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    return message.get("text") or ""


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task, or hear how it ended. A bug met on the way ends this connection and no other."""
    task.cancel()
    try:
        await task
    except (asyncio.CancelledError, WebSocketDisconnect):
        pass
    except Exception:
        log.exception("A page's connection failed")
