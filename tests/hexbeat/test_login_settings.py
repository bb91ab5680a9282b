"""The settings of the identity provider: whole, or refused; and no secret where somebody could read it."""

from pathlib import Path

import pytest

from geo.errors import UsageError
from hexbeat.login_settings import Provider, build_streamlit_secrets, read_provider, read_session_hours

SECRET = "0123456789abcdef" * 2


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for name, text in (("cookie", SECRET), ("client", "client secret\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    return {
        "HEXBEAT_OIDC_ISSUER": "https://login.example.org/tenant/v2.0/",
        "HEXBEAT_OIDC_CLIENT_ID": "hexbeat",
        "HEXBEAT_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "client"),
        "HEXBEAT_OIDC_REDIRECT": "https://hexbeat.example.org/oauth2callback",
        "HEXBEAT_COOKIE_SECRET_FILE": str(tmp_path / "cookie"),
    }


def test_the_settings_become_streamlits_secrets_in_memory(environment: dict[str, str]) -> None:
    provider = read_provider(environment)
    assert provider is not None
    assert build_streamlit_secrets(provider) == {
        "auth": {
            "redirect_uri": "https://hexbeat.example.org/oauth2callback",
            "cookie_secret": SECRET,
            "client_id": "hexbeat",
            "client_secret": "client secret",
            "server_metadata_url": "https://login.example.org/tenant/v2.0/.well-known/openid-configuration",
            "client_kwargs": {"scope": "openid profile email"},
        }
    }
    assert provider.is_secure
    assert SECRET not in repr(provider)
    assert "client secret" not in repr(provider)


def test_without_a_provider_there_is_none() -> None:
    assert read_provider({}) is None
    assert read_provider({"HEXBEAT_OIDC_ISSUER": ""}) is None


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"HEXBEAT_OIDC_ISSUER": ""}, "HEXBEAT_OIDC_ISSUER is not set"),
        (
            {"HEXBEAT_OIDC_REDIRECT": "", "HEXBEAT_OIDC_CLIENT_ID": ""},
            "HEXBEAT_OIDC_CLIENT_ID and HEXBEAT_OIDC_REDIRECT are not set",
        ),
        ({"HEXBEAT_OIDC_ISSUER": "http://login.example.org"}, "HEXBEAT_OIDC_ISSUER does not begin with https://"),
        (
            {"HEXBEAT_OIDC_REDIRECT": "http://127.0.0.1.example.org/oauth2callback"},
            "HEXBEAT_OIDC_REDIRECT does not begin with https://",
        ),
        ({"HEXBEAT_OIDC_ISSUER": "https://a:word@example.org"}, "HEXBEAT_OIDC_ISSUER is not a plain address"),
        ({"HEXBEAT_OIDC_ISSUER": "https://["}, "HEXBEAT_OIDC_ISSUER is not a plain address"),
        (
            {"HEXBEAT_OIDC_REDIRECT": "https://hexbeat.example.org/"},
            "HEXBEAT_OIDC_REDIRECT does not end with /oauth2callback",
        ),
        ({"HEXBEAT_OIDC_CLIENT_SECRET_FILE": ""}, "HEXBEAT_OIDC_CLIENT_SECRET_FILE is not set"),
        (
            {"HEXBEAT_OIDC_ISSUER": "", "HEXBEAT_OIDC_CLIENT_SECRET_FILE": "", "HEXBEAT_COOKIE_SECRET_FILE": ""},
            "HEXBEAT_OIDC_ISSUER, HEXBEAT_OIDC_CLIENT_SECRET_FILE and HEXBEAT_COOKIE_SECRET_FILE are not set",
        ),
        (
            {"HEXBEAT_OIDC_CLIENT_SECRET_FILE": "/nowhere/x"},
            "the file of HEXBEAT_OIDC_CLIENT_SECRET_FILE cannot be read",
        ),
        ({"HEXBEAT_COOKIE_SECRET_FILE": ""}, "HEXBEAT_COOKIE_SECRET_FILE is not set"),
    ],
)
def test_half_a_provider_is_refused(environment: dict[str, str], changes: dict[str, str], fact: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_provider(environment | changes)
    assert str(refused.value) == (
        f'Signing in by OpenID Connect needs all of its settings; {fact}; see "Who may sign in" in docs/running.md'
    )


@pytest.mark.parametrize(
    ("text", "mode", "fact"),
    [
        (SECRET, 0o640, "others can read the file of HEXBEAT_COOKIE_SECRET_FILE (mode 0640)"),
        (SECRET[:31], 0o600, "the file of HEXBEAT_COOKIE_SECRET_FILE holds fewer than 32 characters"),
        ("\n", 0o600, "the file of HEXBEAT_COOKIE_SECRET_FILE is empty"),
    ],
)
def test_a_secret_that_is_none_is_refused(environment: dict[str, str], text: str, mode: int, fact: str) -> None:
    file = Path(environment["HEXBEAT_COOKIE_SECRET_FILE"])
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(UsageError) as refused:
        read_provider(environment)
    assert refused.value.fact == fact


def test_on_this_machine_no_tls_is_needed(environment: dict[str, str]) -> None:
    here = {"HEXBEAT_OIDC_REDIRECT": "http://127.0.0.1:8501/oauth2callback"}
    provider = read_provider(environment | here | {"HEXBEAT_OIDC_SCOPE": "openid groups"})
    assert isinstance(provider, Provider)
    assert (provider.is_secure, provider.scope) == (False, "openid groups")


def test_a_session_lasts_a_shift_at_most_a_day() -> None:
    assert [read_session_hours(env) for env in ({}, {"HEXBEAT_SESSION_HOURS": "0.5"})] == [10, 0.5]
    for text in ("0", "-1", "25", "ten", "nan", "inf"):
        with pytest.raises(UsageError) as refused:
            read_session_hours({"HEXBEAT_SESSION_HOURS": text})
        assert str(refused.value) == (
            f"HEXBEAT_SESSION_HOURS has to be a number above 0 and up to 24; it is {text}; leave it out for 10 hours"
        )
