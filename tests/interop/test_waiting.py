"""The waiting room and the hand, as a telephone has them."""

from __future__ import annotations

import pytest

from .conftest import MakePhone
from .peers.audio import TONES
from .peers.gateway import Gateway
from .peers.phone import hears_prompt, settles


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_who_waits_hears_words_and_music_and_may_leave(
    gateway: Gateway, phone: MakePhone, codec: str
) -> None:
    room = gateway.room("foyer", "--access", "waiting")
    caller, host = phone(TONES[0], codec), phone(TONES[1])
    assert room.host_pin is not None
    host.dial(gateway.uri(room.host_pin))
    gateway.participants(1)
    caller.dial(gateway.uri(room.pin))
    hears_prompt(caller, "fr/waiting_room")
    hears_prompt(caller, "music")
    settles(caller, not_hears=[host])
    settles(host, not_hears=[caller])
    gateway.participants(1)
    caller.digits("##")
    hears_prompt(caller, "fr/goodbye")
    caller.closed()


def test_the_hand_goes_up_and_down_by_the_keypad(gateway: Gateway, phone: MakePhone) -> None:
    caller = phone(TONES[0])
    caller.dial(gateway.uri(gateway.room("demo").pin))
    hears_prompt(caller, "fr/alone")
    caller.digits("*9")
    hears_prompt(caller, "fr/hand_raised")
    caller.digits("*9")
    hears_prompt(caller, "fr/hand_lowered")
    caller.hang_up()
