"""Packets leave at a pace, in order, with the time at which they leave."""

from __future__ import annotations

from conferencing.embedded.pacer import MAX_WAITING, Pacer
from conferencing.embedded.slot import abs_send_time


def test_a_burst_is_spread_and_stays_in_order() -> None:
    sent: list[bytes] = []
    pacer = Pacer(lambda packet: sent.append(bytes(packet)))
    pacer.set_estimate(800_000)  # paced at 250 octets/ms
    now = 10.0
    pacer.tick(now)
    for number in range(100):
        pacer.send(bytes((number,)) * 1000, 0)
    at_once = len(sent)
    assert 5 <= at_once <= 11
    ticks = 0
    while len(sent) < 100:
        now += 0.02
        ticks += 1
        pacer.tick(now)
        pacer.send(bytes((100 + ticks,)) * 10, 0)
    assert 17 <= ticks <= 20
    assert [packet[0] for packet in sent[:100]] == list(range(100))


def test_what_waited_says_when_it_left() -> None:
    sent: list[bytes] = []
    pacer = Pacer(lambda packet: sent.append(bytes(packet)))
    pacer.tick(10.0)
    for _ in range(20):
        pacer.send(bytes(1000), 17)
    pacer.tick(10.02)
    assert sent[0][17:20] == bytes(3)
    assert sent[-1][17:20] == abs_send_time(10.02).to_bytes(3, "big")


def test_what_would_wait_for_ever_is_dropped() -> None:
    pacer = Pacer(lambda packet: None)
    for _ in range(MAX_WAITING // 1000 + 100):
        pacer.send(bytes(1000), 0)
    assert pacer.dropped > 0
    assert pacer.waiting_octets <= MAX_WAITING + 1000
