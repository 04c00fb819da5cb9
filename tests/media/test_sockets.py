"""Pairs of sockets on loopback, on both kinds of loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from config.outcome import Outcome, PasserelleError
from media.ports import PortAllocator
from media.sockets import ATTEMPTS, MediaSockets

HOST = f"127.14.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
FIRST = 21_000

Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS: list[Loop] = [uvloop.new_event_loop, asyncio.SelectorEventLoop]
on_both = pytest.mark.parametrize("loop", LOOPS, ids=["uvloop", "asyncio"])


def an_allocator(pairs: int = 4) -> PortAllocator:
    return PortAllocator(FIRST, FIRST + 2 * pairs - 1)


async def an_open_pair(allocator: PortAllocator, host: str = HOST) -> MediaSockets:
    return await MediaSockets.open(host, allocator, lambda: 0.0)


def run(work: Awaitable[None], loop: Loop = uvloop.new_event_loop) -> None:
    async def whole() -> None:
        await work

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(whole())


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def a_peer() -> socket.socket:
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    peer.settimeout(30)
    return peer


@on_both
def test_rtp_comes_to_the_even_port_and_rtcp_to_the_next(loop: Loop) -> None:
    async def story() -> None:
        pair = await an_open_pair(an_allocator())
        rtp: list[tuple[bytes, tuple[str, int]]] = []
        rtcp: list[tuple[bytes, tuple[str, int]]] = []
        with a_peer() as peer:
            peer.sendto(b"before anybody wants it", (HOST, pair.port))
            await _settle()
            pair.deliver(lambda *packet: rtp.append(packet), lambda *packet: rtcp.append(packet))
            peer.sendto(b"media", (pair.host, pair.port))
            peer.sendto(b"control", (pair.host, pair.port + 1))
            await _settle()
            assert pair.port % 2 == 0
            assert rtp == [(b"media", peer.getsockname())]
            assert rtcp == [(b"control", peer.getsockname())]
            pair.close()
            peer.sendto(b"afterwards", (HOST, pair.port))
            await _settle()
            assert len(rtp) == 1

    run(story(), loop)


@on_both
def test_each_is_sent_from_its_own_port(loop: Loop) -> None:
    async def story() -> None:
        pair = await an_open_pair(an_allocator())
        with a_peer() as peer:
            pair.send_rtp(b"media", peer.getsockname())
            assert peer.recvfrom(100) == (b"media", (HOST, pair.port))
            pair.send_rtcp(b"control", peer.getsockname())
            assert peer.recvfrom(100) == (b"control", (HOST, pair.port + 1))
        pair.close()

    run(story(), loop)


@on_both
def test_what_the_kernel_does_not_take_is_counted(loop: Loop) -> None:
    async def story() -> None:
        pair = await an_open_pair(an_allocator())
        pair.send_rtp(b"x", ("255.255.255.255", 9))
        pair.send_rtcp(b"x", ("255.255.255.255", 9))
        pair.send_rtp(bytes(70_000), (HOST, 9))
        pair.close()
        await _settle()
        pair.send_rtp(b"x", (HOST, 9))
        assert pair.unsent == 4

    run(story(), loop)


@on_both
def test_who_raises_hears_the_next_packet_all_the_same(loop: Loop) -> None:
    async def story() -> None:
        problems: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        heard: list[bytes] = []

        def receive(data: bytes, source: tuple[str, int]) -> None:
            heard.append(data)
            if len(heard) == 1:
                raise RuntimeError("bug")

        pair = await an_open_pair(an_allocator())
        pair.deliver(receive, receive)
        with a_peer() as peer:
            for data in (b"1", b"2", b"3"):
                peer.sendto(data, (HOST, pair.port))
                await _settle()
        assert heard == [b"1", b"2", b"3"]
        assert len(problems) == 1
        pair.close()

    run(story(), loop)


def test_ports_rest_after_the_end_which_may_be_told_twice() -> None:
    async def story() -> None:
        allocator = an_allocator(pairs=1)
        pair = await an_open_pair(allocator)
        pair.told = True
        assert allocator.in_use == 1
        pair.close()
        pair.close()
        assert allocator.in_use == 0
        with pytest.raises(PasserelleError) as caught:
            await an_open_pair(allocator)
        assert caught.value.outcome is Outcome.OVERLOADED
        await _settle()
        again = await MediaSockets.open(HOST, allocator, lambda: 33.0)
        assert again.port == pair.port
        again.close()
        await _settle()
        assert (await MediaSockets.open(HOST, allocator, lambda: 33.0)).port == pair.port, "told to nobody"

    run(story())


@pytest.mark.parametrize("taken", [FIRST, FIRST + 1], ids=["even", "odd"])
def test_ports_of_other_programs_are_stepped_over(taken: int) -> None:
    async def story() -> None:
        allocator = an_allocator()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((HOST, taken))
            pair = await an_open_pair(allocator)
            assert pair.port == FIRST + 2
            assert allocator.in_use == 1
            pair.close()

    run(story())


def test_an_address_that_is_not_ours_is_overload_and_keeps_no_port() -> None:
    async def story() -> None:
        allocator = an_allocator(pairs=ATTEMPTS + 1)
        with pytest.raises(PasserelleError) as caught:
            await an_open_pair(allocator, "192.0.2.1")
        assert caught.value.outcome is Outcome.OVERLOADED
        assert caught.value.hint
        assert allocator.in_use == 0

    run(story())


def test_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")

    async def story() -> None:
        pair = await an_open_pair(PortAllocator(FIRST, FIRST + 999), "::1")
        heard: list[bytes] = []
        pair.deliver(lambda data, _: heard.append(data), lambda data, _: None)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"six", ("::1", pair.port))
            await _settle()
        assert heard == [b"six"]
        pair.close()

    run(story())


class Reluctant(asyncio.SelectorEventLoop):
    """Makes ``most`` endpoints; with the next one it fails, or takes for ever."""

    most = 0
    fails = True

    async def create_datagram_endpoint(self, *args: Any, **options: Any) -> Any:
        if self.most == 0:
            if self.fails:
                raise OSError("no more")
            await asyncio.Event().wait()
        self.most -= 1
        return await super().create_datagram_endpoint(*args, **options)


@pytest.mark.parametrize("fails", [True, False], ids=["failed", "cancelled"])
@pytest.mark.parametrize("made", [0, 1])
def test_a_pair_half_open_is_closed_again(made: int, fails: bool) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Reluctant)
        loop.most, loop.fails = made, fails
        allocator = an_allocator()
        opening = asyncio.ensure_future(an_open_pair(allocator))
        await _settle()
        opening.cancel()
        with pytest.raises(OSError if fails else asyncio.CancelledError):
            await opening
        await _settle()
        assert allocator.in_use == 0
        for port in (FIRST, FIRST + 1):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind((HOST, port))

    run(story(), Reluctant)
