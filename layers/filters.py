"""The filter: layers, a period, wards, hours, days, columns of the events and a measure, and how people write them.

A filter by a column (categories, reporters) is one object of COLUMN_FILTERS and one field of ColumnChoices, both here.
The command line, links, widgets, sentences and counts use these objects and name no column themselves.
"""

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from geo.errors import UsageError
from geo.wards import Wards
from layers.catalogue import find_layer_code
from layers.column_filter import ColumnFilter
from layers.columns import Columns
from layers.event import REPORTERS, RESOLUTIONS, Measure
from layers.wording import format_list

__all__ = [
    "COLUMN_FILTERS",
    "DAYS",
    "MEASURES",
    "ColumnChoices",
    "Filter",
    "describe_columns",
    "filter_from_options",
    "parse_days",
    "parse_hours",
    "require_resolution",
    "resolve_values",
    "resolve_wards",
]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
_HOURS: Final = re.compile(r"\s*([0-9]{1,2})(?::00)?\s*-\s*([0-9]{1,2})(?::00)?\s*")
_MOST_LISTED_VALUES: Final = 20  # that an error lists


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoices:
    """The chosen values of each filter by a column, in its field; no values mean all."""

    categories: tuple[str, ...] = ()
    reported_by: tuple[str, ...] = ()


COLUMN_FILTERS: Final = (
    ColumnFilter(
        field="categories",
        column="category",
        table="categories",
        query="category",
        option="--category",
        metavar="NAME",
        help="Only this category of the records; may be repeated.",
        noun="category",
        link_noun="category",
        topic="the category",
        title="Category",
        section="what",
        widget="multiselect",
        hint="As the records name them. None chosen means all, those without a category too.",
        lead="category",
        words={"": "not recorded"},
        conjunction="or",
        in_brackets=True,
    ),
    ColumnFilter(
        field="reported_by",
        column="reported_by",
        known=REPORTERS,
        query="reported",
        option="--reported-by",
        metavar="WHO",
        help="public, officer, sweep or agency; may be repeated.",
        noun="reporter",
        link_noun="kind of reporter",
        topic="who reported",
        title="Reported by",
        section="how",
        widget="pills",
        hint="None chosen means everyone.",
        titles={"public": "Public", "officer": "Officers", "sweep": "Sweeps", "agency": "Agencies"},
        lead="reported by",
        words={"public": "the public", "officer": "officers", "sweep": "sweeps", "agency": "agencies"},
    ),
)


@dataclass(frozen=True, slots=True)
class Filter(ColumnChoices):
    """Which events count, and what is summed; empty tuples and None mean all.

    `layers` are names, `wards` codes; ColumnChoices holds the other columns. The period is [start, end) of local
    dates. `hours` (from, to) are whole hours; `to` is exclusive and may be 24. (22, 4) runs over midnight and belongs
    to the day on which it begins. `days` are weekdays, Monday 0. `measure` says what is summed. Raises UsageError for
    unknown names and impossible periods, hours or days.
    """

    layers: tuple[str, ...] = ()
    start: dt.date | None = None
    end: dt.date | None = None
    wards: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None
    days: frozenset[int] = frozenset()
    measure: Measure = "events"

    def __post_init__(self) -> None:
        for name in self.layers:
            find_layer_code(name)
        for column_filter in COLUMN_FILTERS:
            if column_filter.known:
                _require_known(column_filter.noun, column_filter.get_chosen(self), column_filter.known)
        _require_known("measure", (self.measure,), MEASURES)
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise UsageError(
                "A period begins before it ends. Its end is the first day that no longer counts",
                f"you asked for {self.start} to {self.end}",
                "for one day, give the day after it as the end",
            )
        if self.hours is not None:
            _require_hours(*self.hours)
        if not self.days <= set(range(7)):
            raise UsageError(
                "Weekdays have numbers from 0 (Monday) to 6 (Sunday)",
                f"you asked for {', '.join(map(str, sorted(self.days)))}",
                "leave them out for all days",
            )


def require_resolution(resolution: int) -> int:
    """The resolution, if events are indexed at it; UsageError for another."""
    if resolution not in RESOLUTIONS:
        raise UsageError(
            f"Events are indexed at H3 resolutions {', '.join(map(str, RESOLUTIONS))}",
            f"you asked for resolution {resolution}",
            "choose 9, the usual one, or 10 for plans",
        )
    return resolution


def parse_hours(text: str) -> tuple[int, int]:
    """Hours as people write them, 22-04 or 22:00-04:00, as (from, to); UsageError for anything else."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise UsageError(
            "Hours are two whole hours with a hyphen between them",
            f"{text!r} is not written like that",
            "write 22-04 for a night, or 6-14",
        )
    first, last = int(match[1]), int(match[2])
    if last == 0 < first:
        last = 24
    _require_hours(first, last)
    return first, last


def parse_days(text: str) -> frozenset[int]:
    """Weekdays as people write them, "fri,sat" or "Friday, Saturday", as numbers; UsageError for anything else."""
    days = set()
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word[:3] not in DAYS or not _get_weekday_name(DAYS.index(word[:3])).startswith(word):
            raise UsageError(
                "Days are weekdays with commas between them",
                f"{word!r} is not a weekday",
                f"choose from {', '.join(DAYS)}",
            )
        days.add(DAYS.index(word[:3]))
    return frozenset(days)


def resolve_wards(wards: Wards, requested: Iterable[str]) -> tuple[str, ...]:
    """Codes, sorted and each once, of wards requested by code or name in any case.

    A name that several wards have stands for all of them. Raises UsageError, with similar names, for a text that is
    neither a code nor a name.
    """
    ward_codes: set[str] = set()
    for text in requested:
        key = text.strip().casefold()
        codes = {
            code
            for code, name in zip(wards.codes, wards.names, strict=True)
            if key in (code.casefold(), name.casefold())
        }
        if not codes:
            raise _build_unknown_ward_error(wards, text)
        ward_codes |= codes
    return tuple(sorted(ward_codes))


def filter_from_options(
    wards: Wards,
    *,
    layers: Iterable[str] = (),
    start: dt.date | None = None,
    end: dt.date | None = None,
    ward_names: Iterable[str] = (),
    hours: str | None = None,
    days: str | None = None,
    measure: Measure = "events",
    **values: Iterable[str],
) -> Filter:
    """Build a filter from what a person wrote: wards by code or name, hours as 22-04, days as fri,sat.

    `values` are those of the filters by a column, by their fields.
    """
    return Filter(
        layers=tuple(dict.fromkeys(layers)),
        start=start,
        end=end,
        wards=resolve_wards(wards, ward_names),
        hours=parse_hours(hours) if hours else None,
        days=parse_days(days) if days else frozenset(),
        measure=measure,
        **{field: tuple(dict.fromkeys(names)) for field, names in values.items()},
    )


def resolve_values(chosen: Filter, columns: Columns) -> Filter:
    """The filter with values in the spelling of the records of its layers, whatever the case.

    This is for filters whose values are the records' own words, such as categories. A value stands for all that differ
    from it in capitals alone. Raises UsageError, with the values of the records, for one that no record has.
    """
    resolved: dict[str, Any] = {}
    for column_filter in COLUMN_FILTERS:
        if column_filter.known or not column_filter.get_chosen(chosen):
            continue
        known_values = column_filter.find_values(columns, chosen.layers)
        spellings: list[str] = []
        for value in column_filter.get_chosen(chosen):
            matches = [name for name in known_values if name.casefold() == value.strip().casefold()]
            if not matches:
                raise _build_unknown_value_error(column_filter, value, known_values, chosen.layers)
            spellings += matches
        resolved[column_filter.field] = tuple(dict.fromkeys(spellings))
    return replace(chosen, **resolved) if resolved else chosen


def describe_columns(chosen: ColumnChoices, *, names_reporter: bool = False) -> str:
    """What the filters by columns add after the noun: " (category fatal) reported by officers and sweeps".

    names_reporter: the noun says by whom, as in "searches by officers", so that no clause has to.
    """
    clauses = [
        (column_filter, column_filter.describe(column_filter.get_chosen(chosen)))
        for column_filter in COLUMN_FILTERS
        if not (names_reporter and column_filter.column == "reported_by")
    ]
    return "".join(
        f" ({clause})" if column_filter.in_brackets else f" {clause}" for column_filter, clause in clauses if clause
    )


def _get_weekday_name(day: int) -> str:
    return ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[day]


def _require_known(what: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(
                f"A {what} is one of {', '.join(known)}", f"there is no {what} {name!r}", "check the spelling"
            )


def _require_hours(first: int, last: int) -> None:
    if not (0 <= first <= 23 and 0 <= last <= 24 and first != last):  # noqa: PLR2004 (hours of a day)
        raise UsageError(
            "Hours start at 0 to 23 and end at another hour, up to 24",
            f"you asked for {first} to {last}",
            "write 22-04 for a night, and leave hours out for the whole day",
        )


def _build_unknown_value_error(
    column_filter: ColumnFilter, value: str, known_values: tuple[str, ...], layers: tuple[str, ...]
) -> UsageError:
    of_layers = f" of {format_list(layers)}" if layers else ""
    hint = (
        f"choose from {format_list([column_filter.quote(name) for name in known_values], most=_MOST_LISTED_VALUES)}"
        if known_values
        else f"leave the {column_filter.noun} out"
    )
    similar = difflib.get_close_matches(value, known_values, n=1, cutoff=0.6)
    if similar and len(known_values) > _MOST_LISTED_VALUES:
        hint = f"did you mean {similar[0]}? Or {hint}"
    fact = (
        f"no record{of_layers} has {value!r}"
        if known_values
        else f"you asked for {value!r}, and the records{of_layers} have none"
    )
    return UsageError(f"A {column_filter.noun} has to be in the records", fact, hint)


def _build_unknown_ward_error(wards: Wards, text: str) -> UsageError:
    names_by_key = {name.casefold(): name for name in (*wards.names, *wards.codes)}
    similar = difflib.get_close_matches(text.strip().casefold(), names_by_key, n=3, cutoff=0.6)
    hint = (
        f"did you mean {' or '.join(names_by_key[key] for key in similar)}?"
        if similar
        else "see the names of the wards on the map"
    )
    return UsageError(
        "A ward is chosen by its code or its name", f"no ward of this area has the code or name {text!r}", hint
    )
