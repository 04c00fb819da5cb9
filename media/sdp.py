"""The session description: what each side can send and receive, and where (SDP, RFC 8866 and RFC 4566).

An SDP body is lines of ``<letter>=<value>``: one session part, then one part for each *m-line* (a stream:
audio, video, a BFCP floor, a fax). This module is the grammar and nothing else; who accepts which codec
is decided by the offer/answer code above (RFC 3264), which finds here, already worked out:

- what a payload type means (:attr:`MediaDescription.rtpmap`, static types of RFC 3551 filled in),
- which way media flows and where to (:meth:`SessionDescription.direction_of`, ``address_of``): the media
  part overrides the session part, and the old hold by ``c=0.0.0.0`` is told from a missing address.

Parsing is generous where real equipment is careless (bare LF or CR, missing ``o=``, ``s=`` or ``t=``, lines
out of order, spaces after ``a=rtpmap:``, NUL octets, attributes in capitals) and strict where a guess
could send media to the wrong place (ports, addresses, the m-line). Attributes are kept as they came, in
order; ``i= u= e= p= t= r= z= k=`` and unknown letters are dropped, for nothing here needs them and an answer
is written afresh. :meth:`SessionDescription.to_bytes` writes the lines in the order of the RFC.

Units: ptime in ms, clock rates in Hz, bandwidths as written (``TIAS`` in bit/s, ``AS`` in kbit/s).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from config.outcome import Outcome, PasserelleError
from media.rtpmap import STATIC_PAYLOAD_TYPES, RtpMap

__all__ = [
    "Direction",
    "MediaDescription",
    "Origin",
    "RtpMap",
    "SdpError",
    "SessionDescription",
]

MAX_SIZE: Final = 65_536  # octets; a room system's largest offer is near 6 KiB
MAX_MEDIAS: Final = 64
MAX_FORMATS: Final = 128  # of an m-line: there are no more payload types
MAX_ATTRIBUTES: Final = 1_000  # of an m-line or of the session
MAX_DIGITS: Final = 40  # NTP time stamps have 20; Python's int() is quadratic in what a stranger sends

AttributeList = list[tuple[str, str | None]]


class SdpError(PasserelleError, ValueError):
    """The body is not a session description we can act upon; the text says what was expected."""

    def __init__(self, message: str) -> None:
        super().__init__(message, outcome=Outcome.BAD_REQUEST)


class Direction(StrEnum):
    """Which way media flows, seen from the one who wrote the description (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> "Direction":
        """Name the direction of one who sends, receives, both or neither."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def sends(self) -> bool:
        """Whether the writer sends media."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the writer wants media."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class _Attributes:
    """Look up and change the ``a=`` lines of a session or media part; names are case-insensitive."""

    __slots__ = ()
    attributes: AttributeList

    def get(self, name: str) -> str | None:
        """Return the value of the first attribute of that name, "" for a flag; None when absent."""
        return next(iter(self.get_all(name)), None)

    def get_all(self, name: str) -> list[str]:
        """Return the values of all attributes of that name, in order."""
        wanted = name.lower()
        return [value or "" for key, value in self.attributes if key.lower() == wanted]

    def set(self, name: str, value: str | None = None) -> None:
        """Replace whatever has that name."""
        self.remove(name)
        self.attributes.append((name, value))

    def remove(self, name: str) -> None:
        """Drop every attribute of that name, if any."""
        unwanted = name.lower()
        self.attributes[:] = [item for item in self.attributes if item[0].lower() != unwanted]

    @property
    def stated_direction(self) -> Direction | None:
        """The direction said in this part itself; None when it says none. The last one counts."""
        stated = [name.lower() for name, _ in self.attributes if name.lower() in _DIRECTIONS]
        return Direction(stated[-1]) if stated else None


_DIRECTIONS: Final = frozenset(Direction)


@dataclass(slots=True)
class Origin:
    """The ``o=`` line. ``version`` rises by one with each changed description of the same session."""

    username: str = "-"
    session_id: int = 0
    version: int = 0
    address_type: str = "IP4"
    address: str = "0.0.0.0"  # noqa: S104 - a name in a description; nothing is bound to it

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.version} IN {self.address_type} {self.address}"


@dataclass(slots=True)
class MediaDescription(_Attributes):
    """One m-line and what follows it. ``port`` 0 means refused or switched off."""

    kind: str
    port: int
    protocol: str = "RTP/AVP"
    formats: list[str] = field(default_factory=list)
    connection: str | None = None
    attributes: AttributeList = field(default_factory=list)
    port_count: int = 1
    bandwidths: dict[str, int] = field(default_factory=dict)

    @property
    def is_rtp(self) -> bool:
        """Whether the stream is RTP under any profile, and not fax, BFCP or a data channel."""
        return self.protocol.upper().rpartition("/")[2] in ("AVP", "SAVP", "AVPF", "SAVPF")

    @property
    def direction(self) -> Direction:
        """The direction said here, sendrecv if none; see :meth:`SessionDescription.direction_of`."""
        return self.stated_direction or Direction.SENDRECV

    @direction.setter
    def direction(self, direction: str) -> None:
        stated = Direction(direction)
        for name in _DIRECTIONS:
            self.remove(name)
        self.attributes.append((stated.value, None))

    @property
    def rtpmap(self) -> dict[int, RtpMap]:
        """What each payload type of the m-line means, most wanted first; unexplained ones are left out."""
        if not self.is_rtp:
            return {}
        said = dict(filter(None, map(_rtpmap, self.get_all("rtpmap"))))
        maps = {**STATIC_PAYLOAD_TYPES, **said}
        listed = (_payload_type(text) for text in self.formats)
        return {number: maps[number] for number in listed if number in maps}

    @property
    def fmtp(self) -> dict[int, str]:
        """The format parameters by payload type, as written."""
        parameters = {}
        for value in self.get_all("fmtp"):
            number, _, text = value.replace("\t", " ").strip().partition(" ")
            if (payload_type := _payload_type(number)) >= 0:
                parameters[payload_type] = text.strip()
        return parameters

    @property
    def ptime(self) -> int | None:
        """Packet time the writer wants to receive, in ms; None if not said or not sensible."""
        return _milliseconds(self.get("ptime"))

    @property
    def maxptime(self) -> int | None:
        """Longest packet the writer takes, in ms; None if not said or not sensible."""
        return _milliseconds(self.get("maxptime"))

    @property
    def rtcp_port(self) -> int:
        """Where RTCP goes unless it is muxed: ``a=rtcp`` (RFC 3605), else the next port (RFC 3550 §11)."""
        said, _, _ = (self.get("rtcp") or "").strip().partition(" ")
        return int(said) if _is_number(said) and 0 < int(said) <= 65535 else self.port + 1

    @property
    def rtcp_address(self) -> str | None:
        """The address in ``a=rtcp``; None when RTCP goes to the address of the media."""
        words = (self.get("rtcp") or "").split()
        return words[3] if len(words) >= 4 else None

    @property
    def rtcp_mux(self) -> bool:
        """Whether RTCP may share the RTP port (RFC 5761)."""
        return self.get("rtcp-mux") is not None

    def add_format(self, payload_type: int, rtpmap: RtpMap, fmtp: str | None = None) -> None:
        """Append a payload type with its rtpmap line and, if given, its parameters."""
        self.formats.append(str(payload_type))
        self.attributes.append(("rtpmap", f"{payload_type} {rtpmap}"))
        if fmtp is not None:
            self.attributes.append(("fmtp", f"{payload_type} {fmtp}"))

    def refused(self) -> "MediaDescription":
        """Return the m-line of an answer that does not take this one: port 0, same formats (RFC 3264 §6)."""
        return MediaDescription(self.kind, 0, self.protocol, list(self.formats))

    def _lines(self) -> Iterable[str]:
        count = f"/{self.port_count}" if self.port_count != 1 else ""
        formats = " ".join(self.formats) or "0"  # the grammar wants one, some offers have none
        yield f"m={self.kind} {self.port}{count} {self.protocol} {formats}"
        yield from _common_lines(self.connection, self.bandwidths, self.attributes)


@dataclass(slots=True)
class SessionDescription(_Attributes):
    """A whole description: the session part and its :attr:`medias` in order."""

    origin: Origin = field(default_factory=Origin)
    name: str = "-"
    connection: str | None = None
    medias: list[MediaDescription] = field(default_factory=list)
    attributes: AttributeList = field(default_factory=list)
    bandwidths: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes | str, most: int = MAX_SIZE) -> "SessionDescription":
        """Read a body as it came, of ``most`` octets at most.

        Raises:
            SdpError: it is too large, has no ``v=0``, or a line could send media to the wrong place.
        """
        if len(data) > most:
            raise SdpError(f"a session description of {len(data)} octets; at most {most} are read")
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        return _Parser().parse(text)

    def to_bytes(self) -> bytes:
        """Write it with CRLF, lines in the order of RFC 8866.

        Raises:
            SdpError: a value holds a line break, which would smuggle in a line of its own.
        """
        lines = ["v=0", f"o={self.origin}", f"s={self.name}"]
        common = list(_common_lines(self.connection, self.bandwidths, self.attributes))
        # t= stands before the attributes and after c= and b=.
        before = [line for line in common if not line.startswith("a=")]
        lines += [*before, "t=0 0", *common[len(before) :]]
        for media in self.medias:
            lines += media._lines()
        text = "\r\n".join(lines) + "\r\n"
        if text.count("\r") != len(lines) or text.count("\n") != len(lines) or "\0" in text:
            broken = next(line for line in lines if not _FORBIDDEN.isdisjoint(line))
            raise SdpError(f"a line of a session description cannot hold a line break: {broken!r}")
        return text.encode("utf-8", "replace")

    def address_of(self, media: MediaDescription) -> str | None:
        """Return where that stream is to be sent: its own ``c=``, else the session's; None if neither."""
        return media.connection or self.connection

    def direction_of(self, media: MediaDescription) -> Direction:
        """Return which way that stream flows: said there, else in the session part, else both ways.

        The address 0.0.0.0 is the hold of RFC 2543 (RFC 3264 section 8.4): the writer takes nothing. With
        port 9 it only means that candidates are still to come (RFC 8840); with port 0 nothing flows by
        itself: so Firefox writes lines that are "bundle-only" (RFC 9143).
        """
        stated = media.stated_direction or self.stated_direction or Direction.SENDRECV
        if media.port not in (0, 9) and self.address_of(media) in _NOWHERE:
            return Direction.of(sends=stated.sends, receives=False)
        return stated


_FORBIDDEN: Final = frozenset("\r\n\0")
_NOWHERE: Final = frozenset(("0.0.0.0", "::", "0:0:0:0:0:0:0:0"))  # noqa: S104 - compared, never bound


class _Parser:
    """Reads line by line: before the first m-line into the session, then into the latest m-line."""

    def __init__(self) -> None:
        self._session = SessionDescription()
        self._part: SessionDescription | MediaDescription = self._session
        self._versioned = False

    def parse(self, text: str) -> SessionDescription:
        # Not str.splitlines(): it would also split at U+2028 and friends, inside someone's session name.
        lines = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for number, raw in enumerate(lines, 1):
            line = raw.strip()
            if not line:
                continue
            if line[1:2] != "=":
                raise SdpError(f"line {number}: expected <letter>=<value>, got {line[:40]!r}")
            try:
                self._line(line[0], line[2:].strip())
            except SdpError as error:
                raise SdpError(f"line {number}: {error}") from None
        if not self._versioned:
            raise SdpError("expected v=0; this is not a session description")
        return self._session

    def _line(self, letter: str, value: str) -> None:
        match letter:
            case "v":
                if value != "0":
                    raise SdpError(f"expected v=0, got {value[:40]!r}")
                self._versioned = True
            case "o":
                self._session.origin = _origin(value)
            case "s":
                self._session.name = value or "-"
            case "c":
                if self._part.connection is None:  # several are layers of a multicast; the first is the base
                    self._part.connection = _connection(value)
            case "b":
                kind, amount = (word.strip() for word in value.partition(":")[::2])
                if _is_number(amount):
                    self._part.bandwidths[kind] = int(amount)
            case "a":
                name, colon, rest = value.partition(":")
                if len(self._part.attributes) == MAX_ATTRIBUTES:
                    raise SdpError(f"more than {MAX_ATTRIBUTES} attributes")
                if name.strip():
                    self._part.attributes.append((name.strip(), rest.strip() if colon else None))
            case "m":
                if len(self._session.medias) == MAX_MEDIAS:
                    raise SdpError(f"more than {MAX_MEDIAS} m-lines")
                self._part = _media(value)
                self._session.medias.append(self._part)


def _origin(value: str) -> Origin:
    words = value.split()
    if len(words) < 5:  # some leave the user name out
        raise SdpError(f"expected o=<user> <id> <version> IN IP4|IP6 <address>, got {value[:80]!r}")
    # From the right, because some equipment puts a name with spaces in front.
    *username, session_id, version, _, address_type, address = words
    numbers = []
    for text in (session_id, version):
        digits = text.removeprefix("-")  # Java's longs overflow in the field
        if not _is_number(digits):
            raise SdpError(f"expected decimal numbers in o=, got {text[:40]!r}")
        numbers.append(int(digits) if digits == text else -int(digits))
    return Origin("_".join(username) or "-", numbers[0], numbers[1], address_type.upper(), address)


def _connection(value: str) -> str:
    words = value.split()
    if len(words) < 3 or words[0].upper() != "IN" or words[1].upper() not in ("IP4", "IP6"):
        raise SdpError(f"expected c=IN IP4|IP6 <address>, got {value[:80]!r}")
    address = words[2].partition("/")[0]  # a multicast's TTL and count follow the slash
    if not address:
        raise SdpError("expected an address in c=, got none")
    return address


def _media(value: str) -> MediaDescription:
    words = value.split()
    if len(words) < 3:
        raise SdpError(f"expected m=<media> <port> <protocol> <formats>, got {value[:80]!r}")
    kind, ports, protocol, *formats = words
    if len(formats) > MAX_FORMATS:
        raise SdpError(f"more than {MAX_FORMATS} formats")
    port, slash, count = ports.partition("/")
    for number in (port, count) if slash else (port,):
        if not _is_number(number) or int(number) > 65535:
            raise SdpError(f"expected a port from 0 to 65535 in m=, got {ports[:40]!r}")
    return MediaDescription(kind.lower(), int(port), protocol, formats, port_count=int(count) if slash else 1)


def _rtpmap(value: str) -> tuple[int, RtpMap] | None:
    """Read ``<payload type> <encoding>``; None when it makes no sense."""
    number, _, encoding = value.replace("\t", " ").strip().partition(" ")
    payload_type, rtpmap = _payload_type(number), RtpMap.parse(encoding)
    return (payload_type, rtpmap) if rtpmap and payload_type >= 0 else None


def _payload_type(text: str) -> int:
    """Return the payload type that ``text`` is, -1 when it is none."""
    return int(text) if _is_number(text) and int(text) <= 127 else -1


def _milliseconds(value: str | None) -> int | None:
    whole = (value or "").strip().partition(".")[0]
    return int(whole) if _is_number(whole) and 0 < int(whole) <= 1000 else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def _common_lines(
    connection: str | None, bandwidths: Mapping[str, int], attributes: AttributeList
) -> Iterable[str]:
    if connection is not None:
        yield f"c=IN {'IP6' if ':' in connection else 'IP4'} {connection}"
    for kind, amount in bandwidths.items():
        yield f"b={kind}:{amount}"
    for name, value in attributes:
        yield f"a={name}" if value is None else f"a={name}:{value}"
