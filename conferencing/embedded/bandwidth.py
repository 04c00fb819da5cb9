"""How much video a subscriber's link takes, and finding out whether it takes more.

A browser tells by REMB what its delay-based estimator thinks, and by receiver reports what was lost. Its
REMB follows what is *sent*: while little is sent it stays small, so a fall of it means an overloaded link,
but its being small does not. Hence:

- a REMB that falls is believed at once; one above our estimate raises it;
- one that stands below what is sent for more than a second is believed, too: were the link wide enough it
  would rise, by a twelfth in a second as browsers do, however far it is behind;
- more than a tenth lost lowers the estimate to what came through, and half the loss less;
- to learn more, we **probe**: for most of a second we send up to two and a half times what is sent already,
  the surplus as RTX of packets the subscriber has, and then wait for its next report. When little is lost,
  the round trip has not grown and REMB has not fallen, the link takes it, and a layer may be raised. When it
  does not, the next probe comes after 3 s: a link that has recovered has its old layer within ten;
- what was sent without delay or fall is proved too: layers are not steady, and one that grows a little beyond
  the estimate, as it may, must not be lowered for having come through.

::

            wanted > estimate, rested           0.8 s               a good report: estimate raised
    RESTING ─────────────────────────► PROBING ───────► AWAITING ──────────────────────────────────► RESTING
                                          │                │
                                          └────────────────┴─ loss, delay, a fall, no report ──────► RESTING

Units: bit/s, seconds; loss as a fraction.
"""

from enum import Enum, auto
from typing import Final

START: Final = 2_500_000.0
LEAST: Final = 50_000.0
HIGH_LOSS: Final = 0.10
ENOUGH: Final = 100  # packets
PROBE_LOSS: Final = 0.06  # beside the loss that was there before
PROBE_TIME: Final = 0.8
HEADROOM: Final = 1.25  # times what is wanted: a layer that is raised begins with a key frame
PROBE_GROWTH: Final = 2.5
REPORT_TIME: Final = 2.5  # after which no report will come any more
PAUSE_AFTER_FALL: Final = 2.0
PAUSE_AFTER_SUCCESS: Final = 0.3
PAUSE_AFTER_FAILURE: Final = 3.0
GROWN_DELAY: Final = 0.15  # s more of round trip than there was at best
WAITING_DELAY: Final = 0.05  # s; less is chance
LEAST_TIME: Final = 0.5  # s over which what was sent is judged
DELAY_DRIFT: Final = 0.002  # s by which the best round trip is forgotten in a second
FALL: Final = 0.97  # of the REMB before
RISE: Final = 1.02  # of the REMB that stands; less is none
STANDING: Final = 1.0  # s
OVERSHOOT: Final = 1.1  # times the REMB; what is sent swings that far by itself
REACHED: Final = 0.95  # of the most: no probe hits it exactly


class ProbeState(Enum):
    """See the module's diagram."""

    RESTING = auto()
    PROBING = auto()
    AWAITING = auto()


class Bandwidth:
    """One subscriber's estimate. ``estimate`` is what video may take, ``most`` at best."""

    def __init__(self, now: float, most: float) -> None:
        self.most = most
        self.estimate = min(START, most)
        self.state = ProbeState.RESTING
        self.loss = 0.0
        self.sent = 0.0  # bit/s lately, all video and probes
        self.probes = 0
        self._remb: float | None = None
        self._stood: float | None = None  # a REMB below what was sent, since when no other was much higher
        self._stood_at = now
        self._best_round_trip = 10.0
        self._drifted_at = now
        self._octets = 0
        self._octets_before = 0
        self._measured_at = now
        self._rest_until = now + PAUSE_AFTER_FALL
        self._reported_at = now  # or when the estimate fell
        self._octets_reported = 0
        # Of the probe: what it aims at, when it began and at how many octets, what it proves, what was lost.
        self._target = 0.0
        self._began = 0.0
        self._octets_at_start = 0
        self._proved = 0.0
        self._lost = self._packets = 0.0
        self._loss_before = 0.0

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
            self.estimate = min(rate, self.most)
        elif rate < self.estimate and (
            (before is not None and rate < FALL * before) or self._stands(rate, now)
        ):
            return self._fall(rate, now)
        return False

    def _stands(self, rate: float, now: float) -> bool:
        """Whether the REMB has been below what is sent for a while, and does not rise."""
        if self.sent < OVERSHOOT * rate or self.state is not ProbeState.RESTING:
            self._stood = None
        elif self._stood is None or rate > RISE * self._stood:
            self._stood, self._stood_at = rate, now
        return self._stood is not None and now - self._stood_at >= STANDING

    def reported(self, loss: float, packets: float, round_trip: float, now: float) -> bool:
        """Take a receiver report about so many packets; True when the estimate fell."""
        # Two lost of fifteen are chance: a report counts by its number of packets.
        self.loss += min(1.0, packets / ENOUGH) * (loss - self.loss)
        self._best_round_trip = min(
            self._best_round_trip + DELAY_DRIFT * (now - self._drifted_at), round_trip
        )
        self._drifted_at = now
        if self.loss > HIGH_LOSS and self.sent > 0.0:
            fallen = self._fall(min(self.estimate, self.sent) * (1.0 - 0.5 * self.loss), now)
            self.loss = HIGH_LOSS / 2  # what was sent before is judged
            return fallen
        self._prove(loss, round_trip, now)
        if self.state is not ProbeState.RESTING:
            self._lost += loss * packets
            self._packets += packets
            self._judge(round_trip, now)
        return False

    def _prove(self, loss: float, round_trip: float, now: float) -> None:
        """What was sent since the last report has come through, unless it waits in a queue."""
        elapsed = now - self._reported_at
        if elapsed < LEAST_TIME:
            return
        rate = 8 * (self._octets - self._octets_reported) / elapsed * (1.0 - loss)
        if round_trip < self._best_round_trip + WAITING_DELAY:
            self.estimate = max(self.estimate, min(rate, self.most))
        self._octets_reported, self._reported_at = self._octets, now

    def _judge(self, round_trip: float, now: float) -> None:
        """A report has come during a probe, or after it."""
        too_many = self._lost > 2.0 and self._lost / self._packets > self._loss_before + PROBE_LOSS
        if too_many or round_trip > self._best_round_trip + GROWN_DELAY:
            self._rest(now + PAUSE_AFTER_FAILURE)
        elif self.state is ProbeState.AWAITING:
            self._rest(now + PAUSE_AFTER_SUCCESS)
            self.estimate = max(self.estimate, min(self._proved, self.most))

    def _fall(self, rate: float, now: float) -> bool:
        self.estimate = max(LEAST, rate)
        self._octets_reported, self._reported_at = self._octets, now
        self._stood = None
        self._rest(now + (PAUSE_AFTER_FALL if self.state is ProbeState.RESTING else PAUSE_AFTER_FAILURE))
        return True

    def _rest(self, until: float) -> None:
        self.state = ProbeState.RESTING
        self._rest_until = until

    def tick(self, wanted: float, now: float) -> None:
        """``wanted`` (bit/s) is what the subscriber would be sent on an endless link."""
        match self.state:
            case ProbeState.RESTING if (
                min(HEADROOM * wanted, REACHED * self.most) > self.estimate and now >= self._rest_until
            ):
                self.state = ProbeState.PROBING
                self.probes += 1
                self._target = min(
                    HEADROOM * wanted, self.most, PROBE_GROWTH * max(self.sent, 2 * LEAST, self.estimate)
                )
                self._began, self._octets_at_start = now, self._octets
                self._lost = self._packets = 0.0
                self._loss_before = self.loss
            case ProbeState.PROBING if now - self._began >= PROBE_TIME:
                self.state = ProbeState.AWAITING
                really = 8 * (self._octets - self._octets_at_start) / (now - self._began)
                self._proved = min(self._target, really)
            case ProbeState.AWAITING if now - self._began >= REPORT_TIME:
                self._rest(now + PAUSE_AFTER_FAILURE)

    def padding(self, octets: int, now: float) -> int:
        """Octets to add to the ``octets`` sent so far, so that a probe has its rate."""
        if self.state is not ProbeState.PROBING:
            return 0
        return int(self._target * (now - self._began) / 8) - (octets - self._octets_at_start)
