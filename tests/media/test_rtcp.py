"""RTCP on the wire, and one side of a stream that reports."""

import struct
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.rtcp import (
    ApplicationDefined,
    Feedback,
    Goodbye,
    OtherPacket,
    Packet,
    ReceiverReport,
    RtcpError,
    RtcpSession,
    SenderReport,
    SourceDescription,
    parse_compound,
    write_compound,
)
from media.rtp import ReceptionStatistics, ReportBlock, SenderStatistics

words = st.integers(0, 0xFFFFFFFF)
texts = st.text(max_size=40)
octets = st.binary(max_size=5).map(lambda data: data * 4)
blocks = st.builds(
    ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=words,
    jitter=words,
    last_sender_report=words,
    delay_since=words,
)
reports = st.lists(blocks, max_size=3).map(tuple)
items = st.lists(st.tuples(st.integers(1, 8), texts), max_size=3).map(tuple)
packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(SenderReport, words, st.integers(0, 2**64 - 1), words, words, words, reports),
    st.builds(ReceiverReport, words, reports),
    st.builds(SourceDescription, st.lists(st.tuples(words, items), max_size=3).map(tuple)),
    st.builds(Goodbye, st.lists(words, max_size=3).map(tuple), texts),
    st.builds(ApplicationDefined, st.integers(0, 31), words, st.binary(min_size=4, max_size=4), octets),
    st.builds(Feedback, st.sampled_from([205, 206]), st.integers(0, 31), words, words, octets),
    st.builds(OtherPacket, st.just(207), st.integers(0, 31), octets),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(packets, min_size=1, max_size=4))
def test_compounds_survive_the_wire(compound: list[Packet]) -> None:
    data = write_compound(compound)
    assert len(data) % 4 == 0
    assert parse_compound(data) == compound


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60)
    | st.tuples(st.integers(0x80, 0xBF), st.integers(200, 207), st.binary(max_size=60)).map(
        lambda parts: bytes(parts[:2]) + struct.pack("!H", len(parts[2]) // 4) + parts[2]
    )
)
def test_rubbish_is_refused_or_read(data: bytes) -> None:
    with suppress(RtcpError):
        assert parse_compound(data)


def test_a_captured_compound() -> None:
    data = bytes.fromhex(
        "81c8000c 12345678 e4d50000 80000000 0000fa00 00000064 00003e80"  # SR, one report block
        "87654321 40fffffe 00010005 00000010 d5008000 00010000"
        "81ca0004 12345678 0107 6140622e6f7267 00 0000"  # SDES, its items ended by NULs
        "a1cb0005 12345678 03 627965 00000000 00000000 00000008"  # BYE with a reason and padding
    )
    assert parse_compound(data) == [
        SenderReport(
            ssrc=0x12345678,
            ntp_time=0xE4D5000080000000,
            rtp_timestamp=64000,
            packets=100,
            octets=16000,
            reports=(ReportBlock(0x87654321, 64, -2, 65541, 16, 0xD5008000, 65536),),
        ),
        SourceDescription(((0x12345678, ((1, "a@b.org"),)),)),
        Goodbye((0x12345678,), "bye"),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", "4 octets"),
        ("80c9", "4 octets"),
        ("40c90001 00000001", "version 2"),
        ("80000001 00000001", "packet type"),
        ("80c90002 00000001", "12 octets, got 8"),
        ("80c90000", "an RR"),
        ("81c90001 00000001", "1 report blocks"),
        ("80c80001 00000001", "an SR"),
        ("81ca0000", "1 SDES chunks"),
        ("81ca0002 00000001 01ff6162", "SDES item"),
        ("82cb0001 00000001", "2 sources"),
        ("81cb0002 00000001 09616263", "a reason"),
        ("80cc0001 00000001", "an APP"),
        ("81ce0001 00000001", "feedback"),
        ("a0c90001 00000000", "padding"),
        ("a0c90001 000000ff", "padding"),
        ("80c90001 00000001 ffff", "4 octets"),
    ],
)
def test_what_is_refused(data: str, expected: str) -> None:
    with pytest.raises(RtcpError, match=expected):
        parse_compound(bytes.fromhex(data))


def test_what_cannot_be_written() -> None:
    with pytest.raises(RtcpError, match="31 parts"):
        write_compound([Goodbye(tuple(range(32)))])
    with pytest.raises(RtcpError, match="255 octets"):
        write_compound([Goodbye((1,), "x" * 256)])


# -- the session -------------------------------------------------------------------------------------------


def session(ssrc: int, *, now: float = 0.0, random: float = 0.5) -> RtcpSession:
    return RtcpSession(SenderStatistics(ssrc, 8000), f"{ssrc}@test", now=now, random=lambda: random)


def send(sender: RtcpSession, receiver: ReceptionStatistics | None, start: int, count: int) -> None:
    for number in range(start, start + count):
        sender.sender.sent(number * 160, 160, number * 0.02)
        if receiver is not None:
            receiver.received(number, number * 160, number * 0.02)


@pytest.mark.parametrize(("random", "first", "later"), [(0.0, 1.0260, 2.0521), (0.999999, 3.0781, 6.1562)])
def test_reports_are_due_at_the_randomised_interval(random: float, first: float, later: float) -> None:
    one = session(1, now=100.0, random=random)
    assert one.deadline == pytest.approx(100.0 + first, abs=1e-3)
    one.report(200.0)
    assert one.deadline == pytest.approx(200.0 + later, abs=1e-3)


def test_who_sends_reports_as_sender_until_two_intervals_of_silence() -> None:
    one = session(1)
    kinds = [type(parse_compound(one.report(0.0))[0])]
    send(one, None, 0, 10)
    kinds += [type(parse_compound(one.report(now))[0]) for now in (5.0, 10.0, 15.0)]
    assert kinds == [ReceiverReport, SenderReport, SenderReport, ReceiverReport]


def test_a_report_names_the_clock_and_the_cname() -> None:
    one = RtcpSession(SenderStatistics(1, 8000), "a@b", now=0.0, random=lambda: 0.5, epoch=1_700_000_000.0)
    send(one, None, 0, 50)
    report, description = parse_compound(one.report(2.5))
    assert isinstance(report, SenderReport)
    assert report.ntp_time == round((1_700_000_002.5 + 2_208_988_800) * 2**32)
    assert report.rtp_timestamp == 20000  # 2.5 s at 8 kHz
    assert (report.packets, report.octets) == (50, 8000)
    assert description == SourceDescription(((1, ((1, "a@b"),)),))


def test_the_round_trip_and_what_the_other_side_hears() -> None:
    near, far = session(1), session(2)
    far.reception = ReceptionStatistics(1, 8000)
    send(near, far.reception, 0, 50)
    far.receive(near.report(1.0), 1.1)
    assert near.round_trip is None
    near.receive(far.report(3.0), 3.2)
    assert near.round_trip == pytest.approx(0.3, abs=1e-3)
    assert near.heard == ReportBlock(1, 0, 0, 49, 0, near.heard.last_sender_report, 124518)  # type: ignore[union-attr]


def test_reports_on_others_and_impossible_round_trips_teach_nothing() -> None:
    near = session(1)
    block = ReportBlock(1, 0, 0, 1, 0, last_sender_report=1, delay_since=0)
    near.receive(write_compound([ReceiverReport(2, (replace(block, ssrc=9),))]), 1.0)
    assert near.heard is None
    near.receive(write_compound([ReceiverReport(2, (block,))]), 30_000.0)
    assert near.heard == block
    assert near.round_trip is None


def test_the_sr_of_another_source_is_not_echoed() -> None:
    far = session(2)
    far.reception = ReceptionStatistics(1, 8000)
    stranger = session(3)
    send(stranger, far.reception, 0, 3)
    far.receive(stranger.report(1.0), 1.0)
    assert far.reception.report_block(2.0).last_sender_report == 0


def test_garbage_changes_nothing() -> None:
    one = session(1)
    with pytest.raises(RtcpError):
        one.receive(b"\x80\xc9\x00\x09", 1.0)
    assert (one.heard, one.round_trip) == (None, None)


def test_goodbye_is_a_whole_compound() -> None:
    one = session(1)
    report, description, goodbye = parse_compound(one.goodbye(1.0, "left"))
    assert isinstance(report, ReceiverReport)
    assert isinstance(description, SourceDescription)
    assert goodbye == Goodbye((1,), "left")
