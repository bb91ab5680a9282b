"""Files that are programs in disguise are not handed to GDAL as what they would like to be."""

import json
from pathlib import Path

import pytest

from geo.errors import AreaError
from geo.geofiles import describe_format, detect_format, gdal_address
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


POINT = '{"type": "Point", "coordinates": [1, 2]}'
FEATURE = f'{{"type": "Feature", "properties": {{"type": "Topology"}}, "geometry": {POINT}}}'
ESRI = '{"displayFieldName": "", "features": [{"attributes": {"type": "Feature"}, "geometry": {"x": 1, "y": 2}}]}'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (f'{{"type": "FeatureCollection", "features": [{FEATURE}]}}', "geojson"),
        (f'{{"features": [{FEATURE}], "type": "FeatureCollection"}}', "geojson"),
        (FEATURE, "geojson"),
        (f"{FEATURE}\n{FEATURE}\n", "geojsonseq"),
        (f"\x1e{FEATURE}\n\x1e{FEATURE}\n", "geojsonseq"),
        ('{"type": "Topology", "objects": {}, "arcs": []}', "topojson"),
        (ESRI, "esrijson"),
        ('[{"service_request_id": "1"}]', "requests"),
        ('{"errors": [], "service_requests": []}', "requests"),
        ('{"error": {"code": 404}}', "errors"),
        ('{"meta": {"view": {}}, "data": []}', "socrata"),
        ('[{"category": "drugs", "type": "Feature or not"}]', "records"),
        ('{"a": 1}\n{"a": 2}\n', "records"),
        ('{"results": [{"a": 1}]}', "records"),
        ('{"a": "}{", "b": "\\""}', "json"),
        ('<?xml version="1.0"?><!-- a <gpx> --><kml:kml xmlns:kml="x"/>', "kml"),
        ('<!DOCTYPE gpx [<!ENTITY a "<kml/>">]><gpx version="1.1"/>', "gpx"),
        ("<ogr:FeatureCollection xmlns:ogr='x'/>", "gml"),
        ("<!DOCTYPE html><html lang='en'></html>", "html"),
        ("<OGRVRTDataSource/>", "vrt"),
        ("<unknown/>", "xml"),
        ("lon,lat\n1,2\n", None),
        ("", None),
    ],
)
def test_the_contents_say_what_a_file_is(tmp_path: Path, content: str, kind: str | None) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    assert detect_format(path) == kind
    if kind is not None:
        assert describe_format(kind)


ENDLESS = ['{"' + '\\"' * 60_000, '{"' + "\\" * 60_001, "<!---->" * 30_000, "<!DOCTYPE a [" * 20_000, "<?" * 100_000]


@pytest.mark.parametrize("start", [*ENDLESS, "{", "[", '{"a":' * 50_000, "[" * 100_000, "<" * 100_000, "<!--" * 50_000])
def test_contents_that_lead_nowhere_are_looked_at_once(tmp_path: Path, start: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(start, encoding="utf-8")
    assert detect_format(path) in {"json", "records", "xml", None}
