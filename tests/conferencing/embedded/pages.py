"""Pages without a socket: an engine with a clock of its own, and connections that note what is sent."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from conferencing.embedded import messages
from conferencing.embedded.engine import EmbeddedEngine
from conferencing.embedded.session import Session, Visit
from conferencing.meeting import Limits, MeetingRules
from tests.conferencing.embedded.fake_plane import FakePlane

INVITATION = messages.InvitationText("https://meet.example/r/team", None, "481516", "sip:team@meet.example")


class Page:
    """A connection that notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed = False

    def send(self, text: str) -> None:
        assert not self.closed
        self.sent.append(json.loads(text))

    def close(self) -> None:
        self.closed = True

    def take(self, *kinds: str) -> list[dict[str, Any]]:
        """What was sent since the last time, of these types."""
        sent, self.sent = self.sent, []
        return [event for event in sent if not kinds or event["type"] in kinds]


class House:
    """An engine with one room."""

    def __init__(self, *, limits: Limits | None = None, seed: int = 1) -> None:
        self.now = 1000.0
        self.busy = False
        self.planes: list[FakePlane] = []
        self.engine = EmbeddedEngine(
            clock=lambda: self.now,
            wall=lambda: 1e9 + self.now,
            random=Random(seed),
            make_plane=self._make_plane,
            limits=limits or Limits(),
            has_room=lambda: not self.busy,
        )

    def _make_plane(self, rules: MeetingRules) -> FakePlane:
        self.planes.append(FakePlane(rules))
        return self.planes[-1]

    def come(
        self, name: str, *, host: bool = False, waiting_room: bool = False, **rules: Any
    ) -> tuple[Session, Page]:
        """A browser comes."""
        page = Page()
        visit = Visit(
            key="team",
            room="Team",
            access="waiting" if waiting_room else "open",
            rules=MeetingRules(waiting_room=waiting_room, **rules),
            host=host,
            invitation=INVITATION,
            ice_servers=lambda _who: (),
        )
        return self.engine.open_session(visit, name, page), page

    def say(self, session: Session, kind: str, **fields: Any) -> None:
        """The page of a session sends a message."""
        session.hear(json.dumps({"type": kind, **fields}), self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.2
            self.engine.tick()
