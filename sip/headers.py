"""SIP header fields: the ordered collection, and the values that have a structure (RFC 3261 section 20).

The collection keeps raw text, unfolded; octets that are not UTF-8 survive as surrogates, so that what must
be echoed (Via, From, To, Call-ID, CSeq) goes back octet by octet. Values are parsed when somebody asks.

Real equipment folds lines, spaces out its separators, quotes commas, puts unbracketed IPv6 into ``received``
(RFC 5118 section 4.5) and underscores into host names; what can be understood without doubt is understood,
the rest is a :class:`ValueError` with what was expected.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sip.uri import MAX_PARAMETERS, Uri, parse_host, parse_port

T = TypeVar("T")

MAX_VALUES = 100
"""Values of one name, in one field or in several: more than the 70 hops anybody makes; each costs time."""

_COMPACT = {  # IANA's registry of compact forms
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
_COMMON = (
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Record-Route",
    "Route",
    "Max-Forwards",
    "Contact",
    "Allow",
    "Accept",
    "Content-Disposition",
    "Expires",
    "Require",
    "Server",
    "User-Agent",
)
_NAMES = _COMPACT | {name.lower(): name for name in (*_COMPACT.values(), *_COMMON)}
_KEYS = {spelling: name.lower() for short, name in _NAMES.items() for spelling in (short, name)}
KNOWN = frozenset(_KEYS)
"""Spellings of names that need not be looked at twice."""
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_PARAMETER = re.compile(rf'\s*;\s*(?:([^\s;=,<>"]+)(?:\s*=\s*({_QUOTED}|[^\s;,<>"]*))?)?\s*', re.DOTALL)
_NAME_ADDR = re.compile(rf'({_QUOTED}\s*|[^"<>]*)<([^<>]*)>', re.DOTALL)
_ITEM = re.compile(rf'(?:[^",<]++|{_QUOTED}|<(?:[^">]++|{_QUOTED})*+>)*+', re.DOTALL)
_ADDR_SPEC = re.compile(r"[^\s;,?<>\"]+")
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+)(?:\s*:\s*([0-9]{1,5}))?",
    re.IGNORECASE,
)
_CSEQ = re.compile(r"([0-9]{1,16})\s+([A-Za-z0-9\-.!%*_+`'~]+)")
_CSEQ_LIMIT = 2**31


class Headers:
    """Header fields in their order; names match in any case and in their compact form."""

    __slots__ = ("_items", "_typed", "_values")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items: list[tuple[str, str, str]] = []  # key, name and value, in order
        self._values: dict[str, list[str]] = {}  # the same by key; no list is empty
        self._typed: dict[str, tuple[Any, ...]] = {}  # parsed, by key
        for name, value in items:
            self.add(name, value)

    def get(self, name: str) -> str | None:
        """The first value of that name."""
        values = self._values.get(_key(name))
        return values[0] if values else None

    def get_all(self, name: str) -> Sequence[str]:
        """The value of each header field of that name."""
        return self._values.get(_key(name), [])

    def get_list(self, name: str) -> list[str]:
        """All values of that name, those that stood in one field separated by commas taken apart.

        Raises ValueError when one field alone has more than ``MAX_VALUES``.
        """
        values = self._values.get(_key(name))
        return [item for value in values for item in split_list(value)] if values else []

    def parsed(self, name: str, parse: Callable[[str], T], *, split: bool = True) -> tuple[T, ...]:
        """The values of that name read by ``parse``, remembered until one of them changes.

        Raises ValueError when one cannot be read, or when there are more than ``MAX_VALUES``.
        """
        key = _KEYS.get(name) or _key(name)
        typed = self._typed.get(key)
        if typed is None:
            texts = self.get_list(name) if split else self.get_all(name)
            if len(texts) > MAX_VALUES:
                raise ValueError(f"there are {len(texts)} values of {name}, expected {MAX_VALUES} at most")
            typed = self._typed[key] = tuple(map(parse, texts))
        return typed

    def remember(self, name: str, values: tuple[object, ...]) -> None:
        """What :meth:`parsed` would return, from somebody who knows."""
        self._typed[_key(name)] = values

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        key, _, _ = item = _item(name, value)
        self._items.append(item)
        self._values.setdefault(key, []).append(value)
        self._typed.pop(key, None)

    def prepend(self, name: str, value: str) -> None:
        """Put a field before all others, as a client does with its Via."""
        key, _, _ = item = _item(name, value)
        self._items.insert(0, item)
        self._values.setdefault(key, []).insert(0, value)
        self._typed.pop(key, None)

    def set(self, name: str, *values: str) -> None:
        """Replace the fields of that name, where the first of them stood, by one for each value."""
        key = _key(name)
        items = [_item(name, value) for value in values]
        at = len(self._items)
        if key in self._values:
            at = [item[0] for item in self._items].index(key)
            self.remove(name)
        if items:
            self._items[at:at] = items
            self._values[key] = list(values)

    def remove(self, name: str) -> None:
        """Remove all fields of that name, if there are any."""
        key = _key(name)
        if self._values.pop(key, None) is not None:
            self._items = [item for item in self._items if item[0] != key]
        self._typed.pop(key, None)

    def items(self) -> list[tuple[str, str]]:
        """Name and value of each field, in order."""
        return [(name, value) for _, name, value in self._items]

    def copy(self) -> "Headers":
        """A copy that can be changed without changing this one."""
        other = Headers()
        other._items = self._items.copy()
        other._values = {key: values.copy() for key, values in self._values.items()}
        other._typed = self._typed.copy()
        return other

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._items == other._items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"


@dataclass(frozen=True, slots=True)
class Address:
    """A From, To, Contact, Route or Record-Route: name-addr or addr-spec with its parameters."""

    uri: Uri
    display: str = ""
    parameters: Mapping[str, str | None] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read one address; raises ValueError."""
        text = text.strip()
        if (m := _NAME_ADDR.match(text)) is not None:
            display, uri = unquote(m[1].strip()), m[2].strip()
        elif (m := _ADDR_SPEC.match(text)) is not None:
            display, uri = "", m[0]
        else:
            raise ValueError('an address is "Name" <uri>;parameters or uri;parameters')
        return cls(Uri.parse(uri), legible(display) if display else "", parse_parameters(text[m.end() :]))

    @property
    def tag(self) -> str | None:
        """The ``tag`` parameter, which names one end of a dialog."""
        return self.parameters.get("tag")

    def with_tag(self, tag: str) -> "Address":
        """The same address at one end of a dialog."""
        return Address(self.uri, self.display, {**self.parameters, "tag": tag})

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One hop a request went through, and where its answer has to go. ``host`` has no brackets."""

    transport: str
    host: str
    port: int | None = None
    parameters: Mapping[str, str | None] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Read one hop; raises ValueError."""
        text = text.strip()
        if (m := _VIA.match(text)) is None:
            raise ValueError("a Via is SIP/2.0/transport host[:port];parameters")
        parameters = parse_parameters(text[m.end() :])
        return cls(m[1].upper(), parse_host(m[2]), parse_port(m[3]) if m[3] else None, parameters)

    @property
    def branch(self) -> str | None:
        """The transaction's identifier; RFC 3261's kind begins with ``z9hG4bK``."""
        return self.parameters.get("branch")

    @property
    def received(self) -> str | None:
        """Where the request really came from, without the brackets that some put around IPv6."""
        value = self.parameters.get("received")
        return value.strip("[]") if value else None

    def with_parameters(self, **parameters: str | None) -> "Via":
        """The same hop with these parameters added or replaced."""
        return Via(self.transport, self.host, self.port, {**self.parameters, **parameters})

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        return f"SIP/2.0/{self.transport} {host}{port}{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    """The number of a request within its dialog, and its method."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Read a CSeq; raises ValueError, also for a number of 2**31 and above (section 8.1.1.5)."""
        if (m := _CSEQ.fullmatch(text.strip())) is None or int(m[1]) >= _CSEQ_LIMIT:
            raise ValueError("a CSeq is a number below 2**31 and a method")
        return cls(int(m[1]), m[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_parameters(text: str) -> dict[str, str | None]:
    """``;name=value;name="value";name`` as a mapping, names in lower case; raises ValueError."""
    if text.count(";") > MAX_PARAMETERS:
        raise ValueError(f"there are {MAX_PARAMETERS} parameters at most")
    parameters: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        if (m := _PARAMETER.match(text, at)) is None:
            raise ValueError("parameters are ;name or ;name=value")
        at = m.end()
        if m[1] is not None:
            value = m[2]
            parameters.setdefault(m[1].lower(), unquote(value) if value and value[0] == '"' else value)
    return parameters


def format_parameters(parameters: Mapping[str, str | None]) -> str:
    """The text of header parameters; a value that is neither a token nor a host is quoted."""
    return "".join(
        f";{name}" if value is None else f";{name}={value if _is_plain(value) else quote(value)}"
        for name, value in parameters.items()
    )


def split_list(text: str) -> list[str]:
    """The items of a comma-separated value; commas inside quotes and angle brackets do not count.

    Raises ValueError for more than ``MAX_VALUES``.
    """
    if "," not in text:
        item = text.strip()
        return [item] if item else []
    items: list[str] = []
    start, end = 0, -1
    while end < len(text):
        if len(items) > MAX_VALUES:
            raise ValueError(f"there are {MAX_VALUES} values in a list at most")
        end = _end_of_item(text, start)
        items.append(text[start:end].strip())
        start = end + 1
    return [item for item in items if item]


def _end_of_item(text: str, start: int) -> int:
    """Where the next comma stands that separates; what opens and is never closed runs to the end."""
    m = _ITEM.match(text, start)
    end = m.end() if m is not None else start
    return end if text.startswith(",", end) else len(text)


def quote(text: str) -> str:
    """A quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """The text of a quoted-string; text without quotes as it is."""
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if "\\" in text else text[1:-1]


def legible(text: str) -> str:
    """Text fit for people and logs: octets that are not UTF-8 are read as Latin-1, as old PBXs mean them.

    What cannot be printed (controls, line ends, direction marks) becomes a space.
    """
    if not text.isascii():
        octets = text.encode("utf-8", "surrogateescape")
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            text = octets.decode("latin-1")
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.strip()


def _is_plain(value: str) -> bool:
    return bool(value) and (
        _TOKEN.fullmatch(value) is not None or value.strip("[]:.0123456789abcdefABCDEF") == ""
    )


def _key(name: str) -> str:
    """What all spellings of a name have in common."""
    return _KEYS.get(name) or _KEYS.get(key := name.lower(), key)


def _item(name: str, value: str) -> tuple[str, str, str]:
    """A field as it is kept: its key, its name in the usual spelling, its value."""
    if "\r" in value or "\n" in value:  # whatever its origin, it must not become a header of its own
        raise ValueError(f"the value of {name} must be one line")
    key = _KEYS.get(name) or _key(name)
    return key, _NAMES.get(key, name), value
