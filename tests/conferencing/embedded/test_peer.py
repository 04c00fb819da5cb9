"""One peer: which packet is whose, what the publisher is told, what the subscriber says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from conferencing.embedded.feedback import PSFB, RTPFB, read_nack, write_keyframe_request, write_nack
from media.rtcp import Feedback, ReceiverReport, SenderReport
from media.rtp import ReportBlock

from .offers import VP8, VP8_RTX, offer
from .room import Browser, Room, vp8


def watched() -> tuple[Room, Browser, Browser, str]:
    """Ben sees Anna; the line he sees her on."""
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    anna.film(1)
    ben.want("anna")
    anna.film(2, keyframe=True)
    return room, anna, ben, ben.mid_of("anna", "camera")


def test_a_repaired_packet_takes_its_place() -> None:
    room, anna, ben, mid = watched()
    anna.film(3, sequence=65_003)
    assert [list_of(packet) for packet in anna.nacks] == [[65_002]]
    anna.repeat(65_002, vp8(9), rtx_sequence=5, timestamp=7)
    anna.repeat(65_002, vp8(9), rtx_sequence=6, timestamp=7)
    packets = ben.got(mid)
    assert [packet.sequence - packets[0].sequence for packet in packets] == [0, 2, 1]
    room.wait(0.5)
    assert len(anna.nacks) == 1


def list_of(nack: Feedback) -> list[int]:
    return list(read_nack(nack.control))


def test_what_ben_misses_he_gets_as_rtx() -> None:
    room, anna, ben, mid = watched()
    room.wait(0.1)
    anna.film(3)
    missed = ben.got(mid)[1]
    ben.tell(write_nack(1, ben.slot_ssrc(mid), [missed.sequence]))
    (repair,) = [packet for packet in ben.transport.rtp if packet.ssrc == ben.rtx_ssrc(mid)]
    assert repair.payload_type == VP8_RTX
    assert repair.payload == missed.sequence.to_bytes(2, "big") + missed.payload


def test_nacks_without_end_are_not_served_without_end() -> None:
    room, anna, ben, mid = watched()
    room.wait(0.1)
    for picture in range(3, 300):
        anna.film(picture, size=1100)
    room.wait(1.0)
    for packet in ben.got(mid):
        ben.tell(write_nack(1, ben.slot_ssrc(mid), [packet.sequence]))
    room.wait(0.2)
    repairs = [packet for packet in ben.transport.rtp if packet.ssrc == ben.rtx_ssrc(mid)]
    assert 0 < len(repairs) < 100


def test_a_key_frame_wanted_is_asked_for_but_not_in_a_flood() -> None:
    room, anna, ben, mid = watched()
    room.wait(0.6)
    before = anna.keyframes_asked
    for _ in range(50):
        ben.tell(write_keyframe_request(1, ben.slot_ssrc(mid)))
        fir = Feedback(PSFB, 4, 1, 0, ben.slot_ssrc(mid).to_bytes(4, "big") + b"\x01\0\0\0")
        ben.tell(fir)
    assert anna.keyframes_asked == before + 1


def test_layers_are_told_apart_by_their_rids() -> None:
    room = Room()
    anna, ben = room.browser("anna", offer(simulcast=True)), room.browser("ben")
    ben.want("anna", height=180)
    for picture in range(100):
        for rid in "qhf":
            anna.film(picture, rid=rid, keyframe=picture % 10 == 0, size=100)
        room.wait(0.04)
    mid = ben.mid_of("anna", "camera")
    layers = ben.peer.stats().slots
    assert [(slot.mid, slot.layer) for slot in layers] == [(mid, "q")]
    count = len(ben.got(mid))
    ben.want("anna", height=720)
    for picture in range(100, 150):
        for rid in "qhf":
            anna.film(picture, rid=rid, keyframe=picture % 10 == 0, size=100)
        room.wait(0.04)
    assert ben.peer.stats().slots[0].height == 480  # what the key frame says
    assert 45 <= len(ben.got(mid)) - count <= 55
    sequences = [packet.sequence for packet in ben.got(mid)]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_remb_lowers_the_layer_at_once_and_time_brings_it_back() -> None:
    room = Room()
    anna, ben = room.browser("anna", offer(simulcast=True)), room.browser("ben")

    def film(seconds: float) -> None:
        for picture in range(round(seconds * 25)):
            for rid, size in (("q", 500), ("h", 2000), ("f", 6000)):
                anna.film(picture, rid=rid, keyframe=picture % 5 == 0, size=size, tl0=picture)
            room.wait(0.04)
            if picture % 25 == 0:
                ssrc = ben.slot_ssrc(ben.mid_of("anna", "camera"))
                ben.tell(ReceiverReport(1, (ReportBlock(ssrc, 0, 0, 0, 0),)))

    def layer() -> str:
        return ben.peer.stats().slots[0].layer or ""

    anna.film(0, rid="q")
    ben.want("anna", height=720)
    film(4)
    top = ben.peer.stats().estimate
    assert layer() in ("h", "f")
    for rate in (2_000_000, 150_000):
        ben.tell(Feedback(PSFB, 15, 1, 0, b"REMB" + remb(rate)))
    film(0.5)
    assert layer() == "q"
    film(10)
    assert layer() in ("h", "f")
    assert ben.peer.stats().estimate > 150_000
    assert top


def remb(rate: int) -> bytes:
    exponent = max(0, rate.bit_length() - 18)
    return (exponent << 18 | rate >> exponent).to_bytes(4, "big")


def test_the_publisher_hears_when_its_packets_came() -> None:
    room, anna, _, _ = watched()
    for picture in range(3, 103):
        anna.film(picture)
        anna.speak()
        room.wait(0.02)
    room.wait(0.3)
    reports = anna.asked(RTPFB, 15)
    assert 20 <= len(reports) <= 40  # in 2.3 s; at most every 50 ms
    counts = [int.from_bytes(report.control[2:4], "big") for report in reports]
    assert sum(counts) == 202


def test_few_arrivals_wait_for_more() -> None:
    room = Room()
    anna = room.browser("anna")
    for _ in range(100):
        anna.speak()
        room.wait(0.02)
    room.wait(0.3)
    reports = anna.asked(RTPFB, 15)
    assert 7 <= len(reports) <= 13
    assert sum(int.from_bytes(report.control[2:4], "big") for report in reports) == 100


def test_both_sides_get_reports() -> None:
    room, anna, ben, mid = watched()
    ssrc = anna.camera_ssrc()
    for picture in range(3, 60):
        anna.film(picture)
        room.wait(0.04)
        if picture == 20:
            now = room.clock.now
            anna.tell(SenderReport(ssrc, int(now * (1 << 32)), round(now * 90_000), 1, 1))
    blocks = [
        block
        for packet in anna.transport.rtcp
        if isinstance(packet, ReceiverReport)
        for block in packet.reports
    ]
    assert blocks[-1].ssrc == ssrc
    assert blocks[-1].last_sender_report
    reports = [
        packet
        for packet in ben.transport.rtcp
        if isinstance(packet, SenderReport) and packet.ssrc == ben.slot_ssrc(mid)
    ]
    assert reports[-1].packets >= 30
    last = ben.got(mid)[-1]
    assert abs((reports[-1].rtp_timestamp - last.timestamp + (1 << 31)) % (1 << 32) - (1 << 31)) < 90_000
    echo = ReportBlock(ben.slot_ssrc(mid), 0, 0, 0, 0, reports[-1].ntp_time >> 16 & 0xFFFFFFFF, 0)
    room.clock.now += 0.05
    ben.tell(ReceiverReport(1, (echo,)))
    assert 0.04 < ben.peer.round_trip < 1.5


def test_a_thousand_ssrcs_make_no_thousand_streams() -> None:
    room = Room()
    anna = room.browser("anna")
    for ssrc in range(1, 1001):
        anna.film(1, ssrc=ssrc)
    assert len(anna.peer.publisher.streams()) == 1
    assert len(anna.peer.publisher.bindings) == 1


def test_an_ssrc_that_was_replaced_does_not_come_back() -> None:
    _, anna, ben, mid = watched()
    old = anna.camera_ssrc()
    anna.film(50, ssrc=77)
    anna.film(51, ssrc=77, keyframe=True)
    count = len(ben.got(mid))
    anna.film(52, ssrc=old)
    assert len(ben.got(mid)) == count
    assert anna.peer.unbound == 1


def test_packets_that_belong_nowhere_are_counted() -> None:
    room, anna, ben, mid = watched()
    count = len(ben.got(mid))
    anna.film(5, mid=4)  # a slot, where nobody publishes
    anna.send(b"x", mid=1, ssrc=anna.camera_ssrc(), payload_type=63, timestamp=0)
    anna.peer.rtp_received(b"\x80", room.clock.now)
    assert len(ben.got(mid)) == count
    assert (anna.peer.unbound, anna.peer.malformed) == (1, 2)


def test_a_stream_the_offer_names_needs_no_mid() -> None:
    room = Room()
    named = "a=ssrc-group:FID 1001 1002\r\na=ssrc:1001 cname:x\r\na=ssrc:1002 cname:x\r\n"
    anna = room.browser("anna", offer(lines=2, extensions=False) + named)
    ben = room.browser("ben")
    anna.film(1, ssrc=1001)
    ben.want("anna")
    anna.film(2, ssrc=1001, keyframe=True)
    assert len(ben.got(ben.mid_of("anna", "camera"))) == 1


def test_a_screen_needs_not_be_asked_for() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    anna.film(1, mid=2)
    room.wait(0.3)
    anna.film(2, mid=2, keyframe=True)
    mid = ben.mid_of("anna", "screen")
    assert mid == "24"
    assert len(ben.got(mid)) == 1
    room.wait(2.0)
    assert ben.slot_maps[mid].participant_id is None


def test_only_nine_are_shown() -> None:
    room = Room()
    names = [f"guest{number}" for number in range(12)]
    guests = [room.browser(name) for name in names]
    for guest in guests:
        guest.film(1)
    viewer = room.browser("viewer")
    viewer.want(*names, "nobody")
    shown = [slot.participant_id for slot in viewer.slot_maps.values() if slot.source.value == "camera"]
    assert shown == names[:9]
    viewer.want(*names[3:])
    kept = {
        slot.participant_id: slot.mid for slot in viewer.slot_maps.values() if slot.source.value == "camera"
    }
    assert set(kept) == set(names[3:])
    assert kept["guest3"] == str(4 + 2 * 3)


def test_who_leaves_is_gone_from_the_slots() -> None:
    room, anna, ben, mid = watched()
    room.plane.leave("anna")
    assert anna.transport.closed
    assert ben.slot_maps[mid].participant_id is None
    room.wait(0.5)
    room.plane.leave("anna")


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=12, max_size=60), st.booleans())
def test_whatever_a_peer_sends_nothing_raises(data: bytes, extended: bool) -> None:
    room = Room()
    anna = room.browser("anna", offer(lines=3))
    ssrc = anna.camera_ssrc()
    anna.film(1)
    packet = bytearray(data)
    packet[0] = 0x90 if extended else 0x80
    packet[1] = VP8
    packet[8:12] = ssrc.to_bytes(4, "big")
    if extended and len(packet) >= 16:
        packet[12:16] = b"\xbe\xde" + (len(packet) // 8).to_bytes(2, "big")
    anna.peer.rtp_received(bytes(packet), room.clock.now)
    anna.peer.rtcp_received(data, room.clock.now)
    anna.peer.rtcp_received(b"\x8f\xce\x00" + bytes((len(data) // 4,)) + data, room.clock.now)
    room.wait(0.1)
