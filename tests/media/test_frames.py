"""Frames by their numbers, whatever the network does to them; no codec needed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from media.frames import MOST_FRAMES, MOST_LEAD, PATIENCE, REVIEW, Frame, FrameBuffer, Lost, Piece

TICK = 320


def frame(number: int, samples: int = TICK, *, silent: bool = False) -> Frame:
    return Frame(number.to_bytes(4, "big"), samples, 1.0, silent)


def numbers(pieces: list[Piece]) -> list[int | None]:
    """What was given out: the numbers of frames, None for what is lost."""
    return [int.from_bytes(piece.payload, "big") if isinstance(piece, Frame) else None for piece in pieces]


def played(buffer: FrameBuffer, arrivals: dict[int, list[int]], ticks: int) -> list[list[int | None]]:
    """By tick."""
    taken = []
    for tick in range(ticks):
        for number in arrivals.get(tick, ()):
            buffer.put(number, frame(number))
        taken.append(numbers(buffer.take()))
    return taken


def test_in_order_after_one_tick() -> None:
    taken = played(FrameBuffer(TICK), {tick: [tick] for tick in range(5)}, 5)
    assert taken == [[], [0], [1], [2], [3]]


def test_numbers_wrap_around() -> None:
    taken = played(FrameBuffer(TICK), {tick: [65533 + tick] for tick in range(6)}, 7)
    assert taken == [[], *([65533 + tick] for tick in range(6))]


def test_a_loss_is_known_when_its_successor_is_there() -> None:
    buffer = FrameBuffer(TICK)
    for tick, number in enumerate([0, 1, 3, 4]):
        buffer.put(number, frame(number))
        pieces = buffer.take()
        if tick == 3:
            assert pieces == [Lost(TICK, frame(3).payload)]


def test_who_is_late_is_played_late_and_the_next_talk_waits_longer() -> None:
    buffer = FrameBuffer(TICK)
    arrivals = {0: [0], 1: [1], 2: [2], 5: [3, 4, 5], 6: [6], 7: [7]}
    assert played(buffer, arrivals, 8) == [[], [0], [1], [2], [None], [3], [4], [5]]
    played(buffer, {}, PATIENCE + 4)
    assert not buffer.talking
    assert played(buffer, {tick: [100 + tick] for tick in range(4)}, 4) == [[], [], [100], [101]]


def test_overtaken_and_lost_for_good() -> None:
    buffer = FrameBuffer(TICK)
    arrivals = {0: [0], 1: [2], 2: [3], 3: [1, 4], 4: [5], 5: [6]}
    assert played(buffer, arrivals, 7) == [[], [0], [None], [None], [2], [3], [4]], "and now there is time"


def test_the_delay_shrinks_when_it_is_needed_no_more() -> None:
    buffer = FrameBuffer(TICK)
    played(buffer, {0: [0, 1, 2, 3, 4]} | {tick: [4 + tick] for tick in range(1, 4)}, 4)
    delays = []
    for tick in range(4, 4 + 6 * REVIEW):
        buffer.put(4 + tick, frame(4 + tick))
        given_out = numbers(buffer.take())
        assert None not in given_out
        assert len(given_out) == 1 + (buffer.excess > 0)
        delays.append(len(buffer))
    assert delays[0] == 5
    assert delays[-1] == 1, "one in reserve stays"


def test_a_jam_that_breaks_is_skipped() -> None:
    buffer = FrameBuffer(TICK)
    taken = played(buffer, {0: list(range(20))}, 3)
    assert len(buffer) <= MOST_FRAMES
    assert taken[1][0] is not None
    assert taken[1][0] > 20 - MOST_FRAMES - 2


def test_silence_begins_no_talk_and_ends_one() -> None:
    buffer = FrameBuffer(TICK)
    buffer.put(1, frame(1, silent=True))
    assert not buffer.talking
    buffer.put(2, frame(2))
    buffer.put(3, frame(3, silent=True))
    assert [numbers(buffer.take()) for _ in range(4)] == [[], [2], [3], []]
    assert not buffer.talking


def test_longer_and_shorter_frames() -> None:
    buffer = FrameBuffer(TICK)
    buffer.put(0, frame(0, 960))
    buffer.put(1, frame(1, 160))
    buffer.put(2, frame(2, 160))
    assert [numbers(buffer.take()) for _ in range(5)] == [[], [0], [], [], [1, 2]]


Arrivals = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([40, 160, 320, 320, 320, 960, 1920]), st.booleans()),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), Arrivals), max_size=4), st.integers(0, 65535))
def test_whatever_comes(bursts: list[tuple[int, list[tuple[int, int, bool]]]], start: int) -> None:
    buffer = FrameBuffer(TICK)
    for ticks, burst in bursts:
        for offset, samples, silent in burst:
            buffer.put((start + offset) & 0xFFFF, frame(offset, samples, silent=silent))
            assert len(buffer) <= MOST_FRAMES
        for _ in range(ticks):
            pieces = buffer.take()
            assert sum(piece.samples for piece in pieces) < 2 * TICK + 2 * 1920
    for _ in range((MOST_FRAMES + 60) * 6 + MOST_LEAD + PATIENCE + 2):
        buffer.take()
    assert not buffer.talking, "a stream that ends is over"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 3), st.none()), min_size=30, max_size=120))
def test_every_frame_at_most_once_and_in_order(delays: list[int | None]) -> None:
    """None: lost on the way."""
    arrivals: dict[int, list[int]] = {}
    for number, delay in enumerate(delays):
        if delay is not None:
            arrivals.setdefault(number + delay, []).append(number)
    given_out = [
        n for tick in played(FrameBuffer(TICK), arrivals, len(delays) + 10) for n in tick if n is not None
    ]
    assert given_out == sorted(set(given_out))
