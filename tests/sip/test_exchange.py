import asyncio
from collections.abc import Callable, Coroutine
from random import Random

import pytest

from config.outcome import Outcome
from sip.headers import Address
from sip.resolver import Naptr, Resolver, Srv
from sip.uri import Uri
from sip.user_agent import UserAgent
from tests.sip.network import SDP, Handler, MemoryTransport, Network, Peer, Station, description

ANSWER = (SDP % 35_000).decode()


class Zone:
    """A DNS with one name, ``far.example.org``, that may be out of order."""

    def __init__(self) -> None:
        self.hosts = ["192.0.2.91", "192.0.2.92", "192.0.2.93"]
        self.works = True

    async def naptr(self, name: str) -> list[Naptr]:
        if not self.works:
            raise OSError("no answer")
        return []

    async def srv(self, name: str) -> list[Srv]:
        return []

    async def addresses(self, name: str) -> list[str]:
        await asyncio.sleep(0)
        return self.hosts


def on_loop(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(scenario())


async def dialled(
    network: Network, zone: Zone | None = None, kinds: tuple[str, ...] = ("udp",), name: str = "-"
) -> tuple[UserAgent, Handler]:
    handler = Handler()
    agent = UserAgent(
        [MemoryTransport(network, "192.0.2.10", kind=kind) for kind in kinds],
        call_later=network.clock.callLater,
        clock=network.clock.seconds,
        random=Random(1),
        on_call=lambda call: None,
        resolver=Resolver(zone or Zone(), Random(1), kinds),
    )
    await agent.start()
    sdp = description(50_000)
    sdp.name = name
    caller = Address(Uri.parse("sip:a@example.org"))
    agent.dial(Uri.parse("sip:b@far.example.org"), caller=caller, sdp=sdp, handler=handler)
    for _ in range(10):
        await asyncio.sleep(0)
    network.run(0.1)
    return agent, handler


def test_a_name_is_looked_up_and_the_first_address_called() -> None:
    async def scenario() -> None:
        network = Network()
        first, second = Peer(network, "192.0.2.91"), Peer(network, "192.0.2.92")
        _, handler = await dialled(network)
        first.answer(first.requests[0], 200, body=ANSWER)
        network.run(0.1)
        assert handler.events == ["answered"]
        assert second.got == []

    on_loop(scenario)


def test_503_and_silence_lead_to_the_next_address_with_a_new_transaction() -> None:
    async def scenario() -> None:
        network = Network()
        busy, third = Peer(network, "192.0.2.91"), Peer(network, "192.0.2.93")
        _, handler = await dialled(network)
        busy.answer(busy.requests[0], 503)
        network.run(33)  # nobody is at the second address
        assert third.distinct == ["INVITE"]
        assert third.requests[0].via.branch != busy.requests[0].via.branch
        assert third.requests[0].call_id == busy.requests[0].call_id
        third.answer(third.requests[0], 200, body=ANSWER)
        network.run(0.1)
        assert handler.events == ["answered"]

    on_loop(scenario)


def test_an_address_that_refuses_is_left_at_once() -> None:
    async def scenario() -> None:
        network = Network(unreachable={("udp", "192.0.2.91", 5060)})
        second = Peer(network, "192.0.2.92")
        await dialled(network)
        assert second.methods == ["INVITE"]

    on_loop(scenario)


def test_a_refusal_other_than_503_is_final() -> None:
    async def scenario() -> None:
        network = Network()
        first, second = Peer(network, "192.0.2.91"), Peer(network, "192.0.2.92")
        _, handler = await dialled(network)
        first.answer(first.requests[0], 404)
        network.run(1)
        assert handler.outcome is Outcome.NOT_FOUND
        assert second.got == []

    on_loop(scenario)


@pytest.mark.parametrize("fault", ["no answer", "no such name"])
def test_a_name_that_leads_nowhere_ends_the_call(fault: str) -> None:
    async def scenario() -> None:
        zone = Zone()
        zone.works = fault != "no answer"
        zone.hosts = []
        agent, handler = await dialled(Network(), zone)
        assert handler.outcome is Outcome.TRANSPORT
        assert not agent.calls

    on_loop(scenario)


def test_hanging_up_while_the_dns_is_asked_sends_nothing() -> None:
    async def scenario() -> None:
        network, zone = Network(), Zone()
        first = Peer(network, "192.0.2.91")
        asked = asyncio.Event()

        async def slow(name: str) -> list[str]:
            await asked.wait()
            return zone.hosts

        zone.addresses = slow  # type: ignore[method-assign]
        agent, handler = await dialled(network, zone)
        next(iter(agent.calls.values())).hang_up()
        asked.set()
        for _ in range(10):
            await asyncio.sleep(0)
        network.run(1)
        assert handler.events == ["ended completed"]
        assert first.got == []
        assert not agent.calls

    on_loop(scenario)


@pytest.mark.parametrize("size", [10, 1_300])
def test_a_large_request_tries_tcp_first(size: int) -> None:
    async def scenario() -> None:
        network = Network()
        by_udp, by_tcp = Peer(network, "192.0.2.91"), Peer(network, "192.0.2.91", kind="tcp")
        await dialled(network, kinds=("udp", "tcp"), name="x" * size)
        large = size > 1_000
        assert (by_tcp.methods, by_udp.methods) == ((["INVITE"], []) if large else ([], ["INVITE"]))
        if large:
            assert by_tcp.requests[0].via.transport == "TCP"
            assert by_tcp.requests[0].headers.get("Contact") == "<sip:192.0.2.10:5060;transport=tcp>"

    on_loop(scenario)


def test_a_large_request_falls_back_to_udp() -> None:
    async def scenario() -> None:
        network = Network(unreachable={("tcp", "192.0.2.91", 5060)})
        by_udp = Peer(network, "192.0.2.91")
        await dialled(network, kinds=("udp", "tcp"), name="x" * 1_300)
        assert by_udp.methods == ["INVITE"]

    on_loop(scenario)


def test_a_bye_whose_connection_is_gone_goes_to_the_contact() -> None:
    network = Network()
    station, peer = Station(network, kinds=("udp", "tcp")), Peer(network, kind="tcp")
    contact = Peer(network, "192.0.2.77")
    peer.invite(contact="<sip:phone@192.0.2.77>")
    network.run(0.1)
    peer.learn()
    peer.request("ACK", cseq=1)
    network.run(0.1)
    for path in station.transports[1].paths.values():
        path.usable = False
    station.calls[0].hang_up()
    network.run(0.1)
    assert contact.methods == ["BYE"]


def test_after_an_address_that_failed_at_once_the_cancel_goes_to_the_one_that_rings() -> None:
    async def scenario() -> None:
        network = Network(unreachable={("udp", "192.0.2.91", 5060)})
        second = Peer(network, "192.0.2.92")
        agent, handler = await dialled(network)
        second.answer(second.requests[0], 180)
        network.run(0.1)
        next(iter(agent.calls.values())).hang_up()
        network.run(0.1)
        assert second.methods == ["INVITE", "CANCEL"]
        assert second.requests[1].via.branch == second.requests[0].via.branch
        assert handler.events == ["ended completed"]

    on_loop(scenario)
