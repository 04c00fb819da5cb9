"""Each thing the machine may lack, and how it is told."""

import asyncio
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from config.settings import (
    Endpoint,
    HttpSettings,
    IvrSettings,
    LimitsSettings,
    Listener,
    Settings,
    SipSettings,
    WebRtcSettings,
)
from config.settings.sections import DatabaseSettings, MediaSettings
from gateway import certificate
from gateway.checks import (
    check_certificate,
    check_database,
    check_everything,
    check_files,
    check_ports,
    check_prompts,
    of_no_use,
)
from rooms.store import Store

FREE = SipSettings(listen=(Listener("udp", "127.0.0.1", 0), Listener("tcp", "127.0.0.1", 0)))
FREE_HTTP = HttpSettings(listen=Endpoint("127.0.0.1", 0))
FREE_WEBRTC = WebRtcSettings(port=0)


def test_free_ports() -> None:
    assert list(check_ports(Settings(sip=FREE, http=FREE_HTTP, webrtc=FREE_WEBRTC))) == []


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sip = SipSettings(listen=(Listener("udp", "127.0.0.1", 0), Listener("tcp", "127.0.0.1", port)))
        [problem] = check_ports(Settings(sip=sip, http=FREE_HTTP, webrtc=FREE_WEBRTC))
    assert problem.key == "sip.listen[1]"
    assert problem.message == f"tcp:127.0.0.1:{port} cannot be bound: address already in use"
    assert "Passerelle itself" in problem.hint


def test_a_port_closed_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server.accept()[0].close()
            client.recv(1)
    http = HttpSettings(listen=Endpoint("127.0.0.1", port))
    assert list(check_ports(Settings(sip=FREE, http=http, webrtc=FREE_WEBRTC))) == []


def test_an_address_that_is_not_ours() -> None:
    media = MediaSettings(address=("192.0.2.77",))
    [problem] = check_ports(Settings(sip=FREE, http=FREE_HTTP, webrtc=FREE_WEBRTC, media=media))
    assert problem.key == "media.address[0]"
    assert "no such address" in problem.hint


def test_too_few_open_files() -> None:
    settings = Settings(limits=LimitsSettings(calls=1000))
    [problem] = check_files(settings, 1024)
    assert problem.key == "limits.calls"
    assert problem.message == "1000 calls take 2256 open files, but only 1024 are allowed"
    assert "384 calls" in problem.hint
    assert list(check_files(settings, 2256)) == []


def test_a_limit_too_low_for_any_call() -> None:
    [problem] = check_files(Settings(limits=LimitsSettings(calls=1)), 256)
    assert problem.hint == "raise the limit, by ulimit -n or LimitNOFILE="


def database(folder: Path) -> Settings:
    return Settings(
        database=DatabaseSettings(url=f"sqlite:///{folder / 'x.db'}", secret_file=folder / "x.secret")
    )


def test_the_secret_file_is_open_to_others(tmp_path: Path) -> None:
    settings = database(tmp_path)

    async def make() -> None:
        store = await Store.open(settings.database.url, settings.database.secret_file)
        await store.close()

    asyncio.run(make())
    assert asyncio.run(check_database(settings)) == []
    settings.database.secret_file.chmod(0o644)
    [problem] = asyncio.run(check_database(settings))
    assert problem.key == "database"
    assert "open to others" in problem.message
    assert problem.hint.startswith("chmod 600")


def test_a_secret_file_that_cannot_be_made(tmp_path: Path) -> None:
    there = database(tmp_path).database.model_copy(update={"secret_file": tmp_path / "none" / "secret"})
    [problem] = asyncio.run(check_database(Settings(database=there)))
    assert problem.key == "database"
    assert f"{tmp_path}/none/secret cannot be made" in problem.message
    assert "database.secret_file" in problem.hint


def test_a_certificate_with_its_key(tmp_path: Path) -> None:
    http = HttpSettings(certificate=tmp_path / "chain.pem", key=tmp_path / "key.pem")
    certificate.provide(tmp_path / "chain.pem", tmp_path / "key.pem", "192.0.2.20")
    assert list(check_certificate(Settings(http=http))) == []
    assert list(check_certificate(Settings())) == []


@pytest.mark.parametrize("damage", ["no certificate", "no key", "another key", "no PEM", "a password"])
def test_a_certificate_that_cannot_be_used(tmp_path: Path, damage: str) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.provide(chain, key, "192.0.2.20")
    match damage:
        case "no certificate":
            chain.unlink()
        case "no key":
            key.unlink()
        case "another key":
            certificate.provide(tmp_path / "other.pem", tmp_path / "other.key", "192.0.2.20")
            (tmp_path / "other.key").replace(key)
        case "no PEM":
            chain.write_text("nonsense")
        case "a password":
            private = serialization.load_pem_private_key(key.read_bytes(), None)
            locked = serialization.BestAvailableEncryption(b"word")
            key.write_bytes(
                private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
            )
    [problem] = check_certificate(Settings(http=HttpSettings(certificate=chain, key=key)))
    assert problem.key == "http.certificate"
    assert str(key if damage == "no key" else chain) in problem.message
    assert "PEM files" in problem.hint


def test_check_everything_looks_at_the_certificate(tmp_path: Path) -> None:
    http = HttpSettings(listen=Endpoint("127.0.0.1", 0), certificate=tmp_path / "a", key=tmp_path / "b")
    settings = database(tmp_path).model_copy(update={"sip": FREE, "http": http, "webrtc": FREE_WEBRTC})
    assert "http.certificate" in [problem.key for problem in asyncio.run(check_everything(settings))]


def test_shipped_recordings_are_complete() -> None:
    assert list(check_prompts(Settings())) == []


def test_a_recording_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "welcome.wav").write_bytes(b"not a recording")
    [problem] = check_prompts(Settings(ivr=IvrSettings(prompts=tmp_path)))
    assert problem.key == "ivr.prompts"
    assert "welcome.wav" in problem.message


def test_what_was_set_in_vain_is_told(tmp_path: Path) -> None:
    assert list(of_no_use(Settings(), {"PASSERELLE_LOG__LEVEL": "info"})) == []
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "wellcome.wav").touch()
    settings = Settings(ivr=IvrSettings(prompts=tmp_path))
    variable, file = of_no_use(settings, {"PASERELLE_LOG__LEVEL": "info"})
    assert str(variable) == "PASERELLE_LOG__LEVEL: sets nothing (did you mean PASSERELLE_LOG__LEVEL?)"
    assert file.key == "ivr.prompts"
    assert file.message == f"{tmp_path}/fr/wellcome.wav is never heard: no recording is called that"
    assert file.hint == "did you mean fr/welcome.wav?"
    assert list(of_no_use(None, {"PASERELLE_LOG__LEVEL": "info"})) == [variable]


@pytest.mark.parametrize("host", ["::1"])
def test_ipv6(host: str) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    sip = SipSettings(listen=(Listener("udp", host, 0), Listener("tcp", host, 0)))
    problems = list(check_ports(Settings(sip=sip, http=FREE_HTTP, webrtc=FREE_WEBRTC)))
    assert all("[::1]:0" in problem.message for problem in problems)


def test_all_of_ipv6_takes_the_port_of_ipv4_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sip = SipSettings(listen=(Listener("tcp", "::", taken.getsockname()[1]),))
        [problem] = check_ports(Settings(sip=sip, http=FREE_HTTP, webrtc=FREE_WEBRTC))
    assert problem.key == "sip.listen[0]"
