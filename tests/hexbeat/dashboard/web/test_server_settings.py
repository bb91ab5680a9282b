"""Variables that set up a server."""

from pathlib import Path

import pytest
from streamlit import config

from geo.errors import UsageError
from hexbeat.dashboard.web.server import flatten_settings, read_streamlit_settings
from hexbeat.dashboard.web.server_settings import ServerSettings
from tests.support.paths import ROOT


def test_without_a_word_a_server_has_the_names_of_this_machine() -> None:
    settings = ServerSettings.from_environment({})
    assert settings == ServerSettings()
    assert (settings.hosts, settings.has_tls, settings.proxies) == ((), False, ())
    assert (settings.idle_minutes, settings.sessions, settings.sessions_per_address) == (60, 200, 100)
    assert settings.prepares


def test_a_public_address_is_a_name_and_says_that_there_is_tls() -> None:
    settings = ServerSettings.from_environment(
        {
            "HEXBEAT_PUBLIC_URL": "https://Hexbeat.example.gov.uk/",
            "HEXBEAT_HOSTS": "[::1]:9 hexbeat.example.gov.uk  Other.example.org:8443",
            "HEXBEAT_PROXIES": "127.0.0.1 10.0.0.0/24",
            "HEXBEAT_IDLE_MINUTES": "0.5",
            "HEXBEAT_SESSIONS": "7",
            "HEXBEAT_PREPARE": "No",
        }
    )
    assert settings.hosts == ("hexbeat.example.gov.uk", "[::1]:9", "other.example.org:8443")
    assert settings.public_url == "https://hexbeat.example.gov.uk"
    assert settings.has_tls
    assert settings.proxies == ("127.0.0.1/32", "10.0.0.0/24")
    assert (settings.idle_minutes, settings.sessions, settings.prepares) == (0.5, 7, False)


URL_MESSAGE = (
    "The address that people open is an https address without a path; HEXBEAT_PUBLIC_URL is {!r}; "
    "write it as in https://hexbeat.example.gov.uk; without TLS leave it out"
)
HOSTS_MESSAGE = (
    "Names of a server are host names, with a port if it is not the usual one; HEXBEAT_HOSTS has {!r}; "
    "write them as in hexbeat.example.gov.uk hexbeat.example.org:8443"
)
PROXIES_MESSAGE = "Proxies are addresses or networks; HEXBEAT_PROXIES has {!r}; write them as in 127.0.0.1 10.0.0.0/24"
IDLE_MESSAGE = "HEXBEAT_IDLE_MINUTES is a number above 0 and at most 100,000; it is {!r}; leave it out for 60"


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        (
            "HEXBEAT_PUBLIC_URL",
            ("http://a.example", "https://a.example/b", "https://", "a.example", "https://u@a.example", "https://["),
            URL_MESSAGE,
        ),
        ("HEXBEAT_HOSTS", ("*", "https://a.example", "a.example/", "*.example", "a,b"), HOSTS_MESSAGE),
        ("HEXBEAT_PROXIES", ("proxy", "10.0.0.7/24"), PROXIES_MESSAGE),
        ("HEXBEAT_PREPARE", ("0", "off"), "HEXBEAT_PREPARE is yes or no; it is {!r}; leave it out for yes"),
        ("HEXBEAT_IDLE_MINUTES", ("0", "-1", "nan", "inf", "soon"), IDLE_MESSAGE),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused(name: str, texts: tuple[str, ...], message: str) -> None:
    for text in texts:
        with pytest.raises(UsageError) as refused:
            ServerSettings.from_environment({name: text})
        assert str(refused.value) == message.format(text)


def test_lists_among_streamlits_settings_stay_lists() -> None:
    assert flatten_settings({"a": {"b": {"c": []}, "d": ["x", "y"]}, "e": True}) == {
        "a.b.c": [], "a.d": ["x", "y"], "e": True,
    }  # fmt: skip
    settings = read_streamlit_settings()
    assert settings["client.allowedOrigins"] == []
    assert config.get_option("client.allowedOrigins") == []  # the tests run where the same file lies
    assert settings["server.maxUploadSize"] == 256
    assert Path(ROOT / ".streamlit" / "config.toml").is_file()
