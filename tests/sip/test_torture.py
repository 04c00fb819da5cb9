"""RFC 4475 and RFC 5118, one row a message: what it must come to before any dialog or call is asked.

Where an RFC leaves a choice, the row's comment names it. Requests that are valid but not for us, such as
REGISTER, end in 405: they were understood.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sip.body import session_in
from sip.checks import METHODS, acceptable, check
from sip.message import MessageError, Request, Response, parse, respond

MESSAGES = Path(__file__).parent / "torture" / "messages"


def read(name: str) -> bytes:
    return (MESSAGES / f"{name}.dat").read_bytes()


def verdict(data: bytes) -> int | str:
    """The status of the refusal, "valid", or "dropped" where nothing may be answered."""
    try:
        message = parse(data)
    except MessageError as error:
        return (
            "dropped"
            if error.request is None
            else answered(respond(error.request, error.status, error.reason))
        )
    if isinstance(message, Response):
        return "valid" if acceptable(message) else "dropped"
    refusal = check(message, to_tag="ours")
    return answered(refusal) if refusal is not None else "valid"


def answered(response: Response) -> int:
    """The status; the answer must get through our own parser, too."""
    again = parse(response.to_bytes())
    assert isinstance(again, Response)
    assert "Via" in again.headers
    return again.status


VERDICTS: dict[str, int | str] = {
    # 3.1.1 valid messages
    "wsinv": "valid",
    "intmeth": 501,  # the method is unknown, all else is fine
    "esc01": "valid",
    "escnull": 405,
    "esc02": 501,  # RE%47IST%45R is not REGISTER
    "lwsdisp": "valid",
    "longreq": "valid",
    "dblreq": 405,  # the REGISTER; what follows it in the datagram is ignored
    "semiuri": "valid",
    "transports": "valid",
    "mpart01": 405,
    "unreason": "valid",
    "noreason": "valid",
    # 3.1.2 invalid messages
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": "dropped",
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,  # may be forgiven; is not
    "trws": 400,  # may be forgiven; is not
    "escruri": 400,
    "baddate": "valid",  # only who needs the Date has to refuse it
    "regbadct": 400,
    "badaspec": "valid",  # may be refused with 400; is understood
    "baddn": "valid",  # may be refused with 400; is understood
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 501,  # 400 will do, 501 is better, says the RFC
    "bigcode": "dropped",
    # 3.2 transaction layer
    "badbranch": "valid",  # a transaction of RFC 2543's kind
    # 3.3 application layer
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 405,
    "bext01": 420,
    "invut": 415,
    "regaut01": 405,
    "multi01": 400,
    "mcl01": 400,
    "bcast": "dropped",  # two Vias: the response is not for us
    "zeromf": "valid",  # only a proxy answers 483
    "cparam01": 405,
    "cparam02": 405,
    "regescrt": 405,
    "sdp01": 406,
    # 3.4 backward compatibility
    "inv2543": "valid",
    # RFC 5118
    "ipv6-good": 405,
    "ipv6-bad": 400,
    "port-ambiguous": 405,
    "port-unambiguous": 405,
    "via-received-param-with-delim": "valid",
    "via-received-param-no-delim": "valid",
    "ipv6-in-sdp": 400,  # the RFC says 268 octets where there are 251
    "mult-ip-in-header": "valid",
    "mult-ip-in-sdp": "valid",
    "ipv4-mapped-ipv6": "valid",
    "ipv6-bug-abnf-3-colons": "valid",  # as RFC 3261's faulty grammar makes it
    "ipv6-correct-abnf-2-colons": "valid",
}


@pytest.mark.parametrize(("name", "expected"), VERDICTS.items(), ids=VERDICTS.keys())
def test_verdict(name: str, expected: int | str) -> None:
    assert verdict(read(name)) == expected


def test_every_message_has_its_row() -> None:
    assert {path.stem for path in MESSAGES.glob("*.dat")} == set(VERDICTS)


def request(name: str) -> Request:
    message = parse(read(name))
    assert isinstance(message, Request)
    return message


Field = Callable[[Any], object]

UNDERSTOOD: dict[str, list[tuple[Field, object]]] = {
    "wsinv": [
        (lambda m: m.uri.parameters, {"unknownparam": None}),
        (lambda m: str(m.to), "<sip:vivekg@chair-dnrc.example.com>;tag=1918181833n"),
        (lambda m: m.from_.display, 'J Rosenberg \\"'),
        (lambda m: m.from_.tag, "98asjd8"),
        (lambda m: m.max_forwards, 68),
        (lambda m: str(m.cseq), "9 INVITE"),
        (
            lambda m: [(via.transport, via.host, via.branch) for via in m.vias],
            [
                ("UDP", "192.0.2.2", "390skdjuw"),
                ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
                ("UDP", "192.168.255.111", "z9hG4bK30239"),
            ],
        ),
        (lambda m: m.headers.get("s"), ""),
        (
            lambda m: m.headers.get("newfangledheader"),
            "newfangled value continued newfangled value",
        ),
        (lambda m: m.headers.get("UnknownHeaderWithUnusualValue"), ";;,,;;,;"),
        (lambda m: m.contacts[0].display, 'Quoted string ""'),
        (
            lambda m: m.contacts[0].parameters,
            {"newparam": "newvalue", "secondparam": None, "q": "0.33"},
        ),
        (lambda m: m.routes[0].uri.parameters["unknownwith"], "value"),
        (lambda m: len(m.body), 150),
    ],
    "intmeth": [
        (lambda m: m.method, "!interesting-Method0123456789_*+`.%indeed'~"),
        (lambda m: m.cseq.method, "!interesting-Method0123456789_*+`.%indeed'~"),
        (lambda m: m.to.display, "BEL:  NUL:  DEL:"),
        (lambda m: m.from_.display, "token1~` token2'+_ token3*%!.-"),
        (lambda m: m.from_.parameters["fromparam''~+*_!.-%"], "работающий"),
        (lambda m: m.from_.tag, "_token~1'+`*%!-."),
        (lambda m: m.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"),
    ],
    "esc01": [
        (lambda m: m.uri.user, "sips:user@example.com"),
        (lambda m: m.to.uri.user, "user"),
        (lambda m: m.from_.uri.user, "I have spaces"),
        (lambda m: m.contacts[0].uri.parameters, {"lr": None, "name": "value%41"}),
    ],
    "escnull": [
        (lambda m: m.to.uri.user, "null-\0-null"),
        (lambda m: [contact.uri.user for contact in m.contacts], ["\0", "\0\0"]),
    ],
    "esc02": [
        (lambda m: m.method, "RE%47IST%45R"),
        (lambda m: m.to.display, "%Z%45"),
        (lambda m: len(m.contacts), 2),  # C%6Fntact is another header
    ],
    "lwsdisp": [(lambda m: m.from_.display, "caller")],
    "longreq": [
        (lambda m: len(m.vias), 34),
        (lambda m: len(m.from_.tag or ""), 155),
        (lambda m: m.to.uri.port, 6000),
    ],
    "dblreq": [
        (lambda m: m.method, "REGISTER"),
        (lambda m: m.body, b""),
    ],
    "semiuri": [(lambda m: m.uri.user, "user;par=u@example.net")],
    "transports": [
        (lambda m: [v.transport for v in m.vias], ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]),
    ],
    "mpart01": [
        (lambda m: m.content_type, "multipart/mixed"),
        (lambda m: len(m.body), 553),
    ],
    "unreason": [(lambda m: m.reason, "= 2**3 * 5**2 но сто девяносто девять - простое")],
    "noreason": [(lambda m: (m.status, m.reason), (100, ""))],
    "badaspec": [(lambda m: str(m.to.uri), "sip:t.watson@example.org")],
    "baddn": [(lambda m: m.from_.display, "Bell, Alexander")],
    "badbranch": [(lambda m: m.via.branch, "z9hG4bK")],
    "novelsc": [(lambda m: (m.uri.scheme, m.uri.opaque[:4]), ("soap.beep", "//19"))],
    "zeromf": [(lambda m: m.max_forwards, 0)],
    "cparam01": [
        (lambda m: m.contacts[0].parameters, {"unknownparam": None}),
        (lambda m: m.contacts[0].uri.parameters, {}),
    ],
    "cparam02": [
        (lambda m: m.contacts[0].parameters, {}),
        (lambda m: m.contacts[0].uri.parameters, {"unknownparam": None}),
    ],
    "regescrt": [(lambda m: m.contacts[0].uri.headers, (("Route", "<sip:sip.example.com>"),))],
    "inv2543": [
        (lambda m: m.via.branch, None),
        (lambda m: m.from_.tag, None),
        (lambda m: len(m.body), 105),
    ],
    "port-ambiguous": [
        (
            lambda m: (m.uri.host, m.uri.port),
            ("2001:db8::10:5070", None),
        ),
    ],
    "port-unambiguous": [
        (
            lambda m: (m.uri.host, m.uri.port),
            ("2001:db8::10", 5070),
        ),
    ],
    "via-received-param-with-delim": [
        (lambda m: m.via.received, "2001:db8::9:255"),
    ],
    "via-received-param-no-delim": [
        (lambda m: m.via.received, "2001:db8::9:255"),
    ],
    "mult-ip-in-header": [
        (
            lambda m: [via.host for via in m.vias],
            ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"],
        ),
    ],
    "ipv6-bug-abnf-3-colons": [(lambda m: m.uri.host, "2001:db8::c000:201")],
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_understood(name: str) -> None:
    message = parse(read(name))
    for field, expected in UNDERSTOOD[name]:
        assert field(message) == expected


@pytest.mark.parametrize("name", [name for name, expected in VERDICTS.items() if expected != "dropped"])
def test_what_is_written_is_read_the_same(name: str) -> None:
    try:
        message = parse(read(name))
    except MessageError:
        return
    again = parse(message.to_bytes())
    assert again.start_line == message.start_line
    assert again.body == message.body
    assert [item for item in again.headers if item[0] != "Content-Length"] == [
        item for item in message.headers if item[0] != "Content-Length"
    ]


def test_ipv6_in_a_session_description() -> None:
    message = parse(read("ipv6-in-sdp").replace(b"Content-Length: 268", b"Content-Length: 251"))
    assert isinstance(message, Request)
    assert check(message) is None
    session = session_in(message)
    assert session is not None
    assert [session.address_of(media) for media in session.medias] == ["2001:db8::20", "2001:db8::20"]


def test_refusals_carry_what_the_peer_needs() -> None:
    unknown = check(request("intmeth"))
    assert unknown is not None
    assert unknown.headers.get_list("Allow") == list(METHODS)
    extension = check(request("bext01"))
    assert extension is not None
    assert extension.headers.get_list("Unsupported") == ["nothingSupportsThis", "nothingSupportsThisEither"]
    body = check(request("invut"))
    assert body is not None
    assert "application/sdp" in body.headers.get_list("Accept")


def test_an_answer_echoes_octet_by_octet() -> None:
    with pytest.raises(MessageError) as caught:
        parse(read("badvers"))
    assert caught.value.request is not None
    answer = respond(caught.value.request, caught.value.status, to_tag="ours").to_bytes()
    assert answer.startswith(b"SIP/2.0 505 Version Not Supported\r\n")
    assert b"\r\nVia: SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw\r\n" in answer
    assert b"\r\nTo: T. Watson <sip:t.watson@example.org>;tag=ours\r\n" in answer
