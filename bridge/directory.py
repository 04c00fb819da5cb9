"""Where rooms come from, as the bridge sees it: our own database, or Visio's server (architecture, D7).

``rooms.local`` answers from the database. Every method answers a value and never raises: a directory
that cannot be reached answers ``Unavailable``.
"""

from typing import Protocol

from rooms.values import Answer


class Directory(Protocol):
    """Finds the room a caller means."""

    async def by_pin(self, pin: str) -> Answer:
        """The room that this PIN opens, host's or guests'."""

    async def by_slug(self, slug: str) -> Answer:
        """The room of this name, whether or not a PIN is needed to enter."""

    async def by_slug_and_pin(self, slug: str, pin: str) -> Answer:
        """The room of this name, if the PIN is one of its own."""
