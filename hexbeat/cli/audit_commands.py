"""audit: list, verify and retain; who saw what, and what left."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from geo.errors import DataError, UsageError
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_answer
from hexbeat.cli.filter_options import FromOption, ToOption, parse_day
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, YesOption, open_installation
from hexbeat.cli.output_files import write_file
from hexbeat.cli.store_commands import ClockOption, confirm, offer_clock_option
from hexbeat.files import require_folder
from hexbeat.store.audit_chain import Anchor
from hexbeat.store.audit_files import build_audit_csv, build_audit_rows
from hexbeat.store.audit_trail import list_entries, retain_entries, verify_trail
from layers.wording import format_list, format_plural

__all__ = ["audit"]

_SHOWN: Final = ("number", "at", "subject", "role", "action", "what", "filter", "form", "rows", "outcome", "reason")

audit = typer.Typer(help="List the audit trail, check that it is whole, or remove what is too old.")


@audit.command(name="list")
def list_(
    *,
    from_: FromOption = None,
    to: ToOption = None,
    subject: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person did.")] = None,
    action: Annotated[str | None, typer.Option(metavar="A", help="Only this action, such as export.")] = None,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="The newest N entries; --out writes all.")] = 200,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write a .csv file.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List who did what, the newest first.

    Example: hexbeat audit list --from 2026-11-01 --action export
    """
    _require_csv(out)
    first, end = (parse_day(day) if day else None for day in (from_, to))
    with open_installation(home, area) as installation:
        zone = installation.area.time_zone
        entries = list_entries(
            installation.store.engine,
            installation.viewer,
            start=dt.datetime.combine(first, dt.time(), installation.area.tz) if first else None,
            end=dt.datetime.combine(end, dt.time(), installation.area.tz) if end else None,
            subject=subject,
            action=action,
            most=None if out else most + 1,
        )
        note_answer(len(entries) if out else min(len(entries), most))
        if out:
            write_file(out, build_audit_csv(entries, time_zone=zone))
    rows = build_audit_rows(entries[: None if out else most], time_zone=zone)
    if out:
        print_answer(
            {"out": str(out), "entries": len(rows)}, form=form, rows=[{"file": str(out), "entries": len(rows)}]
        )
        return
    print_answer({"entries": rows}, form=form, rows=rows, heading="Audit trail", order=_SHOWN)
    if len(entries) > most:
        print_message(f"These are the newest {most:,}. --most shows more, and --out writes all.")


def _require_csv(out: Path | None) -> None:
    if out is None:
        return
    if out.suffix.lower() != ".csv":
        raise UsageError("The audit trail is written as a .csv file", f"--out is {out.name}", "give it this ending")
    require_folder(out)


@audit.command()
def verify(
    *,
    expect: Annotated[
        str | None, typer.Option(metavar="NUMBER:HASH", help="An anchor that was noted: the trail has to hold it.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check that no entry was changed, removed, added or moved, and print the anchor to note.

    Example: hexbeat audit verify --expect 1204:5f0c…
    """
    expected = Anchor.parse(expect) if expect else None
    with open_installation(home, area) as installation:
        check = verify_trail(installation.store.engine, installation.store.home, installation.viewer, expected=expected)
        if check.problem:
            raise DataError(
                "The audit trail has to be one unbroken chain",
                check.problem,
                "keep this store as it is, and compare it with a backup",
            )
    anchor = str(check.anchor) if check.anchor else None
    row: dict[str, Any] = {"entries": check.entries, "first": check.first, "last": check.last, "anchor": anchor}
    payload = row | {"whole": True, "removed_to": check.removed_to, "restored": list(check.restored)}
    payload |= {"from_backup": list(check.from_backup)}
    print_answer(payload, form=form, rows=[row], order=tuple(row), heading="The audit trail is whole")
    if check.restored:
        places = format_list([str(number) for number in check.restored], most=5)
        print_message(f"An older copy of the store was restored before entry {places}: later entries are lost.")
    if check.from_backup:
        places = format_list([str(number) for number in check.from_backup], most=5)
        print_message(
            f"The trail was restored from a backup with entry {places}: entries that came after that backup are lost, "
            "and only --expect NUMBER:HASH, with an anchor that was noted elsewhere, finds whether there were any."
        )


@audit.command()
def retain(
    *,
    years: Annotated[int, typer.Option(min=1, metavar="N", help="Keep the entries of the last N years.")],
    yes: YesOption = False,
    clock_is_right: ClockOption = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Remove the entries that are older than N years; the chain still verifies.

    Example: hexbeat audit retain --years 7 --yes
    """
    age = format_plural(years, "year", "years")
    confirm(yes=yes, question=f"Remove the audit entries that are older than {age}? This cannot be undone.")
    with open_installation(home, area) as installation, offer_clock_option():
        store, viewer = installation.store, installation.viewer
        number, base = retain_entries(store.engine, store.home, viewer, years, is_clock_sure=clock_is_right)
        note_answer(number)
    row = {"removed": number, "up_to": base.number if base else None}
    print_answer(row, form=form, rows=[row])
    if not number:
        print_message(f"No entry is older than {age}: nothing was removed.")
