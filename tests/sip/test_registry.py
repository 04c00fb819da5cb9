import asyncio
from random import Random

from sip.registry import CallRegistry
from tests.sip.network import Network, Peer, Station


def test_everyone_who_waits_is_told_when_no_call_is_left() -> None:
    network = Network()
    station, peer = Station(network), Peer(network)

    async def scenario() -> None:
        await asyncio.wait_for(station.agent.drained(), 30)
        peer.invite()
        network.run(0.1)
        waiting = [asyncio.create_task(station.agent.drained()) for _ in range(2)]
        await asyncio.sleep(0)
        peer.learn()
        peer.request("BYE")
        network.run(0.1)
        await asyncio.wait_for(asyncio.gather(*waiting), 30)

    asyncio.run(scenario())


class Loaded(Random):
    """Dice that fall the same way twice."""

    def __init__(self) -> None:
        super().__init__()
        self.falls = [7, 7, 8]

    def getrandbits(self, k: int, /) -> int:
        return self.falls.pop(0) if self.falls else super().getrandbits(k)


def test_no_two_calls_of_the_same_time_have_the_same_id() -> None:
    network = Network()
    station, peer = Station(network), Peer(network)
    peer.invite()
    network.run(0.1)
    registry = CallRegistry(Loaded())
    (call,) = station.calls
    call.id = registry.new_id()
    registry.add(call)
    assert (call.id, registry.new_id()) == ("00000007", "00000008")
