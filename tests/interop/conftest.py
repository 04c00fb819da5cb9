"""One gateway a test worker, and as many phones as a test asks for.

Everything runs on addresses of 127.0.0.0/8 that the worker has claimed for itself (`peers.network`).
A test that needs other settings starts a gateway of its own with `gateway_with`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from .peers.baresip import Baresip
from .peers.gateway import Gateway, Overrides
from .peers.network import Network
from .peers.pjsua import Pjsua
from .peers.rtp import RtpLeg
from .peers.sipp import Sipp

MEDIA_TIMEOUT = 3  # seconds
#: Short times, so that what waits need not be waited for; the tests of shorter ones bring their own.
SETTINGS: Overrides = {
    "sip": {"reception": ["meet", "meet-en"]},
    "ivr": {"languages": {"meet-en": "en"}, "digit_pause_seconds": 2},
    "media": {"timeout_seconds": MEDIA_TIMEOUT},
    "limits": {"pin_failures_per_source": 10_000, "pin_failures": 100_000},
}


class MakePhone(Protocol):
    def __call__(self, frequency: float, codec: str = "PCMU", *, answers: bool = False) -> Baresip: ...


class MakePjsua(Protocol):
    def __call__(self, frequency: float, codec: str = "PCMU") -> Pjsua: ...


class MakeGateway(Protocol):
    def __call__(self, **overrides: dict[str, Any]) -> Gateway: ...


class Call(Protocol):
    def __call__(self, scenario: str, gateway: Gateway, user: str, **options: Any) -> Sipp: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.close()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of processes, side by side, so that phones share their tone files."""
    return tmp_path_factory.mktemp


@pytest.fixture(scope="session")
def common_gateway(network: Network, homes: Callable[[str], Path]) -> Iterator[Gateway]:
    with Gateway(homes("gateway"), network.address(), overrides=SETTINGS) as gateway:
        yield gateway


@pytest.fixture
def gateway(common_gateway: Gateway) -> Iterator[Gateway]:
    """The worker's gateway; after each test it must be as empty as before."""
    common_gateway.fresh_log()
    yield common_gateway
    common_gateway.calls(0)
    common_gateway.participants(0)


@pytest.fixture
def gateway_with(network: Network, homes: Callable[[str], Path]) -> Iterator[MakeGateway]:
    with ExitStack() as stack:

        def make(**overrides: dict[str, Any]) -> Gateway:
            merged = {
                name: {**SETTINGS.get(name, {}), **overrides.get(name, {})}
                for name in {**SETTINGS, **overrides}
            }
            return stack.enter_context(Gateway(homes("gateway"), network.address(), overrides=merged))

        yield make


# Phones depend on `gateway` so that they have hung up before it is looked at; tests that make a
# gateway of their own use the same phones, and leave the common one idle.


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Iterator[ExitStack]:
    """What a test started, ended in reverse order and before its gateway."""
    for name in ("gateway", "gateway_with"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def phone(stack: ExitStack, network: Network, homes: Callable[[str], Path]) -> MakePhone:
    """Start a baresip."""

    def make(frequency: float, codec: str = "PCMU", *, answers: bool = False) -> Baresip:
        made = Baresip(
            homes("baresip"), network.address(), frequency=frequency, codecs=[codec], answers=answers
        )
        return stack.enter_context(made)

    return make


@pytest.fixture
def pjsua(stack: ExitStack, network: Network, homes: Callable[[str], Path]) -> MakePjsua:
    """Start a PJSUA2."""

    def make(frequency: float, codec: str = "PCMU") -> Pjsua:
        return stack.enter_context(
            Pjsua(homes("pjsua"), network.address(), frequency=frequency, codecs=[codec])
        )

    return make


@pytest.fixture
def leg(stack: ExitStack, network: Network) -> Callable[[float], RtpLeg]:
    """Open a media end for SIPp to name in its offer."""
    return lambda frequency: stack.enter_context(RtpLeg(network.address(), frequency))


@pytest.fixture
def sipp(stack: ExitStack, network: Network, homes: Callable[[str], Path]) -> Call:
    """Start a scenario against a gateway."""

    def make(scenario: str, gateway: Gateway, user: str, **options: Any) -> Sipp:
        address = options.pop("address", None) or network.address()
        return stack.enter_context(
            Sipp(homes(f"sipp-{scenario}"), address, scenario, gateway.target, user, **options)
        )

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the gateway logged during it."""
    report = yield
    gateway = getattr(item, "funcargs", {}).get("gateway")
    if report.failed and isinstance(gateway, Gateway):
        report.sections.append(("gateway log", gateway.fresh_log()[-12000:]))
    return report
