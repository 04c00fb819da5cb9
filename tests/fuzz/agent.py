"""Fuzz the user agent: whatever comes, nothing goes wrong inside, and nothing is left of it.

python -m tests.fuzz.agent [--seconds N] [--seed N]

Each input comes to an agent with two calls: one that stands, with a re-INVITE of ours under way, and one that
rings. ``OURS`` in it becomes our tag of the first, ``BRANCH`` and ``NUMBER`` those of the re-INVITE.
"""

import asyncio
import logging

import structlog

from config.outcome import Outcome
from sip.call import Call
from sip.user_agent import Refusal
from tests.fuzz.mutation import main
from tests.sip.network import Network, Peer, Station, description

PATIENCE = 70  # seconds: 64*T1 for the ACK, and again for the answer to our BYE


class Stage:
    """An agent with its two calls, and how many were admitted."""

    def __init__(self) -> None:
        self.network = Network()
        self.station = Station(self.network)
        self.admitted = 0
        self.station.admission = self._admit
        self.peer = Peer(self.network)
        self.peer.invite()
        self.network.run(0.1)
        self.peer.learn()
        self.peer.request("ACK", cseq=1)
        self.network.run(0.1)
        self.station.calls[0].reoffer(description(50_002))
        self.network.run(0.1)
        self.station.on_call = _ring
        Peer(self.network, "192.0.2.98").invite(branch="z9hG4bKringing")
        self.network.run(0.1)
        # Whatever came to it from us; from now on it need not be understood.
        self.network.stations["udp", "192.0.2.99", 5060] = lambda data, source: None

    def fill(self, data: bytes) -> bytes:
        """The input with the words of the call that stands."""
        reinvite = self.peer.requests[-1]
        for word, value in (
            (b"OURS", self.station.calls[0].local_tag),
            (b"BRANCH", reinvite.via.branch or ""),
            (b"NUMBER", str(reinvite.cseq.number)),
        ):
            data = data.replace(word, value.encode())
        return data

    async def play(self, data: bytes) -> None:
        """The input comes, calls run their course, and in the end we stop."""
        agent = self.station.agent
        self.station.on_call = _answer if len(data) % 2 else _ring
        agent.receive(self.fill(data), self.station.transports[0].path_to("192.0.2.99", 5060))
        await self._wait()
        agent.hang_up_all(Outcome.DRAINING)
        await self._wait()

    def _admit(self) -> Refusal | None:
        self.admitted += 1
        return None

    async def _wait(self) -> None:
        """Let calls run their course; names are looked up meanwhile."""
        for _ in range(PATIENCE):
            self.network.clock.advance(1.0)
            await asyncio.sleep(0)


def _answer(call: Call) -> None:
    call.answer(description(50_004))


def _ring(call: Call) -> None:
    call.ring()


def check(data: bytes) -> None:
    """Raise if anything goes wrong inside, or something of a call is left after its end."""
    stage = Stage()
    asyncio.run(stage.play(data))
    agent = stage.station.agent
    if agent.counters.internal_errors:
        raise AssertionError("an internal error; the log has its trace")
    if agent.calls or agent.dialogs or agent.transactions:
        raise AssertionError("a call, a dialog or a transaction is left")
    if stage.admitted != len(stage.station.ended):
        raise AssertionError("a call was admitted that never ended")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    main("agent", check)
