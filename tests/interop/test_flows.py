"""Call flows that phones, room systems and failures produce, by SIPp."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import MEDIA_TIMEOUT, Call, MakeGateway, MakePhone, MakePjsua
from .peers.audio import TONES
from .peers.baresip import Baresip
from .peers.gateway import Gateway
from .peers.phone import settles
from .peers.rtp import RtpLeg
from .peers.sipp import Counts, header, media_lines

Leg = Callable[[float], RtpLeg]


@pytest.fixture
def listener(gateway: Gateway, phone: MakePhone) -> Baresip:
    """Somebody in the demo room."""
    listener = phone(TONES[1])
    listener.dial(gateway.uri(gateway.room("demo").pin))
    return listener


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_enters_by_pin_and_hears(
    gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg, transport: str
) -> None:
    media = leg(TONES[0])
    pin = gateway.room("demo").pin
    caller = sipp("enter", gateway, pin, media=media, transport=transport)
    settles(listener, hears=[media])
    settles(media, hears=[listener])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()


def test_late_offer(gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg) -> None:
    media = leg(TONES[0])
    caller = sipp("late_offer", gateway, gateway.room("demo").pin, media=media)
    offer = media_lines(caller.received("SIP/2.0 200"))
    assert len(offer) == 1
    settles(media, hears=[listener])
    settles(listener, hears=[media])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()


def test_what_is_not_taken_is_refused_line_by_line(
    gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg
) -> None:
    media = leg(TONES[0])
    caller = sipp("room_system", gateway, gateway.room("demo").pin, media=media)
    lines = [line.split() for line in media_lines(caller.received("SIP/2.0 200"))]
    assert [line[0] for line in lines] == ["audio", "video", "video", "application", "application", "image"]
    assert int(lines[0][1]) > 0
    assert lines[0][2:] == ["RTP/AVP", "0", "101"]
    assert [line[1] for line in lines[1:]] == ["0"] * 5
    assert [line[2] for line in lines[1:]] == ["RTP/AVP", "RTP/AVP", "UDP/BFCP", "RTP/AVP", "udptl"]
    settles(listener, hears=[media])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()


def test_cancel_while_ringing(gateway_with: MakeGateway, sipp: Call) -> None:
    gateway = gateway_with(sip={"ringing_seconds": 5})
    caller = sipp("cancel", gateway, "meet")
    assert caller.finish() == Counts(1, 0), caller.explain()
    gateway.calls(0)


def test_ringing_then_answered(gateway_with: MakeGateway, phone: MakePhone) -> None:
    gateway = gateway_with(sip={"ringing_seconds": 1})
    caller = phone(TONES[0])
    caller.start_dialling(gateway.uri("meet"))
    caller.expect("CALL_RINGING")
    caller.expect("CALL_ESTABLISHED")


def test_a_caller_who_vanishes_is_hung_up_on(
    gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg
) -> None:
    media = leg(TONES[0])
    caller = sipp("dropped", gateway, gateway.room("demo").pin, media=media)
    settles(listener, hears=[media])
    media.pause()
    assert caller.finish() == Counts(1, 0), caller.explain()
    gateway.participants(1)


@pytest.mark.parametrize("scenario", ["hold", "hold_old", "update"])
def test_hold_leaves_the_mix_and_resume_returns(
    gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg, scenario: str
) -> None:
    """For longer than the media time-out, and though the holder goes on sending (its hold music)."""
    media = leg(TONES[0])
    caller = sipp(scenario, gateway, gateway.room("demo").pin, media=media)
    settles(listener, hears=[media])
    caller.go_on()
    settles(listener, not_hears=[media])
    listener.hear(MEDIA_TIMEOUT + 1)
    caller.go_on()
    settles(listener, hears=[media])
    settles(media, hears=[listener])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()
    answers = [text for text in caller.messages() if text.startswith("SIP/2.0 200") and "m=audio" in text]
    assert len(answers) == 3
    assert any(f"a={direction}\n" in answers[1] for direction in ("recvonly", "inactive"))


def test_pjsua_holds_and_resumes(gateway: Gateway, listener: Baresip, pjsua: MakePjsua) -> None:
    caller = pjsua(TONES[0])
    caller.dial(gateway.uri(gateway.room("demo").pin))
    settles(listener, hears=[caller])
    caller.hold()
    settles(listener, not_hears=[caller])
    caller.resume()
    settles(listener, hears=[caller])
    settles(caller, hears=[listener])


def test_baresip_holds_and_resumes(gateway: Gateway, listener: Baresip, phone: MakePhone) -> None:
    caller = phone(TONES[0])
    caller.dial(gateway.uri(gateway.room("demo").pin))
    settles(listener, hears=[caller])
    caller.hold()
    settles(listener, not_hears=[caller])
    caller.resume()
    settles(listener, hears=[caller])


def test_media_moves(gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg) -> None:
    before, after = leg(TONES[0]), leg(TONES[2])
    caller = sipp(
        "moved",
        gateway,
        gateway.room("demo").pin,
        media=before,
        keys={"rtp2": after.port, "ip2": after.address},
    )
    settles(listener, hears=[before])
    caller.go_on()
    settles(after, hears=[listener])
    settles(listener, hears=[after], not_hears=[before])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()


def test_a_failed_reinvite_changes_nothing(gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg) -> None:
    media = leg(TONES[0])
    caller = sipp("bad_offer", gateway, gateway.room("demo").pin, media=media)
    settles(listener, hears=[media])
    caller.go_on()
    caller.received("SIP/2.0 488")
    settles(listener, hears=[media])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()


def test_no_ack_no_media_and_a_bye(gateway: Gateway, sipp: Call, leg: Leg) -> None:
    """A spoofed INVITE must not make us send anything to anyone; after 64 T1 the call is ended."""
    media = leg(TONES[0])
    caller = sipp("no_ack", gateway, gateway.room("demo").pin, media=media)
    caller.received("BYE", timeout=90)
    assert media.packets == 0
    assert caller.finish() == Counts(1, 0), caller.explain()


@pytest.mark.parametrize(
    "scenario",
    [
        "options",
        "options_inside",
        "info_refused",
        "message",
        "unknown_method",
        "subscribe",
        "require",
        "stray_bye",
    ],
)
def test_everything_else_is_answered(gateway: Gateway, sipp: Call, leg: Leg, scenario: str) -> None:
    caller = sipp(scenario, gateway, "meet", media=leg(TONES[0]))
    assert caller.finish() == Counts(1, 0), caller.explain()
    last = caller.messages()[-1]
    if scenario in ("options", "message"):
        assert "INVITE" in (header(last, "Allow") or "")
    if scenario == "require":
        assert header(caller.received("SIP/2.0 420"), "Unsupported") == "frobnication"


def test_five_at_once(gateway: Gateway, listener: Baresip, sipp: Call, leg: Leg) -> None:
    media = leg(TONES[0])
    caller = sipp("enter", gateway, gateway.room("demo").pin, media=media, calls=5, rate=50)
    gateway.participants(6)
    caller.go_on()
    assert caller.finish() == Counts(5, 0), caller.explain()
    gateway.participants(1)
