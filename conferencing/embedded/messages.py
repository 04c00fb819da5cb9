"""What the page and the server say to each other over the WebSocket: the vocabulary, version 1.

Text messages, each one JSON object with a ``type``. The page begins with ``hello`` (a join token of
``POST /api/join``, used once) or, when it had lost its connection, ``resume``. It then offers its media
(``offer``, answered by ``answer``) and says what it publishes (``media``) and would like to see (``want``).
The server tells everything that happens, numbered by ``n`` in rising order; a page that comes back says with
``last`` up to where it heard, hears what it missed, and then ``welcome`` with everything as it is now. A page
that remembers nothing says ``last: 0`` and begins its media anew.

Both sides ignore fields they do not know. A message that is not understood, not allowed or too much is
answered ``error {code, message, about}``, ``about`` being its ``type``, and changes nothing. A page sends
``ping`` every 5 s: what is silent for ``session.SILENCE`` seconds is gone.

A classes' ``type`` is the key under which it stands in :data:`FROM_PAGE` or :data:`TO_PAGE`. Fields named
``from_`` are ``from`` on the wire. Times are Unix seconds, or ISO 8601 where they are text.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

from conferencing.chat import MOST_CHARACTERS
from conferencing.embedded.fields import Emoji, FieldError, Flag, Lines, Many, Number, Text, reader
from conferencing.embedded.offer import MOST_OCTETS

VERSION = 1
MOST_LENGTH = 4 * 1024
MOST_SDP = MOST_OCTETS
"""The most that any setting of last-N allows; ``offer`` looks closer."""

Id = Annotated[str, Text(64)]
Name = Annotated[str, Text(80)]
Bool = Annotated[bool, Flag()]

# From the page


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message: here I am."""

    version: Annotated[int, Number(0, 1_000_000)]
    token: Annotated[str, Text(128)]
    name: Name
    language: Annotated[str, Text(16, least=0)] = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """The first message of a page that was here before."""

    version: Annotated[int, Number(0, 1_000_000)]
    session: Id
    secret: Annotated[str, Text(128)]
    last: Annotated[int, Number(0, 2**53)] = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """An SDP offer: the first one, or one after the page's media changed (RFC 9429)."""

    sdp: Annotated[str, Lines(MOST_SDP)]


@dataclass(frozen=True, slots=True)
class Media:
    """What I send unmuted."""

    microphone: Bool
    camera: Bool
    screen: Bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture on the page, ``height`` device pixels high; 0: heard, not seen."""

    participant: Id
    height: Annotated[int, Number(0, 8192)]


@dataclass(frozen=True, slots=True)
class Want:
    """What I would like to see, the most important first."""

    tiles: Annotated[tuple[Tile, ...], Many(Tile, 32)]


@dataclass(frozen=True, slots=True)
class SendChat:
    """Write to all."""

    text: Annotated[str, Text(MOST_CHARACTERS, lines=True)]


@dataclass(frozen=True, slots=True)
class SendReaction:
    """Show an emoji to all."""

    emoji: Annotated[str, Emoji()]


@dataclass(frozen=True, slots=True)
class RaiseHand:
    """Raise or lower my hand."""

    raised: Bool


@dataclass(frozen=True, slots=True)
class Leave:
    """I am going."""


@dataclass(frozen=True, slots=True)
class Ping:
    """I am alive."""


@dataclass(frozen=True, slots=True)
class Rename:
    """Give a name: to myself, or as a host to anyone."""

    participant: Id
    name: Name


@dataclass(frozen=True, slots=True)
class Mute:
    """Host: mute one."""

    participant: Id


@dataclass(frozen=True, slots=True)
class AskUnmute:
    """Host: ask one to turn their microphone on. Browsers only: a telephone has no way to say yes."""

    participant: Id


@dataclass(frozen=True, slots=True)
class MuteAll:
    """Host: mute all but hosts."""


@dataclass(frozen=True, slots=True)
class LowerHand:
    """Host: lower one's hand."""

    participant: Id


@dataclass(frozen=True, slots=True)
class Remove:
    """Host: send one away."""

    participant: Id


@dataclass(frozen=True, slots=True)
class Admit:
    """Host: let one in who waits, or all."""

    participant: Annotated[str, Text(64, least=0)] = ""
    all: Bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Host: send one away who waits, or all."""

    participant: Annotated[str, Text(64, least=0)] = ""
    all: Bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """Host: lock the door behind us, or open it."""

    locked: Bool


@dataclass(frozen=True, slots=True)
class Promote:
    """Host: make one a host."""

    participant: Id


@dataclass(frozen=True, slots=True)
class Demote:
    """Host: make a host a guest, perhaps oneself."""

    participant: Id


@dataclass(frozen=True, slots=True)
class StopShare:
    """Host: end one's screen share."""

    participant: Id


@dataclass(frozen=True, slots=True)
class End:
    """Host: end the meeting for all."""


HostCommand = (
    Mute | AskUnmute | MuteAll | LowerHand | Remove | Admit | Refuse | Lock | Promote | Demote | StopShare
    | End
)  # fmt: skip
Command = Offer | Media | Want | SendChat | SendReaction | RaiseHand | Leave | Ping | Rename | HostCommand
Message = Hello | Resume | Command

FROM_PAGE: dict[str, type[Message]] = {
    "hello": Hello,
    "resume": Resume,
    "offer": Offer,
    "media": Media,
    "want": Want,
    "chat": SendChat,
    "reaction": SendReaction,
    "hand": RaiseHand,
    "leave": Leave,
    "ping": Ping,
    "rename": Rename,
    "mute": Mute,
    "ask_unmute": AskUnmute,
    "mute_all": MuteAll,
    "lower_hand": LowerHand,
    "remove": Remove,
    "admit": Admit,
    "refuse": Refuse,
    "lock": Lock,
    "promote": Promote,
    "demote": Demote,
    "stop_share": StopShare,
    "end": End,
}

# To the page


class Code(StrEnum):
    """Why a message was answered with an error."""

    INVALID = "invalid"
    UNKNOWN_TYPE = "unknown_type"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    BAD_OFFER = "bad_offer"
    BAD_TOKEN = "bad_token"  # noqa: S105 - no password
    BAD_VERSION = "bad_version"
    UNKNOWN_SESSION = "unknown_session"
    SHARE_TAKEN = "share_taken"
    CAMERAS_FULL = "cameras_full"
    ROOM_FULL = "room_full"
    ROOM_LOCKED = "room_locked"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Person:
    """A participant as the others see them.

    ``hand``: when it was raised; ``key``: has the host's link or PIN. When one who has it removes another who
    has it, those who come by it wait for a host's word from then on.
    """

    id: str
    name: str
    kind: str
    host: bool
    microphone: bool
    camera: bool
    screen: bool
    hand: float | None
    key: bool
    you: bool


@dataclass(frozen=True, slots=True)
class Visitor:
    """One who waits."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the chat."""

    id: str
    from_: str
    name: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class MeetingState:
    """The meeting itself. ``access``: "open", "waiting" or "signed-in"; ``shares``: screens at once."""

    name: str
    slug: str
    locked: bool
    access: str
    shares: int


@dataclass(frozen=True, slots=True)
class IceServer:
    """An entry of RTCConfiguration.iceServers."""

    urls: tuple[str, ...]
    username: str
    credential: str


@dataclass(frozen=True, slots=True)
class InvitationText:
    """How others come in: by link, by number and PIN, by SIP."""

    link: str
    number: str | None
    pin: str | None
    sip_uri: str | None


@dataclass(frozen=True, slots=True)
class SlotState:
    """Whom a receiving line of the page's offer shows now."""

    mid: str
    participant: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """You are in the waiting room of the meeting called ``name``; ``host``: whether one is there to answer.

    Told anew when that changes.
    """

    session: str
    secret: str
    name: str
    host: bool


@dataclass(frozen=True, slots=True)
class Welcome:
    """You are in the meeting, and this is how it is. ``lobby`` is empty unless you are a host.

    ``tiles``: how many cameras you may be sent at once, each by a pair of your offer's lines (``offer``).
    """

    session: str
    secret: str
    you: str
    meeting: MeetingState
    participants: tuple[Person, ...]
    lobby: tuple[Visitor, ...]
    chat: tuple[Line, ...]
    ice_servers: tuple[IceServer, ...]
    tiles: int
    invitation: InvitationText
    resumed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to your offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Someone came."""

    participant: Person


@dataclass(frozen=True, slots=True)
class Changed:
    """Someone is another than before."""

    participant: Person


@dataclass(frozen=True, slots=True)
class Left:
    """Someone is gone: "left", "lost", "removed", "ended"."""

    participant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Slots:
    """What your receiving lines show from now on; those not named stay as they are."""

    slots: tuple[SlotState, ...]


@dataclass(frozen=True, slots=True)
class Speaking:
    """Who speaks, the loudest first."""

    participants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chatted:
    """Someone wrote."""

    message: Line


@dataclass(frozen=True, slots=True)
class Reacted:
    """Someone sent an emoji."""

    participant: str
    emoji: str


@dataclass(frozen=True, slots=True)
class LobbyChanged:
    """Who waits now; hosts are told."""

    waiting: tuple[Visitor, ...]


@dataclass(frozen=True, slots=True)
class MeetingChanged:
    """The meeting itself is another than before."""

    meeting: MeetingState


@dataclass(frozen=True, slots=True)
class Asked:
    """A host did this to you: "mute", "stop_share"; or asks you to "unmute", the host's name being ``by``;
    or the server asks you to "offer" anew."""

    what: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How your media travels: bit/s, losses as fractions, round trip in seconds."""

    stats: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Restarting:
    """The service stops soon, and comes back: ``closed`` follows, and after that one may join anew."""


@dataclass(frozen=True, slots=True)
class Closed:
    """It is over: "removed", "refused", "ended", "restarting", "replaced". The connection closes."""

    reason: str


@dataclass(frozen=True, slots=True)
class Error:
    """Your message of the type ``about`` did nothing."""

    code: Code
    message: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """So are we."""


Event = (
    Waiting | Welcome | Answer | Joined | Changed | Left | Slots | Speaking | Chatted | Reacted
    | LobbyChanged | MeetingChanged | Asked | Stats | Restarting | Closed | Error | Pong
)  # fmt: skip

TO_PAGE: dict[type[Event], str] = {
    Waiting: "waiting",
    Welcome: "welcome",
    Answer: "answer",
    Joined: "joined",
    Changed: "changed",
    Left: "left",
    Slots: "slots",
    Speaking: "speaking",
    Chatted: "chat",
    Reacted: "reaction",
    LobbyChanged: "lobby",
    MeetingChanged: "meeting",
    Asked: "asked",
    Stats: "stats",
    Restarting: "restarting",
    Closed: "closed",
    Error: "error",
    Pong: "pong",
}

# On the wire


def decode(text: str) -> Message | Error:
    """Read what a page sent; what cannot be read is the error to answer with."""
    if len(text) > 2 * MOST_SDP:
        return Error(Code.TOO_LONG, f"at most {MOST_SDP} characters are taken")
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Error(Code.INVALID, "a JSON object is expected")
    name = body.get("type") if isinstance(body, dict) else None
    if not isinstance(name, str):
        return Error(Code.INVALID, "an object with a type is expected")
    kind = FROM_PAGE.get(name)
    if kind is None:
        return Error(Code.UNKNOWN_TYPE, "there is no message of this type", name[:32])
    if kind is not Offer and len(text) > MOST_LENGTH:
        return Error(Code.TOO_LONG, f"at most {MOST_LENGTH} characters are taken", name)
    try:
        return reader(kind)(body)
    except FieldError as error:
        return Error(Code.INVALID, str(error), name)


def encode(event: Event, n: int) -> str:
    """What goes to a page as its event number ``n``."""
    body: dict[str, Any] = {"type": TO_PAGE[type(event)], "n": n}
    return json.dumps(body | asdict(event, dict_factory=_wire), separators=(",", ":"))


def _wire(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in pairs}


def _no_constant(name: str) -> None:
    raise ValueError(name)
