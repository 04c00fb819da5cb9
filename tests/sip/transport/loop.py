"""Run a scenario on a real loop with a reactor of its own, as the gateway does (D2), and clean up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import uvloop
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from sip.message import MessageError
from sip.transport import Path


def run(scenario: Callable[[Any], Awaitable[None]]) -> None:
    """Run ``scenario(reactor)`` to its end, a minute at most."""
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        reactor = AsyncioSelectorReactor(loop)
        loop.run_until_complete(asyncio.wait_for(_whole(scenario, reactor), 60))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _whole(scenario: Callable[[Any], Awaitable[None]], reactor: Any) -> None:
    await scenario(reactor)
    await asyncio.sleep(0)
    for call in reactor.getDelayedCalls():
        call.cancel()
    reactor.removeAll()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what another task or the kernel is about to do."""
    while not condition():  # noqa: ASYNC110 - the kernel sets no event
        await asyncio.sleep(0.001)


class Inbox:
    """A receiver that keeps what it gets."""

    def __init__(self, refused: Iterable[str] = ()) -> None:
        self.messages: list[bytes] = []
        self.paths: list[Path] = []
        self.broken: list[MessageError] = []
        self.refused = set(refused)
        self.turned_away = 0

    def admits(self, host: str, octets: int) -> bool:
        self.turned_away += host in self.refused
        return host not in self.refused

    def receive(self, data: bytes, path: Path) -> None:
        self.messages.append(data)
        self.paths.append(path)

    def receive_broken(self, error: MessageError, path: Path) -> None:
        self.broken.append(error)
        path.send(b"SIP/2.0 513 Message Too Large\r\n\r\n")
