"""What the identity provider says of a person, checked once more and turned into a sign-in.

Streamlit and Authlib have checked the token's signature, issuer, audience, nonce and expiry before. What they then keep
in a cookie is read here from their own answer to the browser, never from a request.
"""

import json
import re
from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from geo.errors import PolicyError
from hexbeat.login_settings import Provider
from hexbeat.store.sign_ins import PROVIDER, SignIn

__all__ = ["USER_COOKIE", "build_sign_in", "harden_cookie", "read_claims"]

USER_COOKIE: Final = "_streamlit_user"
GROUP_CLAIMS: Final = ("groups", "roles")  # Entra ID: groups by their object IDs, and roles of the application
NAME_CLAIMS: Final = ("preferred_username", "email", "name")
LONGEST_NAME: Final = 200
Header = tuple[bytes, bytes]


def read_claims(headers: Iterable[Header], provider: Provider) -> Mapping[str, Any] | None:
    """The claims in the cookies that an answer sets; None if it signs nobody in."""
    cookies = _read_set_cookies(headers)

    def read_signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(provider.cookie_secret, name, value.encode("latin-1")) if value else None

    text = get_cookie_with_chunks(read_signed, USER_COOKIE)
    claims = json.loads(text) if text else None
    return claims if isinstance(claims, dict) else None


def _read_set_cookies(headers: Iterable[Header]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in headers:
        if name.lower() == b"set-cookie":
            try:
                values |= {key: morsel.value for key, morsel in SimpleCookie(value.decode("latin-1")).items()}
            except CookieError:
                continue
    return values


def build_sign_in(claims: Mapping[str, Any], provider: Provider, *, now: int, hours: float) -> SignIn:
    """The sign-in of these claims: it ends with the token, or after so many hours. PolicyError if they are no good."""
    audience = claims.get("aud")
    if claims.get("iss") != provider.issuer:
        raise _refuse("it was not issued by the provider of this installation")
    if provider.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _refuse("it is for another application")
    expiry = claims.get("exp")
    if isinstance(expiry, bool) or not isinstance(expiry, int | float) or expiry <= now:
        raise _refuse("it has expired")
    subject = find_text(claims, ("oid", "sub"))
    if not subject:
        raise _refuse("it names nobody")
    ends_at = min(int(expiry), now + int(3600 * hours))
    name = find_text(claims, NAME_CLAIMS) or subject
    return SignIn(subject, name, PROVIDER, list_groups(claims), now, ends_at)


def find_text(claims: Mapping[str, Any], names: Iterable[str]) -> str:
    """The first of these claims that is a text, cut to what a line can show; "" if none is."""
    values = (claims.get(name) for name in names)
    return next((text[:LONGEST_NAME] for text in values if isinstance(text, str) and text), "")


def list_groups(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The groups and roles of a person. PolicyError if the provider left them out because there are too many."""
    left_out = claims.get("_claim_names")
    if claims.get("hasgroups") or (isinstance(left_out, dict) and "groups" in left_out):
        raise _refuse(
            "you are in more groups than it can hold",
            "ask whoever runs Hexbeat to send only the groups assigned to the application",
        )
    groups: list[str] = []
    for name in GROUP_CLAIMS:
        value = claims.get(name, [])
        texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        groups += [text for text in texts if isinstance(text, str) and text not in groups]
    return tuple(groups)


def _refuse(fact: str, hint: str = "sign in again; if it stays so, tell whoever runs Hexbeat") -> PolicyError:
    return PolicyError("Signing in needs a valid token of the identity provider", fact, hint)


def harden_cookie(header: Header, *, is_secure: bool, seconds: int) -> Header:
    """A header that sets a cookie for at most so many seconds, and behind TLS for TLS alone. Others pass."""
    name, value = header
    if name.lower() != b"set-cookie":
        return header
    age = re.search(rb"; *max-age=(\d+)", value, re.IGNORECASE)
    if age and int(age[1]) > seconds:
        value = re.sub(rb"; *(max-age|expires)=[^;]*", b"", value, flags=re.IGNORECASE)
        value += b"; Max-Age=%d" % seconds
    if is_secure and not re.search(rb"; *secure(;|$)", value, re.IGNORECASE):
        value += b"; Secure"
    return name, value
