"""The whole plane without a network: who gets what of whom."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conferencing.embedded.media import Rates, Source
from media.rtp import sequence_delta, timestamp_delta

from .offers import OPUS, VP8
from .room import Browser, Room


def film(publisher: Browser, pictures: range, *, keyframe: bool = False) -> None:
    for picture in pictures:
        publisher.film(picture, keyframe=keyframe and picture == pictures.start)
        publisher.room.wait(0.04)


def test_a_voice_is_heard_by_the_others_and_not_by_its_owner() -> None:
    room = Room()
    anna, ben, carl = (room.browser(name) for name in ("anna", "ben", "carl"))
    for _ in range(10):
        anna.speak(b"hello")
        room.wait(0.02)
    for listener in (ben, carl):
        packets = [packet for packet in listener.transport.rtp if packet.payload == b"hello"]
        assert len(packets) >= 9
        steps = [sequence_delta(b.sequence, a.sequence) for a, b in itertools.pairwise(packets)]
        assert set(steps) == {1}
        times = [timestamp_delta(b.timestamp, a.timestamp) for a, b in itertools.pairwise(packets)]
        assert set(times) == {960}
    assert anna.transport.rtp == []
    assert room.plane.speaking == ("anna",)


def test_so_many_cameras_as_there_are_tiles_are_sent_those_wanted_most() -> None:
    room = Room(tiles=2)
    publishers = [room.browser(name) for name in ("anna", "ben", "carl")]
    viewer = room.browser("viewer")
    assert len(viewer.answer.medias) == 3 + 2 * 2 + 3 + 2
    for publisher in publishers:
        film(publisher, range(3), keyframe=True)

    def shown() -> set[str | None]:
        return {each.participant_id for each in viewer.slot_maps.values() if each.source is Source.CAMERA}

    viewer.want("anna", "ben", "carl")
    assert shown() == {"anna", "ben"}
    kept = viewer.mid_of("anna", "camera")
    viewer.want("carl", "anna", "ben")
    assert shown() == {"anna", "carl"}
    assert viewer.mid_of("anna", "camera") == kept
    for publisher in publishers:
        film(publisher, range(3, 6), keyframe=True)
    assert {ssrc for ssrc in viewer.peer.subscriber.stage.pictures if viewer_got(viewer, ssrc)} == {
        viewer.slot_ssrc(viewer.mid_of(name, "camera")) for name in ("anna", "carl")
    }


def viewer_got(viewer: Browser, ssrc: int) -> bool:
    return any(packet.ssrc == ssrc for packet in viewer.transport.rtp)


def test_only_the_three_loudest_are_forwarded() -> None:
    room = Room()
    talkers = [room.browser(f"talker{number}") for number in range(5)]
    listener = room.browser("listener")
    for _ in range(50):
        for number, talker in enumerate(talkers):
            talker.speak(f"voice {number}".encode(), level=10 + 10 * number)
        room.wait(0.02)
    listener.transport.rtp.clear()
    for number, talker in enumerate(talkers):
        talker.speak(f"voice {number}".encode(), level=10 + 10 * number)
    assert {packet.payload for packet in listener.transport.rtp} == {b"voice 0", b"voice 1", b"voice 2"}
    assert room.plane.speaking == ("talker0", "talker1", "talker2")


def test_who_says_silence_does_not_speak_however_loud_it_claims_to_be() -> None:
    room = Room()
    liar, anna = room.browser("liar"), room.browser("anna")
    for _ in range(50):
        liar.speak(b"\x78\xff\xfe", level=0)
        anna.speak(level=40)
        room.wait(0.02)
    assert room.plane.speaking == ("anna",)


def test_a_picture_begins_with_a_key_frame_that_was_asked_for() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    film(anna, range(3))
    ben.want("anna")
    assert anna.keyframes_asked == 1
    film(anna, range(3, 6))
    mid = ben.mid_of("anna", "camera")
    assert ben.got(mid) == []
    film(anna, range(6, 10), keyframe=True)
    packets = ben.got(mid)
    assert [packet.payload[2:4] for packet in packets] == [bytes((0x80, picture)) for picture in range(6, 10)]
    assert {packet.payload_type for packet in packets} == {VP8}
    assert all(packet.marker for packet in packets)


def test_a_tile_has_voice_and_picture_of_one_participant() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    film(anna, range(2))
    ben.want("anna")
    film(anna, range(2, 4), keyframe=True)
    anna.speak(b"hello")
    room.wait(0.2)
    anna.speak(b"hello")
    voice, picture = ben.mid_of("anna", "microphone"), ben.mid_of("anna", "camera")
    assert int(picture) == int(voice) + 1
    assert ben.got(voice)
    streams = [
        (media.get("msid") or "").split()[0]
        for media in ben.answer.medias
        if media.get("mid") in (voice, picture)
    ]
    assert streams[0] == streams[1]


def test_a_host_mutes_at_the_server() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    film(anna, range(2))
    ben.want("anna")
    film(anna, range(2, 4), keyframe=True)
    anna.speak()
    room.wait(0.02)
    anna.peer.allow(Source.MICROPHONE, False)
    anna.peer.allow(Source.CAMERA, False)
    room.wait(0.02)
    ben.transport.rtp.clear()
    anna.speak()
    film(anna, range(4, 8), keyframe=True)
    assert ben.transport.rtp == []
    anna.peer.allow(Source.CAMERA, True)
    anna.film(8)
    room.wait(0.6)
    film(anna, range(9, 12), keyframe=True)
    assert len(ben.transport.rtp) == 3


def test_a_peer_that_closes_is_served_no_more() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    film(anna, range(2))
    ben.want("anna")
    film(anna, range(2, 4), keyframe=True)
    ben.peer.closed("no consent")
    assert ben.closed_reason == "no consent"
    ben.transport.rtp.clear()
    anna.speak()
    film(anna, range(4, 30), keyframe=True)
    assert ben.transport.rtp == []


def test_a_camera_that_is_off_gives_its_slot_to_others() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    film(anna, range(2))
    ben.want("anna")
    mid = ben.mid_of("anna", "camera")
    room.wait(6)
    assert ben.slot_maps[mid].participant_id is None
    film(anna, range(2, 8))
    assert ben.slot_maps[mid].participant_id == "anna"


def test_whose_voice_a_line_carries_is_told_where_there_are_no_pictures() -> None:
    room = Room()
    names = ["anna", "ben", "carl", "dora", "emil"]
    guests = [room.browser(name) for name in names]
    for speaking in (guests[:3], guests[2:]):
        for _ in range(60):
            for guest in speaking:
                guest.speak()
            room.wait(0.02)
        told = {each.participant_id for each in guests[0].slot_maps.values()}
        assert told >= {guest.name for guest in speaking} - {"anna"}


def test_lines_are_given_back_when_nothing_is_wanted_and_no_screen_shared() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    for picture in range(3):
        anna.film(picture, keyframe=picture == 0)
        anna.film(picture, keyframe=picture == 0, mid=2)
        room.wait(0.1)
    ben.want("anna")
    assert {each.source for each in ben.slot_maps.values()} == set(Source)
    pictures = ben.peer.subscriber.stage.pictures.values()
    assert sum(slot.target is not None for slot in pictures) == 2
    ben.want()
    room.wait(2.0)  # the screen stands still
    taken = [each.source for each in ben.slot_maps.values() if each.participant_id]
    assert taken == [Source.MICROPHONE]  # her voice needs no tile
    assert not any(slot.target for slot in pictures)
    anna.film(4, keyframe=True, mid=2)
    room.wait(0.3)
    assert ben.mid_of("anna", "screen")


def test_a_voice_that_comes_twice_is_sent_once() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")
    order = [65_534, 65_535, 1, 0, 1, 65_534, 2, 2, 0]
    for sequence in order:
        anna.send(b"voice", mid=0, ssrc=5, payload_type=OPUS, timestamp=960 * sequence, sequence=sequence)
        room.wait(0.02)
    sequences = [packet.sequence for packet in ben.transport.rtp]
    assert len(sequences) == len(set(sequences)) == 5


def test_the_bit_rate_of_a_room_is_in_the_answer() -> None:
    room = Room(Rates(upload=800_000))
    anna = room.browser("anna")
    assert [media.bandwidths for media in anna.answer.medias[:4]] == [
        {},
        {"TIAS": 800_000},
        {"TIAS": 800_000},
        {},
    ]


def test_a_bug_in_one_peer_is_not_everybodys() -> None:
    room = Room()
    anna, ben = room.browser("anna"), room.browser("ben")

    def fail(packet: bytes | bytearray) -> None:
        raise RuntimeError("a bug")

    anna.transport.send_rtcp = fail  # type: ignore[method-assign]
    for _ in range(100):
        ben.speak()
        room.wait(0.02)
    assert anna.transport.closed
    assert list(room.plane.peers) == ["ben"]


def test_telephones_and_browsers_hear_each_other() -> None:
    room = Room()
    phone = room.plane.speech("phone")
    assert not phone.wanted
    anna = room.browser("anna")
    assert phone.wanted
    for number in range(10):
        phone.send(b"phone %d" % number, -20)
        anna.speak(b"anna %d" % number)
        room.wait(0.02)
    heard = [packet for packet in anna.transport.rtp if packet.payload.startswith(b"phone")]
    assert len(heard) >= 9
    assert [(speech.participant_id, speech.level) for speech in room.plane.take()[-1:]] == [("anna", -20)]
    assert not room.plane.take()
    phone.close()
    room.wait(0.1)
    anna.speak()
    assert not room.plane.take()


def test_the_slot_goes_on_when_its_publisher_changes() -> None:
    room = Room()
    anna, ben, carl = (room.browser(name) for name in ("anna", "ben", "carl"))
    carl.want("anna")
    film(anna, range(100, 105))
    room.wait(0.6)
    film(anna, range(105, 110), keyframe=True)
    film(ben, range(9000, 9003))
    mid = carl.mid_of("anna", "camera")
    carl.want("ben")
    assert carl.mid_of("ben", "camera") == mid
    film(ben, range(9003, 9006), keyframe=True)
    packets = carl.got(mid)
    assert len(packets) == 8
    steps = {sequence_delta(b.sequence, a.sequence) for a, b in itertools.pairwise(packets)}
    assert steps == {1}
    pictures = [int.from_bytes(packet.payload[2:4], "big") & 0x7FFF for packet in packets]
    assert pictures == list(range(pictures[0], pictures[0] + 8))
    gap = timestamp_delta(packets[5].timestamp, packets[4].timestamp)
    assert abs(gap - 0.16 * 90_000) < 200  # three pictures of Ben's without a key frame lay between


@contextmanager
def without_collections() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("how", ["leaves", "dies", "is silent"])
def test_who_has_left_takes_no_memory_until_a_collection(how: str) -> None:
    """Half a megabyte of packets a stream: the process collects what is old only when it has time."""
    room = Room()
    ben = room.browser("ben")
    with without_collections():
        anna = room.browser("anna")
        film(anna, range(3))
        ben.film(1)
        ben.want("anna")
        anna.want("ben")
        film(anna, range(3, 20), keyframe=True)
        ben.film(2, keyframe=True)
        for browser in (anna, ben):
            browser.speak()
        room.wait(0.1)
        assert ben.got(ben.mid_of("anna", "camera"))
        assert anna.got(anna.mid_of("ben", "camera"))
        peer = anna.peer
        held = [*peer.publisher.streams(), *peer.subscriber.stage.slots()]
        alive = [weakref.ref(each) for each in held]
        del held
        if how == "dies":
            anna.transport.close()
            peer.closed("no consent")
        if how == "is silent":
            room.wait(6)
        room.plane.leave("anna")
        room.wait(0.5)
        assert [each() for each in alive if each() is not None] == []
    assert ben.peer.publisher.streams()
