"""Events for tests: as columns, as frames of rows, and in a store; each with what a test cares about set by hand."""

import atexit
import datetime as dt
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.cells import index_points, index_points_at
from geo.wards import Wards
from hexbeat.areas.area import Area, load_area
from hexbeat.store.loads import FileTally
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.catalogue import find_layer_code
from layers.columns import Columns
from layers.event import EVENT_COLUMNS, LOCATION_PRECISIONS, PRECISIONS, REPORTERS, RESOLUTIONS

__all__ = [
    "BOTH",
    "HOSTILE",
    "LONS",
    "WARDS",
    "Event",
    "columns_of",
    "event_frame",
    "filled",
    "load",
    "load_frame",
    "local",
    "made_frame",
    "reject_frame",
    "wards_around",
]


@dataclass(frozen=True)
class Event:
    """One event; `end` None makes it an instant. Times are UTC seconds."""

    start: int
    end: int | None = None
    layer: str = "needle_litter"
    precision: str = "minute"
    quantity: int = 1
    reported_by: str = "public"
    category: str | None = None
    ward: str = "E05009857"
    source: str = "table"
    location: str = ""  # one of LOCATION_PRECISIONS
    location_m: float = 0.0
    lon: float = -1.235
    lat: float = 54.576

    @property
    def until(self) -> int:
        return self.start if self.end is None else self.end


def local(text: str, zone: str = "Europe/London") -> int:
    """The UTC second of a local time such as 2024-03-01 22:30."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def columns_of(events: Sequence[Event], *, ward_codes: tuple[str, ...] = ("E05009857", "E05009865")) -> Columns:
    """The events in the order of their start; row_id is their place in the given order, from 1."""
    order = sorted(range(len(events)), key=lambda place: (events[place].start, place))
    rows = [events[place] for place in order]

    def column(name: str, dtype: type) -> NDArray[np.generic]:
        return np.array([getattr(row, name) for row in rows], dtype=dtype)

    lon, lat = column("lon", np.float64), column("lat", np.float64)
    named = [row.category if isinstance(row.category, str) else "" for row in rows]  # a frame holds NaN for none
    categories = tuple(sorted({"", *named}))
    sources = tuple(sorted({row.source for row in rows}))
    ids, place = {}, {}
    for resolution, cells in index_points_at(lon, lat, resolutions=RESOLUTIONS).items():
        distinct, inverse = np.unique(cells, return_inverse=True)
        ids[resolution], place[resolution] = distinct, inverse.astype(np.int32)
    return Columns(
        version=1,
        row_id=np.array(order, dtype=np.int64) + 1,
        layer=np.array([find_layer_code(row.layer) for row in rows], dtype=np.uint8),
        start=column("start", np.int64),
        end=column("until", np.int64),
        precision=np.array([PRECISIONS.index(row.precision) for row in rows], dtype=np.uint8),
        quantity=column("quantity", np.int32),
        reported_by=np.array([REPORTERS.index(row.reported_by) for row in rows], dtype=np.uint8),
        category=np.array([categories.index(name) for name in named], dtype=np.int32),
        categories=categories,
        ward=np.array([ward_codes.index(row.ward) for row in rows], dtype=np.int16),
        ward_codes=ward_codes,
        lon=lon,
        lat=lat,
        source=np.array([sources.index(row.source) for row in rows], dtype=np.int16),
        sources=sources,
        location=np.array([("", *LOCATION_PRECISIONS).index(row.location) for row in rows], dtype=np.uint8),
        location_m=column("location_m", np.float32),
        cell=place,
        cell_ids=ids,
        demonstration=np.zeros(len(rows), dtype=np.bool_),
    )


_TYPES: Final[Mapping[str, type]] = dict.fromkeys(("quantity", "occurred_from", "occurred_to"), np.int64) | {
    f"h3_{resolution:02d}": np.uint64 for resolution in RESOLUTIONS
}
WARDS: Final = ("E05000001", "E05000002")
LONS: Final = {WARDS[0]: -1.25, WARDS[1]: -1.15}  # a place in each ward, all at one latitude
_START: Final = 1_700_000_000

_PLAIN: Final[Mapping[str, Any]] = {
    "layer": "needle_litter",
    "source": "table",
    "lon": -1.25,
    "lat": 54.57,
    "location_precision": None,
    "location_precision_m": np.nan,
    "occurred_from": _START,
    "time_precision": "minute",
    "quantity": 1,
    "category": None,
    "reported_by": "public",
    "status": None,
    "h3_08": 0x88195DA49BFFFFF,
    "h3_09": 0x89195DA49B3FFFF,
    "h3_10": 0x8A195DA49B37FFF,
    "h3_11": 0x8B195DA49B36FFF,
    "ward_code": WARDS[0],
    "scope": None,
    "note": None,
}


def wards_around(*codes: str) -> Wards:
    """Square wards of 0.08 degrees around the places of these codes."""
    squares = [shapely.box(LONS[code] - 0.04, 54.53, LONS[code] + 0.04, 54.61) for code in codes]
    return Wards(codes, codes, np.array(squares, dtype=object))


BOTH: Final = wards_around(*WARDS)


def event_frame(source_ids: Iterable[str], **columns: Any) -> pd.DataFrame:
    """One event an identifier; a column given is a value for all, or one value a row.

    Each column has its type before the frame is made: tests make thousands, and a frame that grows costs seven times
    as much.
    """
    ids = pd.Series(list(source_ids), dtype="object")
    facts = dict(_PLAIN) | {"occurred_to": columns.get("occurred_from", _START)} | columns | {"source_id": ids}
    values = {name: _fill(facts[name], _TYPES.get(name), len(ids)) for name in EVENT_COLUMNS}
    return pd.DataFrame(values, index=ids.index)


def _fill(value: Any, kind: type | None, many: int) -> Any:
    """A column of that type from a value for all rows or one for each; without a type pandas finds one."""
    if value is None:
        return np.full(many, None)
    if kind is None:
        return value
    return np.full(many, value, kind) if np.ndim(value) == 0 else np.asarray(value).astype(kind)


def reject_frame(lines: Mapping[int, tuple[str, str]]) -> pd.DataFrame:
    """Rejects: line to (reason, raw)."""
    rows = [(line, reason, raw) for line, (reason, raw) in lines.items()]
    return pd.DataFrame.from_records(rows, columns=["line", "reason", "raw"]).astype({"line": "int64"})


def load(
    store: Store,
    frame: pd.DataFrame,
    *,
    name: str = "a.csv",
    cover: Iterable[str] = (),
    wards: Wards = BOTH,
    **options: Any,
) -> FileTally:
    """Load one file; its final tally. `cover` are the scopes that it replaces in the wards."""
    with (
        store.begin_load(ANALYST, area="middlesbrough", **options) as entry,
        entry.file(name, "table", sha256="0" * 64, snapshot=bool(cover)) as part,
    ):
        part.add_events(frame)
        if cover:
            part.cover(cover, wards=wards)
    return part.tally


HOSTILE: Final = (
    "<img src=x onerror=window.hacked=1>",
    "${7*7}",
    "</script><script>window.hacked=1</script>",
    "`x`",
    "[x](javascript:window.hacked=1)",
    ":material/home: :red[x]",
    "$x^2$",
    "=1+1",
    "**bold** _it_",
)


def made_frame(
    area: Area,
    *,
    number: int,
    newest: datetime,
    days: int = 100,
    seed: int = 7,
    layer: str = "needle_litter",
    source: str = "table",
    texts: Sequence[str] = ("found",),
) -> pd.DataFrame:
    """Events (EVENT_COLUMNS) spread over wards and over the `days` before `newest`, all known to the minute."""
    rng = np.random.default_rng(seed)
    polygons = area.wards.polygons
    ward = rng.integers(0, len(polygons), number) // 3 * 3 % len(polygons)  # some wards have more, some have none
    middle = [polygons[code].representative_point() for code in ward]
    lon = np.array([point.x for point in middle]) + rng.choice([0.0, 2e-3], number)
    lat = np.array([point.y for point in middle])
    located = area.wards.locate(lon, lat)
    lon, ward = np.where(located < 0, lon - 2e-3, lon), np.where(located < 0, ward, located)
    start = int(newest.timestamp()) - rng.integers(0, days * 86_400, number)
    frame = {
        "layer": layer, "source": source, "source_id": [f"{source}-{layer}-{k}" for k in range(number)],
        "lon": lon, "lat": lat, "location_precision": None, "location_precision_m": np.nan,
        "occurred_from": start, "occurred_to": start, "time_precision": "minute",
        "quantity": rng.integers(1, 6, number), "category": [texts[k % len(texts)] for k in range(number)],
        "reported_by": rng.choice(["public", "officer", "sweep"], number), "status": [texts[-1]] * number,
        "ward_code": np.array(area.wards.codes, dtype=object)[ward], "scope": None, "note": None,
    }  # fmt: skip
    frame |= {f"h3_{r:02d}": index_points(lon, lat, resolution=r) for r in RESOLUTIONS}
    return pd.DataFrame(frame)[list(EVENT_COLUMNS)]


def load_frame(
    store: Store,
    area: Area,
    frame: pd.DataFrame,
    *,
    name: str = "made.csv",
    source: str = "table",
    now: datetime | None = None,
) -> None:
    """Put events into a store in a load of one file, at this moment or another."""
    with store.begin_load(ANALYST, area=area.name, now=now) as load, load.file(name, source, sha256="0" * 64) as part:
        part.add_tally(read=len(frame), skipped={})
        part.add_events(frame)


def filled(home: Path, *, source: str = "table", texts: Sequence[str] = ("found",)) -> None:
    """Make a home whose store holds 400 needle finds and 150 overdoses up to yesterday, for pages to show."""
    shutil.copytree(_filled(source, tuple(texts)), home)


@cache
def _filled(source: str, texts: tuple[str, ...]) -> Path:
    """Such a home to copy from, made once; removed when the tests end."""
    home = Path(tempfile.mkdtemp(prefix="hexbeat-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    area = load_area("middlesbrough")
    newest = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with Store.open(home) as store:
        for layer, number in (("needle_litter", 400), ("overdoses", 150)):
            frame = made_frame(area, number=number, newest=newest, layer=layer, source=source, texts=texts)
            load_frame(store, area, frame, name=f"{layer}.csv", source=source)
    return home
