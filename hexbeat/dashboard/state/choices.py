"""The choices of the Map page: a value that fits in a link and becomes the filters of the counts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, get_args

import h3
import numpy as np

from hexbeat.analysis.change_map import AGAINST, Against
from hexbeat.dashboard.state.presets import DEFAULT_PERIOD, PERIODS, SHIFTS
from layers.catalogue import LAYER_NAMES, find_layer_code
from layers.column_filter import ColumnFilter
from layers.columns import Columns
from layers.event import RESOLUTIONS, Measure
from layers.filters import COLUMN_FILTERS, DAYS, ColumnChoices, Filter
from layers.wording import format_list

__all__ = [
    "DEFAULT_LAYER",
    "OWN_DATES",
    "OWN_HOURS",
    "VIEWS",
    "Choices",
    "View",
    "build_filter",
    "choose_first_layer",
    "format_query",
    "is_cell",
    "parse_query",
]

View = Literal["counts", "hotspots", "change", "expected"]

VIEWS: Final[tuple[View, ...]] = get_args(View)
DEFAULT_LAYER: Final = LAYER_NAMES[0]
OWN_DATES: Final = "dates"
OWN_HOURS: Final = "hours"

CELL_PATTERN: Final = re.compile(r"8[89ab][0-9a-f]{13}")
MOST_NAMED: Final = 3
NAME_PATTERN: Final = re.compile(r"[a-z_]{1,20}")  # of a part of a link; anything else is not repeated on the page
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)  # outside these the link has a typing error


@dataclass(frozen=True, slots=True)
class Choices(ColumnChoices):
    """The choices of the Map page; those of COLUMN_FILTERS come from ColumnChoices.

    `period` names a preset, or is "dates", with the half-open period in `dates`. `shift` names a preset, or is "hours",
    with the hours in `hours`. Empty `days` and `wards` mean all. `size` is an H3 resolution (None: the page chooses).
    `view` is what the map shows, `against` the period that "change" compares with. `cell` is the H3 string of the cell
    whose card is open.
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
        """The half-open period of the choices if `last` is the last known day."""
        if self.period == OWN_DATES and self.dates:
            return self.dates
        return PERIODS[self.period if self.period in PERIODS else DEFAULT_PERIOD].bounds(last)

    def clock(self) -> tuple[int, int] | None:
        """The hours [from, to) of the choices; None for all."""
        return self.hours if self.shift == OWN_HOURS else SHIFTS[self.shift].hours


def build_filter(choices: Choices, *, layer: str, start: date | None, end: date | None) -> Filter:
    """The filter of one layer over [start, end), with everything else as chosen.

    A category of one layer means nothing for another. So a layer that was not chosen, which a cell's card shows beside
    the chosen ones, is counted without such filters.
    """
    is_beside = bool(choices.layers) and layer not in choices.layers
    return Filter(
        layers=(layer,),
        start=start,
        end=end,
        wards=choices.wards,
        hours=choices.clock(),
        days=choices.days,
        measure=choices.measure,
        **{
            column_filter.field: () if is_beside and not column_filter.known else column_filter.get_chosen(choices)
            for column_filter in COLUMN_FILTERS
        },
    )


def choose_first_layer(columns: Columns) -> str:
    """The layer that the map opens on: DEFAULT_LAYER, or, without a record of it, the first that has records."""
    has_records = np.bincount(columns.layer, minlength=len(LAYER_NAMES)) > 0
    layer_names = [spec.name for spec in columns.list_shown(in_cells=True)]
    with_records = [name for name in layer_names if has_records[find_layer_code(name)]]
    return DEFAULT_LAYER if DEFAULT_LAYER in with_records else next(iter([*with_records, *layer_names]), DEFAULT_LAYER)


def format_query(
    choices: Choices, *, fixed: tuple[date, date] | None = None, layer: str = DEFAULT_LAYER
) -> dict[str, str]:
    """The choices as query parameters, without those that have their default.

    `layer` is the one that the map opens on. Only DEFAULT_LAYER is left out, so that a link means the same once other
    records are loaded.

    `fixed` replaces a moving period ("last 28 days") by its dates, so that a person who opens the link sees the same
    figures.
    """
    if fixed:
        choices = replace(choices, period=OWN_DATES, dates=fixed)
    own_dates = choices.dates if choices.period == OWN_DATES else None
    own_hours = choices.hours if choices.shift == OWN_HOURS else None
    texts = {
        "layers": "" if choices.layers == (layer,) == (DEFAULT_LAYER,) else ",".join(choices.layers),
        "period": "" if own_dates or choices.period == DEFAULT_PERIOD else choices.period,
        "from": own_dates[0].isoformat() if own_dates else "",
        "to": own_dates[1].isoformat() if own_dates else "",
        "days": ",".join(DAYS[day] for day in sorted(choices.days)),
        "shift": "" if choices.shift in ("any", OWN_HOURS) else choices.shift,
        "hours": f"{own_hours[0]:02d}-{own_hours[1]:02d}" if own_hours else "",
        "wards": ",".join(choices.wards),
        "measure": "" if choices.measure == "events" else choices.measure,
        "size": str(choices.size or ""),
        **{
            column_filter.query: column_filter.format_query(column_filter.get_chosen(choices))
            for column_filter in COLUMN_FILTERS
        },
        "view": "" if choices.view == "counts" else choices.view,
        "against": _format_against(choices.against),
        "cell": choices.cell or "",
    }
    return {key: value for key, value in texts.items() if value}


def parse_query(
    query: Mapping[str, str],
    *,
    ward_codes: tuple[str, ...],
    columns: Columns | None = None,
    layer: str = DEFAULT_LAYER,
    is_inside: Callable[[str], bool] | None = None,
) -> tuple[Choices, list[str]]:
    """The choices of a link, and a sentence for each part that was left out because it cannot be used.

    It raises nothing, because a link can come from anywhere. Parts are only compared with known values; values of the
    records are compared with those in `columns` (None: no such value is known). `layer` is that of a link without one.
    `is_inside` says of a cell (H3 string) whether it lies in the area (None: all do).
    """
    reader = _LinkReader(query)
    layer_names = LAYER_NAMES if columns is None else [spec.name for spec in columns.list_shown(in_cells=True)]
    layers = reader.read_words("layers", layer_names, "layer") or (layer,)
    dates = reader.read_dates()
    hours = reader.read_hours()
    choices = Choices(
        layers=layers,
        period=OWN_DATES if dates else reader.read_word("period", tuple(PERIODS), "period") or DEFAULT_PERIOD,
        dates=dates,
        days=frozenset(DAYS.index(day) for day in reader.read_words("days", DAYS, "weekday")),
        shift=OWN_HOURS if hours else reader.read_word("shift", tuple(SHIFTS), "shift") or "any",
        hours=hours,
        wards=reader.read_words("wards", ward_codes, "ward"),
        measure="quantity" if reader.read_word("measure", get_args(Measure), "measure") == "quantity" else "events",
        size=int(reader.read_word("size", tuple(map(str, RESOLUTIONS)), "size of cells") or 0) or None,
        **{column_filter.field: reader.read_values(column_filter, columns, layers) for column_filter in COLUMN_FILTERS},
        view=reader.read_view(),
        against=reader.read_against(),
        cell=reader.read_cell(is_inside),
    )
    reader.find_unknown_keys()
    return choices, reader.problems


def _format_against(against: Against) -> str:
    """The period to compare with in a link; "" for the period before."""
    if isinstance(against, str):
        return "" if against == "before" else against
    return f"{against[0].isoformat()}:{against[1].isoformat()}"


class _LinkReader:
    """Reads the parts of a link, and notes in `problems` what it cannot use."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query, self.problems = query, list[str]()

    def read_words(self, key: str, known: Sequence[str], what: str) -> tuple[str, ...]:
        """The known words under `key`, in the order of `known`."""
        return self._select_known({word.strip() for word in self.query.get(key, "").split(",")} - {""}, known, what)

    def read_values(
        self, column_filter: ColumnFilter, columns: Columns | None, layers: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The values of a column filter that the records of these layers can have, in their order."""
        words = set(column_filter.parse_query(self.query.get(column_filter.query, "")))
        if not words:
            return ()
        known = column_filter.find_values(columns, layers) if columns is not None else column_filter.known
        return self._select_known(words, known, column_filter.link_noun)

    def _select_known(self, words: set[str], known: Sequence[str], what: str) -> tuple[str, ...]:
        if words - set(known):
            self.problems.append(f"The link names a {what} that does not exist here. It was left out.")
        return tuple(word for word in known if word in words)

    def read_word(self, key: str, known: tuple[str, ...], what: str) -> str | None:
        """The single word under `key`, if it is known."""
        return next(iter(self.read_words(key, known, what)), None)

    def read_view(self) -> View:
        """The view of a link, counts if it names none."""
        word = self.read_word("view", VIEWS, "view")
        return next((view for view in VIEWS if view == word), "counts")

    def read_dates(self) -> tuple[date, date] | None:
        """The period [from, to) of a link, both days needed."""
        if "from" not in self.query and "to" not in self.query:
            return None
        period = self._read_period(self.query.get("from", ""), self.query.get("to", ""))
        if not (self.query.get("from") and self.query.get("to")):
            half = "a first day without an end" if self.query.get("from") else "an end without a first day"
            self.problems.append(f"The link has {half}. The last 28 days are shown instead.")
        elif period is None:
            self.problems.append("The dates in the link are not a period. The last 28 days are shown instead.")
        return period

    def read_against(self) -> Against:
        """The period to compare with: by its name, or any as 2025-01-01:2025-04-01."""
        first, colon, end = self.query.get("against", "").partition(":")
        if not colon:
            word = self.read_word("against", AGAINST, "period to compare with")
            return next((name for name in AGAINST if name == word), "before")
        period = self._read_period(first, end)
        if period is None:
            self.problems.append("The dates to compare with are not a period. The period before is compared instead.")
        return period or "before"

    @staticmethod
    def _read_period(first: str, end: str) -> tuple[date, date] | None:
        try:
            period = date.fromisoformat(first), date.fromisoformat(end)
        except ValueError:
            return None
        return period if EARLIEST <= period[0] < period[1] <= LATEST else None

    def read_hours(self) -> tuple[int, int] | None:
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

    def read_cell(self, is_inside: Callable[[str], bool] | None) -> str | None:
        """The cell of a link; None if the link names none, no cell at one of RESOLUTIONS, or one outside the area."""
        text = self.query.get("cell", "").lower()
        if text and not is_cell(text):
            self.problems.append("The link names a cell that does not exist. It was left out.")
            return None
        if text and is_inside and not is_inside(text):
            self.problems.append("The link names a cell outside this area. It was left out.")
            return None
        return text or None

    def find_unknown_keys(self) -> None:
        """Note the parts of the link that mean nothing here."""
        unknown = [key for key in self.query if key not in KEYS]
        if not unknown:
            return
        names = [key for key in unknown if NAME_PATTERN.fullmatch(key)]
        names_text = f": {format_list(names, most=MOST_NAMED)}" if names else ""
        parts = "a part that means" if len(unknown) == 1 else f"{len(unknown)} parts that mean"
        self.problems.append(f"The link has {parts} nothing here{names_text}. The rest of it is shown.")


# Every part of a link that means something.
KEYS: Final = frozenset(
    ["layers", "period", "from", "to", "days", "shift", "hours", "wards", "measure", "size", "view", "against", "cell"]
) | {column_filter.query for column_filter in COLUMN_FILTERS}


def is_cell(text: str) -> bool:
    """True if a text is the H3 index of a cell at one of RESOLUTIONS."""
    return bool(CELL_PATTERN.fullmatch(text)) and h3.is_valid_cell(text)
