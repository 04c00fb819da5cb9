"""RTP packets, wrapping numbers and the bookkeeping of a source."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.rtp import (
    MAX_DROPOUT,
    ReceptionStatistics,
    RtpError,
    RtpPacket,
    SenderStatistics,
    read_header,
    sequence_delta,
    timestamp_delta,
    write_header,
)

words16 = st.integers(0, 0xFFFF)
words32 = st.integers(0, 0xFFFFFFFF)
packets = st.builds(
    RtpPacket,
    # 64..95 with the marker set would be RTCP (RFC 5761)
    payload_type=st.integers(0, 63) | st.integers(96, 127),
    sequence=words16,
    timestamp=words32,
    ssrc=words32,
    payload=st.binary(max_size=64),
    marker=st.booleans(),
    csrcs=st.lists(words32, max_size=15).map(tuple),
    extension=st.none() | st.tuples(words16, st.binary(max_size=8).map(lambda data: data * 4)),
    padding=st.integers(0, 255),
)


@settings(max_examples=100, deadline=None)
@given(packets)
def test_packets_survive_the_wire(packet: RtpPacket) -> None:
    data = packet.to_bytes()
    assert RtpPacket.parse(data) == packet
    header = read_header(data)
    assert header is not None
    assert data[header[5] : header[6]] == packet.payload


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80) | st.binary(min_size=12, max_size=80).map(lambda data: b"\xbf" + data[1:]))
def test_anything_is_read_within_its_bounds(data: bytes) -> None:
    header = read_header(data)
    if header is not None:
        assert 12 <= header[5] <= header[6] <= len(data)
        assert RtpPacket.parse(data).payload == data[header[5] : header[6]]


@settings(max_examples=50, deadline=None)
@given(packets, st.data())
def test_a_cut_packet_is_not_read_beyond_its_end(packet: RtpPacket, data: st.DataObject) -> None:
    whole = packet.to_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    header = read_header(cut)
    assert header is None or header[6] <= len(cut)


def test_a_plain_packet() -> None:
    data = write_header(8, 0x1234, 0xDEADBEEF, 0xCAFEBABE, marker=True) + b"payload"
    assert data.hex(" ")[:35] == "80 88 12 34 de ad be ef ca fe ba be"
    assert read_header(data) == (8, True, 0x1234, 0xDEADBEEF, 0xCAFEBABE, 12, 19)
    assert read_header(write_header(8, 1, 2, 3)) == (8, False, 1, 2, 3, 12, 12)


STUN = bytes.fromhex("000100002112a442") + bytes(12)
ZRTP = bytes.fromhex("1000b3275a525450") + bytes(12)
DTLS = bytes.fromhex("16fefd0000000000000000") + bytes(12)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\r\n\r\n", id="keep-alive"),
        pytest.param(write_header(0, 1, 2, 3)[:11], id="truncated"),
        pytest.param(STUN, id="STUN"),
        pytest.param(ZRTP, id="ZRTP"),
        pytest.param(DTLS, id="DTLS"),
        pytest.param(b"\xc0" + write_header(0, 1, 2, 3)[1:], id="version 3"),
        pytest.param(bytes.fromhex("80c80006") + bytes(24), id="RTCP SR"),
        pytest.param(bytes.fromhex("81c90007") + bytes(28), id="RTCP RR"),
        pytest.param(b"\x8f" + write_header(0, 1, 2, 3)[1:], id="CSRCs missing"),
        pytest.param(b"\x90" + write_header(0, 1, 2, 3)[1:], id="extension missing"),
        pytest.param(b"\x90" + write_header(0, 1, 2, 3)[1:] + b"\0\0\0\1", id="extension truncated"),
        pytest.param(b"\xa0" + write_header(0, 1, 2, 3)[1:] + b"x\0", id="no padding"),
        pytest.param(b"\xa0" + write_header(0, 1, 2, 3)[1:] + b"x\3", id="too much padding"),
    ],
)
def test_what_is_not_rtp(data: bytes) -> None:
    assert read_header(data) is None
    with pytest.raises(RtpError, match="expected RTP"):
        RtpPacket.parse(data)


@pytest.mark.parametrize(
    "packet",
    [
        RtpPacket(128, 0, 0, 0),
        RtpPacket(0, 65536, 0, 0),
        RtpPacket(0, 0, -1, 0),
        RtpPacket(0, 0, 0, 1 << 32),
        RtpPacket(0, 0, 0, 0, csrcs=(0,) * 16),
        RtpPacket(0, 0, 0, 0, extension=(0, b"x")),
        RtpPacket(0, 0, 0, 0, padding=256),
    ],
)
def test_what_cannot_be_written(packet: RtpPacket) -> None:
    with pytest.raises(RtpError, match="out of range"):
        packet.to_bytes()


# -- numbers that wrap -------------------------------------------------------------------------------------


@given(words16, st.integers(-0x8000, 0x7FFF))
def test_sequence_delta(earlier: int, ahead: int) -> None:
    assert sequence_delta((earlier + ahead) & 0xFFFF, earlier) == ahead


@given(words32, st.integers(-0x80000000, 0x7FFFFFFF))
def test_timestamp_delta(earlier: int, ahead: int) -> None:
    assert timestamp_delta((earlier + ahead) & 0xFFFFFFFF, earlier) == ahead


# -- reception ---------------------------------------------------------------------------------------------


def stream(
    statistics: ReceptionStatistics, numbers: list[int], *, start: int = 0, at: float = 0.0
) -> list[bool]:
    """Receive packets of 20 ms by their place in the stream; delivered exactly on time."""
    return [
        statistics.received(
            (start + number) & 0xFFFF, (start + number) * 160 & 0xFFFFFFFF, at + number * 0.02
        )
        for number in numbers
    ]


def test_a_source_is_believed_after_two_in_sequence() -> None:
    statistics = ReceptionStatistics(1, 8000)
    assert stream(statistics, [5, 9, 10, 11]) == [False, False, True, True]
    assert (statistics.expected, statistics.packets, statistics.lost) == (2, 2, 0)


@settings(max_examples=50, deadline=None)
@given(start=words16, lost=st.sets(st.integers(2, 398), max_size=100))
def test_loss_is_counted_over_the_wrap(start: int, lost: set[int]) -> None:
    statistics = ReceptionStatistics(1, 8000)
    numbers = [number for number in range(400) if number not in lost]
    assert all(stream(statistics, numbers, start=start)[1:])
    assert statistics.lost == len(lost)
    assert statistics.expected == 399
    assert statistics.highest_sequence & 0xFFFF == (start + 399) & 0xFFFF
    assert statistics.jitter < 0.01


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(2, 30)), words16)
def test_order_does_not_matter_to_loss(order: list[int], start: int) -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, [0, 1, *order, 30], start=start)
    assert (statistics.expected, statistics.packets) == (30, 30)


def test_the_highest_number_counts_the_wraps() -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, list(range(0x10000 + 20)), start=0xFFF0)
    assert statistics.highest_sequence == 0xFFF0 + 0x10000 + 19
    assert statistics.lost == 0


def test_duplicates_make_the_loss_negative() -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, [0, 1, 2, 2, 2])
    assert statistics.lost == -2
    assert statistics.report_block(0.0).lost == -2
    assert statistics.report_block(0.0).fraction_lost == 0


def test_what_is_missing_is_a_counter_that_never_falls() -> None:
    statistics = ReceptionStatistics(1, 8000)
    assert statistics.missing == 0
    stream(statistics, [0, 1, 2, 6])
    assert statistics.missing == 3
    stream(statistics, [4, 6, 6, 6])  # late, and duplicates
    assert (statistics.lost, statistics.missing) == (-1, 3)
    stream(statistics, list(range(7, 17, 2)))  # four more
    assert statistics.missing == 3
    stream(statistics, [18])
    assert (statistics.lost, statistics.missing) == (5, 5)


def test_a_restart_takes_nothing_from_what_is_missing() -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, [0, 1, 5])  # nobody asks before the restart
    stream(statistics, [20_000, 20_001, 20_004])
    assert (statistics.lost, statistics.missing) == (2, 5)


def test_a_jump_is_a_restart_when_the_next_follows_on_it() -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, [0, 1, 2])
    far = 2 + MAX_DROPOUT
    assert stream(statistics, [far, 3, far + 100, far + 101]) == [False, True, False, True]
    assert (statistics.expected, statistics.packets) == (1, 1)
    assert statistics.jitter < 0.01


def test_the_clock_of_a_restart_is_not_compared_with_the_one_before() -> None:
    statistics = ReceptionStatistics(1, 8000)
    for number in range(10):
        statistics.received(number, number * 160, number * 0.02)
    for number in range(10):  # two seconds of ticks away: near enough to look like jitter
        statistics.received(20_000 + number, 16_000 + number * 160, number * 0.02)
    assert statistics.packets == 9
    assert statistics.jitter < 0.01


def test_jitter_follows_appendix_a8() -> None:
    statistics = ReceptionStatistics(1, 8000)
    expected = 0.0
    for number in range(50):
        late = 0.005 if number % 2 else 0.0
        statistics.received(number, number * 160, number * 0.02 + late)
        if number >= 2:  # the first is probation, the second has nothing to compare with
            expected += (40 - expected) / 16  # 5 ms are 40 ticks
    assert statistics.jitter == pytest.approx(expected)
    assert statistics.jitter_seconds == pytest.approx(expected / 8000)


def test_a_new_clock_is_not_jitter_nor_is_the_wrap() -> None:
    statistics = ReceptionStatistics(1, 8000)
    for number in range(10):
        statistics.received(number, (0xFFFFFFFF - 480 + number * 160) & 0xFFFFFFFF, number * 0.02)
    for number in range(10, 20):
        statistics.received(number, 123_456_789 + number * 160, number * 0.02)
    assert statistics.jitter < 0.01


def test_packets_of_one_timestamp_are_measured_once() -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, [0, 1])
    for number in range(2, 12):  # a key held for 200 ms
        statistics.received(number, 320, number * 0.02)
    assert statistics.jitter < 0.01
    assert statistics.packets == 11


def test_the_fraction_lost_is_that_of_the_interval() -> None:
    statistics = ReceptionStatistics(7, 8000)
    stream(statistics, list(range(101)))
    assert statistics.report_block(0.0).fraction_lost == 0
    stream(statistics, list(range(101, 201, 2)))  # every second one; the last is 199
    block = statistics.report_block(0.0)
    assert (block.ssrc, block.lost, block.fraction_lost) == (7, 49, 256 * 49 // 99)
    assert statistics.report_block(0.0).fraction_lost == 0  # nothing new


def test_the_senders_report_comes_back_with_its_delay() -> None:
    statistics = ReceptionStatistics(1, 8000)
    stream(statistics, [0, 1])
    assert statistics.report_block(5.0).last_sender_report == 0
    assert statistics.report_block(5.0).delay_since == 0
    statistics.sender_report(0x0123456789ABCDEF, 6.0)
    block = statistics.report_block(7.5)
    assert (block.last_sender_report, block.delay_since) == (0x456789AB, 98304)


def test_the_senders_clock_runs_on() -> None:
    sender = SenderStatistics(1, 8000)
    sender.sent(0xFFFFFF00, 160, 10.0)
    sender.sent(0xFFFFFFA0, 160, 10.02)
    assert (sender.packets, sender.octets) == (2, 320)
    assert sender.timestamp_at(10.04) == 0x40
