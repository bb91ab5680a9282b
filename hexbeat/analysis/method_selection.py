"""Method selection by back-test: the method and the size of cells that serve a layer best, and why.

Selections are kept in the home, for the records that they judged.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely

from geo.errors import DataError
from hexbeat.analysis.backtest import (
    DECIDING_SHARE,
    MOST_CELLS,
    SHARES,
    Backtest,
    MethodComparison,
    SizeFigure,
    backtest,
)
from hexbeat.analysis.daily_counts import FEWEST_HISTORY_WEEKS
from hexbeat.analysis.forecast_methods import METHOD_WORDS, METHODS
from hexbeat.areas.area import Area
from hexbeat.files import atomic_write
from layers.catalogue import find_layer, find_layer_code
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.periods import find_known_period
from layers.wording import format_cell_width, format_number

__all__ = [
    "FEWEST_WEEKS",
    "FINEST_HOTSPOTS",
    "MOST_WEEKS",
    "SHARED_POINTS",
    "HotspotSize",
    "MethodSelection",
    "SelectedMethod",
    "choose_hotspot_size",
    "describe_uses",
    "has_shared_points",
    "keep_selection",
    "read_selection",
    "select_method",
    "select_methods",
]

Progress = Callable[[int, int], None]
MOST_WEEKS: Final = 13
FEWEST_WEEKS: Final = 4  # fewer judge nobody
_FOLDER: Final = "winners"
_RULE: Final = repr((2, METHODS, SHARES, DECIDING_SHARE, RESOLUTIONS, MOST_CELLS, MOST_WEEKS))
FINEST_HOTSPOTS: Final = 10  # cells of 50 m are finer than most reports are placed
SHARED_POINTS: Final = 9  # where records share anchor points, finer cells part a place from what belongs to it
_SHARING: Final = 0.5  # points for each record; reports placed one by one have about 1


@dataclass(frozen=True, slots=True)
class SelectedMethod:
    """The method that caught most at DECIDING_SHARE of the area, with which cells; `clear`: beyond chance.

    `sentence` says it. `judged_to` is the day after the last judged one, `weeks` were judged. `hit_rate` is the share
    of a week's events that it caught; it was picked by looking, so that this flatters a little. `caught` has that for
    each share of the area, (share of the area, share of the events), from the smallest.
    """

    method: str
    resolution: int
    clear: bool
    sentence: str
    judged_to: date
    weeks: int
    hit_rate: float
    caught: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class MethodSelection:
    """The winner over all sizes of cells, the one at each resolution, and how Gi* fares at each (SizeFigure)."""

    best: SelectedMethod
    by_size: Mapping[int, SelectedMethod]
    gi_star: tuple[SizeFigure, ...]


@dataclass(frozen=True, slots=True)
class HotspotSize:
    """The resolution, and a sentence on why it is that."""

    resolution: int
    sentence: str


def select_method(
    columns: Columns,
    area: Area,
    layer: str,
    *,
    home: Path | None,
    resolution: int | None = None,
    progress: Progress | None = None,
) -> SelectedMethod | None:
    """The method that wins the back-test of the area's last weeks; with `resolution`, the best one at that size.

    None where nothing can be judged: fewer than FEWEST_WEEKS weeks beyond the history that methods need, no events in
    them, a layer of states, or a resolution with more cells than a back-test takes
    (hexbeat.analysis.backtest.MOST_CELLS).
    Kept in `home` (None: nowhere); `progress` is told each resolution before it is judged, and its place.
    """
    found = select_methods(columns, area, layer, home=home, progress=progress)
    if found is None:
        return None
    return found.best if resolution is None else found.by_size.get(resolution)


def select_methods(
    columns: Columns, area: Area, layer: str, *, home: Path | None, progress: Progress | None = None
) -> MethodSelection | None:
    """All that a back-test of up to MOST_WEEKS weeks says of a layer, read where it was judged before; else judged.

    What is kept counts only for the same records, wards and rule. None as for `select_method`.
    """
    kept = read_selection(columns, area, layer, home=home)
    if kept:
        return kept
    weeks = _count_weeks(columns, area, layer)
    if weeks < FEWEST_WEEKS:
        return None
    found = backtest(columns, area, layer, weeks=weeks, progress=progress)
    return keep_selection(found, columns, area, home=home)


def keep_selection(found: Backtest, columns: Columns, area: Area, *, home: Path | None) -> MethodSelection | None:
    """What a back-test says, kept for these records; None if no event fell into its weeks.

    It must be one over the whole area, MOST_WEEKS weeks (or as many as there are) and every resolution.
    """
    if not found.events:
        return None
    judgement = _build_selection(found)
    if home is not None:
        layer = found.spec.name
        _write_selection(_file(home, area, layer), judgement, _fingerprint(columns, area, layer))
    return judgement


def read_selection(columns: Columns, area: Area, layer: str, *, home: Path | None) -> MethodSelection | None:
    """What was judged before of these very records; None if nothing was. Never takes long."""
    if home is None:
        return None
    try:
        held = json.loads(_file(home, area, layer).read_text(encoding="utf-8"))
        if held["of"] != _fingerprint(columns, area, layer):
            return None
        return MethodSelection(
            best=_parse_method(held["best"]),
            by_size={int(size): _parse_method(one) for size, one in held["by_size"].items()},
            gi_star=tuple(SizeFigure(**one) for one in held["gi_star"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, half gone or of another make: it is judged again


def describe_uses(best: SelectedMethod) -> str:
    """What the screens and plans do with the winner, for whoever reads a back-test."""
    return (
        f"The dashboard's expected events use the {METHOD_WORDS[best.method]} "
        f"with cells {format_cell_width(best.resolution)} across, judged over the whole area "
        f"and {format_number(best.weeks)} weeks."
    )


def _count_weeks(columns: Columns, area: Area, layer: str) -> int:
    if find_layer(layer).kind == "state":
        return 0
    known = find_known_period(columns, layer, time_zone=area.time_zone)
    return min(MOST_WEEKS, (known[1] - known[0]).days // 7 - FEWEST_HISTORY_WEEKS) if known else 0


def _build_selection(found: Backtest) -> MethodSelection:
    def winner(verdict: MethodComparison) -> SelectedMethod:
        rows = found.rows
        own = rows[(rows["method"] == verdict.method) & (rows["resolution"] == verdict.resolution)]
        return SelectedMethod(
            method=verdict.method,
            resolution=verdict.resolution,
            clear=verdict.clear,
            sentence=verdict.sentence,
            judged_to=found.end,
            weeks=found.weeks,
            hit_rate=verdict.hit_rate,
            caught=tuple(zip(own["area_share"].tolist(), own["hit_rate"].tolist(), strict=True)),
        )

    by_size = {size: winner(verdict) for size, verdict in found.by_size.items()}
    return MethodSelection(winner(found.verdict), by_size, found.gi_star)


def _file(home: Path, area: Area, layer: str) -> Path:
    return home / _FOLDER / f"{area.name}-{layer}.json"


def _fingerprint(columns: Columns, area: Area, layer: str) -> str:
    """Changes with the layer's events, the wards and the rule; says nothing of any event."""
    own = columns.layer == find_layer_code(layer)
    digest = hashlib.sha256(_RULE.encode())
    digest.update(f"{area.name}|{area.vintage}|{area.time_zone}".encode())
    digest.update(b"".join(shapely.to_wkb(area.wards.polygons)))
    for name in ("start", "end", "lon", "lat", "precision", "reported_by"):
        digest.update(np.ascontiguousarray(getattr(columns, name)[own]).tobytes())
    return digest.hexdigest()


def _write_selection(path: Path, judgement: MethodSelection, fingerprint: str) -> None:
    """Write it; a home that cannot be written to only costs time."""
    held = {"of": fingerprint, **asdict(judgement)}
    with suppress(OSError, DataError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            draft.write_text(json.dumps(held, indent=1, default=date.isoformat), encoding="utf-8")


def _parse_method(held: dict[str, Any]) -> SelectedMethod:
    caught = tuple((share, rate) for share, rate in held["caught"])
    return SelectedMethod(**held | {"judged_to": date.fromisoformat(held["judged_to"]), "caught": caught})


def choose_hotspot_size(columns: Columns, layer: str, judgement: MethodSelection | None) -> HotspotSize | None:
    """Which cells the hotspots of a layer are drawn with, unless a person chooses.

    Records that share points, as anonymised police records do: SHARED_POINTS. Else the smallest cells, no finer than
    FINEST_HOTSPOTS, at which Gi* caught as many of the next week's events as at its best size, but for chance: larger
    cells hide a place that is busy alone. None where there is neither evidence.
    """
    if has_shared_points(columns, layer):
        return HotspotSize(
            SHARED_POINTS,
            f"Cells are {format_cell_width(SHARED_POINTS)} across, because many {find_layer(layer).many} share their "
            "points: smaller cells would part what belongs together.",
        )
    judged = [one for one in judgement.gi_star if one.resolution <= FINEST_HOTSPOTS] if judgement else []
    if judgement is None or not judged:
        return None
    as_good = [one.resolution for one in judged if not one.behind]
    resolution = max(as_good) if as_good else max(judged, key=lambda one: one.hit_rate).resolution
    which = (
        "the smallest with which hotspots foretold as much of the next week as with any, but for chance"
        if as_good
        else f"of those down to {format_cell_width(FINEST_HOTSPOTS)} hotspots foretold most of the next week with these"
    )
    said = f"Cells are {format_cell_width(resolution)} across: {which} (back-test of {judgement.best.weeks} weeks). "
    return HotspotSize(resolution, f"{said}Larger ones hide places that are busy alone.")


def has_shared_points(columns: Columns, layer: str) -> bool:
    """Whether a layer's records lie on half as many points as there are records or fewer, as anchor points do."""
    own = np.flatnonzero(columns.layer == find_layer_code(layer))
    points = columns.lon[own] + 1j * columns.lat[own]
    return len(own) > 1 and len(np.unique(points)) <= _SHARING * len(own)
