"""The same events in every format of shapes have the same times: without a zone local, with one as the file says."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hexbeat.ingest.parsing.dates import parse_timestamps
from hexbeat.ingest.readers import ReadOptions, open_file

ZONE = "Europe/London"
# A shapefile has no field of dates with times: GDAL writes them as texts, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Field date created as String:RuntimeWarning")
Write = Callable[[geopandas.GeoDataFrame, Path], None]


def write_gdal(frame: geopandas.GeoDataFrame, path: Path) -> None:
    frame.to_file(path)


def write_parquet(frame: geopandas.GeoDataFrame, path: Path) -> None:
    frame.to_parquet(path)


def write_features(frame: geopandas.GeoDataFrame, path: Path) -> None:
    """One feature a line, with the times as Python writes them."""
    features = (
        {
            "type": "Feature", "properties": {"date": time.isoformat()},
            "geometry": shapely.geometry.mapping(shape),
        }
        for time, shape in zip(frame["date"], frame.geometry, strict=True)
    )  # fmt: skip
    path.write_text("\n".join(json.dumps(feature) for feature in features))


def write_topojson(frame: geopandas.GeoDataFrame, path: Path) -> None:
    points = [
        {"type": "Point", "coordinates": [shape.x, shape.y], "properties": {"date": time.isoformat()}}
        for time, shape in zip(frame["date"], frame.geometry, strict=True)
    ]
    topology = {"type": "Topology", "objects": {"finds": {"type": "GeometryCollection", "geometries": points}}}
    path.write_text(json.dumps(topology | {"arcs": []}))


def write_kml(frame: geopandas.GeoDataFrame, path: Path) -> None:
    marks = "".join(
        f"<Placemark><TimeStamp><when>{time.isoformat()}</when></TimeStamp>"
        f"<Point><coordinates>{shape.x},{shape.y}</coordinates></Point></Placemark>"
        for time, shape in zip(frame["date"], frame.geometry, strict=True)
    )
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>')


FORMATS: dict[str, Write] = {
    "a.gpkg": write_gdal, "a.fgb": write_gdal, "a.geojson": write_gdal, "a.shp": write_gdal,
    "a.parquet": write_parquet, "a.geojsonl": write_features, "a.topojson": write_topojson, "a.kml": write_kml,
}  # fmt: skip


def read_seconds(path: Path) -> list[int]:
    with open_file(path, ReadOptions(records="features")) as opened:
        chunks = list(opened.chunks(("date",)))
    times = parse_timestamps(
        pd.concat([chunk.frame["date"] for chunk in chunks], ignore_index=True), formats=(), time_zone=ZONE
    )
    assert not times.bad.any()
    return [int(second) for second in times.utc]


def write(frame_times: pd.DatetimeIndex, folder: Path, name: str) -> Path:
    points = shapely.points(np.full(len(frame_times), -1.25), np.full(len(frame_times), 54.5))
    frame = geopandas.GeoDataFrame({"date": frame_times}, geometry=points, crs="EPSG:4326")
    FORMATS[name](frame, folder / name)
    return folder / name


@pytest.mark.slow
@pytest.mark.usefixtures("real_readers")
@pytest.mark.parametrize("name", FORMATS)
def test_a_summer_evening_without_a_zone_is_local(tmp_path: Path, name: str) -> None:
    path = write(pd.DatetimeIndex(["2025-06-21T21:30:00", "2025-12-21T22:15:00"]), tmp_path, name)
    wanted = pd.DatetimeIndex(["2025-06-21T20:30:00", "2025-12-21T22:15:00"]).astype("datetime64[s]").astype(np.int64)
    assert read_seconds(path) == wanted.tolist()


# Hours that the change of the clocks neither skips nor repeats: what they mean is tested with the dates.
TIMES = st.lists(
    st.datetimes(pd.Timestamp("1990-01-01").to_pydatetime(), pd.Timestamp("2037-12-31").to_pydatetime())
    .map(lambda time: time.replace(microsecond=0))
    .filter(lambda time: time.hour > 2),
    min_size=1,
    max_size=4,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(times=TIMES, zone=st.sampled_from([None, "UTC", ZONE, "Asia/Kolkata"]))
def test_every_format_gives_the_same_times(name: str, times: list[pd.Timestamp], zone: str | None) -> None:
    index = pd.DatetimeIndex(times).tz_localize(zone or ZONE)
    wanted = index.tz_convert("UTC").tz_localize(None).astype("datetime64[s]").astype(np.int64).tolist()
    with TemporaryDirectory() as folder:
        assert read_seconds(write(index if zone else index.tz_localize(None), Path(folder), name)) == wanted
