"""A browser's stay, without sockets: connections lost and found, silence, media, what is told to whom."""

from __future__ import annotations

import pytest

from conferencing.embedded.engine import LOOK_SECONDS
from conferencing.embedded.media import SlotMap, Source
from conferencing.embedded.session import RETURN, SILENCE, State
from conferencing.meeting import Limits
from conferencing.participant import Kind
from config.outcome import Outcome, PasserelleError
from gateway.web.server import READ_SECONDS
from media.webrtc.ice import CONSENT
from media.webrtc.peers import TICK
from tests.conferencing.embedded.pages import House, Page

OFFER = "v=0\r\no=- 7 1 IN IP4 0.0.0.0\r\n"


def test_numbers_rise_by_one() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.come("Bob")
    for kind in ("ping", "offer", "nonsense"):
        house.say(anna, kind, sdp=OFFER)
    assert [event["n"] for event in page.sent] == list(range(1, len(page.sent) + 1))


def test_a_seat_without_connection_and_media_is_given_up_after_a_while() -> None:
    house = House()
    anna, page = house.come("Anna")
    _, others = house.come("Bob")
    house.say(anna, "ping")
    anna.detach(page, house.now)
    house.wait(SILENCE - 1)
    assert not others.take("left")
    house.wait(2)
    [left] = others.take("left")
    assert (left["participant"], left["reason"]) == (anna.id, "lost")
    assert anna.state is State.GONE
    assert house.engine.resume_session(anna.id, "x", 0, Page()) is None
    assert anna.id not in house.engine.sessions


def test_a_page_that_was_hidden_has_time_to_return() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.wait(60)  # connected all the time; timers of hidden pages sleep
    assert anna.state is State.SEATED
    anna.detach(page, house.now)
    house.wait(RETURN - 1)
    assert anna.id in house.engine.sessions
    house.wait(2)
    assert anna.id not in house.engine.sessions


def test_media_that_flows_keeps_the_seat() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.say(anna, "offer", sdp=OFFER)
    house.planes[0].peers[anna.id].events.connected()
    anna.detach(page, house.now)
    house.wait(120)
    assert anna.id in house.engine.sessions
    house.planes[0].peers[anna.id].events.closed("no consent")
    house.wait(1)
    assert anna.id not in house.engine.sessions
    assert anna.id not in house.planes[0].peers


@pytest.mark.parametrize("with_media", [True, False])
def test_one_whose_network_dies_is_gone_after_fifteen_seconds(with_media: bool) -> None:
    """The connection is found dead, then consent runs out: clocks that run side by side, never in a row."""
    house = House()
    anna, page = house.come("Anna")
    _, others = house.come("Bob")
    if with_media:
        house.say(anna, "offer", sdp=OFFER)
        house.planes[0].peers[anna.id].events.connected()
    house.wait(100)
    house.say(anna, "ping")
    died = house.now
    house.wait(READ_SECONDS)  # its last answer to our ping came as it died, and nothing after it
    anna.detach(page, house.now)
    house.wait(RETURN - 0.5)
    assert anna.id in house.engine.sessions
    house.wait(died + CONSENT + TICK - house.now)
    if with_media:
        house.planes[0].peers[anna.id].events.closed("no consent")
    house.wait(LOOK_SECONDS)
    assert others.take("left")
    assert house.now - died <= 15.5


def test_one_whose_network_comes_back_keeps_the_seat() -> None:
    house = House()
    anna, page = house.come("Anna")
    _, others = house.come("Bob")
    house.say(anna, "ping")
    house.wait(READ_SECONDS)
    anna.detach(page, house.now)
    house.wait(RETURN - 0.5)
    anna.attach(Page(), house.now, 1)
    house.wait(60)
    assert not others.take("left")


def test_what_a_new_connection_hears() -> None:
    house = House()
    anna, page = house.come("Anna")
    bob, _ = house.come("Bob")
    last = page.sent[-1]["n"]
    anna.detach(page, house.now)
    house.say(bob, "hand", raised=True)
    house.say(bob, "reaction", emoji="👍")
    again = Page()
    anna.attach(again, house.now, last)
    assert [event["type"] for event in again.sent] == ["changed", "reaction", "welcome"]
    numbers = [event["n"] for event in again.sent]
    assert numbers == [last + 1, last + 2, last + 3]
    assert not page.closed or page.sent[-1]["type"] != "closed"


def test_the_connection_before_hears_that_it_is_replaced() -> None:
    house = House()
    anna, page = house.come("Anna")
    page.take()
    anna.attach(Page(), house.now, 1)
    assert page.take() == [{"type": "closed", "n": 1, "reason": "replaced"}]
    assert page.closed
    anna.detach(page, house.now)  # comes late, and means nothing
    assert anna.attached


def test_what_plays_is_told() -> None:
    house = House()
    anna, page = house.come("Anna")
    bob, _ = house.come("Bob")
    house.say(anna, "offer", sdp=OFFER)
    house.planes[0].peers[anna.id].events.slots([SlotMap("5", bob.id, Source.CAMERA)])
    [slots] = page.take("slots")
    assert slots["slots"] == [{"mid": "5", "participant": bob.id, "source": "camera"}]
    house.planes[0].speaking = (bob.id,)
    house.wait(1)
    assert [event["participants"] for event in page.take("speaking")] == [[bob.id]]
    house.planes[0].peers[anna.id].offer_wanted = True
    house.wait(1)
    assert [event["what"] for event in page.take("asked")] == ["offer"]


def test_statistics_while_media_flows() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.say(anna, "offer", sdp=OFFER)
    house.wait(6)
    assert not page.take("stats")
    house.planes[0].peers[anna.id].events.connected()
    house.wait(11)
    assert 2 <= len(page.take("stats")) <= 3


def test_a_camera_too_many_stays_off() -> None:
    house = House(limits=Limits(cameras=1))
    anna, _ = house.come("Anna")
    bob, page = house.come("Bob")
    for session in (anna, bob):
        house.say(session, "offer", sdp=OFFER)
        house.say(session, "media", microphone=True, camera=True, screen=False)
    [error] = page.take("error")
    assert (error["code"], error["about"]) == ("cameras_full", "media")
    assert house.planes[0].peers[anna.id].allowed[Source.CAMERA]
    assert not house.planes[0].peers[bob.id].allowed[Source.CAMERA]
    house.say(anna, "media", microphone=True, camera=False, screen=False)
    house.say(bob, "media", microphone=True, camera=True, screen=False)
    assert house.planes[0].peers[bob.id].allowed[Source.CAMERA]


def test_a_room_has_limits_of_its_own() -> None:
    house = House(limits=Limits(cameras=1))
    guests = [house.come(name, max_cameras=2, max_video_kbps=800) for name in ("Anna", "Bob", "Carl")]
    assert house.planes[0].rules.max_video_kbps == 800
    for session, _ in guests:
        house.say(session, "media", microphone=True, camera=True, screen=False)
    assert [len(page.take("error")) for _, page in guests] == [0, 0, 1]
    quiet = House()
    anna, page = quiet.come("Anna", max_cameras=0)
    quiet.say(anna, "media", microphone=True, camera=True, screen=False)
    assert page.take("error")[0]["code"] == "cameras_full"


def test_no_picture_more_when_the_process_is_busy_but_those_there_stay() -> None:
    house = House()
    anna, _ = house.come("Anna")
    bob, page = house.come("Bob")
    house.say(anna, "media", microphone=True, camera=True, screen=False)
    house.busy = True
    house.say(bob, "media", microphone=True, camera=True, screen=True)
    assert [error["code"] for error in page.take("error")] == ["cameras_full", "unavailable"]
    assert [each.camera for each in anna.meeting] == [True, False]
    assert not any(each.screen for each in anna.meeting)
    assert not bob.participant or not bob.participant.muted


def test_a_guest_who_is_made_host_sees_who_waits() -> None:
    house = House()
    host, _ = house.come("Host", host=True, waiting_room=True)
    anna, page = house.come("Anna", waiting_room=True)
    house.say(host, "admit", participant=anna.id)
    bob, _ = house.come("Bob", waiting_room=True)
    assert not page.take("lobby")
    house.say(host, "promote", participant=anna.id)
    assert [event["waiting"][0]["id"] for event in page.take("lobby")] == [bob.id]


def test_media_that_died_begins_anew_with_another_connection() -> None:
    house = House()
    anna, page = house.come("Anna")
    bob, _ = house.come("Bob")
    house.say(anna, "offer", sdp=OFFER)
    house.say(anna, "want", tiles=[{"participant": bob.id, "height": 180}])
    plane = house.planes[0]
    dead = plane.peers[anna.id].events
    dead.connected()
    page.take()
    dead.closed("no consent")
    assert anna.id not in plane.peers
    assert [event["what"] for event in page.take("asked")] == ["offer"]
    house.say(anna, "offer", sdp=OFFER)  # an ICE restart, of what is no more
    [error] = page.take("error")
    assert (error["code"], error["about"]) == ("bad_offer", "offer")
    assert anna.id not in plane.peers
    house.say(anna, "offer", sdp=OFFER.replace(" 7 ", " 8 "))
    assert page.take("answer")
    assert plane.peers[anna.id].wanted == [(bob.id, 180)]
    plane.peers[anna.id].events.connected()
    house.say(anna, "offer", sdp=OFFER.replace(" 7 ", " 8 "))
    assert page.take("answer")


def test_who_waits_is_told_whether_a_host_is_there() -> None:
    house = House()
    bob, page = house.come("Bob", waiting_room=True)

    def told() -> list[tuple[str, bool]]:
        return [(event["name"], event["host"]) for event in page.take("waiting")]

    assert told() == [("Team", False)]
    anna, _ = house.come("Anna", host=True, waiting_room=True)
    house.come("Carl", host=True, waiting_room=True)
    assert told() == [("Team", True)]
    house.say(anna, "leave")
    assert told() == []
    for each in bob.meeting:
        bob.meeting.demote(each)
    assert told() == [("Team", False)]
    for each in bob.meeting:
        bob.meeting.promote(each)
    bob.meeting.admit(bob.id)
    assert [event["type"] for event in page.take()] == ["waiting", "welcome"]
    bob.meeting.demote(next(iter(bob.meeting)))
    assert [event["type"] for event in page.take()] == ["changed"]


def test_one_who_goes_while_waiting_is_forgotten() -> None:
    house = House()
    _, host = house.come("Host", host=True, waiting_room=True)
    anna, page = house.come("Anna", waiting_room=True)
    house.say(anna, "leave")
    assert page.closed
    assert host.take("lobby")[-1]["waiting"] == []
    house.wait(1)
    assert anna.id not in house.engine.sessions


def test_nobody_is_let_into_a_full_meeting_and_the_host_hears_of_it() -> None:
    house = House()
    host, page = house.come("Host", host=True, waiting_room=True, max_participants=1)
    _, waiting = house.come("Anna", waiting_room=True, max_participants=1)
    house.say(host, "admit", all=True)
    assert page.take("error")[0]["code"] == "room_full"
    assert [event["type"] for event in waiting.sent] == ["waiting"]


def test_a_host_asks_to_unmute_and_nobody_is_unmuted_by_another() -> None:
    house = House()
    host, host_page = house.come("Host", host=True)
    anna, page = house.come("Anna", muted_on_entry=True)
    bob, _ = house.come("Bob")
    page.take()
    house.say(host, "ask_unmute", participant=anna.id)
    assert [(event["what"], event["by"]) for event in page.take()] == [("unmute", "Host")]
    assert anna.participant is not None
    assert anna.participant.muted
    house.say(anna, "media", microphone=True, camera=False)
    page.take()
    house.say(host, "ask_unmute", participant=anna.id)
    assert page.take("asked") == []  # speaks already
    house.say(bob, "ask_unmute", participant=host.id)
    assert host_page.take("asked") == []


def test_telephones_are_not_asked_to_unmute() -> None:
    house = House()
    host, page = house.come("Host", host=True)
    phone = host.meeting.join("phone", Kind.PHONE, "+33 1 ** ** ** 42")
    host.meeting.set_muted(phone, True)
    house.say(host, "ask_unmute", participant="phone")
    assert page.take("error")[0]["code"] == "not_allowed"


def test_a_page_that_is_closed_gives_its_seat_up_without_its_connection() -> None:
    house = House()
    anna, page = house.come("Anna")
    _, bob = house.come("Bob")
    secret = page.take("welcome")[0]["secret"]
    anna.detach(page, house.now)
    house.engine.leave_session(anna.id, "0" * 32)
    house.engine.leave_session("nobody", secret)
    assert bob.take("left") == []
    house.engine.leave_session(anna.id, secret)
    assert [event["reason"] for event in bob.take("left")] == ["left"]
    house.engine.leave_session(anna.id, secret)
    assert house.engine.resume_session(anna.id, secret, 0, page) is None


def test_a_locked_door() -> None:
    house = House()
    host, _ = house.come("Host", host=True)
    house.say(host, "lock", locked=True)
    with pytest.raises(PasserelleError) as caught:
        house.come("Anna")
    assert caught.value.outcome is Outcome.ROOM_LOCKED
    house.come("Second host", host=True)


def test_a_page_that_does_not_stop_is_cut_off_but_not_thrown_out() -> None:
    house = House()
    anna, page = house.come("Anna")
    for _ in range(400):
        house.say(anna, "chat", text="spam")
    assert page.closed
    assert anna.state is State.SEATED
    assert not anna.attached


def test_how_the_media_of_those_who_are_there_travels() -> None:
    house = House()
    anna, page = house.come("Anna")
    house.say(anna, "offer", sdp=OFFER)
    assert not list(house.engine.statistics())
    house.planes[0].peers[anna.id].events.connected()
    [(room, who, statistics)] = house.engine.statistics()
    assert (room, who, statistics.layers[0].lost) == ("team", anna.id, 7)
    house.wait(6)
    assert page.take("stats")[-1]["stats"]["layers"][0]["lost"] == 7
    house.say(anna, "leave")
    assert not list(house.engine.statistics())


def test_a_page_that_sends_long_messages_without_end_is_neither_read_nor_kept() -> None:
    house = House()
    anna, page = house.come("Anna")
    page.take()
    sdp = OFFER + "a=x\r\n" * 20_000
    for _ in range(20):
        house.say(anna, "offer", sdp=sdp)
    answers = [event["type"] for event in page.sent]
    assert answers.count("answer") == 3
    assert {event["code"] for event in page.sent if event["type"] == "error"} == {"too_fast"}
    assert page.closed
    assert len(answers) < 15


def test_a_page_that_comes_back_all_the_time_has_to_wait() -> None:
    house = House()
    anna, first = house.come("Anna")
    for _ in range(8):
        last = Page()
        anna.attach(last, house.now, 0)
    with pytest.raises(PasserelleError) as refused:
        anna.attach(Page(), house.now, 0)
    assert refused.value.outcome is Outcome.OVERLOADED
    assert first.closed
    assert not last.closed
    house.wait(1)
    anna.attach(Page(), house.now, 0)
