"""The call flow: what the voice says and what keys do, from the answer to the goodbye. Sans-IO.

``receive(event, now)`` takes what happened and returns the commands to perform, in order;
``deadline`` says when ``Expired`` is due if nothing else happens. Times are seconds on one clock.

::

    WAITING   --Ready-->      ASKING, ENTERING, CHECKING, TYPING, LEAVING
    WAITING   --Key-->        WAITING
    ASKING    --Key-->        ASKING, TYPING
    ASKING    --Spoken-->     ASKING
    ASKING    --Expired-->    ASKING, LEAVING
    TYPING    --Key-->        TYPING, ASKING, CHECKING
    TYPING    --Spoken-->     TYPING
    TYPING    --Expired-->    CHECKING, LEAVING
    CHECKING  --Key-->        CHECKING
    CHECKING  --Spoken-->     CHECKING
    CHECKING  --LookedUp-->   ENTERING, ASKING, TYPING, CHECKING, LEAVING
    ENTERING  --Key-->        ENTERING
    ENTERING  --Spoken-->     ENTERING
    ENTERING  --Waiting-->    LOBBY
    ENTERING  --Entered-->    MEETING, LEAVING
    ENTERING  --Refusal-->    LEAVING
    LOBBY     --Key-->        LOBBY, LEAVING
    LOBBY     --Spoken-->     LOBBY
    LOBBY     --Expired-->    LOBBY
    LOBBY     --Entered-->    MEETING
    LOBBY     --Refusal-->    LEAVING
    MEETING   --Key-->        MEETING, LEAVING
    MEETING   --Spoken-->     MEETING
    MEETING   --Muted-->      MEETING
    MEETING   --HandMoved-->  MEETING
    MEETING   --Alone-->      MEETING
    LEAVING   --Key-->        LEAVING
    LEAVING   --Spoken-->     ENDED
    LEAVING   --Expired-->    ENDED
    LEAVING   --Muted-->      LEAVING
    LEAVING   --HandMoved-->  LEAVING
    LEAVING   --Alone-->      LEAVING
    LEAVING   --LookedUp-->   LEAVING
    LEAVING   --Waiting-->    LEAVING
    LEAVING   --Entered-->    LEAVING
    LEAVING   --Refusal-->    LEAVING
    (any)     --Dismissed-->  LEAVING
    (any)     --HungUp-->     ENDED

Keys typed while something is being looked up are kept and taken afterwards, so that ``tel:…,,PIN#``
works however slow the answer is. ``#`` ends a PIN, so does a pause; ``*`` starts over. In the LOBBY, the
waiting room, there is music between the words, and the only code is ``##``.
"""

from collections.abc import Iterator
from enum import Enum, auto

from bridge.flow.commands import (
    Command,
    Enter,
    HangUp,
    Hush,
    LookUp,
    PlayMusic,
    Say,
    ToggleHand,
    ToggleMute,
    Vacate,
)
from bridge.flow.events import (
    Alone,
    Dismissed,
    Entered,
    Event,
    Expired,
    HandMoved,
    HungUp,
    Key,
    LookedUp,
    Muted,
    Ready,
    Refusal,
    Spoken,
    Waiting,
)
from bridge.keypad import Action, Keypad
from config.outcome import Outcome
from config.settings import IvrSettings
from config.texts import Phrase
from rooms.values import Answer, Found, NotFound, Refused, Unavailable

# Longer than any PIN: keys beyond it are not kept.
MOST_DIGITS = 32
# Seconds that typing a PIN may take in all, whatever keys are pressed.
RECEPTION_SECONDS = 180.0
# Seconds after which a goodbye that could not be heard out ends all the same.
GOODBYE_SECONDS = 15.0
# Seconds of music in the waiting room between two times that the caller is asked to wait.
MUSIC_SECONDS = 30.0


class State(Enum):
    """Where the caller is."""

    WAITING = auto()  # answered; the way for sound is not open yet
    ASKING = auto()  # the voice asks, or waits for a first digit
    TYPING = auto()  # at least one digit was typed
    CHECKING = auto()  # the directory is looking the PIN up
    ENTERING = auto()  # the engine is giving us a seat
    LOBBY = auto()  # a host is to let the caller in
    MEETING = auto()
    LEAVING = auto()  # a goodbye is being said
    ENDED = auto()


_S = State
TRANSITIONS: dict[State, dict[type[Event], frozenset[State]]] = {
    _S.WAITING: {
        Ready: frozenset({_S.ASKING, _S.ENTERING, _S.CHECKING, _S.TYPING, _S.LEAVING}),
        Key: frozenset({_S.WAITING}),
    },
    _S.ASKING: {
        Key: frozenset({_S.ASKING, _S.TYPING}),
        Spoken: frozenset({_S.ASKING}),
        Expired: frozenset({_S.ASKING, _S.LEAVING}),
    },
    _S.TYPING: {
        Key: frozenset({_S.TYPING, _S.ASKING, _S.CHECKING}),
        Spoken: frozenset({_S.TYPING}),
        Expired: frozenset({_S.CHECKING, _S.LEAVING}),
    },
    _S.CHECKING: {
        Key: frozenset({_S.CHECKING}),
        Spoken: frozenset({_S.CHECKING}),
        LookedUp: frozenset({_S.ENTERING, _S.ASKING, _S.TYPING, _S.CHECKING, _S.LEAVING}),
    },
    _S.ENTERING: {
        Key: frozenset({_S.ENTERING}),
        Spoken: frozenset({_S.ENTERING}),
        Waiting: frozenset({_S.LOBBY}),
        Entered: frozenset({_S.MEETING, _S.LEAVING}),
        Refusal: frozenset({_S.LEAVING}),
    },
    _S.LOBBY: {
        Key: frozenset({_S.LOBBY, _S.LEAVING}),
        Spoken: frozenset({_S.LOBBY}),
        Expired: frozenset({_S.LOBBY}),
        Entered: frozenset({_S.MEETING}),
        Refusal: frozenset({_S.LEAVING}),
    },
    _S.MEETING: {
        Key: frozenset({_S.MEETING, _S.LEAVING}),
        Spoken: frozenset({_S.MEETING}),
        Muted: frozenset({_S.MEETING}),
        HandMoved: frozenset({_S.MEETING}),
        Alone: frozenset({_S.MEETING}),
    },
    _S.LEAVING: {
        Key: frozenset({_S.LEAVING}),
        Spoken: frozenset({_S.ENDED}),
        Expired: frozenset({_S.ENDED}),
        Muted: frozenset({_S.LEAVING}),
        HandMoved: frozenset({_S.LEAVING}),
        Alone: frozenset({_S.LEAVING}),
        LookedUp: frozenset({_S.LEAVING}),
        Waiting: frozenset({_S.LEAVING}),
        Entered: frozenset({_S.LEAVING}),
        Refusal: frozenset({_S.LEAVING}),
    },
    _S.ENDED: {},
}
for _state in State:
    if _state is not _S.ENDED:
        TRANSITIONS[_state][Dismissed] = frozenset({_S.LEAVING})
    TRANSITIONS[_state][HungUp] = frozenset({_S.ENDED})

GOODBYES: dict[Outcome, Phrase] = {
    Outcome.LEFT: Phrase.GOODBYE,
    Outcome.WRONG_PIN: Phrase.TOO_MANY_TRIES,
    Outcome.NO_PIN: Phrase.GOODBYE_SILENT,
    Outcome.PIN_THROTTLED: Phrase.PIN_THROTTLED,
    Outcome.ROOM_FULL: Phrase.ROOM_FULL,
    Outcome.ROOM_LOCKED: Phrase.ROOM_LOCKED,
    Outcome.REMOVED: Phrase.REMOVED,
    Outcome.MEETING_ENDED: Phrase.MEETING_ENDED,
    Outcome.DRAINING: Phrase.ENDING,
    Outcome.UNAVAILABLE: Phrase.UNAVAILABLE,
    Outcome.INTERNAL: Phrase.INTERNAL,
}


class IllegalEventError(Exception):
    """An event that cannot happen in this state; nothing was changed."""


def others_phrase(others: int) -> Phrase:
    """How many others are in the meeting, as one recorded phrase."""
    if others == 0:
        return Phrase.ALONE
    if others == 1:
        return Phrase.ONE_OTHER
    return Phrase.__members__.get(f"OTHERS_{others}", Phrase.OTHERS_MANY)


class Flow:
    """One caller's way.

    ``found``: the room is known already, no PIN is asked. ``slug``: the PIN of this room is asked for.
    ``wrong_tries``: wrong PINs tried in the URI.
    """

    def __init__(
        self,
        rules: IvrSettings,
        *,
        found: Found | None = None,
        slug: str | None = None,
        wrong_tries: int = 0,
    ) -> None:
        self.state = State.WAITING
        self.deadline: float | None = None
        self._rules = rules
        self._found = found
        self._slug = slug
        self._tries = wrong_tries
        self._repeats = 0
        self._typed = ""
        self._kept: list[str] = []  # keys typed ahead
        self._keypad = Keypad()
        self._give_up_at = 0.0
        self._outcome = Outcome.LEFT

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event at ``now`` seconds; the commands to perform, in order.

        Raises :class:`IllegalEventError` for an event that the state does not know, changing nothing.
        """
        allowed = TRANSITIONS[self.state].get(type(event))
        if allowed is None:
            raise IllegalEventError(f"{type(event).__name__} in {self.state.name}")
        return list(self._handle(event, now))

    def _handle(self, event: Event, now: float) -> Iterator[Command]:
        match event:
            case HungUp():
                self._become(State.ENDED)
            case Dismissed(outcome):
                yield from self._leave(outcome, now)
            case Ready():
                yield from self._begin(now)
            case Key(key):
                yield from self._key(key, now)
            case Spoken():
                yield from self._spoken(now)
            case Expired():
                yield from self._expired(now)
            case Waiting() | Entered() if self.state is State.LEAVING:
                yield Vacate()
            case _ if self.state is State.LEAVING:
                return  # too late to matter
            case LookedUp(answer):
                yield from self._looked_up(answer, now)
            case Entered(others, muted):
                yield from self._entered(others, muted, now)
            case Waiting():
                yield self._ask_to_wait()
            case Refusal(Outcome.REMOVED) if self.state is State.LOBBY:
                yield from self._leave(Outcome.REMOVED, now, Phrase.NOT_ADMITTED)
            case Refusal(outcome):
                yield from self._leave(outcome, now)
            case HandMoved(raised, by_host):
                lowered = Phrase.HAND_LOWERED_BY_HOST if by_host else Phrase.HAND_LOWERED
                yield Say((Phrase.HAND_RAISED if raised else lowered,))
            case Muted(muted, by_host):
                yield Say(
                    (Phrase.UNMUTED if not muted else Phrase.MUTED_BY_HOST if by_host else Phrase.MUTED,)
                )
            case Alone():
                yield Say((Phrase.ALONE,))

    def _become(self, state: State, deadline: float | None = None) -> None:
        self.state = state
        self.deadline = deadline

    def _begin(self, now: float) -> Iterator[Command]:
        self._give_up_at = now + RECEPTION_SECONDS
        if self._found is not None:
            self._become(State.ENTERING)
            yield Enter(self._found)
            return
        if self._tries:
            yield from self._ask_again(now)
        else:
            yield self._ask()
            yield from self._take_kept(now)

    def _ask_again(self, now: float) -> Iterator[Command]:
        """After a wrong PIN."""
        if self._tries >= self._rules.pin_tries:
            yield from self._leave(Outcome.WRONG_PIN, now)
        else:
            yield self._ask(Phrase.WRONG_PIN)
            yield from self._take_kept(now)

    def _ask(self, phrase: Phrase | None = None) -> Say:
        """Ask for a PIN; the wait for a first digit begins when the question has been spoken."""
        self._typed = ""
        self._become(State.ASKING)
        return Say((phrase or (Phrase.ASK_ROOM_PIN if self._slug else Phrase.WELCOME),))

    def _take_kept(self, now: float) -> Iterator[Command]:
        kept, self._kept = self._kept, []
        for key in kept:
            yield from self._key(key, now)

    def _key(self, key: str, now: float) -> Iterator[Command]:
        if self.state in (State.ASKING, State.TYPING):
            yield from self._pin_key(key, now)
        elif self.state is State.MEETING:
            yield from self._meeting_key(key, now)
        elif self.state is State.LOBBY:
            if self._keypad.press(key, now) is Action.LEAVE:
                yield from self._leave(Outcome.LEFT, now)
        elif self.state is not State.LEAVING and len(self._kept) < MOST_DIGITS:
            self._kept.append(key)

    def _pin_key(self, key: str, now: float) -> Iterator[Command]:
        yield Hush()
        if key == "#" and self._typed:
            yield from self._look_up()
        elif key.isdigit():
            self._typed += key if len(self._typed) < MOST_DIGITS else ""
            self._become(State.TYPING, self._within(now + self._rules.digit_pause_seconds))
        elif key == "*":
            yield self._ask()
        else:
            self._become(self.state, self._within(now + self._rules.silence_seconds))

    def _within(self, deadline: float) -> float:
        return min(deadline, self._give_up_at)

    def _look_up(self) -> Iterator[Command]:
        typed, self._typed = self._typed, ""
        self._become(State.CHECKING)
        yield LookUp(typed, self._slug)

    def _spoken(self, now: float) -> Iterator[Command]:
        if self.state is State.ASKING:
            self.deadline = self._within(now + self._rules.silence_seconds)
        elif self.state is State.LOBBY:
            self.deadline = now + MUSIC_SECONDS
            yield PlayMusic()
        elif self.state is State.LEAVING:
            self._become(State.ENDED)
            yield HangUp(self._outcome)

    def _expired(self, now: float) -> Iterator[Command]:
        if self.state is State.LEAVING:
            self._become(State.ENDED)
            yield HangUp(self._outcome)
        elif self.state is State.LOBBY:
            yield self._ask_to_wait()
        elif now >= self._give_up_at or (self.state is State.ASKING and self._repeats >= self._rules.repeats):
            yield from self._leave(Outcome.NO_PIN, now)
        elif self.state is State.TYPING:
            yield from self._look_up()
        else:
            self._repeats += 1
            yield self._ask()

    def _looked_up(self, answer: Answer, now: float) -> Iterator[Command]:
        match answer:
            case Found():
                self._found = answer
                self._become(State.ENTERING)
                yield Enter(answer)
            case NotFound() | Refused(Outcome.WRONG_PIN):
                self._tries += 1
                yield from self._ask_again(now)
            case Refused(outcome):
                yield from self._leave(outcome, now)
            case Unavailable():
                yield from self._leave(Outcome.UNAVAILABLE, now)

    def _ask_to_wait(self) -> Say:
        self._become(State.LOBBY)
        return Say((Phrase.WAITING_ROOM,))

    def _entered(self, others: int, muted: bool, now: float) -> Iterator[Command]:
        self._become(State.MEETING)
        phrases = (Phrase.JOINING, others_phrase(others), *((Phrase.MUTED_ON_ENTRY,) if muted else ()))
        yield Say(phrases, name_of=self._found.room.slug if self._found else None)
        yield from self._take_kept(now)

    def _meeting_key(self, key: str, now: float) -> Iterator[Command]:
        match self._keypad.press(key, now):
            case Action.TOGGLE_MUTE:
                yield ToggleMute()
            case Action.TOGGLE_HAND:
                yield ToggleHand()
            case Action.HELP:
                yield Say((Phrase.HELP,))
            case Action.LEAVE:
                yield from self._leave(Outcome.LEFT, now)

    def _leave(self, outcome: Outcome, now: float, phrase: Phrase | None = None) -> Iterator[Command]:
        """Say goodbye: in words of the outcome's, or ``phrase``."""
        if self.state is State.LEAVING:
            return
        if self.state in (State.MEETING, State.LOBBY):
            yield Vacate()
        self._outcome = outcome
        self._become(State.LEAVING, now + GOODBYE_SECONDS)
        yield Say((phrase or GOODBYES.get(outcome, Phrase.GOODBYE),), last=True)
