"""Finding the session description in a body (RFC 3261 section 7.4, RFC 5621).

Most bodies are the description itself. A room system may wrap it in ``multipart/mixed`` beside parts of its
own; each part says in its Content-Disposition whether it may be left out (``handling=optional``) or whether
the whole request has to be refused when it is not understood (``required``, the default). Of alternatives
(``multipart/alternative``) the last one understood counts.
"""

import re
from itertools import islice, pairwise

from media.sdp import SessionDescription
from sip.headers import Headers, parse_parameters
from sip.message import Request, Response

SDP = "application/sdp"
MAX_DEPTH = 3
MAX_PARTS = 32
MAX_BOUNDARY = 70  # RFC 2046 section 5.1.1


class UnsupportedBody(Exception):  # noqa: N818 - the RFC's word (415)
    """A body, or a required part of one, that we do not understand."""


def session_in(message: Request | Response) -> SessionDescription | None:
    """The session description of a message, None when it carries none.

    Raises :class:`UnsupportedBody`, or :class:`media.sdp.SdpError` for a description that makes no sense.
    """
    if not message.body.strip():
        return None
    data = _find(message.headers, message.body, MAX_DEPTH)
    return SessionDescription.parse(data) if data is not None else None


def _find(headers: Headers, body: bytes, depth: int) -> bytes | None:
    """The octets of the description; None for a body that may be ignored."""
    kind, _, parameters = (headers.get("Content-Type") or "").partition(";")
    kind = kind.strip().lower()
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    if kind == SDP and encoding == "identity":
        # Early media and the like have a disposition of their own; that of an offer is "session".
        disposition = (headers.get("Content-Disposition") or "session").partition(";")[0].strip().lower()
        if disposition == "session":
            return body
    elif kind.startswith("multipart/") and depth:
        return _find_part(kind, parameters, body, depth)
    if _is_optional(headers):
        return None
    raise UnsupportedBody(kind or "a body without Content-Type")


def _find_part(kind: str, parameters: str, body: bytes, depth: int) -> bytes | None:
    found: bytes | None = None
    refused: UnsupportedBody | None = None
    for headers, content in _parts(parameters, body):
        try:
            data = _find(headers, content, depth - 1)
        except UnsupportedBody as error:
            refused = error
            continue
        if data is not None and (found is None or kind == "multipart/alternative"):
            found = data
    if refused is not None and (found is None or kind != "multipart/alternative"):
        raise refused
    return found


def _parts(parameters: str, body: bytes) -> list[tuple[Headers, bytes]]:
    """Cut a multipart body at its boundary (RFC 2046 section 5.1.1)."""
    try:
        boundary = parse_parameters(f";{parameters}").get("boundary")
    except ValueError:
        boundary = None
    if not boundary or len(boundary) > MAX_BOUNDARY:
        raise UnsupportedBody("multipart without a boundary")
    mark = re.escape(boundary.encode(errors="surrogateescape"))
    cut = re.compile(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?:\r?\n|\Z)")
    marks = list(islice(cut.finditer(body), MAX_PARTS + 1))
    parts = []
    for begins, ends in pairwise(marks):
        if begins[1]:
            break
        parts.append(_part(body[begins.end() : ends.start()]))
    if not parts:
        raise UnsupportedBody("multipart without parts")
    return parts


def _part(data: bytes) -> tuple[Headers, bytes]:
    if data.startswith((b"\r\n", b"\n")):  # no header at all
        return Headers(), data.lstrip(b"\r\n")
    head, _, content = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields = (line.partition(":") for line in head.decode("utf-8", "replace").split("\n"))
    try:
        return Headers((name.strip(), value.strip()) for name, colon, value in fields if colon), content
    except ValueError:
        raise UnsupportedBody("a part whose header has a lone CR") from None


def _is_optional(headers: Headers) -> bool:
    _, _, parameters = (headers.get("Content-Disposition") or "").partition(";")
    try:
        handling = parse_parameters(f";{parameters}").get("handling")
    except ValueError:
        return False
    return (handling or "").lower() == "optional"
