"""A meeting: who is in it, who may do what, and telling everyone what changed.

A meeting lives from the first who comes to the last who goes, those in its waiting room included. It knows
nothing of telephones, browsers or media: an engine (``conferencing.engine``) moves packets, and whoever
wants to know what happens listens. Listeners are called in the order in which they came, synchronously,
after the change; what a listener changes is told after what it was told of.

Doors, in this order: only hosts enter a locked meeting; where there is a waiting room only hosts enter
without a host's word; nobody enters a full one, but may wait. One becomes host by the host's link or PIN, or
by another host. When the last host leaves nobody inherits: a guest must not come to admit others by
outstaying their host, and the host's link and PIN bring one back at any time.

A removed guest can be locked out; a removed host still has the host's link or PIN, which opens locked doors.
So when one who has it is removed by another who has it, those who come by it have to knock, and come in as
guests, as long as a host is there to answer. One who was only made a host cannot shut out who has the link.

Methods do what they are told: who may tell them is for the caller to check
(``conferencing.embedded.commands`` for browsers; the keypad commands nobody else).
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from conferencing.chat import Chat
from conferencing.events import (
    Changed,
    Event,
    Joined,
    Left,
    LeftAlone,
    Listener,
    LobbyChanged,
    LockChanged,
    MuteChanged,
    Reacted,
    Reason,
    Removed,
    Said,
    ShareStopped,
    UnmuteAsked,
)
from conferencing.lobby import Decision, Knock, Lobby
from conferencing.participant import Kind, Participant
from config.outcome import Outcome, PasserelleError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MeetingRules:
    """What the room asks of its meetings. A limit that is None is the service's."""

    max_participants: int | None = None
    max_cameras: int | None = None
    max_video_kbps: int | None = None  # of a browser, each way
    muted_on_entry: bool = False
    locked: bool = False  # when the meeting begins
    waiting_room: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service asks of a meeting whose room does not say.

    The most participants; how many may show a camera, or share a screen, at once.
    """

    participants: int = 1000
    cameras: int = 30
    shares: int = 1


DEFAULT_LIMITS = Limits()


class LimitError(PasserelleError):
    """As many do this as may, or as the process can bear (OVERLOADED)."""

    def __init__(self, message: str, outcome: Outcome = Outcome.ROOM_FULL) -> None:
        super().__init__(message, outcome=outcome)


class Meeting:
    """One running meeting. ``key`` names it: the slug of its room.

    ``clock`` gives monotonic seconds, ``wall`` Unix seconds. ``has_room``: whether the process can take
    another camera or screen.
    """

    def __init__(
        self,
        key: str,
        rules: MeetingRules,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        limits: Limits = DEFAULT_LIMITS,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self.key = key
        self.rules = rules
        self.locked = rules.locked
        self.limits = limits
        self._has_room = has_room
        self.chat = Chat()
        self.lobby = Lobby()
        self._clock = clock
        self._wall = wall
        self._hosts_knock = False
        self._participants: dict[str, Participant] = {}
        # By whose news they want to hear; None: everybody's.
        self._listeners: dict[Participant | None, list[Listener]] = {None: []}
        self._untold: deque[Event] = deque()
        self._telling = False

    def __len__(self) -> int:
        return len(self._participants)

    def __iter__(self) -> Iterator[Participant]:
        return iter(tuple(self._participants.values()))

    @property
    def deserted(self) -> bool:
        """Whether nobody is there, nor waits."""
        return not self._participants and not len(self.lobby)

    @property
    def has_host(self) -> bool:
        """Whether a host is there, to answer who waits."""
        return any(participant.host for participant in self._participants.values())

    def get(self, participant_id: str) -> Participant | None:
        """The participant of that id."""
        return self._participants.get(participant_id)

    # Coming and going

    def enter(
        self,
        participant_id: str,
        kind: Kind,
        name: str,
        *,
        host: bool,
        decided: Callable[[Decision], None],
        source: str | None = None,
    ) -> Participant | Knock:
        """Take a seat, or a place in the waiting room; ``decided`` is called when that has an end.

        ``source``: where one comes from, if it counts. Raises :class:`PasserelleError` with ROOM_LOCKED or
        ROOM_FULL.
        """
        self.check_door(host=host, source=source)
        if not self._must_knock(host):
            if host:
                self._hosts_knock = False  # they are the first anew
            return self.join(participant_id, kind, name, host=host, key=host)
        knock = Knock(participant_id, kind, name, self._clock(), decided, source, key=host)
        self.lobby.add(knock)
        self._tell(LobbyChanged())
        return knock

    def check_door(self, *, host: bool, source: str | None = None) -> None:
        """Raise :class:`PasserelleError` with ROOM_LOCKED or ROOM_FULL if one may not even knock."""
        if self.locked and not host:
            raise PasserelleError("the meeting is locked", outcome=Outcome.ROOM_LOCKED)
        if self._must_knock(host):
            self.lobby.check(source)
        else:
            self._check_size()

    def _must_knock(self, host: bool) -> bool:
        if host:
            return self._hosts_knock and self.has_host
        return self.rules.waiting_room

    def _check_size(self) -> None:
        limit = self.rules.max_participants or self.limits.participants
        if len(self._participants) >= limit:
            raise PasserelleError(f"the meeting has its {limit} participants", outcome=Outcome.ROOM_FULL)

    def join(
        self, participant_id: str, kind: Kind, name: str, *, host: bool = False, key: bool = False
    ) -> Participant:
        """Take a seat, whatever lock there is. Raises :class:`PasserelleError` with ROOM_FULL."""
        self._check_size()
        muted = self.rules.muted_on_entry and not host
        participant = Participant(participant_id, kind, name, host, self._clock(), muted, key=key)
        self._participants[participant_id] = participant
        self._tell(Joined(participant))
        return participant

    def leave(self, participant: Participant, reason: Reason = Reason.LEFT) -> None:
        """Give up the seat; leaving twice is no error."""
        if self._participants.pop(participant.id, None) is not None:
            self._tell(Left(participant, reason))
            if len(self._participants) == 1:
                self._tell(LeftAlone(next(iter(self._participants.values()))))

    def remove(
        self, participant: Participant, reason: Reason = Reason.REMOVED, *, by: Participant | None = None
    ) -> None:
        """Take someone's seat."""
        if participant.id in self._participants:
            if participant.key and by is not None and by.key:
                self._hosts_knock = True
            self.leave(participant, reason)
            self._tell(Removed(participant, reason))

    def end(self) -> None:
        """End it for all, those who wait included."""
        for participant in self:
            self.remove(participant, Reason.ENDED)
        for knock in self.lobby:
            self.turn_away(knock.id, Outcome.MEETING_ENDED)

    # The waiting room

    def admit(self, knock_id: str) -> None:
        """Give a seat to one who waits. Raises ROOM_FULL, and they go on waiting; unknown ids are let be."""
        knock = self.lobby.get(knock_id)
        if knock is None:
            return
        participant = self.join(knock.id, knock.kind, knock.name, key=knock.key)
        self._decide(knock, participant)

    def turn_away(self, knock_id: str, outcome: Outcome = Outcome.REMOVED) -> None:
        """Say no to one who waits, and why."""
        knock = self.lobby.get(knock_id)
        if knock is not None:
            self._decide(knock, outcome)

    def give_up(self, knock_id: str) -> None:
        """One who waited went away."""
        if self.lobby.remove(knock_id) is not None:
            self._tell(LobbyChanged())

    def _decide(self, knock: Knock, decision: Decision) -> None:
        self.lobby.remove(knock.id)
        knock.decided(decision)
        self._tell(LobbyChanged())

    # What participants do, or hosts do to them

    def set_muted(self, participant: Participant, muted: bool, *, by_host: bool = False) -> None:
        """Mute or unmute; nothing happens when it is so already."""
        if participant.muted != muted:
            participant.muted = muted
            self._tell(MuteChanged(participant, by_host))

    def mute_all(self, but: Participant) -> None:
        """Mute everybody except the one who asks and other hosts."""
        for participant in self:
            if participant is not but and not participant.host:
                self.set_muted(participant, True, by_host=True)

    def ask_unmute(self, participant: Participant, host: Participant) -> None:
        """Ask someone who is muted to speak."""
        if participant.muted:
            self._tell(UnmuteAsked(participant, host))

    def set_camera(self, participant: Participant, camera: bool) -> None:
        """Show a camera, or show it no longer. Raises :class:`LimitError`."""
        if participant.camera == camera:
            return
        limit = self.limits.cameras if self.rules.max_cameras is None else self.rules.max_cameras
        if camera and sum(each.camera for each in self) >= limit:
            raise LimitError(f"{limit} cameras are shown already")
        if camera:
            self._check_load()
        participant.camera = camera
        self._tell(Changed(participant))

    def set_screen(self, participant: Participant, screen: bool) -> None:
        """Share a screen, or share it no longer. Raises :class:`LimitError`."""
        if participant.screen == screen:
            return
        if screen and sum(each.screen for each in self) >= self.limits.shares:
            raise LimitError("somebody shares a screen already")
        if screen:
            self._check_load()
        participant.screen = screen
        self._tell(Changed(participant))

    def _check_load(self) -> None:
        if not self._has_room():
            raise LimitError("the service can take no picture more for the moment", Outcome.OVERLOADED)

    def stop_share(self, participant: Participant) -> None:
        """End someone's screen share."""
        if participant.screen:
            self.set_screen(participant, False)
            self._tell(ShareStopped(participant))

    def set_hand(self, participant: Participant, raised: bool) -> None:
        """Raise or lower a hand."""
        if (participant.hand is not None) != raised:
            participant.hand = self._wall() if raised else None
            self._tell(Changed(participant))

    def rename(self, participant: Participant, name: str) -> None:
        """Give another name."""
        if participant.name != name:
            participant.name = name
            self._tell(Changed(participant))

    def promote(self, participant: Participant) -> None:
        """Make someone a host."""
        if not participant.host:
            participant.host = True
            self._tell(Changed(participant))

    def demote(self, participant: Participant) -> None:
        """Make a host a guest, until they come anew by the host's link or PIN, or a host makes them one."""
        if participant.host:
            participant.host = False
            self._tell(Changed(participant))

    def set_locked(self, locked: bool) -> None:
        """Lock the door, or open it."""
        if self.locked != locked:
            self.locked = locked
            self._tell(LockChanged())

    def say(self, participant: Participant, text: str) -> None:
        """Write to all."""
        at = datetime.fromtimestamp(self._wall(), UTC)
        self._tell(Said(self.chat.add(participant.id, participant.name, text, at)))

    def react(self, participant: Participant, emoji: str) -> None:
        """Show an emoji to all."""
        self._tell(Reacted(participant, emoji))

    # Telling

    def listen(self, listener: Listener, concerning: Participant | None = None) -> Callable[[], None]:
        """Hear of every change from now on, or only of those ``concerning`` one; the callable ends it.

        A telephone asks for its own: a thousand of them need not hear that another has come.
        """
        listeners = self._listeners.setdefault(concerning, [])
        listeners.append(listener)

        def stop() -> None:
            listeners.remove(listener)
            if not listeners and concerning is not None:
                self._listeners.pop(concerning, None)

        return stop

    def _tell(self, event: Event) -> None:
        """Tell all listeners; events that come up meanwhile wait, so that all hear them in one order."""
        self._untold.append(event)
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                event = self._untold.popleft()
                concerned = getattr(event, "participant", None)
                own = self._listeners.get(concerned, []) if concerned is not None else []
                for listener in (*self._listeners[None], *own):
                    try:
                        listener(event)
                    except Exception:
                        log.exception("A listener failed", meeting=self.key, event_type=type(event).__name__)
        finally:
            self._telling = False
