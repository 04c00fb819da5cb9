"""The STUN and TURN servers that an engine names, as browsers write them (RFC 7064, RFC 7065).

::

    {"urls": ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org?transport=tcp"],
     "username": "...", "credential": "..."}

``turn`` is UDP unless it says TCP, ``turns`` is TLS over TCP. What is well-formed but not for us (``stuns``,
and ``turns`` over UDP, which is DTLS) is passed over: such lists are made for all kinds of clients.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Final

PORT: Final = 3478
TLS_PORT: Final = 5349
_URL: Final = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]]+)"
    r"(:(?P<port>[0-9]{1,5}))?(\?transport=(?P<transport>udp|tcp))?",
    re.IGNORECASE,
)


class IceServerError(ValueError):
    """An ICE server that cannot be used; the text says what was expected, and names no credential."""


@dataclass(frozen=True, slots=True)
class StunServer:
    """Who tells us how we are seen from outside."""

    host: str
    port: int = PORT


@dataclass(frozen=True, slots=True)
class TurnServer:
    """Who carries our media where nothing else gets through."""

    host: str
    port: int
    username: str
    credential: str = field(repr=False)
    tcp: bool = False
    tls: bool = False


def read_servers(entries: Iterable[Mapping[str, object]]) -> list[StunServer | TurnServer]:
    """Return the servers that we can use, in their order, each once.

    Raises:
        IceServerError: a URL is malformed, or a TURN server has no credentials.
    """
    found: dict[StunServer | TurnServer, None] = {}
    for entry in entries:
        urls = entry.get("urls")
        for url in [urls] if isinstance(urls, str) else _strings(urls):
            server = _read(url, entry.get("username"), entry.get("credential"))
            if server is not None:
                found[server] = None
    return list(found)


def _strings(urls: object) -> list[str]:
    if not isinstance(urls, Iterable):
        raise IceServerError("expected 'urls' of an ICE server to be a URL or a list of URLs")
    return [str(url) for url in urls]


def _read(url: str, username: object, credential: object) -> StunServer | TurnServer | None:
    match = _URL.fullmatch(url)
    if match is None:
        raise IceServerError(
            f"expected stun:HOST[:PORT] or turn:HOST[:PORT][?transport=udp|tcp], not {url!r}"
        )
    scheme, transport = match["scheme"].lower(), (match["transport"] or "").lower()
    tls = scheme.endswith("s")
    port = int(match["port"] or (TLS_PORT if tls else PORT))
    if not 0 < port < 65536:
        raise IceServerError(f"expected a port from 1 to 65535 in {url!r}")
    host = _host(match["host"], url)
    if scheme.startswith("stun"):
        if transport:
            raise IceServerError(f"expected no transport in {url!r}")
        return None if tls else StunServer(host, port)
    if not (isinstance(username, str) and username and isinstance(credential, str) and credential):
        raise IceServerError(f"expected username and credential for {url!r}")
    if tls and transport == "udp":
        return None
    return TurnServer(host, port, username, credential, tcp=tls or transport == "tcp", tls=tls)


def _host(text: str, url: str) -> str:
    if not text.startswith("["):
        return text
    try:
        return str(IPv6Address(text[1:-1]))
    except ValueError:
        raise IceServerError(f"expected an IPv6 address in the brackets of {url!r}") from None
