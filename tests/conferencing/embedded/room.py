"""A room without a network: a plane, and browsers that are driven packet by packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from conferencing.embedded import extensions
from conferencing.embedded.extensions import Extension
from conferencing.embedded.feedback import PSFB, RTPFB
from conferencing.embedded.media import DEFAULT_RATES, Rates, SlotMap
from conferencing.embedded.offer import MOST_OCTETS, TILES
from conferencing.embedded.peer import MediaPeer
from conferencing.embedded.plane import Plane
from media.rtcp import Feedback, Packet, parse_compound, write_compound
from media.rtp import RtpPacket
from media.sdp import SessionDescription
from media.webrtc.ice import IceParameters
from media.webrtc.transport import TransportHandler

from .offers import IDS, OPUS, VP8, VP8_RTX, offer

KEYFRAME = bytes.fromhex("9d012a8002e001")  # start code, 640 × 480


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(eq=False)
class FakeTransport:
    """Keeps what is sent."""

    handler: TransportHandler
    local: IceParameters = field(default_factory=lambda: IceParameters("ours", "o" * 24))
    fingerprint: str = "sha-256 00"
    rtp: list[RtpPacket] = field(default_factory=list)
    rtcp: list[Packet] = field(default_factory=list)
    remote: IceParameters | None = None
    restarts: int = 0
    closed: bool = False

    def candidates(self) -> list[str]:
        return ["1 1 udp 2130706431 127.0.0.1 9 typ host"]

    def connect(self, remote: IceParameters, fingerprint: str, setup: str) -> None:
        self.remote = remote

    def restart(self, remote: IceParameters) -> IceParameters:
        self.remote = remote
        self.restarts += 1
        return IceParameters("anew", "n" * 24)

    def send_rtp(self, packet: bytes | bytearray) -> None:
        self.rtp.append(RtpPacket.parse(bytes(packet)))

    def send_rtcp(self, packet: bytes | bytearray) -> None:
        self.rtcp += parse_compound(bytes(packet))

    def close(self) -> None:
        self.closed = True


class Room:
    """A plane on a clock of its own."""

    def __init__(self, rates: Rates = DEFAULT_RATES, tiles: int = TILES) -> None:
        self.clock = Clock()
        self.transports: list[FakeTransport] = []
        self.plane = Plane(self._transport, clock=self.clock, random=Random(7), rates=rates, tiles=tiles)

    def _transport(self, handler: TransportHandler) -> FakeTransport:
        self.transports.append(FakeTransport(handler))
        return self.transports[-1]

    def browser(self, name: str, sdp: str | None = None) -> Browser:
        return Browser(self, name, offer(tiles=self.plane.tiles) if sdp is None else sdp)

    def wait(self, seconds: float) -> None:
        """Let time pass in ticks of 20 ms."""
        for _ in range(round(seconds / 0.02)):
            self.clock.now += 0.02
            self.plane.tick(self.clock.now)


@dataclass(frozen=True)
class Wanted:
    participant: str
    height: int


class Browser:
    """One page: publishes what it is told to, keeps what it gets."""

    def __init__(self, room: Room, name: str, sdp: str) -> None:
        self.room = room
        self.name = name
        self.slot_maps: dict[str, SlotMap] = {}
        self.closed_reason: str | None = None
        self.numbers: dict[int, int] = {}
        self.wide = 0
        self.peer: MediaPeer = room.plane.join(name, self)
        self.transport = room.transports[-1]
        self.answer = SessionDescription.parse(self.peer.offer(sdp), MOST_OCTETS)
        self.peer.connected()

    # PeerEvents

    def connected(self) -> None:
        pass

    def closed(self, reason: str) -> None:
        self.closed_reason = reason

    def slots(self, slots: Sequence[SlotMap]) -> None:
        self.slot_maps.update((slot.mid, slot) for slot in slots)

    # What the page does

    def want(self, *names: str, height: int = 360) -> None:
        self.peer.want([Wanted(name, height) for name in names])

    def send(
        self,
        payload: bytes,
        *,
        mid: int,
        ssrc: int,
        payload_type: int,
        timestamp: int,
        sequence: int | None = None,
        marker: bool = False,
        values: Sequence[tuple[Extension, bytes]] = (),
    ) -> None:
        if sequence is None:
            sequence = self.numbers.get(ssrc, 65_000)
            self.numbers[ssrc] = (sequence + 1) & 0xFFFF
        self.wide = (self.wide + 1) & 0xFFFF
        written = [
            (IDS[Extension.MID], str(mid).encode()),
            (IDS[Extension.TRANSPORT_CC], self.wide.to_bytes(2, "big")),
            *((IDS[name], value) for name, value in values),
        ]
        part = extensions.write(written)
        packet = RtpPacket(
            payload_type,
            sequence,
            timestamp & 0xFFFFFFFF,
            ssrc,
            payload,
            marker,
            extension=(extensions.ONE_BYTE, part[4:]),
        )
        self.peer.rtp_received(packet.to_bytes(), self.room.clock.now)

    def speak(self, payload: bytes = b"opus-frame", level: int = 20, ssrc: int = 0) -> None:
        """20 ms of speech, at the time of the room's clock."""
        level_value = (Extension.AUDIO_LEVEL, bytes((0x80 | level,)))
        self.send(
            payload,
            mid=0,
            ssrc=ssrc or id(self) & 0xFFFFFFF | 1,
            payload_type=OPUS,
            timestamp=round(self.room.clock.now * 48_000),
            values=[level_value],
        )

    def film(
        self,
        picture: int,
        *,
        keyframe: bool = False,
        rid: str = "",
        mid: int = 1,
        tl0: int | None = None,
        sequence: int | None = None,
        size: int = 100,
        timestamp: int | None = None,
        ssrc: int | None = None,
    ) -> None:
        """One picture in one VP8 packet."""
        values = [(Extension.RID, rid.encode())] if rid else []
        self.send(
            vp8(picture, keyframe=keyframe, tl0=tl0, size=size),
            mid=mid,
            ssrc=self.camera_ssrc(rid, mid) if ssrc is None else ssrc,
            payload_type=VP8,
            timestamp=round(self.room.clock.now * 90_000) if timestamp is None else timestamp,
            sequence=sequence,
            marker=True,
            values=values,
        )

    def camera_ssrc(self, rid: str = "", mid: int = 1) -> int:
        return (id(self) & 0xFFFFF) << 8 | mid << 4 | "qhf".find(rid) + 1

    def repeat(self, sequence: int, payload: bytes, *, rtx_sequence: int, timestamp: int) -> None:
        """An RTX packet of the camera without layers."""
        self.send(
            sequence.to_bytes(2, "big") + payload,
            mid=1,
            ssrc=self.camera_ssrc() + 7,
            payload_type=VP8_RTX,
            timestamp=timestamp,
            sequence=rtx_sequence,
            marker=True,
        )

    def tell(self, *packets: Packet) -> None:
        """RTCP to the server."""
        self.peer.rtcp_received(write_compound(packets), self.room.clock.now)

    # What the page gets

    def slot_ssrc(self, mid: str | int) -> int:
        media = next(media for media in self.answer.medias if media.get("mid") == str(mid))
        return int((media.get("ssrc") or "").split()[0])

    def rtx_ssrc(self, mid: str | int) -> int:
        media = next(media for media in self.answer.medias if media.get("mid") == str(mid))
        return int((media.get("ssrc-group") or "").split()[2])

    def got(self, mid: str | int) -> list[RtpPacket]:
        """The packets of a slot."""
        ssrc = self.slot_ssrc(mid)
        return [packet for packet in self.transport.rtp if packet.ssrc == ssrc]

    def mid_of(self, participant: str, source: str) -> str:
        """The line that carries it, by what the server told."""
        return next(
            slot.mid
            for slot in self.slot_maps.values()
            if slot.participant_id == participant and slot.source.value == source
        )

    def asked(self, packet_type: int, format_: int) -> list[Feedback]:
        """The feedback of one kind that the server sent."""
        return [
            packet
            for packet in self.transport.rtcp
            if isinstance(packet, Feedback) and (packet.packet_type, packet.format) == (packet_type, format_)
        ]

    @property
    def keyframes_asked(self) -> int:
        return len(self.asked(PSFB, 1))

    @property
    def nacks(self) -> list[Feedback]:
        return self.asked(RTPFB, 1)


def vp8(picture: int, *, keyframe: bool = False, tl0: int | None = None, size: int = 100) -> bytes:
    """A VP8 payload with a 15-bit picture ID that holds one whole picture."""
    flags = 0x80 | (0x40 if tl0 is not None else 0)
    descriptor = bytes((0x90, flags)) + (0x8000 | picture & 0x7FFF).to_bytes(2, "big")
    if tl0 is not None:
        descriptor += bytes((tl0 & 0xFF,))
    body = b"\x10\x00\x00" + KEYFRAME if keyframe else b"\x11\x00\x00"
    return (descriptor + body).ljust(size, b"\x55")
