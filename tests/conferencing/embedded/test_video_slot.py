"""Slots: whatever comes in whatever order from whomever, one SRTP index is one packet."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from conferencing.embedded.codecs import H264, VP8
from conferencing.embedded.stream import SharedClock, VideoStream
from conferencing.embedded.video_slot import SlotState, VideoSlot
from media.rtcp import Feedback
from media.rtp import ReportBlock, RtpPacket, sequence_delta, timestamp_delta

from .room import vp8


class Link:
    """A subscriber's link and a publisher's way back in one."""

    ssrc = 1
    round_trip = 0.1

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.feedback: list[Feedback] = []

    def send_rtp(self, packet: bytes | bytearray) -> None:
        self.sent.append(bytes(packet))

    def pace(self, packet: bytes | bytearray, send_time_at: int) -> None:
        self.sent.append(bytes(packet))
        self.send_time_at = send_time_at

    def send_feedback(self, packet: Feedback) -> None:
        self.feedback.append(packet)

    def packets(self, ssrc: int) -> list[RtpPacket]:
        return [packet for packet in map(RtpPacket.parse, self.sent) if packet.ssrc == ssrc]


MEDIA, RTX = 0x1000, 0x2000


def make_slot(link: Link, sequence: int = 100) -> VideoSlot:
    return VideoSlot("4", MEDIA, RTX, {VP8: (96, 97)}, (2, 0), sequence, 5000, link)


class Encoder:
    """A publisher's stream, packet by packet."""

    def __init__(self, link: Link, *, sequence: int, timestamp: int, picture: int, rid: str = "") -> None:
        self.stream = VideoStream(rid, SharedClock(), link)
        self.stream.bind(7)
        self.sequence, self.timestamp, self.picture = sequence, timestamp, picture

    def packet(self, now: float, *, keyframe: bool = False) -> tuple[int, int, bytes]:
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.picture += 1
        ticks = (self.timestamp + round(now * 90_000)) & 0xFFFFFFFF
        return self.sequence, ticks, vp8(self.picture, keyframe=keyframe, tl0=self.picture)

    def deliver(self, packet: tuple[int, int, bytes], now: float) -> None:
        sequence, timestamp, payload = packet
        self.stream.received(VP8, sequence, timestamp, 0x80, payload, now, 0, None)

    def send(self, now: float, *, keyframe: bool = False) -> None:
        self.deliver(self.packet(now, keyframe=keyframe), now)


ACTIONS = {
    "send": 8,
    "keyframe": 2,
    "hold": 3,
    "release": 3,
    "twice": 2,
    "switch": 2,
    "stop": 0.3,
    "jump": 0.3,
}


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 0xFFFF), st.integers(1, 0x7FFF))
def test_no_srtp_index_is_used_twice(seed: int, first: int, slot_sequence: int) -> None:
    """Reordering, duplicates, switches between three publishers, restarts and wraps."""
    random = Random(seed)
    actions = random.choices(list(ACTIONS), list(ACTIONS.values()), k=200)
    plan = [(action, random.choice((0, 0, 0, 1, 2))) for action in actions]
    link = Link()
    slot = make_slot(link, slot_sequence)
    encoders = [
        Encoder(link, sequence=(first + 21_000 * n) & 0xFFFF, timestamp=n * 0x55555555, picture=n * 32_000)
        for n in range(3)
    ]
    held: list[tuple[Encoder, tuple[int, int, bytes]]] = []
    now = 100.0
    for action, which in plan:
        now += 0.01
        encoder = encoders[which]
        match action:
            case "send" | "keyframe":
                encoder.send(now, keyframe=action == "keyframe")
            case "hold":
                held.append((encoder, encoder.packet(now, keyframe=random.random() < 0.3)))
            case "release" if held:
                late, packet = held.pop(random.randrange(len(held)))
                late.deliver(packet, now)
            case "twice":
                packet = encoder.packet(now)
                encoder.deliver(packet, now)
                encoder.deliver(packet, now)
            case "switch":
                slot.assign(encoder.stream, now, keep=random.random() < 0.5)
            case "stop":
                slot.assign(None, now)
            case "jump":
                encoder.sequence = (encoder.sequence + 20_000) & 0xFFFF
        if link.sent and random.random() < 0.2:
            slot.repair((slot.highest - random.randrange(20)) & 0xFFFF, now)
    for ssrc in (MEDIA, RTX):
        indices = srtp_indices([packet.sequence for packet in link.packets(ssrc)])
        assert len(indices) == len(set(indices))


def srtp_indices(sequences: list[int]) -> list[int]:
    """The 48-bit packet indices as libsrtp estimates them (RFC 3711 appendix A)."""
    highest, indices = None, []
    for sequence in sequences:
        index = sequence if highest is None else highest + sequence_delta(sequence, highest & 0xFFFF)
        highest = index if highest is None else max(highest, index)
        indices.append(index)
    return indices


def test_a_switch_is_seamless_over_the_wrap_of_everything() -> None:
    link = Link()
    slot = make_slot(link, 0xFFFD)
    old = Encoder(link, sequence=0xFFF0, timestamp=0xFFFFF000, picture=0x7FFD)
    new = Encoder(link, sequence=5, timestamp=77, picture=3)
    now = 50.0
    slot.assign(old.stream, now)
    states = [slot.state]
    for number in range(4):
        old.send(now, keyframe=number == 0)
        now += 0.04
    slot.assign(new.stream, now, keep=True)
    states.append(slot.state)
    new.send(now)  # not a key frame: nobody can begin here
    for _ in range(2):
        old.send(now)
        now += 0.04
    for number in range(4):
        new.send(now, keyframe=number == 0)
        old.send(now)
        now += 0.04
    states.append(slot.state)
    assert states == [SlotState.WAITING, SlotState.SWITCHING, SlotState.FORWARDING]
    packets = link.packets(MEDIA)
    assert [packet.sequence for packet in packets] == [(0xFFFE + n) & 0xFFFF for n in range(10)]
    pictures = [int.from_bytes(packet.payload[2:4], "big") & 0x7FFF for packet in packets]
    assert pictures == [(0x7FFE + n) & 0x7FFF for n in range(10)]
    tl0 = [packet.payload[4] for packet in packets]
    assert tl0 == [(tl0[0] + n) & 0xFF for n in range(10)]
    gaps = [timestamp_delta(b.timestamp, a.timestamp) for a, b in pairwise(packets)]
    assert all(abs(gap - 3600) <= 10 for gap in gaps)


def test_packets_older_than_the_switch_are_dropped() -> None:
    link = Link()
    slot = make_slot(link)
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    slot.assign(encoder.stream, 1.0)
    late = encoder.packet(1.0)
    encoder.send(1.02, keyframe=True)
    encoder.deliver(late, 1.03)
    assert len(link.packets(MEDIA)) == 1


def test_a_key_frame_that_comes_late_brings_what_followed_it() -> None:
    link = Link()
    slot = make_slot(link)
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    encoder.send(1.0)
    slot.assign(encoder.stream, 1.0)
    keyframe = encoder.packet(1.04, keyframe=True)
    encoder.send(1.08)
    encoder.deliver(keyframe, 1.1)
    packets = link.packets(MEDIA)
    assert len(packets) == 2
    assert sequence_delta(packets[1].sequence, packets[0].sequence) == 1


def test_what_is_missed_is_repaired_once_in_a_round_trip_and_then_twice_at_once() -> None:
    link = Link()
    slot = make_slot(link)
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    slot.assign(encoder.stream, 1.0)
    for number in range(5):
        encoder.send(1.0 + number / 25, keyframe=number == 0)
    media = link.packets(MEDIA)
    assert slot.repair(media[2].sequence, 1.2) > 0
    assert slot.repair(media[2].sequence, 1.25) == 0
    assert slot.repair(media[2].sequence, 1.27) > 0  # a little early, by the subscriber's own clock
    assert slot.repair((media[-1].sequence + 1) & 0xFFFF, 1.4) == 0  # was never sent
    repairs = link.packets(RTX)
    assert [packet.sequence for packet in repairs] == [101, 102, 103]
    assert repairs[1].payload == repairs[2].payload == repairs[0].payload
    assert repairs[0].payload_type == 97
    assert repairs[0].payload == media[2].sequence.to_bytes(2, "big") + media[2].payload
    assert repairs[0].timestamp == media[2].timestamp


def test_the_segment_before_is_repaired_too_until_it_is_given_up() -> None:
    link = Link()
    slot = make_slot(link)
    old = Encoder(link, sequence=10, timestamp=0, picture=10)
    new = Encoder(link, sequence=500, timestamp=9, picture=900)
    slot.assign(old.stream, 1.0)
    for number in range(3):
        old.send(1.0 + number / 25, keyframe=number == 0)
    slot.assign(new.stream, 1.1, keep=True)
    new.send(1.12, keyframe=True)
    media = link.packets(MEDIA)
    assert slot.repair(media[1].sequence, 1.2) > 0
    assert link.packets(RTX)[0].payload[2:] == media[1].payload
    slot.give_up_past()
    assert slot.repair(media[0].sequence, 1.2) == 0


def test_a_codec_the_subscriber_cannot_decode_is_not_sent() -> None:
    link = Link()
    slot = make_slot(link)
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    slot.assign(encoder.stream, 1.0)
    encoder.stream.received(H264, 11, 0, 0x80, b"\x65" + bytes(50), 1.0, 0, None)
    assert link.sent == []
    assert slot.state is SlotState.IDLE


def test_a_probe_repeats_what_the_subscriber_has() -> None:
    link = Link()
    slot = make_slot(link)
    assert slot.probe(1.0) == 0
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    slot.assign(encoder.stream, 1.0)
    sequence, timestamp, payload = encoder.packet(1.0, keyframe=True)
    encoder.deliver((sequence, timestamp, payload.ljust(900, b"\0")), 1.0)
    assert slot.probe(1.0) > 900
    assert link.packets(RTX)[0].payload[2:] == link.packets(MEDIA)[0].payload


def test_what_was_lost_before_a_pause_is_not_counted_again() -> None:
    link = Link()
    slot = make_slot(link, 100)
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    slot.assign(encoder.stream, 1.0)
    sequence, timestamp, payload = encoder.packet(1.0, keyframe=True)
    encoder.deliver((sequence, timestamp, payload.ljust(900, b"\0")), 1.0)
    for _ in range(20):
        slot.probe(1.0)  # RTX 101 to 120, of which the last five are lost without anybody knowing
    assert slot.reported(ReportBlock(RTX, 0, 0, 115, 0)) == (15, 0.0)
    for _ in range(15):
        slot.probe(5.0)
    assert slot.reported(ReportBlock(RTX, 64, 5, 135, 0)) == (15, 0.0)
    for _ in range(16):
        slot.probe(5.5)
    assert slot.reported(ReportBlock(RTX, 64, 9, 151, 0)) == (16, 4.0)


def test_reports_on_the_picture_itself() -> None:
    link = Link()
    slot = make_slot(link)
    encoder = Encoder(link, sequence=10, timestamp=0, picture=10)
    slot.assign(encoder.stream, 1.0)
    for number in range(8):
        encoder.send(1.0 + number / 25, keyframe=number == 0)
    assert slot.reported(ReportBlock(MEDIA, 64, 2, 0, 0)) == (8, 2.0)
    assert slot.loss == 0.25
    assert slot.reported(ReportBlock(MEDIA, 64, 2, 0, 0)) == (0, 0.0)
