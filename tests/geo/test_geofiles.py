"""Files that are programs in disguise are not handed to GDAL as what they would like to be."""

import json
from pathlib import Path

import pytest

from geo.errors import AreaError
from geo.geofiles import gdal_address
from geo.wards import Wards

PIPELINE = json.dumps({"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/other.geojson"})
VIRTUAL = (
    "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>other.csv</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
)


@pytest.mark.parametrize("start", ["{", "  \n{", "\ufeff{"])
def test_json_is_bound_to_the_geojson_driver(tmp_path: Path, start: str) -> None:
    path = tmp_path / "wards.gpkg"
    path.write_text(start, encoding="utf-8")
    assert gdal_address(path) == f"GeoJSON:{path}"


@pytest.mark.parametrize("content", [b"", b"<a/>", b"PK\x03\x04", b"\x00" * 40, b"lon,lat\n1,2\n"])
def test_anything_else_is_not_handed_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wards.geojson"
    path.write_bytes(content)
    assert gdal_address(path) is None


@pytest.mark.parametrize("content", [PIPELINE, VIRTUAL])
def test_wards_never_run_a_pipeline(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wards.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AreaError) as caught:
        Wards.from_file(path)
    assert str(caught.value) == (
        "Wards come from a file of polygons such as GeoJSON, GeoPackage or Shapefile; `wards.geojson` cannot be "
        "read as polygons; choose a published boundary file, or build one with `hexbeat boundaries build`"
    )
