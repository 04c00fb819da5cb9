"""The peers among themselves: what a failure of theirs looks like without a gateway between them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from .conftest import MakePhone, MakePjsua
from .peers.audio import TONES
from .peers.network import Network
from .peers.phone import settles
from .peers.rtp import RtpLeg
from .peers.sipp import Counts, Sipp


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_baresip_and_pjsua_hear_each_other(phone: MakePhone, pjsua: MakePjsua, codec: str) -> None:
    caller, called = pjsua(TONES[0], codec), phone(TONES[1], codec, answers=True)
    caller.dial(called.uri)
    settles(caller, hears=[called])
    settles(called, hears=[caller])
    assert caller.codec() == codec
    caller.hang_up()
    called.closed()


def test_sipp_and_baresip_hear_each_other(
    stack: ExitStack,
    phone: MakePhone,
    leg: Callable[[float], RtpLeg],
    network: Network,
    homes: Callable[[str], Path],
) -> None:
    called, media = phone(TONES[1], answers=True), leg(TONES[0])
    caller = stack.enter_context(
        Sipp(homes("sipp"), network.address(), "enter", called.address, "phone", media=media)
    )
    settles(media, hears=[called])
    settles(called, hears=[media])
    caller.go_on()
    assert caller.finish() == Counts(1, 0), caller.explain()
