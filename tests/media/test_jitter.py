"""The jitter buffer alone, on numbered octets and an invented clock."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.jitter import TICK, Gap, JitterBuffer, Taken

STREAM = random.Random(11).randbytes(8000 * 60)  # every stretch of a few octets in it is unique
FIRST_SEQUENCE = 65530  # both numbers wrap around within the first packets
FIRST_TIMESTAMP = 2**32 - 500


def chunk(start: int, octets: int = TICK) -> bytes:
    return STREAM[start : start + octets]


def put(buffer: JitterBuffer, number: int, arrival: float, *, ptime: int = 20) -> None:
    """Put packet ``number`` of the stream."""
    octets = ptime * 8
    buffer.put(
        (FIRST_SEQUENCE + number) & 0xFFFF,
        (FIRST_TIMESTAMP + number * octets) & 0xFFFFFFFF,
        chunk(number * octets, octets),
        arrival,
    )


def steady(buffer: JitterBuffer, numbers: Iterable[int]) -> list[Taken]:
    """Packets that come every 20 ms, each followed by a tick."""
    taken = []
    for number in numbers:
        put(buffer, number, number * 0.02)
        taken.append(buffer.take())
    return taken


def playing(**bounds: float) -> JitterBuffer:
    """A buffer in the middle of a call: packets 0 to 19 are in, 0 to 18 were taken."""
    buffer = JitterBuffer(**bounds)
    assert steady(buffer, range(20))[1:] == [chunk(n * TICK) for n in range(19)]
    return buffer


def test_octets_come_out_as_they_went_in_across_both_wraps() -> None:
    buffer = JitterBuffer()
    assert buffer.take() is None
    assert steady(buffer, range(100)) == [None, *(chunk(n * TICK) for n in range(99))]
    assert (buffer.received, buffer.lost, buffer.late, buffer.duplicate, buffer.discarded) == (
        100,
        0,
        0,
        0,
        0,
    )
    assert buffer.delay == pytest.approx(0.020)
    assert buffer.target == pytest.approx(0.020)


@pytest.mark.parametrize("ptime", [10, 30, 40, 50, 60])
def test_other_packet_times_are_cut_and_joined(ptime: int) -> None:
    buffer = JitterBuffer()
    taken, number = [], 0
    for tick in range(200):
        while number * ptime <= tick * 20:
            put(buffer, number, number * ptime / 1000, ptime=ptime)
            number += 1
        taken.append(buffer.take())
    heard = b"".join(piece for piece in taken if isinstance(piece, bytes))
    assert len(heard) >= 195 * TICK
    assert STREAM.startswith(heard)
    assert buffer.lost == buffer.late == 0


def test_ticks_that_are_not_aligned_to_packets() -> None:
    buffer = playing()
    assert buffer.holds(TICK)
    assert not buffer.holds(TICK + 1)
    assert buffer.take(100) == chunk(19 * TICK, 100)
    put(buffer, 20, 0.40)
    put(buffer, 21, 0.42)
    assert buffer.take() == chunk(19 * TICK + 100)
    assert buffer.take(200) == chunk(20 * TICK + 100, 200)


def test_reordered_packets_are_put_right() -> None:
    buffer = playing()
    put(buffer, 21, 0.40)
    put(buffer, 20, 0.40)
    assert [buffer.take() for _ in range(3)] == [chunk(n * TICK) for n in (19, 20, 21)]
    assert buffer.lost == buffer.late == buffer.duplicate == 0


def test_a_lost_packet_is_told_in_its_place() -> None:
    buffer = playing()
    put(buffer, 21, 0.42)
    assert [buffer.take() for _ in range(3)] == [
        chunk(19 * TICK),
        [Gap(TICK, lost=True)],
        chunk(21 * TICK),
    ]
    assert buffer.lost == 1


def test_a_tick_may_be_lost_in_part() -> None:
    buffer = playing()
    assert buffer.take(80) == chunk(19 * TICK, 80)
    put(buffer, 21, 0.42)
    assert buffer.take() == [chunk(19 * TICK + 80, 80), Gap(80, lost=True)]
    assert buffer.take() == [Gap(80, lost=True), chunk(21 * TICK, 80)]


def test_duplicates_are_dropped() -> None:
    buffer = playing()
    put(buffer, 19, 0.39)
    put(buffer, 10, 0.39)
    assert buffer.duplicate == 2
    assert buffer.take() == chunk(19 * TICK)


def test_a_late_packet_is_dropped_once_later_audio_was_played() -> None:
    buffer = playing()
    put(buffer, 21, 0.42)
    assert [buffer.take() for _ in range(3)][-1] == chunk(21 * TICK)
    put(buffer, 20, 0.45)
    assert (buffer.late, buffer.lost) == (1, 0)
    put(buffer, 20, 0.45)
    assert buffer.duplicate == 1
    put(buffer, 22, 0.45)
    assert buffer.take() == chunk(22 * TICK)


def test_an_underrun_goes_on_with_the_packet_that_was_waited_for() -> None:
    buffer = playing()
    before = buffer.delay
    assert buffer.take() == chunk(19 * TICK)
    assert buffer.take() == [Gap(TICK, lost=True)]
    assert buffer.take() == [Gap(TICK, lost=True)]
    for number in range(20, 24):
        put(buffer, number, 0.46)
    assert [buffer.take() for _ in range(4)] == [chunk(n * TICK) for n in range(20, 24)]
    assert buffer.late == buffer.lost == 0
    assert buffer.delay == pytest.approx(before + 0.040, abs=0.01)


def test_a_pause_of_the_talker_is_no_loss() -> None:
    """Silence suppression: the timestamps jump, the sequence numbers do not."""
    buffer = playing()
    sequence, timestamp = FIRST_SEQUENCE + 20 & 0xFFFF, FIRST_TIMESTAMP + 23 * TICK & 0xFFFFFFFF
    buffer.put(sequence, timestamp, chunk(23 * TICK), 0.46)
    assert buffer.take() == chunk(19 * TICK)
    assert [buffer.take() for _ in range(3)] == [None, None, None]
    assert buffer.take() == chunk(23 * TICK)
    assert buffer.lost == 0


def test_after_a_long_pause_speech_starts_at_the_target_delay() -> None:
    buffer = playing()
    taken = [buffer.take() for _ in range(50)]
    assert taken[0] == chunk(19 * TICK)
    assert taken[1:6] == [[Gap(TICK, lost=True)]] * 5
    assert taken[6:] == [None] * 44
    assert buffer.lost == 0
    for number in range(70, 75):
        sequence = FIRST_SEQUENCE + number - 50 & 0xFFFF
        buffer.put(
            sequence, FIRST_TIMESTAMP + number * TICK & 0xFFFFFFFF, chunk(number * TICK), number * 0.02
        )
        assert buffer.take() == (chunk((number - 1) * TICK) if number > 70 else None)
    assert buffer.delay == pytest.approx(0.020)


def test_telephone_events_are_neither_loss_nor_delay() -> None:
    buffer = playing()
    delay = buffer.delay
    for number in range(20, 30):  # a press of 200 ms: one timestamp, sequence numbers as ever
        buffer.event(FIRST_SEQUENCE + number & 0xFFFF, FIRST_TIMESTAMP + 20 * TICK & 0xFFFFFFFF)
        assert buffer.take() == (chunk(19 * TICK) if number == 20 else None)
    put(buffer, 30, 0.60)
    assert buffer.take() is None
    put(buffer, 31, 0.62)
    assert buffer.take() == chunk(30 * TICK)
    assert (buffer.lost, buffer.late, buffer.received) == (0, 0, 22)
    assert buffer.delay == pytest.approx(delay)


def test_lost_packets_among_events_are_still_counted() -> None:
    buffer = playing()
    buffer.event(FIRST_SEQUENCE + 20 & 0xFFFF, FIRST_TIMESTAMP + 20 * TICK & 0xFFFFFFFF)
    buffer.event(FIRST_SEQUENCE + 23 & 0xFFFF, FIRST_TIMESTAMP + 20 * TICK & 0xFFFFFFFF)
    assert buffer.lost == 2
    JitterBuffer().event(1, 2)  # before any audio: nothing to say


def test_an_event_that_overtakes_audio_is_no_loss() -> None:
    buffer = playing()
    buffer.event(FIRST_SEQUENCE + 21 & 0xFFFF, FIRST_TIMESTAMP + 21 * TICK & 0xFFFFFFFF)
    put(buffer, 20, 0.40)
    buffer.event(FIRST_SEQUENCE + 22 & 0xFFFF, FIRST_TIMESTAMP + 21 * TICK & 0xFFFFFFFF)
    assert [buffer.take(), buffer.take()] == [chunk(19 * TICK), chunk(20 * TICK)]
    assert buffer.lost == buffer.late == buffer.duplicate == 0


@pytest.mark.parametrize("units", [0, 80, 320])
def test_a_phone_with_a_wrong_rtp_clock_is_heard(units: int) -> None:
    """320 units for 160 octets: G.722 stamped by its sampling rate."""
    buffer, taken = JitterBuffer(), []
    for number in range(100):
        buffer.put(number, number * units, chunk(number * TICK), number * 0.02)
        taken.append(buffer.take())
    assert taken == [None, *(chunk(number * TICK) for number in range(99))]


def jumped(sequence_jump: int, timestamp_jump: int) -> tuple[JitterBuffer, list[Taken]]:
    buffer = playing()
    taken = []
    for number in range(20, 40):
        sequence = FIRST_SEQUENCE + number + sequence_jump & 0xFFFF
        timestamp = FIRST_TIMESTAMP + number * TICK + timestamp_jump & 0xFFFFFFFF
        buffer.put(sequence, timestamp, chunk(number * TICK), number * 0.02)
        taken.append(buffer.take())
    return buffer, taken


@pytest.mark.parametrize("jump", [10**6, -(10**6), 1000, -1000, 80, -80, 2**31])
def test_a_jump_of_the_timestamps_alone_is_not_heard(jump: int) -> None:
    buffer, taken = jumped(0, jump)
    assert taken == [chunk(n * TICK) for n in range(19, 39)]
    assert buffer.discarded == buffer.lost == buffer.late == 0


@pytest.mark.parametrize("jump", [10**6, -(10**6), 2**31])
@pytest.mark.parametrize("sequence_jump", [20000, -20000, -50, 50])
def test_another_stream_is_believed_within_100_ms(sequence_jump: int, jump: int) -> None:
    buffer, taken = jumped(sequence_jump, jump)
    heard = [piece for piece in taken[5:] if isinstance(piece, bytes)]
    assert heard == [chunk(n * TICK) for n in range(40 - len(heard) - 1, 39)]
    assert len(heard) >= 14
    assert buffer.discarded <= 3


def test_strays_beside_the_stream_change_nothing() -> None:
    """Not even when they agree with each other: the stream itself goes on."""
    buffer = playing()
    for number in range(20, 40):
        buffer.put(number + 9000, number * TICK + 10**6, chunk(0), number * 0.02)
        put(buffer, number, number * 0.02)
        assert buffer.take() == chunk((number - 1) * TICK)
    assert buffer.discarded == 20


def test_one_stray_packet_changes_nothing() -> None:
    buffer = playing()
    for number in range(20, 30):
        buffer.put(number * 7 & 0xFFFF, number * 10**6, chunk(0), number * 0.02)
        put(buffer, number, number * 0.02)
        assert buffer.take() == chunk((number - 1) * TICK)
    assert buffer.discarded == 10


def test_a_packet_from_before_the_silence_is_late() -> None:
    buffer = playing()
    put(buffer, 21, 0.42)
    while buffer.take() is not None:
        pass
    put(buffer, 20, 0.55)
    assert (buffer.late, buffer.lost) == (1, 0)
    assert buffer.take() is None


def test_only_the_last_lost_packets_are_remembered() -> None:
    buffer = playing()
    for number in (90, 160, 230):
        buffer.event(FIRST_SEQUENCE + number & 0xFFFF, 0)
    assert buffer.lost == 70 + 69 + 69
    buffer.event(FIRST_SEQUENCE + 150 & 0xFFFF, 0)
    assert buffer.lost == 70 + 69 + 69
    buffer.event(FIRST_SEQUENCE + 200 & 0xFFFF, 0)
    assert buffer.lost == 70 + 69 + 69 - 1


def test_a_new_ssrc_starts_at_once() -> None:
    buffer = playing()
    buffer.restart()
    assert buffer.take() is None
    for number in range(5):
        buffer.put(500 + number, 77 + number * TICK, chunk(number * TICK), 0.4 + number * 0.02)
        assert buffer.take() == (chunk((number - 1) * TICK) if number else None)
    assert buffer.discarded == buffer.duplicate == 0


def test_when_nobody_takes_the_newest_is_kept() -> None:
    buffer = playing()
    for number in range(20, 1000):
        put(buffer, number, number * 0.02)
    assert buffer.discarded > 900
    taken = [buffer.take() for _ in range(40)]
    heard = b"".join(piece for piece in taken if isinstance(piece, bytes))
    assert STREAM[: 1000 * TICK].endswith(heard)
    assert TICK <= len(heard) <= 2400


def jittery(
    buffer: JitterBuffer, numbers: range, jitter: float, seed: int = 5, drift: float = 0.0
) -> list[float]:
    """Packets with that much uniform jitter, in seconds, by a clock too fast by ``drift``; the targets."""
    chance = random.Random(seed)
    arrivals = sorted((n * 0.02 * (1 - drift) + chance.random() * jitter, n) for n in numbers)
    targets = []
    for tick in range(numbers.start, numbers.stop):
        while arrivals and arrivals[0][0] <= tick * 0.02:
            arrival, number = arrivals.pop(0)
            put(buffer, number, arrival)
        buffer.take()
        targets.append(buffer.target)
    return targets


def test_the_target_grows_fast_and_shrinks_slowly() -> None:
    buffer = playing()
    rising = jittery(buffer, range(20, 520), 0.060)
    assert max(rising[:50]) > 0.045  # within a second
    assert all(0.050 < target < 0.090 for target in rising[100:])
    late = buffer.late
    falling = jittery(buffer, range(520, 1520), 0.0)
    assert falling[50] > 0.045  # a second later
    assert falling[-1] < 0.025
    assert buffer.late == late


def test_late_packets_are_rare_once_it_knows_the_jitter() -> None:
    buffer = playing()
    jittery(buffer, range(20, 520), 0.060)
    late = buffer.late
    jittery(buffer, range(520, 2520), 0.060, seed=6)
    assert buffer.late - late <= 20


@pytest.mark.parametrize(("minimum", "maximum"), [(0.020, 0.200), (0.060, 0.080)])
def test_the_target_stays_within_its_bounds(minimum: float, maximum: float) -> None:
    buffer = JitterBuffer(minimum, maximum)
    targets = jittery(buffer, range(500), 0.5) + jittery(buffer, range(500, 2500), 0.0)
    assert min(targets) >= minimum
    assert max(targets) <= maximum
    assert min(targets) == minimum
    assert max(targets) == maximum


def test_taking_more_or_fewer_octets_corrects_the_delay() -> None:
    buffer = playing()
    put(buffer, 20, 0.4)
    assert buffer.excess == pytest.approx(0, abs=1)
    buffer.take(TICK + 60)
    assert buffer.excess == pytest.approx(-60, abs=1)
    buffer.take(TICK - 90)
    assert buffer.excess == pytest.approx(30, abs=1)


@pytest.mark.parametrize("drift", [-0.0003, 0.0003])
def test_drift_shows_as_excess(drift: float) -> None:
    """300 ppm for 40 s are 96 octets, 12 ms."""
    drifting, punctual = JitterBuffer(minimum=0.060), JitterBuffer(minimum=0.060)
    jittery(drifting, range(2000), 0.020, drift=drift)
    jittery(punctual, range(2000), 0.020)
    assert drifting.excess - punctual.excess == pytest.approx(2000 * TICK * drift, abs=30)


Schedule = list[tuple[int, bool, bool]]  # for each packet: delay in ms, lost, sent twice


@settings(max_examples=60, deadline=None)
@given(
    schedule=st.lists(
        st.tuples(st.integers(0, 150), st.integers(0, 9).map(lambda n: n == 0), st.booleans()),
        min_size=2,
        max_size=80,
    ),
    ptime=st.sampled_from([10, 20, 30, 40, 60]),
    odd=st.lists(st.sampled_from([TICK, TICK, TICK, 100, 217]), min_size=1, max_size=20),
)
def test_every_octet_comes_out_at_most_once_and_in_order(
    schedule: Schedule, ptime: int, odd: list[int]
) -> None:
    arrivals = []
    for number, (delay, lost, twice) in enumerate(schedule):
        sent = number * ptime + delay
        arrivals += [] if lost else [(sent, number), (sent + 7, number)] if twice else [(sent, number)]
    arrivals.sort()
    first = arrivals[0][1] if arrivals else 0
    buffer, put_in, cursor = JitterBuffer(), 0, 0
    for tick in range(len(schedule) * ptime // 20 + 30):
        while put_in < len(arrivals) and arrivals[put_in][0] <= tick * 20:
            sent, number = arrivals[put_in]
            put(buffer, number, sent / 1000, ptime=ptime)
            put_in += 1
        octets = odd[tick % len(odd)]
        taken = buffer.take(octets)
        pieces = [taken] if isinstance(taken, bytes) else taken or [Gap(octets, lost=False)]
        assert sum(len(p) if isinstance(p, bytes) else p.octets for p in pieces) == octets
        for piece in pieces:
            if isinstance(piece, bytes):
                cursor = STREAM.index(piece, cursor) + len(piece)
    assert buffer.received == len(arrivals)
    arrived = {number for _, number in arrivals}
    assert buffer.lost == sum(n not in arrived for n in range(first, max(arrived, default=0)))
    # What overtook nothing but came before the first packet is taken for a copy, too.
    assert buffer.duplicate == len(arrivals) - sum(number >= first for number in arrived)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("put"),
                st.integers(0, 65535),
                st.integers(0, 2**32 - 1),
                st.integers(0, 500),
                st.floats(0, 0.3),
            ),
            st.tuples(
                st.just("next"), st.integers(-3, 3), st.integers(-400, 400), st.just(160), st.floats(0, 0.05)
            ),
            st.tuples(st.just("take"), st.sampled_from([1, 160, 300])),
            st.tuples(st.just("event"), st.integers(0, 65535)),
            st.tuples(st.just("restart")),
        ),
        max_size=80,
    )
)
def test_nothing_that_may_arrive_breaks_it(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    buffer, now, sequence, timestamp = JitterBuffer(), 1000.0, 0, 0
    for step in steps:
        match step:
            case ("put", sequence, timestamp, size, pause):
                now += pause
                buffer.put(sequence, timestamp, bytes(size), now)
            case ("next", more, shift, size, pause):
                now += pause
                sequence, timestamp = sequence + 1 + more & 0xFFFF, timestamp + size + shift & 0xFFFFFFFF
                buffer.put(sequence, timestamp, bytes(size), now)
            case ("take", octets):
                taken = buffer.take(octets)
                if isinstance(taken, bytes):
                    assert len(taken) == octets
            case ("event", number):
                buffer.event(number, timestamp)
            case _:
                buffer.restart()
        assert 0.020 <= buffer.target <= 0.200
        assert min(buffer.received, buffer.lost, buffer.late, buffer.duplicate, buffer.discarded) >= 0
