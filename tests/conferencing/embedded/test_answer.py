"""Answers, line by line."""

from __future__ import annotations

from aiortc.sdp import SessionDescription as AiortcDescription

from conferencing.embedded.codecs import H264, VP8
from media.sdp import MediaDescription, SessionDescription

from .offers import FINGERPRINT, offer
from .room import Browser, Room


def lines_of(browser: Browser) -> dict[str, MediaDescription]:
    return {media.get("mid") or "": media for media in browser.answer.medias}


def test_one_transport_for_all() -> None:
    browser = Room().browser("anna")
    assert browser.answer.get("ice-lite") == ""
    assert browser.answer.get("group") == "BUNDLE " + " ".join(map(str, range(26)))
    for media in browser.answer.medias:
        assert media.get("setup") == "passive"
        assert media.get("ice-ufrag") == "ours"
        assert media.get("fingerprint") == "sha-256 00"
        assert media.rtcp_mux
        assert media.get("rtcp-rsize") == ""
    candidates = [media.get_all("candidate") for media in browser.answer.medias]
    assert candidates[0]
    assert not any(candidates[1:])
    remote = browser.transport.remote
    assert remote is not None
    assert remote.ufrag == "abcd"
    assert FINGERPRINT


def test_opus_alone_and_quiet_when_there_is_silence() -> None:
    lines = lines_of(Room().browser("anna"))
    for mid in ("0", "3", "21"):
        assert lines[mid].formats == ["111"]
        assert "usedtx=1" in lines[mid].fmtp[111]
        assert "useinbandfec=1" in lines[mid].fmtp[111]
    assert lines["0"].direction == "recvonly"
    assert lines["3"].direction == "sendonly"


def test_a_camera_is_asked_for_what_all_decode_vp8_first() -> None:
    room = Room()
    anna = room.browser("anna")
    assert lines_of(anna)["1"].formats == ["96", "97", "103", "104", "98", "99", "45", "46"]
    ben = room.browser("ben", offer(codecs=("H264", "VP8")))
    assert lines_of(ben)["1"].formats == ["96", "97", "103", "104"]
    assert ben.answer.medias[1].get_all("rtcp-fb") == [
        f"{number} {name}" for number in (96, 103) for name in ("nack", "nack pli", "ccm fir", "transport-cc")
    ]
    carl = room.browser("carl", offer(codecs=("VP9",)))
    assert lines_of(carl)["1"].direction == "inactive"
    assert room.plane.publishable() == []


def test_who_publishes_what_a_newcomer_cannot_decode_should_offer_anew() -> None:
    room = Room()
    anna = room.browser("anna", offer(codecs=("H264",)))
    anna.send(b"\x65" + bytes(50), mid=1, ssrc=9, payload_type=103, timestamp=0)
    assert not anna.peer.offer_wanted
    assert room.plane.publishable() == [H264]
    room.browser("ben", offer(codecs=("VP8",)))
    assert anna.peer.offer_wanted
    anna.peer.offer(offer(codecs=("H264",)))
    assert not anna.peer.offer_wanted


def test_slots_are_named_and_paired() -> None:
    lines = lines_of(Room().browser("anna"))
    seen: set[str] = set()
    for mid in range(3, 26):
        media = lines[str(mid)]
        ssrcs = {value.split()[0] for value in media.get_all("ssrc")}
        assert len(ssrcs) == (1 if media.kind == "audio" else 2)
        assert not ssrcs & seen
        seen |= ssrcs
    for mid in range(3, 21, 2):
        stream = (lines[str(mid)].get("msid") or "").split()[0]
        assert (lines[str(mid + 1)].get("msid") or "").split()[0] == stream
    assert lines["4"].get_all("rtcp-fb")[:4] == ["96 nack", "96 nack pli", "96 ccm fir", "96 goog-remb"]


def test_extensions_go_where_they_belong() -> None:
    lines = lines_of(Room().browser("anna", offer(simulcast=True)))
    numbers = {
        mid: [value.split()[0] for value in lines[mid].get_all("extmap")] for mid in ("0", "1", "3", "4")
    }
    assert numbers == {"0": ["4", "1", "3"], "1": ["4", "10", "11", "3", "8"], "3": ["1"], "4": ["2", "8"]}
    assert lines["1"].get("simulcast") == "recv q;h;f"
    assert lines["1"].get_all("rid") == ["q recv", "h recv", "f recv"]


def test_a_new_offer_keeps_slots_and_restarts_ice() -> None:
    browser = Room().browser("anna")
    again = SessionDescription.parse(browser.peer.offer(offer()))
    assert browser.transport.restarts == 0
    assert again.medias[4].get_all("ssrc") == browser.answer.medias[4].get_all("ssrc")
    assert again.origin.version == browser.answer.origin.version + 1
    anew = SessionDescription.parse(browser.peer.offer(offer(ufrag="efgh")))
    assert browser.transport.restarts == 1
    assert anew.medias[0].get("ice-ufrag") == "anew"


def test_a_line_that_was_stopped_is_refused() -> None:
    room = Room()
    text = offer(lines=5).replace("m=video 9", "m=video 0", 1)
    browser = room.browser("anna", text)
    assert [media.port for media in browser.answer.medias] == [9, 0, 9, 9, 9]
    assert browser.answer.get("group") == "BUNDLE 0 2 3 4"


def test_aiortc_reads_it_as_we_mean_it() -> None:
    browser = Room().browser("anna", offer(codecs=("VP8",)))
    read = AiortcDescription.parse(browser.answer.to_bytes().decode())
    assert len(read.media) == 26
    assert read.media[4].ssrc_group[0].semantic == "FID"
    assert read.media[4].rtp.codecs[0].mimeType == f"video/{VP8.name}"
    ice = read.media[0].ice
    assert ice is not None
    assert ice.iceLite
