"""Which pages may talk to us: our own. And who talks, behind a proxy.

A browser says in ``Origin`` (RFC 6454) whose page sends a POST or opens a WebSocket, and no page can lie
about it. A missing or foreign one is refused: programs have no business with these doors. Where
``http.public_url`` is set, it is the only origin. Where not, a page is ours if it was got from the place it
now talks to (``Host``), named by an IP address or ``localhost``: a name could be anybody's that was made to
point here (DNS rebinding).
"""

from ipaddress import ip_address

from starlette.requests import HTTPConnection

from config.settings import HttpSettings


class Origins:
    """Tells our pages from others."""

    def __init__(self, settings: HttpSettings) -> None:
        self._public = settings.public_url
        self._scheme = "https" if settings.certificate else "http"
        self._proxies = settings.proxies

    def is_ours(self, connection: HTTPConnection) -> bool:
        """Whether a page of ours speaks."""
        origin = connection.headers.get("origin", "").lower()
        if self._public:
            return origin == self._public
        host = connection.headers.get("host", "").lower()
        return origin == f"{self._scheme}://{host}" and _is_no_name(host)

    def source(self, connection: HTTPConnection) -> str:
        """The address of whoever speaks, the last one that a proxy of ours has seen."""
        source = connection.client.host if connection.client else ""
        try:
            if any(ip_address(source) in network for network in self._proxies):
                forwarded = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
                return str(ip_address(forwarded))
        except ValueError:
            pass
        return source


def _is_no_name(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return True
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
