import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from rooms.pins import is_pin


@dataclass
class Result:
    exit_code: int
    stdout: str
    stderr: str


class Passerelle:
    """Runs ``passerelle room …`` with a settings file and database of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "passerelle.toml"
        self.config.write_text(
            '[sip]\nlisten = ["udp:127.0.0.1:5070"]\nreception = ["meet", "+33 1 23 45 67 89", "*"]\n'
            '[ivr]\nlanguages = { "meet-en" = "en" }\n'
        )
        self._capsys = capsys

    def run(self, *arguments: str) -> Result:
        return self.run_bare(*arguments, "--config", str(self.config))

    def run_bare(self, *arguments: str) -> Result:
        self._capsys.readouterr()
        return Result(main(["room", *arguments]), *self._capsys.readouterr())

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def refused(self, *arguments: str, code: int = 1) -> str:
        result = self.run(*arguments)
        assert result.exit_code == code
        assert result.stdout == ""
        return result.stderr


@pytest.fixture
def passerelle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Passerelle:
    return Passerelle(tmp_path, capsys)


LINKS = ("guest_link", "host_link")


def test_add_prints_what_an_invitation_needs(passerelle: Passerelle) -> None:
    added = passerelle.json("add", "Réunion d'été")
    assert list(added) == ["slug", "name", "pin", "host_pin", "sip_uri", "web_url", *LINKS]
    assert added["slug"] == "reunion-d-ete"
    assert added["name"] == "Réunion d'été"
    assert is_pin(added["pin"])
    assert is_pin(added["host_pin"])
    assert added["sip_uri"] == "sip:reunion-d-ete@127.0.0.1:5070"
    assert added["web_url"] == "http://127.0.0.1:8080/r/reunion-d-ete"
    assert sorted(path.name for path in passerelle.folder.iterdir() if path.is_file())[:3] == [
        "passerelle.db",
        "passerelle.secret",
        "passerelle.toml",
    ]


def test_every_option_is_stored(passerelle: Passerelle) -> None:
    options = ["--slug", "cafe", "--pin", "471147", "--host-pin", "901901002", "--language", "fr", "--open"]
    options += ["--max-participants", "1", "--max-cameras", "0", "--max-video-kbps", "800"]
    options += ["--muted-on-entry", "--locked"]
    added = passerelle.json("add", "Team", *options)
    assert (added["slug"], added["pin"], added["host_pin"]) == ("cafe", "471147", "901901002")
    shown = {
        "slug": "cafe",
        "name": "Team",
        "language": "fr",
        "access": "open",
        "max_participants": 1,
        "max_cameras": 0,
        "max_video_kbps": 800,
        "muted_on_entry": True,
        "locked": True,
        "sip_uri": "sip:cafe@127.0.0.1:5070",
        "web_url": "http://127.0.0.1:8080/r/cafe",
    }
    assert passerelle.json("show", "cafe") == shown
    assert passerelle.json("list") == [shown]
    assert passerelle.json("show", "cafe", "--reveal-pin") == shown | {
        "pin": "471147",
        "host_pin": "901901002",
        **{link: added[link] for link in LINKS},
    }
    assert passerelle.json("remove", "cafe") == shown
    assert passerelle.json("list") == []


def test_a_room_without_host_pin(passerelle: Passerelle) -> None:
    assert passerelle.json("add", "Team", "--no-host-pin")["host_pin"] is None


def test_what_people_read(passerelle: Passerelle) -> None:
    passerelle.json("add", "Gone")
    passerelle.json("remove", "gone")
    empty = passerelle.run("list")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "passerelle room add NAME" in empty.stderr

    added = passerelle.run("add", "Team", "--pin", "471147", "--no-host-pin", "--open")
    lines = added.stdout.splitlines()
    assert [line.partition("#k=")[0] for line in lines[6:]] == [
        "Guests' link    http://127.0.0.1:8080/r/team",
        "Hosts' link     http://127.0.0.1:8080/r/team",
    ]
    assert lines[:6] == [
        "Slug            team",
        "Name            Team",
        "PIN             471147",
        "Host PIN        -",
        "SIP address     sip:team@127.0.0.1:5070",
        "Web address     http://127.0.0.1:8080/r/team",
    ]
    passerelle.run("add", "The longer one")
    assert passerelle.run("list").stdout == (
        "team            Team  (open)\nthe-longer-one  The longer one  (signed-in)\n"
    )
    shown = passerelle.run("show", "team").stdout
    assert "Access          open\n" in shown
    assert "471147" not in shown
    assert "PIN             471147\n" in passerelle.run("show", "team", "--reveal-pin").stdout
    assert passerelle.run("remove", "team").stdout == 'The room "Team" (team) is removed.\n'


def test_a_weak_pin_is_taken_with_a_warning_that_does_not_repeat_it(passerelle: Passerelle) -> None:
    result = passerelle.run("add", "Team", "--pin", "1234", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["pin"] == "1234"
    assert "--pin" in result.stderr
    assert "1234" not in result.stderr.replace(str(passerelle.folder), "")


def test_a_short_pin_is_taken_with_a_warning(passerelle: Passerelle) -> None:
    result = passerelle.run("add", "Team", "--pin", "471147", "--host-pin", "47114711479")
    assert result.exit_code == 0
    assert "the --pin you chose is short" in result.stderr
    assert "--host-pin" not in result.stderr
    assert "471147" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said", "remedy"),
    [
        (["add", "Other", "--slug", "team"], 'There is a room "team" already', "another slug"),
        (["add", "Other", "--slug", "meet"], "a name of the reception", "another slug"),
        (["add", "Other", "--slug", "meet-en"], "a name of the reception", "another slug"),
        (["add", "Other", "--pin", "33123456789"], "a number of the reception", "leave it out"),
        (["add", "Other", "--host-pin", "0033123456789"], "a number of the reception", "leave it out"),
        (["add", "Other", "--slug", "Été"], "small letters", 'Try "ete"'),
        (["add", "Other", "--slug", "123456"], "taken for a PIN", 'Try "room-123456"'),
        (["add", "Other", "--pin", "471147"], "This PIN is taken", "leave it out"),
        (["add", "Other", "--pin", "12ab"], "4 to 20 digits", "Leave it out"),
        (["add", "Other", "--host-pin", "4711", "--no-host-pin"], "A host PIN was given", "Leave out"),
        (["add", ""], "A room's name", ""),
        (["show", "nowhere"], 'There is no room "nowhere"', "passerelle room list"),
        (["show", "nowhere", "--reveal-pin"], 'There is no room "nowhere"', "passerelle room list"),
        (["remove", "nowhere"], 'There is no room "nowhere"', "passerelle room list"),
    ],
)
def test_refusals_say_what_to_do_in_two_lines(
    passerelle: Passerelle, arguments: list[str], said: str, remedy: str
) -> None:
    passerelle.json("add", "Team", "--pin", "471147")
    message = passerelle.refused(*arguments, "--json")
    assert said in message
    assert remedy in message
    assert len(message.splitlines()) <= 2
    assert [each["slug"] for each in passerelle.json("list")] == ["team"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["add"],
        ["add", "Team", "--language", "xx"],
        ["add", "Team", "--max-participants", "0"],
        ["show"],
        ["rename", "team"],
    ],
)
def test_wrong_usage_is_exit_code_2(passerelle: Passerelle, arguments: list[str]) -> None:
    assert passerelle.refused(*arguments, code=2)


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "team"], ["show", "team", "--reveal-pin"], ["remove", "team"]]
)
def test_only_adding_a_room_makes_a_database(passerelle: Passerelle, arguments: list[str]) -> None:
    message = passerelle.refused(*arguments, "--json")
    assert f"no database {passerelle.folder}/passerelle.db" in message
    assert f"database.url; settings: {passerelle.config}" in message
    assert "--config" in message
    assert len(message.splitlines()) <= 2
    assert list(passerelle.folder.iterdir()) == [passerelle.config]


@pytest.mark.parametrize(
    "refused", [["--pin", "12ab"], ["--slug", "meet"], ["--pin", "1234", "--host-pin", "1234"]]
)
def test_a_room_that_cannot_be_makes_no_database(passerelle: Passerelle, refused: list[str]) -> None:
    passerelle.refused("add", "Team", *refused)
    assert list(passerelle.folder.iterdir()) == [passerelle.config]


def test_a_lost_secret_file_is_told(passerelle: Passerelle) -> None:
    passerelle.json("add", "Team")
    (passerelle.folder / "passerelle.secret").unlink()
    message = passerelle.refused("list")
    assert "passerelle.secret is missing" in message
    assert "backup" in message


def test_a_database_out_of_reach_is_told(passerelle: Passerelle) -> None:
    passerelle.config.write_text('[database]\nurl = "postgresql://u:hidden@127.0.0.1:1/d"\n')
    message = passerelle.refused("list")
    assert "The database does not answer" in message
    assert "hidden" not in message


def test_wrong_settings_are_told(passerelle: Passerelle) -> None:
    passerelle.config.write_text("[sip]\nlisten = 5060\n")
    assert "sip.listen" in passerelle.refused("list")


def test_the_settings_file_may_be_named_by_the_environment(
    passerelle: Passerelle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passerelle.json("add", "Team")
    monkeypatch.setenv("PASSERELLE_CONFIG", str(passerelle.config))
    assert json.loads(passerelle.run_bare("list", "--json").stdout)[0]["slug"] == "team"
    monkeypatch.delenv("PASSERELLE_CONFIG")
    monkeypatch.chdir(tmp_path)
    assert json.loads(passerelle.run_bare("list", "--json").stdout)[0]["slug"] == "team"


def test_open_and_access_contradict_each_other(passerelle: Passerelle) -> None:
    assert "--open is short" in passerelle.refused("add", "Budget", "--open", "--access", "waiting", code=2)
