"""SIP, SIPS and TEL addresses (RFC 3261 section 19.1, RFC 3966).

The field values of a :class:`Uri` are decoded (``%2F`` is ``/``) and their case folded where case means
nothing, so they can be compared and looked up; ``str()`` of a parsed URI is the text that was parsed,
character by character, because a Contact goes back to its owner as it came (``%66oo`` and ``foo`` are the
same user, but not every peer knows). A scheme we do not speak keeps its text in ``opaque``: the request
that names it deserves a 416, not a 400.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.ASCII)
MAX_PARAMETERS = 100
"""Of a URI or a header value: more than anybody uses; each costs time."""

_SIP = re.compile(
    r"""
    (?:(?P<user>[!\#-9;=?A-~]*)(?::(?P<password>[!\#-;=?A-~]*))?@)?   # printable, not @ : < > "
    (?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+)
    (?::(?P<port>[0-9]{1,5}))?
    (?P<parameters>;[!\#-;=@-~]*)?                                     # up to a question mark
    (?:\?(?P<headers>[!\#-;=?-~]*))?
    """,
    re.VERBOSE,
)
_TEL = re.compile(r"(?P<number>[+0-9A-Fa-f*#().\-]+)(?P<parameters>;[!#-;=?-~]*)?")
REMEMBERED_LENGTH = 200
"""Characters; a URI up to there is remembered once read, for the few of a call come in each message of it."""
_USER_SAFE = "-_.!~*'()&=+$,;?/"
_PARAMETER_SAFE = "-_.!~*'()[]/:&+$"


class UriError(ValueError):
    """The text is not a URI, or not a correct one of its scheme."""


@dataclass(frozen=True, slots=True)
class Uri:
    """Where a request goes or who somebody is.

    ``host`` has no brackets even when it is an IPv6 address. A ``tel:`` URI has its number in ``user`` and
    an empty host. A scheme other than sip, sips and tel has only ``scheme`` and ``opaque``.
    """

    scheme: str
    host: str = ""
    user: str | None = None
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""
    _text: str | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Read a URI; raises :class:`UriError`."""
        return _remembered(text) if len(text) <= REMEMBERED_LENGTH else _parse(text)

    @property
    def is_sip(self) -> bool:
        """Whether this is a ``sip:`` or ``sips:`` URI."""
        return self.scheme in ("sip", "sips")

    @property
    def transport(self) -> str | None:
        """The ``transport`` parameter in lower case (``udp``, ``tcp``, ``tls``), if there is one."""
        value = self.parameters.get("transport")
        return value.lower() if value else None

    def __str__(self) -> str:
        if self._text is not None:
            return self._text
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        parts = [self.scheme, ":"]
        if self.user is not None:
            parts.append(quote(self.user, safe=_USER_SAFE if self.is_sip else "+*#().-"))
            if self.password is not None:
                parts += [":", quote(self.password, safe="-_.!~*'()&=+$,")]
            if self.is_sip:
                parts.append("@")
        parts.append(f"[{self.host}]" if ":" in self.host else self.host)
        if self.port is not None:
            parts.append(f":{self.port}")
        for name, value in self.parameters.items():
            parts.append(f";{quote(name, safe=_PARAMETER_SAFE)}")
            if value is not None:
                parts.append(f"={quote(value, safe=_PARAMETER_SAFE)}")
        if self.headers:
            parts += ["?", "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in self.headers)]
        return "".join(parts)


def _parse(text: str) -> Uri:
    if (scheme := _SCHEME.match(text)) is None:
        raise UriError("a URI begins with its scheme, as in sip:name@example.org")
    name, rest = scheme[1].lower(), text[scheme.end() :]
    if name in ("sip", "sips"):
        uri = _parse_sip(name, rest)
    elif name == "tel":
        uri = _parse_tel(rest)
    elif rest and rest.isascii() and rest.isprintable() and not any(c in ' <>"' for c in rest):
        uri = Uri(name, opaque=rest)
    else:
        raise UriError(f"no URI of the scheme {name} has that form")
    object.__setattr__(uri, "_text", text)
    return uri


_remembered = lru_cache(maxsize=1024)(_parse)


def _parse_sip(scheme: str, rest: str) -> Uri:
    if (m := _SIP.fullmatch(rest)) is None:
        raise UriError(f"after {scheme}: comes [user[:password]@]host[:port][;parameters][?headers]")
    user, password, host, port, parameters, headers = m.groups()
    return Uri(
        scheme,
        host=parse_host(host),
        user=_decode(user) if user is not None else None,
        port=parse_port(port) if port else None,
        password=_decode(password) if password is not None else None,
        parameters=_parse_parameters(parameters) if parameters else {},
        headers=_parse_headers(headers) if headers else (),
    )


def _parse_tel(rest: str) -> Uri:
    if (m := _TEL.fullmatch(rest)) is None:
        raise UriError("after tel: comes a number of digits and + * # - . ( ), then parameters")
    return Uri("tel", user=m["number"], parameters=_parse_parameters(m["parameters"] or ""))


def parse_host(text: str) -> str:
    """A host name in lower case, or an address without its brackets; raises :class:`UriError`."""
    if not text.startswith("["):
        return text.lower()
    address = text[1:-1].replace(":::", "::")  # RFC 3261's grammar makes three, RFC 5954 mended it
    try:
        return str(ipaddress.IPv6Address(address))
    except ValueError:
        raise UriError("what stands in brackets is not an IPv6 address") from None


def parse_port(text: str) -> int:
    """A port number, 1 to 65535; raises :class:`UriError`."""
    if not 1 <= (port := int(text)) <= 65535:
        raise UriError("a port is a number from 1 to 65535")
    return port


def _parse_parameters(text: str) -> dict[str, str | None]:
    """Names in lower case. Of a name that comes twice the first counts; ``;;`` is forgiven."""
    parameters: dict[str, str | None] = {}
    items = text.split(";", MAX_PARAMETERS)
    if len(items) > MAX_PARAMETERS:
        raise UriError(f"a URI has {MAX_PARAMETERS} parameters at most")
    for item in items:
        if item:
            name, equals, value = item.partition("=")
            parameters.setdefault(_decode(name).lower(), _decode(value) if equals else None)
    return parameters


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    items = text.split("&", MAX_PARAMETERS)
    if len(items) > MAX_PARAMETERS:
        raise UriError(f"a URI has {MAX_PARAMETERS} headers at most")
    pairs = (item.partition("=") for item in items if item)
    return tuple((_decode(name), _decode(value)) for name, _, value in pairs)


def _decode(text: str) -> str:
    """Undo %-escapes. Octets that are not UTF-8 become U+FFFD, which matches no name of ours."""
    return unquote(text, errors="replace") if "%" in text else text
