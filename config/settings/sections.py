"""The settings, one model a section of the TOML file; a component is given its own section and no more.

The description of each field is the comment that ``passerelle init-config`` writes above its key, and the
hint that is printed when the value is refused. Durations are in seconds unless the key ends in ``_ms``.
Models are frozen and refuse keys they do not know. Rules that tie several keys together are in ``checks``.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from config.settings.values import Endpoint, Listener, PortRange, ip_address
from config.texts import Language

Network = IPv4Network | IPv6Network
CodecName = Literal["G722", "PCMA", "PCMU"]

SQLITE = "sqlite:///"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOSTPORT = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\])(?::[0-9]{{1,5}})?"
)
_HTTP_PORTS = {"http": 80, "https": 443}


def _network(value: object) -> Network:
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError('a network like "192.0.2.0/24", with no bits set beyond its prefix') from None


def _beside_settings(path: Path, info: ValidationInfo) -> Path:
    """Files named in the settings are found from the folder of the settings file."""
    if "\0" in str(path):
        raise ValueError("the path of a file")
    if not info.context:
        return path
    folder: Path = info.context["folder"]
    try:
        return folder / path.expanduser()
    except RuntimeError:  # ~ of a user whom nobody knows
        raise ValueError("the path of a file, from a home folder that there is") from None


def _named(path: object) -> object:
    """No file has an empty name, which pathlib takes for the current folder."""
    if path == "":
        raise ValueError("the path of a file")
    return path


def _database_url(url: str, info: ValidationInfo) -> str:
    if url.startswith(SQLITE) and url != SQLITE:
        return SQLITE + str(_beside_settings(Path(url.removeprefix(SQLITE)), info))
    if url.startswith("postgresql://"):
        return url
    raise ValueError('"sqlite:///FILE" or "postgresql://USER:PASSWORD@HOST/NAME"')


def _public_url(url: str) -> str:
    """A scheme and a host, perhaps a port, as browsers send them in Origin (RFC 6454 section 6.2).

    A port that goes without saying is left out, and a host is written in ASCII (RFC 3490).
    """
    if not url:
        return url
    wrong = ValueError('"https://HOST" or "https://HOST:PORT" and no more')
    try:
        parts = urlsplit(url.lower().rstrip("/"))
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise wrong from None
    bare = f"{parts.scheme}://{parts.netloc}" == parts.geturl() and "@" not in parts.netloc
    if parts.scheme not in _HTTP_PORTS or not host or not bare:
        raise wrong
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}" + ("" if port in (None, _HTTP_PORTS[parts.scheme]) else f":{port}")


def _domain(text: str) -> str:
    """What may stand after the @ of a SIP address (RFC 3261 section 25.1: hostport), or nothing."""
    match = _HOSTPORT.fullmatch(text)
    if text and match is None:
        raise ValueError(
            'a name or an address like "meet.example.org", "192.0.2.10:5070" or "[2001:db8::10]"'
        )
    if match is not None and match[1]:
        ip_address(match[1])
    return text


def _number(text: str) -> str:
    if text and not re.fullmatch(r"\+?[ ().-]*[0-9][0-9 ().-]*", text):
        raise ValueError('a telephone number like "+33 1 23 45 67 89", or nothing')
    return text


def _turn_url(url: str) -> str:
    if re.fullmatch(r"turns?:[^\s,/?]+(\?transport=(udp|tcp))?", url):
        return url
    raise ValueError('"turn:HOST:PORT" or "turns:HOST:PORT?transport=tcp"')


AddressText = Annotated[str, BeforeValidator(ip_address)]
ListenerText = Annotated[Listener, BeforeValidator(Listener.parse)]
EndpointText = Annotated[Endpoint, BeforeValidator(Endpoint.parse)]
PortRangeText = Annotated[PortRange, BeforeValidator(PortRange.parse)]
NetworkText = Annotated[Network, BeforeValidator(_network)]
FilePath = Annotated[Path, BeforeValidator(_named), AfterValidator(_beside_settings)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
SipDomain = Annotated[str, AfterValidator(_domain)]
Number = Annotated[str, AfterValidator(_number)]
TurnUrl = Annotated[str, AfterValidator(_turn_url)]
Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class Section(BaseModel):
    """What every section has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _kind(cls, value: Any, info: ValidationInfo) -> Any:
        """Lists may be written as one comma-separated text (environment); true and false are no numbers."""
        wanted = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and wanted is not bool:
            raise ValueError("a number or text, not true or false")
        if isinstance(value, str) and get_origin(wanted) is tuple:
            return [part.strip() for part in value.split(",") if part.strip()]
        return value


class SipSettings(Section):
    """Signalling: where calls arrive."""

    listen: tuple[ListenerText, ...] = Field(
        (Listener("udp", "127.0.0.1", 5060), Listener("tcp", "127.0.0.1", 5060)),
        min_length=1,
        description='Where SIP is listened for: "udp:ADDRESS:PORT" or "tcp:ADDRESS:PORT", IPv6 in brackets. '
        "On a host with several addresses name each: from 0.0.0.0 and [::] answers over UDP leave with the "
        "address that the route to the caller has, which need not be the one that was called.",
    )
    advertised: tuple[AddressText, ...] = Field(
        (),
        description="Addresses that Contact and Via name instead, one a family: behind NAT, or to listen on "
        "0.0.0.0 or [::].",
    )
    domain: SipDomain = Field(
        "",
        description="What people dial after the @, as printed for them. Empty: the advertised address, or "
        "the first one listened on.",
    )
    number: Number = Field(
        "",
        description="The telephone number that leads to the reception, as invitations print it.",
    )
    reception: tuple[Name, ...] = Field(
        ("meet",),
        description='Names and numbers answered by the voice, which asks for the PIN; "*" for all others. '
        'A number like "+33 1 23 45 67 89" is known with 00, or neither, in place of the + as well.',
    )
    ringing_seconds: Seconds = Field(0, description="How long to ring before answering, in seconds.")
    tcp_idle_seconds: Seconds = Field(
        600,
        ge=1,
        description="A TCP connection that carries no call is closed when silent for this long, in seconds.",
    )
    max_message_octets: int = Field(
        65_535,
        ge=2_000,
        le=1_048_576,
        description="The longest message taken, in octets, headers and body together.",
    )


class MediaSettings(Section):
    """Sound: RTP addresses, ports, codecs and the jitter buffer."""

    address: tuple[AddressText, ...] = Field(
        ("127.0.0.1",),
        min_length=1,
        description="Where RTP is bound and what SDP says, unless advertised; one a family.",
    )
    advertised: tuple[AddressText, ...] = Field(
        (), description="Addresses that SDP says instead, one a family: behind NAT, or to bind 0.0.0.0 or ::."
    )
    ports: PortRangeText = Field(
        PortRange(20_000, 29_999), description="UDP ports for RTP (even) and RTCP (odd); each call takes two."
    )
    codecs: tuple[CodecName, ...] = Field(
        ("G722", "PCMA", "PCMU"), min_length=1, description="Codecs, the preferred first: G722, PCMA, PCMU."
    )
    jitter_min_ms: int = Field(
        20, ge=20, le=200, description="The least that the jitter buffer holds back, in milliseconds."
    )
    jitter_max_ms: int = Field(
        200, ge=20, le=1_000, description="The most that the jitter buffer holds back, in milliseconds."
    )
    timeout_seconds: Seconds = Field(
        30,
        ge=1,
        description="A call that sends neither RTP nor RTCP for this long is ended, in seconds; not on hold.",
    )


class HttpSettings(Section):
    """The web page, its API, health and metrics."""

    listen: EndpointText = Field(
        Endpoint("127.0.0.1", 8080),
        description="Where the page, /healthz, /readyz and /metrics are served. The last three ask for no "
        "password: in front of the public, let a proxy hide them.",
    )
    public_url: PublicUrl = Field(
        "",
        description='How browsers reach it, such as "https://meet.example.org": links say this, and pages '
        "from elsewhere are refused. Empty: only by IP address or localhost, on the port listened on.",
    )
    certificate: FilePath | None = Field(
        None,
        description="TLS certificate with its chain (PEM). Without TLS, here or at a proxy, browsers give "
        "no page a camera except on localhost.",
        examples=["fullchain.pem"],
    )
    key: FilePath | None = Field(
        None, description="The private key of the certificate (PEM).", examples=["privkey.pem"]
    )
    proxies: tuple[NetworkText, ...] = Field(
        (),
        description="Networks of proxies whose X-Forwarded-For is believed, where things are limited by "
        "address. All who come through a proxy that is not named here count as one address.",
    )
    participant_metrics: bool = Field(
        False,
        description="Whether /metrics tells of each browser present: bit rates, loss, round trip, layers. "
        "Whoever reads it then knows the names of the rooms in use, and each visit is a series of its own.",
    )

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Certificate and key, or ``None`` to serve without TLS."""
        return (self.certificate, self.key) if self.certificate and self.key else None


class WebRtcSettings(Section):
    """Sound and picture of browsers: one port for all of it, UDP, and TCP for networks without UDP."""

    address: tuple[AddressText, ...] = Field(
        (),
        description="Where it is bound; never 0.0.0.0 or ::. Empty: as media.address.",
    )
    advertised: tuple[AddressText, ...] = Field(
        (), description="Addresses that browsers are told instead, behind NAT. Empty: as media.advertised."
    )
    port: int = Field(7882, ge=0, le=65_535, description="The port, UDP and TCP. A firewall must let it in.")
    turn: tuple[TurnUrl, ...] = Field(
        (),
        description="A coturn server for networks that block the port, "
        'such as "turns:turn.example.org:443?transport=tcp".',
    )
    turn_secret: str = Field(
        "",
        repr=False,
        json_schema_extra={"secret": True},
        description="What coturn calls static-auth-secret.",
    )
    turn_seconds: Seconds = Field(
        86_400, ge=60, description="How long credentials for TURN hold, in seconds."
    )


class MeetingsSettings(Section):
    """What meetings may grow to, and who may begin one."""

    ad_hoc: bool = Field(
        True, description="Whether anyone who opens the page may begin a meeting in a room made for it."
    )
    ad_hoc_hours: int = Field(
        24, ge=1, le=8_760, description="How long such a room can be entered, in hours."
    )
    max_participants: int = Field(
        1000, ge=1, description="The most participants of a meeting whose room does not say."
    )
    max_cameras: int = Field(
        30, ge=0, description="The most cameras shown at once in a meeting whose room does not say."
    )
    max_shares: int = Field(1, ge=0, le=2, description="The most screens shared at once in a meeting.")
    max_upload_kbps: int = Field(
        5_000,
        ge=200,
        le=1_000_000,
        description="The most video that a browser sends, camera and screen together, in kbit/s: browsers "
        "are told and keep to it, and what comes beyond it all the same is dropped.",
    )
    max_download_kbps: int = Field(
        10_000,
        ge=200,
        le=1_000_000,
        description="The most video that a browser is sent, in kbit/s: it gets smaller and fewer pictures "
        "rather than more than that.",
    )


class DatabaseSettings(Section):
    """Where rooms are kept."""

    url: DatabaseUrl = Field(
        "sqlite:///passerelle.db",
        repr=False,
        json_schema_extra={"secret": True},
        description='"sqlite:///FILE" or "postgresql://USER:PASSWORD@HOST/NAME".',
    )
    secret_file: FilePath = Field(
        Path("passerelle.secret"),
        description="The keys that protect PINs; made at first run. Stored PINs are useless without it: keep "
        "a copy, away from the database.",
    )


class LogSettings(Section):
    """The log, on standard error."""

    format: Literal["text", "json"] = Field(
        "text", description='"text" to read, or "json", one object a line.'
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description='"debug", "info", "warning" or "error". PINs and full numbers appear at none of them.',
    )


class LimitsSettings(Section):
    """How much is taken on, and how fast guessing is."""

    calls: int = Field(1000, ge=1, description="Calls at once; one more is answered 503 with Retry-After.")
    calls_per_second: int = Field(
        100, ge=1, description="New calls a second; more are answered 503 with Retry-After."
    )
    calls_per_source: int = Field(
        50, ge=1, description="Calls at once from one address; one more is answered 486."
    )
    calls_per_second_per_source: int = Field(
        20, ge=1, description="New calls a second from one address; more are answered 486."
    )
    late_ms: int = Field(
        60,
        ge=0,
        le=1000,
        description="When sound is so many milliseconds late by our own doing, smoothed over half a second,"
        " calls are answered 503 with Retry-After; at half of it cameras and screens are refused. 0: never.",
    )
    trusted: tuple[NetworkText, ...] = Field(
        (),
        description='Your SBC or trunk, like "192.0.2.0/24", where one address is many callers: exempt from '
        "calls_per_source, calls_per_second_per_source, pin_failures_per_source, pin_failures and the brake "
        "on floods of SIP messages.",
    )
    pin_failures_per_source: int = Field(
        50,
        ge=1,
        description="Wrong PINs from one address within the window; beyond that its PINs are refused. Of PINs"
        " in SIP addresses over UDP, whose sender may be forged, a tenth: beyond that the voice asks.",
    )
    pin_failures_per_trusted: int = Field(
        500,
        ge=1,
        description="The same for each of the trusted networks, for all its callers together.",
    )
    pin_failures: int = Field(
        1000,
        ge=1,
        description="The same for all other addresses together.",
    )
    pin_window_seconds: Seconds = Field(
        86_400,
        ge=1,
        description="The window in which wrong PINs are counted and, evenly, forgotten, in seconds.",
    )
    drain_seconds: Seconds = Field(
        60, description="After SIGTERM, how long running calls may go on before they get BYE, in seconds."
    )


class EngineSettings(Section):
    """What carries the meetings."""

    kind: Literal["embedded"] = Field("embedded", description='"embedded": meetings live in this process.')
    max_tiles: int = Field(
        9,
        ge=1,
        le=25,
        description="Of the cameras of a meeting, the most that a browser is sent at once (last-N), 1 to 25: "
        "of those pinned, and those who spoke last. The others are heard, and shown by their initials. "
        "Browsers prepare for all of them when they join: 25 take twice the time of 9.",
    )


class DirectorySettings(Section):
    """Where rooms and PINs are looked up."""

    kind: Literal["local"] = Field("local", description='"local": the database below [database].')


class IvrSettings(Section):
    """The voice that answers and asks for the PIN."""

    language: Language = Field(
        "fr", description='The language spoken where nothing else says so: "fr" or "en".'
    )
    languages: dict[Name, Language] = Field(
        {},
        description='Further reception names and numbers, with their language: { "meet-en" = "en" }.',
    )
    prompts: FilePath | None = Field(
        None,
        description="A folder of your own recordings: fr/welcome.wav replaces the shipped French welcome.",
        examples=["prompts"],
    )
    pin_tries: int = Field(3, ge=1, le=10, description="How many PINs a caller may try.")
    digit_pause_seconds: Seconds = Field(
        4, ge=1, description="A pause this long after the last digit ends the PIN, as # does, in seconds."
    )
    silence_seconds: Seconds = Field(
        10, ge=1, description="A caller who types nothing for this long hears the question again, in seconds."
    )
    repeats: int = Field(2, ge=0, le=10, description="How often the question is repeated before goodbye.")


class Settings(Section):
    """All sections."""

    sip: SipSettings = Field(default_factory=SipSettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    webrtc: WebRtcSettings = Field(default_factory=WebRtcSettings)
    meetings: MeetingsSettings = Field(default_factory=MeetingsSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    limits: LimitsSettings = Field(default_factory=LimitsSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    directory: DirectorySettings = Field(default_factory=DirectorySettings)
    ivr: IvrSettings = Field(default_factory=IvrSettings)
