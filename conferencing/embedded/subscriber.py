"""All that one browser is sent: its slots, the pace of its link, and what it says of both.

Slots are fixed lines (``offer``); who is on them, and in which layer, is decided by ``stage``, within what
``bandwidth`` thinks the link takes. Key frames that the subscriber wants are asked of the publisher; what it
misses is sent again, up to a share of its bandwidth, so that NACKs without end are not served without end.

Time is in seconds, rates in bit/s.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, Protocol

from conferencing.embedded import feedback
from conferencing.embedded.bandwidth import Bandwidth
from conferencing.embedded.pacer import Pacer
from conferencing.embedded.stage import Cast, Stage
from media.rtcp import NTP_EPOCH, Feedback, SenderReport
from media.rtp import ReportBlock

UNKNOWN_ROUND_TRIP: Final = 0.1  # s
MAX_ROUND_TRIP: Final = 10.0  # s; what claims more is not an echo of our report
REPAIR_SHARE: Final = 0.3  # of the estimate may go into repairs


class Wire(Protocol):
    """Where packets go."""

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Send one packet."""


class Subscriber:
    """One browser's slots and link (``slot.Outlet``). ``most``: bit/s of video it may be sent."""

    def __init__(self, participant_id: str, cast: Cast, random: Random, now: float, most: float) -> None:
        self.stage = Stage(participant_id, cast, self, random)
        self.bandwidth = Bandwidth(now, most)
        self.round_trip = UNKNOWN_ROUND_TRIP
        self._repair_credit = 0.0  # octets
        self._credited_at = now

    def attach(self, wire: Wire) -> None:
        """Send there; before anything else."""
        self.send_rtp = wire.send_rtp
        self._pacer = Pacer(wire.send_rtp)
        self.pace = self._pacer.send
        self._pacer.set_estimate(self.bandwidth.estimate)

    def close(self, now: float) -> None:
        """Let go of all slots, and of what waits to be sent."""
        self.stage.close(now)
        self._pacer.clear()

    def assign(self, now: float) -> bool:
        """Somebody came, left, or is wanted: give out slots and layers. True when a tile changed hands."""
        changed = self.stage.assign()
        self.choose_layers(now)
        return changed

    def choose_layers(self, now: float, *, overloaded: bool = False) -> None:
        """Spread the bandwidth that there is over the slots."""
        self.stage.choose_layers(self.bandwidth.estimate, now, overloaded=overloaded)
        self._pacer.set_estimate(self.bandwidth.estimate)

    # What it says

    def hear(self, packet: Feedback, now: float) -> None:
        """Take REMB, NACK, PLI or FIR."""
        rate = feedback.read_remb(packet)
        if rate is not None:
            if self.bandwidth.remb(rate, now):
                self.choose_layers(now, overloaded=True)
        elif (packet.packet_type, packet.format) == (feedback.RTPFB, feedback.NACK):
            self._repair(packet, now)
        else:
            for ssrc in feedback.asks_keyframe(packet):
                slot = self.stage.pictures.get(ssrc)
                if slot and slot.current:
                    slot.current.request_keyframe(now)

    def _repair(self, nack: Feedback, now: float) -> None:
        slot = self.stage.pictures.get(nack.media_ssrc)
        if slot is None:
            return
        most = REPAIR_SHARE * self.bandwidth.estimate / 8
        self._repair_credit = min(self._repair_credit + most * (now - self._credited_at), most)
        self._credited_at = now
        for sequence in feedback.read_nack(nack.control):
            if self._repair_credit <= 0.0:
                return
            self._repair_credit -= slot.repair(sequence, now)

    def reported(self, blocks: Sequence[ReportBlock], now: float) -> None:
        """Take what a receiver report says of the slots."""
        expected = lost = 0.0
        for block in blocks:
            if block.last_sender_report:
                ticks = (ntp_time(now) >> 16) - block.last_sender_report - block.delay_since
                seconds = (ticks & 0xFFFFFFFF) / 65536
                if seconds < MAX_ROUND_TRIP:
                    self.round_trip = seconds
            slot = self.stage.pictures.get(block.ssrc) or self.stage.repairers.get(block.ssrc)
            if slot:
                count, missed = slot.reported(block)
                expected += count
                lost += missed
        if expected and self.bandwidth.reported(lost / expected, expected, self.round_trip, now):
            self.choose_layers(now, overloaded=True)

    # Time

    def tick(self, now: float) -> None:
        """Send what waited, and fill the link up to the rate that is being tried; every 20 to 100 ms."""
        sent = self._pacer.octets + self._pacer.waiting_octets
        if not sent:  # only voices, which are neither paced nor measured
            return
        self._pacer.tick(now)
        self.bandwidth.measure(sent, now)
        missing = self.bandwidth.padding(sent, now)
        while missing > 0 and (octets := self.stage.probe(now)):
            missing -= octets

    def look(self, now: float) -> None:
        """Begin or end a probe; a few times a second."""
        self.bandwidth.tick(self.stage.wanted_rate, now)

    def reports(self, now: float) -> Iterator[SenderReport]:
        """A sender report for each slot in use."""
        for slot in self.stage.slots():
            clock = slot.clock_at(now)
            if clock is not None:
                yield SenderReport(slot.ssrc, ntp_time(now), clock, slot.packets, slot.octets)


def ntp_time(now: float) -> int:
    """64 bits; counted from when ``now`` began, as RFC 3550 section 4 allows."""
    return int((now + NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
