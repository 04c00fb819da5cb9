"""The command as scripts see it: exit status, standard output, standard error."""

import json
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import IO, Any

import pytest

from config.settings import template
from gateway.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder and no settings in the environment; ports that are free."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PASSERELLE_CONFIG", raising=False)
    monkeypatch.setenv("PASSERELLE_SIP__LISTEN", "udp:127.0.0.1:0")
    monkeypatch.setenv("PASSERELLE_HTTP__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("PASSERELLE_WEBRTC__PORT", "0")
    monkeypatch.setenv("PASSERELLE_LIMITS__CALLS", "10")
    return tmp_path


Output = pytest.CaptureFixture[str]


def test_help_shows_the_first_steps(capsys: Output) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "passerelle serve --demo" in out
    for command in ("check", "init-config", "serve"):
        assert f"\n  {command} " in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "passerelle: Missing command."),
        (["room"], "passerelle room: Missing command."),
        (["nonsense"], "passerelle: No such command 'nonsense'"),
        (["check", "--nonsense"], "passerelle check: No such option '--nonsense'"),
        (["serve", "--lan"], "--lan goes with --demo"),
    ],
)
def test_wrong_usage_is_two_lines_and_status_2(arguments: list[str], message: str, capsys: Output) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "--help" in err
    assert len(err.splitlines()) == 2


def test_init_config_prints_the_template(capsys: Output) -> None:
    assert main(["init-config"]) == 0
    out = capsys.readouterr().out
    assert out == template()
    assert "sip" in tomllib.loads(out)


def test_init_config_writes_and_never_overwrites(folder: Path, capsys: Output) -> None:
    file = folder / "new.toml"
    assert main(["init-config", "--output", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == template()
    file.write_text("mine")
    assert main(["init-config", "--output", str(file)]) == 1
    assert file.read_text() == "mine"
    err = capsys.readouterr().err
    assert "is there already" in err
    assert "--output" in err


def test_init_config_for_scripts(folder: Path, capsys: Output) -> None:
    assert main(["init-config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == template()
    assert main(["init-config", "--json", "--output", "new.toml"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": "new.toml"}
    assert (folder / "new.toml").read_text(encoding="utf-8") == template()


def test_init_config_into_a_folder_that_is_not_there(capsys: Output) -> None:
    assert main(["init-config", "--output", "nowhere/new.toml"]) == 1
    assert "No such file" in capsys.readouterr().err


def checked(capsys: Output, *arguments: str) -> tuple[int, Any]:
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_check_of_what_is_well(capsys: Output) -> None:
    assert checked(capsys, "check") == (0, {"ok": True, "problems": [], "warnings": []})
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("All is well with the defaults")
    assert err == ""


def test_check_changes_nothing(folder: Path, capsys: Output) -> None:
    assert main(["check"]) == 0
    assert list(folder.iterdir()) == []


def test_check_tells_key_message_and_hint(folder: Path, capsys: Output) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = folder / "my.toml"
        file.write_text(f'[http]\nlisten = "127.0.0.1:{port}"\n[database]\nurl = "sqlite:///none/x.db"\n')
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("PASSERELLE_HTTP__LISTEN")
            status, value = checked(capsys, "check", "--config", str(file))
            assert main(["check", "--config", str(file)]) == 1
    assert status == 1
    assert value["ok"] is False
    assert [problem["key"] for problem in value["problems"]] == ["http.listen", "database"]
    assert all(set(problem) == {"key", "message", "hint"} for problem in value["problems"])
    assert f"tcp:127.0.0.1:{port} cannot be bound" in value["problems"][0]["message"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "http.listen" in err


def test_check_warns_of_what_has_no_effect(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASERELLE_LOG__LEVEL", "debug")
    status, value = checked(capsys, "check")
    assert (status, value["ok"], value["problems"]) == (0, True, [])
    assert [warning["key"] for warning in value["warnings"]] == ["PASERELLE_LOG__LEVEL"]
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("All is well")
    assert err.startswith("Warning: PASERELLE_LOG__LEVEL: sets nothing (did you mean PASSERELLE_LOG__LEVEL?)")


def test_check_of_wrong_settings(folder: Path, capsys: Output) -> None:
    (folder / "passerelle.toml").write_text("[limits]\ncals = 5\n")
    status, value = checked(capsys, "check")
    assert status == 1
    assert value["problems"][0]["key"] == "limits.cals"
    assert "calls" in value["problems"][0]["hint"]


def test_wrong_settings_are_refused(folder: Path, capsys: Output) -> None:
    (folder / "passerelle.toml").write_text("[limits]\ncals = 5\n")
    assert main(["serve"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "limits.cals" in err


def test_where_the_settings_come_from(folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--config`` after the command, before it, the environment, ./passerelle.toml: in this order."""

    def refused() -> str:
        key = capsys.readouterr().err
        return key.removeprefix("sip.").split(":")[0]

    for name in ("after", "before", "environment", "passerelle"):
        (folder / f"{name}.toml").write_text(f"[sip]\n{name} = 1\n")
    monkeypatch.setenv("PASSERELLE_CONFIG", "environment.toml")
    assert main(["--config", "before.toml", "check", "--config", "after.toml"]) == 1
    assert refused() == "after"
    assert main(["--config", "before.toml", "check"]) == 1
    assert refused() == "before"
    assert main(["check"]) == 1
    assert refused() == "environment"
    monkeypatch.delenv("PASSERELLE_CONFIG")
    assert main(["check"]) == 1
    assert refused() == "passerelle"


def test_a_settings_file_that_is_not_there(capsys: Output) -> None:
    assert main(["check", "--config", "none.toml"]) == 1
    assert "none.toml: cannot be read" in capsys.readouterr().err


def test_a_file_name_that_is_no_text(capfd: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"none\xff.toml")
    assert main(["check", "--json", "--config", name]) == 1
    assert json.loads(capfd.readouterr().out)["problems"][0]["key"] == name


def test_a_folder_instead_of_a_settings_file(folder: Path, capsys: Output) -> None:
    assert main(["check", "--config", str(folder)]) == 1
    err = capsys.readouterr().err
    assert f"{folder}: is a folder, not a settings file" in err
    assert "passerelle.toml" in err


def in_a_process(*arguments: str, stdout: IO[str] | None = None) -> tuple[int, str]:
    """The exit status and standard error of a command that sets up the whole process, or ends with it."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", [["check"], ["serve"], ["room", "list"]])
def test_a_database_that_cannot_be_had(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_DATABASE__URL", "sqlite:////nowhere/at/all.db")
    status, err = in_a_process(*command)
    assert status == 1
    assert "There is no folder /nowhere/at for the database." in err
    assert "mkdir -p /nowhere/at" in err
    assert "Traceback" not in err


def test_the_log_warns_of_what_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_DATABASE__URL", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("PASERELLE_LOG__LEVEL", "debug")
    status, err = in_a_process("serve")
    assert status == 1
    [warning] = [line for line in err.splitlines() if "has no effect" in line]
    assert "PASERELLE_LOG__LEVEL" in warning
    assert "PASSERELLE_LOG__LEVEL" in warning


def test_standard_output_that_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        assert in_a_process("--help", stdout=full) == (1, "passerelle: [Errno 28] No space left on device\n")


def test_a_port_in_use_refuses_the_start(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("PASSERELLE_SIP__LISTEN", f"udp:127.0.0.1:{port}")
        assert main(["serve"]) == 1
    err = capsys.readouterr().err
    assert f"sip.listen[0]: udp:127.0.0.1:{port} cannot be bound: address already in use" in err
    assert "choose another port" in err
