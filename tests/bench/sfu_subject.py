"""The plane being measured, alone in its process: JSON orders on stdin, answers on stdout.

`{"offer": sdp, "name": n}` joins; `{"want": [names], "height": h, "name": n}` shows; `{"count": 1}`
tells how many packets were forwarded and how late the ticks were.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from random import SystemRandom
from typing import Any, NamedTuple

import uvloop

from conferencing.embedded.media import Rates, SlotMap
from conferencing.embedded.plane import Plane
from media.webrtc.mux import MediaMux

TICK = 0.02


class Tile(NamedTuple):
    participant: str
    height: int


class Quiet:
    """Hears of a peer and keeps it to itself."""

    def connected(self) -> None:
        pass

    def closed(self, reason: str) -> None:
        print(f"closed: {reason}", file=sys.stderr)

    def slots(self, slots: Sequence[SlotMap]) -> None:
        pass


class Subject:
    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.late = 0.0

    def do(self, order: dict[str, Any]) -> dict[str, Any]:
        if "offer" in order:
            return {"answer": self.plane.join(order["name"], Quiet()).offer(order["offer"])}
        if "want" in order:
            peer = self.plane.peers[order["name"]]
            peer.want([Tile(name, order["height"]) for name in order["want"]])
            return {}
        peers = self.plane.peers.values()
        late, self.late = self.late, 0.0
        return {
            "connected": sum(peer.connected_now for peer in peers),
            "forwarded": sum(slot.packets for peer in peers for slot in peer.subscriber.stage.slots()),
            "late": late,
        }

    async def tick(self) -> None:
        due = time.monotonic()
        while True:
            due += TICK
            await asyncio.sleep(due - time.monotonic())
            now = time.monotonic()
            self.late = max(self.late, now - due)
            self.plane.tick(now)


async def main(address: str) -> None:
    loop = asyncio.get_running_loop()
    mux = await MediaMux.open(loop, [address], 0, clock=time.monotonic, random=SystemRandom())
    rates = Rates(download=50_000_000)  # nine pictures of 720p
    subject = Subject(Plane(mux.peer, clock=time.monotonic, random=SystemRandom(), rates=rates))
    ticking = loop.create_task(subject.tick())
    orders = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        print(json.dumps(subject.do(json.loads(line))), flush=True)
    ticking.cancel()
    subject.plane.close()
    mux.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
