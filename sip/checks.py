"""What a user agent server asks of a request before anybody acts on it (RFC 3261 section 8.2).

Only what needs no memory is asked here; dialogs, merged requests and admission belong to others. The order
is the one in which a peer learns most from the answer:

    the method is one that exists      501
    the fields make sense              400
    the method is one we speak         405 with Allow; 489 for SUBSCRIBE
    the Request-URI's scheme           416
    the extensions it insists on       420 with Unsupported
    the body and what it may answer    415 with Accept or Accept-Encoding, 406

The wrong version (505), a start line or a length that makes no sense (400) never get here: ``parse`` raises.
"""

from collections.abc import Iterator

from sip.message import MessageError, Request, Response, respond

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE")
"""What we speak, as Allow says it."""

EXTENSIONS: frozenset[str] = frozenset()
"""The option tags a peer may require of us."""

SCHEMES = ("sip", "tel")
"""Not sips, which promises its caller TLS on every hop (section 26.2.2): there is none here."""

ACCEPT = ("application/sdp", "multipart/mixed", "multipart/alternative")
"""The bodies of an offer that we read."""

_KNOWN = frozenset((*METHODS, "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REFER"))
_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type", "Expires")
_WITH_OFFER = ("INVITE", "UPDATE")

Refusal = tuple[int, str | None, list[tuple[str, str]]]
"""Status, reason phrase where it is not the status's own, and headers that help."""


def check(request: Request, *, to_tag: str | None = None) -> Response | None:
    """The answer that refuses the request, or None when nothing is wrong with it.

    ``to_tag`` is put to the answer's To. An ACK is never answered: a refusal of one means to drop it.
    """
    try:
        refusal = next(_refusals(request), None)
    except MessageError as error:
        return respond(request, error.status, error.reason, to_tag=to_tag)
    if refusal is None:
        return None
    status, reason, headers = refusal
    return respond(request, status, reason, to_tag=to_tag, headers=headers)


def acceptable(response: Response) -> bool:
    """Whether a response can be one to a request of ours; if not, it is dropped (section 8.1.3.3)."""
    try:
        response.from_, response.to, response.call_id, response.cseq  # noqa: B018 - reading is the test
        return len(response.vias) == 1
    except MessageError:
        return False


def _refusals(request: Request) -> Iterator[Refusal]:
    """Everything that is wrong, most telling first; MessageError where a field cannot be read."""
    allow = ("Allow", ", ".join(METHODS))
    if request.method not in _KNOWN:
        yield 501, None, [allow]
    yield from _malformed(request)
    if request.method == "SUBSCRIBE":  # RFC 6665 section 4.2.1.1: there is no event we tell of
        yield 489, None, []
    if request.method not in METHODS:
        yield 405, None, [allow]
    if request.uri.scheme not in SCHEMES:
        yield 416, None, []
    unknown = [tag for tag in request.listed("Require") if tag.lower() not in EXTENSIONS]
    if unknown and request.method not in ("ACK", "CANCEL"):  # section 8.2.2.3
        yield 420, None, [("Unsupported", ", ".join(unknown))]
    if request.method in _WITH_OFFER:
        yield from _unreadable(request)


def _malformed(request: Request) -> Iterator[Refusal]:
    for name in _ONCE:
        if len(request.headers.get_all(name)) > 1:
            yield 400, f"Repeated {name} Header", []
    request.vias, request.from_, request.to, request.call_id  # noqa: B018 - reading is the test
    request.max_forwards, request.contacts, request.routes, request.record_routes  # noqa: B018
    request.expires  # noqa: B018
    if request.cseq.method != request.method:
        yield 400, "CSeq Names Another Method", []
    if request.uri.headers:  # section 19.1.1: headers are not for Request-URIs
        yield 400, "Headers In Request-URI", []


def _unreadable(request: Request) -> Iterator[Refusal]:
    disposition = (request.headers.get("Content-Disposition") or "").replace(" ", "").lower()
    if request.body and "handling=optional" not in disposition:
        if any(coding.lower() != "identity" for coding in request.listed("Content-Encoding")):
            yield 415, None, [("Accept-Encoding", "identity")]
        if request.content_type not in ACCEPT:
            yield 415, None, [("Accept", ", ".join(ACCEPT))]
    ranges = {item.partition(";")[0].strip().lower() for item in request.listed("Accept")}
    if ranges and not ranges & {"application/sdp", "application/*", "*/*"}:
        yield 406, None, []
