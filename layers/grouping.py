"""What counts are grouped by: one object for each grouping, which no other module names.

To add a grouping, add its name to Group and its object to GROUPINGS.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar, format_month
from geo.cells import format_cells
from geo.errors import UsageError
from geo.wards import Wards
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.event import REPORTERS
from layers.filters import DAYS

__all__ = ["GROUPINGS", "GROUPS", "Group", "Grouping", "Groups", "Parts", "PeriodUnit", "parse_groups"]

Group = Literal[
    "cell", "ward", "council", "year", "quarter", "month", "week", "weekday", "hour", "layer", "category", "reporter"
]
Labels = dict[str, Sequence[object]]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
_OTHER_NAMES: Final = {"reported_by": "reporter", "reported-by": "reporter"}  # of columns, keywords and options
_EPOCH: Final = dt.date(1970, 1, 1)
_MONDAY: Final = 3  # 1 January 1970 was a Thursday: its week began three days before


def parse_groups(text: str) -> tuple[Group, ...]:
    """What to group by, from a text such as "ward,month"; UsageError for an unknown or repeated group."""
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    requested = [_OTHER_NAMES.get(part, part) for part in parts]
    known = tuple(group for part in requested for group in GROUPS if group == part)
    if not known or len(known) < len(requested) or len(set(known)) < len(known):
        raise UsageError(
            f"Counts can be grouped by any of {', '.join(GROUPS)}, each once",
            f"you asked for {text!r}",
            "write for example ward,month",
        )
    return known


@dataclass(frozen=True, slots=True)
class PeriodUnit:
    """Consecutive periods: the number of an instant's period in local time, its first UTC second, its name."""

    find: Callable[[Calendar, NDArray[np.int64]], NDArray[np.int64]]
    start: Callable[[Calendar, int], int]
    label: Callable[[int], str]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts (m,) into which the selected events are cut; an event at an instant is one part.

    `index` is the index of each part's event in the columns. `period` is the index of the last of `edges` (UTC seconds)
    that is not after the part; between two edges no period begins. `weekday` (Monday 0) and `hour` are -1 where they
    are not known. Arrays that no grouping needs are empty.
    """

    columns: Columns
    index: NDArray[np.int64]
    edges: NDArray[np.int64]
    period: NDArray[np.int64]
    weekday: NDArray[np.int64]
    hour: NDArray[np.int64]
    calendar: Calendar
    resolution: int
    wards: Wards | None


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The code of each part (m,), below `size`, and a function from codes to columns of labels."""

    code: NDArray[np.integer]
    size: int
    label: Callable[[NDArray[np.int64]], Labels]


@dataclass(frozen=True, slots=True)
class Grouping:
    """One thing to group by; rows are sorted by its codes.

    `titles` are its columns with their headings on screens. With `unit`, events are cut where its periods begin. With
    `clock`, events are shared over the weekdays, or hours, that they meet. The label "" means not known.
    """

    title: str
    titles: dict[str, str]
    group: Callable[[Parts], Groups]
    unit: PeriodUnit | None = None
    clock: Literal["weekday", "hour"] | None = None
    show: Callable[[object], str] = str  # a label on screens


def _group_in_order(column: str, names: Sequence[object], code: NDArray[np.integer]) -> Groups:
    """Groups by codes that index names; the order of the names is that of the rows."""
    return Groups(code, len(names), lambda codes: {column: [names[place] for place in codes.tolist()]})


def _group_by_name(column: str, names: Sequence[str], code: NDArray[np.integer]) -> Groups:
    """Groups by codes that index names, in alphabetical order; equal names are one group."""
    order = sorted(set(names))
    rank = np.array([order.index(name) for name in names], dtype=np.int64)
    return _group_in_order(column, order, rank[code])


def _group_by_cell(parts: Parts) -> Groups:
    ids = parts.columns.cell_ids[parts.resolution]
    code = parts.columns.find_cell_codes(parts.index, parts.resolution, hides_small=True)
    return Groups(code, len(ids), lambda codes: {"cell": format_cells(ids[codes])})


def _group_by_ward(parts: Parts) -> Groups:
    codes = sorted(parts.columns.ward_codes)
    rank = np.array([codes.index(code) for code in parts.columns.ward_codes], dtype=np.int64)
    wards = parts.wards
    names = dict(zip(wards.codes, wards.names, strict=True)) if wards else {}

    def label(places: NDArray[np.int64]) -> Labels:
        labelled = [codes[place] for place in places.tolist()]
        return {"ward_code": labelled, "ward_name": [names.get(code, code) for code in labelled]}

    return Groups(rank[parts.columns.ward[parts.index]], len(codes), label)


def _group_by_council(parts: Parts) -> Groups:
    wards = parts.wards
    if wards is None:
        raise UsageError(
            "Grouping by council needs the wards of the area", "no wards were given", "give the area's wards"
        )
    councils = {
        code: name or authority
        for code, name, authority in zip(wards.codes, wards.lad_names, wards.lad_codes, strict=True)
    }
    names = [councils.get(code, "") for code in parts.columns.ward_codes]
    return _group_by_name("council", names, parts.columns.ward[parts.index])


def _build_period_grouping(column: str, unit: PeriodUnit) -> Grouping:
    def group(parts: Parts) -> Groups:
        number = unit.find(parts.calendar, parts.edges)
        first = int(number.min()) if len(number) else 0
        size = int(number.max()) - first + 1 if len(number) else 0

        def label(codes: NDArray[np.int64]) -> Labels:
            numbers = codes.tolist()
            names = {number: unit.label(first + number) for number in set(numbers)}
            return {column: [names[number] for number in numbers]}

        return Groups((number - first)[parts.period], size, label)

    return Grouping(column.capitalize(), {column: column.capitalize()}, group, unit=unit)


def _build_month_unit(months: int, label: Callable[[int], str]) -> PeriodUnit:
    return PeriodUnit(
        find=lambda calendar, seconds: calendar.months(seconds) // months,
        start=lambda calendar, number: calendar.month_start(number * months),
        label=label,
    )


def _find_monday(week: int) -> dt.date:
    return _EPOCH + dt.timedelta(days=7 * week - _MONDAY)


_WEEK: Final = PeriodUnit(
    find=lambda calendar, seconds: (calendar.days(seconds) + _MONDAY) // 7,
    start=lambda calendar, number: calendar.day_start(_find_monday(number)),
    label=lambda number: _find_monday(number).isoformat(),
)

GROUPINGS: Final[dict[Group, Grouping]] = {
    "cell": Grouping("Cell", {"cell": "Cell"}, _group_by_cell),
    "ward": Grouping("Ward", {"ward_code": "Code", "ward_name": "Ward"}, _group_by_ward),
    "council": Grouping("Council", {"council": "Council"}, _group_by_council),
    "year": _build_period_grouping("year", _build_month_unit(12, lambda number: f"{1970 + number:04d}")),
    "quarter": _build_period_grouping(
        "quarter", _build_month_unit(3, lambda number: f"{1970 + number // 4:04d}-Q{number % 4 + 1}")
    ),
    "month": _build_period_grouping("month", _build_month_unit(1, format_month)),
    "week": _build_period_grouping("week", _WEEK),
    "weekday": Grouping(
        "Weekday",
        {"weekday": "Weekday"},
        lambda parts: _group_in_order("weekday", ("", *DAYS), parts.weekday + 1),
        clock="weekday",
        show=lambda label: str(label).capitalize(),
    ),
    "hour": Grouping(
        "Hour",
        {"hour": "Hour"},
        lambda parts: _group_in_order("hour", ("", *range(24)), parts.hour + 1),
        clock="hour",
        show="{:02d}:00".format,
    ),
    "layer": Grouping(
        "Layer",
        {"layer": "Layer"},
        lambda parts: _group_by_name("layer", LAYER_NAMES, parts.columns.layer[parts.index]),
    ),
    "category": Grouping(
        "Category",
        {"category": "Category"},
        lambda parts: _group_in_order("category", parts.columns.categories, parts.columns.category[parts.index]),
    ),
    "reporter": Grouping(
        "Reporter",
        {"reported_by": "Reported by"},
        lambda parts: _group_by_name("reported_by", REPORTERS, parts.columns.reported_by[parts.index]),
    ),
}
