"""A telephone's voice: its clock, whatever the ticks do that bring its frames."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from media.rtp import RtpPacket, timestamp_delta

from .room import Room

TICK = 0.02


def said_at(times: Iterable[float]) -> list[RtpPacket]:
    """What a browser gets of a telephone that says a frame at each of these times."""
    room = Room()
    anna = room.browser("anna")
    phone = room.plane.speech("phone")
    room.wait(0.04)
    begin = room.clock.now
    phone.send(b"phone", -20)
    room.wait(0.02)  # who speaks has been chosen
    anna.transport.rtp.clear()
    for time in times:
        room.clock.now = begin + time
        phone.send(b"phone", -20)
    return [packet for packet in anna.transport.rtp if packet.payload == b"phone"]


def steps(packets: list[RtpPacket]) -> list[int]:
    return [timestamp_delta(after.timestamp, before.timestamp) for before, after in pairwise(packets)]


def test_late_ticks_do_not_move_the_clock() -> None:
    late = (0.0, 0.013, 0.0, 0.019, 0.004, 0.012)
    packets = said_at(number * TICK + late[number % len(late)] for number in range(1, 61))
    assert set(steps(packets)) == {960}
    assert not any(packet.marker for packet in packets)


def test_ticks_that_are_made_up_for_do_not_move_the_clock() -> None:
    """The process was held up for three ticks, which then come at once."""
    times = [number * TICK if not 20 <= number < 23 else 22.5 * TICK for number in range(1, 61)]
    assert set(steps(said_at(times))) == {960}


def test_a_pause_moves_the_clock_by_its_length() -> None:
    packets = said_at(
        [*(number * TICK for number in range(1, 20)), *(1.0 + number * TICK for number in range(20))]
    )
    assert steps(packets).count(960) == len(packets) - 2
    assert max(steps(packets)) == round((1.0 - 19 * TICK) / TICK) * 960
    assert [packet.marker for packet in packets].count(True) == 1
