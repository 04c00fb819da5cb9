"""Messages for the tests of transactions."""

from sip.message import Request, Response, parse, respond


def request(
    method: str = "INVITE",
    *,
    branch: str | None = "z9hG4bKone",
    cseq: int = 1,
    to_tag: str | None = None,
    sent_by: str = "192.0.2.1:5060",
    uri: str = "sip:meet@192.0.2.10",
) -> Request:
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {sent_by}" + (f";branch={branch}" if branch is not None else ""),
        "Max-Forwards: 70",
        "From: <sip:a@example.org>;tag=a",
        "To: <sip:meet@example.org>" + (f";tag={to_tag}" if to_tag is not None else ""),
        "Call-ID: one",
        f"CSeq: {cseq} {method}",
        "Route: <sip:p1.example.org;lr>",
        "",
        "",
    ]
    message = parse("\r\n".join(lines).encode())
    assert isinstance(message, Request)
    return message


def answer(to: Request, status: int, tag: str = "b") -> Response:
    return respond(to, status, to_tag=tag)
