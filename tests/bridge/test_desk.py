"""Incoming calls: who gets where, and who is refused."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from config.outcome import Outcome, PasserelleError
from config.texts import Phrase
from rooms.values import NotFound, Refused, Unavailable
from sip.call import IllegalCall
from tests.bridge.house import PAIRS, House, live, settle

SOME = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"


def test_the_reception_asks_for_a_pin() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        assert house.directory.asked == []
        await phone.confirms()
        assert house.voice.said == [("fr", Phrase.WELCOME)]
        assert phone.bridged.room is None

    live(story)


def test_a_reception_name_has_its_language() -> None:
    async def story(house: House) -> None:
        await (await house.calls("Meet-EN")).confirms()
        assert house.voice.said == [("en", Phrase.WELCOME)]

    live(story, ivr={"languages": {"meet-en": "en"}})


@pytest.mark.parametrize("user", ["1111", "team.1111", "TEAM.1111", "lobby"])
def test_who_is_known_goes_straight_in(user: str) -> None:
    async def story(house: House) -> None:
        await house.enters(user)
        assert house.voice.heard() == [Phrase.JOINING, Phrase.ALONE]
        assert house.guard.failures == 0

    live(story)


def test_a_closed_room_asks_for_its_pin() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("team")
        await phone.confirms()
        assert house.voice.heard() == [Phrase.ASK_ROOM_PIN]
        await phone.types("3333#")
        assert house.directory.asked[-1] == ("team", "3333")
        assert house.voice.heard() == [Phrase.WRONG_PIN]
        await phone.types("1111#")
        assert list(house.participants()) == ["team"]

    live(story)


def test_a_room_speaks_its_language_if_there_are_words_in_it() -> None:
    async def story(house: House) -> None:
        await house.enters("lobby")
        await house.enters("weit")
        assert {language for language, _ in house.voice.said[:2]} == {"en"}
        assert {language for language, _ in house.voice.said[2:]} == {"fr"}

    live(story)


@pytest.mark.parametrize(
    ("user", "failures"), [("nobody", 0), ("9999", 1), ("nobody.9999", 1), ("sales-dept", 0)]
)
def test_an_unknown_name_is_not_found(user: str, failures: int) -> None:
    async def story(house: House) -> None:
        if user == "nobody.9999":
            house.directory.answer = NotFound()
        phone = await house.calls(user)
        assert phone.call.endings == [Outcome.NOT_FOUND]
        assert phone.call.answers == []
        assert house.guard.failures == failures

    live(story)


def test_a_wrong_pin_of_a_room_is_told_by_the_voice_and_counts_as_a_try() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("team.9999")
        await phone.confirms()
        assert house.voice.heard() == [Phrase.WRONG_PIN]
        await phone.types("9999#8888#")
        assert house.voice.heard() == [Phrase.WRONG_PIN, Phrase.TOO_MANY_TRIES]
        assert house.guard.failures == 3
        await house.run(1.0)
        assert phone.call.endings == [Outcome.WRONG_PIN]

    live(story)


@pytest.mark.parametrize(
    ("user", "phrase"), [("nobody", Phrase.WELCOME), ("9999", Phrase.WRONG_PIN), ("", Phrase.WELCOME)]
)
def test_the_voice_answers_any_name_where_the_settings_say_so(user: str, phrase: Phrase) -> None:
    async def story(house: House) -> None:
        await (await house.calls(user)).confirms()
        assert house.voice.heard() == [phrase]

    live(story, reception=("meet", "*"))


def test_guessing_by_uri_is_braked_and_then_the_voice_asks() -> None:
    async def story(house: House) -> None:
        for pin in range(9000, 9003):
            assert (await house.calls(str(pin))).call.endings == [Outcome.NOT_FOUND]
        asked = len(house.directory.asked)
        for user, phrase in (
            ("1111", Phrase.WELCOME),
            ("9999", Phrase.WELCOME),
            ("team.1111", Phrase.ASK_ROOM_PIN),
        ):
            phone = await house.calls(user)
            await phone.confirms()
            assert house.voice.heard() == [phrase]
        assert house.directory.asked[asked:] == [("team", None)], "not even a right one is looked up"
        await phone.types("1111#")
        assert list(house.participants()) == ["team"]
        assert house.guard.failures == 3

    live(story, limits={"pin_failures_per_source": 30})


def test_forged_invites_take_pin_entry_from_nobody() -> None:
    async def story(house: House) -> None:
        for number in range(8):
            forged = await house.calls(str(9000 + number), source=f"127.0.1.{number}")
            forged.call.cancel()
        assert house.guard.failures == 6
        await house.enters("1111", transport="tcp")
        phone = await house.calls("meet")
        await phone.confirms()
        await phone.types("1111#")
        named = await house.calls("team")
        await named.confirms()
        await named.types("1111#")
        assert [len(names) for names in house.participants().values()] == [3]

    live(story, limits={"pin_failures": 60})


@pytest.mark.parametrize("user", ["0033170180000", "33170180000", "+33170180000;npdi=yes"])
def test_a_number_written_another_way_is_no_guess(user: str) -> None:
    async def story(house: House) -> None:
        await (await house.calls(user)).confirms()
        assert house.voice.heard() == [Phrase.WELCOME]
        assert house.directory.asked == []

    live(story, reception=("+33 1 70 18 00 00",))


@pytest.mark.parametrize("user", ["100", "team.1", "1" * 21, "team." + "1" * 21])
def test_what_cannot_be_a_pin_is_no_guess(user: str) -> None:
    async def story(house: House) -> None:
        for _ in range(3):
            (await house.calls(user)).call.cancel()
        assert house.guard.failures == 0
        await house.enters("1111")

    live(story, limits={"pin_failures_per_source": 1})


def test_calls_at_the_same_moment_are_not_a_way_around_the_brakes() -> None:
    async def story(house: House) -> None:
        house.directory.gate = asyncio.Event()
        for pin in range(9000, 9006):
            await house.calls(str(pin))
        house.directory.gate.set()
        await settle()
        assert house.guard.failures == 3

    live(story, limits={"pin_failures_per_source": 30})


def test_a_directory_that_does_not_answer_costs_no_try() -> None:
    async def story(house: House) -> None:
        house.directory.error = RuntimeError("bug")
        await house.calls("1111")
        house.directory.error = None
        await house.enters("1111")

    live(story, limits={"pin_failures_per_source": 1})


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Unavailable("no database"), Outcome.UNAVAILABLE),
        (Refused(Outcome.ROOM_LOCKED), Outcome.ROOM_LOCKED),
    ],
)
def test_what_the_directory_says_refuses_the_call(answer: Refused | Unavailable, outcome: Outcome) -> None:
    async def story(house: House) -> None:
        house.directory.answer = answer
        for user in ("1111", "lobby", "team.1111"):
            assert (await house.calls(user)).call.endings == [outcome]
        assert house.guard.failures == 0
        assert house.desk.ended["inbound", outcome.label] == 3

    live(story)


def test_an_error_in_the_directory_ends_this_call_only_and_is_logged_with_its_id() -> None:
    async def story(house: House) -> None:
        good = await house.enters("1111")
        house.directory.error = RuntimeError("bug")
        with capture_logs() as logs:
            bad = await house.calls("lobby")
        assert bad.call.endings == [Outcome.INTERNAL]
        [entry] = [entry for entry in logs if entry["log_level"] == "error"]
        assert entry["call"] == bad.call.id
        assert entry["exc_info"]
        assert good.call.endings == []

    live(story)


@pytest.mark.parametrize(
    "sdp",
    [
        SOME + "m=audio 4000 RTP/AVP 18\r\n",
        SOME + "m=audio 4000 RTP/SAVP 0\r\n",
        SOME + "m=video 4000 RTP/AVP 31\r\n",
        SOME,
        SOME + "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n",
    ],
)
def test_nothing_in_common_is_no_codec(sdp: str) -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet", sdp=sdp)
        assert phone.call.endings == [Outcome.NO_CODEC]

    live(story)


def test_the_family_of_the_audio_counts_and_not_that_of_the_video() -> None:
    async def story(house: House) -> None:
        video = "m=video 4000 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\n"
        phone = await house.calls("meet", sdp=SOME + video + "m=audio 4000 RTP/AVP 0\r\n")
        assert [media.port > 0 for media in phone.call.answers[0].medias] == [False, True]

    live(story)


def test_without_ports_a_call_is_refused_as_overload() -> None:
    async def story(house: House) -> None:
        for _ in range(PAIRS):
            assert (await house.calls("meet")).call.answers
        assert (await house.calls("meet")).call.endings == [Outcome.OVERLOADED]

    live(story)


def test_calls_that_come_to_nothing_use_up_no_ports() -> None:
    async def story(house: House) -> None:
        for _ in range(2 * PAIRS):
            assert (await house.calls("meet", sdp=SOME + "m=audio 4000 RTP/AVP 18\r\n")).call.endings
        assert (await house.calls("meet")).call.answers

    live(story)


def test_the_ports_of_a_call_that_was_answered_rest() -> None:
    async def story(house: House) -> None:
        for _ in range(PAIRS):
            phone = await house.calls("meet")
            phone.call.cancel()
        assert (await house.calls("meet")).call.endings == [Outcome.OVERLOADED]
        await house.run(33.0)
        assert (await house.calls("meet")).call.answers

    live(story)


def test_cancelled_while_the_directory_is_asked() -> None:
    async def story(house: House) -> None:
        house.directory.gate = asyncio.Event()
        phone = await house.calls("1111")
        phone.call.cancel()
        house.directory.gate.set()
        await settle()
        assert phone.call.answers == []
        assert house.desk.ended["inbound", "cancelled"] == 1
        assert house.desk.invite_seconds.count == 0

    live(story)


def test_cancelled_while_the_ports_are_opened() -> None:
    async def story(house: House) -> None:
        phone = await house.calls("meet")
        assert phone.call.answers
        one_source = phone.call.source
        for loops in range(4):
            one = house.callers[0].__class__(
                house, "meet", "", display="", caller="b", source=one_source, number=100 + loops
            )
            house.callers.append(one)
            house.desk.on_call(one.call)
            for _ in range(loops):
                await asyncio.sleep(0)
            one.call.cancel()
            await settle()
            assert one.call.answers == [] or one.call.endings == [Outcome.CANCELLED]
        assert house.ports.in_use == 1

    live(story)


def test_ringing_before_the_answer_and_cancelled_meanwhile() -> None:
    async def story(house: House) -> None:
        first = await house.calls("meet")
        second = await house.calls("meet")
        assert (first.call.rang, first.call.answers) == (1, [])
        second.call.cancel()
        await asyncio.wait(house.time.tasks)  # the one real wait: SIP's ringing is not on the ticker's clock
        await settle()
        assert second.call.answers == []
        assert house.desk.invite_seconds.count == 1

    live(story, ringing_seconds=1)


def test_a_call_that_cannot_be_answered_is_ended() -> None:
    async def story(house: House) -> None:
        house.directory.gate = asyncio.Event()
        phone = await house.calls("1111")

        def answer(_: object) -> None:
            raise IllegalCall("not now")

        phone.call.answer = answer  # type: ignore[method-assign, assignment]
        house.directory.gate.set()
        await settle()
        assert phone.call.endings == [Outcome.INTERNAL]

    live(story)


def test_everybody_is_told_before_we_stop() -> None:
    async def story(house: House) -> None:
        inside = await house.enters("1111")
        asked = await house.calls("meet")
        await asked.confirms()
        unconfirmed = await house.calls("meet")
        house.voice.heard()
        house.desk.dismiss_all(Outcome.DRAINING)
        assert unconfirmed.call.endings == [Outcome.DRAINING]
        assert house.voice.heard() == [Phrase.ENDING] * 2
        await house.run(1.0)
        assert inside.call.endings == asked.call.endings == [Outcome.DRAINING]

    live(story)


def test_a_caller_who_vanished_is_ended_and_one_on_hold_is_not() -> None:
    async def story(house: House) -> None:
        gone, held = await house.enters("1111"), await house.enters("1111")
        held.call.handler.offered(held.sdp("a=sendonly"))
        await house.run(28.0)
        assert gone.call.endings == []
        await house.run(3.0)
        assert gone.call.endings == [Outcome.NO_MEDIA]
        await house.run(60.0)
        assert held.call.endings == []
        held.call.handler.offered(held.sdp())
        await house.run(29.0)
        assert held.call.endings == []
        await house.run(3.0)
        assert held.call.endings == [Outcome.NO_MEDIA]

    live(story)


def test_reports_are_sent_and_jitter_is_observed() -> None:
    async def story(house: House) -> None:
        await house.enters("1111")
        await house.run(10.0)
        assert house.desk.jitter_seconds.count >= 1

    live(story)


def test_refusals_have_their_outcome_in_the_log_but_no_digits() -> None:
    async def story(house: House) -> None:
        house.directory.error = PasserelleError("cannot", outcome=Outcome.UNAVAILABLE)
        with capture_logs() as logs:
            await house.calls("987654")
            house.directory.error = None
            await house.calls("987654")
        assert [entry["outcome"] for entry in logs if "outcome" in entry] == ["unavailable", "not_found"]
        assert "987654" not in str(logs)

    live(story)
