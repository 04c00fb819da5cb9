"""Relays, where coturn cannot show it: servers that are silent, gone or talk nonsense. See ``test_strangers``."""

import asyncio
import socket
from random import Random

import pytest

from media.webrtc.relay import REFRESH, RelayWire, TurnUdp
from media.webrtc.servers import StunServer, TurnServer
from tests.fuzz.mutation import mutate
from tests.media.webrtc import calling
from tests.media.webrtc.calling import Scene
from tests.media.webrtc.test_wire import PEER, Bench, run

ANSWER = "0103000c2112a442000000000000000000000000001600080001 5ab15e12a4430000"
DATA = "001700182112a442000000000000000000000000 00130004feedfeed 0012000800012edd5e12a443 cafecafe"
MODELS = [bytes.fromhex(ANSWER), bytes.fromhex(DATA), b"@\0\0\4data"]


class FakeTransport(asyncio.DatagramTransport):
    """Where the server would be."""

    closing = False

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True


class FakeTurn(TurnUdp):
    """A client of a server that binds every channel at once; what is sent waits in ``sent``."""

    def __init__(self) -> None:
        super().__init__(("192.0.2.7", 3478), "phone", "secret", 600, 600)
        self.transport = FakeTransport()
        self.sent: list[bytes] = []
        self.bound: list[int] = []

    def _send(self, data: bytes) -> None:
        self.sent.append(data)

    async def channel_bind(self, channel_number: int, addr: tuple[str, int]) -> None:
        self.bound.append(channel_number)


def test_a_packet_to_a_bound_channel_is_written_at_once_and_the_channel_kept_alive() -> None:
    async def scenario(bench: Bench) -> None:
        turn = FakeTurn()
        wire = RelayWire(turn, bench.checks, 1)
        wire.send(b"one", PEER)
        assert turn.sent == []
        await bench.client.tasks.finish()
        wire.send(b"two", PEER)
        assert turn.sent == [b"@\0\0\3one", b"@\0\0\3two"]
        assert turn.bound == [0x4000]
        bench.now = REFRESH + 1
        wire.send(b"three", PEER)
        wire.send(b"four", PEER)
        await bench.client.tasks.finish()
        assert turn.bound == [0x4000, 0x4000]
        assert len(turn.sent) == 4

    run(scenario)


def test_nothing_is_sent_to_a_server_that_is_gone() -> None:
    async def scenario(bench: Bench) -> None:
        turn = FakeTurn()
        wire = RelayWire(turn, bench.checks, 1)
        turn.transport.close()
        with pytest.raises(BrokenPipeError):
            wire.send(b"one", PEER)
        await wire.close()

    run(scenario)


def test_what_a_server_makes_up_does_no_harm() -> None:
    async def scenario(bench: Bench) -> None:
        turn = FakeTurn()
        RelayWire(turn, bench.checks, 1)
        turn.channel_to_peer[0x4000] = ("192.0.2.1", 4000)
        random = Random(3)
        for _ in range(500):
            turn.datagram_received(mutate(MODELS, random), ("192.0.2.7", 3478))
        assert bench.counters.failed == 0

    run(scenario)


def test_servers_that_are_silent_cost_three_seconds_and_not_the_call() -> None:
    async def scenario(scene: Scene) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            port = silent.getsockname()[1]
            call = await scene.call([StunServer("127.0.0.1", port), TurnServer("127.0.0.1", port, "a", "b")])
        call.signal()
        call.trickle()
        await calling.until(lambda: call.secured)

    calling.run(scenario)
