"""Brakes on guessing PINs. Sans-IO: time is an argument, in seconds.

A PIN is looked up in all rooms at once, so what protects it is how many wrong ones are taken in all. They
are counted in buckets that wrong PINs fill and that empty evenly within the window, a day; where one of its
buckets is full, a PIN is not even looked up. A try counts from when it begins, and is given back unless the
PIN was wrong: many at the same moment are no way around. Caller ID is spoofable and counts for nothing.

Nobody far away shall take PINs from everybody by using up a bucket, so buckets are apart by

- *whether the sender was seen to be there*. A PIN typed has an ACK behind it, one by HTTP or in a URI over
  TCP a connection. A PIN in a URI over UDP has nothing: its source may be forged, and though the answer goes
  elsewhere, the BYE after a missing ACK tells the forger who was right. For these there are other buckets, a
  tenth as large; where they are full, the desk has the voice ask instead;
- *where it comes from*. Each trusted network, an SBC or trunk with many callers, has one bucket. All other
  addresses have one each (IPv6: a /48, as much as one subscriber may be given) and one together. So a
  guesser on the trunk stops only the trunk, and nobody on the Internet stops the trunk. One address cannot
  stop the others; 20 of them can stop what PINs come from the Internet, but no link with a key in it.

A room has no bucket: a guess that names a room is worth less than one that is tried on all, so a limit would
not slow down who guesses, and would let anyone lock a room by its name.

What that comes to with the settings' defaults, buckets always kept full::

    one address                        50 +  5 =    55 wrong PINs a day
    one trusted network               500 + 50 =   550
    the Internet, from 20 addresses 1,000 + 100 = 1,100
    the last two together                         1,650

Half of the PINs of n digits, 10^n / 2 (ten digits, as they are made: 4.5 x 10^9), are tried, and so a given
one is found as likely as not, after

    digits     one address     the Internet     together
    4               91 days           5 days       3 days
    6               25 years          1.2 years   10 months
    8            2,490 years        125 years     83 years
    10         224,000 years     11,200 years  7,500 years

and where 1,000 rooms have two PINs of ten digits each, the first of all 2,000 after 7.5 years together.
Meanwhile ``passerelle_pin_failures_total`` stands out, and the log warns. ``passerelle room add`` says which
PINs are too short to last.

Memory is bounded: at most ``MOST_BUCKETS`` are kept, those longest unused going first. A restart empties all.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from config.settings import LimitsSettings
from config.sources import SUBSCRIBER_BITS, counted_as, trusted_network

MOST_BUCKETS = 10_000
# Of what may be wrong by a sender who was seen to be there, the part for those who were not.
UNSEEN_PART = 10
# Seconds between two warnings of the same limit.
WARNING_SECONDS = 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Brake:
    """A bucket that a try counts in: its name, the setting its size comes from, and its size in tries."""

    name: str
    setting: str
    limit: int
    shared: bool


@dataclass(slots=True)
class _Bucket:
    level: float  # wrong tries, and those under way
    at: float


class PinGuard:
    """Says whether another PIN may be tried."""

    def __init__(self, limits: LimitsSettings) -> None:
        self.failures = 0  # wrong PINs since the start, for the metrics
        self._limits = limits
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._warned: dict[str, float] = {}  # when, by the name of the bucket

    def begin(self, source: str, now: float, *, seen: bool) -> Sequence[Brake] | None:
        """Count a try from ``source``, an address, or refuse it (None).

        ``seen``: whether the sender is known to be at that address. Whoever gets brakes tells :meth:`wrong`
        or :meth:`release` of them.
        """
        brakes = self._brakes(source, seen)
        full = [brake for brake in brakes if self._level(brake, now) > brake.limit - 1 + 1e-9]
        if full:
            self._warn(full, now)
            return None
        for brake in brakes:
            bucket = self._buckets.setdefault(brake.name, _Bucket(0.0, now))
            bucket.level += 1
            self._buckets.move_to_end(brake.name)
        while len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return brakes

    def wait(self, source: str, now: float, *, seen: bool) -> float:
        """Seconds until one more try from ``source`` would be let through; 0 if it would be now."""
        return max(
            max(0.0, self._level(brake, now) - (brake.limit - 1))
            * self._limits.pin_window_seconds
            / brake.limit
            for brake in self._brakes(source, seen)
        )

    def wrong(self) -> None:
        """The PIN was wrong: the try stays counted."""
        self.failures += 1

    def release(self, brakes: Sequence[Brake]) -> None:
        """The PIN was not wrong: give the try back."""
        for brake in brakes:
            bucket = self._buckets.get(brake.name)
            if bucket is not None:
                bucket.level = max(0.0, bucket.level - 1)

    def _level(self, brake: Brake, now: float) -> float:
        bucket = self._buckets.get(brake.name)
        if bucket is None:
            return 0.0
        emptied = (now - bucket.at) * brake.limit / self._limits.pin_window_seconds
        bucket.level, bucket.at = max(0.0, bucket.level - emptied), now
        return bucket.level

    def _brakes(self, source: str, seen: bool) -> list[Brake]:
        limits = self._limits

        def brake(name: str, setting: str, limit: int, *, shared: bool) -> Brake:
            if seen:
                return Brake(name, setting, limit, shared)
            return Brake(f"unseen {name}", setting, max(1, limit // UNSEEN_PART), shared)

        network = trusted_network(source, limits.trusted)
        if network is not None:
            return [
                brake(str(network), "pin_failures_per_trusted", limits.pin_failures_per_trusted, shared=True)
            ]
        name = counted_as(source, (), bits=SUBSCRIBER_BITS) or ""
        return [
            brake(name, "pin_failures_per_source", limits.pin_failures_per_source, shared=False),
            brake("all", "pin_failures", limits.pin_failures, shared=True),
        ]

    def _warn(self, full: Sequence[Brake], now: float) -> None:
        for brake in full:
            if brake.shared and now - self._warned.get(brake.name, -WARNING_SECONDS) >= WARNING_SECONDS:
                self._warned[brake.name] = now
                log.warning(
                    "Too many wrong PINs: somebody guesses",
                    limit=f"limits.{brake.setting}",
                    bucket=brake.name,
                )
