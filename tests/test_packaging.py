"""What is shipped: names, lock files, the wheel, the container, the service."""

import configparser
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import packages_distributions
from pathlib import Path
from threading import Thread
from zipfile import ZipFile

import pytest

from config.settings import Settings, load
from gateway.certificate import provide

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FLOORS = ("gateway", "bridge", "sip", "conferencing", "rooms", "media", "config")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: str) -> dict[tuple[str, str], list[str]]:
    """Hashes by requirement, that is by name and what follows it (version and marker)."""
    text = (ROOT / file).read_text().replace("\\\n", "")
    entries = re.findall(r"^([\w.-]+)(==\S+(?: ; .*?)?)\s+(--hash.*)$", text, re.MULTILINE)
    return {(name, rest): hashes.split() for name, rest, hashes in entries}


def names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


@pytest.mark.parametrize("name", FLOORS)
def test_no_other_distribution_claims_our_names(name: str) -> None:
    assert set(packages_distributions().get(name, ["passerelle"])) == {"passerelle"}


@pytest.mark.parametrize("file", LOCKS)
def test_a_lock_file_is_hashes_and_no_addresses(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(r"://|^-|^\s*/| @ |\bfile:", text, re.MULTILINE)
    requirements = re.findall(r"^[\w.-]+==", text, re.MULTILINE)
    assert len(requirements) == len(locked(file)) > 20
    assert all(
        re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", h) for hashes in locked(file).values() for h in hashes
    )


def test_the_lock_files_hold_what_is_asked_for_and_agree() -> None:
    runtime, everything = locked(LOCKS[0]), locked(LOCKS[1])
    groups = PROJECT["dependency-groups"]
    asked = names(PROJECT["project"]["dependencies"]) | names(groups["build"])
    assert asked <= {name for name, _ in runtime}
    assert asked | names(groups["dev"]) <= {name for name, _ in everything}
    assert runtime.items() <= everything.items()


def test_the_wheel_holds_recordings_and_migrations_and_no_tests(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in (*FLOORS, "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    build = "import setuptools.build_meta as b; b.build_wheel('.')"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stdout + done.stderr
    (wheel,) = source.glob("passerelle-*.whl")
    files = set(ZipFile(wheel).namelist())
    for pattern in ("**/*.py", "config/prompts/**/*.flac", "gateway/web/page/*.*"):
        ours = {
            str(file.relative_to(ROOT))
            for floor in FLOORS
            for file in ROOT.glob(pattern)
            if floor in file.parts
        }
        assert {file for file in ours if file.split("/")[0] in FLOORS} <= files
    assert {file.split("/")[0] for file in files if not file.startswith("passerelle-")} == set(FLOORS)


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_container_is_small_unprivileged_and_watched() -> None:
    found = instructions()
    stages = [value for instruction, value in found if instruction == "FROM"]
    assert len(stages) == 2
    assert all(re.match(r"python:\d+\.\d+-slim-\w+", stage) for stage in stages)  # never "latest"
    last = found[max(i for i, (instruction, _) in enumerate(found) if instruction == "FROM") :]
    assert [value for instruction, value in last if instruction == "USER"] == ["990:990"]
    assert {"HEALTHCHECK", "ENTRYPOINT", "STOPSIGNAL", "VOLUME"} <= {instruction for instruction, _ in last}
    assert not any(instruction == "RUN" and re.search("pip|apt|curl", value) for instruction, value in last)


def test_the_container_is_built_of_files_that_are_there_and_no_others() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in allowed)
    assert allowed >= set(FLOORS)
    for instruction, value in instructions():
        if instruction == "COPY" and not value.startswith("--from"):
            *sources, _ = value.split()
            assert set(sources) <= allowed | {"."}


def test_the_container_and_the_service_carry_no_secret_and_name_real_settings() -> None:
    for file in ("Dockerfile", "deploy/passerelle.service"):
        text = (ROOT / file).read_text()
        environ = dict(re.findall(r"(PASSERELLE_\w+__\w+)=(\S+)", text))
        assert environ
        load(None, environ)  # raises if a key is not known
        assert not re.search(r"(?i)(password|token|secret|key)\w*=(?!/)", text), file  # files at most


def test_the_container_tells_the_ports_of_the_default_settings() -> None:
    exposed = re.search(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert exposed is not None
    settings = Settings()
    assert set(exposed[1].split()) == {
        *(f"{listener.port}/{listener.transport}" for listener in settings.sip.listen),
        f"{settings.media.ports}/udp",
        f"{settings.http.listen.port}/tcp",
        *(f"{settings.webrtc.port}/{transport}" for transport in ("udp", "tcp")),
    }


def test_the_service_waits_for_the_drain_and_is_confined() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "passerelle.service")
    service = unit["Service"]
    assert int(service["TimeoutStopSec"]) > Settings().limits.drain_seconds
    assert service["KillSignal"] == "SIGTERM"
    for key in ("NoNewPrivileges", "PrivateTmp", "DynamicUser", "ProtectKernelModules"):
        assert service[key] == "yes"


def test_the_readme_begins_with_what_the_makefile_asks_for() -> None:
    needed = re.search(r"^NEEDED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert needed is not None
    assert needed[1] in (ROOT / "README.md").read_text().splitlines()[0]


@pytest.mark.parametrize("script", [".ci/run", "tools/install-peers"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / script], check=False).returncode == 0


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (500, 1)])
def test_the_container_is_well_when_healthz_says_so(
    status: int, code: int, tls: bool, tmp_path: Path
) -> None:
    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        environ = os.environ | {"PASSERELLE_HTTP__LISTEN": f"127.0.0.1:{server.server_port}"}
        if tls:
            pair = tmp_path / "certificate.pem", tmp_path / "key.pem"
            provide(*pair, "192.0.2.1")
            environ |= {"PASSERELLE_HTTP__CERTIFICATE": str(pair[0]), "PASSERELLE_HTTP__KEY": str(pair[1])}
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*pair)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        check = healthcheck(environ)
        server.shutdown()
    assert check.returncode == code


def test_the_container_is_unwell_when_nobody_answers() -> None:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        check = healthcheck(os.environ | {"PASSERELLE_HTTP__LISTEN": address})
    assert check.returncode == 1
    assert check.stderr.startswith(f"no answer at {address}: ")


def healthcheck(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy" / "healthcheck.py")]
    return subprocess.run(command, env=environ, check=False, capture_output=True, text=True)


def test_coturn_relays_to_the_media_port_and_to_nobody_else() -> None:
    text = (ROOT / "deploy" / "turnserver.conf").read_text()
    options: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            options.setdefault(key, []).append(value)
    assert options["denied-peer-ip"] == ["0.0.0.0-255.255.255.255", f"::-{':'.join(['ffff'] * 8)}"]
    assert all(value.startswith("<") for value in options["allowed-peer-ip"] + options["static-auth-secret"])
    assert {"use-auth-secret", "no-multicast-peers", "no-tcp-relay", "no-cli"} <= options.keys()
    for name in re.findall(r"webrtc\.(\w+)", text):
        assert name in type(Settings().webrtc).model_fields
    assert "deploy/turnserver.conf" in (ROOT / "README.md").read_text()
