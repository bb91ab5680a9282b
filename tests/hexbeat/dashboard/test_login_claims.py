"""What the provider says of a person becomes a sign-in, or a whole sentence why not."""

from typing import Any, Final

import pytest

from geo.errors import PolicyError
from hexbeat.dashboard.login_claims import build_sign_in, harden_cookie
from hexbeat.login_settings import Provider
from hexbeat.store.sign_ins import PROVIDER, SignIn

NOW: Final = 1_800_000_000
PARTNER: Final = Provider(
    "https://login.example.org", "hexbeat", "https://x.example.org/oauth2callback", "openid", "s", "c"
)
CLAIMS: Final = {
    "iss": "https://login.example.org",
    "aud": "hexbeat",
    "exp": NOW + 3_600,
    "sub": "pairwise",
    "oid": "0000-1111",
    "preferred_username": "a.person@example.org",
    "groups": ["g1", "g2", 3],
    "roles": ["Hexbeat.Police", "g1"],
}


def build(**changes: Any) -> SignIn:
    return build_sign_in(CLAIMS | changes, PARTNER, now=NOW, hours=10)


def test_groups_and_roles_both_count_and_the_token_ends_it() -> None:
    assert build() == SignIn(
        "0000-1111", "a.person@example.org", PROVIDER, ("g1", "g2", "Hexbeat.Police"), NOW, NOW + 3_600
    )
    assert build(exp=NOW + 10**6).ends_at == NOW + 36_000
    bare = build(oid=None, preferred_username="", groups="one", roles=None, aud=["other", "hexbeat"])
    assert bare == SignIn("pairwise", "pairwise", PROVIDER, ("one",), NOW, NOW + 3_600)


@pytest.mark.parametrize(
    ("changes", "fact", "hint"),
    [
        ({"iss": "https://evil.example.org"}, "it was not issued by the provider of this installation", None),
        ({"iss": "https://login.example.org/"}, "it was not issued by the provider of this installation", None),
        ({"aud": ["other"]}, "it is for another application", None),
        ({"aud": None}, "it is for another application", None),
        ({"exp": NOW}, "it has expired", None),
        ({"exp": True}, "it has expired", None),
        ({"exp": None}, "it has expired", None),
        ({"sub": "", "oid": 7}, "it names nobody", None),
        (
            {"groups": None, "_claim_names": {"groups": "src1"}},
            "you are in more groups than it can hold",
            "ask whoever runs Hexbeat to send only the groups assigned to the application",
        ),
    ],
)
def test_claims_that_are_no_good_are_refused(changes: dict[str, Any], fact: str, hint: str | None) -> None:
    with pytest.raises(PolicyError) as refused:
        build(**changes)
    hint = hint or "sign in again; if it stays so, tell whoever runs Hexbeat"
    assert str(refused.value) == f"Signing in needs a valid token of the identity provider; {fact}; {hint}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a=1; Max-Age=2592000; Path=/", b"a=1; Path=/; Max-Age=60; Secure"),
        (b"a=1; Max-Age=5; Path=/; Secure", b"a=1; Max-Age=5; Path=/; Secure"),
        (b"a=1", b"a=1; Secure"),
    ],
)
def test_cookies_live_no_longer_than_the_sign_in_and_go_by_tls_alone(before: bytes, after: bytes) -> None:
    assert harden_cookie((b"Set-Cookie", before), is_secure=True, seconds=60) == (b"Set-Cookie", after)
    assert harden_cookie((b"vary", before), is_secure=True, seconds=60) == (b"vary", before)
