"""Real sockets on loopback: the port, strangers who are not ours (aiortc), attacks, and TCP."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from random import SystemRandom

import pytest
import uvloop
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack

from media.rtp import read_header
from media.sdp import SessionDescription
from media.webrtc.ice import IceParameters
from media.webrtc.mux import MediaMux
from media.webrtc.path import Counters
from media.webrtc.states import TransportState
from media.webrtc.tcp import Framer
from media.webrtc.transport import PeerTransport
from tests.media.webrtc.browser import Browser, plain
from tests.media.webrtc.network import Handler, until


def run(scenario: Callable[[MediaMux], Awaitable[None]]) -> None:
    """Run ``scenario(mux)`` on the loop that the gateway has."""

    async def whole() -> None:
        async with opened() as mux:
            await asyncio.wait_for(scenario(mux), 60)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())


@asynccontextmanager
async def opened(*addresses: str, port: int = 0) -> AsyncIterator[MediaMux]:
    mux = await MediaMux.open(
        asyncio.get_running_loop(),
        addresses or ("127.0.0.1",),
        port,
        clock=time.monotonic,
        random=SystemRandom(),
    )
    try:
        yield mux
    finally:
        mux.close()
        await asyncio.sleep(0)


class Udp:
    """A browser on a real socket."""

    def __init__(self, mux: MediaMux, browser: Browser, host: str = "127.0.0.1") -> None:
        self.browser = browser
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.server = ("127.0.0.1", mux.port)
        browser.send = self.send

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.server)

    def read(self) -> None:
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            self.browser.receive(data)

    async def connect(self) -> None:
        self.send(self.browser.check(nominate=True))
        await self.until(lambda: self.browser.asked)
        self.browser.handshake()
        await self.until(lambda: self.browser.srtp)

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self.read()
            await asyncio.sleep(0.002)


def participant(mux: MediaMux, seed: int = 1) -> tuple[PeerTransport, Handler, Browser]:
    handler = Handler()
    peer = mux.peer(handler)
    browser = Browser(lambda data: None, seed=seed)
    browser.describe(peer.local, peer.fingerprint)
    peer.connect(browser.local, browser.fingerprint, "actpass")
    return peer, handler, browser


def test_media_over_real_sockets() -> None:
    async def scenario(mux: MediaMux) -> None:
        peer, handler, browser = participant(mux)
        wire = Udp(mux, browser)
        await wire.connect()
        for number in range(100):
            wire.send(browser.rtp(number))
        await until(lambda: len(handler.rtp) == 100)
        peer.send_rtp(plain(1))
        await wire.until(lambda: browser.received)
        assert browser.received == [plain(1)]
        assert mux.counters == Counters()
        wire.socket.close()

    run(scenario)


def test_media_over_tcp() -> None:
    async def scenario(mux: MediaMux) -> None:
        peer, handler, browser = participant(mux)
        reader, writer = await asyncio.open_connection("127.0.0.1", mux.port)
        browser.send = lambda data: writer.write(len(data).to_bytes(2) + data)
        framer = Framer()

        async def hear(condition: Callable[[], object]) -> None:
            while not condition():
                for data in framer.feed(await reader.read(4096)):
                    browser.receive(data)

        browser.send(browser.check(nominate=True))
        await hear(lambda: browser.asked)
        browser.handshake()
        await hear(lambda: browser.srtp)
        browser.send(browser.rtp(1))
        await until(lambda: handler.rtp)
        peer.send_rtp(plain(2))
        await hear(lambda: browser.received)
        assert browser.received == [plain(2)]
        writer.close()
        await until(lambda: peer.remote_address is None)
        assert peer.state is TransportState.CONNECTED

    run(scenario)


def test_a_path_by_udp_is_preferred_to_one_by_tcp() -> None:
    async def scenario(mux: MediaMux) -> None:
        peer, _, browser = participant(mux)
        reader, writer = await asyncio.open_connection("127.0.0.1", mux.port)
        wire = Udp(mux, browser)
        await wire.connect()
        browser.send = lambda data: writer.write(len(data).to_bytes(2) + data)
        browser.send(browser.check(nominate=True))
        framer = Framer()
        while browser.asked < 2:
            for data in framer.feed(await reader.read(4096)):
                browser.receive(data)
        await wire.until(lambda: sum(len(link.paths) for link in mux.links) == 1)
        await asyncio.sleep(0.01)
        assert peer.remote_address == f"127.0.0.1 {wire.socket.getsockname()[1]}"
        writer.close()
        wire.socket.close()

    run(scenario)


def test_an_address_is_not_taken_over_by_a_forger_with_a_password_of_his_own() -> None:
    async def scenario(mux: MediaMux) -> None:
        peer, handler, browser = participant(mux)
        mallory, _, forger = participant(mux, seed=2)
        wire = Udp(mux, browser)
        await wire.connect()
        wire.send(forger.check(nominate=True))  # from the victim's very socket
        wire.send(browser.rtp(1))
        await until(lambda: handler.rtp)
        assert mux.counters.refused == 1
        assert mallory.remote_address is None
        assert peer.state is TransportState.CONNECTED
        wire.socket.close()

    run(scenario)


def test_garbage_from_everywhere_changes_nothing() -> None:
    async def scenario(mux: MediaMux) -> None:
        _, handler, browser = participant(mux)
        wire = Udp(mux, browser)
        await wire.connect()
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.setblocking(False)
        random = SystemRandom()
        for number in range(300):
            noise = random.randbytes(random.randrange(80))
            stranger.sendto(noise, wire.server)
            wire.send(noise)
            if number % 50 == 0:
                wire.send(browser.rtp(number))
                await asyncio.sleep(0.002)
        await until(lambda: len(handler.rtp) == 6)
        with pytest.raises(BlockingIOError):
            stranger.recv(1)  # not one answer
        stranger.close()
        wire.socket.close()

    run(scenario)


def test_a_long_batch_lets_timers_run() -> None:
    """Reading stops after 2 ms although there is more, and goes on in the loop's next turn."""

    async def scenario(mux: MediaMux) -> None:
        _, handler, browser = participant(mux)
        wire = Udp(mux, browser)
        await wire.connect()
        turns: list[int] = []
        loop = asyncio.get_running_loop()

        class Slow(Handler):
            def rtp_received(self, packet: bytes, now: float) -> None:
                time.sleep(0.0005)
                super().rtp_received(packet, now)

        slow = Slow()
        next(iter(mux.peers)).handler = slow
        for number in range(60):
            wire.send(browser.rtp(number))

        def turn() -> None:
            turns.append(len(slow.rtp))
            if len(slow.rtp) < 60:
                loop.call_soon(turn)

        loop.call_soon(turn)
        await until(lambda: len(slow.rtp) == 60)
        assert max(after - before for before, after in pairwise(turns)) < 10
        assert handler.rtp == []
        wire.socket.close()

    run(scenario)


def test_the_same_number_on_every_address_and_both_protocols() -> None:
    async def scenario(mux: MediaMux) -> None:
        async with opened("127.0.0.2", "::1", port=mux.port) as second:
            assert second.port == mux.port
            candidates = second.peer(Handler()).candidates()
            assert [one.split()[2:6:2] for one in candidates] == [
                ["udp", "127.0.0.2"],
                ["udp", "::1"],
                ["tcp", "127.0.0.2"],
                ["tcp", "::1"],
            ]
            assert candidates[2].endswith("typ host tcptype passive")
            assert len({one.split()[0] for one in candidates}) == 4
            priorities = [int(one.split()[3]) for one in candidates]
            assert priorities == sorted(priorities, reverse=True)
            for host, family in (("127.0.0.2", socket.AF_INET), ("::1", socket.AF_INET6)):
                with socket.socket(family, socket.SOCK_STREAM) as client:
                    client.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(client, (host, mux.port))

    run(scenario)


def test_a_browser_on_ipv6() -> None:
    async def scenario(other: MediaMux) -> None:
        async with opened("::1") as mux:
            peer, _, browser = participant(mux)
            wire = Udp(mux, browser)
            wire.socket.close()
            wire.socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            wire.socket.setblocking(False)
            wire.server = ("::1", mux.port)
            await wire.connect()
            assert peer.state is TransportState.CONNECTED
            wire.socket.close()

    run(scenario)


def test_advertised_addresses_are_told_instead() -> None:
    async def scenario(_: MediaMux) -> None:
        mux = await MediaMux.open(
            asyncio.get_running_loop(),
            ["127.0.0.1"],
            0,
            clock=time.monotonic,
            random=SystemRandom(),
            advertised=["203.0.113.5"],
        )
        assert [one.split()[4] for one in mux.peer(Handler()).candidates()] == ["203.0.113.5"] * 2
        mux.close()

    run(scenario)


@pytest.mark.parametrize("addresses", [(), ("0.0.0.0",), ("127.0.0.1", "::"), ("localhost",)])
def test_a_wildcard_or_a_name_is_refused(addresses: tuple[str, ...]) -> None:
    async def scenario(_: MediaMux) -> None:
        with pytest.raises(ValueError, match=r"address|expected"):
            await MediaMux.open(
                asyncio.get_running_loop(), addresses, 0, clock=time.monotonic, random=SystemRandom()
            )

    run(scenario)


def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    async def scenario(mux: MediaMux) -> None:
        with pytest.raises(OSError, match="in use"):
            async with opened("127.0.0.2", "127.0.0.1", port=mux.port):
                pass
        async with opened("127.0.0.2", port=mux.port):
            pass

    run(scenario)


def test_closing_the_mux_closes_everybody() -> None:
    async def scenario(other: MediaMux) -> None:
        async with opened() as mux:
            _, handler, browser = participant(mux)
            wire = Udp(mux, browser)
            await wire.connect()
        assert handler.reasons == ["closed"]
        await wire.until(lambda: browser.dtls and browser.dtls.state.name == "CLOSED")
        async with opened(port=mux.port):
            pass
        wire.socket.close()

    run(scenario)


def answer_to(peer: PeerTransport) -> str:
    """Write the least answer that a browser with one sendonly audio line accepts."""
    lines = [
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite", "a=group:BUNDLE 0"),
        *("m=audio 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:0", "a=recvonly", "a=rtcp-mux"),
        *("a=rtpmap:96 opus/48000/2", f"a=ice-ufrag:{peer.local.ufrag}", f"a=ice-pwd:{peer.local.password}"),
        *(f"a=fingerprint:{peer.fingerprint}", f"a=setup:{peer.setup}"),
        *(f"a=candidate:{candidate}" for candidate in peer.candidates()),
    ]
    return "\r\n".join(lines) + "\r\n"


def connect_to(peer: PeerTransport, offer: str) -> None:
    """Read from an offer of one line what the transport wants to know."""
    session = SessionDescription.parse(offer)
    attributes = [*session.attributes, *session.medias[0].attributes]
    fingerprint = next(
        value for name, value in attributes if name == "fingerprint" and value and value.startswith("sha-256")
    )
    found = {name: value or "" for name, value in attributes}
    peer.connect(IceParameters(found["ice-ufrag"], found["ice-pwd"]), fingerprint or "", found["setup"])


def test_aiortc_connects_sends_and_leaves() -> None:
    """An independent ICE, DTLS and SRTP: aioice, and aiortc with its own certificate."""

    async def scenario(mux: MediaMux) -> None:
        handler = Handler()
        peer = mux.peer(handler)
        client = RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        client.addTransceiver(AudioStreamTrack(), direction="sendonly")
        await client.setLocalDescription(await client.createOffer())
        connect_to(peer, client.localDescription.sdp)
        await client.setRemoteDescription(RTCSessionDescription(answer_to(peer), "answer"))
        await until(lambda: len(handler.rtp) >= 10)
        assert peer.state is TransportState.CONNECTED
        headers = [read_header(packet) for packet in handler.rtp[:10]]
        numbers = [header[2] for header in headers if header]
        assert numbers == [(numbers[0] + index) & 0xFFFF for index in range(10)]
        await until(lambda: handler.rtcp)
        await client.close()
        await until(lambda: handler.reasons)
        assert handler.reasons == ["closed by the peer"]
        assert mux.counters == Counters()

    run(scenario)
