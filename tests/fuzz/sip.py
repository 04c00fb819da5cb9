"""Fuzz the SIP parser: it refuses with MessageError or returns what can be asked, answered and written again;
a body holds a session description, none, or one that is refused.

python -m tests.fuzz.sip [--seconds N] [--seed N]
"""

from media.sdp import SdpError
from sip.body import UnsupportedBody, session_in
from sip.checks import acceptable, check
from sip.message import (
    MAX_FIELDS,
    MAX_HEAD,
    Message,
    MessageError,
    Request,
    Response,
    StreamFramer,
    parse,
    respond,
)
from sip.uri import Uri, UriError
from tests.fuzz.mutation import main

ADDRESSES = ("contacts", "routes", "record_routes")
TYPED = (
    *("via", "vias", "from_", "to", "call_id", "cseq", "max_forwards", "expires", "content_type"),
    *ADDRESSES,
)


def examine(data: bytes) -> None:
    """Raise if parser, checks, answers or framer break their promise on this input."""
    _frame(data)
    try:
        message = parse(data)
    except MessageError as error:
        if error.request is not None:
            _answer(error.request, respond(error.request, error.status, error.reason, to_tag="t"))
        return
    _write(message)
    _read(message)
    _read_body(message)
    if isinstance(message, Response):
        acceptable(message)
        return
    refusal = check(message, to_tag="t")
    _answer(message, refusal if refusal is not None else respond(message, 200, to_tag="t"))
    try:
        message.stamp("192.0.2.1", 5060)
    except MessageError:
        return
    if message.via.received not in ("192.0.2.1", None):
        raise AssertionError("the answer would go elsewhere")


def _frame(data: bytes) -> None:
    """A stream is cut the same whether it comes whole or in two pieces."""
    if _cut(data) != _cut(data[: len(data) // 2], data[len(data) // 2 :]):
        raise AssertionError("the cut depends on how the stream arrives")


def _cut(*pieces: bytes) -> list[object]:
    framer, found = StreamFramer(), list[object]()
    try:
        for piece in pieces:
            found.extend(framer.feed(piece))
    except MessageError as error:
        found.append(error.status)
    return found


def _fits(message: Request | Response) -> bool:
    """Whether it is within our limits as we write it: with a tag or a length more it may not be."""
    head = message.to_bytes().partition(b"\r\n\r\n")[0]
    return len(head) <= MAX_HEAD and len(message.headers) < MAX_FIELDS


def _write(message: Request | Response) -> None:
    if not _fits(message):
        return
    again = parse(message.to_bytes())
    fields, found = message.headers.copy(), again.headers.copy()
    fields.remove("Content-Length")
    found.remove("Content-Length")
    if (again.start_line, found, again.body) != (message.start_line, fields, message.body):
        raise AssertionError("what was written reads differently")


def _read(message: Message) -> None:
    for name in TYPED:
        try:
            value = getattr(message, name)
        except MessageError:
            continue
        for address in value if name in ADDRESSES else ():
            try:
                Uri.parse(str(address.uri))
            except UriError as error:
                raise AssertionError("a URI that was read cannot be read again") from error


def _read_body(message: Request | Response) -> None:
    try:
        session_in(message)
    except (UnsupportedBody, SdpError):
        return


def _answer(request: Request, response: Response) -> None:
    if not _fits(response):
        return
    again = parse(response.to_bytes())
    if not isinstance(again, Response) or again.headers.get_all("Via") != request.headers.get_all("Via"):
        raise AssertionError("the answer does not find its way back")


if __name__ == "__main__":
    main("sip", examine)
