"""The process as its operator sees it: health, limits, draining, ending, and IPv6."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Call, MakeGateway, MakePhone
from .peers.audio import TONES
from .peers.baresip import Baresip
from .peers.gateway import Gateway
from .peers.network import Network, free_ports, ipv6_loopback
from .peers.phone import hears_prompt, settles
from .peers.process import PATIENCE, until
from .peers.rtp import RtpLeg
from .peers.sipp import Counts, header

Leg = Callable[[float], RtpLeg]


def test_health_and_metrics(gateway: Gateway, phone: MakePhone) -> None:
    assert gateway.http("/healthz")[0] == 200
    before = gateway.metric("passerelle_calls_total", direction="inbound")
    caller = phone(TONES[0])
    caller.dial(gateway.uri(gateway.room("demo").pin))
    gateway.participants(1)
    assert gateway.metric("passerelle_meetings") == 1
    gateway.passes("passerelle_rtp_packets_total", 50)
    gateway.passes("passerelle_invite_seconds_count", 0)
    gateway.passes("passerelle_tick_late_seconds_count", 50)
    caller.hang_up()
    gateway.calls(0)
    assert gateway.metric("passerelle_calls_total", direction="inbound") == before + 1


def test_sigterm_drains(gateway_with: MakeGateway, phone: MakePhone, sipp: Call) -> None:
    """New calls get 503 with Retry-After, those there go on; when the last has left the process ends."""
    gateway = gateway_with(limits={"drain_seconds": 60})
    room = gateway.room("demo")
    first, second = phone(TONES[0]), phone(TONES[1])
    first.dial(gateway.uri(room.pin))
    second.dial(gateway.uri(room.pin))
    settles(first, hears=[second])
    gateway.process.send(signal.SIGTERM)
    until(lambda: gateway.http("/readyz")[0] == 503, PATIENCE, "the drain")
    late = sipp("refused", gateway, room.pin)
    assert late.finish() == Counts(1, 0), late.explain()
    assert int(header(late.received("SIP/2.0 503"), "Retry-After") or 0) > 0
    settles(first, hears=[second])
    second.hang_up()
    first.hang_up()
    assert gateway.process.wait() == 0


def test_draining_ends_after_its_time_and_callers_are_told(
    gateway_with: MakeGateway, phone: MakePhone
) -> None:
    gateway = gateway_with(limits={"drain_seconds": 7})
    caller = phone(TONES[0])
    caller.dial(gateway.uri(gateway.room("demo").pin))
    gateway.participants(1)
    settles(caller)
    gateway.process.send(signal.SIGTERM)
    caller.closed()
    hears_prompt(caller, "fr/ending")
    assert gateway.process.wait() == 0


def test_sigint_says_bye_to_all(gateway_with: MakeGateway, phone: MakePhone) -> None:
    gateway = gateway_with()
    caller = phone(TONES[0])
    caller.dial(gateway.uri(gateway.room("demo").pin))
    gateway.participants(1)
    gateway.process.send(signal.SIGINT)
    caller.closed()
    assert gateway.process.wait() == 0


def test_limits(gateway_with: MakeGateway, network: Network, sipp: Call, leg: Leg) -> None:
    """Per source 486; for all 503 with Retry-After."""
    gateway = gateway_with(limits={"calls": 3, "calls_per_source": 2})
    room, media = gateway.room("demo"), leg(TONES[0])
    source = network.address()
    two = sipp("enter", gateway, room.pin, media=media, calls=2, address=source)
    gateway.calls(2)
    greedy = sipp("refused", gateway, room.pin, media=media, address=source, port=5062)
    assert greedy.finish() == Counts(1, 0), greedy.explain()
    assert greedy.received("SIP/2.0 486")
    one = sipp("enter", gateway, room.pin, media=media)
    gateway.calls(3)
    late = sipp("refused", gateway, room.pin, media=media)
    assert late.finish() == Counts(1, 0), late.explain()
    assert int(header(late.received("SIP/2.0 503"), "Retry-After") or 0) > 0
    gateway.participants(3)
    for each in (one, two):
        each.go_on()
    assert one.finish() == Counts(1, 0), one.explain()
    assert two.finish() == Counts(2, 0), two.explain()
    gateway.calls(0)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_ipv6(homes: Callable[[str], Path], network: Network, phone: MakePhone, transport: str) -> None:
    """A phone on ::1 and one on 127.0.0.0/8 in one room."""
    if not ipv6_loopback():
        pytest.skip("this machine has no ::1")
    address = network.address()
    ports = free_ports("::1")
    port = next(ports)
    overrides = {
        "sip": {
            "listen": [
                f"{kind}:{host}" for kind in ("udp", "tcp") for host in (f"{address}:5060", f"[::1]:{port}")
            ]
        },
        "media": {"address": [address, "::1"]},
    }
    home = homes("six")
    with Gateway(home / "gateway", address, overrides=overrides) as gateway:
        six = Baresip(
            home / "phone",
            "::1",
            frequency=TONES[0],
            sip_port=next(ports),
            control_port=next(ports),
        )
        room = gateway.room("demo")
        with six:
            four = phone(TONES[1])
            four.dial(gateway.uri(room.pin))
            six.dial(f"sip:{room.pin}@[::1]:{port};transport={transport}")
            gateway.participants(2)
            settles(six, hears=[four])
            settles(four, hears=[six])
            six.hang_up()
            four.hang_up()
            gateway.calls(0)
