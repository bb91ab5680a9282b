"""The return for funders: minutes planned against minutes delivered, by ward, quarter and team."""

import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from geo.wards import Wards
from hexbeat.analysis.count_files import MARK
from hexbeat.files import escape_formula, escape_formulas
from hexbeat.operations.ledger.visits import DONE, describe_overlap, team_key
from hexbeat.operations.plans.plan import Plan
from layers.periods import QuarterYear, format_quarter

if TYPE_CHECKING:
    import xlsxwriter
else:
    xlsxwriter = import_lazily("xlsxwriter")

__all__ = [
    "GROUPS",
    "MEASURES",
    "Group",
    "build_return",
    "build_return_csv",
    "build_return_notes",
    "build_return_xlsx",
    "mark_demonstration",
    "select_plans",
]

Group = Literal["ward", "quarter", "month", "team", "kind"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
MEASURES: Final = (
    *("planned_stops", "planned_minutes", "stops_done", "delivered_minutes", "delivered_share"),
    *("visits", "other_visits", "needles"),
)
_SUMMED: Final = tuple(name for name in MEASURES if name != "delivered_share")
_SYNTHETIC: Final = "synthetic"  # stops and visits of plans that rest on demonstration events
_COUNTED: Final = (*_SUMMED, _SYNTHETIC)
_IN_PART: Final = f"DEMONSTRATION: holds work of plans made from {MARK}"
_COLUMNS: Final[Mapping[Group, tuple[str, ...]]] = {"ward": ("ward_code", "ward_name")}
_WORKBOOK: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
_COLUMN_WIDTH: Final = 20  # characters
_MOST_NAMED_PLANS: Final = 10  # plans by their codes in a note


def build_return(  # the choices of one return, all by name
    plans: Iterable[Plan],
    visits: pd.DataFrame,
    wards: Wards,
    *,
    by: Sequence[Group] = ("ward", "quarter", "team"),
    start: dt.date | None = None,
    end: dt.date | None = None,
    year: QuarterYear = "financial",
    time_zone: str = "Europe/London",
) -> pd.DataFrame:
    """Planned against delivered work, one row a group that has any: the columns of the groups, then MEASURES.

    `visits` come from `read_visits`. A stop counts on the local day of its planned arrival, a visit on the local day on
    which it began. Only days in [start, end) count (None: without bound). The ward is that of the stop or of the visit.
    `stops_done` are planned stops that a visit records as done, on the day of that visit. `delivered_minutes` are of
    all visits; `other_visits` of them answer no stop. `needles` were collected by sweeps, not reported by the public.
    `delivered_share` is delivered over planned minutes, NaN where none was planned. Nothing is counted twice: each
    column but the share sums to the same total in any grouping. Where a row holds work of a plan that was made from
    demonstration events, a last column `demonstration` says so ("" for other rows); without such work it is not there.

    Which plans count: see `select_plans`. Capitals and spaces do not make another team. UsageError for an unknown
    group, or one named twice.
    """
    _require_groups(by)
    zone = ZoneInfo(time_zone)
    selected = select_plans(plans, visits)
    delivered = _build_delivered_rows(mark_demonstration(visits, selected), zone)
    rows = pd.concat([_build_planned_rows(selected, zone), delivered], ignore_index=True)
    # Without its dtype the choice of no rows would be one of no columns.
    rows = rows[np.array([_is_within(day, start, end) for day in rows["day"]], dtype=np.bool_)]
    spelling = dict(zip(map(team_key, reversed(rows["team"].tolist())), reversed(rows["team"].tolist()), strict=True))
    rows["team"] = [spelling[team_key(team)] for team in rows["team"]]
    names = dict(zip(wards.codes, wards.names, strict=True))
    rows = rows.assign(
        ward_name=[names.get(code, "") for code in rows["ward_code"]],
        quarter=[format_quarter(day, year=year) for day in rows["day"]],
        month=[f"{day:%Y-%m}" for day in rows["day"]],
    )
    columns = [column for group in by for column in _COLUMNS.get(group, (group,))]
    summed = rows.groupby(columns, sort=True, as_index=False)[list(_COUNTED)].sum() if columns else _sum_all(rows)
    planned = summed["planned_minutes"]
    share = (summed["delivered_minutes"] / planned.where(planned > 0)).astype("float64")
    marks = np.where(summed[_SYNTHETIC] > 0, _IN_PART, "")
    frame = summed.assign(delivered_share=share)[[*columns, *MEASURES]]
    return frame.assign(demonstration=marks) if (summed[_SYNTHETIC] > 0).any() else frame


def mark_demonstration(visits: pd.DataFrame, plans: Iterable[Plan]) -> pd.DataFrame:
    """The visits with a column `demonstration`: whether the plan that a visit answers rests on synthetic events.

    It stays so when real records take the place of the demonstration in the store.
    """
    return visits.assign(demonstration=visits["plan_id"].isin({plan.plan_id for plan in plans if plan.synthetic}))


def select_plans(plans: Iterable[Plan], visits: pd.DataFrame) -> list[Plan]:
    """The plans that count: those that were issued, and those with visits.

    Every plan that somebody tries is stored. One that was neither issued nor worked on was never anybody's work. Plans
    of earlier versions do not say whether they were issued, so that of them those with visits count.
    """
    plan_ids = set(visits["plan_id"].dropna())
    return [plan for plan in plans if plan.issued_at or plan.plan_id in plan_ids]


def _is_within(day: dt.date, start: dt.date | None, end: dt.date | None) -> bool:
    return (start is None or day >= start) and (end is None or day < end)


def _require_groups(by: Sequence[str]) -> None:
    if len(set(by)) < len(by) or not set(by) <= set(GROUPS):
        raise UsageError(
            f"A return is by any of {', '.join(GROUPS)}, each once",
            f"you asked for {', '.join(by)!r}",
            "for example --by ward,quarter,team",
        )


def _sum_all(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[list(_COUNTED)].sum().to_frame().T.astype("int64")


def _build_planned_rows(plans: Iterable[Plan], zone: ZoneInfo) -> pd.DataFrame:
    """One row a planned stop."""
    rows = [
        (
            *(stop.arrive.astimezone(zone).date(), stop.ward_code, tour.team, str(plan.kind)),
            *(1, stop.minutes, int(plan.synthetic)),
        )
        for plan in plans
        for tour in plan.tours
        for stop in tour.stops
    ]
    return _fill_measures(rows, ("planned_stops", "planned_minutes", _SYNTHETIC))


def _build_delivered_rows(visits: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """One row a visit of `mark_demonstration`. A stop that two teams did counts once, for the team that began first."""
    days = [started.tz_convert(zone).date() for started in visits["started_at"]]
    is_done_stop = visits["plan_id"].notna() & (visits["outcome"] == DONE)
    is_first = is_done_stop & ~visits[["plan_id", "stop_id"]].where(is_done_stop).duplicated()
    needles = visits["needles"].fillna(0).astype("int64")
    facts = zip(
        *(days, visits["ward_code"], visits["team"], visits["kind"]),
        *(is_first.astype("int64"), visits["minutes"], [1] * len(visits)),
        *(visits["plan_id"].isna().astype("int64"), needles, visits["demonstration"].astype("int64")),
        strict=True,
    )
    measures = ("stops_done", "delivered_minutes", "visits", "other_visits", "needles", _SYNTHETIC)
    return _fill_measures(list(facts), measures)


def _fill_measures(rows: Sequence[tuple[object, ...]], measures: Sequence[str]) -> pd.DataFrame:
    """Rows of day, ward, team, kind and some measures; the other measures are 0."""
    names = ["day", "ward_code", "team", "kind", *measures]
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    frame = pd.DataFrame(
        {name: pd.Series(list(values), dtype="object") for name, values in zip(names, columns, strict=True)}
    )
    zeros = dict.fromkeys([name for name in _COUNTED if name not in measures], 0)
    return frame.assign(**zeros).astype(dict.fromkeys(_COUNTED, "int64"))


def build_return_notes(
    plans: Iterable[Plan],
    visits: pd.DataFrame,
    *,
    start: dt.date | None = None,
    end: dt.date | None = None,
    time_zone: str = "Europe/London",
) -> tuple[str, ...]:
    """The notes of a return: synthetic plans, plans left out, deleted plans, and visits that overlap.

    All but deleted plans are limited to work on a day in [`start`, `end`).
    """
    all_plans, zone = list(plans), ZoneInfo(time_zone)
    notes = ["Delivered minutes are what teams recorded. Needles are those that sweeps collected, not public reports"]
    selected = select_plans(all_plans, visits)
    marked = mark_demonstration(visits, selected)
    days = [started.tz_convert(zone).date() for started in marked["started_at"][marked["demonstration"]]]
    tours = [tour for plan in selected if plan.synthetic for tour in plan.tours]
    days += [stop.arrive.astimezone(zone).date() for tour in tours for stop in tour.stops]
    if any(_is_within(day, start, end) for day in days):
        notes.insert(0, "DEMONSTRATION: some plans rest on synthetic events, which are not real")
    deleted = set(visits["plan_id"].dropna()) - {plan.plan_id for plan in all_plans}
    if deleted:
        deleted_text = "1 deleted plan" if len(deleted) == 1 else f"{len(deleted):,} deleted plans"
        notes.append(f"Planned minutes do not include {deleted_text} that visits answer")
    unused = [
        plan
        for plan in all_plans
        if plan not in selected and _is_within(plan.begins.astimezone(zone).date(), start, end)
    ]
    if unused:
        names = ", ".join(sorted(plan.plan_id for plan in unused)[:_MOST_NAMED_PLANS]) + (
            " …" if len(unused) > _MOST_NAMED_PLANS else ""
        )
        unused_text = (
            "1 plan was only tried and is" if len(unused) == 1 else f"{len(unused):,} plans were only tried and are"
        )
        notes.append(f"{unused_text} left out: {names}")
    spans = zip(visits["team"], visits["started_at"], visits["minutes"], strict=True)
    notes += describe_overlap(span for span in spans if _is_within(span[1].tz_convert(zone).date(), start, end))
    return tuple(notes)


def build_return_csv(frame: pd.DataFrame) -> bytes:
    """The return as CSV (UTF-8); text that looks like a formula is made harmless."""
    return escape_formulas(_round_shares(frame)).to_csv(index=False, lineterminator="\n").encode()


def build_return_xlsx(frame: pd.DataFrame, notes: Sequence[str]) -> bytes:
    """The return as a workbook with the sheets Return and About; numbers are numbers, text never runs."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, _WORKBOOK) as book:
        book.set_properties({"created": dt.datetime(2000, 1, 1)})  # noqa: DTZ001 - the same bytes for the same return
        sheet, bold = book.add_worksheet("Return"), book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, max(len(frame.columns) - 1, 0), _COLUMN_WIDTH)
        for column, name in enumerate(frame.columns):
            sheet.write_string(0, column, name.replace("_", " "), bold)
            for line, value in enumerate(_round_shares(frame)[name].tolist(), start=1):
                if isinstance(value, str):
                    sheet.write_string(line, column, escape_formula(value))
                elif pd.notna(value):
                    sheet.write_number(line, column, value)
        about = book.add_worksheet("About")
        for line, note in enumerate(notes):
            about.write_string(line, 0, escape_formula(note))
    return buffer.getvalue()


def _round_shares(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(delivered_share=frame["delivered_share"].round(3))
