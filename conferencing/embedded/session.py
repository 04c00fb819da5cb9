"""One browser's stay in a meeting, across lost connections. No I/O: times are arguments, in seconds.

::

    WAITING --admitted-->                SEATED
    WAITING --refused, left, lost-->     GONE
    SEATED  --left, removed, lost-->     GONE

A session is attached to one connection at a time, or to none. What it has to say is numbered and, while the
page may still come back, kept: a page that resumes hears what it missed and then how everything is. Whoever
resumes takes the session over; the connection before is told ``replaced``.

Nobody says goodbye when a battery dies. Life is a connection (the HTTP server pings it, and closes one
that is silent for 10 s), or media that flows (RFC 7675 consent, 15 s, kept by ``media.webrtc``). Without
either the seat is kept until ``SILENCE`` after the page's last word, and for ``RETURN`` at least: so a
network that changes or a page that is reloaded keeps its seat. These clocks run side by side: the others wait
15 s for a ghost to go.
"""

import hmac
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import Protocol

import structlog

from conferencing import events as happened
from conferencing.embedded import messages, views
from conferencing.embedded.commands import CommandError, obey
from conferencing.embedded.media import MediaPeer, OfferError, Plane, SlotMap, Source, Statistics
from conferencing.embedded.messages import Code, Error, Message
from conferencing.embedded.rate import DEPTH, REFILL, RESUME, cost, weight
from conferencing.events import Reason
from conferencing.lobby import Decision
from conferencing.meeting import Meeting, MeetingRules
from conferencing.participant import Kind, Participant
from config.buckets import Bucket
from config.outcome import Outcome, PasserelleError

SILENCE = 15.0
RETURN = 5.0
STATS_SECONDS = 5.0
MOST_KEPT = 500
"""Events kept for a page that comes back."""
MOST_EXCESS = 200
"""Tokens' worth of messages beyond the rate before the connection is cut."""

# The session id of the o= line (RFC 8866 section 5.2): each RTCPeerConnection has its own.
_ORIGIN = re.compile(r"^o=\S+ (\d+) ", re.MULTILINE)

# What a page that waits is told when it is not let in.
_CLOSINGS = {Outcome.DRAINING: "restarting", Outcome.MEETING_ENDED: "ended"}

log = structlog.get_logger(__name__)


class State(Enum):
    """Where the browser is."""

    WAITING = auto()  # for a host's word
    SEATED = auto()
    GONE = auto()


class Connection(Protocol):
    """A WebSocket; neither method waits or raises."""

    def send(self, text: str) -> None:
        """Send a text message."""

    def close(self) -> None:
        """Close it after what was sent."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes to which room, and what they are told about it. ``key`` is the slug of the room, ``source``
    the address they come from, if it counts (``config.sources``)."""

    key: str
    room: str
    access: str
    rules: MeetingRules
    host: bool
    invitation: messages.InvitationText
    ice_servers: Callable[[str], tuple[messages.IceServer, ...]]
    source: str | None = None


class Session:
    """One browser. ``id`` names its participant too; ``secret`` is what the page resumes with."""

    def __init__(
        self,
        session_id: str,
        secret: str,
        visit: Visit,
        meeting: Meeting,
        plane: Plane,
        now: float,
        *,
        name: str,
    ) -> None:
        self.id = session_id
        self.state = State.WAITING
        self.meeting = meeting
        self.participant: Participant | None = None
        self._secret = secret
        self._visit = visit
        self._name = name
        self._plane = plane
        self._peer: MediaPeer | None = None
        self._wanted: Sequence[messages.Tile] = ()
        self._media_alive = False
        self._media_over = False  # the connection of ``_origin`` has died, which no ICE restart heals
        self._connection: Connection | None = None
        self._bucket = Bucket(now, refill=REFILL, depth=DEPTH)
        self._excess = 0
        self._heard_at = now
        self._detached_at = now
        self._origin: str | None = None
        self._offer_wanted = False
        self._stats_due = now
        self._n = 0
        self._kept: deque[tuple[int, str]] = deque(maxlen=MOST_KEPT)
        self._stop_listening: Callable[[], None] | None = None
        self._restarting = False
        self._host_there = False  # as the page that waits was told

    @property
    def attached(self) -> bool:
        """Whether a page is there."""
        return self._connection is not None

    # The connection

    def attach(self, connection: Connection, now: float, last: int | None = None) -> None:
        """A page is here: a new one, or one that heard everything up to event ``last`` (0: nothing).

        Raises :class:`PasserelleError` (OVERLOADED) when it comes back all the time; nothing changes then.
        """
        if last is not None and not self._bucket.take(RESUME, now):
            raise PasserelleError("slower, please", outcome=Outcome.OVERLOADED)
        before, self._connection = self._connection, connection
        if before is not None:
            before.send(messages.encode(messages.Closed("replaced"), self._n))
            before.close()
        self._heard_at = now
        if last:
            for n, text in self._kept:
                if n > last:
                    connection.send(text)
        self._greet(resumed=last is not None)

    def detach(self, connection: Connection, now: float) -> None:
        """The connection is lost."""
        if self._connection is connection:
            self._connection = None
            self._detached_at = now

    def has_secret(self, secret: str) -> bool:
        """Whether the page that says so is ours."""
        return hmac.compare_digest(self._secret.encode(), secret.encode())

    def tell(self, event: messages.Event, *, keep: bool = True) -> None:
        """Say something to the page, now or, if it may be ``kept``, when it is back."""
        self._n += 1
        text = messages.encode(event, self._n)
        if keep:
            self._kept.append((self._n, text))
        if self._connection is not None:
            self._connection.send(text)

    def tell_restart(self) -> None:
        """The service stops soon: tell the page, now and whenever it comes back before that."""
        self._restarting = True
        self.tell(messages.Restarting(), keep=False)

    def _greet(self, *, resumed: bool) -> None:
        me = self.participant
        if me is None:
            self._tell_waiting()
        else:
            self.tell(self._welcome(me, resumed=resumed), keep=False)
        if self._restarting:
            self.tell_restart()

    def _tell_waiting(self) -> None:
        self._host_there = self.meeting.has_host
        waiting = messages.Waiting(self.id, self._secret, self._visit.room, self._host_there)
        self.tell(waiting, keep=False)

    def _welcome(self, me: Participant, *, resumed: bool) -> messages.Welcome:
        held, visit = self.meeting, self._visit
        return messages.Welcome(
            session=self.id,
            secret=self._secret,
            you=me.id,
            meeting=views.state(visit.room, visit.access, held),
            participants=tuple(views.person(each, me) for each in held),
            lobby=views.visitors(held.lobby) if me.host else (),
            chat=tuple(map(views.line, held.chat)),
            ice_servers=visit.ice_servers(self.id),
            tiles=self._plane.tiles,
            invitation=visit.invitation,
            resumed=resumed,
        )

    # The door

    def enter(self) -> None:
        """Knock. Raises :class:`PasserelleError` (ROOM_LOCKED, ROOM_FULL)."""
        visit = self._visit
        place = self.meeting.enter(
            self.id,
            Kind.BROWSER,
            self._name,
            host=visit.host,
            decided=self.decided,
            source=visit.source,
        )
        if isinstance(place, Participant):
            self._sit(place)
        else:
            self._stop_listening = self.meeting.listen(self._happened_inside)

    def decided(self, decision: Decision) -> None:
        """A host has spoken: a seat, or not."""
        if isinstance(decision, Participant):
            self._sit(decision)
            self._greet(resumed=False)
        else:
            self.close(_CLOSINGS.get(decision, "refused"))

    def _sit(self, participant: Participant) -> None:
        if self._stop_listening is not None:  # what one who waits hears
            self._stop_listening()
        self.state = State.SEATED
        self.participant = participant
        self._stop_listening = self.meeting.listen(self._happened)

    def tick(self, now: float) -> None:
        """Let time pass: one of whom nothing was heard for too long is gone."""
        if self.state is State.GONE:
            return
        if self.attached:
            self._tell_of_media(now)
        elif not self._media_alive and now > max(self._heard_at + SILENCE, self._detached_at + RETURN):
            self.go(Reason.LOST)

    def close(self, reason: str) -> None:
        """Tell the page that it is over, and why, and go."""
        if self.state is not State.GONE:
            self.tell(messages.Closed(reason))
            self.go()

    def go(self, reason: Reason = Reason.LEFT) -> None:
        """Give everything back; going twice is no error."""
        if self.state is State.GONE:
            return
        self.state = State.GONE
        if self._stop_listening is not None:
            self._stop_listening()
        self._drop_media()
        if self.participant is not None:
            self.meeting.leave(self.participant, reason)
        else:
            self.meeting.give_up(self.id)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # What the page says

    def hear(self, text: str, now: float) -> None:
        """Do what the page asks, or tell it why not. Raises nothing that a page can provoke."""
        self._heard_at = now
        if self.state is State.GONE:
            return
        if not self._bucket.take(weight(text), now):
            self._too_fast(None, weight(text))
            return
        message = messages.decode(text)
        about = message.about if isinstance(message, Error) else TYPES[type(message)]
        if not self._bucket.take(cost(message), now):
            self._too_fast(about, 1)
        elif isinstance(message, Error):
            self.tell(message, keep=False)
        else:
            try:
                self._obey(message)
            except CommandError as error:
                self.tell(Error(error.code, str(error), about), keep=False)

    def _too_fast(self, about: str | None, tokens: int) -> None:
        self._excess += tokens
        self.tell(Error(Code.TOO_FAST, "slower, please", about), keep=False)
        if self._excess > MOST_EXCESS and self._connection is not None:
            log.warning("A page sends far too much: its connection is cut", session=self.id)
            self._connection.close()
            self._connection = None

    def _obey(self, message: Message) -> None:
        me = self.participant
        match message:
            case messages.Ping():
                self.tell(messages.Pong(), keep=False)
            case messages.Leave():
                self.go()
            case messages.Hello() | messages.Resume():
                raise CommandError(Code.INVALID, "this is the first message or none")
            case _ if me is None:
                raise CommandError(Code.NOT_ALLOWED, "you are in the waiting room")
            case messages.Offer(sdp):
                self._answer(me, sdp)
            case messages.Want(tiles):
                self._wanted = tiles
                if self._peer is not None:
                    self._peer.want(tiles)
            case messages.Media():
                self._publish(me, message)
            case _:
                obey(self.meeting, me, message)

    # Media

    def _media(self, me: Participant) -> MediaPeer:
        if self._peer is None:
            self._peer = self._plane.join(me.id, self)
            self._peer.allow(Source.MICROPHONE, not me.muted)
            self._peer.allow(Source.CAMERA, me.camera)
            self._peer.allow(Source.SCREEN, me.screen)
            self._peer.want(self._wanted)
        return self._peer

    def _answer(self, me: Participant, sdp: str) -> None:
        origin = next(iter(_ORIGIN.findall(sdp)), None)
        if origin != self._origin:
            self._drop_media()  # of a page before it was reloaded, or of a connection that died
            self._origin = origin
        elif self._media_over:
            raise CommandError(Code.BAD_OFFER, "this connection is over: make a new one")
        try:
            answer = self._media(me).offer(sdp)
        except OfferError as error:
            raise CommandError(Code.BAD_OFFER, str(error)) from None
        self.tell(messages.Answer(answer))

    def _publish(self, me: Participant, media: messages.Media) -> None:
        """Switch what the page sends; a source that is refused stays off, and the page is told."""
        self.meeting.set_muted(me, not media.microphone)
        try:
            self.meeting.set_camera(me, media.camera)
        except PasserelleError as error:
            self.tell(Error(Code.CAMERAS_FULL, str(error), "media"), keep=False)
        try:
            self.meeting.set_screen(me, media.screen)
        except PasserelleError as error:
            code = Code.UNAVAILABLE if error.outcome is Outcome.OVERLOADED else Code.SHARE_TAKEN
            self.tell(Error(code, str(error), "media"), keep=False)

    def _tell_of_media(self, now: float) -> None:
        peer = self._peer
        if peer is None:
            return
        if peer.offer_wanted is not self._offer_wanted:
            self._offer_wanted = peer.offer_wanted
            if peer.offer_wanted:
                self.tell(messages.Asked("offer"))
        if self._media_alive and now >= self._stats_due:
            self._stats_due = now + STATS_SECONDS
            self.tell(messages.Stats(asdict(peer.stats())), keep=False)

    def statistics(self) -> Statistics | None:
        """How its media travels; None while there is none."""
        return self._peer.stats() if self._peer is not None and self._media_alive else None

    def _drop_media(self) -> None:
        self._offer_wanted = False
        self._media_alive = False
        self._media_over = False
        if self._peer is not None:
            self._peer = None
            self._plane.leave(self.id)

    # What the media tells (conferencing.embedded.media.PeerEvents)

    def connected(self) -> None:
        """Media flows."""
        self._media_alive = True

    def closed(self, reason: str) -> None:
        """Media flows no more: the page, if it is still there, is asked for an offer of a new connection."""
        self._media_alive = False
        if self._peer is None:  # our own doing
            return
        log.info("Media of a browser ended", session=self.id, reason=reason)
        self._drop_media()
        self._media_over = True
        self.tell(messages.Asked("offer"))

    def slots(self, slots: Sequence[SlotMap]) -> None:
        """Receiving lines carry something else now."""
        states = (messages.SlotState(slot.mid, slot.participant_id, slot.source.value) for slot in slots)
        self.tell(messages.Slots(tuple(states)))

    def tell_speaking(self, participants: Sequence[str]) -> None:
        """Others speak now."""
        if self.state is State.SEATED and self.attached:
            self.tell(messages.Speaking(tuple(participants)), keep=False)

    # What happens in the meeting

    def _happened_inside(self, _event: happened.Event) -> None:
        """Of all that happens, one who waits hears whether a host is there."""
        if self.participant is None and self.meeting.has_host is not self._host_there:
            self._tell_waiting()

    def _happened(self, event: happened.Event) -> None:
        me = self.participant
        if me is None:
            return
        match event:
            case happened.Joined(who) if who is not me:
                self.tell(messages.Joined(views.person(who, me)))
            case happened.Left(who, reason) if who is not me:
                self.tell(messages.Left(who.id, reason.value))
            case happened.Removed(who, reason) if who is me:
                self.close(reason.value)
            case happened.MuteChanged(who, by_host):
                if who is me:
                    self._allow(Source.MICROPHONE, not who.muted)
                self.tell(messages.Changed(views.person(who, me)))
                if who is me and by_host and who.muted:
                    self.tell(messages.Asked("mute"))
            case happened.Changed(who):
                self._changed(who, me)
            case happened.ShareStopped(who) if who is me:
                self.tell(messages.Asked("stop_share"))
            case happened.UnmuteAsked(who, host) if who is me:
                self.tell(messages.Asked("unmute", host.name), keep=False)
            case happened.Said(message):
                self.tell(messages.Chatted(views.line(message)))
            case happened.Reacted(who, emoji):
                self.tell(messages.Reacted(who.id, emoji))
            case happened.LobbyChanged() if me.host:
                self.tell(messages.LobbyChanged(views.visitors(self.meeting.lobby)))
            case happened.LockChanged():
                state = views.state(self._visit.room, self._visit.access, self.meeting)
                self.tell(messages.MeetingChanged(state))

    def _changed(self, who: Participant, me: Participant) -> None:
        self.tell(messages.Changed(views.person(who, me)))
        if who is me:
            self._allow(Source.CAMERA, me.camera)
            self._allow(Source.SCREEN, me.screen)
            if me.host:  # perhaps since now
                self.tell(messages.LobbyChanged(views.visitors(self.meeting.lobby)))

    def _allow(self, source: Source, allowed: bool) -> None:
        if self._peer is not None:
            self._peer.allow(source, allowed)


TYPES = {kind: name for name, kind in messages.FROM_PAGE.items()}
