"""sources: list the source profiles, or propose one for a new file."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import Format, FormatOption, HomeOption, open_documents, open_profiles
from hexbeat.cli.reading_options import EncodingOption, SheetOption, require_encoding
from hexbeat.files import atomic_write
from hexbeat.ingest.sources import list_profiles, list_unusable_profiles

if TYPE_CHECKING:
    from hexbeat.ingest import suggestions
else:
    suggestions = import_lazily("hexbeat.ingest.suggestions")

__all__ = ["sources"]

sources = typer.Typer(help="List the source profiles, or propose one for a new file.")


@sources.callback(invoke_without_command=True)
def list_sources(context: typer.Context, *, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """List the source profiles: the built-in ones, and your own in the sources folder of the home folder.

    Example: hexbeat sources
    """
    if context.invoked_subcommand:
        return
    with open_profiles(home) as documents:
        rows = [profile.summary() for profile in list_profiles(documents)]
        unusable = [{"name": profile.name, "reason": profile.reason} for profile in list_unusable_profiles(documents)]
    print_answer({"sources": rows, "unusable": unusable}, form=form, rows=rows, heading="Sources")
    for row in unusable:
        print_message(f"{row['name']} cannot be used. {row['reason']}")
    if unusable:
        print_message("Correct these files; docs/sources.md explains the keys. All other sources work.")


@sources.command()
def suggest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that you want to load.")],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Write the proposed profile to this file.")
    ] = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Propose a source profile from a file's columns, with the reasons. One that is not complete is never written.

    Example: hexbeat sources suggest finds.xlsx --out var/sources/finds.toml
    """
    if out and out.exists():
        raise UsageError(
            "A proposal never replaces a profile",
            f"{out.name} exists already",
            "choose another name, or remove the file",
        )
    require_encoding(encoding)
    with open_documents(home) as documents:
        proposal = suggestions.suggest_profile(file, profiles=list_profiles(documents), sheet=sheet, encoding=encoding)
    payload = proposal.as_dict()
    print_answer(payload, form=form, rows=payload["columns"], heading=f"{file.name}: {payload['guess']}")
    for reason in proposal.reasons:
        print_message(f"- {reason}")
    if out:
        # A profile has the name of its file.
        profile = suggestions.complete_suggestion(proposal, name=out.stem)
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as draft:
            draft.write_text(profile.toml(), encoding="utf-8")
        print_message(
            f"Written: {out}. Read it, then: hexbeat ingest {shlex.quote(str(file))} --source {out.stem} --dry-run"
        )
