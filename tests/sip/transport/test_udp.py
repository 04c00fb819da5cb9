import socket
from typing import Any

import pytest

from sip.transport import Identity, LocalAddress, Source
from sip.transport.tcp import TcpTransport
from sip.transport.udp import MAX_THROUGHPUT, UdpTransport
from tests.sip.transport.loop import Inbox, run, until


def client(family: socket.AddressFamily = socket.AF_INET, host: str = "127.0.0.1") -> socket.socket:
    peer = socket.socket(family, socket.SOCK_DGRAM)
    peer.bind((host, 0))
    peer.setblocking(False)
    return peer


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_datagram_comes_with_its_source_and_the_path_leads_back(family: Any, host: str) -> None:
    async def scenario(reactor: Any) -> None:
        transport, inbox = UdpTransport(reactor, host, 0), Inbox()
        transport.start(inbox)
        with client(family, host) as peer:
            peer.sendto(b"OPTIONS", (host, transport.address.port))
            await until(lambda: inbox.messages)
            path = inbox.paths[0]
            assert path.peer == Source(host, peer.getsockname()[1], "udp")
            assert path.local == transport.address
            assert not path.reliable
            path.send(b"200")
            peer.setblocking(True)  # a datagram on loopback is there once it is sent
            peer.settimeout(30)
            data, address = peer.recvfrom(100)
            assert (data, address[1]) == (b"200", transport.address.port)
        assert (transport.counters.messages_in, transport.counters.messages_out) == (1, 1)
        await transport.stop()

    run(scenario)


def test_the_largest_datagram_arrives_whole_and_a_flood_gives_the_loop_back() -> None:
    async def scenario(reactor: Any) -> None:
        transport, inbox = UdpTransport(reactor, "127.0.0.1", 0), Inbox()
        transport.start(inbox)
        with client() as peer:
            peer.sendto(b"x" * 60_000, ("127.0.0.1", transport.address.port))
            await until(lambda: inbox.messages)
        assert len(inbox.messages[0]) == 60_000
        assert transport._port.maxThroughput == MAX_THROUGHPUT
        await transport.stop()

    run(scenario)


def test_keep_alives_and_senders_that_are_not_admitted_go_no_further() -> None:
    async def scenario(reactor: Any) -> None:
        transport, inbox = UdpTransport(reactor, "127.0.0.1", 0), Inbox(refused=["127.0.0.2"])
        transport.start(inbox)
        with client() as good, client(host="127.0.0.2") as bad:
            for data in (b"\r\n\r\n", b"\0", b"\0\0\0\0", b""):
                good.sendto(data, ("127.0.0.1", transport.address.port))
            bad.sendto(b"OPTIONS", ("127.0.0.1", transport.address.port))
            await until(lambda: transport.counters.keepalives == 4 and inbox.turned_away == 1)
        assert inbox.messages == []
        await transport.stop()

    run(scenario)


def test_an_address_in_use_is_an_oserror_that_names_it() -> None:
    async def scenario(reactor: Any) -> None:
        first = UdpTransport(reactor, "127.0.0.1", 0)
        first.start(Inbox())
        second = UdpTransport(reactor, "127.0.0.1", first.address.port)
        with pytest.raises(OSError, match=f"udp:127.0.0.1:{first.address.port}"):
            second.start(Inbox())
        await first.stop()

    run(scenario)


@pytest.mark.parametrize("when", ["too large", "stopped"])
def test_what_cannot_be_sent_is_told_and_raises_nothing(when: str) -> None:
    async def scenario(reactor: Any) -> None:
        transport = UdpTransport(reactor, "127.0.0.1", 0)
        transport.start(Inbox())
        path = transport.path_to("127.0.0.1", 9)
        if when == "stopped":
            await transport.stop()
        problems: list[str] = []
        path.send(b"x" * (70_000 if when == "too large" else 10), problems.append)
        assert len(problems) == 1
        assert transport.counters.dropped == 1
        await transport.stop()

    run(scenario)


@pytest.mark.parametrize(
    ("bound", "peer", "on_the_way"),
    [
        ("127.0.0.1", "127.0.0.9", True),
        ("127.0.0.2", "127.0.0.9", False),
        ("0.0.0.0", "127.0.0.9", True),
        ("::1", "::1", True),
    ],
)
def test_of_several_listeners_the_one_on_the_way_suits(bound: str, peer: str, on_the_way: bool) -> None:
    assert UdpTransport(None, bound, 5060).suits(peer) is on_the_way


@pytest.mark.parametrize(
    ("bound", "advertised", "peer", "named"),
    [
        ("127.0.0.1", (), "127.0.0.9", "127.0.0.1"),
        ("0.0.0.0", (), "127.0.0.9", "127.0.0.1"),
        ("::", (), "::1", "::1"),
        ("0.0.0.0", ("198.51.100.1", "2001:db8::1"), "127.0.0.9", "198.51.100.1"),
        ("::1", ("198.51.100.1", "2001:db8::1"), "::1", "2001:db8::1"),
        ("127.0.0.1", ("2001:db8::1",), "127.0.0.9", "127.0.0.1"),
    ],
)
def test_a_listener_is_never_called_by_the_unspecified_address(
    bound: str, advertised: tuple[str, ...], peer: str, named: str
) -> None:
    assert Identity.of(advertised).towards(LocalAddress(bound, 5060), peer) == LocalAddress(named, 5060)


@pytest.mark.parametrize(
    ("bound", "host", "leads"),
    [
        ("192.0.2.10", "198.51.100.1", True),
        ("0.0.0.0", "198.51.100.1", True),
        ("192.0.2.10", "2001:db8::1", False),
        ("::", "2001:db8::1", True),
        ("192.0.2.10", "224.0.0.1", False),
        ("192.0.2.10", "255.255.255.255", False),
        ("192.0.2.10", "0.0.0.0", False),
        ("192.0.2.10", "0.1.2.3", False),
        ("::", "ff02::1", False),
        ("::", "::", False),
        ("::", "::ffff:224.0.0.1", False),
        ("192.0.2.10", "127.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", False),
        ("::", "::1", False),
        ("127.0.0.1", "127.0.0.9", True),
        ("::1", "::1", True),
    ],
)
def test_requests_go_to_one_real_host_only(bound: str, host: str, leads: bool) -> None:
    assert UdpTransport(None, bound, 5060).reaches(host) is leads
    assert TcpTransport(None, bound, 5060).reaches(host) is leads
