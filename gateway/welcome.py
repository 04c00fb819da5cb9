"""What the first start says: how to call, where things are, what is open. Plain lines, no I/O.

The one place where a PIN is shown in clear: it goes to the terminal of whoever started the demo, not to
the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Demo:
    """What there is to tell; all values are ready to be printed."""

    reception_uri: str  # sip:meet@127.0.0.1
    direct_uri: str  # sip:482913@127.0.0.1: straight into the room
    number: str  # for a telephone's keypad
    room: str
    pin: str
    page_url: str  # http://127.0.0.1:8080/
    host_link: str  # into the room, as a host
    guest_link: str
    health_url: str
    metrics_url: str
    settings: str  # the file, or how to make one
    state: str  # the folder
    log: str
    lan: str | None = None  # the address calls are taken on from the network
    media_ports: str = ""  # "20000-29999"
    browser_port: int = 0  # of browsers' media, UDP and TCP
    nearby: str | None = None  # another address on which that port listens, for browsers here
    fingerprint: str = ""  # of the certificate made for the network


def welcome(demo: Demo) -> list[str]:
    """The lines to print when everything listens."""
    return ["", *_open(demo), "", *_call(demo), "", *_places(demo), "", *_openness(demo), ""]


def _open(demo: Demo) -> Iterator[str]:
    yield "Passerelle is ready. In a browser:"
    yield ""
    yield f"  {demo.page_url}   begins a new meeting"
    yield f"  {demo.room}, where you lead:"
    yield f"  {demo.host_link}"
    yield "  and for guests:"
    yield f"  {demo.guest_link}"


def _call(demo: Demo) -> Iterator[str]:
    yield "With any SIP telephone, no account needed:"
    yield ""
    yield f"  dial        {demo.reception_uri}   (or {demo.number}, with this machine as the phone's proxy)"
    yield f"  then type   {demo.pin} #"
    yield f"  you are in  {demo.room}. Call with a second telephone to hear yourself talk to somebody."
    yield f"  or at once  {demo.direct_uri}"
    yield ""
    yield "  In the meeting: *6 mutes and unmutes, *9 raises the hand, *1 tells the keys, ## leaves."


def _places(demo: Demo) -> Iterator[str]:
    yield f"  health      {demo.health_url}"
    yield f"  metrics     {demo.metrics_url}"
    yield f"  settings    {demo.settings}"
    yield f"  state       {demo.state}"
    yield f"  log         {demo.log}"


def _openness(demo: Demo) -> Iterator[str]:
    if demo.lan is None:
        yield "Only this machine can call or join. For your network: make run LAN=1, or serve --demo --lan."
        if demo.nearby:
            yield f"(Port {demo.browser_port} listens on {demo.nearby} too, since Firefox sends no sound or"
            yield "picture to 127.0.0.1. It answers nobody but browsers that joined here.)"
    else:
        yield f"Everyone on your network can now come in. By telephone: SIP on {demo.lan}, ports 5060 UDP"
        yield f"and TCP, without encryption; sound on UDP ports {demo.media_ports}. By browser: HTTPS, and"
        yield f"port {demo.browser_port} UDP and TCP. A firewall must let these in. Health and metrics are"
        yield "served there too. The certificate was made here: browsers warn once. Its SHA-256 is"
        yield f"  {demo.fingerprint[:47]}"
        yield f"  {demo.fingerprint[48:]}"
        yield "Without LAN=1 (--lan) nobody else can come in."
    yield "Ctrl-C ends all calls and stops."
