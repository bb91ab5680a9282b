"""The access policy of an installation: policy.toml in the home folder, which changes the defaults; the local account.

A file that cannot be used raises DataError, so that nobody sees anything until it is put right.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from geo.errors import DataError, HexbeatError, PolicyError, UsageError
from hexbeat.accounts import find_account
from layers.access import Viewer
from layers.catalogue import LAYER_NAMES
from layers.policy import DEFAULT_GRANTS, DEFAULT_POLICY, DOCUMENTS, EXPORTS, GRANTS, PAGES, Grants, Policy
from layers.roles import NOTHING, POINTS, WARDS, Action, Detail, Role

__all__ = [
    "EVERYBODY_ELSE",
    "POLICY_FILE",
    "ROLE_VARIABLE",
    "AccessPolicy",
    "choose_lesser_role",
    "find_local_viewer",
    "read_policy",
]

POLICY_FILE: Final = "policy.toml"
ROLE_VARIABLE: Final = "HEXBEAT_ROLE"
EVERYBODY_ELSE: Final = "*"  # in [local]: every account that it does not name
_RULE: Final = f"{POLICY_FILE} says in known words who may see what"
_HINT: Final = "see 'Who may see what' in docs/running.md; until it is put right, nobody sees anything"
_WHOLE: Final = {"nothing": NOTHING, "wards": WARDS, "points": POINTS}
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "pages": PAGES,
    "documents": DOCUMENTS,
    "exports": EXPORTS,
    "actions": tuple(Action),
}


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What policy.toml says: the policy, the role of each group of the identity provider, and of local accounts.

    `people` are those who may sign in by the provider at all, by its identifiers; None: everybody with a role.
    `groups` and `local` are (name, role) in the order of the file. `local` is None if the file says nothing of local
    accounts: then each is an analyst, because it can read the store's file.
    """

    policy: Policy = DEFAULT_POLICY
    groups: tuple[tuple[str, Role], ...] = ()
    local: tuple[tuple[str, Role], ...] | None = None
    people: frozenset[str] | None = None

    def find_group_role(self, groups: Sequence[str]) -> Role | None:
        """The role of a person in these groups: that of the first group in the file's order; None without any."""
        return next((role for name, role in self.groups if name in groups), None)

    def find_local_role(self, account: str) -> Role | None:
        """The role of a local account; None if the file names accounts, but neither this one nor EVERYBODY_ELSE."""
        if self.local is None:
            return Role.ANALYST
        roles = dict(self.local)
        return roles.get(account, roles.get(EVERYBODY_ELSE))


def read_policy(home: Path) -> AccessPolicy:
    """The policy of policy.toml in the home folder, or the defaults without one; DataError if it cannot be used."""
    path = home / POLICY_FILE
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return AccessPolicy()
    except (OSError, UnicodeDecodeError) as error:
        raise _build_error(f"it cannot be read ({type(error).__name__})") from error
    try:
        return _parse_policy(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _build_error(f"it is not TOML: {error}") from error


def find_local_viewer(home: Path, *, role: str | None = None) -> Viewer:
    """The viewer on the command line and in Python: the local account, or it in a lesser `role`, if one is asked for.

    Without `role`, HEXBEAT_ROLE may ask for one. DataError for a policy that cannot be used, UsageError for an unknown
    role, PolicyError for an account without a role, and for a role that has more than that of the account.
    """
    access = read_policy(home)
    account = find_account()
    own = access.find_local_role(account)
    if own is None:
        raise PolicyError(
            f"{POLICY_FILE} names the local accounts that may use Hexbeat",
            "yours is not among them",
            "ask the analyst of the partnership",
        )
    viewer = Viewer(own, account, access.policy)
    asked = role or os.environ.get(ROLE_VARIABLE)
    return choose_lesser_role(viewer, asked) if asked else viewer


def choose_lesser_role(viewer: Viewer, role: str) -> Viewer:
    """The viewer in another role, which has nothing that theirs has not; UsageError or PolicyError otherwise."""
    if role not in list(Role):
        raise UsageError(
            "A role is one that the access policy knows", f"there is no role {role!r}", f"choose from {', '.join(Role)}"
        )
    if role != viewer.role and not viewer.policy.is_lesser(role, viewer.role):
        raise PolicyError(
            "You can see as a role that may do nothing that yours may not",
            f"{role} may do more than {viewer.role}",
            "choose another role, or ask the analyst of the partnership",
        )
    return replace(viewer, role=Role(role))


def _build_error(fact: str, hint: str = _HINT) -> DataError:
    return DataError(_RULE, fact, hint)


def _parse_policy(tables: Mapping[str, Any]) -> AccessPolicy:
    _require_known(tables, ("roles", "groups", "local", "people"), "the file", "a table")
    details, grants = list[tuple[Role, str, Detail]](), list[tuple[Role, Grants]]()
    for name, table in _require_table(tables.get("roles", {}), "[roles]").items():
        role = _parse_role(name, "[roles]")
        where = f"[roles.{role}]"
        _require_known(_require_table(table, where), ("layers", *GRANTS), where, "a key")
        layers = _require_table(table.get("layers", {}), f"[roles.{role}.layers]")
        _require_known(layers, LAYER_NAMES, f"[roles.{role}.layers]", "a layer")
        details += [(role, layer, _parse_detail(value, f"{role}: {layer}")) for layer, value in layers.items()]
        if set(table) & set(GRANTS):
            grants.append((role, _parse_grants(role, table, where)))
    try:
        policy = Policy(tuple(details), tuple(grants))
    except HexbeatError as error:
        raise _build_error(f"{error.rule[:1].lower()}{error.rule[1:]}, and {error.fact}", error.hint) from error
    groups = _parse_roles(tables.get("groups", {}), "[groups]")
    local = _parse_roles(tables["local"], "[local]") if "local" in tables else None
    return AccessPolicy(policy, groups, local, _parse_people(tables["people"]) if "people" in tables else None)


def _parse_people(value: Any) -> frozenset[str]:
    """Who may sign in by the identity provider at all, by its identifiers."""
    table = _require_table(value, "[people]")
    _require_known(table, ("allowed",), "[people]", "a key")
    allowed = table.get("allowed")
    if not isinstance(allowed, list) or not all(isinstance(subject, str) for subject in allowed):
        raise _build_error("[people]: allowed is not a list of texts")
    return frozenset(allowed)


def _parse_grants(role: Role, table: Mapping[str, Any], where: str) -> Grants:
    """The grants of a role: those that the table names, the others as they are by default."""
    named = {}
    for name in set(table) & set(GRANTS):
        values = table[name]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise _build_error(f"{where}: {name} is not a list of names")
        _require_known(dict.fromkeys(values), _NAMES[name], f"{where}: {name}", "one")
        named[name] = frozenset(map(Action, values)) if name == "actions" else frozenset(values)
    return replace(DEFAULT_GRANTS[role], **named)


def _parse_detail(value: Any, where: str) -> Detail:
    """A detail from "nothing", "wards", "points" or "cells 9", or a table with it and `fewest`."""
    table = {"detail": value} if isinstance(value, str) else _require_table(value, where)
    _require_known(table, ("detail", "fewest"), where, "a key")
    text, fewest = table.get("detail"), table.get("fewest", 1)
    if not isinstance(text, str) or isinstance(fewest, bool) or not isinstance(fewest, int):
        raise _build_error(f"{where} needs a detail in words, and fewest is a whole number")
    kind, _, size = text.partition(" ")
    try:
        whole = _WHOLE.get(text)
        detail = Detail(kind, int(size)) if whole is None else whole  # type: ignore[arg-type]  # it checks the kind
        return replace(detail, fewest=fewest)
    except (ValueError, UsageError) as error:
        fact = f"{where} is {text!r}, fewest {fewest}"
        hint = 'write "nothing", "wards", "points" or "cells 8" to "cells 11", and fewest from 1'
        raise _build_error(fact, hint) from error


def _parse_roles(value: Any, where: str) -> tuple[tuple[str, Role], ...]:
    return tuple((name, _parse_role(role, f"{where}: {name!r}")) for name, role in _require_table(value, where).items())


def _parse_role(name: Any, where: str) -> Role:
    if not isinstance(name, str):
        raise _build_error(f"{where} is not the name of a role")
    _require_known({name: None}, tuple(Role), where, "a role")
    return Role(name)


def _require_table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _build_error(f"{where} is not a table")
    return value


def _require_known(names: Mapping[str, Any], known: Sequence[str], where: str, what: str) -> None:
    """DataError for the first name that is not known."""
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        similar = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean {str(similar[0])!r}?" if similar else f"choose from {', '.join(known)}"
        raise _build_error(f"{where} has {unknown!r}, which is not {what} that Hexbeat knows", hint)
