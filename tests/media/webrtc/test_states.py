"""The states of a transport."""

from media.webrtc import states
from media.webrtc.states import TRANSITIONS
from tests.sip.diagrams import transitions


def test_the_diagram_is_the_table() -> None:
    drawn = [arrow[:3] for arrow in transitions(states.__doc__ or "")]
    assert sorted(drawn) == sorted(
        (before.name, event.name, after.name) for (before, event), after in TRANSITIONS.items()
    )
