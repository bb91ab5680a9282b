"""Files to load and areas to load them into: for tests of ingest and of boundaries."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import geopandas
import geopandas as gpd
import pytest
import shapely

from geo.errors import AreaError
from geo.wards import Wards
from hexbeat.areas.area import Area
from hexbeat.areas.boundaries import BuildReport, build_area
from hexbeat.ingest.ingest import IngestReport, ingest_files
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.paths import ROOT

__all__ = [
    "BOSTON",
    "FIXTURES",
    "NOW",
    "TEMPE",
    "TOWN",
    "WARD_FILE",
    "SaveWards",
    "build",
    "ingest",
    "refusal",
    "table",
    "utc",
]


FIXTURES = ROOT / "tests" / "fixtures" / "ingest"
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def box_area(name: str, bounds: tuple[float, float, float, float], *, time_zone: str) -> Area:
    """An area of four wards: the quarters of a box."""
    west, south, east, north = bounds
    x, y = (west + east) / 2, (south + north) / 2
    quarters = [(west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north)]
    frame = geopandas.GeoDataFrame(
        {"ward_code": [f"{name}-{k}" for k in range(4)], "ward_name": [f"{name} {k}" for k in range(4)]},
        geometry=[shapely.box(*quarter) for quarter in quarters],
        crs="EPSG:4326",
    )
    return Area(
        name=name, title=name, wards=Wards.from_frame(frame), authority_codes=(), authority_names=(), vintage="",
        source="", licence="", attribution="", crs="EPSG:4326", time_zone=time_zone, folder=Path(),
    )  # fmt: skip


TOWN = box_area("town", (-1.30, 54.50, -1.10, 54.62), time_zone="Europe/London")
BOSTON = box_area("boston", (-71.20, 42.20, -70.95, 42.42), time_zone="America/New_York")
TEMPE = box_area("tempe", (-112.05, 33.25, -111.75, 33.50), time_zone="America/Phoenix")


def ingest(
    store: Store, *paths: Path | str, source: object = "table", area: Area = TOWN, **options: object
) -> IngestReport:
    """Load files as the analyst, on 22 November 2026 at noon."""
    return ingest_files(
        store, ANALYST, paths, source=source, area=area, home=store.home, now=options.pop("now", NOW), **options
    )


def table(folder: Path, *rows: str, heading: str = "layer,source_id,lon,lat,date", name: str = "rows.csv") -> Path:
    """A CSV file with these lines."""
    path = folder / name
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
    return path


def utc(text: str) -> int:
    """UTC seconds of an ISO time."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


WARD_FILE: Final = ROOT / "tests" / "fixtures" / "boundaries" / "wards.geojson"
FIELDS: Final = {"name": "otherby", "code_field": "WD25CD", "name_field": "WD25NM"}

SaveWards = Callable[[gpd.GeoDataFrame], Path]


def build(path: Path, out_dir: Path, **choices: Any) -> BuildReport:
    """Build the area Otherby from a file."""
    return build_area(path, out_dir=out_dir, **{**FIELDS, **choices})


def refusal(path: Path, out_dir: Path, **choices: Any) -> str:
    """The message with which the build is refused; nothing is written."""
    with pytest.raises(AreaError) as caught:
        build(path, out_dir, **choices)
    assert not (out_dir / "otherby").exists()
    return str(caught.value)
