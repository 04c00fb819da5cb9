"""What can be dialled: PINs, rooms and both in one URI."""

from __future__ import annotations

from .conftest import Call, MakePhone
from .peers.audio import TONES
from .peers.gateway import Gateway
from .peers.phone import hears_prompt, settles
from .peers.sipp import Counts


def test_pin_and_slug_dot_pin_and_open_slug_go_straight_in(gateway: Gateway, phone: MakePhone) -> None:
    room = gateway.room("lobby", "--open")
    callers = [phone(TONES[0]), phone(TONES[1]), phone(TONES[2])]
    for caller, user in zip(callers, (room.pin, f"{room.slug}.{room.pin}", room.slug), strict=True):
        caller.dial(gateway.uri(user))
    gateway.participants(3)
    settles(callers[0], hears=[callers[1], callers[2]])


def test_a_closed_room_asks_for_its_own_pin(gateway: Gateway, phone: MakePhone) -> None:
    room, other = gateway.room("demo"), gateway.room("other")
    caller = phone(TONES[0])
    caller.dial(gateway.uri(room.slug))
    hears_prompt(caller, "fr/ask_room_pin")
    caller.digits(f"{other.pin}#")
    hears_prompt(caller, "fr/wrong_pin")
    caller.digits(f"{room.pin}#")
    gateway.participants(1)


def test_a_wrong_pin_in_a_uri_counts_as_a_try(gateway: Gateway, phone: MakePhone, sipp: Call) -> None:
    room = gateway.room("demo")
    gateway.secrets.add("5647382910")
    failures = gateway.metric("passerelle_pin_failures_total")
    caller = phone(TONES[0])
    caller.dial(gateway.uri(f"{room.slug}.5647382910"))
    gateway.shows("passerelle_pin_failures_total", failures + 1)
    assert gateway.metric("passerelle_participants") == 0
    caller.hang_up()


def test_an_unknown_name_is_not_found(gateway: Gateway, sipp: Call) -> None:
    caller = sipp("refused", gateway, "nobody-here")
    assert caller.finish() == Counts(1, 0), caller.explain()
    assert caller.received("SIP/2.0 404")
