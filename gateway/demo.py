"""Demo mode: what ``passerelle serve --demo`` sets, so that a newcomer's first call is answered.

State is kept in ``./var``. The voice answers any name, and the number 100 for telephones that have only a
keypad. SIP, media and HTTP are on loopback. With ``--lan`` they are on this machine's address in the local
network, named explicitly: peers must be told an address they can send to. There HTTP becomes HTTPS, with a
certificate of our own: browsers give no page a camera without it.

One port is on that address even without ``--lan``, where there is one: that of browsers' media. Firefox sends
none to 127.0.0.1. It answers those only who have been given a password by a page, and pages are on loopback.

These values lie over the settings file and under the environment.
"""

import socket
from pathlib import Path

from config.outcome import Outcome, PasserelleError
from gateway import certificate

FOLDER = "var"
LOOPBACK = "127.0.0.1"
SIP_PORT = 5060
HTTP_PORT, HTTPS_PORT = 8080, 8443
CERTIFICATE, KEY = "certificate.pem", "key.pem"
RECEPTION = "meet"
NUMBER = "100"
ELSEWHERE = ("192.0.2.1", 9)
"""TEST-NET-1 (RFC 5737): belongs to nobody and is reached by the default route."""


def overlay(folder: Path, lan: str | None, nearby: str | None = None) -> dict[str, str]:
    """The settings of demo mode as environment variables.

    ``lan``: the address in the local network, if it is to be served; ``nearby``: the same, if it is not.
    """
    host = lan or LOOPBACK
    state = folder / FOLDER
    tls = {
        "PASSERELLE_HTTP__LISTEN": f"{lan}:{HTTPS_PORT}",
        "PASSERELLE_HTTP__CERTIFICATE": str(state / CERTIFICATE),
        "PASSERELLE_HTTP__KEY": str(state / KEY),
    }
    return {
        "PASSERELLE_SIP__LISTEN": f"udp:{host}:{SIP_PORT},tcp:{host}:{SIP_PORT}",
        "PASSERELLE_SIP__RECEPTION": f"{RECEPTION},{NUMBER},*",
        "PASSERELLE_MEDIA__ADDRESS": host,
        "PASSERELLE_WEBRTC__ADDRESS": f"{host},{nearby}" if nearby else host,
        "PASSERELLE_SIP__NUMBER": NUMBER,
        "PASSERELLE_HTTP__LISTEN": f"{LOOPBACK}:{HTTP_PORT}",
        "PASSERELLE_DATABASE__URL": f"sqlite:///{state / 'passerelle.db'}",
        "PASSERELLE_DATABASE__SECRET_FILE": str(state / "passerelle.secret"),
        **(tls if lan else {}),
    }


def make_folder(folder: Path) -> None:
    """Make the folder for the database and its secret, open to nobody else."""
    try:
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PasserelleError(
            f"{folder / FOLDER} cannot be made: {error.strerror}",
            outcome=Outcome.UNAVAILABLE,
            hint="Start the demo in a folder that you may write to.",
        ) from None


def provide_certificate(folder: Path, host: str) -> None:
    """Make a certificate for the address ``host``, unless there is one that fits."""
    state = folder / FOLDER
    try:
        certificate.provide(state / CERTIFICATE, state / KEY, host)
    except OSError as error:
        raise PasserelleError(
            f"A certificate cannot be made in {state}: {error.strerror}",
            outcome=Outcome.UNAVAILABLE,
            hint="Start the demo in a folder that you may write to.",
        ) from None


def nearby_address() -> str | None:
    """This machine's IPv4 address towards its default route, if there is one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)  # UDP: only looks up the route
            address = str(probe.getsockname()[0])
        except OSError:
            return None
    return None if address.startswith("127.") else address


def lan_address() -> str:
    """The same, for ``--lan``.

    Raises:
        PasserelleError: when there is none.
    """
    address = nearby_address()
    if address is None:
        raise PasserelleError(
            "No address in a local network was found",
            outcome=Outcome.UNAVAILABLE,
            hint="Connect to a network, or set sip.listen and media.address and leave out --demo.",
        )
    return address
