"""The addresses to tell people: what to dial, and where to point a browser."""

from bridge.routing import Routes
from config.settings import Settings
from config.settings.values import Endpoint, family, is_unspecified
from rooms.pins import Reserved

SIP_PORT, HTTP_PORT, HTTPS_PORT = 5060, 80, 443  # understood when left out


def sip_uri(settings: Settings, user: str) -> str:
    """What to dial for a room or the reception, such as ``sip:team@192.0.2.10``."""
    listeners = settings.sip.listen
    listener = next((each for each in listeners if each.transport == "udp"), listeners[0])
    host = _advertised(settings, listener.host) or listener.host
    place = settings.sip.domain or _place(host, listener.port, SIP_PORT)
    return f"sip:{user}@{place}" + ("" if listener.transport == "udp" else f";transport={listener.transport}")


def reserved(settings: Settings) -> Reserved:
    """Tell the names and numbers of the reception: dialled, they lead to the voice, never to a room."""
    return Routes(settings.sip.reception, settings.ivr.languages).is_reception


def web_url(settings: Settings, path: str) -> str:
    """Where a path such as ``/healthz`` is served."""
    if settings.http.public_url:
        return settings.http.public_url + path
    listen = settings.http.listen
    host = listen.host
    if is_unspecified(host):
        host = _advertised(settings, host) or ("127.0.0.1" if family(host) == 4 else "::1")
    scheme, understood = ("https", HTTPS_PORT) if settings.http.certificate else ("http", HTTP_PORT)
    return f"{scheme}://{_place(host, listen.port, understood)}{path}"


def _advertised(settings: Settings, host: str) -> str | None:
    """The address by which peers know this one, when they know it by another."""
    return next((address for address in settings.sip.advertised if family(address) == family(host)), None)


def _place(host: str, port: int, understood: int) -> str:
    place = str(Endpoint(host, port))
    return place.removesuffix(f":{port}") if port == understood else place
