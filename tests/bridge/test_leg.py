"""One telephone's media against a fake socket and a fake clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.leg import OVERLAP, Leg, MediaTotals
from bridge.negotiation import Address, Agreement
from bridge.ticker import Pulse
from config.settings import MediaSettings
from media.codecs import G722, PCMA, PCMU
from media.dtmf import Way, press
from media.latch import IN_SEQUENCE
from media.ports import PortAllocator
from media.rtcp import (
    Goodbye,
    ReceiverReport,
    SenderReport,
    SourceDescription,
    parse_compound,
    write_compound,
)
from media.rtp import RtpPacket, read_header

OWN = "192.0.2.250"
PHONE = ("192.0.2.1", 4000)
PHONE_RTCP = ("192.0.2.1", 4001)
PUBLIC = ("203.0.113.7", 40_000)  # the NAT that the phone's signalling comes from too
STRANGER = ("198.51.100.66", 6666)
SSRC = 0xCAFE
TICK = 0.020
SPEECH = bytes(range(160))

AGREEMENT = Agreement(
    codec=PCMU,
    payload_type=0,
    event_types=(101,),
    noise_type=13,
    packet_time=20,
    sends=True,
    receives=True,
    remote=PHONE,
    remote_rtcp=PHONE_RTCP,
    rtcp_mux=False,
)


@dataclass
class Socket:
    """Keeps what is sent."""

    host: str = OWN
    rtp: list[tuple[RtpPacket, Address]] = field(default_factory=list)
    raw: list[tuple[bytes, Address]] = field(default_factory=list)  # sent from the RTP port, not RTP
    rtcp: list[tuple[bytes, Address]] = field(default_factory=list)

    def send_rtp(self, packet: bytes, address: Address) -> None:
        if read_header(packet) is None:
            self.raw.append((packet, address))
        else:
            self.rtp.append((RtpPacket.parse(packet), address))

    def send_rtcp(self, packet: bytes, address: Address) -> None:
        self.rtcp.append((packet, address))

    @property
    def to(self) -> list[Address]:
        return [address for _, address in self.rtp]


class Phone:
    """A leg, and the far side that talks to it."""

    def __init__(self, *, opened: bool = True, **changes: Any) -> None:
        self.now = 1000.0
        self.socket = Socket()
        self.ports = PortAllocator(20_000, 20_010)
        self.keys: list[str] = []
        self.media = 0
        self.failures: list[Exception] = []
        self.sequence = 500
        self.timestamp = 7000
        self.tick = 0
        self.pulse = Pulse()
        self.leg = Leg(
            replace(AGREEMENT, **changes),
            MediaSettings(),
            self.ports,
            signalling_host=PUBLIC[0],
            cname="test@passerelle",
            clock=lambda: self.now,
            random=Random(7),
            pulse=self.pulse,
            on_key=self.keys.append,
            on_media=self._on_media,
            on_failed=self.failures.append,
        )
        self.leg.connect(self.socket, [OWN])
        if opened:
            self.leg.open()

    def _on_media(self) -> None:
        self.media += 1

    def says(
        self,
        count: int = 1,
        *,
        source: Address = PHONE,
        ssrc: int = SSRC,
        payload: bytes = SPEECH,
        payload_type: int = 0,
    ) -> None:
        for _ in range(count):
            self.packet(payload, source=source, ssrc=ssrc, payload_type=payload_type)
            self.timestamp += 160
            self.now += TICK

    def packet(
        self, payload: bytes, *, source: Address = PHONE, ssrc: int = SSRC, payload_type: int = 0
    ) -> None:
        packet = RtpPacket(payload_type, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, ssrc, payload)
        self.sequence += 1
        self.leg.rtp_received(packet.to_bytes(), source)

    def presses(
        self, key: str, *, source: Address = PHONE, ssrc: int = SSRC, payload_type: int = 101
    ) -> None:
        began = self.timestamp
        for frame in press(key):
            self.timestamp = began + frame.offset
            self.packet(frame.payload, source=source, ssrc=ssrc, payload_type=payload_type)
            self.now += TICK
        self.timestamp = began + 1600

    def hears(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.leg.send(SPEECH, self.tick)
            self.tick += 1
            self.now += TICK

    def changed(self, **changes: Any) -> None:
        self.leg.update(replace(AGREEMENT, **changes))

    @property
    def heard(self) -> bytes | None:
        """The octets of the next tick, as the mixer takes them; b"" when it takes samples."""
        plain = self.leg.receiver.take_plain()
        if plain is None:
            return None if self.leg.receiver.take_pcm() is None else b""
        return plain


# Whom we send to


def test_nothing_is_sent_before_the_ack() -> None:
    phone = Phone(opened=False)
    phone.says(10)
    phone.hears(10)
    phone.now += 60
    assert not phone.leg.report(phone.now)
    phone.leg.goodbye()
    assert not phone.socket.rtp
    assert not phone.socket.rtcp
    phone.leg.open()
    phone.hears()
    assert phone.socket.to == [PHONE]


@pytest.mark.parametrize(
    "remote",
    [("239.1.2.3", 4000), ("255.255.255.255", 4000), (OWN, 20_000), ("127.0.0.1", 4000), ("host.invalid", 9)],
)
def test_nothing_is_sent_where_nobody_or_everybody_is(remote: Address) -> None:
    phone = Phone(opened=False)
    assert phone.ports.allocate(0.0) == 20_000
    phone.changed(remote=remote, remote_rtcp=remote)
    phone.leg.open()
    phone.hears(5)
    phone.now += 60
    phone.leg.report(phone.now)
    phone.leg.goodbye()
    assert not phone.socket.rtp
    assert not phone.socket.rtcp


def test_nothing_is_sent_where_the_description_names_no_address_until_the_phone_is_heard() -> None:
    phone = Phone(remote=None, remote_rtcp=None)
    phone.hears()
    assert not phone.socket.rtp
    phone.says(IN_SEQUENCE, source=PUBLIC)
    phone.hears()
    assert phone.socket.to == [PUBLIC]


def test_answers_go_where_packets_come_from() -> None:
    phone = Phone()
    phone.hears()
    phone.says(IN_SEQUENCE, source=PUBLIC)
    phone.hears()
    assert phone.socket.to == [PHONE, PUBLIC]


def test_a_stranger_is_not_believed_while_the_phone_talks() -> None:
    phone = Phone()
    phone.says(5)
    for _ in range(20):
        phone.says(source=STRANGER, ssrc=0xBAD)
        phone.says()
    phone.hears()
    assert phone.socket.to == [PHONE]
    assert phone.leg.packets_in == 25


def test_media_described_elsewhere_is_followed() -> None:
    phone = Phone()
    phone.says(5)
    phone.changed(remote=("192.0.2.77", 5000))
    phone.hears()
    assert phone.socket.to == [("192.0.2.77", 5000)]


def test_the_old_hold_does_not_forget_where_the_phone_is() -> None:
    phone = Phone()
    phone.says(IN_SEQUENCE, source=PUBLIC)
    phone.changed(sends=False, remote=None, remote_rtcp=None)
    phone.hears()
    assert not phone.socket.rtp
    phone.changed()
    phone.hears()
    assert phone.socket.to == [PUBLIC], "behind its NAT the described address would be nobody's"
    phone.says(source=PUBLIC)
    assert phone.leg.packets_in == 2


# What is sent


@pytest.mark.parametrize("packet_time", [10, 20, 30, 40, 60])
def test_packets_have_the_length_that_was_asked_for(packet_time: int) -> None:
    phone = Phone(packet_time=packet_time)
    phone.hears(12)
    packets = [packet for packet, _ in phone.socket.rtp]
    octets = packet_time * 8
    assert len(packets) == 240 // packet_time
    assert {len(packet.payload) for packet in packets} == {octets}
    assert b"".join(packet.payload for packet in packets) == SPEECH * 12
    first = packets[0]
    assert [packet.sequence for packet in packets] == [
        (first.sequence + n) & 0xFFFF for n in range(len(packets))
    ]
    assert [packet.timestamp for packet in packets] == [
        (first.timestamp + n * octets) & 0xFFFFFFFF for n in range(len(packets))
    ]
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
    assert phone.leg.sender.packets == len(packets)
    assert phone.leg.sender.octets == 12 * 160


@pytest.mark.parametrize(("packet_time", "skipped"), [(20, 7), (60, 7), (30, 1)])
def test_timestamps_run_on_over_ticks_that_were_skipped(packet_time: int, skipped: int) -> None:
    phone = Phone(packet_time=packet_time)
    phone.hears(4)
    before = len(phone.socket.rtp)
    phone.tick += skipped
    phone.hears(6)
    packets = [packet for packet, _ in phone.socket.rtp]
    first, after = packets[0], packets[before]
    assert after.sequence == (first.sequence + before) & 0xFFFF
    assert (after.timestamp - first.timestamp) & 0xFFFFFFFF == (4 + skipped) * 160


def test_sequence_and_timestamp_wrap_around() -> None:
    phone = Phone()
    phone.tick = 2**32 // 160 + 5
    phone.leg._sequence = 0xFFFE
    phone.hears(3)
    assert [packet.sequence for packet, _ in phone.socket.rtp] == [0xFFFF, 0, 1]


@pytest.mark.parametrize("changes", [{"sends": False}, {"sends": False, "receives": False}])
def test_on_hold_nothing_is_sent_and_the_first_packet_afterwards_is_marked(changes: dict[str, bool]) -> None:
    phone = Phone()
    phone.hears(3)
    phone.changed(**changes)
    assert not phone.leg.speaks
    phone.hears(5)
    assert len(phone.socket.rtp) == 3
    phone.changed()
    assert phone.leg.speaks
    phone.hears(2)
    packets = [packet for packet, _ in phone.socket.rtp]
    assert [packet.marker for packet in packets] == [True, False, False, True, False]
    assert packets[3].sequence == (packets[2].sequence + 1) & 0xFFFF
    assert (packets[3].timestamp - packets[2].timestamp) & 0xFFFFFFFF == 6 * 160


def test_who_only_listens_does_not_speak_but_is_spoken_to() -> None:
    phone = Phone(receives=False)
    assert not phone.leg.speaks
    phone.hears(2)
    assert len(phone.socket.rtp) == 2


# What is received


def test_speech_comes_out_and_the_first_of_it_is_told_once() -> None:
    phone = Phone(opened=False)
    phone.says(20)
    assert phone.media == 1
    assert phone.leg.packets_in == 20
    assert any(phone.heard is not None for _ in range(3))
    assert phone.leg.lost == 0


def test_unknown_payload_types_and_empty_packets_are_ignored() -> None:
    phone = Phone()
    phone.says(5, payload_type=8)
    phone.says(5, payload_type=34)
    phone.says(5, payload=b"")
    assert phone.leg.packets_in == 0
    assert phone.media == 0
    phone.hears()
    assert phone.socket.to == [PHONE]


def test_comfort_noise_is_neither_loss_nor_speech() -> None:
    phone = Phone()
    phone.says(5)
    phone.says(1, payload_type=13, payload=b"\x40")
    phone.timestamp += 8000
    phone.now += 1.0
    phone.says(5)
    assert phone.leg.lost == 0
    assert phone.leg.packets_in == 11


def test_lost_packets_are_counted_also_over_a_change_of_the_source() -> None:
    phone = Phone()
    phone.says(5)
    phone.sequence += 3
    phone.says(5)
    assert phone.leg.lost == 3
    phone.now += 1.0
    phone.says(5, ssrc=0xBEEF)
    phone.sequence += 2
    phone.says(5, ssrc=0xBEEF)
    assert phone.leg.lost == 5


def test_the_count_of_lost_packets_never_falls() -> None:
    phone = Phone()
    phone.says(5)
    phone.sequence += 3
    phone.says(5)
    assert phone.leg.lost == 3
    phone.sequence -= 7
    phone.says(2)  # late
    assert phone.leg.lost == 3
    phone.sequence += 20_000  # begun afresh under the same SSRC
    phone.says(5)
    assert phone.leg.lost == 3
    phone.sequence += 2
    phone.says(5)
    assert phone.leg.lost == 5


def test_a_new_ssrc_is_heard_within_100_ms() -> None:
    phone = Phone()
    phone.says(50)
    before = phone.leg.packets_in
    phone.sequence, phone.timestamp = 9, 123_456_789
    phone.says(5, ssrc=0xBEEF)
    assert phone.leg.packets_in >= before + 1
    phone.says(20, ssrc=0xBEEF)
    assert phone.leg.packets_in >= before + 21
    for _ in range(5):
        taken = phone.heard
    assert taken is not None


def test_a_long_call_may_change_its_ssrc_as_often_as_it_likes() -> None:
    phone = Phone()
    for ssrc in range(1, 101):
        phone.says(2, ssrc=ssrc)
        phone.now += 1.0
    assert phone.leg.packets_in == 200


def test_of_two_interleaved_streams_the_one_that_was_there_stays() -> None:
    phone = Phone()
    phone.says(5)
    for _ in range(50):
        phone.packet(SPEECH, ssrc=0xBAD)
        phone.sequence -= 1
        phone.says()
    assert phone.leg.packets_in == 55
    phone.now += OVERLAP
    phone.says(ssrc=0xBEEF)
    assert phone.leg.packets_in == 56


# Keys


def test_a_press_counts_once_by_its_first_packet() -> None:
    phone = Phone()
    phone.says(10)
    phone.presses("5")
    phone.says(10)
    phone.presses("5")
    phone.presses("#")
    assert phone.keys == ["5", "5", "#"]
    assert phone.leg.keys[Way.RTP] == 3
    assert phone.leg.lost == 0


def test_a_press_told_by_rtp_and_info_is_one() -> None:
    phone = Phone()
    phone.says(10)
    phone.presses("1")
    phone.leg.pressed("1", Way.INFO, phone.now)
    phone.leg.pressed("2", Way.INFO, phone.now)
    phone.presses("2")
    phone.now += 2.0
    phone.leg.pressed("2", Way.INFO, phone.now)
    assert phone.keys == ["1", "2", "2"]
    assert (phone.leg.keys[Way.RTP], phone.leg.keys[Way.INFO]) == (1, 2)


def test_keys_come_under_either_number_of_an_answer_that_has_its_own() -> None:
    phone = Phone(event_types=(101, 97))
    phone.says(5)
    phone.presses("1", payload_type=101)
    phone.presses("2", payload_type=97)
    assert phone.keys == ["1", "2"]


def test_keys_come_under_the_number_that_was_agreed_and_no_other() -> None:
    phone = Phone(event_types=(96,))
    phone.says(5)
    phone.presses("1", payload_type=101)
    phone.presses("2", payload_type=96)
    assert phone.keys == ["2"]


def test_keys_under_an_ssrc_of_their_own_are_heard_and_do_not_disturb_speech() -> None:
    phone = Phone()
    phone.says(10)
    for key in "1234567890" * 3:
        at, began = phone.sequence, phone.timestamp
        phone.sequence = 30_000 + ord(key)
        phone.presses(key, ssrc=0xD1A1)
        phone.sequence, phone.timestamp = at, began + 160 * 7
        phone.says(10)
    assert phone.keys == list("1234567890" * 3)
    assert phone.leg.packets_in >= 310


def test_a_stranger_cannot_press_keys() -> None:
    phone = Phone()
    phone.says(10)
    phone.presses("1", source=STRANGER)
    assert phone.keys == []


def test_a_key_may_be_the_first_that_is_heard() -> None:
    phone = Phone(opened=False)
    phone.presses("7")
    assert phone.keys == ["7"]
    assert phone.media == 1


# RTCP


def reports(phone: Phone, seconds: float = 10.0) -> list[Any]:
    """The packets of the first report that is due while the phone talks and hears."""
    for _ in range(round(seconds / TICK)):
        phone.says()
        phone.now -= TICK
        phone.hears()
        if phone.leg.report(phone.now):
            packet, address = phone.socket.rtcp[-1]
            assert address == PHONE_RTCP
            return parse_compound(packet)
    raise AssertionError("no report in time")


def test_a_sender_report_says_what_was_sent_and_heard() -> None:
    phone = Phone()
    phone.says(10)
    phone.sequence += 2
    report, description = reports(phone)
    assert isinstance(report, SenderReport)
    assert report.packets == len(phone.socket.rtp)
    assert report.octets == 160 * report.packets
    assert report.ssrc == phone.socket.rtp[0][0].ssrc
    last = phone.socket.rtp[-1][0]
    assert report.rtp_timestamp == last.timestamp
    [block] = report.reports
    assert (block.ssrc, block.lost) == (SSRC, 2)
    assert isinstance(description, SourceDescription)
    assert description.chunks[0][1] == ((1, "test@passerelle"),)


def test_on_hold_the_report_is_a_receivers() -> None:
    phone = Phone(sends=False)
    assert isinstance(reports(phone)[0], ReceiverReport)


def test_the_clock_of_a_report_runs_on_during_hold() -> None:
    phone = Phone()
    phone.hears(50)
    sent_at, last = phone.now - TICK, phone.socket.rtp[-1][0].timestamp
    assert phone.leg.report(sent_at + 4.0)  # due already: takes this as the moment of the last packet
    sent_at += 4.0
    phone.changed(sends=False)
    phone.hears()
    phone.now = sent_at + 8.0
    assert phone.leg.report(phone.now)
    report = parse_compound(phone.socket.rtcp[-1][0])[0]
    assert isinstance(report, SenderReport)
    assert (report.rtp_timestamp - last) & 0xFFFFFFFF == 8 * 8000


def test_reports_are_a_few_seconds_apart() -> None:
    phone = Phone()
    count = 0
    for _ in range(60):
        phone.hears(50)
        count += phone.leg.report(phone.now)
    assert 8 <= count <= 30


def test_goodbye_ends_with_bye() -> None:
    phone = Phone()
    phone.hears(5)
    phone.leg.goodbye()
    packets = parse_compound(phone.socket.rtcp[-1][0])
    assert packets[-1] == Goodbye((phone.socket.rtp[0][0].ssrc,))


def test_rtcp_shares_the_port_when_that_was_agreed() -> None:
    phone = Phone(rtcp_mux=True)
    phone.says(5)
    phone.hears(5)
    phone.now += 10.0
    assert phone.leg.report(phone.now)
    assert not phone.socket.rtcp
    [(_, address)] = phone.socket.raw
    assert address == PHONE
    phone.leg.rtp_received(write_compound([ReceiverReport(SSRC)]), PHONE)
    assert phone.leg.heard_at == phone.now


def test_rtcp_on_the_rtp_port_is_ignored_when_that_was_not_agreed() -> None:
    phone = Phone()
    phone.says(5)
    heard_at = phone.leg.heard_at
    phone.now += 10.0
    phone.leg.rtp_received(write_compound([ReceiverReport(SSRC)]), PHONE)
    assert phone.leg.heard_at == heard_at


def test_rtcp_goes_beside_the_rtp_when_that_was_learnt() -> None:
    phone = Phone()
    phone.says(5, source=PUBLIC)
    phone.now += 10.0
    assert phone.leg.report(phone.now)
    assert phone.socket.rtcp[-1][1] == (PUBLIC[0], PUBLIC[1] + 1)


def test_a_forged_address_for_rtcp_is_not_sent_to() -> None:
    phone = Phone(remote_rtcp=("239.1.2.3", 5000))
    phone.now += 10.0
    assert not phone.leg.report(phone.now)
    phone.leg.goodbye()
    assert not phone.socket.rtcp


def test_rtcp_is_believed_from_the_right_host_only() -> None:
    phone = Phone()
    phone.says(5)
    heard_at = phone.leg.heard_at
    phone.now += 10.0
    report = write_compound([ReceiverReport(SSRC)])
    phone.leg.rtcp_received(report, STRANGER)
    phone.leg.rtcp_received(b"\x80\xc9\x00\xff", PHONE_RTCP)
    assert phone.leg.heard_at == heard_at
    phone.leg.rtcp_received(report, (PHONE[0], 50_000))
    assert phone.leg.heard_at == phone.now


# Silence


def test_silence_counts_from_the_ack_and_rtcp_is_life() -> None:
    phone = Phone(opened=False)
    phone.now += 100.0
    assert phone.leg.silent_for(phone.now) == 0.0
    phone.leg.open()
    phone.now += 10.0
    assert phone.leg.silent_for(phone.now) == 10.0
    phone.leg.rtcp_received(write_compound([ReceiverReport(SSRC)]), PHONE_RTCP)
    assert phone.leg.silent_for(phone.now) == 0.0
    phone.now += 31.0
    assert phone.leg.silent_for(phone.now) > MediaSettings().timeout_seconds


@pytest.mark.parametrize(
    "hold",
    [
        {"sends": False},  # sendonly: most phones then send nothing
        {"sends": False, "receives": False},
        {"sends": False, "remote": None},
    ],
)
def test_silence_on_hold_is_nothing_and_counts_anew_afterwards(hold: dict[str, Any]) -> None:
    phone = Phone()
    phone.says(5)
    phone.changed(**hold)
    phone.now += 3600.0
    assert phone.leg.silent_for(phone.now) == 0.0
    phone.changed()
    assert phone.leg.silent_for(phone.now) == 0.0
    phone.now += 5.0
    assert phone.leg.silent_for(phone.now) == 5.0


# Changes, counters and what a stranger can do


def test_another_codec_is_sent_and_heard_at_once() -> None:
    phone = Phone()
    phone.says(20)
    phone.hears(3)
    before = phone.leg.receiver
    phone.changed(codec=G722, payload_type=9)
    assert phone.leg.codec is G722
    assert phone.leg.receiver is not before
    phone.says(5, payload_type=0)
    phone.hears(1)
    assert phone.socket.rtp[-1][0].payload_type == 9
    count = phone.leg.packets_in
    phone.says(10, payload_type=9)
    assert phone.leg.packets_in == count + 10
    assert phone.leg.receiver.take_plain() is None


def test_what_was_late_is_counted_over_a_change_of_codec() -> None:
    phone = Phone()
    phone.says(10)
    missing, at = phone.sequence, phone.timestamp
    phone.sequence, phone.timestamp = missing + 1, at + 160
    phone.says(5)
    heard = [phone.heard for _ in range(30)]
    assert any(heard)
    phone.sequence, phone.timestamp = missing, at
    phone.says()
    assert phone.leg.late == 1
    phone.changed(codec=PCMA, payload_type=8)
    assert phone.leg.late == 1


def test_totals_are_those_of_all_legs() -> None:
    totals = MediaTotals()
    for _ in range(2):
        phone = Phone()
        phone.says(10)
        phone.sequence += 1
        phone.says(10)
        phone.presses("1")
        phone.hears(5)
        totals.add(phone.leg)
    copied = totals.copy()
    copied.keys[Way.RTP] += 100
    assert (totals.packets_in, totals.packets_out, totals.lost) == (54, 10, 2)
    assert totals.keys[Way.RTP] == 2


def test_what_fails_is_told_and_not_raised() -> None:
    phone = Phone()
    phone.leg.connect(phone.socket, [OWN])

    def raises(_: str) -> None:
        raise RuntimeError("bug")

    phone.leg._on_key = raises
    phone.says(5)
    phone.presses("1")
    phone.says(5)
    assert [str(error) for error in phone.failures] == ["bug"]
    assert phone.leg.packets_in == 17


DATAGRAMS = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda first, second, rest: bytes((first, second)) + rest,
        st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0x8F, 0x81]),
        st.sampled_from([0, 0x80, 13, 101, 0xE5, 200, 201, 202, 203, 205]),
        st.binary(max_size=400),
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(DATAGRAMS, st.sampled_from([PHONE, PUBLIC, STRANGER]), st.booleans()), max_size=25),
    st.booleans(),
    st.sampled_from([PCMU, G722]),
)
@example([(b"\x80\x65" + bytes(10), PHONE, False)] * 5, False, PCMU)
def test_nothing_that_arrives_raises(
    datagrams: list[tuple[bytes, Address, bool]], mux: bool, codec: Any
) -> None:
    phone = Phone(rtcp_mux=mux, codec=codec)
    for data, source, on_rtcp in datagrams:
        (phone.leg.rtcp_received if on_rtcp else phone.leg.rtp_received)(data, source)
        phone.now += TICK
        phone.hears()
        _ = phone.heard
    phone.now += 10.0
    phone.leg.report(phone.now)
    phone.leg.goodbye()
    assert phone.failures == []


def test_the_network_is_not_blamed_for_a_stall_of_ours() -> None:
    phone, other = Phone(), Phone()
    for each in (phone, other):
        for _ in range(50):
            each.says()
            each.leg.receiver.take_plain()
        each.now += 0.240  # the process was held up, and then reads twelve packets at once
        each.pulse.held = each is phone
        for _ in range(12):
            each.packet(SPEECH)
            each.timestamp += 160
        each.pulse.held = False
    assert phone.leg._audio.jitter.target < 0.040
    assert other.leg._audio.jitter.target > 0.080
