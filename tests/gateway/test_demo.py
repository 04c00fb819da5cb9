"""What demo mode sets and prints."""

import stat
from pathlib import Path

import pytest

from config.outcome import PasserelleError
from config.settings import Listener, load
from gateway.demo import NUMBER, lan_address, make_folder, overlay
from gateway.welcome import Demo, welcome


def test_here_only(tmp_path: Path) -> None:
    settings = load(None, overlay(tmp_path, None))
    assert settings.sip.listen == (Listener("udp", "127.0.0.1", 5060), Listener("tcp", "127.0.0.1", 5060))
    assert settings.sip.reception == ("meet", "100", "*")
    assert settings.media.address == ("127.0.0.1",)
    assert str(settings.http.listen) == "127.0.0.1:8080"
    assert settings.database.url == f"sqlite:///{tmp_path}/var/passerelle.db"
    assert settings.database.secret_file == tmp_path / "var" / "passerelle.secret"


def test_media_of_browsers_comes_in_at_a_second_address(tmp_path: Path) -> None:
    settings = load(None, overlay(tmp_path, None, "192.0.2.20"))
    assert settings.webrtc.address == ("127.0.0.1", "192.0.2.20")
    assert settings.media.address == ("127.0.0.1",)


def test_for_the_network(tmp_path: Path) -> None:
    settings = load(None, overlay(tmp_path, "192.0.2.20"))
    assert {listener.host for listener in settings.sip.listen} == {"192.0.2.20"}
    assert settings.media.address == ("192.0.2.20",)
    assert str(settings.http.listen) == "192.0.2.20:8443"
    assert settings.http.tls == (tmp_path / "var" / "certificate.pem", tmp_path / "var" / "key.pem")


def test_a_settings_file_lies_under_it_and_the_environment_above(tmp_path: Path) -> None:
    file = tmp_path / "passerelle.toml"
    file.write_text('[sip]\nreception = ["meet"]\n[limits]\ncalls = 5\n')
    environ = overlay(tmp_path, None) | {"PASSERELLE_HTTP__LISTEN": "127.0.0.1:9999"}
    settings = load(file, environ)
    assert settings.limits.calls == 5
    assert settings.sip.reception == ("meet", "100", "*")
    assert settings.http.listen.port == 9999


def test_the_folder_is_ours_alone(tmp_path: Path) -> None:
    make_folder(tmp_path)
    make_folder(tmp_path)
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(PasserelleError, match="cannot be made"):
        make_folder(tmp_path)


def test_the_address_in_the_network_is_none_of_loopback() -> None:
    try:
        address = lan_address()
    except PasserelleError:
        pytest.skip("this machine is in no network")
    assert not address.startswith(("127.", "0."))


OF_THE_NETWORK = ("lan", "media_ports", "browser_port", "fingerprint")
DEMO = Demo(
    reception_uri="sip:meet@127.0.0.1",
    direct_uri="sip:4829130577@127.0.0.1",
    number=NUMBER,
    room="Demo",
    pin="4829130577",
    page_url="http://127.0.0.1:8080/",
    host_link="http://127.0.0.1:8080/r/demo#k=aaa",
    guest_link="http://127.0.0.1:8080/r/demo#k=bbb",
    health_url="http://127.0.0.1:8080/readyz",
    metrics_url="http://127.0.0.1:8080/metrics",
    settings="the defaults",
    state="var",
    log="standard error",
)


def test_the_welcome_says_everything() -> None:
    text = "\n".join(welcome(DEMO))
    for value in (DEMO.reception_uri, DEMO.direct_uri, DEMO.number, DEMO.room, f"{DEMO.pin} #"):
        assert value in text
    for value in (DEMO.page_url, DEMO.host_link, DEMO.guest_link):
        assert value in text
    for value in (DEMO.health_url, DEMO.metrics_url, DEMO.settings, DEMO.state, DEMO.log):
        assert value in text
    assert "Only this machine can call" in text
    assert max(map(len, welcome(DEMO))) <= 100


def test_the_welcome_says_what_is_open() -> None:
    lan = Demo(
        **{name: getattr(DEMO, name) for name in DEMO.__slots__ if name not in OF_THE_NETWORK},
        lan="192.0.2.20",
        browser_port=7882,
        fingerprint="AB:" * 31 + "CD",
        media_ports="20000-29999",
    )
    text = "\n".join(welcome(lan))
    assert "Everyone on your network" in text
    assert "192.0.2.20" in text
    assert "20000-29999" in text
    assert "7882" in text
    assert "AB:CD" in text
    assert max(map(len, welcome(lan))) <= 100
