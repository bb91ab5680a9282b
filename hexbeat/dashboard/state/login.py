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

import streamlit as st

from geo.errors import PolicyError
from hexbeat.policy import find_local_viewer, read_policy
from hexbeat.settings import Settings
from hexbeat.store.sign_ins import LINK, SignIn, find_sign_in
from hexbeat.store.store import Store
from layers.access import Role, Viewer

__all__ = [
    "ROLE_KEY",
    "Login",
    "find_local_login",
    "find_login",
    "find_roles",
    "find_viewer",
    "format_cookie_name",
    "is_served",
    "list_allowed_subjects",
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
        return find_local_login(settings.home)
    key = st.context.cookies.get(format_cookie_name(int(st.get_option("server.port"))), "")
    return build_login(settings, key, chosen=st.session_state.get(ROLE_KEY))


def find_local_login(home: Path) -> Login:
    """The account that runs this process, without a server; PolicyError if the policy gives it no role."""
    viewer = find_local_viewer(home)
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
    sign_in = find_sign_in(open_shared_store(settings), key, now=int(time.time()))
    if sign_in is None:
        raise _refuse_signed_out()
    if sign_in.method == LINK:
        return replace(find_local_login(settings.home), key=key)
    roles = find_roles(sign_in, home=settings.home)
    role = chosen if chosen in roles else roles[0]
    viewer = Viewer(role, format_subject(sign_in), read_policy(settings.home).policy)
    return Login(sign_in.name, viewer, roles, key)


def _refuse_signed_out() -> PolicyError:
    return PolicyError(
        "Only people who are signed in see the partners' records",
        "you are signed out, or your sign-in has ended",
        "sign in again",
    )


def find_roles(sign_in: SignIn, *, home: Path) -> tuple[Role, ...]:
    """The roles of a person's groups, the one that sees least first; PolicyError if there are none."""
    require_allowed(sign_in.subject, sign_in.name, home=home)
    roles = list_roles(sign_in.groups, home=home)
    if not roles:
        raise PolicyError(
            "Only people with a role see the partners' records",
            f"you are signed in as {sign_in.name}, and none of your groups has a role here",
            "ask whoever runs Hexbeat to give one of your groups a role, or sign in with another account",
        )
    return roles


def require_allowed(subject: str, name: str, *, home: Path) -> None:
    """PolicyError if the policy lists the people who may come in, and this is none of them."""
    allowed = list_allowed_subjects(home)
    if allowed is not None and subject not in allowed:
        raise PolicyError(
            "Only the people on the list of this installation may use it",
            f"you are signed in as {name}, who is not on it",
            "ask whoever runs Hexbeat to add you, or sign in with another account",
        )


def list_roles(groups: Iterable[str], *, home: Path) -> tuple[Role, ...]:
    """The roles that `[groups]` of policy.toml gives to these groups, the one that sees least first."""
    table = dict(read_policy(home).groups)
    roles = {table[group] for group in groups if group in table}
    return tuple(role for role in LEAST_FIRST if role in roles)


def list_allowed_subjects(home: Path) -> frozenset[str] | None:
    """The people of `[people] allowed` in policy.toml, by the provider's identifiers; None if everybody may come."""
    return read_policy(home).people


def format_subject(sign_in: SignIn) -> str:
    """A person as the audit trail names them: by a name that people can read, and by one that nobody can change."""
    return sign_in.name if sign_in.name == sign_in.subject else f"{sign_in.name} ({sign_in.subject})"


def format_cookie_name(port: int) -> str:
    """The cookie with the key. Browsers share cookies among the ports of a machine, so its name holds the port."""
    return f"hexbeat_session_{port}"


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
