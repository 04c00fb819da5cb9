from collections.abc import Mapping

import pytest

from config.settings import Settings, check


def settings(**sections: Mapping[str, object]) -> Settings:
    return Settings.model_validate(sections)


def keys(**sections: Mapping[str, object]) -> list[str]:
    return [problem.key for problem in check(settings(**sections))]


def test_the_defaults_fit_together() -> None:
    assert check(Settings()) == []


def test_two_listeners_on_one_port_clash_unless_the_system_chooses() -> None:
    assert keys(sip={"listen": ["udp:127.0.0.1:5060", "udp:127.0.0.1:5060"]}) == ["sip.listen[1]"]
    assert keys(sip={"listen": ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", "udp:127.0.0.2:5060"]}) == []
    assert keys(sip={"listen": ["udp:127.0.0.1:0", "udp:127.0.0.1:0"]}) == []


def test_sip_over_tcp_and_http_clash() -> None:
    assert keys(sip={"listen": ["tcp:127.0.0.1:8080"]}) == ["sip.listen[0]"]
    assert keys(sip={"listen": ["udp:127.0.0.1:8080"]}) == []


def test_the_port_of_browsers_clashes_where_it_listens() -> None:
    assert keys(sip={"listen": ["udp:127.0.0.1:7882"]}) == ["webrtc.port"]
    assert keys(sip={"listen": ["tcp:127.0.0.1:7882"]}) == ["webrtc.port"]
    assert keys(http={"listen": "127.0.0.1:7882"}) == ["webrtc.port"]
    assert keys(sip={"listen": ["udp:127.0.0.1:7882"]}, webrtc={"address": ["192.0.2.1"]}) == []
    assert keys(webrtc={"address": ["192.0.2.1", "192.0.2.1"], "port": 0}) == []
    [problem] = check(settings(sip={"listen": ["udp:127.77.4.1:7882"]}, media={"address": ["127.77.4.1"]}))
    assert (
        str(problem) == "webrtc.port: udp:127.77.4.1:7882 is taken by sip.listen[0] (give each its own port)"
    )


def test_what_is_bound_everywhere_takes_the_port_everywhere() -> None:
    everywhere = {"listen": ["tcp:0.0.0.0:8080"], "advertised": ["127.0.0.1"]}
    assert keys(sip=everywhere) == ["sip.listen[0]", "media.address"]
    wide = {"listen": ["udp:[::]:5060", "udp:0.0.0.0:5060"], "advertised": ["127.0.0.1", "::1"]}
    both = {"address": ["192.0.2.1", "2001:db8::1"]}
    assert keys(sip=wide, media=both) == ["sip.listen[1]"]
    apart = {"listen": ["udp:[::1]:5060", "udp:0.0.0.0:5060"], "advertised": ["127.0.0.1"]}
    assert keys(sip=apart, media=both) == []


@pytest.mark.parametrize("section", ["sip", "media"])
def test_what_is_bound_everywhere_needs_an_advertised_address(section: str) -> None:
    bound = {"sip": {"listen": ["udp:0.0.0.0:5060"]}, "media": {"address": ["0.0.0.0"]}}
    assert f"{section}.advertised" in keys(**{section: bound[section]})
    assert keys(**{section: dict(bound[section]) | {"advertised": ["192.0.2.1"]}}) == (
        ["media.address"] if section == "sip" else []
    )


def test_an_advertised_address_is_of_a_family_that_is_bound() -> None:
    assert keys(media={"advertised": ["2001:db8::1"]}) == ["media.advertised[0]"]
    assert keys(media={"address": ["127.0.0.1", "::1"], "advertised": ["2001:db8::1"]}) == []


def test_an_advertised_address_can_be_sent_to() -> None:
    assert keys(media={"address": ["192.0.2.1"], "advertised": ["0.0.0.0"]}) == ["media.advertised[0]"]


def test_one_address_a_family() -> None:
    assert keys(media={"address": ["127.0.0.1", "::1", "127.0.0.2"]}) == ["media.address[2]"]
    assert keys(sip={"advertised": ["192.0.2.1", "192.0.2.2"]}) == ["sip.advertised[1]"]


def test_calls_from_outside_need_sound_from_outside() -> None:
    outside = {"listen": ["udp:192.0.2.1:5060"]}
    assert keys(sip=outside) == ["media.address"]
    assert keys(sip=outside, media={"address": ["192.0.2.1"]}) == []
    assert keys(sip=outside, media={"advertised": ["127.0.0.1"]}) == []  # said on purpose: a relay beside us


def test_calls_of_each_family_have_sound_of_it() -> None:
    dual = {"listen": ["udp:127.0.0.1:5060", "udp:[::1]:5060", "tcp:[::1]:5060"]}
    [problem] = check(settings(sip=dual))
    assert problem.key == "media.address"
    assert problem.message == "no IPv6 address, so that calls on udp:[::1]:5060 would be answered 488"
    assert problem.hint == "add an IPv6 address that phones reach"
    assert keys(sip=dual, media={"address": ["127.0.0.1", "::1"]}) == []
    assert keys(media={"address": ["::1"]}) == ["media.address"]


def test_ports_are_enough_for_the_calls() -> None:
    assert keys(media={"ports": "20000-20199"}, limits={"calls": 68, "calls_per_second": 1}) == []
    assert keys(media={"ports": "20000-20199"}, limits={"calls": 101, "calls_per_second": 1}) == [
        "media.ports"
    ]


def test_sip_stays_out_of_the_media_ports() -> None:
    assert keys(sip={"listen": ["udp:127.0.0.1:20500"]}) == ["sip.listen[0]"]
    assert keys(sip={"listen": ["tcp:127.0.0.1:20500"]}) == []


def test_the_jitter_buffer_has_a_range() -> None:
    assert keys(media={"jitter_min_ms": 100, "jitter_max_ms": 60}) == ["media.jitter_min_ms"]


def test_tls_takes_a_certificate_and_a_key() -> None:
    assert keys(http={"certificate": "a.pem"}) == ["http.key"]
    assert keys(http={"key": "a.pem"}) == ["http.certificate"]
    both = {"certificate": "a.pem", "key": "b.pem"}
    assert keys(http=both) == []
    assert keys(http={**both, "public_url": "http://meet.example.org"}) == ["http.public_url"]


def test_the_media_of_browsers_has_an_address_and_a_port_of_its_own() -> None:
    assert keys(webrtc={"address": ["0.0.0.0"]}) == ["webrtc.address[0]"]
    assert keys(webrtc={"address": ["192.0.2.1", "192.0.2.2"]}) == []
    assert keys(webrtc={"port": 20_000}) == ["webrtc.port"]
    assert keys(webrtc={"turn": ["turn:turn.example.org"]}) == ["webrtc.turn_secret"]
    assert keys(webrtc={"turn": ["turn:turn.example.org"], "turn_secret": "x"}) == []


@pytest.mark.parametrize(
    "url",
    [
        *("meet.example.org", "https://", "https://a/b", "ftp://a", "https://a?b", "https://a#b"),
        *("https://a:99999", "https://user@a", "https://:443"),
    ],
)
def test_a_public_url_is_a_scheme_and_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="https://HOST"):
        Settings.model_validate({"http": {"public_url": url}})


def test_one_guesser_cannot_use_up_what_is_for_all() -> None:
    assert keys(limits={"pin_failures": 50}) == ["limits.pin_failures_per_source"]
    assert keys(limits={"pin_failures": 50, "pin_failures_per_source": 5}) == []


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("HTTPS://Meet.Example.org/", "https://meet.example.org"),
        ("https://meet.example.org:443", "https://meet.example.org"),
        ("https://meet.example.org:8443", "https://meet.example.org:8443"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
        ("http://192.0.2.1:443", "http://192.0.2.1:443"),
        ("https://réunion.example", "https://xn--runion-bva.example"),
    ],
)
def test_a_public_url_is_spelt_as_browsers_do(written: str, spelt: str) -> None:
    assert Settings.model_validate({"http": {"public_url": written}}).http.public_url == spelt
