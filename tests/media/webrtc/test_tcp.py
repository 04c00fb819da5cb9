"""RFC 4571 framing and the door of ICE-TCP."""

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.latch import Address
from media.webrtc.path import Counters, Link
from media.webrtc.tcp import (
    MAX_FRAME,
    MAX_UNPROVEN,
    MAX_UNSENT,
    PROVE_WITHIN,
    Framer,
    FramingError,
    TcpLink,
    TcpListener,
)
from tests.media.webrtc.network import Network


def framed(*datagrams: bytes) -> bytes:
    return b"".join(len(data).to_bytes(2) + data for data in datagrams)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_datagrams_come_out_as_they_went_in(datagrams: list[bytes], cuts: list[int]) -> None:
    stream, framer, found, at = framed(*datagrams), Framer(), list[bytes](), 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        found += framer.feed(stream[at : at + size])
        at += size
    assert found == datagrams


def test_a_frame_too_long_is_refused_before_it_has_come() -> None:
    with pytest.raises(FramingError):
        Framer().feed((MAX_FRAME + 1).to_bytes(2))


class FakeTransport(asyncio.Transport):
    """A connection from ``peer``."""

    def __init__(self, peer: Address) -> None:
        super().__init__({"peername": peer})
        self.written = b""
        self.waiting = 0
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Mux:
    """What the listener asks of one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.counters = Counters()
        self.got: list[bytes] = []
        self.woken = 0

    def clock(self) -> float:
        return self.now

    def received(self, link: Link, data: bytes, address: Address, now: float) -> None:
        self.got.append(data)

    def wake(self) -> None:
        self.woken += 1


def opened(listener: TcpListener, host: str = "192.0.2.1", port: int = 1) -> tuple[TcpLink, FakeTransport]:
    link, transport = TcpLink(listener, 1), FakeTransport((host, port))
    link.connection_made(transport)
    return link, transport


def feed(link: TcpLink, data: bytes) -> None:
    buffer = link.get_buffer(-1)
    buffer[: len(data)] = data
    link.buffer_updated(len(data))


def test_what_comes_is_handed_over_and_what_goes_is_framed() -> None:
    mux = Mux()
    link, transport = opened(TcpListener(mux))
    feed(link, framed(b"one", b"two")[:-1])
    assert mux.got == [b"one"]
    feed(link, b"o")
    assert mux.got == [b"one", b"two"]
    link.send(b"three", ("192.0.2.1", 1))
    assert transport.written == framed(b"three")


def test_a_slow_network_loses_rather_than_waits() -> None:
    link, transport = opened(TcpListener(Mux()))
    transport.waiting = MAX_UNSENT + 1
    with pytest.raises(BlockingIOError):
        link.send(b"late", ("192.0.2.1", 1))
    link.connection_lost(None)
    with pytest.raises(BlockingIOError):
        link.send(b"lost", ("192.0.2.1", 1))


def test_a_stream_that_is_not_framed_is_closed_and_counted() -> None:
    mux = Mux()
    link, transport = opened(TcpListener(mux))
    feed(link, b"GET / HTTP/1.1\r\n")
    assert transport.aborted
    assert mux.counters.malformed == 1


def test_who_proves_nothing_is_shown_the_door() -> None:
    mux = Mux()
    listener = TcpListener(mux)
    _, transport = opened(listener)
    assert mux.woken
    mux.now = PROVE_WITHIN
    assert listener.tick(mux.now)
    assert not transport.aborted
    mux.now += 0.1
    listener.tick(mux.now)
    assert transport.aborted


def test_where_strangers_are_too_many_the_oldest_of_the_source_that_has_most_gives_way() -> None:
    listener = TcpListener(Mux())
    first = opened(listener)[1]
    # One subscriber's, from as many networks as it has connections.
    greedy = [opened(listener, f"2001:db8:1:{port:x}::1", port)[1] for port in range(MAX_UNPROVEN - 1)]
    assert not any(transport.aborted for transport in [first, *greedy])
    newcomers = [opened(listener, f"192.0.2.{number}")[1] for number in range(2, 12)]
    assert [transport.aborted for transport in greedy] == [True] * 10 + [False] * (MAX_UNPROVEN - 11)
    assert not any(transport.aborted for transport in [first, *newcomers])


def test_a_lost_connection_takes_its_path_with_it() -> None:
    network = Network()
    peer, handler, browser = network.peer()
    listener = TcpListener(network.mux)
    link, transport = opened(listener)
    feed(link, framed(browser.check(nominate=True)))
    said = list[bytes]()
    browser.send = said.append
    framer = Framer()
    for data in framer.feed(transport.written):
        browser.receive(data)
    feed(link, framed(*said))
    assert peer.remote_address == "192.0.2.1 1"
    network.now += PROVE_WITHIN + 1
    listener.tick(network.now)
    assert not transport.aborted
    link.connection_lost(None)
    assert peer.remote_address is None
    assert handler.reasons == []  # it may come back another way
    assert cast(object, link.paths) == {}
