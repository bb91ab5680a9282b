"""A plan as tables: CSV and XLSX, in which no text can run as a formula."""

import datetime as dt
import io
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from geo.lazy_modules import import_lazily
from hexbeat.areas.area import Area
from hexbeat.areas.credits import format_credits
from hexbeat.documents.maps.svg import clean_text
from hexbeat.documents.plan.plan_text import describe_pause, find_mark, find_pauses
from hexbeat.files import escape_formula, escape_formulas
from hexbeat.operations.plans.plan import Plan, PlanKind, Stop, Tour, describe_optimality, describe_share
from layers.wording import format_list

if TYPE_CHECKING:
    import xlsxwriter
else:
    xlsxwriter = import_lazily("xlsxwriter")

__all__ = ["WORKBOOK_OPTIONS", "build_plan_csv", "build_plan_xlsx", "build_stop_table", "write_facts", "write_sheet"]

# Nothing in a cell is a formula or a link, whatever it looks like.
WORKBOOK_OPTIONS: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
WIDEST: Final = 60  # characters
NARROWEST: Final = 8


def build_stop_table(plan: Plan) -> pd.DataFrame:
    """One row a stop, by team and order. Times are ISO 8601 with their offset.

    `done`, `started`, `minutes_spent` and, for a sweep, `needles` are blank, to be filled in and imported.
    """
    blanks = ("done", "started", "minutes_spent", *(("needles",) if plan.kind == PlanKind.SWEEP else ()))
    rows = [
        {
            "plan_id": plan.plan_id,
            "stop_id": stop.stop_id,
            "team": tour.team,
            "order": stop.order,
            "arrive": stop.arrive.isoformat(timespec="minutes"),
            "leave": stop.leave.isoformat(timespec="minutes"),
            "minutes": stop.minutes,
            "place": stop.place,
            **dict.fromkeys(blanks, ""),
            "ward_code": stop.ward_code,
            "ward_name": stop.ward_name,
            "cell": stop.cell,
            "lon": stop.lon,
            "lat": stop.lat,
            "expected": stop.expected,
            "open_reports": stop.open_reports,
            "reason": stop.reason,
            "pause": format_pauses(plan, tour, stop),
            **({"demonstration": find_mark(plan)} if plan.synthetic else {}),
        }
        for tour in plan.tours
        for stop in tour.stops
    ]
    return pd.DataFrame(rows)


def format_pauses(plan: Plan, tour: Tour, stop: Stop) -> str:
    """The break or wait after a stop, in words; for the first stop also those before it."""
    before = find_pauses(tour, 0) if stop is tour.stops[0] else []
    return " ".join(describe_pause(plan, tour, pause) for pause in (*before, *find_pauses(tour, stop.order)))


def build_plan_csv(plan: Plan, area: Area) -> bytes:
    """The stops as CSV in UTF-8."""
    del area  # every kind of file is made from the same two
    return escape_formulas(build_stop_table(plan)).to_csv(index=False, lineterminator="\n").encode()


def build_plan_xlsx(plan: Plan, area: Area) -> bytes:
    """The stops, and a sheet that says what the plan is."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, WORKBOOK_OPTIONS) as book:
        created = plan.made_at.astimezone(dt.UTC).replace(tzinfo=None)
        book.set_properties({"title": clean_text(plan.title), "created": created})
        write_sheet(book, "Stops", build_stop_table(plan))
        write_facts(book, "Plan", build_plan_facts(plan, area))
    return buffer.getvalue()


def build_plan_facts(plan: Plan, area: Area) -> list[tuple[str, str]]:
    mark = [("Demonstration", find_mark(plan))] if plan.synthetic else []
    return [
        *mark,
        ("Plan", plan.title),
        ("Plan code", plan.plan_id),
        ("Area", area.title),
        ("Made", plan.made_at.isoformat(timespec="minutes")),
        ("Begins", plan.begins.isoformat(timespec="minutes")),
        ("Ends", plan.ends.isoformat(timespec="minutes")),
        ("Layers", format_list(plan.scope.layers)),
        ("Cover", describe_share(plan)),
        ("How good", describe_optimality(plan)),
        *(("Setting", text) for text in plan.settings),
        *(("Note", text) for text in plan.notes),
        ("Wards and names", format_credits(area)),
    ]


def write_sheet(book: "xlsxwriter.Workbook", name: str, rows: pd.DataFrame) -> None:
    """A sheet with a frozen header. Numbers are numbers; all else is text that no program runs."""
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(rows.columns):
        texts = [str(title), *map(str, rows[title].tolist())]
        sheet.set_column(column, column, max(NARROWEST, min(max(map(len, texts)) + 2, WIDEST)))
        sheet.write_string(0, column, str(escape_formula(title)), bold)
        for line, value in enumerate(rows[title].tolist(), start=1):
            write_value(sheet, line, column, value)
    sheet.autofilter(0, 0, max(len(rows), 1), max(len(rows.columns) - 1, 0))


def write_value(sheet: Any, line: int, column: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(line, column, escape_formula(clean_text(value)))
    elif pd.notna(value):
        sheet.write_number(line, column, value)


def write_facts(book: "xlsxwriter.Workbook", name: str, facts: list[tuple[str, str]]) -> None:
    """A sheet of names and texts."""
    sheet = book.add_worksheet(name)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 90)
    for line, (title, text) in enumerate(facts):
        sheet.write_string(line, 0, str(escape_formula(title)), bold)
        sheet.write_string(line, 1, str(escape_formula(clean_text(text))), wrapped)
