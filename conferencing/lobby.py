"""The waiting room of a meeting: the same for those who call and those who come by browser.

Who waits is no participant: hears nothing, sees nothing, is seen by hosts only. A host's word, or the end
of the meeting, tells what becomes of them; the one who waits is told through ``decided``, once. Nobody can
fill the room alone: browsers of one source (``config.sources``) have a quarter of its places.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conferencing.participant import Kind, Participant
from config.outcome import Outcome, PasserelleError

MOST_WAITING = 100
MOST_OF_SOURCE = 25

Decision = Participant | Outcome
"""A seat, or why there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Knock:
    """One who waits.

    ``since`` is monotonic seconds; ``source`` None: one address stands for many; ``key``: came by the host's
    link or PIN.
    """

    id: str
    kind: Kind
    name: str
    since: float
    decided: Callable[[Decision], None]
    source: str | None = None
    key: bool = False


class Lobby:
    """Those who wait, in the order in which they came."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: dict[str, Knock] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Knock]:
        return iter(tuple(self._waiting.values()))

    def add(self, knock: Knock) -> None:
        """Let one wait. Raises what :meth:`check` raises."""
        self.check(knock.source)
        self._waiting[knock.id] = knock

    def check(self, source: str | None) -> None:
        """Raise :class:`PasserelleError` (ROOM_FULL) when as many wait as may, in all or of this source."""
        of_source = sum(each.source == source for each in self._waiting.values()) if source else 0
        if len(self._waiting) >= self._most or of_source >= MOST_OF_SOURCE:
            raise PasserelleError("the waiting room is full", outcome=Outcome.ROOM_FULL)

    def get(self, knock_id: str) -> Knock | None:
        """The one of that id, if still waiting."""
        return self._waiting.get(knock_id)

    def remove(self, knock_id: str) -> Knock | None:
        """Take one out, deciding nothing; ``None`` if nobody of that id waits."""
        return self._waiting.pop(knock_id, None)
