"""Who the viewer is on the partners' side, asked at every run of a page and before each read.

The door (`hexbeat.dashboard.login_middleware`) lets nobody in without a sign-in, but a window stays open for long. So
here the sign-in is looked up in the store each time: it may have ended, and the policy may have changed.
"""

import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, Final

import streamlit as st

from geo.errors import DataError, PolicyError
from hexbeat.settings import Settings
from hexbeat.store.sign_ins import LINK, SignIn, find_sign_in
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer

__all__ = [
    "LOCAL",
    "ROLE_KEY",
    "Login",
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
]

POLICY_FILE: Final = "policy.toml"
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


LOCAL: Final = Login(name="", viewer=ANALYST, roles=(Role.ANALYST,))


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
        return LOCAL
    key = st.context.cookies.get(format_cookie_name(int(st.get_option("server.port"))), "")
    return build_login(settings, key, chosen=st.session_state.get(ROLE_KEY))


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
    roles = find_roles(sign_in, home=settings.home)
    role = chosen if chosen in roles else roles[0]
    return Login(sign_in.name, Viewer(role, format_subject(sign_in)), roles, key)


def _refuse_signed_out() -> PolicyError:
    return PolicyError(
        "Only people who are signed in see the partners' records",
        "you are signed out, or your sign-in has ended",
        "sign in again",
    )


def find_roles(sign_in: SignIn, *, home: Path) -> tuple[Role, ...]:
    """The roles of a person, the one that sees least first; PolicyError if there are none.

    Who came by the link of this machine is its local account. Others have the roles of their groups.
    """
    if sign_in.method == LINK:
        return LOCAL.roles
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
    table = _read_table(home).get("groups", {})
    if not isinstance(table, dict) or not all(role in list(Role) for role in table.values()):
        raise _refuse_policy(f"[groups] gives something else than one of {', '.join(Role)}")
    roles = {Role(table[group]) for group in groups if group in table}
    return tuple(role for role in LEAST_FIRST if role in roles)


def list_allowed_subjects(home: Path) -> frozenset[str] | None:
    """The people of `[people] allowed` in policy.toml, by the provider's identifiers; None if everybody may come."""
    people = _read_table(home).get("people", {})
    allowed = people.get("allowed") if isinstance(people, dict) else people
    if allowed is None:
        return None
    if not isinstance(allowed, list) or not all(isinstance(subject, str) for subject in allowed):
        raise _refuse_policy("`allowed` of [people] is not a list of texts")
    return frozenset(allowed)


def _read_table(home: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((home / POLICY_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refuse_policy("it cannot be read") from error


def _refuse_policy(fact: str) -> DataError:
    return DataError(f"{POLICY_FILE} has to give groups their roles", fact, "correct it as docs/running.md shows")


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
    return _open_store(str(settings.home.resolve()), settings.database_url)


@cache
def _open_store(home: str, database_url: str | None) -> Store:
    return Store.open(Path(home), database_url=database_url)
