"""Digest authentication as a client (RFC 8760, RFC 7616; RFC 3261 section 22), without I/O.

A 401 or 407 offers challenges, perhaps one for each algorithm and perhaps of several realms; of each realm
the strongest we know is answered. From then on every request can carry credentials beforehand, with the
nonce's count one higher each time, until the server wants a new nonce:

    response = auth.challenged(401 or 407)  ─> False: give up, the password is wrong
                                            └> True:  auth.authorize(request), send it with a new CSeq

A fresh nonce that is refused means a wrong password: nothing is tried twice, so that no account is locked.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sip.headers import quote, split_list, unquote
from sip.message import Request, Response

_HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}  # the strongest first
_STRENGTH = [name + suffix for name in _HASHES for suffix in ("-sess", "")]
_ANSWERS = {"WWW-Authenticate": "Authorization", "Proxy-Authenticate": "Proxy-Authorization"}
_UNQUOTED = ("algorithm", "qop", "nc", "userhash")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server wants to be proved. ``qop`` is "auth", "auth-int", or None for RFC 2069's kind."""

    realm: str
    nonce: str
    algorithm: str
    qop: str | None
    opaque: str | None
    stale: bool
    userhash: bool

    @classmethod
    def parse(cls, text: str) -> "Challenge | None":
        """Read one WWW- or Proxy-Authenticate; None for what we cannot answer."""
        scheme, _, rest = text.strip().partition(" ")
        if scheme.lower() != "digest":
            return None
        try:
            pairs = [item.partition("=") for item in split_list(rest)]
        except ValueError:
            return None
        values = {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
        algorithm = next((a for a in _STRENGTH if a.lower() == values.get("algorithm", "MD5").lower()), None)
        offered = [qop.lower() for qop in values.get("qop", "").replace(",", " ").split()]
        qop = next((q for q in ("auth", "auth-int") if q in offered), None)
        if algorithm is None or "nonce" not in values or (offered and qop is None):
            return None
        return cls(
            values.get("realm", ""),
            values["nonce"],
            algorithm,
            qop,
            values.get("opaque"),
            values.get("stale", "").lower() == "true",
            values.get("userhash", "").lower() == "true",
        )


@dataclass(slots=True)
class _Session:
    """A challenge in use."""

    challenge: Challenge
    client_nonce: str
    count: int = 0
    renewed: bool = False  # its forerunner was refused at its first use


class DigestClient:
    """Proves a user's name and password to whoever asks. ``new_nonce`` makes client nonces (random text)."""

    def __init__(self, username: str, password: str, *, new_nonce: Callable[[], str]) -> None:
        self._username = username
        self._password = password
        self._new_nonce = new_nonce
        self._sessions: dict[tuple[str, str], _Session] = {}  # by header and realm

    def challenged(self, response: Response) -> bool:
        """Take the challenges of a 401 or 407. False when there is no use in trying (again)."""
        hopeful = False
        for header, answer in _ANSWERS.items():
            for challenge in _strongest(response.headers.get_all(header)):
                session = self._sessions.get((answer, challenge.realm))
                refused = session is not None and session.count == 1
                if session is not None and refused and (session.renewed or not challenge.stale):
                    return False
                self._sessions[answer, challenge.realm] = _Session(
                    challenge, self._new_nonce(), renewed=refused
                )
                hopeful = True
        return hopeful

    def authorize(self, request: Request) -> None:
        """Put the credentials to a request, for all that asked so far, instead of those it may have."""
        for header in _ANSWERS.values():
            request.headers.remove(header)
        for (header, _), session in self._sessions.items():
            session.count += 1
            request.headers.add(header, self._credentials(request, session))

    def _credentials(self, request: Request, session: _Session) -> str:
        challenge = session.challenge
        uri = str(request.uri)
        username = self._username
        if challenge.userhash:
            username = _hash(challenge.algorithm)(f"{username}:{challenge.realm}".encode())
        values = {"username": username, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri}
        values["response"] = digest(
            challenge,
            username=self._username,
            password=self._password,
            method=request.method,
            uri=uri,
            body=request.body,
            client_nonce=session.client_nonce,
            count=session.count,
        )
        values["algorithm"] = challenge.algorithm
        if challenge.qop is not None:
            values |= {"qop": challenge.qop, "nc": f"{session.count:08x}"}
        if challenge.qop is not None or challenge.algorithm.endswith("-sess"):
            values["cnonce"] = session.client_nonce
        if challenge.opaque is not None:
            values["opaque"] = challenge.opaque
        if challenge.userhash:
            values["userhash"] = "true"
        return "Digest " + ", ".join(
            f"{name}={value if name in _UNQUOTED else quote(value)}" for name, value in values.items()
        )


def digest(
    challenge: Challenge,
    *,
    username: str,
    password: str,
    method: str,
    uri: str,
    body: bytes = b"",
    client_nonce: str,
    count: int,
) -> str:
    """The ``response`` of RFC 7616 section 3.4.1, in lower-case hexadecimal."""
    hashed = _hash(challenge.algorithm)
    secret = hashed(f"{username}:{challenge.realm}:{password}".encode())
    if challenge.algorithm.endswith("-sess"):
        secret = hashed(f"{secret}:{challenge.nonce}:{client_nonce}".encode())
    what = f"{method}:{uri}"
    if challenge.qop == "auth-int":
        what += ":" + hashed(body)
    what = hashed(what.encode())
    if challenge.qop is None:
        return hashed(f"{secret}:{challenge.nonce}:{what}".encode())
    return hashed(f"{secret}:{challenge.nonce}:{count:08x}:{client_nonce}:{challenge.qop}:{what}".encode())


def _strongest(texts: Sequence[str]) -> list[Challenge]:
    """Of each realm the strongest challenge, the first of several that are alike (RFC 8760 section 2.4)."""
    best: dict[str, Challenge] = {}
    for text in texts:
        if (challenge := Challenge.parse(text)) is not None:
            known = best.get(challenge.realm)
            if known is None or _STRENGTH.index(challenge.algorithm) < _STRENGTH.index(known.algorithm):
                best[challenge.realm] = challenge
    return list(best.values())


def _hash(algorithm: str) -> Callable[[bytes], str]:
    name = _HASHES[algorithm.removesuffix("-sess")]
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()
