"""The voice that asks for the PIN, from a telephone's side."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Call, MakeGateway, MakePhone, MakePjsua
from .peers.audio import TONES
from .peers.gateway import Gateway
from .peers.phone import hears_prompt
from .peers.rtp import RtpLeg
from .peers.sipp import Counts

WRONG = "1029384756"


@pytest.mark.parametrize(("user", "language"), [("meet", "fr"), ("meet-en", "en")])
def test_the_voice_speaks_the_language_of_the_number(
    gateway: Gateway, phone: MakePhone, user: str, language: str
) -> None:
    caller = phone(TONES[0])
    caller.dial(gateway.uri(user))
    hears_prompt(caller, f"{language}/welcome")
    caller.hang_up()


def test_the_room_speaks_its_own_language(gateway: Gateway, phone: MakePhone) -> None:
    caller = phone(TONES[0])
    caller.dial(gateway.uri(gateway.room("english", "--language", "en").pin))
    hears_prompt(caller, "en/alone")
    caller.hang_up()


def test_three_wrong_pins_end_the_call(gateway: Gateway, phone: MakePhone) -> None:
    gateway.secrets.add(WRONG)
    failures = gateway.metric("passerelle_pin_failures_total")
    caller = phone(TONES[0])
    caller.dial(gateway.uri("meet"))
    for tries in range(1, 4):
        caller.digits(f"{WRONG}#")
        gateway.shows("passerelle_pin_failures_total", failures + tries)
        if tries == 1:
            hears_prompt(caller, "fr/wrong_pin")
    caller.closed()
    hears_prompt(caller, "fr/too_many_tries")


def test_after_a_wrong_pin_the_right_one_enters(gateway: Gateway, phone: MakePhone) -> None:
    caller = phone(TONES[0])
    caller.dial(gateway.uri("meet"))
    caller.digits(f"{WRONG}#")
    hears_prompt(caller, "fr/wrong_pin")
    caller.digits(f"{gateway.room('demo').pin}#")
    gateway.participants(1)


def test_a_pause_ends_the_pin(gateway: Gateway, phone: MakePhone) -> None:
    caller = phone(TONES[0])
    caller.dial(gateway.uri("meet"))
    caller.digits(gateway.room("demo").pin)
    gateway.participants(1)


def test_star_starts_the_pin_over(gateway: Gateway, phone: MakePhone) -> None:
    failures = gateway.metric("passerelle_pin_failures_total")
    caller = phone(TONES[0])
    caller.dial(gateway.uri("meet"))
    caller.digits(f"77*{gateway.room('demo').pin}#")
    gateway.participants(1)
    assert gateway.metric("passerelle_pin_failures_total") == failures


def test_saying_nothing_repeats_the_question_and_ends_the_call(
    gateway_with: MakeGateway, phone: MakePhone
) -> None:
    gateway = gateway_with(ivr={"silence_seconds": 1, "repeats": 1})
    caller = phone(TONES[0])
    caller.dial(gateway.uri("meet"))
    caller.closed()
    hears_prompt(caller, "fr/welcome")
    hears_prompt(caller, "fr/goodbye_silent")


def test_pjsua_types_the_pin_by_info(gateway: Gateway, pjsua: MakePjsua) -> None:
    """`application/dtmf-relay`."""
    caller = pjsua(TONES[0])
    caller.dial(gateway.uri("meet"))
    caller.digits(f"{gateway.room('demo').pin}#", info=True)
    gateway.participants(1)


def test_sipp_types_the_pin_by_info(gateway: Gateway, sipp: Call, leg: Callable[[float], RtpLeg]) -> None:
    """`application/dtmf`, from a phone that did not offer telephone-event."""
    pin = gateway.room("six", "--pin", "604913").pin
    keys = {f"d{i}": digit for i, digit in enumerate(f"{pin}#", 1)}
    caller = sipp("info", gateway, "meet", media=leg(TONES[0]), keys=keys)
    gateway.participants(1)
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()
