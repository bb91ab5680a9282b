"""Who the viewer is on the partners' side, asked at every run of a page and before each read.

The door (`hexbeat.dashboard.login_middleware`) lets nobody in without a sign-in, but a window stays open for long. So
here the sign-in is looked up in the store each time: it may have ended, and the policy may have changed.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Event
from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from geo.errors import DataError, PolicyError
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.policy import AccessPolicy, find_local_viewer, read_policy
from hexbeat.settings import Settings
from hexbeat.store.sign_ins import LINK, SignIn, find_sign_in_and_revision
from hexbeat.store.store import Store
from layers.access import Role, Viewer, build_stranger

__all__ = [
    "ROLE_KEY",
    "Login",
    "build_login",
    "find_local_login",
    "find_login",
    "find_roles",
    "find_session_viewer",
    "find_viewer",
    "format_cookie_name",
    "format_subject",
    "is_served",
    "list_roles",
    "mark_served",
    "open_shared_store",
    "require_allowed",
    "require_login",
    "resolve_home",
]

ROLE_KEY: Final = "hb_role"  # where a session remembers the role that the person chose
# From the role that sees least to the one that sees most. Who has several begins with the first.
LEAST_FIRST: Final = (Role.AUDITOR, Role.HEALTH, Role.COUNCIL, Role.POLICE, Role.ANALYST)
HTTPS_PORT: Final = 443
_served: Final = Event()


@dataclass(frozen=True, slots=True)
class Login:
    """Who is signed in, and as what. `roles` are those that they may choose; `key` is "" without a server."""

    name: str
    viewer: Viewer
    roles: tuple[Role, ...]
    key: str = field(default="", repr=False)


def mark_served() -> None:
    """Say that a server with a door runs in this process, so that nobody is taken for the local account."""
    _served.set()


def is_served() -> bool:
    """Whether a server with a door runs in this process."""
    return _served.is_set()


def find_viewer(settings: Settings) -> Viewer:
    """The viewer of this run. PolicyError if nobody is signed in, or without a role: no role, no data."""
    return find_login(settings).viewer


def find_login(settings: Settings) -> Login:
    """Who is signed in, in this run of a page.

    A script that no server runs, such as a test's, belongs to the local account. In any other, PolicyError unless the
    connection has the key of a sign-in that has not ended, and its person a role.
    """
    if not is_served() and not st.context.headers:
        return find_local_login(open_shared_store(settings))
    name = format_cookie_name(int(st.get_option("server.port")), ServerSettings.from_environment().public_url)
    key = st.context.cookies.get(name, "")
    return build_login(settings, key, chosen=st.session_state.get(ROLE_KEY))


def find_local_login(source: Path | Store, *, revision: int | None = None) -> Login:
    """The account that runs this process, without a server; PolicyError if the policy gives it no role."""
    viewer = find_local_viewer(source, revision=revision)
    return Login(viewer.subject, viewer, (viewer.role,))


def require_login(settings: Settings, login: Login) -> Viewer:
    """The viewer of a login of before, if it still holds; needs no page. PolicyError if it has ended or changed."""
    if not login.key:
        if is_served():
            raise _refuse_signed_out()
        return login.viewer
    current = build_login(settings, login.key, chosen=login.viewer.role)
    if current.viewer != login.viewer:
        raise PolicyError(
            "What you see depends on your role", "your role has changed since this page was made", "open the page again"
        )
    return current.viewer


def build_login(settings: Settings, key: str, *, chosen: Role | None) -> Login:
    """The login of a key, in the chosen role if its person has it, else in their role that sees least."""
    store = open_shared_store(settings)
    sign_in_and_revision = find_sign_in_and_revision(store, key, now=int(time.time()))
    if sign_in_and_revision is None:
        raise _refuse_signed_out()
    sign_in, revision = sign_in_and_revision
    if sign_in.method == LINK:
        return replace(find_local_login(store, revision=revision), key=key)
    access = read_policy(store, revision=revision)
    roles = find_roles(sign_in, access)
    role = chosen if chosen in roles else roles[0]
    viewer = Viewer(role, format_subject(sign_in), access.policy)
    return Login(sign_in.name, viewer, roles, key)


def _refuse_signed_out() -> PolicyError:
    return PolicyError(
        "Only people who are signed in see the partners' records",
        "you are signed out, or your sign-in has ended",
        "sign in again",
    )


def find_roles(sign_in: SignIn, access: AccessPolicy) -> tuple[Role, ...]:
    """The roles of a person's groups, the one that sees least first; PolicyError if there are none."""
    require_allowed(sign_in, access)
    roles = list_roles(sign_in.groups, access)
    if not roles:
        raise PolicyError(
            "Only people with a role see the partners' records",
            f"you are signed in as {sign_in.name}, and none of your groups has a role here",
            "ask whoever runs Hexbeat to give one of your groups a role, or sign in with another account",
        )
    return roles


def require_allowed(sign_in: SignIn, access: AccessPolicy) -> None:
    """PolicyError if the policy lists the people who may come in, by the provider's identifiers, without this one."""
    if access.people is not None and sign_in.subject not in access.people:
        raise PolicyError(
            "Only the people on the list of this installation may use it",
            f"you are signed in as {sign_in.name}, who is not on it",
            "ask whoever runs Hexbeat to add you, or sign in with another account",
        )


def list_roles(groups: Iterable[str], access: AccessPolicy) -> tuple[Role, ...]:
    """The roles that `[groups]` of policy.toml gives to these groups, the one that sees least first."""
    table = dict(access.groups)
    roles = {table[group] for group in groups if group in table}
    return tuple(role for role in LEAST_FIRST if role in roles)


def format_subject(sign_in: SignIn) -> str:
    """A person as the audit trail names them: by a name that people can read, and by one that nobody can change."""
    return sign_in.name if sign_in.name == sign_in.subject else f"{sign_in.name} ({sign_in.subject})"


def find_session_viewer(store: Store, sign_in: SignIn) -> Viewer:
    """The person of a sign-in as the audit trail names them when they come and go: in the role with which they begin.

    Whoever has no role comes in too, and is shown nothing.
    """
    try:
        if sign_in.method == LINK:
            return find_local_viewer(store)
        access = read_policy(store)
        return Viewer(find_roles(sign_in, access)[0], format_subject(sign_in), access.policy)
    except (PolicyError, DataError):
        return build_stranger(format_subject(sign_in))


def format_cookie_name(port: int, public_url: str | None = None) -> str:
    """The cookie with the key. Browsers share cookies among the ports of a machine, so its name holds the port.

    Behind a proxy it is the port that people see (`public_url`): the same for all processes of a store.
    """
    return f"hexbeat_session_{(urlsplit(public_url).port or HTTPS_PORT) if public_url else port}"


def open_shared_store(settings: Settings) -> Store:
    """The store of the settings, opened once in this process, for pages and sign-ins alike.

    A second `Store.open` would open and close the file of the first. That drops SQLite's locks of this process, and
    another process could then take away the write-ahead log into which this one writes.
    """
    return _open_store(resolve_home(settings.home), settings.database_url)


def resolve_home(home: Path) -> str:
    """The path of a home without links, found once: it does not change while a process has its store open."""
    return _resolve(home.absolute())


@cache
def _resolve(home: Path) -> str:
    return str(home.resolve())


@cache
def _open_store(home: str, database_url: str | None) -> Store:
    return Store.open(Path(home), database_url=database_url)
