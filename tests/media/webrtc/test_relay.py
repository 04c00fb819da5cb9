"""Relays, where coturn cannot show it: servers that are silent, gone, or talk nonsense."""

import asyncio
import socket

import pytest

from media.webrtc.relay import REFRESH, RelayWire, TurnUdp
from media.webrtc.servers import StunServer, TurnServer
from tests.media.webrtc import calling
from tests.media.webrtc.calling import Scene
from tests.media.webrtc.test_wire import PEER, Bench, run

HEADER = "{kind} 0008 2112a442 000000000000000000000000"
NONSENSE = (
    HEADER.format(kind="0103") + "000d0001 01000000",  # LIFETIME of one octet
    HEADER.format(kind="0017") + "000c0000 000c0000",  # an empty CHANNEL-NUMBER
    HEADER.format(kind="0113") + "00090004 00000401",  # another length than it says
    HEADER.format(kind="3fff") + "00130004 feedfeed",  # another method
    "4000ffff",
    "40",
    "",
)


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


@pytest.mark.parametrize("data", NONSENSE)
def test_what_a_server_makes_up_does_no_harm(data: str) -> None:
    async def scenario(bench: Bench) -> None:
        turn = FakeTurn()
        wire = RelayWire(turn, bench.checks, 1)
        turn.channel_to_peer[0x4000] = ("192.0.2.1", 4000)
        turn.datagram_received(bytes.fromhex(data), ("192.0.2.7", 3478))
        assert (turn.sent, wire.paths) == ([], {})

    run(scenario)


def test_what_a_server_passes_on_is_looked_at_like_all_else() -> None:
    async def scenario(bench: Bench) -> None:
        turn = FakeTurn()
        RelayWire(turn, bench.checks, 1)
        turn.channel_to_peer[0x4000] = ("192.0.2.1", 4000)
        for data in (b"", b"\xff", b"\x00\x01", b"\x80" + bytes(20)):
            turn.datagram_received(b"@\0" + len(data).to_bytes(2) + data, ("192.0.2.7", 3478))
        assert (bench.counters.malformed, bench.counters.unknown) == (3, 1)

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
