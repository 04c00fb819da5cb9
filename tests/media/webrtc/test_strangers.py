"""The client's role against who is not of this house: aiortc, a browser, and coturn in between."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from gateway.certificate import provide
from media.codecs.opus import Decoder, Encoder
from media.rtp import RtpPacket
from media.webrtc.servers import read_servers
from media.webrtc.states import TransportState
from media.webrtc.transport import PeerTransport
from tests.interop.peers.audio import Samples, has_tone, tone
from tests.interop.peers.network import free_ports
from tests.interop.peers.process import Process, require
from tests.media.webrtc.calling import Call, Handler, Scene, plain, run, until
from tests.media.webrtc.test_chromium import browser, described, hears_itself

pytestmark = pytest.mark.interop

OURS, THEIRS = 1000.0, 2000.0  # Hz
RATE = 16_000  # Hz
SSRC = 1234

ANSWER = """async ([offer, pitch]) => {
    const microphone = sound(pitch);
    const connection = window.connection = hearing(new RTCPeerConnection());
    await connection.setRemoteDescription({type: "offer", sdp: offer});
    connection.addTrack(microphone.stream.getTracks()[0], microphone.stream);
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== "complete")
        await new Promise(done => connection.addEventListener("icegatheringstatechange", done, {once: true}));
    return connection.localDescription.sdp;
}"""


class Phone(Handler):
    """Speaks a tone, and keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.pcm: list[Samples] = []
        self._decoder = Decoder(RATE)

    def rtp_received(self, packet: bytes, now: float) -> None:
        super().rtp_received(packet, now)
        self.pcm.append(self._decoder.decode(RtpPacket.parse(packet).payload))

    async def speak(self, peer: PeerTransport) -> None:
        encoder, frame = Encoder(RATE), tone(OURS, 0.02, RATE)
        for number in count():
            packet = RtpPacket(111, number & 0xFFFF, 960 * number, SSRC, encoder.encode(frame))
            peer.send_rtp(packet.to_bytes())
            await asyncio.sleep(0.02)

    async def hears(self, frequency: float) -> None:
        await until(lambda: len(self.pcm) >= 50 and has_tone(np.concatenate(self.pcm[-50:]), RATE, frequency))


@asynccontextmanager
async def speaking(phone: Phone, peer: PeerTransport) -> AsyncIterator[None]:
    task = asyncio.ensure_future(phone.speak(peer))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def offer(peer: PeerTransport, setup: str = "") -> str:
    lines = [
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"),
        *("m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtcp-mux"),
        *("a=rtpmap:111 opus/48000/2", f"a=ice-ufrag:{peer.local.ufrag}", f"a=ice-pwd:{peer.local.password}"),
        *(f"a=fingerprint:{peer.fingerprint}", f"a=setup:{setup or peer.setup}", "a=msid:call call"),
        f"a=ssrc:{SSRC} cname:call",
        *(f"a=candidate:{one}" for one in peer.candidates()),
    ]
    return "\r\n".join(lines) + "\r\n"


def answered(peer: PeerTransport, sdp: str) -> None:
    peer.connect(*described(sdp))
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            peer.add_candidate(line)
    peer.add_candidate("")


class Tone(AudioStreamTrack):
    """What aiortc says."""

    async def recv(self) -> av.AudioFrame:
        frame = cast(av.AudioFrame, await super().recv())
        frame.planes[0].update(tone(THEIRS, frame.samples / frame.sample_rate, frame.sample_rate).tobytes())
        return frame


async def aiortc_hears(track: MediaStreamTrack, frequency: float) -> None:
    heard: list[Samples] = []
    while True:
        frame: Any = await track.recv()
        heard = [*heard[-49:], frame.to_ndarray().reshape(-1, 2)[:, 0]]
        if len(heard) == 50 and has_tone(np.concatenate(heard), frame.sample_rate, frequency):
            return


@pytest.mark.parametrize(("offered", "answer"), [("actpass", "active"), ("active", "passive")])
def test_aiortc_answers_as_dtls_client_and_as_server(offered: str, answer: str) -> None:
    async def scenario(scene: Scene) -> None:
        phone = Phone()
        peer = await scene.client.peer(phone)
        stranger = RTCPeerConnection()
        tracks: list[MediaStreamTrack] = []
        stranger.on("track", tracks.append)
        stranger.addTrack(Tone())
        try:
            await stranger.setRemoteDescription(RTCSessionDescription(offer(peer, offered), "offer"))
            await stranger.setLocalDescription(await stranger.createAnswer())
            sdp = stranger.localDescription.sdp
            assert f"a=setup:{answer}\r\n" in sdp
            answered(peer, sdp)
            async with speaking(phone, peer):
                await asyncio.gather(phone.hears(THEIRS), aiortc_hears(tracks[0], OURS))
            peer.close()
            await until(lambda: stranger.connectionState == "closed")
        finally:
            await stranger.close()

    run(scenario)


def test_a_browser_answers_and_each_hears_the_other() -> None:
    async def scenario(scene: Scene) -> None:
        async with browser() as page:
            phone = Phone()
            peer = await scene.client.peer(phone)
            answered(peer, await page.evaluate(ANSWER, [offer(peer), THEIRS]))
            async with speaking(phone, peer):
                await asyncio.gather(phone.hears(THEIRS), hears_itself(page))
            await page.evaluate("connection.close()")
            await until(lambda: phone.reasons)
            assert phone.reasons == ["closed by the peer"]
            counters = scene.client.counters
            assert (counters.malformed, counters.unauthenticated, counters.undecryptable) == (0, 0, 0)

    run(scenario)


@contextmanager
def coturn(home: Path) -> Iterator[dict[str, int]]:
    """A TURN server, by name of its transport the port. Its certificate is ``home/cert.pem``."""
    program = require("turnserver", "coturn")
    ports = free_ports("127.0.0.1")
    plain_port, tls_port = next(ports), next(ports)
    provide(home / "cert.pem", home / "key.pem", "127.0.0.1")
    command = [
        *(program, "-n", "--no-cli", "--no-dtls", "--no-multicast-peers", "--allow-loopback-peers"),
        *("--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--realm", "test", "--lt-cred-mech"),
        *(
            "--user",
            "phone:secret",
            "--listening-port",
            str(plain_port),
            "--tls-listening-port",
            str(tls_port),
        ),
        *("--cert", str(home / "cert.pem"), "--pkey", str(home / "key.pem"), "--userdb", str(home / "users")),
        *("--pidfile", str(home / "pid"), "--log-file", "stdout", "--simple-log"),
    ]
    server = Process("coturn", command, home)
    try:
        yield {"udp": plain_port, "tcp": plain_port, "tls": tls_port}
    finally:
        server.stop()


async def relayed(scene: Scene, url: str, credential: str = "secret") -> Call:
    """A call whose only candidate is a relay; coturn may need a moment to listen."""
    scene.client.addresses = ()
    servers = read_servers([{"urls": [url], "username": "phone", "credential": credential}])
    while True:
        call = await scene.call(servers)
        if call.caller.candidates():
            return call
        call.caller.close()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_media_goes_through_a_relay_only(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(scene: Scene) -> None:
        with coturn(tmp_path) as ports:
            scheme = "turns" if transport == "tls" else "turn"
            query = "" if transport == "tls" else f"?transport={transport}"
            call = await relayed(scene, f"{scheme}:127.0.0.1:{ports[transport]}{query}")
            (candidate,) = call.caller.candidates()
            _, _, _, _, host, port, _, kind, *_ = candidate.split()
            assert kind == "relay"
            call.signal()
            call.trickle()
            await until(lambda: call.secured)
            assert call.callee.remote_address == f"{host} {port}"
            for number in range(100):
                call.caller.send_rtp(plain(number))
                call.callee.send_rtp(plain(number))
                await asyncio.sleep(0)
            await until(lambda: len(call.caller_heard.rtp) == len(call.callee_heard.rtp) == 100)
            call.caller.close()
            await until(lambda: call.callee_heard.reasons)
            assert call.callee_heard.reasons == ["closed by the peer"]
            await scene.client.tasks.finish()

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    run(scenario)


def test_a_relay_that_is_gone_is_not_sent_to_and_consent_runs_out(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        with coturn(tmp_path) as ports:
            call = await relayed(scene, f"turn:127.0.0.1:{ports['udp']}?transport=tcp")
            call.signal()
            call.trickle()
            await until(lambda: call.secured)
        await until(lambda: call.caller.remote_address is None)
        call.caller.send_rtp(plain(1))
        assert scene.client.counters.unsent == 1
        scene.ahead += 16
        await until(lambda: call.caller_heard.reasons)
        assert call.caller_heard.reasons == ["no consent"]

    run(scenario)


def test_a_server_that_refuses_us_or_is_not_who_it_says_gives_no_candidate(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        with coturn(tmp_path) as ports:
            await relayed(scene, f"turn:127.0.0.1:{ports['udp']}?transport=tcp")
            scene.client.addresses = ("127.0.0.1",)
            entries = [
                {"urls": f"stun:127.0.0.1:{ports['udp']}"},  # sees us as we are: nothing new
                {"urls": f"turn:127.0.0.1:{ports['udp']}", "username": "phone", "credential": "wrong"},
                {"urls": f"turns:127.0.0.1:{ports['tls']}", "username": "phone", "credential": "secret"},
            ]
            call = await scene.call(read_servers(entries))
            assert [one.split()[7] for one in call.caller.candidates()] == ["host"]
            call.signal()
            call.trickle()
            await until(lambda: call.caller.state is TransportState.CONNECTED)

    run(scenario)
