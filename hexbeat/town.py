"""The Python interface for analysts: an area's records as GeoDataFrames, with the commands' filters and access policy.

`hexbeat.open` returns a `Town`. Its methods call the same functions as the command line and the dashboard, so the
numbers are equal for the same period, filters and resolution.
"""

import datetime as dt
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from geo.errors import HexbeatError, UsageError
from hexbeat.areas.area import Area, load_named_area
from hexbeat.policy import choose_lesser_role, find_local_viewer
from hexbeat.settings import Settings
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.home_layout import has_store
from hexbeat.store.store import Store
from hexbeat.town_audit import audit_opening, audited
from hexbeat.town_choices import (
    FILTERS,
    Day,
    Names,
    build_choice_error,
    convert_day,
    list_names,
    list_weekdays,
    parse_comparison,
    require_one_of,
)
from layers.access import Action, Role, Viewer, require
from layers.columns import Columns
from layers.event import Measure
from layers.filters import Filter, filter_from_options, resolve_values
from layers.periods import find_day_end

if TYPE_CHECKING:
    import folium
    import geopandas
    import pandas as pd

    from hexbeat.analysis.hotspot_map import HotspotMap

__all__ = ["FILTERS", "Names", "Town", "open_town"]

View = Literal["counts", "hotspots"]


@dataclass(frozen=True, slots=True)
class Request:
    """The filter of a request, and the records that it is about."""

    event_filter: Filter
    columns: Columns


class Town:
    """One area and its open store. Close it with `close`, or use it in a `with` block.

    Every method takes the same filters by keyword. `layers` is a layer's name, or several (None: all). `start` is the
    first day that counts and `end` the first that no longer does: dates, or text such as "2026-11-21" or "21/11/2026".
    `wards` are codes or names. `hours` is text ("22-04") or a pair of whole hours; `days` is text ("fri,sat"), or names
    or numbers of weekdays (Monday 0). `reported_by` is any of public, officer, sweep and agency. `categories` are those
    of the records, in any case. `measure` is "events" or "quantity". `resolution` is that of the cells: 8 to 11.
    `as_at` asks for the records as they stood at the end of that day.

    Frames are in EPSG:4326 and have the columns of the files that the commands write with --out. `frame.attrs` has the
    texts to show with the numbers: "area", "attribution", "notes", and "demonstration" if events are synthetic.

    Each answer is written into the audit trail first: method, filters, and who asks.

    UsageError for invalid filters, PolicyError for what the viewer may not see (cells finer than their role sees,
    layers that it sees by ward only), StoreError if the store cannot be read or its audit trail cannot be written.
    """

    def __init__(self, settings: Settings, area: Area, store: Store, viewer: Viewer) -> None:
        self.settings, self.area, self.store, self.viewer = settings, area, store, viewer
        self._cache = ColumnCache(store)
        self.is_closed = False

    def __repr__(self) -> str:
        return f"<Hexbeat town {self.area.title}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; other methods raise UsageError after that."""
        self.is_closed = True
        self.store.dispose()

    @audited(Action.SEE_POINTS)
    def events(
        self, layers: Names = None, *, resolution: int = 9, as_at: Day = None, **filters: Any
    ) -> "geopandas.GeoDataFrame":
        """The events that the filters select, a point each, with the columns of `hexbeat export`.

        An event known only to an interval, such as a month, is included if any part of the interval is selected:
        `cells` and `wards` count its share. `resolution` changes nothing: an event has its cells of all resolutions.
        """
        from hexbeat.store.event_files import add_points, format_events  # noqa: PLC0415 - geopandas, when it is needed
        from hexbeat.store.records import read_records  # noqa: PLC0415 - likewise
        from layers.counting import select  # noqa: PLC0415 - likewise
        from layers.filters import require_resolution  # noqa: PLC0415 - likewise

        require_resolution(resolution)
        names = list_names(layers)
        for layer in names or (None,):
            require(self.viewer, Action.SEE_POINTS, layer)
        request = self._build_request(names, as_at=as_at, **filters)
        selection = select(columns := request.columns, request.event_filter, time_zone=self.area.time_zone)
        records = read_records(self.store, self.viewer, columns.row_id[selection.index].tolist())
        frame = add_points(format_events(records))
        return self._set_attributes(frame, columns, [])

    @audited(Action.SEE_COUNTS)
    def cells(
        self, layers: Names = None, *, by: Names = (), resolution: int = 9, as_at: Day = None, **filters: Any
    ) -> "geopandas.GeoDataFrame":
        """Counts by H3 cell, a hexagon each: cell, place, the columns of further groups (`by`, such as "month"), count.

        `place` is the name of the cell by its streets.
        """
        return self._count_groups(("cell", *list_names(by)), layers, resolution=resolution, as_at=as_at, **filters)

    @audited(Action.SEE_COUNTS)
    def wards(
        self, layers: Names = None, *, by: Names = (), resolution: int = 9, as_at: Day = None, **filters: Any
    ) -> "geopandas.GeoDataFrame":
        """Counts by ward, a polygon each: ward_code, ward_name, the columns of further groups (`by`), and count.

        `resolution` is that of the cells, if `by` has them.
        """
        return self._count_groups(("ward", *list_names(by)), layers, resolution=resolution, as_at=as_at, **filters)

    @audited(Action.SEE_COUNTS)
    def hotspots(
        self,
        layer: str,
        *,
        q: float = 0.05,
        method: Literal["concentration", "gi"] = "concentration",
        most_area: float = 0.02,
        resolution: int = 9,
        as_at: Day = None,
        **filters: Any,
    ) -> "geopandas.GeoDataFrame":
        """Hot and cold cells of one layer, a row for every cell of the chosen wards: columns of `hexbeat hotspots`.

        `q` is the false discovery rate, between 0 and 1. `method`: "concentration" compares each place with its
        surroundings, and calls at most the share `most_area` of the area hot; "gi" finds busy cells that lie together.
        Without `start` all records count; the map of the dashboard begins with 28 days and chooses its resolution.
        `attrs["notes"]` describes the data of the test.
        """
        from hexbeat.analysis.hotspot_map import list_hotspot_rows  # noqa: PLC0415 - scipy, when it is needed

        require_one_of("method", method, ("concentration", "gi"))
        if not 0 < most_area <= 1:
            raise UsageError(
                "The share of the area that may be hot lies between 0 and 1",
                f"most_area was given {most_area:g}",
                "0.02 is usual",
            )
        hotspot_map, columns = self._find_hotspots(
            layer, q=q, resolution=resolution, as_at=as_at, method=method, most_area=most_area, **filters
        )
        return self._build_frame(list_hotspot_rows(hotspot_map), ("cell",), columns, list(hotspot_map.notes))

    @audited(Action.SEE_COUNTS)
    def change(
        self,
        layer: str,
        *,
        by: Literal["cell", "ward"] = "ward",
        against: Literal["before", "year_before", "year-before"] | tuple[Day, Day] = "before",
        resolution: int = 9,
        as_at: Day = None,
        **filters: Any,
    ) -> "geopandas.GeoDataFrame":
        """The period against the one `before` it, the same dates a "year_before", or any: as `hexbeat change`.

        Any other period is two days, of which the second no longer counts; the later of the two periods is `now`. Rates
        are compared. `attrs["missing"]` is None, or says which days are not known, or why nothing is compared.
        """
        from hexbeat.analysis.change_costs import add_change_costs  # noqa: PLC0415 - scipy, when it is needed
        from hexbeat.analysis.change_map import build_change_map  # noqa: PLC0415 - beside it
        from hexbeat.analysis.count_files import add_shapes  # noqa: PLC0415 - geopandas, when it is needed

        require_one_of("by", by, ("cell", "ward"))
        earlier = parse_comparison(against)
        request = self._build_request(layer, as_at=as_at, **filters)
        columns, event_filter = request.columns, request.event_filter
        study = self._load_study(event_filter, resolution)
        change_map = build_change_map(columns, event_filter, study, against=earlier, time_zone=self.area.time_zone)
        named_rows = change_map.name_cells(self.area) if by == "cell" else change_map.wards
        rows, pounds = add_change_costs(
            self.store, columns, event_filter, study, named_rows, unit=f"{by}s", against=earlier
        )
        notes = [*change_map.notes, *(change_map.cell_notes if by == "cell" else ()), *pounds]
        frame = self._set_attributes(add_shapes(rows, by=(by,), wards=self.area.wards), columns, notes)
        frame.attrs["missing"] = change_map.missing
        return frame

    @audited(Action.SEE_COUNTS)
    def map(
        self, layer: str, *, view: View = "counts", resolution: int = 9, as_at: Day = None, **filters: Any
    ) -> "folium.Map":
        """One layer on a folium map that needs no network: show it in a notebook, or `save("map.html")` it.

        `view` is "counts" or "hotspots".
        """
        from hexbeat.dashboard.map.notebook_map import (  # noqa: PLC0415 - folium, when it is needed
            build_count_layer,
            build_hotspot_layer,
            build_notebook_map,
        )
        from layers.catalogue import find_layer  # noqa: PLC0415 - beside it

        require_one_of("view", view, ("counts", "hotspots"))
        if view == "hotspots":
            hotspot_map, columns = self._find_hotspots(layer, q=0.05, resolution=resolution, as_at=as_at, **filters)
            cells, mark = build_hotspot_layer(hotspot_map), self._find_mark(columns)
        else:
            counts = self.cells(layer, resolution=resolution, as_at=as_at, **filters)
            cells = build_count_layer(counts, find_layer(layer), measure=filters.get("measure", "events"))
            mark = counts.attrs.get("demonstration")
        return build_notebook_map(self.area, cells, mark=mark)

    def _build_request(self, layers: Names, *, as_at: Day, **filters: Any) -> Request:
        """The request that the keywords describe; UsageError for an unknown keyword."""
        if self.is_closed:
            raise UsageError("A town answers while it is open", "this one is closed", "open it again: hexbeat.open()")
        unknown = next((name for name in filters if name not in FILTERS), None)
        if unknown is not None:
            similar = difflib.get_close_matches(unknown, FILTERS, n=1)
            hint = f"did you mean {similar[0]}?" if similar else f"choose from {', '.join(FILTERS)}"
            raise UsageError("A filter is a keyword that Hexbeat knows", f"there is no filter {unknown!r}", hint)
        event_filter, as_at_time = self._build_filter(layers, **filters), self._parse_as_at(as_at)
        wards = self.area.wards
        columns = self._cache.columns(self.viewer, ward_codes=tuple(wards.codes), wards=wards, as_at=as_at_time)
        columns.require_layers(event_filter.layers)
        return Request(resolve_values(event_filter, columns), columns)

    def _build_filter(
        self,
        layers: Names,
        *,
        start: Day = None,
        end: Day = None,
        wards: Names = None,
        hours: str | tuple[int, int] | None = None,
        days: str | Iterable[int | str] | None = None,
        measure: Measure = "events",
        **values: Names,
    ) -> Filter:
        return filter_from_options(
            self.area.wards,
            layers=list_names(layers),
            start=convert_day(start),
            end=convert_day(end),
            ward_names=list_names(wards),
            hours=hours if isinstance(hours, str) or hours is None else f"{hours[0]}-{hours[1]}",
            days=list_weekdays(days),
            measure=measure,
            **{name: list_names(names) for name, names in values.items()},
        )

    def _parse_as_at(self, as_at: Day) -> dt.datetime | None:
        day = convert_day(as_at)
        return find_day_end(day, self.area.tz) if day else None

    def _load_study(self, event_filter: Filter, resolution: int) -> Any:
        from hexbeat.analysis.study import load_study  # noqa: PLC0415 - scipy, when it is needed
        from layers.filters import require_resolution  # noqa: PLC0415 - beside it

        return load_study(self.area, event_filter.wards, require_resolution(resolution))

    def _find_hotspots(
        self,
        layer: str,
        *,
        q: float,
        resolution: int,
        as_at: Day,
        method: Literal["concentration", "gi"] = "concentration",
        most_area: float = 0.02,
        **filters: Any,
    ) -> tuple["HotspotMap", Columns]:
        from hexbeat.analysis.hotspot_map import build_hotspot_map  # noqa: PLC0415 - scipy, when it is needed

        if not 0 < q < 1:
            raise UsageError("A false discovery rate lies between 0 and 1", f"q was given {q:g}", "0.05 is usual")
        request = self._build_request(layer, as_at=as_at, **filters)
        columns = request.columns
        study = self._load_study(request.event_filter, resolution)
        hotspot_map = build_hotspot_map(
            columns,
            request.event_filter,
            study,
            q=q,
            method=method,
            most_area=most_area,
            time_zone=self.area.time_zone,
        )
        return hotspot_map, columns

    def _count_groups(
        self, by: Sequence[str], layers: Names, *, resolution: int, as_at: Day, **filters: Any
    ) -> "geopandas.GeoDataFrame":
        from hexbeat.analysis.costs import add_count_costs  # noqa: PLC0415 - scipy, when it is needed
        from hexbeat.areas.street_names import add_place_names  # noqa: PLC0415 - beside it
        from layers.counting import count  # noqa: PLC0415 - pandas, when it is needed
        from layers.filters import require_resolution  # noqa: PLC0415 - beside it
        from layers.grouping import parse_groups  # noqa: PLC0415 - beside it
        from layers.periods import describe_missing_days  # noqa: PLC0415 - beside it
        from layers.restriction import describe_ward_cells  # noqa: PLC0415 - beside it

        groups = parse_groups(",".join(by))
        request = self._build_request(layers, as_at=as_at, **filters)
        columns = request.columns
        counts = count(
            columns, request.event_filter, by=groups, resolution=require_resolution(resolution), wards=self.area.wards,
            time_zone=self.area.time_zone,
        )  # fmt: skip
        rows, notes = add_count_costs(
            self.store, columns, request.event_filter, counts.rows, by=groups, resolution=resolution, area=self.area
        )
        if request.event_filter.wards or {"ward", "council"} & set(groups):
            notes = [*notes, *describe_ward_cells(columns, request.event_filter.layers)]
        frame = self._build_frame(add_place_names(rows, self.area) if "cell" in groups else rows, by, columns, notes)
        frame.attrs |= {name: getattr(counts, name) for name in ("total", "unplaced_in_time", "shared_in_time")}
        frame.attrs["missing"] = describe_missing_days(columns, request.event_filter, time_zone=self.area.time_zone)
        return frame

    def _find_mark(self, columns: Columns) -> str | None:
        from hexbeat.analysis.count_files import find_demonstration_mark  # noqa: PLC0415 - geopandas, when needed

        return find_demonstration_mark(columns)

    def _build_frame(
        self, rows: "pd.DataFrame", by: Sequence[str], columns: Columns, notes: list[str]
    ) -> "geopandas.GeoDataFrame":
        """The rows with a polygon each, and the same mark as in the files of the commands."""
        from hexbeat.analysis.count_files import add_mark, add_shapes  # noqa: PLC0415 - geopandas, when it is needed

        mark = self._find_mark(columns)
        marked = add_mark(rows, {"demonstration": mark} if mark else {})
        return self._set_attributes(add_shapes(marked, by=by, wards=self.area.wards), columns, notes)

    def _set_attributes(
        self, frame: "geopandas.GeoDataFrame", columns: Columns, notes: list[str]
    ) -> "geopandas.GeoDataFrame":
        from hexbeat.areas.credits import format_credits  # noqa: PLC0415 - scipy, when it is needed

        mark = self._find_mark(columns)
        attribution = format_credits(self.area)
        frame.attrs = {"area": self.area.title, "attribution": attribution, "notes": notes}
        frame.attrs |= {"demonstration": mark} if mark else {}
        return frame


def open_town(home: Path | str | None = None, area: str | None = None, *, viewer: Viewer | str | None = None) -> Town:
    """Open the store in `home` for an area; without them HEXBEAT_HOME and HEXBEAT_AREA, then the defaults, decide.

    `viewer` is the name of a role, or a Viewer, of whom the role and the name count. None is the local account: an
    analyst, because a person who can run Python on the machine can read the store's file, unless the access policy
    says otherwise. A role that may do more than that is refused (PolicyError). DataError for a policy that cannot be
    used, UsageError if there is no such area, AreaError if its files are broken, StoreError if the store does not open.
    """
    settings = Settings.from_environment(home=Path(home) if home is not None else None, area=area)
    if not has_store(settings.home, settings.database_url):
        _find_viewer(settings.home, viewer)  # no store is made for whom the policy refuses
    # Of a shared store the areas may come from the store; without one, a wrong name makes no store.
    named_area = None if settings.database_url else load_named_area(settings.area, home=settings.home)
    store = Store.open(settings.home, database_url=settings.database_url)
    try:
        with audit_opening(store):
            town_viewer = _find_viewer(store, viewer)
        named_area = named_area or load_named_area(settings.area, home=settings.home)
    except HexbeatError:
        store.dispose()
        raise
    return Town(settings, named_area, store, town_viewer)


def _find_viewer(source: Path | Store, viewer: Viewer | str | None) -> Viewer:
    """The local account, in a lesser role if one is asked for. A role that is not known may do nothing."""
    if isinstance(viewer, str) and viewer not in list(Role):
        raise build_choice_error("viewer", viewer, list(Role))
    local = find_local_viewer(source)
    if not isinstance(viewer, Viewer):
        return choose_lesser_role(local, viewer) if viewer else local
    lesser = choose_lesser_role(local, viewer.role) if viewer.role in list(Role) else viewer
    return replace(lesser, subject=viewer.subject or local.subject, policy=local.policy)
