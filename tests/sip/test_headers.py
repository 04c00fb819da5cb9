import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.headers import (
    MAX_VALUES,
    Address,
    CSeq,
    Headers,
    Via,
    legible,
    parse_parameters,
    quote,
    split_list,
    unquote,
)
from sip.uri import Uri, UriError


def test_names_match_in_any_case_and_in_short() -> None:
    headers = Headers([("v", "one"), ("VIA", "two"), ("X-Own", "three")])
    assert headers.get_all("Via") == ["one", "two"]
    assert headers.items() == [("Via", "one"), ("Via", "two"), ("X-Own", "three")]
    assert "x-own" in headers
    assert headers.get("absent") is None


def test_order_is_kept() -> None:
    headers = Headers([("A-One", "1"), ("B-Two", "2"), ("A-One", "3"), ("C-Three", "4")])
    headers.set("a-one", "x", "y")
    headers.prepend("First", "0")
    assert headers.items() == [
        ("First", "0"),
        ("a-one", "x"),
        ("a-one", "y"),
        ("B-Two", "2"),
        ("C-Three", "4"),
    ]
    headers.set("New", "z")
    assert headers.items()[-1] == ("New", "z")
    headers.remove("a-one")
    assert [name for name, _ in headers] == ["First", "B-Two", "C-Three", "New"]


def test_a_value_is_parsed_once_and_again_after_a_change() -> None:
    headers = Headers([("To", "one")])
    calls: list[str] = []

    def parse(text: str) -> str:
        calls.append(text)
        return text.upper()

    assert headers.parsed("To", parse) == headers.parsed("t", parse) == ("ONE",)
    assert calls == ["one"]
    headers.set("To", "two")
    assert headers.parsed("To", parse) == ("TWO",)
    headers.add("t", "three")
    assert headers.parsed("To", parse) == ("TWO", "THREE")


@pytest.mark.parametrize("fields", [1, 2])
def test_only_so_many_values_of_a_name_are_read(fields: int) -> None:
    text = ",".join(["<sip:a>"] * (MAX_VALUES // fields))
    headers = Headers([("Contact", text)] * fields)
    assert len(headers.parsed("Contact", Address.parse)) == MAX_VALUES
    headers.add("Contact", "<sip:b>")
    with pytest.raises(ValueError, match="100 at most"):
        headers.parsed("Contact", Address.parse)


def test_a_copy_is_its_own() -> None:
    headers = Headers([("To", "one")])
    other = headers.copy()
    other.set("To", "two")
    assert headers.get("To") == "one"
    assert headers != other


@pytest.mark.parametrize("value", ["a\r\nInjected: yes", "a\nb", "a\rb"])
def test_a_value_cannot_become_a_header_of_its_own(value: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Headers().add("Subject", value)


def test_lists_are_taken_apart_at_their_own_commas_only() -> None:
    headers = Headers(
        [("Contact", '"Doe, J \\"x\\", y" <sip:a@h;x=1,2>;q=1, <sip:b@h>'), ("m", "<sip:c@h>,,")]
    )
    assert headers.get_list("Contact") == [
        '"Doe, J \\"x\\", y" <sip:a@h;x=1,2>;q=1',
        "<sip:b@h>",
        "<sip:c@h>",
    ]


@pytest.mark.parametrize(
    ("text", "display", "uri", "parameters"),
    [
        ("sip:a@h;tag=1", "", "sip:a@h", {"tag": "1"}),
        ("<sip:a@h;x=y>;Tag=1 ; b", "", "sip:a@h;x=y", {"tag": "1", "b": None}),
        ("Alice B <sip:a@h>", "Alice B", "sip:a@h", {}),
        ("Bell, A. <sip:a@h>", "Bell, A.", "sip:a@h", {}),
        ('"A \\"B\\" \\\\" <sip:a@h>;x="; =,"', 'A "B" \\', "sip:a@h", {"x": "; =,"}),
        ("caller<sip:a@h>", "caller", "sip:a@h", {}),
        ("< sip:a@h >", "", "sip:a@h", {}),
        ("<tel:+331>;tag=x", "", "tel:+331", {"tag": "x"}),
        ("sip:a@h;;;", "", "sip:a@h", {}),
    ],
)
def test_addresses(text: str, display: str, uri: str, parameters: dict[str, str | None]) -> None:
    address = Address.parse(text)
    assert address.display == display
    assert str(address.uri) == uri
    assert address.parameters == parameters
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", '"unbalanced <sip:a@h>', "<sip:a@h", "no uri", "<sip:a@h> tail", "sip:a@h?x=y", "sip:a@h,sip:b@h"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Address.parse(text)


def test_an_address_names_an_end_of_a_dialog() -> None:
    address = Address(Uri("sip", "example.org", user="a"), "Ann")
    assert address.tag is None
    assert str(address.with_tag("t")) == '"Ann" <sip:a@example.org>;tag=t'


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("André".encode(), "André"),
        ("André".encode("latin-1"), "André"),
        (b"a\x00\x1b[31mb", "a [31mb".replace(" ", "  ", 1)),
        ("x\u202ey\u2028z".encode(), "x y z"),
    ],
)
def test_a_name_is_legible(raw: bytes, shown: str) -> None:
    assert legible(raw.decode("utf-8", "surrogateescape")) == shown


@pytest.mark.parametrize(
    ("text", "transport", "host", "port"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "UDP", "192.0.2.1", 5060),
        ("sip / 2.0/tcp  [2001:DB8::1] : 5061", "TCP", "2001:db8::1", 5061),
        ("SIP/2.0/TLS docker_host-1;rport", "TLS", "docker_host-1", None),
        ("SIP/2.0/UDP a1b2c3", "UDP", "a1b2c3", None),
    ],
)
def test_vias(text: str, transport: str, host: str, port: int | None) -> None:
    via = Via.parse(text)
    assert (via.transport, via.host, via.port) == (transport, host, port)
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0/UDP", "SIP/7.0/UDP h", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h;;,", "SIP/2.0/UDP h i"]
)
def test_what_is_no_via(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Via.parse(text)


def test_received_has_no_brackets() -> None:
    assert Via.parse("SIP/2.0/UDP h;received=[::1]").received == "::1"
    assert Via.parse("SIP/2.0/UDP h;received=::1").received == "::1"
    assert (
        str(Via("UDP", "h").with_parameters(received="::1", rport="5"))
        == "SIP/2.0/UDP h;received=::1;rport=5"
    )


def test_cseq() -> None:
    assert CSeq.parse("0009  INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(9, "INVITE")) == "9 INVITE"
    assert CSeq.parse("2147483647 A").number == 2**31 - 1


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "-1 INVITE", "2147483648 A", "9" * 30 + " A", "\u0663 INVITE", "1 a b"]
)
def test_what_is_no_cseq(text: str) -> None:
    with pytest.raises(ValueError, match="CSeq"):
        CSeq.parse(text)


def test_of_a_parameter_that_comes_twice_the_first_counts() -> None:
    assert parse_parameters(";self=1;Self=2") == {"self": "1"}


def test_errors_are_value_errors() -> None:
    assert issubclass(UriError, ValueError)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(TEXT)
def test_quotes_come_off_again(text: str) -> None:
    assert unquote(quote(text)) == text
    assert split_list(f"{quote(text)},x") == [quote(text), "x"]


@settings(max_examples=60, deadline=None)
@given(display=TEXT, value=TEXT)
def test_whatever_is_written_is_read_the_same(display: str, value: str) -> None:
    address = Address(Uri("sip", "h"), legible(display), {"x": value})
    assert Address.parse(str(address)) == address


@pytest.mark.timeout(60)
def test_hostile_lengths_take_no_time() -> None:
    # Each is quadratic for a careless expression: minutes at this length.
    n = 60_000
    for text in (
        " " * n + "x",
        '"' + "\\" * n,
        "a" + " ;" * n + "<",
        "<" * n,
        ";" * n,
        "\\" * n,
        "a" * n + " " * n,
    ):
        for parse in (Address.parse, Uri.parse, Via.parse, CSeq.parse, parse_parameters, split_list):
            try:
                parse(text)
            except ValueError:
                continue


def split_by_letter(text: str) -> list[str]:
    """What ``split_list`` is to do, one character after the other."""
    items, item, quoted, bracketed, escaped = [], "", False, False, False
    for c in text:
        if c == "," and not quoted and not bracketed:
            items.append(item)
            item = ""
            continue
        item += c
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = c == "\\", c != '"'
        else:
            quoted = c == '"'
            bracketed = c == "<" or (bracketed and c != ">")
    return [item.strip() for item in [*items, item] if item.strip()]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='a,"<>\\ ', max_size=24))
def test_a_list_is_split_as_letter_by_letter(text: str) -> None:
    assert split_list(text) == split_by_letter(text)


def test_lists_and_parameters_without_end_are_refused() -> None:
    assert len(split_list(",".join("x" * 100))) == 100
    assert len(parse_parameters("".join(f";a{n}" for n in range(100)))) == 100
    assert len(Uri.parse("sip:h" + "".join(f";a{n}" for n in range(99))).parameters) == 99
    for parse, text in (
        (split_list, ",".join("x" * 102)),
        (parse_parameters, ';a="\\""' * 101),
        (Via.parse, "SIP/2.0/UDP h" + ";a" * 101),
        (Uri.parse, "sip:h" + ";a" * 101),
        (Uri.parse, "sip:h?" + "a=b&" * 101),
    ):
        with pytest.raises(ValueError, match="at most"):
            parse(text)
