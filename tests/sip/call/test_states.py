from sip.call import CallState, states
from sip.call.states import OVER, TABLE
from tests.sip.diagrams import transitions


def test_the_diagram_is_the_table() -> None:
    drawn = [arrow[:3] for arrow in transitions(states.__doc__ or "")]
    assert sorted(drawn) == sorted(
        (before.name, event.name, after.name) for (before, event), after in TABLE.items()
    )


def test_a_call_that_is_over_never_comes_back() -> None:
    for (before, _), after in TABLE.items():
        assert before not in OVER or after in OVER


def test_every_call_can_end() -> None:
    ending = {CallState.ENDED}
    for _ in CallState:
        ending |= {before for (before, _), after in TABLE.items() if after in ending}
    assert ending == set(CallState)
