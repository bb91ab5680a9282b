"""Commands for the files that all users of a store share: list, show, put and remove them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from geo.errors import DataError, UsageError
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import Format, FormatOption, HomeOption, YesOption, open_documents
from hexbeat.cli.store_commands import confirm
from hexbeat.ingest.sources.profile import parse_profile
from hexbeat.operations.plans.plan_settings import PLANS_FILE, parse_plan_settings
from hexbeat.policy import POLICY_FILE, find_keeper, find_local_viewer, parse_new_policy
from hexbeat.release.policy import POLICY_FILE as RELEASE_FILE
from hexbeat.store.document_kinds import SETTING_FILES
from hexbeat.store.shared_documents import DocumentKind, SharedDocument, SharedDocuments
from layers.access import Action, require
from layers.costs import COSTS_FILE, parse_costs

__all__ = ["shared"]

shared = typer.Typer(help="List, show, put or remove the settings and profiles that all users of the store share.")
NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="plans.toml, release.toml, costs.toml, policy.toml, or a profile's name.toml."),
]


@shared.callback(invoke_without_command=True)
def list_shared(context: typer.Context, *, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """List what all users of the store share: each settings file and profile, and how many of everything else.

    Example: hexbeat shared
    """
    if context.invoked_subcommand:
        return
    rows: list[dict[str, str]] = []
    with open_documents(home) as documents:
        if documents:
            rows = [row for kind in DocumentKind for row in _build_rows(documents, kind)]
    print_answer({"rows": rows}, form=form, rows=rows, heading="Shared")


def _build_rows(documents: SharedDocuments, kind: DocumentKind) -> list[dict[str, str]]:
    """A row for each settings file and profile; one for all documents of another kind."""
    if kind not in (DocumentKind.SETTING, DocumentKind.SOURCE):
        number = len(documents.list_names(kind))
        return [{"kind": kind, "name": f"{number:,} in all", "recorded": "", "by": ""}] if number else []
    ending = ".toml" if kind == DocumentKind.SOURCE else ""
    return [
        {
            "kind": kind,
            "name": f"{name}{ending}",
            "recorded": _format_time(document),
            "by": document.recorded_by or "a file",
        }
        for name, document in documents.read_all(kind).items()
    ]


def _format_time(document: SharedDocument) -> str:
    return f"{document.recorded_at:%Y-%m-%d %H:%M} UTC" if document.recorded_at else ""


@shared.command()
def show(name: NameArgument, *, home: HomeOption = None) -> None:
    """Print a shared file as it is.

    The access policy names people and addresses: only who may set it is shown it.

    Example: hexbeat shared show plans.toml
    """
    kind, key = _parse_name(name)
    with open_documents(home) as documents:
        if documents and kind == DocumentKind.SETTING and key == POLICY_FILE:
            require(documents.viewer, Action.SET_POLICY)
        document = documents.read(kind, key) if documents else None
    if document is None:
        raise _build_missing(name)
    typer.echo(document.content.decode("utf-8", errors="replace"), nl=False)


@shared.command()
def put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file; its name says what it is.")],
    *,
    yes: YesOption = False,
    home: HomeOption = None,
) -> None:
    """Share a settings file or a source profile with everybody who uses the store, in the place of an earlier one.

    Example: hexbeat shared put plans.toml
    """
    kind, key = _parse_name(file.name)
    content = _read_file(file)
    if kind == DocumentKind.SOURCE:
        parse_profile(content.decode("utf-8"), name=key)
    elif key == PLANS_FILE:
        parse_plan_settings(content)
    elif key == COSTS_FILE:
        parse_costs(content)
    with open_documents(home, **choose_audit(kind, key)) as documents:
        if documents is None:
            raise UsageError("Files are shared through a store", "there is no store yet", "load a file first")
        if kind == DocumentKind.SETTING and key == POLICY_FILE:
            parse_new_policy(content, documents.viewer)
        before = documents.read(kind, key)
        if before and before.content != content:
            confirm(yes=yes, question=f"Replace the {file.name} that all share?")
        documents.write(kind, key, content, after=before.sha256 if before else "")
    print_message(f"Shared: {file.name}.")


@shared.command()
def remove(name: NameArgument, *, yes: YesOption = False, home: HomeOption = None) -> None:
    """Remove a settings file or a source profile for everybody who uses the store.

    Example: hexbeat shared remove finds.toml
    """
    kind, key = _parse_name(name)
    with open_documents(home, **choose_audit(kind, key)) as documents:
        if documents is None or documents.read(kind, key) is None:
            raise _build_missing(name)
        confirm(yes=yes, question=f"Remove the {name} that all share?")
        documents.remove(kind, key)
    print_message(f"Removed: {name}.")


def choose_audit(kind: DocumentKind, key: str) -> dict[str, Any]:
    """How `open_documents` takes a change of this file: as what action, and who may be its viewer."""
    if kind == DocumentKind.SOURCE:
        return {"action": Action.LOAD}
    actions = {RELEASE_FILE: Action.RETAIN, COSTS_FILE: Action.RETAIN, POLICY_FILE: Action.SET_POLICY}
    find = find_keeper if key == POLICY_FILE else find_local_viewer
    return {"action": actions.get(key, Action.PLAN), "find": find}


def _parse_name(name: str) -> tuple[DocumentKind, str]:
    """The kind of a shared file and its name there."""
    if name in SETTING_FILES:
        return DocumentKind.SETTING, name
    stem = name.removesuffix(".toml")
    if stem == name or not stem.replace("-", "").replace("_", "").isalnum():
        raise UsageError(
            f"Shared files are {', '.join(SETTING_FILES)}, and source profiles such as finds.toml",
            f"you gave {name[:40]!r}",
            "see `hexbeat shared`",
        )
    return DocumentKind.SOURCE, stem


def _build_missing(name: str) -> UsageError:
    return UsageError("A shared file is named as `hexbeat shared` lists it", f"there is no {name}", "see the list")


def _read_file(file: Path) -> bytes:
    """The bytes of a text file; DataError if it is none."""
    try:
        content = file.read_bytes()
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "A shared file is a text file in UTF-8",
            f"{file.name} cannot be read ({type(error).__name__})",
            "check its name, and that you may read it",
        ) from error
    return content
