"""return: the minutes that plans asked for against those that teams delivered."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.answers import print_answer, print_message
from commands.asking import parse_day
from commands.choosing import FromOption, ToOption, to_json_value
from commands.options import AreaOption, Format, FormatOption, HomeOption, open_installation
from geo.errors import UsageError
from layers.plans.store import list_plans, load_plan
from layers.whole_files import atomic_write
from layers.work.ledger import read_visits
from layers.work.ledger_return import (
    GROUPS,
    Group,
    build_return,
    build_return_csv,
    build_return_notes,
    build_return_xlsx,
)

__all__ = ["return_"]


class Year(StrEnum):
    """How quarters are counted."""

    FINANCIAL = "financial"
    CALENDAR = "calendar"


def return_(
    *,
    by: Annotated[str, typer.Option(metavar="G,…", help=f"Any of {', '.join(GROUPS)}.")] = "ward,quarter,team",
    from_: FromOption = None,
    to: ToOption = None,
    year: Annotated[Year, typer.Option(help="Quarters of the financial year (from April) or the calendar year.")] = (
        Year.FINANCIAL
    ),
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A .csv or .xlsx file.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Planned against delivered minutes, visits, and needles collected by sweeps: the return that funders ask for.

    Example: hexbeat return --by ward,quarter,team --from 2026-10-01 --to 2027-01-01 --out return.xlsx
    """
    groups = parse_return_groups(by)
    _require_file(out)
    with open_installation(home, area) as here:
        plans = [load_plan(here.settings.home, one) for one, _, _ in list_plans(here.settings.home)]
        plans = [plan for plan in plans if plan.area == here.area.name]
        found = read_visits(here.store, here.viewer)
        days = {"start": parse_day(from_) if from_ else None, "end": parse_day(to) if to else None}
        frame = build_return(
            plans, found, here.area.wards, by=groups, time_zone=here.area.time_zone,
            year="financial" if year is Year.FINANCIAL else "calendar", **days,
        )  # fmt: skip
        notes = build_return_notes(plans, found, time_zone=here.area.time_zone, **days)
    if out is not None:
        with atomic_write(out) as draft:
            draft.write_bytes(
                build_return_csv(frame) if out.suffix.lower() == ".csv" else build_return_xlsx(frame, notes)
            )
    rows = [{str(name): to_json_value(value) for name, value in row.items()} for row in frame.to_dict("records")]
    for note in notes:
        print_message(f"{note}.")
    shown = [{**row, "delivered_share": _format_percent(row["delivered_share"])} for row in rows]
    payload = {"by": groups, "rows": rows, "notes": list(notes), "out": str(out) if out else None}
    print_answer(payload, form=form, rows=shown, heading="Planned against delivered")


def _require_file(out: Path | None) -> None:
    """UsageError for an ending that no return has, or a folder that is not there."""
    if out is None:
        return
    if out.suffix.lower() not in {".csv", ".xlsx"}:
        raise UsageError("A return is written as .csv or .xlsx", f"it was given {out.name}", "choose one of the two")
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "A file goes into a folder that exists", f"{out.parent} does not", "make it first, or choose another"
        )


def parse_return_groups(text: str) -> list[Group]:
    """The groups of --by; UsageError for an unknown one or one named twice."""
    asked = [part.strip().lower() for part in text.split(",") if part.strip()]
    known = [group for part in asked for group in GROUPS if group == part]
    if len(known) < len(asked) or len(set(known)) < len(known):
        raise UsageError(
            f"--by takes any of {', '.join(GROUPS)}, each once", f"it was given {text!r}", "for example ward,quarter"
        )
    return known


def _format_percent(share: Any) -> str:
    return "" if share is None else f"{share:.0%}"
