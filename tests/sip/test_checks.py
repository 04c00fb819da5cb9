import pytest

from sip.checks import METHODS, acceptable, check
from sip.message import Headers, Request, Response
from sip.uri import Uri


def request(method: str = "INVITE", uri: str = "sip:meet@example.org", **headers: str) -> Request:
    fields = {
        "Via": "SIP/2.0/UDP h;branch=z9hG4bK1",
        "From": "<sip:a@h>;tag=1",
        "To": "<sip:meet@example.org>",
        "Call-ID": "c",
        "CSeq": f"1 {method}",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, Uri.parse(uri), Headers(fields.items()))


def offer(content_type: str | None = "application/sdp", **headers: str) -> Request:
    made = request(**headers)
    made.body = b"v=0\r\n"
    if content_type is not None:
        made.headers.set("Content-Type", content_type)
    return made


def status(refusal: Response | None) -> int | None:
    return None if refusal is None else refusal.status


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_wrong_with_what_we_speak(method: str) -> None:
    assert check(request(method)) is None


@pytest.mark.parametrize("uri", ["sip:a@h", "tel:+33123456789"])
def test_schemes_we_serve(uri: str) -> None:
    assert check(request(uri=uri)) is None


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (request("PLAY"), 501),
        (request("invite"), 501),
        (request("REGISTER"), 405),
        (request("SUBSCRIBE", Event="presence"), 489),
        (request(uri="http://example.org"), 416),
        (request(uri="sips:a@h"), 416),
        (request(uri="sip:a@h?Subject=x"), 400),
        (request(CSeq="1 BYE"), 400),
        (request(CSeq="2147483648 INVITE"), 400),
        (request(Max_Forwards="256"), 400),
        (request(Max_Forwards="-1"), 400),
        (request(Contact="<sip:a@h"), 400),
        (request(Route="<>"), 400),
        (request(Record_Route="x"), 400),
        (request(Via="SIP/2.0/UDP"), 400),
        (request(Require="100rel"), 420),
        (request("BYE", Require="100rel"), 420),
        (request(Accept="text/html"), 406),
        (offer("text/plain"), 415),
        (offer(None), 415),
        (offer(Content_Encoding="gzip"), 415),
    ],
)
def test_refusals(refused: Request, expected: int) -> None:
    assert status(check(refused)) == expected


@pytest.mark.parametrize(
    "fine",
    [
        request(Max_Forwards="0"),
        request("CANCEL", Require="100rel"),
        request("ACK", Require="100rel"),
        request(Accept="text/html, application/*;q=0.1"),
        offer(),
        offer("multipart/mixed;boundary=x"),
        offer("Application/SDP; charset=utf-8"),
        offer("text/plain", Content_Disposition="render; handling = optional"),
        offer(Content_Encoding="identity"),
        request("OPTIONS", Accept="text/html"),
    ],
)
def test_no_refusals(fine: Request) -> None:
    assert check(fine) is None


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq"])
def test_what_a_request_must_have(name: str) -> None:
    poor = request()
    poor.headers.remove(name)
    refusal = check(poor)
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (400, f"Missing {name} Header")


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards"])
def test_what_a_request_must_not_have_twice(name: str) -> None:
    rich = request(Max_Forwards="70")
    rich.headers.add(name, rich.headers.get(name) or "")
    refusal = check(rich)
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (400, f"Repeated {name} Header")


def test_a_refusal_says_what_to_do_instead() -> None:
    refusal = check(request("REGISTER"), to_tag="t")
    assert refusal is not None
    assert refusal.headers.get("Allow") == "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE"
    assert refusal.to.tag == "t"
    refusal = check(request(Require="Foo, bar"))
    assert refusal is not None
    assert refusal.headers.get("Unsupported") == "Foo, bar"
    refusal = check(offer(Content_Encoding="gzip"))
    assert refusal is not None
    assert refusal.headers.get("Accept-Encoding") == "identity"
    refusal = check(offer("text/plain"))
    assert refusal is not None
    assert "application/sdp" in refusal.headers.get_list("Accept")


def test_a_response_is_for_us_when_it_has_one_via_and_can_be_read() -> None:
    response = Response(200, "OK", request().headers)
    assert acceptable(response)
    response.headers.add("Via", "SIP/2.0/UDP other")
    assert not acceptable(response)
    response.headers.set("Via", "SIP/2.0/UDP h")
    response.headers.set("CSeq", "x")
    assert not acceptable(response)


@pytest.mark.parametrize("name", ["Require", "Accept", "Content_Encoding"])
def test_a_list_without_end_is_malformed(name: str) -> None:
    assert status(check(offer(**{name: ",".join("x" * 200)}))) == 400
