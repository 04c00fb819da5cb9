"""From one mouth to another's ear: bursts of tone through the gateway.

In each of ten rooms one phone is silent but for a packet of tone every half second, another listens; in ten
more a browser and a phone do both (`crossing`). Packet times lie at all phases of the gateway's tick. The
delay is from a packet's departure to the arrival of the burst's first sample at the other end. It contains
the gateway's jitter buffer (`media.jitter_min_ms` at least), and neither end's own.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from tests.interop.peers.network import Network

from .crossing import Crossings
from .load import Load
from .report import Row
from .subject import Subject

PAIRS = 10
SETTLE = 12.0  # until the announcements are over


def measure(home: Path, network: Network, seconds: float) -> list[Row]:
    with (
        Subject(home / "gateway", network.address(), 2 * PAIRS) as subject,
        Load(home, network.address()) as load,
    ):
        load.open(2 * PAIRS, pairs=True)
        load.dial((subject.address, 5060), [subject.pins[i // 2] for i in range(2 * PAIRS)], 20.0)
        crossings = Crossings(network.address(), subject.address)
        for number in range(PAIRS, 2 * PAIRS):
            crossings.enter(f"bench-{number}", subject.pins[number])
        crossings.run(SETTLE)
        load.reset()
        crossings.reset()
        crossings.run(seconds)
        delays = {
            "phone to phone": load.count().delays,
            "browser to phone": list(chain.from_iterable(each.to_telephone for each in crossings.all)),
            "phone to browser": list(chain.from_iterable(each.to_page for each in crossings.all)),
        }
        load.hang_up()
        crossings.leave()
        subject.empty()
    return [_row(name, sorted(1000 * each for each in values)) for name, values in delays.items()]


def _row(name: str, delays: list[float]) -> Row:
    if not delays:
        return {"from": name, "bursts": 0, "p50 ms": None, "p95 ms": None, "max ms": None}
    return {
        "from": name,
        "bursts": len(delays),
        "p50 ms": delays[len(delays) // 2],
        "p95 ms": delays[int(len(delays) * 0.95)],
        "max ms": delays[-1],
    }
