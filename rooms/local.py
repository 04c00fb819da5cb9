"""The directory of rooms in our own database: who may enter where, asked by the call flow.

Each question is at most one query, and none when what was dialled cannot be a slug or a PIN. None of them
raises: a database that does not answer is an :class:`~rooms.values.Unavailable`, and the call goes on to
say so.
"""

import asyncio
from collections.abc import Awaitable

import structlog

from config.outcome import Outcome, PasserelleError
from rooms.pins import is_pin
from rooms.store import Store
from rooms.values import Answer, Found, NotFound, Refused, Unavailable, is_slug

PATIENCE = 5.0
"""Seconds a caller is kept waiting for the database."""

log = structlog.get_logger(__name__)


class LocalDirectory:
    """Answers from the local store."""

    def __init__(self, store: Store, *, patience: float = PATIENCE) -> None:
        self._store = store
        self._patience = patience

    async def by_pin(self, pin: str) -> Answer:
        """Find the room a PIN opens, and the role it gives."""
        if not is_pin(pin):
            return NotFound()
        return await self._ask(self._by_pin(pin))

    async def by_slug(self, slug: str) -> Answer:
        """Find a room by its slug, in any case; ``room.pin_needed`` says whether a PIN is to be asked."""
        slug = slug.lower()
        if not is_slug(slug):
            return NotFound()
        return await self._ask(self._by_slug(slug))

    async def by_slug_and_pin(self, slug: str, pin: str) -> Answer:
        """Find a room by its slug, entered with a PIN; ``Refused(WRONG_PIN)`` when it is not that room's."""
        slug = slug.lower()
        if not is_slug(slug):
            return NotFound()
        if not is_pin(pin):
            room = await self.by_slug(slug)
            return Refused(Outcome.WRONG_PIN) if isinstance(room, Found) else room
        return await self._ask(self._by_slug_and_pin(slug, pin))

    async def _by_pin(self, pin: str) -> Answer:
        entry = await self._store.by_pin(pin)
        return Found(*entry) if entry else NotFound()

    async def _by_slug(self, slug: str) -> Answer:
        room = await self._store.by_slug(slug)
        return Found(room) if room else NotFound()

    async def _by_slug_and_pin(self, slug: str, pin: str) -> Answer:
        entry = await self._store.by_slug_and_pin(slug, pin)
        if entry is None:
            return NotFound()
        room, role = entry
        return Found(room, role) if role else Refused(Outcome.WRONG_PIN)

    async def _ask(self, question: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._patience):
                return await question
        except TimeoutError:
            detail = f"no answer from the database in {self._patience:g} s"
        except PasserelleError as error:
            detail = str(error)
        log.error("The directory of rooms is unavailable", detail=detail)
        return Unavailable(detail)
