"""How much video a subscriber's link takes, and finding out whether it takes more.

A browser tells by REMB what its delay-based estimator thinks, and by receiver reports what was lost. Its
REMB follows what is *sent*: while little is sent it stays small, so a fall of it means an overloaded link,
but its being small does not. Hence:

- a REMB that falls is believed at once; one above our estimate raises it;
- more than a tenth lost lowers the estimate to what came through, and half the loss less;
- to learn more, we **probe**: for a second we send up to twice what is sent already, the surplus as RTX of
  packets the subscriber has. When nothing is lost, the round trip does not grow and REMB does not fall, the
  link takes it, and a layer may be raised. When it does not, the probe ends at once and the next one comes
  after a pause, of 4 s at most: a link that has recovered has its old layer within ten seconds.

::

            wanted > estimate, rested                1 s passed well
    RESTING ─────────────────────────► PROBING ──────────────────────► RESTING (estimate raised, short pause)
                                          │    loss, delay, REMB falls
                                          └──────────────────────────► RESTING (longer pause)

Units: bit/s, seconds; loss as a fraction.
"""

from enum import Enum, auto
from typing import Final

START: Final = 2_500_000.0
LEAST: Final = 50_000.0
MOST: Final = 50_000_000.0
HIGH_LOSS: Final = 0.10
ENOUGH: Final = 100  # packets
PROBE_LOSS: Final = 0.06  # beside the loss that was there before
PROBE_TIME: Final = 1.0
PROBE_GROWTH: Final = 2.0
PAUSE_AFTER_FALL: Final = 2.0
PAUSE_AFTER_SUCCESS: Final = 0.5
PAUSE_AFTER_FAILURE: Final = 3.5
GROWN_DELAY: Final = 0.15  # s more of round trip
FALL: Final = 0.97  # of the REMB before


class ProbeState(Enum):
    """See the module's diagram."""

    RESTING = auto()
    PROBING = auto()


class Bandwidth:
    """One subscriber's estimate. ``estimate`` is what video may take."""

    def __init__(self, now: float) -> None:
        self.estimate = START
        self.state = ProbeState.RESTING
        self.loss = 0.0
        self.sent = 0.0  # bit/s lately, all video and probes
        self.probes = 0
        self._remb: float | None = None
        self._round_trip = 0.0
        self._octets = 0
        self._octets_before = 0
        self._octets_at_start = 0
        self._measured_at = now
        self._rest_until = now + PAUSE_AFTER_FALL
        self._target = 0.0
        self._began = 0.0
        self._loss_before = 0.0
        self._round_trip_before = 0.0

    def measure(self, octets: int, now: float) -> None:
        """``octets`` is all that was ever sent; call it with every tick."""
        self._octets = octets
        elapsed = now - self._measured_at
        if elapsed >= 0.15:
            rate = 8 * (octets - self._octets_before) / elapsed
            self.sent += 0.5 * (rate - self.sent)
            self._octets_before, self._measured_at = octets, now

    def remb(self, rate: float, now: float) -> bool:
        """Take what the subscriber thinks of its link; True when the estimate fell."""
        before, self._remb = self._remb, rate
        if rate > self.estimate:
            self.estimate = min(rate, MOST)
        elif before is not None and rate < FALL * before and rate < self.estimate:
            return self._fall(rate, now)
        return False

    def reported(self, loss: float, packets: float, round_trip: float, now: float) -> bool:
        """Take a receiver report about so many packets; True when the estimate fell."""
        # Two lost of fifteen are chance: a report counts by its number of packets.
        self.loss += min(1.0, packets / ENOUGH) * (loss - self.loss)
        self._round_trip = round_trip
        if self.state is ProbeState.PROBING:
            self._judge(now)
        if self.loss > HIGH_LOSS and self.sent > 0.0:
            fallen = self._fall(min(self.estimate, self.sent) * (1.0 - 0.5 * self.loss), now)
            self.loss = HIGH_LOSS / 2  # what was sent before is judged
            return fallen
        return False

    def _fall(self, rate: float, now: float) -> bool:
        self.estimate = max(LEAST, rate)
        failed = self.state is ProbeState.PROBING
        self.state = ProbeState.RESTING
        self._rest_until = now + (PAUSE_AFTER_FAILURE if failed else PAUSE_AFTER_FALL)
        return True

    def tick(self, wanted: float, now: float) -> None:
        """``wanted`` (bit/s) is what the subscriber would be sent on an endless link."""
        if self.state is ProbeState.PROBING:
            self._judge(now)
        elif wanted > self.estimate and now >= self._rest_until:
            self.state = ProbeState.PROBING
            self.probes += 1
            self._target = min(wanted * 1.05, PROBE_GROWTH * max(self.sent, 2 * LEAST, self.estimate))
            self._began, self._octets_at_start = now, self._octets
            self._loss_before, self._round_trip_before = self.loss, self._round_trip

    def _judge(self, now: float) -> None:
        grown = self._round_trip_before > 0.0 and self._round_trip > self._round_trip_before + GROWN_DELAY
        if self.loss > self._loss_before + PROBE_LOSS or grown:
            self.state = ProbeState.RESTING
            self._rest_until = now + PAUSE_AFTER_FAILURE
        elif now - self._began >= PROBE_TIME:
            self.state = ProbeState.RESTING
            self._rest_until = now + PAUSE_AFTER_SUCCESS
            really = 8 * (self._octets - self._octets_at_start) / (now - self._began)
            self.estimate = max(self.estimate, min(self._target, really, MOST))

    def padding(self, octets: int, now: float) -> int:
        """Octets to add to the ``octets`` sent so far, so that a probe has its rate."""
        if self.state is not ProbeState.PROBING:
            return 0
        return int(self._target * (now - self._began) / 8) - (octets - self._octets_at_start)
