"""A meeting: who is in it, who is muted, and telling everyone what changed.

A meeting lives from its first participant to its last. It knows nothing of telephones, browsers or
media: an engine (``conferencing.engine``) moves packets, and whoever wants to know what happens
listens. Listeners are called in the order in which they came, synchronously, after the change.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conferencing.participant import Kind, Participant
from config.outcome import Outcome, PasserelleError


@dataclass(frozen=True, slots=True)
class MeetingRules:
    """What the room asks of its meetings. ``max_participants`` None: no limit of its own."""

    max_participants: int | None = None
    muted_on_entry: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """Someone came in."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Left:
    """Someone went away."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class MuteChanged:
    """Someone was muted or unmuted; ``by_host``: not by themselves."""

    participant: Participant
    by_host: bool


Event = Joined | Left | MuteChanged
Listener = Callable[[Event], None]


class Meeting:
    """One running meeting. ``key`` names it: the slug of its room."""

    def __init__(self, key: str, rules: MeetingRules, *, clock: Callable[[], float]) -> None:
        self.key = key
        self.rules = rules
        self._clock = clock
        self._participants: dict[str, Participant] = {}
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        return len(self._participants)

    def __iter__(self) -> Iterator[Participant]:
        return iter(self._participants.values())

    def join(self, participant_id: str, kind: Kind, name: str, *, host: bool = False) -> Participant:
        """Take a seat. Hosts may enter a locked meeting, nobody a full one.

        Raises :class:`PasserelleError` with ROOM_LOCKED or ROOM_FULL.
        """
        limit = self.rules.max_participants
        if limit is not None and len(self._participants) >= limit:
            raise PasserelleError(f"the meeting has its {limit} participants", outcome=Outcome.ROOM_FULL)
        if self.rules.locked and not host:
            raise PasserelleError("the meeting is locked", outcome=Outcome.ROOM_LOCKED)
        muted = self.rules.muted_on_entry and not host
        participant = Participant(participant_id, kind, name, host, self._clock(), muted)
        self._participants[participant_id] = participant
        self._tell(Joined(participant))
        return participant

    def leave(self, participant: Participant) -> None:
        """Give up the seat; leaving twice is no error."""
        if self._participants.pop(participant.id, None) is not None:
            self._tell(Left(participant))

    def set_muted(self, participant: Participant, muted: bool, *, by_host: bool = False) -> None:
        """Mute or unmute; nothing happens when it is so already."""
        if participant.muted != muted:
            participant.muted = muted
            self._tell(MuteChanged(participant, by_host))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear of every change from now on; the returned callable ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)
