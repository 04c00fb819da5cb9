from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.uri import Uri, UriError


def test_all_parts() -> None:
    uri = Uri.parse("SIPS:alice:secret@Example.ORG:5071;Transport=TCP;lr?Subject=hi%20there&x=y")
    assert uri.scheme == "sips"
    assert uri.user == "alice"
    assert uri.password == "secret"
    assert uri.host == "example.org"
    assert uri.port == 5071
    assert uri.parameters == {"transport": "TCP", "lr": None}
    assert uri.transport == "tcp"
    assert uri.headers == (("Subject", "hi there"), ("x", "y"))


def test_a_parsed_uri_goes_back_as_it_came() -> None:
    text = "SIP:%66oo%FF@Example.ORG;;Transport=TCP"
    assert str(Uri.parse(text)) == text


def test_a_changed_uri_is_written_anew() -> None:
    uri = replace(Uri.parse("sip:%66oo@EXAMPLE.org"), port=5070)
    assert str(uri) == "sip:foo@example.org:5070"


def test_equality_is_of_meaning() -> None:
    assert Uri.parse("sip:%75ser@Example.org") == Uri("sip", "example.org", user="user")
    assert Uri.parse("sip:User@example.org") != Uri.parse("sip:user@example.org")
    assert len({Uri.parse("sip:a@b;x=1"), Uri.parse("sip:a@B;x=1")}) == 1


def test_octets_that_are_not_utf_8_match_nothing() -> None:
    assert Uri.parse("sip:%FF@h").user == "\ufffd"


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("sip:host", None),
        ("sip:@host", ""),
        ("sip:*98#@host", "*98#"),
        ("sip:demo.123456@host", "demo.123456"),
        ("sip:user;par=u%40example.net@example.com", "user;par=u@example.net"),
        ("sip:+33123456789;phone-context=x@host", "+33123456789;phone-context=x"),
        ("tel:+33-1-23;ext=4", "+33-1-23"),
    ],
)
def test_user_parts(text: str, user: str | None) -> None:
    assert Uri.parse(text).user == user


def test_ipv6_has_brackets_only_in_text() -> None:
    uri = Uri.parse("sip:a@[2001:DB8::0010]:5070")
    assert (uri.host, uri.port) == ("2001:db8::10", 5070)
    assert str(Uri("sip", "2001:db8::10", port=5070)) == "sip:[2001:db8::10]:5070"


def test_an_unknown_scheme_keeps_its_text() -> None:
    uri = Uri.parse("nobodyKnowsThisScheme:totallyopaquecontent")
    assert uri.scheme == "nobodyknowsthisscheme"
    assert uri.opaque == "totallyopaquecontent"
    assert not uri.is_sip


def test_a_password_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(Uri.parse("sip:alice:secret@example.org"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice@example.org",
        "sip:",
        "sip:alice@",
        " sip:a@b",
        "sip:a b@c",
        "sip:a@b c",
        "sip:a@b:0",
        "sip:a@b:65536",
        "sip:a@b:x",
        "sip:a@[::zz]",
        "sip:a@[1:2]",
        "sip:2001:db8::10",
        "sip:a@b@c",
        "sip:é@b",
        "sip:a@b\r\nX: y",
        "<sip:a@b>",
        "tel:abc!",
        "http:a b",
        "sip:a@\u0661.example",
    ],
)
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(UriError):
        Uri.parse(text)


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(user=NAMES, password=st.none() | NAMES, name=NAMES, value=st.none() | NAMES, header=NAMES)
def test_whatever_is_written_is_read_the_same(
    user: str, password: str | None, name: str, value: str | None, header: str
) -> None:
    parameters = {name.lower(): value}
    uri = Uri(
        "sip", "example.org", user=user, password=password, parameters=parameters, headers=((header, header),)
    )
    assert Uri.parse(str(uri)) == uri


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='sip:tel@[];?=&%0aF.-+ \r\n<>"é\u2028', max_size=30))
def test_any_text_is_a_uri_or_a_uri_error(text: str) -> None:
    try:
        uri = Uri.parse(text)
    except UriError:
        return
    assert str(uri) == text
    assert Uri.parse(str(replace(uri))) == uri
