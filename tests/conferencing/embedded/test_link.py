"""A subscriber's link narrows and widens again, simulated: which layer it gets, and when."""

from __future__ import annotations

from itertools import groupby

import pytest

from conferencing.embedded.extensions import Extension
from conferencing.embedded.feedback import PSFB, write_remb
from media.rtcp import ReceiverReport
from media.rtp import ReportBlock

from .offers import VP8, offer
from .room import Browser, Room

QUEUE = 0.25  # s that the link holds back before it drops
HEIGHTS = {"q": 180, "h": 360}
SIZES = {"q": 750, "h": 2500}  # octets of a picture, 25 a second: 150 and 500 kbit/s
ENDLESS = 1e9


class Encoder:
    """Films in two layers, and makes key frames when it is asked for them."""

    def __init__(self, browser: Browser, keyframe: int) -> None:
        self.browser = browser
        self.keyframe = keyframe  # times the size of another picture
        self.pictures = 0
        self.asked = 0

    def film(self) -> None:
        asked = self.browser.asked(PSFB, 1)
        wanted = {packet.media_ssrc for packet in asked[self.asked :]}
        self.asked = len(asked)
        for rid in HEIGHTS:
            self._picture(rid, keyframe=not self.pictures or self.browser.camera_ssrc(rid) in wanted)
        self.pictures += 1

    def _picture(self, rid: str, *, keyframe: bool) -> None:
        height, left = HEIGHTS[rid], SIZES[rid] * (self.keyframe if keyframe else 1)
        size = (2 * height).to_bytes(2, "little") + height.to_bytes(2, "little")
        head = b"\x90\x80" + (0x8000 | self.pictures & 0x7FFF).to_bytes(2, "big")
        body = b"\x10\0\0\x9d\x01\x2a" + size if keyframe else b"\x11\0\0"
        while left > 0:
            self.browser.send(
                (head + body).ljust(min(left, 1100), b"\x55"),
                mid=1,
                ssrc=self.browser.camera_ssrc(rid),
                payload_type=VP8,
                timestamp=round(self.browser.room.clock.now * 90_000),
                values=[(Extension.RID, rid.encode())],
            )
            left -= 1100
            head, body = bytes((0x80, *head[1:])), b""  # of a picture that has begun


class Link:
    """What comes through to a browser, which reports once a second what did not."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.capacity = ENDLESS
        self.free_at = 0.0
        self.counts: dict[int, list[int]] = {}  # by SSRC: since the last report, lost of them, last number

    def carry(self) -> None:
        now = self.browser.room.clock.now
        packets, self.browser.transport.rtp = self.browser.transport.rtp, []
        for packet in packets:
            counts = self.counts.setdefault(packet.ssrc, [0, 0, 0])
            counts[0] += 1
            counts[2] = packet.sequence
            starts = max(now, self.free_at)
            if starts - now > QUEUE:
                counts[1] += 1
            else:
                self.free_at = starts + 8 * (len(packet.payload) + 40) / self.capacity

    def report(self) -> None:
        blocks = []
        for ssrc, counts in self.counts.items():
            count, lost, last = counts
            if count:
                blocks.append(ReportBlock(ssrc, 256 * lost // count, lost, last, 0, 0, 0))
            counts[:2] = 0, 0
        if blocks:
            self.browser.tell(ReceiverReport(1, tuple(blocks)))


class Meeting:
    """Ben sees Anna. ``layers``: each one he had, and for how long in s, since the last look."""

    def __init__(self, keyframe: int) -> None:
        self.room = Room()
        self.encoder = Encoder(self.room.browser("anna", offer(simulcast=True)), keyframe)
        self.ben = self.room.browser("ben")
        self.link = Link(self.ben)
        self.ben.want("anna", height=360)

    def run(self, seconds: float) -> list[tuple[str | None, float]]:
        seen = []
        for number in range(1, round(seconds * 25) + 1):
            self.encoder.film()
            for _ in range(2):
                self.room.wait(0.02)
                self.link.carry()
            if number % 25 == 0:
                self.link.report()
            slots = self.ben.peer.stats().slots
            seen.append(slots[0].layer if slots else None)
        return [(layer, len(list(group)) / 25) for layer, group in groupby(seen)]


@pytest.mark.parametrize("keyframe", [6, 10, 16])
def test_a_layer_that_came_back_stays(keyframe: int) -> None:
    meeting = Meeting(keyframe)
    assert meeting.run(8)[-1][0] == "h"
    meeting.link.capacity = 280_000
    assert meeting.run(4)[-1][0] == "q"
    # Chromium's estimate follows what it is sent: it says how little comes through, and no more later.
    meeting.ben.tell(write_remb(1, 300_000, [1]))
    meeting.ben.tell(write_remb(1, 160_000, [1]))
    assert {layer for layer, _ in meeting.run(6)} == {"q"}
    meeting.link.capacity = ENDLESS
    layers = meeting.run(20)
    assert [layer for layer, _ in layers] == ["q", "h"]
    assert layers[0][1] < 10
