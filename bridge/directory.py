"""Where rooms come from, as the bridge sees it: our own database, or Visio's server (architecture, D7).

``rooms.local`` answers from the database. Every method answers a value and never raises: a directory
that cannot be reached answers ``Unavailable``.
"""

from typing import Protocol

from conferencing.meeting import MeetingRules
from rooms.values import Access, Answer, Room


class Directory(Protocol):
    """Finds the room a caller means."""

    async def by_pin(self, pin: str) -> Answer:
        """The room that this PIN opens, host's or guests'."""

    async def by_slug(self, slug: str) -> Answer:
        """The room of this name, whether or not a PIN is needed to enter."""

    async def by_slug_and_pin(self, slug: str, pin: str) -> Answer:
        """The room of this name, if the PIN is one of its own."""


def rules_of(room: Room) -> MeetingRules:
    """What a room asks of its meetings, whatever one comes by."""
    return MeetingRules(
        max_participants=room.max_participants,
        muted_on_entry=room.muted_on_entry,
        locked=room.locked,
        waiting_room=room.access is Access.WAITING,
    )
