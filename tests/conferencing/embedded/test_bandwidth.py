"""A subscriber's link, simulated: what it takes, what is thought of it, and when."""

from __future__ import annotations

import pytest

from conferencing.embedded.bandwidth import LEAST, START, Bandwidth, ProbeState

MOST = 50_000_000.0


class Link:
    """Takes ``capacity`` bit/s; the subscriber reports loss every second and REMB as Chromium does."""

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.now = 100.0
        self.bandwidth = Bandwidth(self.now, MOST)
        self.octets = 0
        self.media = 0.0
        self.wanted = 0.0

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            before = self.octets
            for _ in range(50):
                self.now += 0.02
                self.octets += int(self.media * 0.02 / 8)
                self.bandwidth.measure(self.octets, self.now)
                self.octets += max(0, self.bandwidth.padding(self.octets, self.now))
                self.bandwidth.tick(self.wanted, self.now)
            rate = 8 * (self.octets - before)
            loss = max(0.0, 1 - self.capacity / rate) if rate else 0.0
            self.bandwidth.reported(loss, rate / 8 / 1000, 0.05, self.now)
            self.media = min(self.wanted, self.bandwidth.estimate)


def test_a_link_that_takes_all_is_left_alone() -> None:
    link = Link(10_000_000)
    link.wanted = link.media = 1_000_000
    link.run(20)
    assert link.bandwidth.estimate == START
    assert link.bandwidth.probes == 0


def test_a_narrow_link_is_noticed_at_once_and_its_recovery_within_ten_seconds() -> None:
    link = Link(10_000_000)
    link.wanted = link.media = 1_700_000
    link.run(5)
    link.capacity = 400_000
    link.run(2)
    assert link.bandwidth.estimate < 1_700_000 / 2
    link.run(20)
    assert link.bandwidth.estimate < 900_000
    link.capacity = 10_000_000
    link.run(10)
    assert link.bandwidth.estimate >= 1_700_000


def test_remb_is_believed_when_it_falls_and_when_it_says_more() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    assert not bandwidth.remb(300_000, 1.0)  # small because little was sent
    assert bandwidth.estimate == START
    assert not bandwidth.remb(320_000, 2.0)
    assert bandwidth.remb(200_000, 3.0)
    assert bandwidth.estimate == 200_000
    assert not bandwidth.remb(250_000, 4.0)
    assert bandwidth.estimate == 250_000
    assert bandwidth.remb(0, 5.0)
    assert bandwidth.estimate == LEAST


def test_a_remb_that_stands_below_what_is_sent_is_believed_after_a_second() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.sent = 420_000
    for now in (1.0, 1.5, 1.9):
        assert not bandwidth.remb(280_000, now)
    assert bandwidth.estimate == START
    assert bandwidth.remb(281_000, 2.1)
    assert bandwidth.estimate == 281_000


@pytest.mark.parametrize(("rate", "growth"), [(280_000, 1.08), (400_000, 1.0)])
def test_a_remb_that_rises_or_swings_is_only_behind(rate: float, growth: float) -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.sent = 420_000
    for second in range(5):
        assert not bandwidth.remb(rate * growth**second, 1.0 + second)
    assert bandwidth.estimate == START


def test_a_remb_may_stand_while_we_probe() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.sent = 250_000
    assert not bandwidth.remb(300_000, 1.0)
    bandwidth.tick(5_000_000, 3.0)
    assert bandwidth.state is ProbeState.PROBING
    bandwidth.sent = 900_000
    assert not bandwidth.remb(300_000, 3.1)
    assert not bandwidth.remb(300_000, 4.3)
    assert bandwidth.state is ProbeState.PROBING


def test_two_lost_of_fifteen_are_chance() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.sent = 200_000
    assert not bandwidth.reported(2 / 15, 15, 0.05, 1.0)
    assert not bandwidth.reported(0.05, 100, 0.05, 2.0)
    assert bandwidth.reported(0.3, 100, 0.05, 3.0)


def probing() -> Bandwidth:
    """A probe has been sent; 2.5 MB/s were reached."""
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.reported(0.0, 100, 0.05, 1.0)
    bandwidth.tick(5_000_000, 5.0)
    bandwidth.measure(500_000, 5.8)
    bandwidth.tick(5_000_000, 5.81)
    assert bandwidth.probes == 1
    return bandwidth


def test_a_probe_that_went_well_raises_the_estimate() -> None:
    bandwidth = probing()
    assert bandwidth.estimate == START
    assert bandwidth.state is ProbeState.AWAITING
    bandwidth.reported(0.01, 100, 0.06, 6.2)
    assert 4_500_000 < bandwidth.estimate <= 5_000_000


def test_a_probe_fails_by_delay_loss_or_silence() -> None:
    delayed, lossy, silent, fallen = (probing() for _ in range(4))
    delayed.reported(0.0, 100, 0.3, 6.2)
    lossy.reported(0.09, 100, 0.05, 6.2)
    silent.tick(5_000_000, 7.6)
    fallen.remb(3_000_000, 6.0)
    fallen.remb(1_000_000, 6.1)
    for bandwidth in (delayed, lossy, silent, fallen):
        assert bandwidth.state is ProbeState.RESTING
        assert bandwidth.estimate <= 3_000_000
        bandwidth.tick(5_000_000, 8.9)
        assert bandwidth.probes == 1
        bandwidth.tick(5_000_000, 10.7)
        assert bandwidth.probes == 2


def test_a_probe_proves_no_more_than_was_sent() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.tick(10_000_000, 3.0)
    bandwidth.measure(50_000, 3.5)
    bandwidth.tick(10_000_000, 4.1)
    bandwidth.reported(0.0, 100, 0.05, 4.2)
    assert bandwidth.state is ProbeState.RESTING
    assert bandwidth.estimate == START


def test_a_report_in_the_middle_decides_nothing_good() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.tick(10_000_000, 3.0)
    bandwidth.reported(0.0, 100, 0.05, 3.4)
    assert bandwidth.state is ProbeState.PROBING


def sending(seconds: float, rate: float, bandwidth: Bandwidth, now: float) -> float:
    octets = bandwidth._octets
    for _ in range(round(seconds / 0.02)):
        now += 0.02
        octets += int(rate * 0.02 / 8)
        bandwidth.measure(octets, now)
    return now


def test_what_came_through_is_proved_unless_it_waits_in_a_queue() -> None:
    bandwidth = Bandwidth(0.0, MOST)
    bandwidth.remb(900_000, 0.5)
    bandwidth.remb(400_000, 1.0)
    now = sending(1.0, 440_000, bandwidth, 1.0)
    bandwidth.reported(0.0, 50, 0.02, now)
    assert bandwidth.estimate == pytest.approx(440_000, rel=0.01)
    now = sending(1.0, 500_000, bandwidth, now)
    bandwidth.reported(0.0, 50, 0.1, now)
    assert bandwidth.estimate == pytest.approx(440_000, rel=0.01)
    now = sending(1.0, 800_000, bandwidth, now)
    bandwidth.remb(300_000, now)
    bandwidth.reported(0.0, 50, 0.02, now + 0.1)  # of what was sent before the fall
    assert bandwidth.estimate == 300_000
