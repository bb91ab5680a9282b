"""Turns rows of a chunk into events and rejects: every row is skipped, rejected with one reason, or accepted.

A row with several faults gets the first of: unreadable_row (a shape that is no point, for instance), unknown_layer (if
the profile does not skip such rows), missing_location, impossible_location (not on the globe, or 0, 0), outside_area,
impossible_location (a place that means "unknown"), bad_date, future_date, end_before_start, bad_quantity, test_record,
duplicate_id. A row that a reader cannot split into values does not come here.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.cells import index_points_at
from geo.locations import Points, is_impossible, is_near
from geo.wards import OUTSIDE, Wards
from hexbeat.areas.addresses import AddressFinder
from hexbeat.ingest.parsing.address_columns import AddressColumns, FoundPlaces
from hexbeat.ingest.parsing.area_edge import AreaEdge
from hexbeat.ingest.parsing.date_numbers import DateNumbers
from hexbeat.ingest.parsing.date_order import DateOrders
from hexbeat.ingest.parsing.date_parts import join_date_parts
from hexbeat.ingest.parsing.date_words import rewrite_date, shorten_months
from hexbeat.ingest.parsing.keys import NaturalKeys
from hexbeat.ingest.parsing.location_precision import parse_location_precisions
from hexbeat.ingest.parsing.place_columns import PlaceColumns, PlaceTally, Reading
from hexbeat.ingest.parsing.quantities import NO_QUANTITY, Quantities, QuantityCounts, parse_quantities
from hexbeat.ingest.parsing.reject_rows import build_reject_frame, shorten_texts
from hexbeat.ingest.parsing.start_precision import StartPrecision
from hexbeat.ingest.parsing.times import Intervals, parse_intervals
from hexbeat.ingest.parsing.values import clean_column, match_texts, match_values
from hexbeat.ingest.readers import Chunk
from hexbeat.ingest.sources import Choice, Condition, SourceProfile
from hexbeat.ingest.sources.column_plan import ColumnRoles
from layers.catalogue import LAYER_NAMES, find_layer
from layers.event import EVENT_COLUMNS, PRECISIONS, REPORTERS, RESOLUTIONS

__all__ = [
    "Flags",
    "RowReader",
    "Rules",
    "SortedChunk",
    "Texts",
    "count_unknown",
    "meets_all_rules",
    "meets_any_rule",
    "parse_choice",
    "parse_reporters",
]

LONGEST_WORD = 200
Flags = NDArray[np.bool_]
Texts = dict[str, pd.Series]  # cleaned columns by heading
Rules = tuple[tuple[str, Condition], ...]  # headings with a test each
LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True, eq=False)
class SortedChunk:
    """One chunk, sorted: events (EVENT_COLUMNS), rejects (line, reason, raw, source_id), skipped rows, scopes.

    `unknown_reporters` is the number of events with a reporter that the profile does not know.
    """

    read: int
    events: pd.DataFrame
    rejects: pd.DataFrame
    skipped: Counter[str]
    scopes: set[str]
    unknown_reporters: int = 0


@dataclass(slots=True, eq=False)
class RowReader:
    """Reads the chunks of one file in order. `crs` is that of the chunks' points; `named` are parts of the file's name.

    `layer` stands in where the file has no column for it. `now` is UTC seconds. It remembers the keys it has met, so
    each file needs a new one.
    """

    profile: SourceProfile
    plan: ColumnRoles
    wards: Wards
    time_zone: str
    now: int
    crs: str | None = None
    name_parts: dict[str, str] = field(default_factory=dict)
    layer: str | None = None
    reading: Reading = "as named"  # of the columns of the place
    finder: AddressFinder | None = None  # of the area's gazetteer; None: no row is placed by its address
    with_former_keys: bool = False  # whether events get the name under which an older Hexbeat stored them (former_id)
    keys: NaturalKeys = field(init=False)
    addresses: AddressColumns = field(init=False)
    orders: DateOrders = field(init=False, default_factory=DateOrders)
    numbers: DateNumbers = field(init=False, default_factory=DateNumbers)
    precision: StartPrecision = field(init=False, default_factory=StartPrecision)
    places: PlaceTally = field(init=False, default_factory=PlaceTally)
    edge: AreaEdge = field(init=False, default_factory=AreaEdge)
    quantities: QuantityCounts = field(init=False, default_factory=QuantityCounts)
    _place_columns: PlaceColumns = field(init=False)

    def __post_init__(self) -> None:
        self.keys = NaturalKeys(self.profile.key, self.plan)
        self.addresses = AddressColumns(self.plan, self.finder)
        self._place_columns = PlaceColumns(self.profile.name, self.plan, self.profile.location, self.crs)

    def read(self, chunk: Chunk) -> SortedChunk:
        """Sort the rows of a chunk."""
        texts = self._clean_columns(chunk.frame, self._list_selecting_columns())
        scope = self._read_scopes(texts, len(chunk.lines))
        layer = self._read_layers(texts, len(chunk.lines))
        is_selected = self._select_rows(texts, layer, chunk.points)
        skipped = Counter({"not_selected": int(np.count_nonzero(~is_selected))})
        rows = np.flatnonzero(is_selected)
        selected_texts = {name: column.iloc[rows].reset_index(drop=True) for name, column in texts.items()}
        others = [name for name in self.plan.columns if name not in texts]
        selected_texts |= self._clean_columns(chunk.frame[others].iloc[rows].reset_index(drop=True), others)
        points = None if chunk.points is None else chunk.points[rows]
        selected_scope = None if scope is None else scope.iloc[rows].reset_index(drop=True)
        unusable = np.zeros(len(rows), dtype=np.bool_) if chunk.unusable is None else chunk.unusable[rows]
        places = self.addresses.find_places(
            selected_texts, self._place_columns.find_places(selected_texts, points, self.reading)
        )
        events, reasons, keys = self._check_rows(selected_texts, places, points, layer[rows], selected_scope, unusable)
        elsewhere = self._is_elsewhere(reasons)
        skipped["elsewhere"] = int(np.count_nonzero(elsewhere))
        rejected = np.flatnonzero((reasons != "") & ~elsewhere)
        return SortedChunk(
            read=len(chunk.lines),
            events=events,
            rejects=build_reject_frame(
                {name: selected_texts[name].iloc[rejected] for name in self.plan.content_columns},
                headings=list(chunk.frame.columns),
                lines=chunk.lines[rows[rejected]],
                reasons=reasons[rejected],
                keys=keys[rejected],
                nearest=self.edge.describe_rows(self.wards, rejected),
                addresses=self.addresses.describe_rows(selected_texts, places, rejected),
            ),
            skipped=+skipped,
            scopes=set() if scope is None else set(scope.unique()) - {""},
            unknown_reporters=self._count_unknown_reporters(selected_texts, reasons == ""),
        )

    def _clean_columns(self, frame: pd.DataFrame, names: Iterable[str]) -> Texts:
        return {name: clean_column(frame[name], self._list_missing(name)) for name in names}

    def _list_selecting_columns(self) -> Iterable[str]:
        """The headings by which rows are selected and scopes are read: of large files most rows are passed over."""
        if self.profile.unknown_layer == "reject":
            return self.plan.content_columns
        rules = [name for name, _ in (*self.plan.keep, *self.plan.drop)]
        scope = [name for name in self.plan.scope if not name.startswith("file:")]
        return dict.fromkeys(filter(None, (self.plan.layer, *rules, *scope)))

    def _select_rows(self, texts: Texts, layer: NDArray[np.int8], points: Points | None) -> Flags:
        """Rows that the profile selects. If unknown layers are rejected, rows without a layer are selected too.

        Blank rows, such as spreadsheets have at their end, are never selected.
        """
        is_candidate: Flags = layer >= 0
        if self.profile.unknown_layer == "reject":
            filled = [(texts[name] != "").to_numpy(dtype=np.bool_) for name in self.plan.content_columns]
            is_candidate = np.logical_or.reduce([is_candidate, *filled])
            is_candidate |= False if points is None else ~np.isnan(points).any(axis=1)
        return (
            is_candidate
            & meets_all_rules(self.plan.keep, texts, len(layer))
            & ~meets_any_rule(self.plan.drop, texts, len(layer))
        )

    def _check_rows(
        self,
        texts: Texts,
        places: FoundPlaces,
        points: Points | None,
        layer: NDArray[np.int8],
        scope: pd.Series | None,
        unusable: Flags,
    ) -> tuple[pd.DataFrame, NDArray[np.str_], NDArray[np.object_]]:
        """Events of the rows without a fault, each row's reason ("" for none), and its key (None: outside the area)."""
        unknown, layer = layer < 0, np.maximum(layer, 0)  # other faults of a row with an unknown layer do not matter
        place = places.place
        when = parse_intervals(
            self._select_time_texts(texts), layer, self.profile.time, time_zone=self.time_zone, now=self.now
        )
        self.precision.add(when)
        quantity = self._read_quantities(texts, len(layer))
        missing: Flags = np.asarray(np.isnan(place).any(axis=1))
        impossible = is_impossible(place)
        ward = np.full(len(layer), -1, dtype=np.int32)
        somewhere = ~missing & ~impossible
        ward[somewhere] = self.wards.locate(place[somewhere, 0], place[somewhere, 1])
        if self.profile.location.coast_m or not self.profile.wider_region:  # most rows of a wider region are outside
            self.edge.settle(self.wards, place, ward, somewhere, tolerance_m=self.profile.location.coast_m)
        if self.reading == "as named":
            self.places.add(
                self._place_columns, texts, points, self.wards,
                ward=np.where(places.has_coordinates, ward, OUTSIDE), missing=~places.has_coordinates,
            )  # fmt: skip
        doubtful = is_near(place, self.profile.location.placeholders) | meets_any_rule(
            self.plan.doubtful, texts, len(layer)
        )
        faults = [
            (unusable, "unreadable_row"),
            (unknown, "unknown_layer"),
            (missing, "missing_location"),
            (impossible, "impossible_location"),
            (ward < 0, "outside_area"),
            (doubtful, "impossible_location"),
            (when.bad, "bad_date"),
            (when.future, "future_date"),
            (when.reversed, "end_before_start"),
            (quantity.bad, "bad_quantity"),
            (meets_any_rule(self.plan.tests, texts, len(layer)), "test_record"),
        ]
        reasons = np.select([flag for flag, _ in faults], [reason for _, reason in faults], "").astype("<U20")
        keys, numbered = self._read_keys(texts, places, scope, np.flatnonzero(~self._is_elsewhere(reasons)))
        good = np.flatnonzero(reasons == "")
        names, repeated = self.keys.assign(keys[good], numbered[good])
        reasons[good[repeated]] = "duplicate_id"
        accepted = good[~repeated]
        if self.plan.quantity:
            self.quantities.add(texts[self.plan.quantity], quantity, reasons == "")
        self.addresses.count(places, accepted, np.flatnonzero(reasons == "missing_location"))
        events = self._build_events(texts, accepted, places, when, layer, quantity.numbers)
        events["source_id"] = names[~repeated]
        events["ward_code"] = np.array(self.wards.codes, dtype=object)[ward[accepted]]
        events["scope"] = None if scope is None else scope.to_numpy(dtype=object)[accepted]
        events = events[list(EVENT_COLUMNS)]
        if self.with_former_keys:
            events = events.assign(former_id=self.keys.name_former(texts, places, scope, accepted))
        return events, reasons, keys

    def _is_elsewhere(self, reasons: NDArray[np.str_]) -> Flags:
        """Rows outside the area, if the profile is of a wider region."""
        return np.asarray((reasons == "outside_area") & self.profile.wider_region)

    def _read_keys(
        self, texts: Texts, places: FoundPlaces, scope: pd.Series | None, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], Flags]:
        """The natural key of each row in `rows`, None for the others, and whether equal ones are numbered."""
        keys, numbered = np.full(len(places.place), None, dtype=object), np.zeros(len(places.place), dtype=np.bool_)
        keys[rows], numbered[rows] = self.keys.read(texts, places, scope, rows)
        return keys, numbered

    def _build_events(
        self,
        texts: Texts,
        accepted: NDArray[np.intp],
        places: FoundPlaces,
        when: Intervals,
        layer: NDArray[np.int8],
        quantity: NDArray[np.int64],
    ) -> pd.DataFrame:
        lon, lat = places.place[accepted].T
        accepted_texts = {name: column.iloc[accepted] for name, column in texts.items()}
        layers = np.array(LAYER_NAMES, dtype=object)[layer[accepted]]
        cells = index_points_at(lon, lat, resolutions=RESOLUTIONS)
        rules = self.profile.location
        location, location_m = parse_location_precisions(rules, self.plan, accepted_texts, len(accepted))
        kind, metres = places.kind[accepted], places.metres[accepted]
        by_address = np.isfinite(metres)  # what the source says of its points does not hold for these
        return pd.DataFrame(
            {
                "layer": layers,
                "source": self.profile.name,
                "lon": lon,
                "lat": lat,
                "location_precision": np.where(by_address, kind, location),
                "location_precision_m": np.where(by_address, metres, location_m),
                "occurred_from": when.start[accepted],
                "occurred_to": when.end[accepted],
                "time_precision": np.array(PRECISIONS, dtype=object)[when.precision[accepted]],
                "quantity": quantity[accepted],
                "category": parse_choice(self.profile.category, self.plan.category, accepted_texts, len(accepted)),
                "reported_by": parse_reporters(self.profile.reported_by, self.plan.reported_by, accepted_texts, layers),
                "status": parse_choice(self.profile.status, self.plan.status, accepted_texts, len(accepted)),
                **{f"h3_{resolution:02d}": cells[resolution] for resolution in RESOLUTIONS},
                "note": shorten_texts(accepted_texts[self.plan.note], LONGEST_NOTE) if self.plan.note else None,
            }
        )

    def _read_scopes(self, texts: Texts, rows: int) -> pd.Series | None:
        """The snapshot scope of each row, "" where a part of it is blank; None without snapshots."""
        if not self.plan.scope:
            return None
        index = pd.RangeIndex(rows)
        parts = [
            pd.Series(self.name_parts[name[5:]], index=index, dtype=object)
            if name.startswith("file:")
            else _rewrite_dates(texts[name])  # Excel writes Jan-24
            for name in self.plan.scope
        ]
        scope = reduce(lambda joined, added: joined + "|" + added, parts)
        blank = np.logical_or.reduce([part == "" for part in parts])
        return scope.mask(blank, "")

    def _read_layers(self, texts: Texts, rows: int) -> NDArray[np.int8]:
        """Each row's layer code; -1 where the profile gives none."""
        codes = {name: code for code, name in enumerate(LAYER_NAMES)}
        if self.plan.layer is None:
            fixed = self.profile.layer.value or self.layer or self.profile.layer.default or ""
            return np.full(rows, codes[fixed], dtype=np.int8)
        choice = self.profile.layer
        names = match_values(
            texts[self.plan.layer], values=choice.values, containing=choice.containing, default=choice.default
        )
        return np.array([codes.get(word, -1) for word in names], dtype=np.int8)

    def _select_time_texts(self, texts: Texts) -> Texts:
        """The columns of time by their part. Of several columns for the start, each row's first that is not blank."""
        plan = self.plan
        columns = [shorten_months(texts[name]) if name.casefold() == "month" else texts[name] for name in plan.start]
        if plan.start_parts:
            columns = [join_date_parts([texts[name] for name in plan.start_parts], has_day=plan.has_day)]
        start = columns[0]
        for column in columns[1:]:
            start = start.mask(start == "", column)
        for name in (*plan.start, *filter(None, (plan.end,))):
            different = texts[name].unique()
            self.orders.add(different)
            self.numbers.add(different)
        parts = {"clock": plan.clock, "end": plan.end, "precision": plan.precision, "never_before": plan.never_before}
        return {"start": start} | {part: texts[name] for part, name in parts.items() if name}

    def _read_quantities(self, texts: Texts, rows: int) -> Quantities:
        if self.plan.quantity:
            return parse_quantities(texts[self.plan.quantity])
        none = np.zeros(rows, dtype=np.bool_)
        return Quantities(np.ones(rows, dtype=np.int64), none, none, none)

    def _list_missing(self, heading: str) -> tuple[str, ...]:
        """The texts that mean blank in a column; a quantity of "none" is none, not one that is not known."""
        if heading != self.plan.quantity:
            return self.profile.missing
        return tuple(text for text in self.profile.missing if text.casefold() not in NO_QUANTITY)

    def _count_unknown_reporters(self, texts: Texts, accepted: Flags) -> int:
        """How many of the accepted rows have a reporter that the profile does not know."""
        heading = self.plan.reported_by
        if heading is None:
            return 0
        return count_unknown(self.profile.reported_by, heading, {heading: texts[heading][accepted]})


def _rewrite_dates(texts: pd.Series) -> pd.Series:
    codes, unique = pd.factorize(texts)
    return pd.Series(np.array([rewrite_date(text) for text in unique], dtype=object)[codes], dtype=object)


def meets_all_rules(rules: Rules, texts: Texts, rows: int) -> Flags:
    """Which rows (n,) pass every rule; all of them if there are no rules."""
    flags = [np.ones(rows, dtype=np.bool_), *(_test(texts, rule) for rule in rules)]
    return np.asarray(np.logical_and.reduce(flags))


def meets_any_rule(rules: Rules, texts: Texts, rows: int) -> Flags:
    """Which rows (n,) pass one of the rules; none of them if there are no rules."""
    flags = [np.zeros(rows, dtype=np.bool_), *(_test(texts, rule) for rule in rules)]
    return np.asarray(np.logical_or.reduce(flags))


def _test(texts: Texts, rule: tuple[str, Condition]) -> Flags:
    name, condition = rule
    return match_texts(texts[name], equals=condition.equals, contains=condition.contains, matches=condition.matches)


def parse_choice(choice: Choice, heading: str | None, texts: Texts, rows: int) -> NDArray[np.object_]:
    """The values of a choice (n,), None where a row has none; without a heading the fixed value."""
    if heading is None:
        return np.full(rows, choice.value or choice.default, dtype=object)
    words = match_values(texts[heading], values=choice.values, containing=choice.containing, default=choice.default)
    return np.array([word[:LONGEST_WORD] if word else None for word in words], dtype=object)


def parse_reporters(
    choice: Choice, heading: str | None, texts: Texts, layers: NDArray[np.object_]
) -> NDArray[np.object_]:
    """The reporter of each row (n,), or the usual one of its layer if the row has none that is known."""
    usual = np.array([find_layer(layer).usual_reporter for layer in layers], dtype=object)
    reporters = _fold_texts(parse_choice(choice, heading, texts, len(layers)))
    return np.where(np.isin(reporters, REPORTERS), reporters, usual)


def count_unknown(choice: Choice, heading: str, texts: Texts) -> int:
    """How many rows have a reporter that is not known, so that the usual one is used; blank ones do not count."""
    column = texts[heading]
    unknown = ~np.isin(_fold_texts(parse_choice(choice, heading, texts, len(column))), REPORTERS)
    return int(np.count_nonzero(unknown & (column != "").to_numpy(dtype=np.bool_)))


def _fold_texts(words: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([word.casefold() if word else "" for word in words], dtype=object)
