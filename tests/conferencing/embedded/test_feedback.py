"""Feedback on the wire, against aiortc's reader and writer and against ourselves."""

from __future__ import annotations

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, pack_remb_fci, unpack_remb_fci
from hypothesis import example, given
from hypothesis import strategies as st

from conferencing.embedded.feedback import (
    APPLICATION,
    MAX_BIT_RATE,
    PSFB,
    Arrivals,
    asks_keyframe,
    read_nack,
    read_remb,
    write_keyframe_request,
    write_nack,
    write_remb,
)
from media.rtcp import Feedback, write_compound


@example(65520, [0, 16])
@given(st.integers(0, 0xFFFF), st.lists(st.integers(0, 200), min_size=1, unique=True))
def test_nacks_say_what_is_missing(base: int, missing: list[int]) -> None:
    wanted = [(base + number) & 0xFFFF for number in sorted(missing)]
    packet = write_nack(1, 2, wanted)
    assert list(read_nack(packet.control)) == wanted
    (read,) = RtcpPacket.parse(write_compound([packet]))
    assert isinstance(read, RtcpRtpfbPacket)
    assert (read.fmt, [number & 0xFFFF for number in read.lost]) == (1, wanted)  # aiortc lets them pass 65535


def test_key_frames_are_asked_for_by_pli_or_fir() -> None:
    pli = write_keyframe_request(1, 2)
    (read,) = RtcpPacket.parse(write_compound([pli]))
    assert isinstance(read, RtcpPsfbPacket)
    assert (read.fmt, read.media_ssrc) == (1, 2)
    assert asks_keyframe(pli) == (2,)
    fir = Feedback(
        PSFB, 4, 1, 0, (7).to_bytes(4, "big") + b"\x01\0\0\0" + (8).to_bytes(4, "big") + b"\x01\0\0\0x"
    )
    assert asks_keyframe(fir) == (7, 8)
    assert asks_keyframe(Feedback(205, 1, 1, 2)) == ()


@given(st.integers(0, 1 << 40), st.lists(st.integers(0, 0xFFFFFFFF), max_size=5))
def test_remb_as_aiortc_writes_it(rate: int, ssrcs: list[int]) -> None:
    said = read_remb(Feedback(PSFB, APPLICATION, 1, 0, pack_remb_fci(rate, ssrcs)))
    assert said is not None
    assert min(rate, MAX_BIT_RATE) * 0.999 <= said + 1
    assert said <= rate


@given(st.integers(1, 1 << 30), st.lists(st.integers(0, 0xFFFFFFFF), max_size=5))
def test_remb_as_aiortc_reads_it(rate: int, ssrcs: list[int]) -> None:
    (read,) = RtcpPacket.parse(write_compound([write_remb(1, rate, ssrcs)]))
    assert isinstance(read, RtcpPsfbPacket)
    said, of = unpack_remb_fci(read.fci)
    assert (of, read.fmt) == (ssrcs, APPLICATION)
    assert 0.9999 * rate - 1 < said <= rate


@given(st.binary(max_size=40))
def test_feedback_that_makes_no_sense_gives_nothing(control: bytes) -> None:
    list(read_nack(control))
    read_remb(Feedback(PSFB, APPLICATION, 1, 0, control))
    read_remb(Feedback(PSFB, APPLICATION, 1, 0, b"REMB" + control))
    asks_keyframe(Feedback(PSFB, 4, 1, 0, control))


def read_arrivals(control: bytes) -> tuple[int, dict[int, float]]:
    """A reader of our own, straight from the draft: count, and seconds by number."""
    base, status_count = int.from_bytes(control[:2], "big"), int.from_bytes(control[2:4], "big")
    time = int.from_bytes(control[4:7], "big") * 0.064
    at = 8
    symbols: list[int] = []
    while len(symbols) < status_count:
        chunk = int.from_bytes(control[at : at + 2], "big")
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    arrivals = {}
    for index, symbol in enumerate(symbols[:status_count]):
        if symbol:
            time += int.from_bytes(control[at : at + symbol], "big", signed=symbol == 2) * 0.000_25
            at += symbol
            arrivals[(base + index) & 0xFFFF] = time
    assert at == len(control)
    return control[7], arrivals


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.integers(0, 4), st.floats(-0.05, 0.4)), min_size=1, max_size=80),
    st.integers(1, 5),
)
def test_arrivals_are_told_to_a_quarter_of_a_millisecond(
    first: int, steps: list[tuple[int, float]], parts: int
) -> None:
    arrivals, now, number = Arrivals(), 1000.0, first
    came: dict[int, float] = {}
    told: dict[int, float] = {}
    for index, (step, pause) in enumerate(steps):
        number, now = (number + 1 + step) & 0xFFFF, now + pause
        came[number] = now
        arrivals.seen.append((number, now))
        if index % parts == 0:
            packet = arrivals.report(1, 2)
            assert packet is not None
            told.update(read_arrivals(packet.control)[1])
    packet = arrivals.report(1, 2)
    if packet:
        told.update(read_arrivals(packet.control)[1])
    assert told.keys() == came.keys()
    assert all(abs(told[number] - came[number]) < 0.000_6 for number in came)


def test_reports_are_counted_and_tell_of_what_did_not_come() -> None:
    arrivals = Arrivals()
    assert arrivals.report(1, 2) is None
    arrivals.seen = [(65_535, 5.0)]
    first = arrivals.report(1, 2)
    arrivals.seen = [(3, 5.1)]
    second = arrivals.report(1, 2)
    assert first
    assert second
    assert (first.control[7], second.control[7]) == (0, 1)
    assert second.control[:4] == bytes((0, 0, 0, 4))  # 0, 1, 2 did not come, 3 did
