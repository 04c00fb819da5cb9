"""SIP messages: framing, the lines of a message, answers to requests (RFC 3261 sections 7, 8.2.6 and 18.3).

    datagram ──────────────────────┐
                                   ├──> parse ──> Request | Response ──> to_bytes
    stream ──> StreamFramer.feed ──┘        └───> MessageError

Parsing looks at the start line, the shape of the header and the length of the body, no further. The typed
properties (``via``, ``to``, ``cseq``…) read their header when asked and remember the result; a header that
makes no sense raises :class:`MessageError` there and then. The error carries the status the peer deserves
and, where an answer is possible, the request to answer: a dispatcher needs no other handler.

A message without Content-Length ends with its datagram; on a stream it has no body. What follows the body
in a datagram is dropped (section 18.3). CRLFs before a message are keep-alives (RFC 5626 section 4.4.1),
and so are the NULs some phones send: no messages, and no errors.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar

from sip.headers import KNOWN, Address, CSeq, Headers, Via
from sip.reasons import PHRASES
from sip.uri import Uri, UriError

__all__ = [
    "KEEPALIVE",
    "Address",
    "CSeq",
    "Headers",
    "MessageError",
    "Request",
    "Response",
    "StreamFramer",
    "Via",
    "is_in_dialog",
    "is_keepalive",
    "parse",
    "respond",
]

T = TypeVar("T")

MAX_FIELDS = 256
"""Header fields of a message; more are refused, for each costs time."""

MAX_HEAD = 16_384
"""Octets before the body: ten times what the longest honest route makes, and 3 ms of the worst nonsense."""

_IDLE = b"\r\n\0"
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_REQUEST_LINE = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+) (\S+) SIP/([0-9]+\.[0-9]+)", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?: ([^\r\n]*))?", re.IGNORECASE)
_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:\s*([^\r\n]*)", re.IGNORECASE)
_ECHOED = frozenset(("Via", "From", "Call-ID", "CSeq"))  # and To
_ECHOED_IN_100 = _ECHOED | {"Timestamp"}
_ECHOED_IN_DIALOG = _ECHOED | {"Record-Route"}
_FOLD = re.compile(r"\r\n[ \t]+")
_TAG = re.compile(r";\s*tag\s*=", re.IGNORECASE)


class MessageError(ValueError):
    """A message that cannot be understood.

    ``status`` and ``reason`` are the answer it deserves; ``request`` is what to answer, or None where
    nothing can be answered: a response, an ACK, noise, a request without Via.
    """

    def __init__(self, status: int, reason: str, request: "Request | None" = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.request = request


class Message:
    """What requests and responses have in common: header, body, typed access to both."""

    __slots__ = ()
    headers: Headers
    body: bytes

    @property
    def start_line(self) -> str:
        """The first line, without its CRLF."""
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """The topmost Via: where the message last came from, or where it goes."""
        return self.vias[0]

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Vias, topmost first; at least one."""
        return self._required("Via", Via.parse)

    @property
    def from_(self) -> Address:
        """Who the request is from."""
        return self._required("From", Address.parse, split=False)[0]

    @property
    def to(self) -> Address:
        """Who the request was meant for."""
        return self._required("To", Address.parse, split=False)[0]

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self._required("Call-ID", str, split=False)[0]

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        return self._required("CSeq", CSeq.parse, split=False)[0]

    @property
    def contacts(self) -> tuple[Address, ...]:
        """The Contacts. ``*``, which only a REGISTER has, is none."""
        return self._several("Contact", Address.parse) if self.headers.get("Contact") != "*" else ()

    @property
    def routes(self) -> tuple[Address, ...]:
        """The hops the request still has to visit."""
        return self._several("Route", Address.parse)

    @property
    def record_routes(self) -> tuple[Address, ...]:
        """The proxies that want to stay on the path of the dialog, topmost first."""
        return self._several("Record-Route", Address.parse)

    @property
    def max_forwards(self) -> int | None:
        """How many hops are left, 0 to 255."""
        return self._number("Max-Forwards", 255)

    @property
    def expires(self) -> int | None:
        """The lifetime asked for, in seconds."""
        return self._number("Expires", 2**32 - 1)

    @property
    def content_type(self) -> str | None:
        """The media type of the body in lower case, without its parameters."""
        value = self.headers.get("Content-Type")
        return value.partition(";")[0].strip().lower() if value is not None else None

    def listed(self, name: str) -> tuple[str, ...]:
        """The values of a header that is a list, as they stand there."""
        return self._several(name, str)

    def to_bytes(self) -> bytes:
        """The message as it goes on the wire, with its Content-Length."""
        lines = [self.start_line]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if name != "Content-Length"]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body

    def _required(self, name: str, parse: Callable[[str], T], *, split: bool = True) -> tuple[T, ...]:
        if values := self._several(name, parse, split=split):
            return values
        raise self._refusal(f"Missing {name} Header")

    def _several(self, name: str, parse: Callable[[str], T], *, split: bool = True) -> tuple[T, ...]:
        try:
            return self.headers.parsed(name, parse, split=split)
        except ValueError:
            raise self._refusal(f"Malformed {name} Header") from None

    def _number(self, name: str, largest: int) -> int | None:
        if (value := self.headers.get(name)) is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= largest):
            raise self._refusal(f"Malformed {name} Header")
        return int(value)

    def _refusal(self, reason: str) -> MessageError:
        return MessageError(400, reason, _answerable(self))


@dataclass(slots=True)
class Request(Message):
    """A request. ``method`` is case-sensitive."""

    method: str
    uri: Uri
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def start_line(self) -> str:
        """The request line, without its CRLF."""
        return f"{self.method} {self.uri} SIP/2.0"

    def stamp(self, host: str, port: int) -> None:
        """Note in the topmost Via where the request really came from (section 18.2.1, RFC 3581).

        ``received`` is added where the Via names another host, and always beside ``rport``, which gets its
        value when the client asked for it. Raises :class:`MessageError` when the Via cannot be read.
        """
        via, *others = self.vias
        asked = "rport" in via.parameters
        if via.host == host and not asked:
            return
        origin = {"received": host, "rport": str(port)} if asked else {"received": host}
        via = via.with_parameters(**origin)
        self.headers.set("Via", str(via), *self.headers.get_list("Via")[1:])
        self.headers.remember("Via", (via, *others))


@dataclass(slots=True)
class Response(Message):
    """An answer to a request."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def start_line(self) -> str:
        """The status line, without its CRLF."""
        return f"SIP/2.0 {self.status} {self.reason}"


def parse(data: bytes) -> Request | Response:
    """Read one whole message, as a datagram or a :class:`StreamFramer` delivers it.

    Raises :class:`MessageError`: 505 for another version of SIP, 513 for more than ``MAX_HEAD`` octets before
    the body, 400 for everything else.
    """
    head, blank, rest = data.lstrip(_IDLE).partition(b"\r\n\r\n")
    if len(head) > MAX_HEAD:
        raise MessageError(513, PHRASES[513], _request_of(head[: max(0, head.rfind(b"\r\n", 0, MAX_HEAD))]))
    start, _, lines = head.decode("utf-8", "surrogateescape").partition("\r\n")
    headers, faults = _read_fields(lines)
    body = _read_body(headers, rest, faults)
    if not blank:
        faults.insert(0, "Header Without End")
    if start[:4].upper() == "SIP/":
        if (status := _STATUS_LINE.fullmatch(start)) is None:
            raise MessageError(400, "Malformed Status Line")
        if faults:
            raise MessageError(400, faults[0])
        return Response(int(status[1]), status[2] or "", headers, body)
    return _read_request(start, headers, body, faults)


def _read_request(start: str, headers: Headers, body: bytes, faults: list[str]) -> Request:
    method, _, target = start.partition(" ")
    request = Request(method, Uri("", opaque=target.strip()), headers, body)
    if (line := _REQUEST_LINE.fullmatch(start)) is None:
        raise MessageError(400, "Malformed Request Line", _answerable(request))
    if line[3] != "2.0":
        raise MessageError(505, PHRASES[505], _answerable(request))
    try:
        request.uri = Uri.parse(line[2])
    except UriError:
        raise MessageError(400, "Malformed Request-URI", _answerable(request)) from None
    if faults:
        raise MessageError(400, faults[0], _answerable(request))
    return request


def _read_fields(lines: str) -> tuple[Headers, list[str]]:
    """The header fields, unfolded, and what is wrong with those that are left out."""
    headers, faults = Headers(), []
    if "\r\n " in lines or "\r\n\t" in lines:
        lines = _FOLD.sub(" ", lines)
    fields = lines.split("\r\n", MAX_FIELDS) if lines else []
    if len(fields) > MAX_FIELDS:
        faults.append("Too Many Header Fields")
    for line in fields[:MAX_FIELDS]:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if colon and (name in KNOWN or _TOKEN.fullmatch(name)) and "\r" not in value and "\n" not in value:
            headers.add(name, value.strip(" \t"))
        else:
            faults.append("Malformed Header Field")
    return headers, faults


def _read_body(headers: Headers, rest: bytes, faults: list[str]) -> bytes:
    lengths = set(headers.get_all("Content-Length"))
    if not lengths:
        return rest
    if len(lengths) > 1 or (length := _read_length(lengths.pop())) is None or length > len(rest):
        faults.append("Wrong Content-Length")
        return b""
    return rest[:length]


def _read_length(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _answerable(message: Message) -> Request | None:
    """The message if it is a request that may be answered: no ACK, and its Via says whither."""
    if isinstance(message, Request) and message.method != "ACK" and "Via" in message.headers:
        return message
    return None


def respond(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Response:
    """The answer to a request (section 8.2.6): its Vias, From, To, Call-ID and CSeq as they came.

    ``to_tag`` is put to a To that has no tag yet, except in a 100. Answers that make a dialog repeat the
    Record-Routes (section 12.1.1), a 100 the Timestamp. Works on the request of a :class:`MessageError`
    too: what is missing or malformed there is missing or malformed in the answer.
    """
    echoed = _ECHOED_IN_100 if status == 100 else _ECHOED_IN_DIALOG if status < 300 else _ECHOED
    fields = [item for item in request.headers.items() if item[0] in echoed]
    if (to := request.headers.get("To")) is not None:
        fields.append(("To", _tagged(to, to_tag) if to_tag is not None and status > 100 else to))
    fields += headers
    if content_type is not None:
        fields.append(("Content-Type", content_type))
    return Response(status, PHRASES.get(status, "") if reason is None else reason, Headers(fields), body)


def is_in_dialog(request: Request) -> bool:
    """Whether its To has a tag, as far as can be seen in a request that makes no sense."""
    return _has_tag(request.headers.get("To") or "")


def _tagged(to: str, tag: str) -> str:
    """A To with a tag, the one it has if it has one."""
    return to if _has_tag(to) else f"{to};tag={tag}"


def _has_tag(to: str) -> bool:
    return _TAG.search(to, max(to.rfind(">"), 0)) is not None


class Framed(Enum):
    """What a stream carries between messages."""

    KEEPALIVE = "keep-alive"


KEEPALIVE: Final = Framed.KEEPALIVE
"""A double CRLF: to be answered with a single one (RFC 5626 section 4.4.1)."""


def is_keepalive(datagram: bytes) -> bool:
    """Whether a datagram holds no message, only the CRLFs or NULs that keep a NAT binding open."""
    return not datagram.strip(_IDLE)


class StreamFramer:
    """Cuts a TCP or TLS stream into messages. ``limit`` is in octets, header and body together.

    A head may have ``MAX_HEAD`` of them.
    """

    def __init__(self, limit: int = 65_536) -> None:
        self._limit = limit
        self._most_head = min(limit, MAX_HEAD)
        self._buffer = bytearray()

    @property
    def begun(self) -> bool:
        """Whether a message has begun and is not whole yet."""
        return bool(self._buffer.strip(_IDLE))

    def feed(self, data: bytes) -> Iterator[bytes | Framed]:
        """Take what arrived; yield the messages it completes, and KEEPALIVE for each double CRLF.

        Raises :class:`MessageError`, after what came before it, where the stream can be cut no further:
        answer the error's request if it has one, and close the connection.
        """
        self._buffer += data
        while (item := self._next()) is not None:
            yield item

    def _next(self) -> bytes | Framed | None:
        buffer = self._buffer
        while buffer[:1] == b"\0" or buffer[:2] == b"\r\n":
            if buffer[:4] == b"\r\n\r\n":
                del buffer[:4]
                return KEEPALIVE
            if buffer == b"\r\n" or buffer == b"\r\n\r":
                return None  # half a ping, or the answer to one of ours
            del buffer[: 1 if buffer[0] == 0 else 2]
        end = buffer.find(b"\r\n\r\n", 0, self._most_head) + 4
        line = bytes(buffer[: buffer.find(b"\r\n", 0, self._most_head) + 1])
        if line and b"SIP/" not in line.upper():  # somebody speaks HTTP, TLS, or nothing at all
            head = bytes(buffer[: end if end > 3 else 0])
            raise MessageError(400, "Malformed Request Line", _request_of(head))
        if end == 3:
            if len(buffer) >= self._most_head:
                raise MessageError(513, PHRASES[513], _request_of(bytes(buffer[: self._most_head])))
            return None
        head = bytes(buffer[:end])
        lengths = {value.rstrip(b" \t") for value in _CONTENT_LENGTH.findall(head)} or {b"0"}
        length = _read_length(lengths.pop().decode("latin-1"))
        if length is None or lengths:  # where the next message begins is anybody's guess
            raise MessageError(400, "Wrong Content-Length", _request_of(head))
        if end + length > self._limit:
            raise MessageError(513, PHRASES[513], _request_of(head))
        if len(buffer) < end + length:
            return None
        message = bytes(buffer[: end + length])
        del buffer[: end + length]
        return message


def _request_of(head: bytes) -> Request | None:
    """The request such a head belongs to, for the answer."""
    try:
        message = parse(head)
    except MessageError as error:
        return error.request
    return _answerable(message)
