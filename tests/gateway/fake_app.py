"""An application for `gateway.run`, told by its arguments how to behave; run as ``python -m``.

It prints a line at each step. ``calls=N``: so many calls run; SIGUSR1 ends them.
"""

import asyncio
import gc
import signal
import sys
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.protocol import DatagramProtocol

from config.outcome import Outcome, PasserelleError
from config.settings import Endpoint, LogSettings
from gateway import logs
from gateway.garbage import Garbage
from gateway.run import run
from gateway.web.api import create_api
from gateway.web.server import HttpServer


def say(*words: object) -> None:
    print(*words, flush=True)


class Echo(DatagramProtocol):
    """Stands for SIP: a Twisted listener."""

    def datagramReceived(self, datagram: bytes, addr: object) -> None:  # noqa: N802 - Twisted's name
        transport: Any = self.transport
        transport.write(datagram, addr)


class FakeApp:
    """Starts a Twisted port and an HTTP server, as the real one does."""

    def __init__(
        self, reactor: AsyncioSelectorReactor, loop: asyncio.AbstractEventLoop, _garbage: Garbage
    ) -> None:
        self.reactor: Any = reactor
        self.loop = loop
        self.options = set(sys.argv[1:])
        self.calls = "busy" in self.options
        self.state: str | None = "starting"
        self.http = HttpServer(create_api(lambda: self.state, lambda: b""), Endpoint("127.0.0.1", 0))

    async def start(self) -> None:
        if "refuse" in self.options:
            raise PasserelleError("The port is taken", outcome=Outcome.UNAVAILABLE, hint="choose another")
        if "slow" in self.options:
            say("starting")
            await asyncio.sleep(3600)
        self.loop.add_signal_handler(signal.SIGUSR1, self.end_calls)
        http = await self.http.start()
        self.port = self.reactor.listenUDP(0, Echo(), interface="127.0.0.1")
        self.state = None
        say("ready", http.port, self.port.getHost().port)

    def end_calls(self) -> None:
        self.calls = False

    def begin_drain(self) -> None:
        self.state = "draining"
        say("draining")

    def drained(self) -> bool:
        return not self.calls

    async def stop(self, outcome: Outcome) -> None:
        frozen = gc.get_freeze_count() > 1000  # Python 3.12 begins with some hundreds
        say("stop", outcome.label, "frozen" if frozen else "not frozen")
        if "hang" in self.options:
            await asyncio.sleep(3600)
        await self.http.stop()
        if self.state != "starting":
            await self.port.stopListening().asFuture(self.loop)


if __name__ == "__main__":
    spool = logs.configure(LogSettings(format="json"))
    logs.capture_twisted()
    try:
        run(FakeApp, drain_seconds=0.5 if "short" in sys.argv else 60)
    except PasserelleError as error:
        say("refused", error)
    spool.close()
    say("end", sys.getswitchinterval())
