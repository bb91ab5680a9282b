"""backup, restore: the store and its home in one file, and a home made again from it."""

from pathlib import Path
from typing import Annotated

import typer

from hexbeat.accounts import find_account
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import audit_command, note_reason, note_rows
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from hexbeat.settings import Settings
from hexbeat.store.backup import Backup, restore_backup, write_backup
from hexbeat.store.home_layout import has_store
from hexbeat.store.store import Store
from layers.access import build_stranger

__all__ = ["backup", "restore"]

_DUMP = "The events are in PostgreSQL, and not in this file: use pg_dump for them (docs/running.md, Backups)."


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it is replaced.")],
    *,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Write the store and the other files of its home to one file, while others use them.

    Example: hexbeat backup /backups/hexbeat-2026-11-21.tar.gz
    """
    with open_installation(home, area) as installation:
        written = write_backup(installation.store, installation.viewer, file)
    _print_backup(written, form, heading=f"Written to {file}")
    if not written.has_store:
        print_message(_DUMP)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that hexbeat backup wrote.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the home that is there aside, and keep it beside the new one.")
    ] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make the home again from a backup, all of it or nothing; stop Hexbeat first.

    Example: hexbeat restore /backups/hexbeat-2026-11-21.tar.gz --home var --replace
    """
    folder = Settings.from_environment(home=home).home
    restored, former = restore_backup(file, folder, replace=replace)
    audit_restore(folder, restored)
    _print_backup(restored, form, heading=f"Restored to {folder}")
    if former is not None:
        print_message(f"What was there before is in {former}.")
    if not restored.has_store:
        print_message(_DUMP)


def audit_restore(home: Path, restored: Backup) -> None:
    """Write into the trail of the store that it came back, and from which backup. Whoever has the folder may do it."""
    database_url = Settings.from_environment(home=home).database_url
    if has_store(home, database_url):
        with (
            Store.open(home, database_url=database_url) as store,
            audit_command(store, build_stranger(find_account())),
        ):
            note_rows(sum(restored.rows.values()))
            note_reason(f"from a backup made {restored.made}")


def _print_backup(made: Backup, form: Format, *, heading: str) -> None:
    rows = [{"table": name, "rows": count} for name, count in made.rows.items()]
    payload = {"made": made.made, "schema": made.schema, "rows": made.rows, "files": made.files}
    print_answer(payload, form=form, rows=rows, heading=f"{heading}: {len(made.files)} files of {made.made}")
