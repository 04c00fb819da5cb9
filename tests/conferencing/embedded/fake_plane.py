"""A meeting's media that moves nothing and notes what it was asked."""

from __future__ import annotations

from collections.abc import Sequence

from conferencing.embedded.media import (
    OfferError,
    PeerEvents,
    Published,
    Shown,
    Source,
    Speech,
    Statistics,
    WantedTile,
)
from conferencing.meeting import MeetingRules


class FakePeer:
    """Answers every offer but "bad" and notes the rest."""

    offer_wanted = False

    def __init__(self, events: PeerEvents) -> None:
        self.events = events
        self.offers: list[str] = []
        self.wanted: list[tuple[str, int]] = []
        self.allowed: dict[Source, bool] = {}

    def offer(self, sdp: str) -> str:
        if "bad" in sdp:
            raise OfferError("no such offer")
        self.offers.append(sdp)
        return f"answer {len(self.offers)}"

    def want(self, tiles: Sequence[WantedTile]) -> None:
        self.wanted = [(tile.participant, tile.height) for tile in tiles]

    def allow(self, source: Source, allowed: bool) -> None:
        self.allowed[source] = allowed

    def stats(self) -> Statistics:
        layer = Published("camera", "h", "VP8", 360, 480_000, 7)
        slot = Shown("4", "forwarding", "q", 180, 0.02, 3)
        return Statistics(0.05, 0.01, 2_500_000, 150_000, 32_000, (layer,), (slot,))


class FakeAudio:
    """A telephone's voice."""

    wanted = True

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, int]] = []
        self.closed = False

    def send(self, payload: bytes, level: int) -> None:
        self.sent.append((payload, level))

    def close(self) -> None:
        self.closed = True


class FakePlane:
    """A meeting's media: ``peers`` by participant, ``speaking`` and ``said`` as a test sets them."""

    tiles = 4

    def __init__(self, rules: MeetingRules) -> None:
        self.rules = rules
        self.peers: dict[str, FakePeer] = {}
        self.voices: dict[str, FakeAudio] = {}
        self.speaking: tuple[str, ...] = ()
        self.said: list[Speech] = []
        self.closed = False

    def join(self, participant_id: str, events: PeerEvents) -> FakePeer:
        self.peers[participant_id] = FakePeer(events)
        return self.peers[participant_id]

    def leave(self, participant_id: str) -> None:
        self.peers.pop(participant_id, None)

    def speech(self, participant_id: str) -> FakeAudio:
        self.voices[participant_id] = FakeAudio()
        return self.voices[participant_id]

    def take(self) -> Sequence[Speech]:
        said, self.said = self.said, []
        return said

    def tick(self, now: float) -> None:
        pass

    def close(self) -> None:
        self.closed = True
