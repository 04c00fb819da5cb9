"""Keys by RTP events and by INFO, under loss, repetition and disorder."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.dtmf import KEYS, DtmfError, EventReceiver, PressMerger, Way, is_dtmf, parse_info, press

SSRC = 0x1234


def event(number: int, *, end: bool = False, duration: int = 160) -> bytes:
    return struct.pack("!BBH", number, 0x8A if end else 0x0A, duration)


def typed(digits: str, *, ticks: int = 800, start: int = 0) -> list[list[tuple[int, bytes]]]:
    """Return the packets (timestamp, payload) of each press, 60 ms between two presses."""
    presses = []
    for digit in digits:
        presses.append(
            [((start + frame.offset) & 0xFFFFFFFF, frame.payload) for frame in press(digit, ticks=ticks)]
        )
        start += ticks + 480
    return presses


def heard(packets: list[tuple[int, bytes]]) -> str:
    receiver = EventReceiver()
    return "".join(filter(None, (receiver.receive(SSRC, *packet) for packet in packets)))


# -- RFC 4733 ----------------------------------------------------------------------------------------------


def test_a_press_on_the_wire() -> None:
    frames = list(press("#", ticks=400))
    assert [frame.marker for frame in frames] == [True, False, False, False, False]
    assert [frame.payload.hex() for frame in frames] == ["0b0a00a0", "0b0a0140"] + ["0b8a0190"] * 3
    assert {frame.offset for frame in frames} == {0}


@settings(max_examples=100, deadline=None)
@given(
    digits=st.text(KEYS, min_size=1, max_size=8),
    start=st.integers(0, 0xFFFFFFFF),
    data=st.data(),
)
def test_any_packet_of_a_press_is_enough(digits: str, start: int, data: st.DataObject) -> None:
    arrived = []
    for packets in typed(digits, start=start):
        kept = data.draw(st.sets(st.integers(0, len(packets) - 1), min_size=1))
        arrived += [packet for index, packet in enumerate(packets) if index in kept]
    assert heard(arrived) == digits


@settings(max_examples=50, deadline=None)
@given(st.text(KEYS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_late_packets_and_duplicates_are_not_presses(digits: str, random: object) -> None:
    packets = [packet for one in typed(digits) for packet in one]
    shuffle = list(packets)
    for index in range(len(shuffle) - 4):  # every packet once more, four places later
        shuffle.insert(index * 2 + 4, packets[index])
    assert heard(shuffle) == digits


@settings(max_examples=30, deadline=None)
@given(
    ticks=st.integers(0xFFFF, 4 * 0xFFFF),
    packet_ticks=st.sampled_from([80, 160, 960, 2880]),
    start=st.integers(0, 0xFFFFFFFF),
)
def test_a_long_press_in_segments_is_one(ticks: int, packet_ticks: int, start: int) -> None:
    frames = list(press("7", ticks=ticks, packet_ticks=packet_ticks))
    packets = [((start + frame.offset) & 0xFFFFFFFF, frame.payload) for frame in frames]
    assert heard(packets + typed("7", start=start + ticks + 480)[0]) == "77"


def test_segments_carry_the_whole_duration() -> None:
    frames = list(press("1", ticks=200_000))
    lengths = {frame.offset: int.from_bytes(frame.payload[2:], "big") for frame in frames}
    assert lengths == {0: 0xFFFF, 0xFFFF: 0xFFFF, 2 * 0xFFFF: 0xFFFF, 3 * 0xFFFF: 200_000 - 3 * 0xFFFF}


def test_a_segment_cut_at_a_whole_packet_is_still_the_same_press() -> None:
    # 68 packets of 20 ms at 48 kHz, then the next segment under the timestamp reached.
    assert heard([(0, event(3, duration=65280)), (65280, event(3)), (65280, event(3, end=True))]) == "3"


def test_the_same_key_again_after_an_end_is_another_press() -> None:
    assert heard([(0, event(3)), (0, event(3, end=True)), (0xFFFF, event(3))]) == "33"


def test_one_timestamp_for_all_presses() -> None:
    packets = [(0, event(number, end=end)) for number in (1, 2, 3) for end in (False, True)]
    assert heard(packets) == "123"


def test_a_new_source_and_a_jump_of_the_clock_are_new_presses() -> None:
    receiver = EventReceiver()
    assert receiver.receive(1, 5_000_000, event(1)) == "1"
    assert receiver.receive(2, 5_000_000, event(1)) == "1"
    assert receiver.receive(2, 1_000, event(1)) == "1"


def test_timestamps_need_not_rise() -> None:
    # SIPp plays recordings of single keys, all of one SSRC, each with the timestamp it once had.
    recorded = {"2": 23200, "1": 13280, "#": 92640, "0": 17632}
    packets = [(recorded[key], payload) for key in "21#0" for _, payload in typed(key)[0]]
    assert heard(packets) == "21#0"


@pytest.mark.parametrize("payload", [b"", b"\x01\x0a\x00", event(16), event(64), event(255)])
def test_what_is_no_key(payload: bytes) -> None:
    assert EventReceiver().receive(SSRC, 0, payload) is None


@pytest.mark.parametrize(("key", "ticks"), [("x", 800), ("", 800), ("12", 800), ("1", 0)])
def test_what_cannot_be_pressed(key: str, ticks: int) -> None:
    with pytest.raises(ValueError, match=r"key|substring"):
        list(press(key, ticks=ticks))


# -- INFO --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b"Signal=5\r\nDuration=160\r\n", "5"),
        (b"Signal= 5\nDuration= 160", "5"),
        (b"signal=#\r\nduration=250", "#"),
        (b"Duration=250\r\nSIGNAL=*\r\n\r\n", "*"),
        (b"Signal=11\r\nDuration=160", "#"),
        (b"Signal=10", "*"),
        (b"Signal=a", "A"),
        (b"5", "5"),
        (b"#\r\n", "#"),
        (b" d \0", "D"),
        (b"15", "D"),
        (b"Signal=16\r\n", None),
        (b"Signal=hf\r\n", None),
    ],
)
def test_keys_by_info(body: bytes, key: str | None) -> None:
    assert parse_info(body) == key


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"Duration=160",
        b"Signal=",
        b"Signal=17",
        b"Signal=1\nSignal=2",
        b"12 34",
        b"x",
        b"\xff\xfe",
    ],
)
def test_an_info_without_a_key(body: bytes) -> None:
    with pytest.raises(DtmfError, match="expected"):
        parse_info(body)


def test_an_error_repeats_no_digits() -> None:
    with pytest.raises(DtmfError) as error:
        parse_info(b"Signal=4711")
    assert "4711" not in str(error.value)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        key = parse_info(body)
    except DtmfError:
        return
    assert key is None or key in KEYS


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/dtmf-relay", True),
        ("Application/DTMF ; charset=utf-8", True),
        ("application/media_control+xml", False),
        ("", False),
    ],
)
def test_which_bodies_carry_keys(content_type: str, expected: bool) -> None:
    assert is_dtmf(content_type) is expected


# -- both ways at once -------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    digits=st.text(KEYS, max_size=8),
    info_first=st.booleans(),
    lag=st.floats(0.0, 0.45),
    gap=st.floats(0.06, 1.0),
)
def test_what_is_told_twice_counts_once(digits: str, info_first: bool, lag: float, gap: float) -> None:
    first, second = (Way.INFO, Way.RTP) if info_first else (Way.RTP, Way.INFO)
    told = [(index * gap, digit, first) for index, digit in enumerate(digits)]
    told += [(index * gap + lag, digit, second) for index, digit in enumerate(digits)]
    merger = PressMerger()
    accepted = [
        key for now, key, way in sorted(told, key=lambda one: one[0]) if merger.accepts(key, way, now)
    ]
    assert "".join(accepted) == digits


def test_one_way_alone_loses_nothing() -> None:
    merger = PressMerger()
    assert all(merger.accepts("5", Way.INFO, index * 0.1) for index in range(5))


def test_a_press_is_paired_once() -> None:
    merger = PressMerger()
    told = [(Way.RTP, 0.0), (Way.INFO, 0.1), (Way.INFO, 0.2), (Way.RTP, 0.3), (Way.RTP, 0.35)]
    assert [merger.accepts("5", way, now) for way, now in told] == [True, False, True, False, True]


def test_what_no_hand_types_is_dropped() -> None:
    merger = PressMerger()
    flood = [merger.accepts("6", Way.RTP, index * 0.001) for index in range(10_000)]  # 10 s
    assert flood[:20] == [True] * 20
    assert 190 <= sum(flood) <= 200, "20 a second"
    assert merger.accepts("6", Way.RTP, 11.1)


def test_a_flood_told_both_ways_is_dropped_too() -> None:
    merger = PressMerger()
    told = [(way, index * 0.002) for index in range(500) for way in (Way.RTP, Way.INFO)]
    assert sum(merger.accepts("6", way, now) for way, now in told) == 20


def test_after_the_window_it_is_a_press_of_its_own() -> None:
    merger = PressMerger()
    assert merger.accepts("5", Way.RTP, 0.0)
    assert merger.accepts("6", Way.INFO, 0.1)
    assert merger.accepts("5", Way.INFO, 0.51)
