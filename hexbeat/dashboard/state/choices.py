"""What the person chose: one value that fits in a link, and that becomes the filters of the counts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, get_args

import h3

from hexbeat.analysis.change_map import AGAINST, Against
from hexbeat.dashboard.state.presets import DEFAULT_PERIOD, PERIODS, SHIFTS
from layers.catalogue import LAYER_NAMES
from layers.column_filter import ColumnFilter
from layers.columns import Columns
from layers.event import RESOLUTIONS, Measure
from layers.filters import COLUMN_FILTERS, ColumnChoices, Filter

__all__ = [
    "DEFAULT_LAYER",
    "OWN_DATES",
    "OWN_HOURS",
    "VIEWS",
    "Choices",
    "View",
    "build_filter",
    "format_query",
    "is_cell",
    "parse_query",
]

View = Literal["counts", "hotspots", "change", "expected"]

VIEWS: Final[tuple[View, ...]] = get_args(View)
DEFAULT_LAYER: Final = LAYER_NAMES[0]
OWN_DATES: Final = "dates"
OWN_HOURS: Final = "hours"
DAY_WORDS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CELL_PATTERN: Final = re.compile(r"8[89ab][0-9a-f]{13}")
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)  # beyond that a link is a typing error


@dataclass(frozen=True, slots=True)
class Choices(ColumnChoices):
    """The choices of the map page; those of COLUMN_FILTERS come from ColumnChoices.

    `period` names a preset, or is "dates" and then `dates` is the half-open period. `shift` names a preset, or is
    "hours" and then `hours` says which. Empty `days` and `wards` mean all of them; `size` is an H3
    resolution, None lets the page choose. `view` is what the map shows of the counts, `against` what "change" compares
    them with. `cell` is the H3 string of the cell whose card is open.
    """

    layers: tuple[str, ...] = (DEFAULT_LAYER,)
    period: str = DEFAULT_PERIOD
    dates: tuple[date, date] | None = None
    days: frozenset[int] = frozenset()
    shift: str = "any"
    hours: tuple[int, int] | None = None
    wards: tuple[str, ...] = ()
    measure: Measure = "events"
    size: int | None = None
    view: View = "counts"
    against: Against = "before"
    cell: str | None = None

    def bounds(self, last: date) -> tuple[date, date]:
        """The half-open period that is meant when `last` is the last known day."""
        if self.period == OWN_DATES and self.dates:
            return self.dates
        return PERIODS[self.period if self.period in PERIODS else DEFAULT_PERIOD].bounds(last)

    def clock(self) -> tuple[int, int] | None:
        """The hours [from, to) that are meant; None for all."""
        return self.hours if self.shift == OWN_HOURS else SHIFTS[self.shift].hours


def build_filter(choices: Choices, *, layer: str, start: date, end: date) -> Filter:
    """The filter of one layer over [start, end) with everything else as chosen.

    Words that the records of one layer use say nothing of another's: a layer that was not chosen, on a cell's card
    beside those that were, counts whole.
    """
    beside = bool(choices.layers) and layer not in choices.layers
    return Filter(
        layers=(layer,),
        start=start,
        end=end,
        wards=choices.wards,
        hours=choices.clock(),
        days=choices.days,
        measure=choices.measure,
        **{one.field: () if beside and not one.known else one.get_chosen(choices) for one in COLUMN_FILTERS},
    )


def format_query(choices: Choices, *, fixed: tuple[date, date] | None = None) -> dict[str, str]:
    """The choices as query parameters; what is as on opening is left out.

    `fixed` replaces a moving period ("last 28 days") by its dates, so that who opens the link sees the same figures.
    """
    if fixed:
        choices = replace(choices, period=OWN_DATES, dates=fixed)
    own_dates = choices.dates if choices.period == OWN_DATES else None
    own_hours = choices.hours if choices.shift == OWN_HOURS else None
    words = {
        "layers": "" if choices.layers == (DEFAULT_LAYER,) else ",".join(choices.layers),
        "period": "" if own_dates or choices.period == DEFAULT_PERIOD else choices.period,
        "from": own_dates[0].isoformat() if own_dates else "",
        "to": own_dates[1].isoformat() if own_dates else "",
        "days": ",".join(DAY_WORDS[day] for day in sorted(choices.days)),
        "shift": "" if choices.shift in ("any", OWN_HOURS) else choices.shift,
        "hours": f"{own_hours[0]:02d}-{own_hours[1]:02d}" if own_hours else "",
        "wards": ",".join(choices.wards),
        "measure": "" if choices.measure == "events" else choices.measure,
        "size": str(choices.size or ""),
        **{one.query: one.format_query(one.get_chosen(choices)) for one in COLUMN_FILTERS},
        "view": "" if choices.view == "counts" else choices.view,
        "against": "" if choices.against == "before" else choices.against,
        "cell": choices.cell or "",
    }
    return {key: value for key, value in words.items() if value}


def parse_query(
    query: Mapping[str, str], *, ward_codes: tuple[str, ...], columns: Columns | None = None
) -> tuple[Choices, list[str]]:
    """The choices that a link carries, and a sentence for each part of it that cannot be used and was left out.

    Never fails: a link comes from anywhere. What it says is only ever compared with what there is: values that are the
    records' own words with those that `columns` have, where None has none.
    """
    read = _LinkReader(query)
    layers = read.several("layers", LAYER_NAMES, "layer") or (DEFAULT_LAYER,)
    dates = read.dates()
    hours = read.hours()
    choices = Choices(
        layers=layers,
        period=OWN_DATES if dates else read.one("period", tuple(PERIODS), "period") or DEFAULT_PERIOD,
        dates=dates,
        days=frozenset(DAY_WORDS.index(day) for day in read.several("days", DAY_WORDS, "weekday")),
        shift=OWN_HOURS if hours else read.one("shift", tuple(SHIFTS), "shift") or "any",
        hours=hours,
        wards=read.several("wards", ward_codes, "ward"),
        measure="quantity" if read.one("measure", get_args(Measure), "measure") == "quantity" else "events",
        size=int(read.one("size", tuple(map(str, RESOLUTIONS)), "size of cells") or 0) or None,
        **{one.field: read.values(one, columns, layers) for one in COLUMN_FILTERS},
        view=read.view(),
        against="year_before" if read.one("against", AGAINST, "period to compare with") == "year_before" else "before",
        cell=read.cell(),
    )
    return choices, read.problems


class _LinkReader:
    """Takes the parts of a link one by one and notes what it cannot use."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query, self.problems = query, list[str]()

    def several(self, key: str, known: Sequence[str], what: str) -> tuple[str, ...]:
        """The known words under `key`, in the order of `known`."""
        return self._known({word.strip() for word in self.query.get(key, "").split(",")} - {""}, known, what)

    def values(self, one: ColumnFilter, columns: Columns | None, layers: tuple[str, ...]) -> tuple[str, ...]:
        """The values of a filter by a column that these layers' records can have, in their order."""
        given = set(one.parse_query(self.query.get(one.query, "")))
        if not given:
            return ()
        known = one.find_values(columns, layers) if columns is not None else one.known
        return self._known(given, known, one.link_noun)

    def _known(self, given: set[str], known: Sequence[str], what: str) -> tuple[str, ...]:
        if given - set(known):
            self.problems.append(f"The link names a {what} that does not exist here. It was left out.")
        return tuple(word for word in known if word in given)

    def one(self, key: str, known: tuple[str, ...], what: str) -> str | None:
        """The single word under `key`, if it is known."""
        return next(iter(self.several(key, known, what)), None)

    def view(self) -> View:
        """The view of a link, counts if it names none."""
        named = self.one("view", VIEWS, "view")
        return next((view for view in VIEWS if view == named), "counts")

    def dates(self) -> tuple[date, date] | None:
        """The period [from, to) of a link, both days needed."""
        if "from" not in self.query and "to" not in self.query:
            return None
        try:
            start, end = (date.fromisoformat(self.query.get(key, "")) for key in ("from", "to"))
        except ValueError:
            start = end = date.min
        if not EARLIEST <= start < end <= LATEST:
            self.problems.append("The dates in the link are not a period. The last 28 days are shown instead.")
            return None
        return start, end

    def hours(self) -> tuple[int, int] | None:
        """The hours of a link: 22-04 runs over midnight."""
        text = self.query.get("hours")
        if text is None:
            return None
        match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
        hours = (int(match[1]), int(match[2])) if match else (0, 0)
        if not (hours[0] < 24 and 0 < hours[1] <= 24 and hours[0] != hours[1]):  # noqa: PLR2004 - hours of a day
            self.problems.append("The hours in the link do not exist. All hours are shown.")
            return None
        return None if hours == (0, 24) else hours

    def cell(self) -> str | None:
        """The cell of a link, if it looks like one of the resolutions that there are."""
        text = self.query.get("cell", "").lower()
        if text and not is_cell(text):
            self.problems.append("The link names a cell that does not exist. It was left out.")
            return None
        return text or None


def is_cell(text: str) -> bool:
    """Whether a text is the H3 index of a cell at one of the resolutions that there are."""
    return bool(CELL_PATTERN.fullmatch(text)) and h3.is_valid_cell(text)
