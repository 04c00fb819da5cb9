"""What we can do, in the words of Allow, Supported and Accept (RFC 3261 section 11.2)."""

from typing import Final

from sip.checks import ACCEPT as ACCEPTED_BODIES
from sip.checks import EXTENSIONS, METHODS

ALLOW: Final = ", ".join(METHODS)
SUPPORTED: Final = ", ".join(sorted(EXTENSIONS))
ACCEPT: Final = ", ".join(ACCEPTED_BODIES)
ACCEPT_INFO: Final = "application/dtmf-relay, application/dtmf"

IN_SESSION: Final = (("Allow", ALLOW), *((("Supported", SUPPORTED),) if SUPPORTED else ()))
"""For the 2xx of an INVITE and for INVITEs of ours."""

IN_OPTIONS: Final = (
    ("Allow", ALLOW),
    ("Supported", SUPPORTED),
    ("Accept", ACCEPT),
    ("Accept-Encoding", "identity"),
    ("Accept-Language", "fr, en"),
)
"""For the 200 of an OPTIONS."""
