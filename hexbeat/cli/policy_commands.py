"""policy: who may see and do what, as this installation decides it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Final

import typer

from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import audit_command
from hexbeat.cli.installation import Format, FormatOption, HomeOption, find_viewer, open_store
from hexbeat.policy import EVERYBODY_ELSE, POLICY_FILE, AccessPolicy, choose_lesser_role, find_local_viewer, read_policy
from hexbeat.settings import Settings
from hexbeat.store.home_layout import has_store
from hexbeat.store.shared_documents import read_shared_setting
from layers.access import Role, Viewer, find_detail
from layers.catalogue import LAYERS
from layers.policy import GRANTS

__all__ = ["check", "policy"]

_WIDEST: Final = 58  # characters of a list of names: with its role it fits a window of 80
policy = typer.Typer(no_args_is_help=True, help="Check the access policy, and explain who may see and do what.")


@policy.callback()
def group() -> None:
    """Keep `check` a subcommand, as it is the only one."""


@policy.command()
def check(
    *,
    role: Annotated[str | None, typer.Option("--role", metavar="NAME", help="Only this role.")] = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check policy.toml, and explain what each role sees of each layer, and which pages and files it has.

    Example: hexbeat policy check --role police
    """
    with open_policy(home) as (access, viewer, has_file):
        if role:
            choose_lesser_role(viewer, role)  # refuses an unknown role
    roles = [build_role(access, Role(name)) for name in ([role] if role else list(Role))]
    payload = {
        "file": POLICY_FILE if has_file else None,
        "roles": roles,
        "groups": dict(access.groups),
        "local": None if access.local is None else dict(access.local),
        "you": {"account": viewer.subject, "role": viewer.role},
    }
    rows = [{"role": row["role"], **row["layers"]} for row in roles]
    print_answer(payload, form=form, rows=rows, heading=describe_file(found=has_file))
    if form is Format.TABLE:
        print_answer(None, form=form, rows=build_grant_rows(roles), heading="What each role may open, make and do")
        for sentence in describe_accounts(access, viewer):
            print_message(sentence)


@contextmanager
def open_policy(home: Path | None) -> Iterator[tuple[AccessPolicy, Viewer, bool]]:
    """The policy that counts, the viewer by it, and whether there is a policy.toml; it needs no store."""
    settings = Settings.from_environment(home=home)
    if not has_store(settings.home, settings.database_url):
        has_file = (settings.home / POLICY_FILE).is_file()
        yield read_policy(settings.home), find_local_viewer(settings.home), has_file
        return
    with open_store(settings) as store:
        viewer = find_viewer(store)
        with audit_command(store, viewer):
            text = read_shared_setting(store.engine, store.files_folder, POLICY_FILE)
            yield read_policy(store), viewer, text is not None


def build_role(access: AccessPolicy, role: Role) -> dict[str, Any]:
    """What a role sees of each layer, and its grants, sorted by name."""
    viewer = Viewer(role, policy=access.policy)
    grants = access.policy.find_grants(role)
    return {
        "role": str(role),
        "layers": {spec.name: str(find_detail(viewer, spec.name)) for spec in LAYERS},
        **{name: sorted(map(str, getattr(grants, name))) for name in GRANTS},
    }


def build_grant_rows(roles: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The grants of each role as rows for people, which no window or file cuts: a long list goes on in the next row."""
    rows = []
    for role in roles:
        for name in GRANTS:
            lines = wrap(", ".join(role[name]) or "none", _WIDEST)
            firsts = [(str(role["role"]) if name == GRANTS[0] else "", name), *[("", "")] * (len(lines) - 1)]
            rows += [{"role": of, "what": what, "names": line} for (of, what), line in zip(firsts, lines, strict=True)]
    return rows


def describe_file(*, found: bool) -> str:
    """Whether an installation changes the defaults."""
    return (
        f"{POLICY_FILE} changes what each role sees" if found else f"There is no {POLICY_FILE}: the usual policy holds"
    )


def describe_accounts(access: AccessPolicy, viewer: Viewer) -> list[str]:
    """Sentences on who has which role: groups of the identity provider, and accounts on this machine."""
    sentences = [f"Group {name}: {role}." for name, role in access.groups]
    for name, role in access.local or ((EVERYBODY_ELSE, Role.ANALYST),):
        who = "Any other account on this machine" if access.local else "Each account on this machine"
        sentences.append(f"{who if name == EVERYBODY_ELSE else f'Account {name}'}: {role}.")
    return [*sentences, f"You are {viewer.role}."]
