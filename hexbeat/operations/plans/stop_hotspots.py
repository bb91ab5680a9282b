"""Which stops of a patrol lie in a hotspot, and what kind of hotspot that is.

Hotspots say why a stop is a stop, and do not choose it: plans that prefer them hold no more (bench/README.md, Plans).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.calendar import add_months
from geo.cells import index_points
from hexbeat.analysis.hotspot_explanation import describe_kind
from hexbeat.analysis.hotspot_groups import HOT
from hexbeat.analysis.hotspot_map import HotspotMap, build_hotspot_map
from hexbeat.analysis.method_selection import USUAL_HOTSPOTS, choose_hotspot_size, read_selection
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import Area
from hexbeat.operations.plans.expected_events import ExpectedEvents, LayerForecast
from hexbeat.operations.plans.working_time import WorkingTime
from hexbeat.store.shared_documents import SharedDocuments
from layers.columns import Columns
from layers.event import NOT_SWEPT
from layers.filters import Filter
from layers.wording import format_date

__all__ = ["StopHotspots", "find_stop_hotspots"]

_DAYS: Final = 28
_MONTHS: Final = 12
_RECENT_DAYS: Final = 14  # hotspots of earlier days are named by their last day
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class StopHotspots:
    """The hotspot map of a layer, and for each cell of a plan's study the row of the map in which a stop there lies.

    `row` int64 (n,), -1 outside the map. `until`: the last day of the map's records where that is some time ago.
    """

    hotspot_map: HotspotMap
    row: NDArray[np.int64]
    until: dt.date | None

    def describe(self, cell: int) -> str:
        """As in "A hotspot of street dealing: 3.2 times its surroundings, on 14 of 28 days."; "" elsewhere."""
        row = int(self.row[cell])
        if row < 0 or self.hotspot_map.rows["hotspot"].iloc[row] != HOT:
            return ""
        facts = self.hotspot_map.rows.iloc[row].to_dict()
        kind = describe_kind(self.hotspot_map, facts, since=False)
        until = "" if self.until is None else f" up to {format_date(self.until)}"
        part = "A hotspot" if facts["cells"] == 1 else "Part of a hotspot"
        return f"{part} of {self.hotspot_map.spec.title.lower()}{until}: {kind}"


def find_stop_hotspots(
    columns: Columns,
    area: Area,
    expected: ExpectedEvents,
    layer: LayerForecast,
    time: WorkingTime,
    *,
    documents: SharedDocuments | None = None,
) -> StopHotspots:
    """The hotspots of the last 28 days before the plan, or before the end of the records; of months the last twelve.

    Cells are those of the map of hotspots. Finds of sweeps do not count, as in the forecast.
    """
    end = min(layer.newest + _DAY, time.day)
    start = add_months(end, -_MONTHS) if layer.by_month else end - _DAYS * _DAY
    wards = expected.study.chosen_wards
    event_filter = Filter(layers=(layer.layer,), start=start, end=end, wards=wards, reported_by=NOT_SWEPT)
    selection = read_selection(columns, area, layer.layer, documents=documents)
    size = choose_hotspot_size(columns, layer.layer, selection, event_filter=event_filter, time_zone=area.time_zone)
    study = load_study(area, wards, min(size.resolution if size else USUAL_HOTSPOTS, expected.study.resolution))
    hotspot_map = build_hotspot_map(columns, event_filter, study, trend=False, time_zone=area.time_zone)
    cells = index_points(expected.lon, expected.lat, resolution=study.resolution)
    row = np.minimum(np.searchsorted(study.cells, cells), len(study) - 1)
    is_old = (time.day - layer.newest).days > _RECENT_DAYS
    return StopHotspots(hotspot_map, np.where(study.cells[row] == cells, row, -1), layer.newest if is_old else None)
