"""How a browser gets into a room: rooms for one meeting, what opens one, and what one is then told.

The same doors as a telephone's: a room's access level, the brakes on guessing PINs, the meeting's lock and
waiting room. A key of a link, or a PIN, gives a role; without either one is a guest, where the room allows.

No address can take these doors from the others: each has its own brakes (``gateway.web.brakes``) on making
rooms and on asking for them. Names of rooms that are not there cost more, so that trying which there are
takes very long; and where a key or PIN is needed, what the room is called is not told without.
"""

from collections.abc import Callable
from random import Random

import structlog

from bridge.directory import Directory, rules_of, try_pin
from bridge.pin_guard import PinGuard
from conferencing.embedded.engine import EmbeddedEngine
from conferencing.embedded.messages import InvitationText
from conferencing.embedded.session import Visit
from config.buckets import Bucket
from config.outcome import Outcome, PasserelleError
from config.settings import Settings
from config.sources import SUBSCRIBER_BITS, counted_as
from gateway.addresses import reserved, sip_uri, web_url
from gateway.web.brakes import BrakedError, Brakes
from gateway.web.tokens import LinkKeys, Tickets
from gateway.web.turn import ice_servers
from rooms.store import Store
from rooms.values import Access, Answer, Found, Invitation, NewRoom, Refused, Role, Room, Unavailable

AD_HOC_NAME = {"fr": "Réunion", "en": "Meeting"}
# No vowels: no words by accident. Eleven of twenty letters are 47 bits: nobody guesses such a room.
_LETTERS = "bcdfghjkmnpqrstvwxyz"
_GROUPS = (3, 4, 4)
# Ad-hoc rooms of the whole gateway: one a second, so many at once; of one source: one in 10 s.
_ROOMS_AT_ONCE = 30.0
_ROOMS_AT_ONCE_OF_SOURCE = 10.0
# Times that one source may ask for a room, a second and at once: 1,000 people behind one address are let in
# within minutes. A name that leads nowhere counts as so many more.
_VISITS, _VISITS_AT_ONCE = 10.0, 200.0
_MISS = 19.0

log = structlog.get_logger(__name__)


class Doors:
    """All doors for browsers. ``clock`` gives monotonic, ``wall`` Unix seconds."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        directory: Directory,
        guard: PinGuard,
        engine: EmbeddedEngine,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Random,
    ) -> None:
        self.directory = directory
        self.guard = guard
        self.clock = clock
        self._settings = settings
        self._store = store
        self._engine = engine
        self._wall = wall
        self._random = random
        self._reserved = reserved(settings)
        self._keys = LinkKeys(store.link_key, wall)
        self._tickets: Tickets[Visit] = Tickets(clock, random)
        self._ad_hoc = Bucket(clock(), refill=1.0, depth=_ROOMS_AT_ONCE)
        trusted = settings.limits.trusted
        self._makers = Brakes(clock, trusted, refill=0.1, depth=_ROOMS_AT_ONCE_OF_SOURCE)
        self._visitors = Brakes(clock, trusted, refill=_VISITS, depth=_VISITS_AT_ONCE)

    # Rooms

    async def create(self, name: str, language: str, source: str) -> Invitation:
        """Make a room for one meeting, which gets a name if it has none. ``source``: the maker's address.

        Raises ``PasserelleError`` (NOT_FOUND: switched off; OVERLOADED).
        """
        meetings = self._settings.meetings
        if not meetings.ad_hoc:
            raise PasserelleError("rooms are made by the administrator here", outcome=Outcome.NOT_FOUND)
        if not self._makers.take(source) or not self._ad_hoc.take(1.0, self.clock()):
            wait = max(self._makers.wait(source), self._ad_hoc.wait(1.0, self.clock()))
            raise BrakedError("too many rooms are made", wait)
        slug = "-".join("".join(self._random.choices(_LETTERS, k=size)) for size in _GROUPS)
        expires_at = int(self._wall() + meetings.ad_hoc_hours * 3600)
        if language not in AD_HOC_NAME:
            language = self._settings.ivr.language
        name = name or AD_HOC_NAME[language]
        new = NewRoom(name, slug=slug, language=language, access=Access.OPEN, expires_at=expires_at)
        return await self._store.add(new, reserved=self._reserved)

    async def sweep(self) -> None:
        """Remove rooms whose time has passed and in which nobody is."""
        in_use = [meeting.key for meeting in self._engine.meetings()]
        if removed := await self._store.remove_expired(self._wall(), but=in_use):
            log.info("Removed rooms whose time has passed", rooms=len(removed))

    async def room(self, slug: str, source: str) -> Room:
        """The room of that name. Raises ``PasserelleError`` (NOT_FOUND, OVERLOADED, UNAVAILABLE)."""
        if not self._visitors.take(source):
            raise BrakedError("too many rooms are asked for", self._visitors.wait(source))
        try:
            return self._found(await self.directory.by_slug(slug)).room
        except PasserelleError as error:
            if error.outcome is Outcome.NOT_FOUND:
                self._visitors.spend(source, _MISS)
            raise

    def may_know(self, room: Room, key: str | None) -> bool:
        """Whether one who has this key, or none, may know what the room is called."""
        return not room.pin_needed or (key is not None and self._keys.role(key, room) is not None)

    def _found(self, answer: Answer) -> Found:
        match answer:
            case Found(room) if room.expires_at is None or self._wall() < room.expires_at:
                return answer
            case Refused(outcome):
                raise PasserelleError("refused", outcome=outcome)
            case Unavailable(detail):
                raise PasserelleError(detail, outcome=Outcome.UNAVAILABLE)
            case _:
                raise PasserelleError("there is no such room", outcome=Outcome.NOT_FOUND)

    def link(self, room: Room, role: Role) -> str:
        """The address of a room's page, with a key where the address alone does not do."""
        url = web_url(self._settings, f"/r/{room.slug}")
        if role is Role.HOST or room.pin_needed:
            url += f"#k={self._keys.make(room, role)}"
        return url

    # Entering

    async def ticket(self, slug: str, *, key: str | None, pin: str | None, source: str) -> tuple[str, Role]:
        """A ticket into the room, and the role. ``source``: the address, to brake guessing.

        Raises ``PasserelleError``: NOT_FOUND, NO_PIN (a key or PIN is needed), WRONG_PIN (so is a wrong key),
        PIN_THROTTLED, OVERLOADED, ROOM_FULL, ROOM_LOCKED, UNAVAILABLE.
        """
        room = await self.room(slug, source)
        role = await self._role(room, key, pin, source)
        rules = rules_of(room)
        place = counted_as(source, self._settings.limits.trusted, bits=SUBSCRIBER_BITS)
        self._engine.check_door(room.slug, rules, host=role is Role.HOST, source=place)
        invitation = await self._store.invitation(room.slug)
        if invitation is None:
            raise PasserelleError("there is no such room", outcome=Outcome.NOT_FOUND)
        visit = Visit(
            key=room.slug,
            room=room.name,
            access=room.access.value,
            rules=rules,
            host=role is Role.HOST,
            invitation=self._invitation(invitation),
            ice_servers=lambda who: ice_servers(self._settings.webrtc, who, self._wall()),
            source=place,
        )
        return self._tickets.issue(visit), role

    def leave(self, session_id: str, secret: str) -> None:
        """Give up the seat that this page has."""
        self._engine.leave_session(session_id, secret)

    def redeem(self, ticket: str) -> Visit | None:
        """Whom a ticket lets in where, once."""
        return self._tickets.redeem(ticket)

    async def _role(self, room: Room, key: str | None, pin: str | None, source: str) -> Role:
        if key is not None:
            role = self._keys.role(key, room)
            if role is not None:
                return role
            if room.pin_needed and pin is None:
                raise PasserelleError("the key is not of this room", outcome=Outcome.WRONG_PIN)
        if pin is not None:
            return await self._role_by_pin(room, pin, source)
        if room.pin_needed:
            raise PasserelleError("a link with a key or a PIN is needed", outcome=Outcome.NO_PIN)
        return Role.GUEST

    async def _role_by_pin(self, room: Room, pin: str, source: str) -> Role:
        match await try_pin(self, source, pin, room.slug, seen=True):
            case Refused(Outcome.PIN_THROTTLED as outcome):
                wait = self.guard.wait(source, self.clock(), seen=True)
                raise BrakedError(
                    "too many wrong PINs were tried lately: a link with a key opens", wait, outcome
                )
            case Refused(Outcome.WRONG_PIN as outcome):
                raise PasserelleError("the PIN is not of this room", outcome=outcome)
            case answer:
                return self._found(answer).role

    def _invitation(self, invitation: Invitation) -> InvitationText:
        settings, room = self._settings, invitation.room
        return InvitationText(
            link=self.link(room, Role.GUEST),
            number=settings.sip.number or None,
            pin=invitation.pin,
            sip_uri=sip_uri(settings, room.slug),
        )
