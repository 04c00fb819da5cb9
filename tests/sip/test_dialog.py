import pytest

from sip.dialog import Dialog, dialog_id_of
from sip.message import Request, Response, parse
from sip.uri import Uri


def request(method: str = "INVITE", cseq: int = 5, *more: str) -> Request:
    lines = [
        f"{method} sip:meet@192.0.2.10 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:a@example.org>;tag=a",
        "To: <sip:meet@example.org>",
        "Call-ID: one",
        f"CSeq: {cseq} {method}",
        *more,
        "",
        "",
    ]
    message = parse("\r\n".join(lines).encode())
    assert isinstance(message, Request)
    return message


def server_dialog(*more: str) -> Dialog:
    return Dialog.of_server(request("INVITE", 5, "Contact: <sip:a@192.0.2.1>", *more), "b", local_cseq=100)


def test_a_request_of_ours_has_our_tag_in_from_and_the_next_number() -> None:
    bye = server_dialog().request("BYE")
    assert str(bye.uri) == "sip:a@192.0.2.1"
    assert (bye.from_.tag, bye.to.tag) == ("b", "a")
    assert (bye.call_id, str(bye.cseq)) == ("one", "101 BYE")
    assert bye.max_forwards == 70


def test_the_server_keeps_the_record_route_in_order_and_goes_to_the_first() -> None:
    dialog = server_dialog("Record-Route: <sip:p2;lr>, <sip:p1;lr>")
    bye = dialog.request("BYE")
    assert [str(route.uri) for route in bye.routes] == ["sip:p2;lr", "sip:p1;lr"]
    assert str(bye.uri) == "sip:a@192.0.2.1"
    assert str(dialog.next_hop) == "sip:p2;lr"


def test_the_client_reverses_the_record_route() -> None:
    data = (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@example.org>;tag=a\r\n"
        b"To: <sip:meet@example.org>;tag=b\r\nCall-ID: one\r\nCSeq: 5 INVITE\r\nContact: <sip:b@h>\r\n"
        b"Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\n\r\n"
    )
    response = parse(data)
    assert isinstance(response, Response)
    dialog = Dialog.of_client(request(), response)
    ack = dialog.request("ACK", cseq=5)
    assert [str(route.uri) for route in ack.routes] == ["sip:p1;lr", "sip:p2;lr"]
    assert (ack.from_.tag, ack.to.tag, str(ack.cseq)) == ("a", "b", "5 ACK")
    assert str(dialog.request("BYE").cseq) == "6 BYE"


def test_a_strict_router_gets_its_own_uri_and_the_target_goes_last() -> None:
    dialog = server_dialog("Record-Route: <sip:p2>, <sip:p1;lr>")
    bye = dialog.request("BYE")
    assert str(bye.uri) == "sip:p2"
    assert [str(route.uri) for route in bye.routes] == ["sip:p1;lr", "sip:a@192.0.2.1"]
    assert str(dialog.next_hop) == "sip:p2"


@pytest.mark.parametrize(("number", "taken"), [(4, False), (5, False), (6, True), (900, True)])
def test_their_numbers_have_to_rise_and_may_skip(number: int, taken: bool) -> None:
    assert server_dialog().takes(request("INFO", number)) is taken


def test_a_refused_number_changes_nothing_and_an_ack_is_always_in_order() -> None:
    dialog = server_dialog()
    assert not dialog.takes(request("INFO", 3))
    assert dialog.takes(request("ACK", 5))
    assert dialog.takes(request("INFO", 6))


def test_a_new_contact_is_the_new_target_and_none_leaves_the_old() -> None:
    dialog = server_dialog()
    dialog.refresh(request("UPDATE", 6, "Contact: <sip:a@198.51.100.1:5070>"))
    assert dialog.target == Uri.parse("sip:a@198.51.100.1:5070")
    dialog.refresh(request("UPDATE", 7))
    assert dialog.target == Uri.parse("sip:a@198.51.100.1:5070")


def test_a_request_of_theirs_names_the_dialog_from_the_other_side() -> None:
    dialog = server_dialog()
    bye = request("BYE", 6)
    bye.headers.set("To", "<sip:meet@example.org>;tag=b")
    assert dialog_id_of(bye) == dialog.id
