"""From one phone's mouth to another's ear: bursts of tone through the gateway.

In each of ten rooms one phone is silent but for a packet of tone every half second, another listens.
The delay is from the packet's departure to the arrival of the burst's first sample in the other phone;
packet times of the phones lie at all phases of the gateway's tick. It contains the gateway's jitter
buffer (`media.jitter_min_ms` at least), and neither phone's own.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.interop.peers.network import Network

from .load import Load
from .report import Row
from .subject import Subject

PAIRS = 10
SETTLE = 12.0  # until the announcements are over


def measure(home: Path, network: Network, seconds: float) -> Row:
    with (
        Subject(home / "gateway", network.address(), PAIRS) as subject,
        Load(home, network.address()) as load,
    ):
        load.open(2 * PAIRS, pairs=True)
        load.dial((subject.address, 5060), [subject.pins[i // 2] for i in range(2 * PAIRS)], 20.0)
        time.sleep(SETTLE)
        load.reset()
        time.sleep(seconds)
        delays = sorted(1000 * delay for delay in load.count().delays)
        load.hang_up()
        subject.empty()
    if not delays:
        return {"phone to phone": "no burst arrived", "p50 ms": None, "p95 ms": None, "max ms": None}
    return {
        "phone to phone": f"{len(delays)} bursts, G.711",
        "p50 ms": delays[len(delays) // 2],
        "p95 ms": delays[int(len(delays) * 0.95)],
        "max ms": delays[-1],
    }
