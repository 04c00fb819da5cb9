"""Rules between settings that can be told without opening a socket or a file.

What needs the machine (is the port free, is the database there) is for ``passerelle check`` and the start.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from config.settings.problems import Problem
from config.settings.sections import HttpSettings, LimitsSettings, MediaSettings, Settings, SipSettings
from config.settings.values import TRANSPORTS, Listener, family, is_loopback, is_unspecified


def check(settings: Settings) -> list[Problem]:
    """Everything that does not fit together."""
    return [
        *_listeners(settings),
        *_addresses("sip", [listener.host for listener in settings.sip.listen], settings.sip.advertised),
        *_one_a_family("media.address", settings.media.address),
        *_addresses("media", settings.media.address, settings.media.advertised),
        *_reachable(settings.sip, settings.media),
        *_ports(settings),
        *_jitter(settings.media),
        *_tls(settings.http),
        *_webrtc(settings),
        *_guessing(settings.limits),
    ]


def _listeners(settings: Settings) -> Iterator[Problem]:
    """No two listeners on one port; port 0 is chosen by the system and never clashes."""
    taken: list[tuple[str, Listener]] = []
    for key, listener in _bound(settings):
        owner = next((owner for owner, other in taken if listener.clashes(other)), None)
        if owner is not None:
            yield Problem(key, f"{listener} is taken by {owner}", "give each its own port")
        taken.append((key, listener))


def _bound(settings: Settings) -> Iterator[tuple[str, Listener]]:
    """Every port that is the same at each start, with the key that says so."""
    yield "http.listen", Listener("tcp", settings.http.listen.host, settings.http.listen.port)
    for index, listener in enumerate(settings.sip.listen):
        yield f"sip.listen[{index}]", listener
    hosts = settings.webrtc.address or settings.media.address
    if not any(map(is_unspecified, hosts)):  # else there are no meetings for browsers
        for transport, host in product(TRANSPORTS, hosts):
            yield "webrtc.port", Listener(transport, host, settings.webrtc.port)


def _addresses(section: str, bound: Sequence[str], advertised: Sequence[str]) -> Iterator[Problem]:
    """0.0.0.0 and :: can be bound, but a peer must be told an address it can send to."""
    key = f"{section}.advertised"
    yield from _one_a_family(key, advertised)
    known = {family(host) for host in bound}
    for index, host in enumerate(advertised):
        if is_unspecified(host):
            yield Problem(
                f"{key}[{index}]", f"{host} is no address one can send to", "name the one peers reach"
            )
        elif family(host) not in known:
            message = f"{host} is IPv{family(host)}, on which nothing is bound"
            yield Problem(f"{key}[{index}]", message, f"bind an IPv{family(host)} address as well")
    for host in dict.fromkeys(filter(is_unspecified, bound)):
        if family(host) not in map(family, advertised):
            message = f"{host} is bound, but no IPv{family(host)} address is advertised"
            yield Problem(key, message, "name the address that peers reach, or bind that address itself")


def _one_a_family(key: str, hosts: Sequence[str]) -> Iterator[Problem]:
    seen: dict[int, str] = {}
    for index, host in enumerate(hosts):
        if family(host) in seen:
            message = f"{host} and {seen[family(host)]} are both IPv{family(host)}"
            yield Problem(f"{key}[{index}]", message, "give one address a family")
        seen[family(host)] = host


def _reachable(sip: SipSettings, media: MediaSettings) -> Iterator[Problem]:
    """Calls with sound on loopback only would be silent, those of a family without sound refused."""
    outside = [listener for listener in sip.listen if not is_loopback(listener.host)]
    if outside and not media.advertised and all(map(is_loopback, media.address)):
        message = f"only loopback, while calls from other machines are taken on {outside[0]}"
        yield Problem("media.address", message, "name an address that phones reach")
    heard = {family(host) for host in media.address}
    for listener in sip.listen:
        version = family(listener.host)
        if version not in heard:
            message = f"no IPv{version} address, so that calls on {listener} would be answered 488"
            yield Problem("media.address", message, f"add an IPv{version} address that phones reach")
            heard.add(version)


def _ports(settings: Settings) -> Iterator[Problem]:
    """Enough for the calls that run."""
    ports, calls = settings.media.ports, settings.limits.calls
    if ports.pairs < calls:
        message = f"{ports} is enough for {ports.pairs} calls, but limits.calls is {calls}"
        yield Problem("media.ports", message, "each call takes two ports")
    for index, listener in enumerate(settings.sip.listen):
        if listener.transport == "udp" and listener.port in ports:
            message = f"{listener} lies within media.ports ({ports})"
            yield Problem(f"sip.listen[{index}]", message, "move one of them")


def _jitter(media: MediaSettings) -> Iterator[Problem]:
    if media.jitter_min_ms > media.jitter_max_ms:
        message = f"{media.jitter_min_ms} is more than media.jitter_max_ms, {media.jitter_max_ms}"
        yield Problem("media.jitter_min_ms", message)


def _tls(http: HttpSettings) -> Iterator[Problem]:
    if (http.certificate is None) is not (http.key is None):
        missing, given = ("key", "certificate") if http.key is None else ("certificate", "key")
        yield Problem(f"http.{missing}", f"http.{given} is set alone", "give both files, or neither")
    if http.certificate is not None and http.public_url.startswith("http:"):
        yield Problem("http.public_url", "http: although a certificate is set", "begin it with https:")


def _webrtc(settings: Settings) -> Iterator[Problem]:
    webrtc = settings.webrtc
    for index, host in enumerate(filter(is_unspecified, webrtc.address)):
        message = f"{host} cannot carry the media of browsers: answers may leave from another address"
        yield Problem(f"webrtc.address[{index}]", message, "name the address itself")
    if webrtc.port in settings.media.ports:
        message = f"{webrtc.port} lies within media.ports ({settings.media.ports})"
        yield Problem("webrtc.port", message, "move one of them")
    if webrtc.turn and not webrtc.turn_secret:
        message = "missing, although webrtc.turn is set"
        yield Problem("webrtc.turn_secret", message, "give what coturn calls static-auth-secret")


def _guessing(limits: LimitsSettings) -> Iterator[Problem]:
    """One guesser shall not take PINs from everybody."""
    if limits.pin_failures_per_source >= limits.pin_failures:
        message = f"{limits.pin_failures_per_source} reaches limits.pin_failures, {limits.pin_failures}"
        yield Problem("limits.pin_failures_per_source", message, "one address could stop all: give it less")
