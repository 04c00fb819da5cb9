import pytest

from sip.message import Response
from sip.transaction import Pass, Send, ServerTransaction, TransactionManager
from tests.sip.transaction.messages import answer, request


def opened(manager: TransactionManager, **fields: object) -> ServerTransaction:
    return manager.open_server(request(**fields), None, reliable=False)  # type: ignore[arg-type]


def test_a_repeated_request_finds_its_transaction() -> None:
    manager = TransactionManager()
    transaction = opened(manager)
    assert manager.find(request()) is transaction


@pytest.mark.parametrize(
    "other", [{"branch": "z9hG4bKtwo"}, {"sent_by": "192.0.2.1:5061"}, {"method": "BYE"}]
)
def test_branch_sent_by_and_method_tell_transactions_apart(other: dict[str, str]) -> None:
    manager = TransactionManager()
    opened(manager)
    assert manager.find(request(**other)) is None  # type: ignore[arg-type]


def test_the_ack_of_a_failure_finds_its_invite() -> None:
    manager = TransactionManager()
    transaction = opened(manager)
    manager.respond(transaction, answer(transaction.request, 404), 0.0)
    assert manager.find(request("ACK", to_tag="b")) is transaction


def test_a_cancel_finds_its_invite_but_is_a_transaction_of_its_own() -> None:
    manager = TransactionManager()
    transaction = opened(manager)
    cancel = request("CANCEL")
    assert manager.find(cancel) is None
    assert manager.find_cancelled(cancel) is transaction
    assert manager.find_cancelled(request("CANCEL", branch="z9hG4bKother")) is None


@pytest.mark.parametrize("branch", [None, "1234", "z9hG4bK"])
def test_requests_of_rfc_2543_clients_match_by_what_they_have(branch: str | None) -> None:
    manager = TransactionManager()
    transaction = opened(manager, branch=branch)
    assert manager.find(request(branch=branch)) is transaction
    assert manager.find(request(branch=branch, cseq=2)) is None
    assert manager.find(request(branch=branch, uri="sip:other@192.0.2.10")) is None
    manager.respond(transaction, answer(transaction.request, 404), 0.0)
    assert manager.find(request("ACK", branch=branch, to_tag="b")) is transaction
    assert manager.find(request("ACK", branch=branch, to_tag="other")) is None


def test_a_request_that_comes_by_a_second_path_is_merged() -> None:
    manager = TransactionManager()
    opened(manager)
    assert manager.is_merged(request(branch="z9hG4bKtwo"))
    assert not manager.is_merged(request(branch="z9hG4bKtwo", cseq=2))
    assert not manager.is_merged(request(branch="z9hG4bKtwo", to_tag="b"))


def test_responses_match_by_branch_and_method() -> None:
    manager = TransactionManager()
    bye = request("BYE")
    transaction = manager.open_client(bye, None, reliable=False)
    assert manager.start(transaction, 0.0) == [Send(transaction, bye)]
    ok = answer(bye, 200)
    assert manager.receive_response(ok, 0.1) == [Pass(transaction, ok)]
    assert manager.receive_response(answer(request("CANCEL"), 200), 0.1) is None
    stray = answer(request("BYE", branch="z9hG4bKtwo"), 200)
    assert isinstance(stray, Response)
    assert manager.receive_response(stray, 0.1) is None


def test_what_has_ended_leaves_nothing_behind() -> None:
    manager = TransactionManager()
    transaction = opened(manager, branch="old")
    manager.respond(transaction, answer(transaction.request, 404), 0.0)
    client = manager.open_client(request("BYE"), None, reliable=False)
    manager.start(client, 0.0)
    assert len(manager) == 2
    while manager.next_deadline < 1000.0:
        manager.expire(manager.next_deadline)
    assert len(manager) == 0
    assert not manager.is_merged(request(branch="z9hG4bKtwo"))
    assert manager.find(request(branch="old")) is None
    assert vars(manager)["_servers"] == vars(manager)["_clients"] == vars(manager)["_merged"] == {}


def test_an_unreachable_peer_is_no_matter_once_the_transaction_has_ended() -> None:
    manager = TransactionManager()
    client = manager.open_client(request("BYE"), None, reliable=False)
    manager.start(client, 0.0)
    assert manager.unreachable(client, 0.1)
    assert manager.unreachable(client, 0.2) == []
