"""Where rooms come from, as the bridge sees it: our own database, or Visio's server (architecture, D7).

``rooms.local`` answers from the database. Every method answers a value and never raises: a directory
that cannot be reached answers ``Unavailable``.
"""

from collections.abc import Callable
from typing import Protocol

from bridge.pin_guard import PinGuard
from conferencing.meeting import MeetingRules
from config.outcome import Outcome
from rooms.pins import is_pin, plain_pin
from rooms.values import Access, Answer, NotFound, Refused, Room


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
        max_cameras=room.max_cameras,
        max_video_kbps=room.max_video_kbps,
        muted_on_entry=room.muted_on_entry,
        locked=room.locked,
        waiting_room=room.access is Access.WAITING,
    )


class PinServices(Protocol):
    """What trying a PIN takes."""

    @property
    def directory(self) -> Directory:
        """Where rooms are looked up."""

    @property
    def guard(self) -> PinGuard:
        """The brakes on guessing."""

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic seconds."""


async def try_pin(services: PinServices, source: str, pin: str, slug: str | None, *, seen: bool) -> Answer:
    """Ask the directory about a PIN, typed or in a URI alike: guessing is braked, wrong ones are counted.

    ``seen``: whether the sender is known to be at the address ``source``. How it is written does not matter;
    what cannot be a PIN is no guess.
    """
    pin = plain_pin(pin)
    if not is_pin(pin):
        return await _ask(services.directory, pin, slug)
    guard = services.guard
    brakes = guard.begin(source, services.clock(), seen=seen)
    if brakes is None:
        return Refused(Outcome.PIN_THROTTLED)
    wrong = False
    try:
        answer = await _ask(services.directory, pin, slug)
        wrong = isinstance(answer, NotFound) or answer == Refused(Outcome.WRONG_PIN)
    finally:
        if wrong:
            guard.wrong()
        else:
            guard.release(brakes)
    return answer


async def _ask(directory: Directory, pin: str, slug: str | None) -> Answer:
    if slug is None:
        return await directory.by_pin(pin)
    return await directory.by_slug_and_pin(slug, pin)
