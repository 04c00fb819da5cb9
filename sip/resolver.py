"""From a URI to the hops that serve it (RFC 3263): NAPTR, SRV, A and AAAA, in the order to try them.

Section 4.1 chooses the transport, section 4.2 the addresses:

- a numeric host needs no DNS at all; neither does the choice of transport when the URI names one;
- a port rules out SRV: the name is looked up as it stands;
- otherwise NAPTR says which transports the domain prefers, without NAPTR the SRV records of those we have are
  asked for, without SRV the name itself is looked up, by UDP.

SRV records of one priority are drawn by weight, and the target "." says that there is no such service (RFC
2782). The DNS is a :class:`Lookup`, of which
:class:`DnsLookup` is the real one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver

from sip.transport import DEFAULT_PORT, is_numeric
from sip.uri import Uri

_NAPTR_SERVICE: Final = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV_PREFIX: Final = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
MAX_HOPS: Final = 8


@dataclass(frozen=True, slots=True)
class Hop:
    """An address to send to."""

    transport: str
    host: str
    port: int

    def by(self, transport: str) -> "Hop":
        """The same place by another transport."""
        return replace(self, transport=transport)


@dataclass(frozen=True, slots=True)
class Naptr:
    """RFC 3403."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


class Lookup(Protocol):
    """The DNS. Each raises OSError when the DNS does not answer."""

    async def naptr(self, name: str) -> Sequence[Naptr]:
        """The NAPTR records of a name."""

    async def srv(self, name: str) -> Sequence[Srv]:
        """The SRV records of a name."""

    async def addresses(self, name: str) -> Sequence[str]:
        """The A, then the AAAA records of a name."""


class DnsLookup:
    """The real DNS, by dnspython; ``lifetime`` is in seconds, for one question and its repetitions."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None, *, lifetime: float = 3.0) -> None:
        self._lifetime = lifetime
        self._resolver = resolver  # by default the system's, read at the first question

    async def naptr(self, name: str) -> Sequence[Naptr]:
        """The NAPTR records of a name."""
        return [
            Naptr(r.order, r.preference, r.flags.decode(), r.service.decode().upper(), str(r.replacement))
            for r in await self._ask(name, "NAPTR")
        ]

    async def srv(self, name: str) -> Sequence[Srv]:
        """The SRV records of a name."""
        return [Srv(r.priority, r.weight, r.port, str(r.target)) for r in await self._ask(name, "SRV")]

    async def addresses(self, name: str) -> Sequence[str]:
        """The A, then the AAAA records of a name."""
        return [str(r.address) for kind in ("A", "AAAA") for r in await self._ask(name, kind)]

    async def _ask(self, name: str, kind: str) -> Iterable[Any]:
        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
            return await self._resolver.resolve(name, kind, lifetime=self._lifetime)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as error:
            raise OSError(f"the DNS does not answer for {name}: {error}") from error


class Resolver:
    """Finds the hops of a URI. ``transports`` are those we have, the one we like best first."""

    def __init__(self, lookup: Lookup, random: Random, transports: Sequence[str] = ("udp", "tcp")) -> None:
        self._lookup = lookup
        self._random = random
        self._transports = tuple(transports)

    def at_once(self, uri: Uri) -> list[Hop] | None:
        """The hops of a URI with a numeric address; None when the DNS has to be asked."""
        host = target_of(uri)
        if host == "localhost":  # which the DNS does not know (RFC 6761 section 6.3)
            host = "127.0.0.1"
        if not is_numeric(host):
            return None
        transport = uri.transport or ("tls" if uri.scheme == "sips" else "udp")
        return [Hop(transport, host, uri.port or DEFAULT_PORT.get(transport, 5060))]

    async def resolve(self, uri: Uri) -> list[Hop]:
        """The hops of a URI, in the order to try them.

        Raises:
            OSError: the DNS does not answer. An empty list: there is nobody of that name.
        """
        if (hops := self.at_once(uri)) is not None or not uri.is_sip:
            return hops or []
        name = target_of(uri)
        transport = uri.transport or ("tls" if uri.scheme == "sips" else None)
        if uri.port is not None:
            return await self._addresses(transport or "udp", name, uri.port)
        services = [(transport, _SRV_PREFIX[transport] + name)] if transport in _SRV_PREFIX else []
        found, hops = False, []
        for known, service in services or await self._services(name):
            records = await self._lookup.srv(service)
            found = found or bool(records)
            for record in self._drawn([record for record in records if record.target != "."]):
                hops += await self._addresses(known, record.target, record.port)
        if not found:
            hops = await self._addresses(transport or "udp", name, DEFAULT_PORT.get(transport or "udp", 5060))
        return hops[:MAX_HOPS]

    async def _services(self, name: str) -> list[tuple[str, str]]:
        """Transport and SRV name of what the domain offers and we have."""
        offered = [
            (_NAPTR_SERVICE[record.service], record.replacement)
            for record in sorted(await self._lookup.naptr(name), key=lambda r: (r.order, r.preference))
            if record.flags.lower() == "s" and _NAPTR_SERVICE.get(record.service) in self._transports
        ]
        return offered or [(transport, _SRV_PREFIX[transport] + name) for transport in self._transports]

    async def _addresses(self, transport: str, name: str, port: int) -> list[Hop]:
        return [Hop(transport, address, port) for address in await self._lookup.addresses(name)]

    def _drawn(self, records: Sequence[Srv]) -> list[Srv]:
        """By priority; within one, each next is drawn with a chance in proportion to its weight."""
        left = sorted(records, key=lambda r: (r.priority, r.weight != 0))
        drawn = []
        while left:
            same = [record for record in left if record.priority == left[0].priority]
            mark = self._random.randint(0, sum(record.weight for record in same))
            for record in same:
                mark -= record.weight
                if mark <= 0:
                    break
            left.remove(record)
            drawn.append(record)
        return drawn


def target_of(uri: Uri) -> str:
    """The host that a URI leads to: ``maddr`` goes before its host part (section 4)."""
    return (uri.parameters.get("maddr") or uri.host).strip("[]").rstrip(".")
