"""Slots of voices."""

from __future__ import annotations

from conferencing.embedded.slot import VoiceSlot
from conferencing.embedded.stream import AUDIO_CLOCK, Received, SharedClock, Stream
from media.rtp import RtpPacket, timestamp_delta


class Link:
    """A subscriber's link."""

    round_trip = 0.1

    def __init__(self) -> None:
        self.packets: list[RtpPacket] = []

    def send_rtp(self, packet: bytes | bytearray) -> None:
        self.packets.append(RtpPacket.parse(bytes(packet)))

    def pace(self, packet: bytes | bytearray, send_time_at: int) -> None:
        raise AssertionError("voices are not paced")


def test_a_voice_slot_goes_on_by_the_wall_clock() -> None:
    link = Link()
    slot = VoiceSlot("3", 9, 111, 1, 1000, 0xFFFFFF00, link)
    first, second = Stream(AUDIO_CLOCK, SharedClock()), Stream(AUDIO_CLOCK, SharedClock())

    def speak(stream: Stream, sequence: int, timestamp: int, now: float) -> None:
        number = stream.number_of(sequence)
        assert number is not None
        stream.arrived(number, sequence, timestamp, 4, now)
        slot.forward(Received(number, timestamp, 0, b"opus", 0), now)

    slot.follow(first)
    for n in range(3):
        speak(first, 10 + n, 960 * n, 5.0 + 0.02 * n)
    slot.follow(second)
    speak(second, 60_000, 12_345, 6.04)
    packets = link.packets
    assert [packet.sequence for packet in packets] == [1001, 1002, 1003, 1004]
    assert [packet.marker for packet in packets] == [True, False, False, True]
    assert timestamp_delta(packets[3].timestamp, packets[2].timestamp) == 48_000
    assert packets[0].extension == (0xBEDE, bytes((0x10, 127, 0, 0)))
