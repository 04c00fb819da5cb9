import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from config.settings import Endpoint, Listener, Problem, Settings, SettingsError, load, misspelt


def problems(text: str, folder: Path, environ: dict[str, str] | None = None) -> list[Problem]:
    file = folder / "passerelle.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(file, environ or {})
    return caught.value.problems


def only(text: str, folder: Path, environ: dict[str, str] | None = None) -> Problem:
    found = problems(text, folder, environ)
    assert len(found) == 1, found
    return found[0]


def test_without_a_file_the_defaults_hold_and_files_are_in_the_current_folder() -> None:
    settings = load(None, {})
    assert settings.sip == Settings().sip
    assert settings.database.secret_file == Path.cwd() / "passerelle.secret"


def test_files_are_found_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "passerelle.toml"
    file.write_text('[ivr]\nprompts = "voices"\n[database]\nsecret_file = "/etc/secret"\n')
    settings = load(file, {})
    assert settings.database.url == f"sqlite:///{tmp_path}/passerelle.db"
    assert settings.database.secret_file == Path("/etc/secret")
    assert settings.ivr.prompts == tmp_path / "voices"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "passerelle.toml"
    file.write_text("[limits]\ncalls = 20\ncalls_per_source = 7\n")
    environ = {
        "PASSERELLE_LIMITS__CALLS": "30",
        "PASSERELLE_LIMITS__TRUSTED": "10.0.0.0/8, 2001:db8::/32",
        "PASSERELLE_SIP__LISTEN": '["udp:[::1]:5060"]',
        "PASSERELLE_MEDIA__ADDRESS": "::1",
        "PASSERELLE_HTTP__LISTEN": "[::1]:8080",
        "PASSERELLE_IVR__LANGUAGES": '{ "meet" = "en" }',
        "PASSERELLE_LOG__LEVEL": "",
        "PASSERELLE_CONFIG": "elsewhere.toml",
        "HOME": "/root",
    }
    settings = load(file, environ)
    assert (settings.limits.calls, settings.limits.calls_per_source) == (30, 7)
    assert settings.limits.trusted == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    assert settings.sip.listen == (Listener("udp", "::1", 5060),)
    assert settings.http.listen == Endpoint("::1", 8080)
    assert settings.ivr.languages == {"meet": "en"}
    assert settings.log.level == "info"


def test_a_variable_for_an_unknown_section_or_key_is_refused(tmp_path: Path) -> None:
    for variable, meant in (
        ("PASSERELLE_SPI__LISTEN", "PASSERELLE_SIP__LISTEN"),
        ("PASSERELLE_SIP__LISTENS", "PASSERELLE_SIP__LISTEN"),
        ("PASSERELLE_MEDIA__PROTS", "PASSERELLE_MEDIA__PORTS"),
        ("PASSERELLE_DATABASE__URLFILE", "PASSERELLE_DATABASE__URL_FILE"),
        ("PASSERELLE_MEDIA_PORTS", "PASSERELLE_MEDIA__PORTS"),
    ):
        problem = only("", tmp_path, {variable: "x"})
        assert problem.key == variable
        assert f"did you mean {meant}" in problem.hint


@pytest.mark.parametrize("variable", ["PASSERELLE_FOO__BAR", "PASSERELLE_LOG__COLOUR"])
def test_only_a_name_that_is_near_is_proposed(variable: str, tmp_path: Path) -> None:
    problem = only("", tmp_path, {variable: "x"})
    assert problem.key == variable
    assert problem.hint == "passerelle init-config shows which there are"


def test_a_variable_that_names_a_section_is_refused(tmp_path: Path) -> None:
    problem = only("", tmp_path, {"PASSERELLE_LIMITS": "5"})
    assert str(problem) == (
        "PASSERELLE_LIMITS: is a section, not a key (name the key as well, as in PASSERELLE_LIMITS__CALLS)"
    )


def test_a_misspelt_prefix_is_noticed() -> None:
    names = ["PASERELLE_SIP__LISTEN", "PASSARELLE_MEDIA__PORTS"]
    others = [
        "PASSERELLE_SIP__LISTEN",
        "VISIO_SIP__LISTEN",
        "PASERELLE_HOME",
        "PASERELLE_LOG__BOOK",
        "PATH",
        "_",
    ]
    found = {problem.key: problem.hint for problem in misspelt(dict.fromkeys([*names, *others], "x"))}
    assert found == {
        "PASERELLE_SIP__LISTEN": "did you mean PASSERELLE_SIP__LISTEN?",
        "PASSARELLE_MEDIA__PORTS": "did you mean PASSERELLE_MEDIA__PORTS?",
    }


def test_variables_of_other_programs_are_left_alone() -> None:
    load(None, {"PASSERELLE_PORT": "tcp://10.0.0.1:80", "PASSERELLE_SERVICE_HOST": "10.0.0.1"})


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://app:s3cret@db.example/passerelle\n")
    file = tmp_path / "passerelle.toml"
    file.write_text('[database]\nurl_file = "url"\n')
    assert load(file, {}).database.url == "postgresql://app:s3cret@db.example/passerelle"


def test_a_secret_from_the_environment_replaces_the_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:////from/file.db")
    file = tmp_path / "passerelle.toml"
    file.write_text('[database]\nurl = "sqlite:////from/settings.db"\n')
    assert load(file, {"PASSERELLE_DATABASE__URL_FILE": "url"}).database.url == "sqlite:////from/file.db"
    file.write_text('[database]\nurl_file = "url"\n')
    assert load(file, {"PASSERELLE_DATABASE__URL": "sqlite:////e.db"}).database.url == "sqlite:////e.db"


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    problem = only('[database]\nurl = "sqlite:///a"\nurl_file = "b"\n', tmp_path)
    assert (problem.key, problem.hint) == ("database.url_file", "keep one of the two")


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    problem = only('[database]\nurl_file = "nowhere"\n', tmp_path)
    assert problem.key == "database.url_file"
    assert "No such file" in problem.message


@pytest.mark.parametrize("name", ["a\\u0000", "~nobody-of-that-name/x"])
def test_a_secret_file_that_cannot_be_is_named(name: str, tmp_path: Path) -> None:
    problem = only(f'[webrtc]\nturn_secret_file = "{name}"\n', tmp_path)
    assert problem.key == "webrtc.turn_secret_file"
    assert "cannot be read" in problem.message


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    problem = only('[database]\nurl = "mysql://app:s3cret@db/x"\n', tmp_path)
    assert "s3cret" not in str(problem)
    url = "postgresql://app:s3cret@db/x"
    assert "s3cret" not in repr(load(None, {"PASSERELLE_DATABASE__URL": url}))


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (
            '[sip]\nlisten = ["udp:1.2.3:5060"]',
            "sip.listen[0]",
            'the text "udp:1.2.3:5060", expected an IP address',
        ),
        ("[sip]\nlisten = []", "sip.listen", "an empty list, expected a list of at least 1"),
        ("[sip]\nlisten = 5060", "sip.listen", "the number 5060, expected a list like"),
        ("[limits]\ncalls = true", "limits.calls", "true, expected a number or text"),
        ('[limits]\ncalls = "many"', "limits.calls", 'the text "many", expected a whole number'),
        ("[limits]\ncalls = 0", "limits.calls", "the number 0, expected 1 or more"),
        ("[limits]\ncalls = 1.5", "limits.calls", "the number 1.5, expected a whole number"),
        ("[limits]\ndrain_seconds = inf", "limits.drain_seconds", "the number inf, expected"),
        ('[limits]\ntrusted = ["10.0.0.1/8"]', "limits.trusted[0]", "expected a network like"),
        ('[log]\nlevel = "loud"', "log.level", "expected 'debug', 'info', 'warning' or 'error'"),
        ("[log]\nformat = 1", "log.format", "the number 1, expected 'text' or 'json'"),
        ('[media]\ncodecs = ["OPUS"]', "media.codecs[0]", "expected 'G722', 'PCMA' or 'PCMU'"),
        ('[media]\nports = "1-2"', "media.ports", "expected a range of ports within 1024 to 65535"),
        ('[ivr]\nlanguages = { meet = "de" }', "ivr.languages.meet", "expected 'fr' or 'en'"),
        ('[ivr]\nlanguages = "en"', "ivr.languages", 'expected a table like { name = "value" }'),
        ('[ivr]\nprompts = ""', "ivr.prompts", 'the text "", expected the path of a file'),
        ('[database]\nsecret_file = ""', "database.secret_file", "expected the path of a file"),
        ('[database]\nsecret_file = "a\\u0000"', "database.secret_file", 'the text "a\\x00", expected'),
        ('[sip]\ndomain = "a b"', "sip.domain", 'the text "a b", expected a name or an address like'),
        ('[sip]\ndomain = "[1::2::3]"', "sip.domain", "expected an IP address"),
        ('[sip]\nnumber = "foo"', "sip.number", 'the text "foo", expected a telephone number like'),
        ("[ivr]\nprompts = 7", "ivr.prompts", "the number 7, expected the path of a file"),
        ('[http]\nlisten = "8080"', "http.listen", "expected address:port"),
        ('[engine]\nkind = "janus"', "engine.kind", "expected 'embedded'"),
        ("[engine]\nmax_tiles = 0", "engine.max_tiles", "the number 0, expected 1 or more"),
        ("[engine]\nmax_tiles = 26", "engine.max_tiles", "the number 26, expected 25 or less"),
        ("[sip]\nring = 3", "sip.ring", "there is no such key"),
        ('[sip]\n"a\\nb" = 3', "sip.a\\nb", "there is no such key"),
        ("[sips]\nlisten = 3", "sips", "there is no such key"),
        ("sip = 3", "sip", "the number 3, expected a table of keys"),
    ],
)
def test_a_wrong_value_is_told_with_key_kind_and_what_is_expected(
    text: str, key: str, message: str, tmp_path: Path
) -> None:
    problem = only(text, tmp_path)
    assert problem.key == key
    assert message in problem.message


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems('[sip]\nlisten = ["x", "y"]\n[log]\nlevel = 3\n', tmp_path)
    assert [problem.key for problem in found] == ["sip.listen[0]", "sip.listen[1]", "log.level"]


def test_the_hint_says_what_the_key_is_for(tmp_path: Path) -> None:
    assert "answered 503" in only("[limits]\ncalls = 0", tmp_path).hint


def test_a_syntax_error_is_told_with_line_and_column(tmp_path: Path) -> None:
    problem = only("[sip]\nlisten = [\n[media", tmp_path)
    assert problem.key.endswith("passerelle.toml")
    assert re.search(r"line 3, column \d", problem.message)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "none.toml", {})
    (tmp_path / "latin1.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(SettingsError, match="not UTF-8 text at octet 5"):
        load(tmp_path / "latin1.toml", {})


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "passerelle.toml"
    file.write_text("[limits]\ncalls = 20\n", encoding="utf-8-sig")
    assert load(file, {}).limits.calls == 20


@pytest.mark.parametrize(
    "domain", ["", "meet.example.org", "192.0.2.10:5070", "[2001:db8::10]:5070", "gateway"]
)
def test_what_people_dial_after_the_at(domain: str) -> None:
    assert Settings.model_validate({"sip": {"domain": domain}}).sip.domain == domain


@pytest.mark.parametrize("number", ["", "100", "+33 1 23 45 67 89", "01.23-45 (67)"])
def test_numbers_as_people_write_them(number: str) -> None:
    assert Settings.model_validate({"sip": {"number": number}}).sip.number == number
