"""One call from its answer to its end, with real sockets, mixer and engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from config.outcome import Outcome, PasserelleError
from config.texts import Phrase
from media.codecs import G722, PCMA, PCMU
from media.dtmf import press
from media.sdp import Direction, SessionDescription
from rooms.values import Unavailable
from sip.call import NotAcceptable
from tests.bridge.house import HOST, Caller, House, live, settle
from tests.bridge.lines import level_of

PRESENT, ABSENT = -20.0, -50.0  # dB; the tones are at -12


async def settle_and_hear(*phones: Caller) -> None:
    """Let announcements end and forget what was heard."""
    await phones[0].house.run(1.5)
    for phone in phones:
        list(phone.received())


def errors(logs: Any) -> list[Any]:
    return [entry for entry in logs if entry["log_level"] == "error"]


# Into the meeting


def test_a_pin_leads_into_the_meeting() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        assert phone.theirs[0] == HOST
        await phone.confirms()
        assert house.voice.heard() == [Phrase.WELCOME]
        with capture_logs() as logs:
            await phone.types("1111#")
        assert house.voice.heard() == [Phrase.JOINING, Phrase.ALONE]
        assert house.participants() == {"team": ["anna"]}
        assert "1111" not in str(logs)
        other = await house.enters("1111", display="Bob")
        assert house.voice.heard() == [Phrase.JOINING, Phrase.ONE_OTHER]
        assert house.participants() == {"team": ["anna", "Bob"]}
        other.call.bye()
        assert house.voice.heard() == [Phrase.ALONE]
        assert house.participants() == {"team": ["anna"]}

    live(story)


def test_two_hear_each_other_and_never_themselves() -> None:
    async def story(house: House) -> None:
        anna, bob = await house.enters("1111"), await house.enters("1111")
        await settle_and_hear(anna, bob)
        for _ in range(4):  # both at once, in turns of 100 ms
            await asyncio.gather(anna.says(400.0, 0.2))
            await bob.says(700.0, 0.2)
        heard = bob.heard()
        assert level_of(heard, 8000, 400.0) > PRESENT - 6
        assert level_of(heard, 8000, 700.0) < ABSENT
        heard = anna.heard()
        assert level_of(heard, 8000, 700.0) > PRESENT - 6
        assert level_of(heard, 8000, 400.0) < ABSENT

    live(story)


def test_the_voice_waits_for_the_first_packet_or_half_a_second() -> None:
    async def story(house: House) -> None:
        quick, slow, early = [await house.calls("meet") for _ in range(3)]
        early.sends(bytes(160))
        await settle()
        assert house.voice.heard() == [], "not before the ACK"
        early.call.ack()
        await house.run(0.02)
        assert house.voice.heard() == [Phrase.WELCOME]
        quick.call.ack()
        slow.call.ack()
        await house.run(0.1)
        assert house.voice.heard() == []
        quick.sends(bytes(160))
        await settle()
        assert house.voice.heard() == [Phrase.WELCOME]
        await house.run(0.3)
        assert house.voice.heard() == []
        await house.run(0.15)
        assert house.voice.heard() == [Phrase.WELCOME]

    live(story)


def test_nothing_is_sent_before_the_ack_and_always_something_afterwards() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        await house.run(1.0)
        assert list(phone.received()) == []
        await phone.confirms()
        list(phone.received())
        await house.run(1.0)
        assert len(list(phone.received())) == 50

    live(story)


def test_digits_count_from_the_answer_on_and_may_be_typed_ahead() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        await phone.types("1111#")
        await phone.confirms()
        await settle()
        assert house.participants() == {"team": ["anna"]}

    live(story)


def test_digits_by_rtp_and_info_are_one() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        await phone.confirms()
        for key in "1111#":
            for frame in press(key):
                phone.sends(frame.payload, payload_type=101)
                phone._at -= 160
                await house.run(0.02)
            phone._at += 3200
            await phone.types(key)
        await settle()
        assert house.participants() == {"team": ["anna"]}
        assert house.directory.asked == [(None, "1111")]

    live(story)


def test_three_wrong_pins_and_goodbye() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        await phone.confirms()
        await phone.types("9999#8888#7777#")
        assert house.voice.heard() == [Phrase.WELCOME, *[Phrase.WRONG_PIN] * 2, Phrase.TOO_MANY_TRIES]
        await house.run(1.0)
        assert phone.call.endings == [Outcome.WRONG_PIN]
        assert house.guard.failures == 3

    live(story)


def test_a_pause_ends_the_pin_and_silence_repeats_the_question() -> None:
    async def story(house: House) -> None:
        typing, silent = await house.calls("meet"), await house.calls("meet")
        await typing.confirms()
        await typing.types("1111")
        await house.run(4.1)
        assert house.participants() == {"team": ["anna"]}
        house.voice.heard()
        await silent.confirms()
        await house.run(35.0)
        assert [phrase for phrase in house.voice.heard() if phrase is not Phrase.ALONE] == [
            *[Phrase.WELCOME] * 3,
            Phrase.GOODBYE_SILENT,
        ]
        assert silent.call.endings == [Outcome.NO_PIN]

    live(story, media={"timeout_seconds": 600})


@pytest.mark.parametrize(
    ("prepare", "phrase", "outcome"),
    [
        ("unavailable", Phrase.UNAVAILABLE, Outcome.UNAVAILABLE),
        ("throttled", Phrase.PIN_THROTTLED, Outcome.PIN_THROTTLED),
        ("error", Phrase.INTERNAL, Outcome.INTERNAL),
    ],
)
def test_a_look_up_that_fails_is_said_and_ends_the_call(
    prepare: str, phrase: Phrase, outcome: Outcome
) -> None:
    async def story(house: House) -> None:
        phone, other = await house.calls("meet"), await house.enters("1111")
        await phone.confirms()
        house.voice.heard()
        match prepare:
            case "unavailable":
                house.directory.answer = Unavailable("gone")
            case "throttled":
                house.guard.begin("127.0.0.1", house.time.now, seen=True)
            case "error":
                house.directory.error = RuntimeError("bug")
        with capture_logs() as logs:
            await phone.types("2222#")
        assert house.voice.heard() == [phrase]
        await house.run(1.0)
        assert phone.call.endings == [outcome]
        assert other.call.endings == []
        assert [entry["call"] for entry in errors(logs)] == [phone.call.id] * (prepare == "error")

    live(story, limits={"pin_failures_per_source": 1})


@pytest.mark.parametrize(
    ("pin", "phrase", "outcome"),
    [("4444", Phrase.ROOM_FULL, Outcome.ROOM_FULL), ("5555", Phrase.ROOM_LOCKED, Outcome.ROOM_LOCKED)],
)
def test_who_may_not_enter_is_told_why(pin: str, phrase: Phrase, outcome: Outcome) -> None:
    async def story(house: House) -> None:
        await house.enters("4444")
        phone = await house.calls("meet")
        await phone.confirms()
        house.voice.heard()
        await phone.types(f"{pin}#")
        assert house.voice.heard() == [phrase]
        await house.run(1.0)
        assert phone.call.endings == [outcome]

    live(story)


def test_a_host_enters_a_locked_room() -> None:
    async def story(house: House) -> None:
        await house.enters("5050")
        assert house.participants() == {"vault": ["anna"]}

    live(story)


def test_who_waits_is_admitted_or_not() -> None:
    async def story(house: House) -> None:
        house.engine.lobby = True
        admitted, refused, impatient = [await house.calls("1111", caller=name) for name in "arz"]
        for phone in (admitted, refused, impatient):
            await phone.confirms()
        [meeting] = house.engine.meetings()
        assert [knock.name for knock in meeting.lobby] == ["a", "r", "z"]
        await house.run(25.0)
        meeting.admit(admitted.call.id)
        meeting.turn_away(refused.call.id)
        await settle()
        assert house.participants() == {"team": ["a"]}
        words = house.voice.heard()
        assert words[:3] == [Phrase.WAITING_ROOM] * 3
        assert words[-3:] == [Phrase.JOINING, Phrase.ALONE, Phrase.NOT_ADMITTED]
        await house.run(1.0)
        assert refused.call.endings == [Outcome.REMOVED]
        impatient.call.bye()
        assert len(meeting.lobby) == 0

    live(story)


def test_who_waits_hears_music_until_the_door_opens() -> None:
    async def story(house: House) -> None:
        house.engine.lobby = True
        phone = await house.calls("1111")
        await phone.confirms()
        [meeting] = house.engine.meetings()
        await settle_and_hear(phone)
        music = house.mixer._addressed
        assert len(music) == 1, "it plays"
        await house.run(31.0)
        assert house.voice.heard().count(Phrase.WAITING_ROOM) == 2
        meeting.admit(phone.call.id)
        await settle()
        assert house.voice.heard() == [Phrase.JOINING, Phrase.ALONE]
        await settle_and_hear(phone)
        assert len(music) == 0, "and plays no more"

    live(story, media={"timeout_seconds": 100})


def test_the_hand_by_the_keypad_and_by_a_host() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        [meeting] = house.engine.meetings()
        [participant] = meeting
        house.voice.heard()
        await phone.types("*9")
        assert participant.hand is not None
        await phone.types("*9")
        assert participant.hand is None
        await phone.types("*9")
        meeting.set_hand(participant, False)
        meeting.rename(participant, "Anna")
        words = [Phrase.HAND_RAISED, Phrase.HAND_LOWERED, Phrase.HAND_RAISED, Phrase.HAND_LOWERED_BY_HOST]
        assert house.voice.heard() == words

    live(story)


def test_admitted_and_hung_up_at_once() -> None:
    async def story(house: House) -> None:
        house.engine.lobby = True
        phone = await house.calls("1111")
        await phone.confirms()
        [meeting] = house.engine.meetings()
        meeting.admit(phone.call.id)
        phone.call.bye()
        await settle()
        assert house.participants() == {}

    live(story)


def test_removed_by_a_host() -> None:
    async def story(house: House) -> None:
        anna, bob = await house.enters("1111", caller="anna"), await house.enters("1111", caller="bob")
        [meeting] = house.engine.meetings()
        meeting.remove(next(iter(meeting)))
        assert house.participants() == {"team": ["bob"]}
        assert Phrase.REMOVED in house.voice.heard()
        await settle_and_hear(bob)
        assert anna.call.endings == [Outcome.REMOVED]
        assert bob.call.endings == []

    live(story)


def test_who_is_there_and_who_waits_hears_that_the_meeting_has_ended() -> None:
    async def story(house: House) -> None:
        anna = await house.enters("1111", caller="anna")
        house.engine.lobby = True
        bob = await house.calls("1111", caller="bob")
        await bob.confirms()
        house.voice.heard()
        [meeting] = house.engine.meetings()
        meeting.end()
        await house.run(1.0)
        assert house.voice.heard() == [Phrase.MEETING_ENDED] * 2
        assert anna.call.endings == bob.call.endings == [Outcome.MEETING_ENDED]

    live(story)


@pytest.mark.parametrize("error", [RuntimeError("bug"), PasserelleError("no", outcome=Outcome.UNAVAILABLE)])
def test_an_engine_that_fails_ends_this_call_only(error: Exception) -> None:
    async def story(house: House) -> None:
        good = await house.enters("1111")
        house.engine.error = error
        house.voice.heard()
        with capture_logs() as logs:
            bad = await house.calls("1111")
            await bad.confirms()
            said = house.voice.heard()
            await house.run(1.0)
        house.engine.error = None
        expected = isinstance(error, PasserelleError)
        assert said[-1] is (Phrase.UNAVAILABLE if expected else Phrase.INTERNAL)
        assert bad.call.endings == [Outcome.UNAVAILABLE if expected else Outcome.INTERNAL]
        assert [entry["call"] for entry in errors(logs)] == ([] if expected else [bad.call.id])
        assert good.call.endings == []
        assert house.participants() == {"team": ["anna"]}

    live(story)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"display": "Zoé", "caller": "zoe"}, "Zoé"),
        ({"caller": "zoe"}, "zoe"),
        ({"caller": "+33123456742"}, "+33 1 ** ** ** 42"),
        ({"caller": "0123456742"}, "01 ** ** ** 42"),
        ({"display": "+33 1 23 45 67 42", "caller": "sip"}, "+33 1 ** ** ** 42"),
        ({"display": "0123456742", "caller": "0123456742"}, "01 ** ** ** 42"),
    ],
)
def test_others_see_a_name_and_never_a_whole_number(options: dict[str, str], name: str) -> None:
    async def story(house: House) -> None:
        await house.enters("1111", **options)
        assert house.participants() == {"team": [name]}

    live(story)


# In the meeting


def test_mute_and_unmute_by_keys() -> None:
    async def story(house: House) -> None:
        anna, bob = await house.enters("1111"), await house.enters("1111")
        house.voice.heard()
        await anna.types("*6")
        assert house.voice.heard() == [Phrase.MUTED]
        [meeting] = house.engine.meetings()
        assert [one.muted for one in meeting] == [True, False]
        await settle_and_hear(anna, bob)
        await anna.says(400.0, 0.5)
        assert level_of(bob.heard(), 8000, 400.0) < ABSENT
        await anna.types("*6*6*6")
        assert house.voice.heard() == [Phrase.UNMUTED, Phrase.MUTED, Phrase.UNMUTED]
        await settle_and_hear(anna, bob)
        await anna.says(400.0, 0.5)
        assert level_of(bob.heard(), 8000, 400.0) > PRESENT - 6

    live(story)


def test_muted_on_entry_and_by_a_host() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("3333")
        assert house.voice.heard() == [Phrase.JOINING, Phrase.ALONE, Phrase.MUTED_ON_ENTRY]
        [meeting] = house.engine.meetings()
        [participant] = meeting
        assert phone.bridged._channel is not None
        assert phone.bridged._channel.muted
        meeting.set_muted(participant, False, by_host=True)
        assert not phone.bridged._channel.muted
        meeting.set_muted(participant, True, by_host=True)
        assert house.voice.heard() == [Phrase.UNMUTED, Phrase.MUTED_BY_HOST]

    live(story)


def test_leaving_by_keys_is_heard_no_more_at_once() -> None:
    async def story(house: House) -> None:
        anna, bob = await house.enters("1111"), await house.enters("1111")
        await settle_and_hear(anna, bob)
        await anna.types("##")
        assert house.participants() == {"team": ["anna"]}
        assert house.voice.heard()[-2:] == [Phrase.ALONE, Phrase.GOODBYE]
        await anna.says(400.0, 0.1)
        await anna.types("*6##1")
        assert anna.call.endings == []
        await house.run(1.0)
        assert anna.call.endings == [Outcome.LEFT]
        assert level_of(bob.heard(), 8000, 400.0) < ABSENT

    live(story)


def test_help_reads_out_the_keys() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        house.voice.heard()
        await phone.types("*1")
        assert house.voice.heard() == [Phrase.HELP]

    live(story)


@pytest.mark.parametrize("outcome", [Outcome.REMOVED, Outcome.DRAINING])
def test_dismissed_from_the_meeting(outcome: Outcome) -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        phone.bridged.dismiss(outcome)
        phone.bridged.dismiss(Outcome.INTERNAL)
        assert house.participants() == {}
        await house.run(1.0)
        assert phone.call.endings == [outcome]

    live(story)


# Ended in every state


async def _in_look_up(house: House) -> Caller:
    phone = await house.calls("meet")
    await phone.confirms()
    house.directory.gate = asyncio.Event()
    await phone.types("1111#")
    return phone


async def _in_entry(house: House) -> Caller:
    house.engine.gate = asyncio.Event()
    phone = await house.calls("1111")
    await phone.confirms()
    assert house.participants() == {"team": ["anna"]}
    assert phone.bridged.room is None
    return phone


async def _unanswered(house: House) -> Caller:
    house.directory.gate = asyncio.Event()
    return await house.calls("1111")


async def _answered(house: House) -> Caller:
    return await house.calls("meet")


async def _acknowledged(house: House) -> Caller:
    phone = await house.calls("meet")
    phone.call.ack()
    return phone


async def _asked(house: House) -> Caller:
    phone = await house.calls("meet")
    await phone.confirms()
    return phone


async def _typing(house: House) -> Caller:
    phone = await _asked(house)
    await phone.types("12")
    return phone


async def _meeting(house: House) -> Caller:
    return await house.enters("1111")


async def _leaving(house: House) -> Caller:
    phone = await house.enters("1111")
    await phone.types("##")
    return phone


STATES = [
    _unanswered,
    _answered,
    _acknowledged,
    _asked,
    _typing,
    _in_look_up,
    _in_entry,
    _meeting,
    _leaving,
]


@pytest.mark.parametrize("way", ["bye", "hang up", "dismiss", "dismiss all", "exception"])
@pytest.mark.parametrize("reach", STATES, ids=[state.__name__.strip("_") for state in STATES])
def test_ended_in_every_state_everything_is_given_back(
    reach: Callable[[House], Awaitable[Caller]], way: str
) -> None:
    """What is given back is looked at by ``live``."""

    async def story(house: House) -> None:
        phone = await reach(house)
        match way:
            case "bye":
                phone.call.bye()
            case "hang up":
                phone.call.hang_up(Outcome.TRANSPORT)
            case "dismiss":
                phone.bridged.dismiss(Outcome.REMOVED)
            case "dismiss all":
                house.desk.dismiss_all(Outcome.DRAINING)
            case "exception":
                phone.bridged._failed(RuntimeError("bug"))
        for gate in (house.directory.gate, house.engine.gate):
            if gate is not None:
                gate.set()
        await settle()
        await house.run(1.0)
        assert len(phone.call.endings) == 1
        assert house.participants() == {}
        assert house.ports.in_use == 0
        await house.run(20.0)

    live(story)


def test_a_seat_that_comes_after_the_end_is_given_back() -> None:
    async def story(house: House) -> None:
        phone = await _in_entry(house)
        assert house.engine.gate is not None
        house.engine.gate.set()  # the answer is there, and the BYE comes in the same moment
        phone.call.bye()
        await settle()
        assert house.participants() == {}

    live(story)


def test_a_pin_typed_and_bye_at_once() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        await phone.confirms()
        for key in "9999#":
            phone.call.handler.info("application/dtmf-relay", f"Signal={key}".encode())
        phone.call.bye()
        await settle()
        assert house.guard.failures == 1, "a try is a try"

    live(story)


def test_what_cannot_be_given_back_is_logged_and_the_rest_is_given_back() -> None:
    async def story(house: House) -> None:
        phone, other = await house.enters("1111"), await house.enters("1111")
        seat = phone.bridged._seat
        assert seat is not None
        give_back = seat.leave

        def leave() -> None:
            give_back()
            raise RuntimeError("bug")

        seat.leave = leave  # type: ignore[method-assign]
        with capture_logs() as logs:
            phone.call.bye()
        assert [entry["call"] for entry in errors(logs)] == [phone.call.id]
        assert house.ports.in_use == 1
        assert other.call.endings == []
        assert house.desk.ended["inbound", "completed"] == 1

    live(story)


# What fails


def test_a_bug_met_by_a_timer_a_key_a_tick_or_another_call_ends_this_call_only() -> None:
    async def story(house: House) -> None:
        good, anna = await house.enters("3333"), await house.enters("1111")
        bob = await house.enters("1111")
        asked = await house.calls("meet")
        await asked.confirms()
        house.voice.error = RuntimeError("bug")
        with capture_logs() as logs:
            for frame in press("*"):
                asked.sends(frame.payload, payload_type=101)
            await settle()
            assert asked.call.endings == [Outcome.INTERNAL]
            bob.call.bye()  # anna is to hear that she is alone
            assert anna.call.endings == [Outcome.INTERNAL]
            assert bob.call.endings == [Outcome.COMPLETED]
            late = await house.calls("meet")
            await late.confirms()  # its timer says that the voice may begin
            assert late.call.endings == [Outcome.INTERNAL]
        assert [entry["call"] for entry in errors(logs)] == [
            asked.call.id,
            anna.call.id,
            late.call.id,
        ]
        house.voice.error = None
        list(good.received())
        await house.run(0.2)
        assert len(list(good.received())) == 10
        assert good.call.endings == []

    live(story)


def test_media_that_fails_within_the_tick_ends_its_call_only() -> None:
    async def story(house: House) -> None:
        bad, good = await house.enters("1111"), await house.enters("1111")

        class Broken:
            def skip(self, ticks: int) -> None:
                pass

            def take_plain(self) -> bytes | None:
                raise RuntimeError("bug")

            def take_pcm(self) -> None:
                return None

        assert bad.bridged._channel is not None
        bad.bridged._channel.receiver = Broken()
        with capture_logs() as logs:
            await house.run(0.1)
        assert bad.call.endings == [Outcome.INTERNAL]
        assert [entry["call"] for entry in errors(logs)] == [bad.call.id]
        list(good.received())
        await house.run(0.2)
        assert len(list(good.received())) == 10

    live(story)


# What SIP tells


def test_a_late_offer_is_answered_in_the_ack() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("1111", sdp=None)
        [offer] = phone.call.answers
        assert [media.formats for media in offer.medias] == [["9", "8", "0", "101"]]
        phone.call.ack(phone.sdp())
        await house.run(0.6)
        assert house.participants() == {"team": ["anna"]}
        assert {packet.payload_type for packet in phone.received()} == {0}

    live(story)


def test_keys_after_a_late_answer_that_renumbers_them() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet", sdp=None)
        phone.call.ack(phone.sdp("a=rtpmap:97 telephone-event/8000", formats="0 97"))
        await house.run(0.55)
        for payload_type in (101, 97, 101, 97):  # RFC 3264 section 6.1: ours; some phones: theirs
            phone.sends(b"\x01\x0a\x00\xa0", payload_type)  # a 1
            await house.run(0.1)
        await phone.types("#")
        assert house.participants() == {"team": ["anna"]}

    live(story)


@pytest.mark.parametrize("formats", ["18", "34 96"])
def test_a_late_answer_that_cannot_be_used_ends_the_call(formats: str) -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet", sdp=None)
        phone.call.ack(phone.sdp(formats=formats))
        assert phone.call.endings == [Outcome.NO_CODEC]

    live(story)


def test_hold_and_resume() -> None:
    async def story(house: House) -> None:
        anna, bob = await house.enters("1111"), await house.enters("1111")
        await settle_and_hear(anna, bob)
        answer = anna.call.handler.offered(anna.sdp("a=sendonly"))
        assert answer.medias[0].direction is Direction.RECVONLY
        await anna.says(400.0, 0.5)  # its music
        assert list(anna.received()) == []
        assert level_of(bob.heard(), 8000, 400.0) < ABSENT
        anna.call.handler.offered(anna.sdp())
        await anna.says(400.0, 0.5)
        assert list(anna.received())
        assert level_of(bob.heard(), 8000, 400.0) > PRESENT - 6

    live(story)


def test_music_of_a_speaker_put_on_hold_does_not_reach_the_meeting() -> None:
    async def story(house: House) -> None:
        anna, bob = await house.enters("1111"), await house.enters("1111")
        await settle_and_hear(anna, bob)
        await anna.says(400.0, 0.5)  # has a place among the speakers
        anna.call.handler.offered(anna.sdp("a=sendonly"))
        await anna.says(700.0, 0.2)
        list(bob.received())
        await anna.says(700.0, 0.2)
        assert level_of(bob.heard(), 8000, 700.0) < ABSENT

    live(story)


def test_the_old_hold_keeps_the_way_back() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        await phone.says(400.0, 0.2)
        phone.call.handler.offered(phone.sdp(address="0.0.0.0"))
        list(phone.received())
        await house.run(0.2)
        assert list(phone.received()) == []
        phone.call.handler.offered(phone.sdp())
        await house.run(0.2)
        assert len(list(phone.received())) == 10

    live(story)


def test_a_reinvite_without_offer_gets_a_full_one() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        offer = phone.call.handler.offer_wanted()
        assert offer.medias[0].direction is Direction.SENDRECV
        phone.call.handler.answered(phone.sdp("a=inactive"))
        await house.run(0.1)
        list(phone.received())
        await house.run(0.2)
        assert list(phone.received()) == []
        phone.call.handler.offer_wanted()
        phone.call.handler.answered(phone.sdp(formats="18"))  # of no use: all stays as it was
        await house.run(0.1)
        assert list(phone.received()) == []
        assert phone.call.endings == []
        phone.call.handler.answered(phone.sdp())
        await house.run(0.2)
        assert list(phone.received())

    live(story)


def test_an_offer_that_cannot_be_served_changes_nothing() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        with pytest.raises(NotAcceptable):
            phone.call.handler.offered(phone.sdp(formats="18"))
        list(phone.received())
        await house.run(0.2)
        assert len(list(phone.received())) == 10

    live(story)


@pytest.mark.parametrize("where", [_asked, _meeting], ids=["asked", "meeting"])
def test_another_codec_during_an_announcement(where: Callable[[House], Awaitable[Caller]]) -> None:
    async def story(house: House) -> None:
        phone = await where(house)
        await house.run(0.04)
        for formats, payload_type in (("9", 9), ("8", 8), ("9", 9), ("0", 0)):
            phone.call.handler.offered(phone.sdp(formats=f"{formats} 101"))
            list(phone.received())
            await house.run(0.06)
            assert {packet.payload_type for packet in phone.received()} == {payload_type}
            codec = {9: G722, 8: PCMA, 0: PCMU}[payload_type]
            phone.sends(codec.encoder().encode(np.zeros(codec.samples_per_tick, np.int16)), payload_type)
        await house.run(1.0)
        assert phone.call.endings == []

    live(story)


def test_media_moves_with_a_reinvite() -> None:
    async def story(house: House) -> None:
        phone, other = await house.enters("1111"), await house.enters("3333")
        phone.call.handler.offered(other.sdp())
        list(phone.received())
        await house.run(0.2)
        assert list(phone.received()) == []

    live(story)


def test_what_is_no_key() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        await phone.confirms()
        handler = phone.call.handler
        assert not handler.info("application/media_control+xml", b"<x/>")
        with capture_logs() as logs:
            assert handler.info("application/dtmf-relay", b"Signal=12345\r\n")
        assert "12345" not in str(logs)
        assert handler.info("application/dtmf", b"16"), "a hook flash means nothing"
        assert house.directory.asked == []

    live(story)


def test_before_there_is_a_session_nothing_can_be_changed() -> None:
    async def story(house: House) -> None:
        phone = await _unanswered(house)
        handler = phone.call.handler
        with pytest.raises(NotAcceptable):
            handler.offered(phone.sdp())
        with pytest.raises(NotAcceptable):
            handler.offer_wanted()
        handler.answered(phone.sdp())
        assert handler.info("application/dtmf", b"1")
        phone.bridged.confirmed(None)
        assert phone.call.endings == [Outcome.INTERNAL]

    live(story)


def test_we_do_not_send_to_ourselves() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("1111")
        victim = await house.calls("1111")
        host, port = victim.theirs
        text = phone.sdp().to_bytes().decode().replace("127.0.0.1", host).replace(str(phone.port), str(port))
        phone.call.handler.offered(SessionDescription.parse(text))
        phone.call.ack()
        await house.run(1.0)
        assert phone.bridged.leg is not None
        assert phone.bridged.leg.sender.packets == 0

    live(story, media={"address": (HOST,), "advertised": ("127.9.9.9",)})


def test_the_totals_have_what_ended_calls_did() -> None:
    async def story(house: House) -> None:
        phone = await house.enters("1111")
        await phone.says(400.0, 0.2)
        phone.call.bye()
        assert house.totals.packets_in == 10
        assert house.totals.packets_out >= 30

    live(story)
