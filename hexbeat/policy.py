"""The access policy of an installation: policy.toml, which changes the defaults; the local account.

With SQLite it is a file of the home folder. With PostgreSQL it lies in the store, for all its servers. One that cannot
be used raises DataError, so that nobody sees anything until it is put right.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from geo.errors import DataError, HexbeatError, PolicyError, UsageError
from geo.lazy_modules import import_lazily
from hexbeat.accounts import find_account
from hexbeat.mail import MailSettings, parse_mail_settings
from layers.access import ANALYST, Viewer, may
from layers.catalogue import LAYER_NAMES
from layers.policy import DEFAULT_GRANTS, DEFAULT_POLICY, DOCUMENTS, EXPORTS, GRANTS, PAGES, Grants, Policy
from layers.roles import NOTHING, POINTS, WARDS, Action, Detail, Role

if TYPE_CHECKING:
    from hexbeat.store import shared_documents
    from hexbeat.store.store import Store
else:
    shared_documents = import_lazily("hexbeat.store.shared_documents")

__all__ = [
    "EVERYBODY_ELSE",
    "POLICY_FILE",
    "ROLE_VARIABLE",
    "AccessPolicy",
    "choose_lesser_role",
    "find_keeper",
    "find_local_viewer",
    "parse_new_policy",
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
    accounts: then each is an analyst, because it can read the store's file. `mail` says where a briefing is sent to;
    None: nowhere.
    """

    policy: Policy = DEFAULT_POLICY
    groups: tuple[tuple[str, Role], ...] = ()
    local: tuple[tuple[str, Role], ...] | None = None
    people: frozenset[str] | None = None
    mail: MailSettings | None = None

    def find_group_role(self, groups: Sequence[str]) -> Role | None:
        """The role of a person in these groups: that of the first group in the file's order; None without any."""
        return next((role for name, role in self.groups if name in groups), None)

    def find_local_role(self, account: str) -> Role | None:
        """The role of a local account; None if the file names accounts, but neither this one nor EVERYBODY_ELSE."""
        if self.local is None:
            return Role.ANALYST
        roles = dict(self.local)
        return roles.get(account, roles.get(EVERYBODY_ELSE))


def read_policy(source: "Path | Store", *, revision: int | None = None) -> AccessPolicy:
    """The policy that counts for a store, or in a home folder without one; the defaults if there is no policy.toml.

    In PostgreSQL the store has it, and it is read again when `revision` has risen: the counter of shared documents,
    read here if it is None. DataError if it cannot be used, or is in a home whose store does not have it.
    """
    if isinstance(source, Path):
        text = _read_home_file(source)
    elif source.files_folder is not None:
        text = _read_home_file(source.files_folder)
    else:
        text = _read_shared_text(source, revision)
    return AccessPolicy() if text is None else _parse_text(text)


def _read_home_file(home: Path) -> str | None:
    try:
        return (home / POLICY_FILE).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _build_error(f"it cannot be read ({type(error).__name__})") from error


_shared_texts: Final[WeakKeyDictionary["Store", tuple[int, str | None]]] = WeakKeyDictionary()


def _read_shared_text(store: "Store", revision: int | None) -> str | None:
    """The text in the store, read at most once for each revision of the shared documents."""
    current = store.documents(ANALYST).counter() if revision is None else revision
    counter_and_text = _shared_texts.get(store)
    if counter_and_text is None or counter_and_text[0] != current:
        try:
            text = shared_documents.read_shared_setting(store.engine, store.files_folder, POLICY_FILE)
            counter_and_text = current, text
        except UnicodeDecodeError as error:
            raise _build_error(f"it cannot be read ({type(error).__name__})") from error
        if counter_and_text[1] is None and (store.home / POLICY_FILE).exists():
            raise _build_error(
                "the one in the home folder is not shared, and the store has none",
                "share it with `hexbeat shared put policy.toml`, or remove it; until then nobody sees anything",
            )
        _shared_texts[store] = counter_and_text
    return counter_and_text[1]


@lru_cache(maxsize=8)
def _parse_text(text: str) -> AccessPolicy:
    try:
        return _parse_policy(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _build_error(f"it is not TOML: {error}") from error


def find_keeper(store: "Store", *, role: str | None = None) -> Viewer:
    """The viewer who would change the policy: the local account, by the policy that counts.

    While that one cannot be used, the last that could decides, and the defaults if there was none: so there is a way
    out for those who could change it before. Errors as `find_local_viewer`.
    """
    try:
        access = read_policy(store)
    except DataError:
        access = AccessPolicy()
        for content in shared_documents.read_setting_versions(store.engine, POLICY_FILE):
            try:
                access = _parse_text(content.decode("utf-8-sig"))
                break
            except (HexbeatError, UnicodeDecodeError):
                continue
    return _build_local_viewer(access, role)


def parse_new_policy(content: bytes, viewer: Viewer) -> AccessPolicy:
    """The policy that `viewer`, a local account, puts in the place of the one before.

    DataError if it cannot be used, PolicyError if by it they could not change it again.
    """
    try:
        access = _parse_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _build_error(f"it cannot be read ({type(error).__name__})", "write it in UTF-8") from error
    role = access.find_local_role(viewer.subject)
    if role is None or not may(Viewer(role, viewer.subject, access.policy), Action.SET_POLICY):
        raise PolicyError(
            "Who changes the access policy can still change it afterwards",
            "this one would not let your account",
            "keep your account in [local], with a role that may set_policy",
        )
    return access


def find_local_viewer(source: "Path | Store", *, role: str | None = None, revision: int | None = None) -> Viewer:
    """The viewer on the command line and in Python: the local account, or it in a lesser `role`, if one is asked for.

    By the policy of `read_policy`. Without `role`, HEXBEAT_ROLE may ask for one. DataError for a policy that cannot be
    used, UsageError for an unknown role, PolicyError for an account without a role, and for a role that has more than
    that of the account.
    """
    return _build_local_viewer(read_policy(source, revision=revision), role)


def _build_local_viewer(access: AccessPolicy, role: str | None) -> Viewer:
    account = find_account()
    own = access.find_local_role(account)
    if own is None:
        raise PolicyError(
            f"{POLICY_FILE} names the local accounts that may use Hexbeat",
            "yours is not among them",
            "ask the analyst of the partnership",
        )
    viewer = Viewer(own, account, access.policy)
    requested_role = role or os.environ.get(ROLE_VARIABLE)
    return choose_lesser_role(viewer, requested_role) if requested_role else viewer


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
    _require_known(tables, ("roles", "groups", "local", "people", "mail"), "the file", "a table")
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
    people = _parse_people(tables["people"]) if "people" in tables else None
    mail = parse_mail_settings(tables["mail"]) if "mail" in tables else None
    return AccessPolicy(policy, groups, local, people, mail)


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
    grants = {}
    for name in set(table) & set(GRANTS):
        values = table[name]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise _build_error(f"{where}: {name} is not a list of names")
        _require_known(dict.fromkeys(values), _NAMES[name], f"{where}: {name}", "one")
        grants[name] = frozenset(map(Action, values)) if name == "actions" else frozenset(values)
    return replace(DEFAULT_GRANTS[role], **grants)


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
