"""A real browser's ICE, DTLS and SRTP: a tone goes to the mux, is sent back, and is found by its pitch."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import SystemRandom
from typing import Any

import pytest
import uvloop
from playwright.async_api import Page, async_playwright

from media.sdp import SessionDescription
from media.webrtc.ice import IceParameters
from media.webrtc.mux import MediaMux
from media.webrtc.states import TransportState
from media.webrtc.transport import PeerTransport
from tests.interop.peers.process import START, require
from tests.media.webrtc.network import Handler, until

pytestmark = pytest.mark.interop

FLAGS = (
    *("--disable-gpu", "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required"),
    *("--disable-features=WebRtcHideLocalIpsWithMdns", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync"),
)
PITCH = 1000  # Hz

SOUNDS = """() => {
    window.sound = pitch => {
        window.context = new AudioContext();
        const oscillator = new OscillatorNode(context, {frequency: pitch});
        const microphone = new MediaStreamAudioDestinationNode(context);
        oscillator.connect(microphone);
        oscillator.start();
        return microphone;
    };
    window.hearing = connection => {
        connection.ontrack = ({track}) => {
            const stream = new MediaStream([track]);
            const speaker = window.speaker = new Audio();  // without it nothing is decoded
            speaker.srcObject = stream;
            speaker.muted = true;
            speaker.play();
            window.analyser = new AnalyserNode(context, {fftSize: 8192});
            new MediaStreamAudioSourceNode(context, {mediaStream: stream}).connect(window.analyser);
        };
        return connection;
    };
}"""
CONNECT = """async pitch => {
    const microphone = sound(pitch);
    const connection = window.connection = hearing(new RTCPeerConnection({bundlePolicy: "max-bundle"}));
    connection.addTrack(microphone.stream.getTracks()[0], microphone.stream);
}"""
OFFER = """async restart => {
    await connection.setLocalDescription(await connection.createOffer({iceRestart: restart}));
    return connection.localDescription.sdp;
}"""
ANSWER = "sdp => connection.setRemoteDescription({type: 'answer', sdp})"
HEARD = """() => {  // the loudest frequency and how loud it is
    if (!window.analyser) return [0, -200];
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const best = bins.indexOf(Math.max(...bins));
    return [best * context.sampleRate / analyser.fftSize, bins[best]];
}"""
PAIR = """async () => {
    const stats = [...(await connection.getStats()).values()];
    const transport = stats.find(one => one.type === "transport");
    const pair = stats.find(one => one.id === transport.selectedCandidatePairId);
    const remote = stats.find(one => one.id === pair.remoteCandidateId);
    return {protocol: remote.protocol, suite: transport.srtpCipher, dtls: transport.tlsVersion};
}"""


class Echo(Handler):
    """Sends everything back under another SSRC."""

    def __init__(self) -> None:
        super().__init__()
        self.peer: PeerTransport | None = None

    def rtp_received(self, packet: bytes, now: float) -> None:
        super().rtp_received(packet, now)
        if self.peer is not None:
            self.peer.send_rtp(packet[:8] + b"echo" + packet[12:])


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    path = require("chromium", "chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=path, args=FLAGS, chromium_sandbox=False, timeout=START
        )
        try:
            page = await chromium.new_page()
            await page.evaluate(SOUNDS)
            yield page
        finally:
            await chromium.close()


def run(scenario: Callable[[MediaMux, Page], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with browser() as page:
            loop = asyncio.get_running_loop()
            mux = await MediaMux.open(loop, ["127.0.0.1"], 0, clock=time.monotonic, random=SystemRandom())
            try:
                await asyncio.wait_for(scenario(mux, page), 90)
            finally:
                mux.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())


def described(offer: str) -> tuple[IceParameters, str, str]:
    """Credentials, fingerprint and setup of an offer with one line."""
    session = SessionDescription.parse(offer)
    found = {name: value or "" for name, value in [*session.attributes, *session.medias[0].attributes]}
    return IceParameters(found["ice-ufrag"], found["ice-pwd"]), found["fingerprint"], found["setup"]


def answer(peer: PeerTransport, local: IceParameters, protocols: tuple[str, ...]) -> str:
    lines = [
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite", "a=group:BUNDLE 0"),
        *("m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtcp-mux"),
        *("a=rtpmap:111 opus/48000/2", f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.password}"),
        *(f"a=fingerprint:{peer.fingerprint}", f"a=setup:{peer.setup}", "a=msid:echo echo"),
        f"a=ssrc:{int.from_bytes(b'echo')} cname:echo",
        *(f"a=candidate:{one}" for one in peer.candidates() if one.split()[2] in protocols),
    ]
    return "\r\n".join(lines) + "\r\n"


async def connected(mux: MediaMux, page: Page, *protocols: str) -> tuple[PeerTransport, Echo]:
    echo = Echo()
    peer = echo.peer = mux.peer(echo)
    await page.evaluate(CONNECT, PITCH)
    peer.connect(*described(await page.evaluate(OFFER, False)))
    await page.evaluate(ANSWER, answer(peer, peer.local, protocols))
    await hears_itself(page)
    return peer, echo


async def hears_itself(page: Page) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        frequency, level = await page.evaluate(HEARD)
        if abs(frequency - PITCH) < 15 and level > -40:  # dB below full scale
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the loudest tone is {frequency:.0f} Hz at {level:.0f} dB")


@pytest.mark.parametrize("protocols", [("udp",), ("tcp",)])
def test_chromium_hears_its_own_tone(protocols: tuple[str, ...]) -> None:
    async def scenario(mux: MediaMux, page: Page) -> None:
        peer, echo = await connected(mux, page, *protocols)
        pair: dict[str, Any] = await page.evaluate(PAIR)
        assert pair["protocol"] == protocols[0]
        assert pair["suite"] == "SRTP_AEAD_AES_128_GCM"
        assert pair["dtls"] in ("FEFD", "FEFC")  # 1.2, 1.3
        assert peer.state is TransportState.CONNECTED
        await page.evaluate("connection.close()")
        await until(lambda: echo.reasons)
        assert echo.reasons == ["closed by the peer"]
        counters = mux.counters
        assert (counters.malformed, counters.unauthenticated, counters.undecryptable) == (0, 0, 0)
        assert (counters.unprotectable, counters.forged, counters.refused) == (0, 0, 0)

    run(scenario)


def test_chromium_goes_on_through_an_ice_restart() -> None:
    async def scenario(mux: MediaMux, page: Page) -> None:
        peer, echo = await connected(mux, page, "udp")
        remote, _, _ = described(await page.evaluate(OFFER, True))
        local = peer.restart(remote)
        before = peer.remote_address
        await page.evaluate(ANSWER, answer(peer, local, ("udp",)))
        # By then Chromium may have nominated a pair under our old credentials, with which it stays.
        await until(lambda: peer.remote_address not in (before, None))
        assert local.ufrag.encode() in mux.register.agents
        count = len(echo.rtp)
        await until(lambda: len(echo.rtp) > count + 50)
        await hears_itself(page)
        assert (echo.connections, echo.reasons) == (1, [])

    run(scenario)
