"""How people sign in to this installation: the settings of the identity provider, from the environment.

No secret is written to disk, and none is part of an error or of the text of an object.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from geo.errors import UsageError
from layers.wording import format_list

__all__ = ["CALLBACK", "LOOPBACK", "Provider", "build_streamlit_secrets", "read_provider", "read_session_hours"]

CALLBACK: Final = "/oauth2callback"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")  # where a connection without TLS leaves no machine
DEFAULT_HOURS: Final = 10  # a long shift
MOST_HOURS: Final = 24
SHORTEST_SECRET: Final = 32  # characters of the cookie secret
_PREFIX: Final = "HEXBEAT_OIDC_"
_CLIENT: Final = "HEXBEAT_OIDC_CLIENT_SECRET"
_CLIENT_FILE: Final = "HEXBEAT_OIDC_CLIENT_SECRET_FILE"
_COOKIE_FILE: Final = "HEXBEAT_COOKIE_SECRET_FILE"
# Each is one setting, which several variables may give; the first is named where none does.
_NEEDED: Final = (
    ("HEXBEAT_OIDC_ISSUER",),
    ("HEXBEAT_OIDC_CLIENT_ID",),
    (_CLIENT_FILE, _CLIENT),
    ("HEXBEAT_OIDC_REDIRECT",),
    (_COOKIE_FILE,),
)
_DOCS: Final = 'see "Who may sign in" in docs/running.md'


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider, and this installation as it knows it. `redirect` is where it sends people back."""

    issuer: str
    client_id: str
    redirect: str
    scope: str
    client_secret: str = field(repr=False)
    cookie_secret: str = field(repr=False)

    @property
    def is_secure(self) -> bool:
        """Whether people reach this installation by TLS, so that cookies may never travel without it."""
        return self.redirect.startswith("https://")


def read_provider(environment: Mapping[str, str] = os.environ) -> Provider | None:
    """The provider of these variables; None if none of them is set. UsageError if some are missing or malformed."""
    if not any(value for name, value in environment.items() if name.startswith(_PREFIX)):
        return None
    require_all(environment)
    issuer = require_safe_address(environment, "HEXBEAT_OIDC_ISSUER").rstrip("/")
    redirect = require_safe_address(environment, "HEXBEAT_OIDC_REDIRECT")
    if urlsplit(redirect).path != CALLBACK:
        raise _refuse(f"HEXBEAT_OIDC_REDIRECT does not end with {CALLBACK}")
    return Provider(
        issuer=issuer,
        client_id=environment["HEXBEAT_OIDC_CLIENT_ID"],
        redirect=redirect,
        scope=environment.get("HEXBEAT_OIDC_SCOPE") or "openid profile email",
        client_secret=read_client_secret(environment),
        cookie_secret=read_cookie_secret(environment),
    )


def require_all(environment: Mapping[str, str]) -> None:
    """UsageError that names every setting that is missing."""
    missing = [names[0] for names in _NEEDED if not any(environment.get(name) for name in names)]
    if missing:
        raise _refuse(f"{format_list(missing)} {'is' if len(missing) == 1 else 'are'} not set")


def require_safe_address(environment: Mapping[str, str], name: str) -> str:
    """The address of a variable; UsageError unless it is https, or http on this machine."""
    try:
        parts = urlsplit(environment[name])
    except ValueError as error:  # brackets that hold no address
        raise _refuse(f"{name} is not a plain address") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise _refuse(f"{name} does not begin with https://")
    if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        raise _refuse(f"{name} is not a plain address")
    return environment[name]


def read_client_secret(environment: Mapping[str, str]) -> str:
    """The secret that the provider gave this installation: from a file, or from the environment."""
    if path := environment.get(_CLIENT_FILE):
        return read_secret_file(_CLIENT_FILE, Path(path))
    return environment[_CLIENT]


def read_cookie_secret(environment: Mapping[str, str]) -> str:
    """The secret that signs the cookies; the same on every server of an installation."""
    secret = read_secret_file(_COOKIE_FILE, Path(environment[_COOKIE_FILE]))
    if len(secret) < SHORTEST_SECRET:
        raise _refuse(f"the file of {_COOKIE_FILE} holds fewer than {SHORTEST_SECRET} characters")
    return secret


def read_secret_file(name: str, path: Path) -> str:
    """The text of a file that its owner alone may read; UsageError otherwise."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _refuse(f"the file of {name} cannot be read") from error
    if mode & 0o077:
        raise _refuse(f"others can read the file of {name} (mode {mode:04o})", f"chmod 600 that file, and {_DOCS}")
    if not secret:
        raise _refuse(f"the file of {name} is empty")
    return secret


def _refuse(fact: str, hint: str = _DOCS) -> UsageError:
    return UsageError("Signing in by OpenID Connect needs all of its settings", fact, hint)


def read_session_hours(environment: Mapping[str, str] = os.environ) -> float:
    """The most hours that anybody stays signed in, from HEXBEAT_SESSION_HOURS; UsageError if it is no such number."""
    text = environment.get("HEXBEAT_SESSION_HOURS") or str(DEFAULT_HOURS)
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MOST_HOURS:
        raise UsageError(
            f"HEXBEAT_SESSION_HOURS has to be a number above 0 and up to {MOST_HOURS}",
            f"it is {text[:20]}",
            f"leave it out for {DEFAULT_HOURS} hours",
        )
    return hours


def build_streamlit_secrets(provider: Provider) -> dict[str, Any]:
    """The provider as Streamlit's `auth` secrets, to be handed over in memory."""
    return {
        "auth": {
            "redirect_uri": provider.redirect,
            "cookie_secret": provider.cookie_secret,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "server_metadata_url": f"{provider.issuer}/.well-known/openid-configuration",
            "client_kwargs": {"scope": provider.scope},
        }
    }
