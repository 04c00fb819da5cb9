import asyncio
from collections import Counter
from random import Random
from typing import ClassVar, cast

import dns.asyncresolver
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from sip.resolver import DnsLookup, Hop, Naptr, Resolver, Srv
from sip.uri import Uri


class Zone:
    """A DNS of the test's own; a name that is asked and does not exist is an empty answer."""

    def __init__(self) -> None:
        self.naptrs: dict[str, list[Naptr]] = {}
        self.srvs: dict[str, list[Srv]] = {}
        self.hosts: dict[str, list[str]] = {}
        self.asked: list[str] = []

    async def naptr(self, name: str) -> list[Naptr]:
        self.asked.append(f"NAPTR {name}")
        return self.naptrs.get(name, [])

    async def srv(self, name: str) -> list[Srv]:
        self.asked.append(f"SRV {name}")
        return self.srvs.get(name, [])

    async def addresses(self, name: str) -> list[str]:
        self.asked.append(f"A {name}")
        return self.hosts.get(name, [])


def resolve(zone: Zone, uri: str, transports: tuple[str, ...] = ("udp", "tcp"), seed: int = 1) -> list[Hop]:
    return asyncio.run(Resolver(zone, Random(seed), transports).resolve(Uri.parse(uri)))


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:192.0.2.1", Hop("udp", "192.0.2.1", 5060)),
        ("sip:a@192.0.2.1:5080;transport=TCP", Hop("tcp", "192.0.2.1", 5080)),
        ("sip:a@[2001:db8::1]", Hop("udp", "2001:db8::1", 5060)),
        ("sips:a@192.0.2.1", Hop("tls", "192.0.2.1", 5061)),
        ("sip:a@192.0.2.1;transport=tls", Hop("tls", "192.0.2.1", 5061)),
        ("sip:example.org;maddr=192.0.2.7", Hop("udp", "192.0.2.7", 5060)),
    ],
)
def test_a_numeric_host_needs_no_dns(uri: str, hop: Hop) -> None:
    zone = Zone()
    assert Resolver(zone, Random(1)).at_once(Uri.parse(uri)) == [hop]
    assert resolve(zone, uri) == [hop]
    assert zone.asked == []


def test_a_port_rules_out_srv() -> None:
    zone = Zone()
    zone.hosts["example.org"] = ["192.0.2.1", "2001:db8::1"]
    hops = resolve(zone, "sip:example.org:5070")
    assert hops == [Hop("udp", "192.0.2.1", 5070), Hop("udp", "2001:db8::1", 5070)]
    assert zone.asked == ["A example.org"]


def test_a_named_transport_is_looked_up_by_srv_then_by_address() -> None:
    zone = Zone()
    zone.srvs["_sip._tcp.example.org"] = [Srv(10, 0, 5090, "gw.example.org")]
    zone.hosts["gw.example.org"] = ["192.0.2.1"]
    assert resolve(zone, "sip:example.org;transport=tcp") == [Hop("tcp", "192.0.2.1", 5090)]
    zone.srvs.clear()
    zone.hosts["example.org"] = ["192.0.2.2"]
    assert resolve(zone, "sip:example.org;transport=tcp") == [Hop("tcp", "192.0.2.2", 5060)]


def test_naptr_says_which_transport_comes_first_among_those_we_have() -> None:
    zone = Zone()
    zone.naptrs["example.org"] = [
        Naptr(30, 0, "s", "SIP+D2U", "_sip._udp.example.org"),
        Naptr(20, 0, "S", "SIP+D2T", "_sip._tcp.example.org"),
        Naptr(10, 0, "s", "SIPS+D2T", "_sips._tcp.example.org"),
        Naptr(5, 0, "u", "E2U+sip", "."),
    ]
    for service in ("_sip._udp", "_sip._tcp", "_sips._tcp"):
        zone.srvs[f"{service}.example.org"] = [Srv(1, 1, 5060, "gw.example.org")]
    zone.hosts["gw.example.org"] = ["192.0.2.1"]
    assert [hop.transport for hop in resolve(zone, "sip:example.org")] == ["tcp", "udp"]


def test_without_naptr_the_srv_records_of_our_transports_are_asked_for_then_the_name() -> None:
    zone = Zone()
    zone.hosts["example.org"] = ["192.0.2.1"]
    assert resolve(zone, "sip:example.org") == [Hop("udp", "192.0.2.1", 5060)]
    assert zone.asked == [
        "NAPTR example.org",
        "SRV _sip._udp.example.org",
        "SRV _sip._tcp.example.org",
        "A example.org",
    ]


def test_srv_records_come_by_priority_and_within_it_by_weight() -> None:
    zone = Zone()
    zone.srvs["_sip._udp.example.org"] = [
        Srv(20, 0, 5060, "c"),
        Srv(10, 90, 5060, "a"),
        Srv(10, 10, 5060, "b"),
    ]
    zone.hosts |= {"a": ["192.0.2.1"], "b": ["192.0.2.2"], "c": ["192.0.2.3"]}
    first = Counter()  # type: ignore[var-annotated]
    for seed in range(200):
        hops = [hop.host[-1] for hop in resolve(zone, "sip:example.org;transport=udp", seed=seed)]
        assert hops[2] == "3"
        first[hops[0]] += 1
    assert 150 < first["1"] < 200


def test_a_service_that_is_decidedly_not_available_and_a_foreign_scheme_lead_nowhere() -> None:
    zone = Zone()
    zone.srvs["_sip._tcp.example.org"] = [Srv(0, 0, 0, ".")]
    zone.hosts["example.org"] = ["192.0.2.1"]
    assert resolve(zone, "sip:example.org;transport=tcp") == []
    assert zone.asked == ["SRV _sip._tcp.example.org"]
    assert resolve(zone, "tel:+33123456789") == []


class Server(asyncio.DatagramProtocol):
    """A name server with a zone of its own."""

    RECORDS: ClassVar = {
        ("example.org.", "NAPTR"): '10 20 "s" "sip+d2t" "" _sip._tcp.example.org.',
        ("_sip._tcp.example.org.", "SRV"): "5 7 5090 gw.example.org.",
        ("gw.example.org.", "A"): "192.0.2.1",
        ("gw.example.org.", "AAAA"): "2001:db8::1",
    }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if name == "silent.example.org.":
            return
        response = dns.message.make_response(query)
        if (text := self.RECORDS.get((name, kind))) is not None:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, text))
        elif not any(known == name for known, _ in self.RECORDS):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), addr)


def test_the_real_dns_gives_what_the_resolver_asks_for() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
        system = dns.asyncresolver.Resolver(configure=False)
        system.nameservers = ["127.0.0.1"]
        system.port = transport.get_extra_info("sockname")[1]
        lookup = DnsLookup(system)
        assert await lookup.naptr("example.org") == [Naptr(10, 20, "s", "SIP+D2T", "_sip._tcp.example.org.")]
        resolver = Resolver(lookup, Random(1))
        assert await resolver.resolve(Uri.parse("sip:example.org")) == [
            Hop("tcp", "192.0.2.1", 5090),
            Hop("tcp", "2001:db8::1", 5090),
        ]
        assert await lookup.addresses("nobody.example.org") == []
        assert await lookup.srv("gw.example.org") == []
        with pytest.raises(OSError, match=r"silent\.example\.org"):
            await DnsLookup(system, lifetime=0.2).addresses("silent.example.org")
        transport.close()

    asyncio.run(scenario())
