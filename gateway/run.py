"""Runs the process: one uvloop loop with Twisted's reactor on it (D2), signals, a clean end.

The loop, the reactor and the collector are made here and handed to whoever builds the application; no
module of ours imports ``twisted.internet.reactor``. What happens when is decided by ``gateway.drain``;
this is the shell that performs it.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

import structlog
import uvloop
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.main import installReactor

from config.outcome import Outcome
from gateway.drain import Command, Event, Lifecycle, State
from gateway.garbage import SWEEP_SECONDS, Garbage

SWITCH_SECONDS = 0.0005
"""Longest turn of one Python thread while another wants to run. By default 5 ms: with one busy thread the
tick was measured 14 ms late, with this 2 ms."""

DRAIN_CHECK_SECONDS = 0.1

log = structlog.get_logger(__name__)


class Application(Protocol):
    """What is run: everything between the operating system and the calls."""

    async def start(self) -> None:
        """Start everything, in order; raises `PasserelleError` when something cannot be had."""

    def begin_drain(self) -> None:
        """Refuse new calls from now on."""

    def drained(self) -> bool:
        """Whether there is no call at all."""

    async def stop(self, outcome: Outcome) -> None:
        """End every call with that outcome and close everything, also what `start` left half done."""


Build = Callable[[AsyncioSelectorReactor, asyncio.AbstractEventLoop, Garbage], Application]


def run(build: Build, *, drain_seconds: float) -> None:
    """Build the application, run it until a signal ends it.

    Returns when all was closed in order; raises what ``start`` raised. A stop that takes too long, or is
    hurried by a further signal, ends the process here and now with exit status 1.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    reactor: Any = AsyncioSelectorReactor(loop)
    install: Any = installReactor  # some of Twisted asks the installed one
    install(reactor)
    try:
        shell = _Shell(build, reactor, loop, drain_seconds)
        life = loop.create_task(shell.live(), name="life")
        life.add_done_callback(lambda _: reactor.stop())
        reactor.run(installSignalHandlers=False)
        life.result()
    finally:
        _close(loop)


class _Shell:
    """Turns signals and time into events of `Lifecycle`, and its commands into deeds."""

    def __init__(
        self,
        build: Build,
        reactor: AsyncioSelectorReactor,
        loop: asyncio.AbstractEventLoop,
        drain_seconds: float,
    ) -> None:
        self._loop = loop
        self._lifecycle = Lifecycle(drain_seconds)
        self._garbage = Garbage(self._idle)
        self._app = build(reactor, loop, self._garbage)
        self._end = asyncio.Event()

    async def live(self) -> None:
        """From the start to the last thing closed; raises what the start raised."""
        for number, event in ((signal.SIGTERM, Event.TERMINATE), (signal.SIGINT, Event.INTERRUPT)):
            self._loop.add_signal_handler(number, self._signalled, event)
        watch = self._loop.create_task(self._watch(), name="watch")
        starting = self._loop.create_task(self._start(), name="start")
        await self._end.wait()
        starting.cancel()  # nothing happens if it is over
        await asyncio.wait([starting])
        await self._app.stop(Outcome.DRAINING)
        self._receive(Event.ENDED)
        watch.cancel()
        if not starting.cancelled():
            starting.result()

    async def _start(self) -> None:
        try:
            await self._app.start()
        except Exception:
            if self._lifecycle.state is State.STARTING:
                self._receive(Event.FAILED)
            raise
        if self._lifecycle.state is State.STARTING:  # else a signal came in the last moment
            self._garbage.install()
            self._receive(Event.READY)

    async def _watch(self) -> None:
        """Tell the machine what no signal tells: the deadline, the last call gone. Sweep when idle."""
        swept_at = self._loop.time()
        while True:
            await asyncio.sleep(DRAIN_CHECK_SECONDS)
            now = self._loop.time()
            if self._lifecycle.deadline is not None and now >= self._lifecycle.deadline:
                self._receive(Event.DEADLINE)
            elif self._lifecycle.state is State.DRAINING and self._app.drained():
                self._receive(Event.EMPTY)
            elif self._lifecycle.state is State.RUNNING and now - swept_at >= SWEEP_SECONDS:
                self._garbage.sweep()
                swept_at = now

    def _idle(self) -> bool:
        return self._app.drained()

    def _signalled(self, event: Event) -> None:
        state = self._lifecycle.state
        log.info("Told to stop", signal=event.name.lower(), state=state.name.lower())
        if state is not State.STOPPED:
            self._receive(event)

    def _receive(self, event: Event) -> None:
        for command in self._lifecycle.receive(event, self._loop.time()):
            match command:
                case Command.REFUSE_CALLS:
                    self._app.begin_drain()
                case Command.END_CALLS:
                    self._end.set()
                case Command.ABANDON:
                    log.error("Stopping took too long and was abandoned")
                    logging.shutdown()
                    os._exit(1)
                case Command.EXIT:
                    log.info("Stopped")


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what was left running, and close the loop."""
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
