"""One published stream: numbers, repairs, key frames, clock."""

from __future__ import annotations

from conferencing.embedded.codecs import H264, VP8
from conferencing.embedded.feedback import read_nack
from conferencing.embedded.stream import HISTORY, MAX_MISSING, NACK_TRIES, Received, SharedClock, VideoStream
from media.rtcp import Feedback

from .room import vp8


class Publisher:
    ssrc = 1
    round_trip = 0.05

    def __init__(self) -> None:
        self.feedback: list[Feedback] = []

    def send_feedback(self, packet: Feedback) -> None:
        self.feedback.append(packet)

    @property
    def nacked(self) -> list[list[int]]:
        return [list(read_nack(packet.control)) for packet in self.feedback if packet.packet_type == 205]

    @property
    def keyframes_asked(self) -> int:
        return sum(packet.packet_type == 206 for packet in self.feedback)


class Slot:
    """Follows a stream and remembers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.switched = 0
        self.losses = 0

    def forward(self, packet: Received) -> None:
        self.numbers.append(packet.number)

    def switch(self, stream: VideoStream, keyframe: Received, now: float) -> None:
        self.switched += 1
        stream.followers.append(self)

    def lost(self) -> None:
        self.losses += 1


def make() -> tuple[VideoStream, Publisher, Slot]:
    publisher, slot = Publisher(), Slot()
    stream = VideoStream("", SharedClock(), publisher)
    stream.bind(7)
    stream.followers.append(slot)
    return stream, publisher, slot


def send(stream: VideoStream, sequence: int, now: float, *, keyframe: bool = False) -> None:
    payload = vp8(sequence, keyframe=keyframe)
    stream.received(VP8, sequence & 0xFFFF, 3000 * sequence & 0xFFFFFFFF, 0, payload, now, 0, None)


def test_numbers_grow_over_the_wrap_and_come_once() -> None:
    stream, _, slot = make()
    for sequence in (65_534, 65_535, 65_535, 65_537, 65_536, 65_536, 65_534):
        send(stream, sequence, 1.0)
    assert [number - slot.numbers[0] for number in slot.numbers] == [0, 1, 3, 2]


def test_what_is_older_than_the_history_is_dropped() -> None:
    stream, _, slot = make()
    send(stream, 10, 1.0)
    for sequence in range(12, 12 + HISTORY):
        send(stream, sequence, 1.0)
    count = len(slot.numbers)
    send(stream, 11, 1.1)
    assert len(slot.numbers) == count


def test_a_jump_is_believed_from_two_in_sequence_and_goes_on_with_the_next_number() -> None:
    stream, _, slot = make()
    for sequence in (100, 101, 40_000):
        send(stream, sequence, 1.0)
    assert len(slot.numbers) == 2
    send(stream, 40_001, 1.0)
    assert slot.numbers[2] == slot.numbers[1] + 1
    assert slot.losses == 1


def test_a_new_ssrc_goes_on_with_the_next_number() -> None:
    stream, _, slot = make()
    send(stream, 100, 1.0)
    stream.bind(8)
    send(stream, 9000, 1.0)
    assert slot.numbers[1] == slot.numbers[0] + 1
    assert slot.losses == 1


def test_missing_packets_are_asked_for_at_once_and_again() -> None:
    stream, publisher, _ = make()
    send(stream, 65_534, 1.0)
    send(stream, 65_538, 1.0)
    assert publisher.nacked == [[65_535, 0, 1]]
    stream.tick(1.02)
    assert len(publisher.nacked) == 1
    send(stream, 65_536, 1.025)
    stream.tick(1.03)  # more than half a round trip
    assert publisher.nacked[1] == [65_535, 1]
    now = 1.03
    for _ in range(30):
        now += 0.06
        stream.tick(now)
    assert sum(1 in asked for asked in publisher.nacked) == NACK_TRIES


def test_a_large_hole_is_not_repaired_but_begun_anew() -> None:
    stream, publisher, _ = make()
    send(stream, 10, 1.0)
    send(stream, 10 + MAX_MISSING + 2, 1.0)
    assert publisher.nacked == []
    assert publisher.keyframes_asked == 1


def test_key_frames_are_asked_for_at_most_twice_a_second_until_one_comes() -> None:
    stream, publisher, _ = make()
    send(stream, 10, 1.0)
    waiting = [Slot() for _ in range(20)]
    for slot in waiting:
        stream.await_keyframe(slot, 1.0)
    assert publisher.keyframes_asked == 1
    for number in range(1, 50):
        send(stream, 10 + number, 1.0 + number / 50)
        stream.tick(1.0 + number / 50)
    assert publisher.keyframes_asked == 2
    send(stream, 60, 2.0, keyframe=True)
    assert all(slot.switched == 1 and len(slot.numbers) == 1 for slot in waiting)
    send(stream, 61, 2.8)
    stream.tick(2.8)
    assert publisher.keyframes_asked == 2


def test_a_codec_that_changes_asks_for_a_key_frame() -> None:
    stream, _, slot = make()
    send(stream, 10, 1.0)
    stream.received(H264, 11, 0, 0, b"\x61rest", 1.0, 0, None)
    assert slot.losses == 1
    assert stream.codec == H264


def test_padding_publishes_nothing() -> None:
    stream, _, _ = make()
    stream.received(VP8, 10, 0, 0, b"", 1.0, 0, None)
    assert not stream.is_live(1.0)
    send(stream, 11, 1.0)
    assert stream.is_live(1.0)
    assert not stream.is_live(3.0)


def test_the_clock_runs_by_sender_reports_for_lip_sync() -> None:
    clock = SharedClock()
    stream = VideoStream("", clock, Publisher())
    send(stream, 10, 100.3)
    assert round(stream.clock_at(100.5)) == 30_000 + 18_000
    stream.reported(50 << 32, 9_000, 100.25)
    assert round(stream.clock_at(101.25)) == 9_000 + 90_000
    stream.reported(51 << 32, 99_000, 101.35)  # was under way for 100 ms longer
    assert abs(stream.clock_at(101.25) - 99_000) < 200


def test_rates_are_measured() -> None:
    stream, _, _ = make()
    now = 1.0
    for sequence in range(800):
        now += 0.02
        send(stream, sequence, now)
        if sequence % 10 == 9:
            stream.measure(now)
    assert abs(stream.rate - 100 * 8 * 50) < 4000
