"""The files that streets come from: OpenStreetMap, Ordnance Survey's open products, and lines of anybody."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo.errors import DataError, UsageError
from hexbeat.areas.street_files import OPENSTREETMAP, ORDNANCE_SURVEY, read_street_shapes

BOUNDS = (-1.30, 54.50, -1.15, 54.60)
RULE = "The streets of a map come from a file of lines"
HINT = "give an .osm.pbf, a GeoPackage of OS Open Roads or OS Open Zoomstack, or lines as GeoJSON or GeoPackage"
LINE = shapely.LineString([(-1.24, 54.57), (-1.23, 54.575)])
FIELD = shapely.box(-1.24, 54.55, -1.235, 54.555)


def write(path: Path, rows: list[dict[str, object]], *, layer: str = "lines", crs: int = 27700) -> Path:
    """Rows with their columns; each is a line in the middle of Middlesbrough unless it brings a geometry."""
    shapes = [row.pop("geometry", LINE) for row in rows]
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs=4326).to_crs(crs)
    frame.to_file(path, layer=layer) if path.suffix == ".gpkg" else frame.to_file(path)
    return path


def list_kinds(path: Path, **options: str) -> dict[str, str]:
    shapes, _ = read_street_shapes(path, BOUNDS, **options)
    return dict(zip(shapes["name"], shapes["kind"], strict=True))


def test_an_extract_of_openstreetmap_is_read_with_its_publisher(shared: Path) -> None:
    shapes, publisher = read_street_shapes(shared / "places" / "its-example.osm.pbf", (-1.60, 53.75, -1.50, 53.85))
    assert publisher == OPENSTREETMAP
    kinds = dict(zip(shapes["name"], shapes["kind"], strict=True))
    assert kinds["Back Blenheim Terrace"] == "street"
    assert kinds["Blenheim Walk"] == "main"
    assert set(shapes["kind"]) <= {"main", "through", "street", "path", "rail", "water", "green"}
    assert shapes.crs == 4326


def test_a_column_highway_is_read_as_openstreetmaps(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"name": "Marton Road", "highway": "primary", "other_tags": None},
        {"name": "Link", "highway": "tertiary_link", "other_tags": None},
        {"name": "Grange Road", "highway": "pedestrian", "other_tags": None},
        {"name": "Back Alley", "highway": "service", "other_tags": '"service"=>"alley"'},
        {"name": "Drive", "highway": "service", "other_tags": '"service"=>"driveway"'},
        {"name": "Pavement", "highway": "footway", "other_tags": '"footway"=>"sidewalk"'},
        {"name": "Planned", "highway": "proposed", "other_tags": None},
        {"name": None, "highway": "trunk", "other_tags": '"lanes"=>"2","ref"=>"A66;A19"'},
    ]
    assert list_kinds(write(tmp_path / "osm.geojson", rows, crs=4326)) == {
        "Marton Road": "main", "Link": "through", "Grange Road": "street", "Back Alley": "path", "A66": "main",
    }  # fmt: skip


def test_os_open_roads_is_classed_by_function(tmp_path: Path) -> None:
    functions = {
        "Motorway": "main", "A Road": "main", "B Road": "through", "Minor Road": "through", "Local Road": "street",
        "Local Access Road": "street", "Restricted Local Access Road": "path", "Secondary Access Road": "path",
    }  # fmt: skip
    rows: list[dict[str, object]] = [
        {
            "road_function": name,
            "road_classification": "Unclassified",
            "road_classification_number": None,
            "name_1": name,
        }
        for name in functions
    ]
    rows.append(
        {
            "road_function": "A Road",
            "road_classification": "A Road",
            "road_classification_number": "A66",
            "name_1": None,
        }
    )
    path = write(tmp_path / "oproad_gb.gpkg", rows, layer="road_link")
    shapes, publisher = read_street_shapes(path, BOUNDS)
    assert publisher == ORDNANCE_SURVEY
    assert dict(zip(shapes["name"], shapes["kind"], strict=True)) == functions | {"A66": "main"}
    older = dict(zip(rows[0], ("function", "class", "roadNumber", "name1"), strict=True))
    path = write(
        tmp_path / "older.gpkg", [{older[name]: row[name] for name in older} for row in rows], layer="RoadLink"
    )
    shapes, publisher = read_street_shapes(path, BOUNDS)
    assert publisher == ORDNANCE_SURVEY
    assert dict(zip(shapes["name"], shapes["kind"], strict=True)) == functions | {"A66": "main"}


@pytest.mark.slow
def test_os_open_zoomstack_is_classed_by_layer_and_type(tmp_path: Path) -> None:
    path = tmp_path / "OS_Open_Zoomstack.gpkg"
    layers: dict[str, list[dict[str, object]]] = {
        "roads_national": [{"type": "Primary", "name": None, "number": "A66"}],
        "roads_regional": [{"type": "B Road", "name": "Borough Road", "number": "B1272"}],
        "roads_local": [{"type": "Local", "name": "Grange Road"}, {"type": "Tunnels", "name": "Under"}],
        "rail": [{"type": "Multi Track", "name": "Tees Valley Line"}, {"type": "Tunnel", "name": "Hidden"}],
        "waterlines": [{"type": "River", "name": "Tees"}, {"type": "MHW", "name": "High water"}],
        "greenspace": [{"type": "Public Park Or Garden", "name": "Albert Park", "geometry": FIELD}],
        "contours": [{"type": "Normal", "name": "50"}],
        "local_buildings": [{"type": None, "name": "House", "geometry": FIELD}],
    }  # fmt: skip
    for layer, rows in layers.items():
        write(path, rows, layer=layer)
    assert list_kinds(path) == {
        "A66": "main", "Borough Road": "through", "Grange Road": "street", "Tees Valley Line": "rail", "Tees": "water",
        "Albert Park": "green",
    }  # fmt: skip


def test_lines_of_anybody_are_classed_by_words_and_road_numbers(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"NAME": "Acklam Road", "ref": "A1032", "kind": "road_or_path"},
        {"NAME": "Newport Road", "ref": "B1272", "kind": "road_or_path"},
        {"NAME": "Union Street", "ref": None, "kind": "road_or_path"},
        {"NAME": "Teesdale Way", "ref": None, "kind": "cycleway"},
        {"NAME": "Ormesby Beck", "ref": None, "kind": "stream"},
    ]
    path = write(tmp_path / "lines.gpkg", rows)
    expected = {
        "Acklam Road": "main", "Newport Road": "through", "Union Street": "street", "Teesdale Way": "path",
        "Ormesby Beck": "water",
    }  # fmt: skip
    assert list_kinds(path) == expected
    assert read_street_shapes(path, BOUNDS)[1] is None
    assert list_kinds(path, where="ref IS NULL") == {name: expected[name] for name in list(expected)[2:]}


def test_only_what_is_near_is_read(tmp_path: Path) -> None:
    far = shapely.LineString([(-1.60, 54.90), (-1.61, 54.91)])
    path = write(tmp_path / "lines.gpkg", [{"name": "Here"}, {"name": "Gateshead", "geometry": far}])
    assert list_kinds(path) == {"Here": "street"}
    with pytest.raises(DataError) as caught:
        read_street_shapes(path, (0.0, 51.0, 0.1, 51.1))
    assert str(caught.value) == f"{RULE}; lines.gpkg has no streets in the area or near it; {HINT}"


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("streets.csv", b"lon,lat\n1,2\n", "streets.csv is not a file of lines that Hexbeat reads"),
        ("broken.osm.pbf", b"\0\0\0\x0d\n\tOSMHeader\x18\x04abcd", "broken.osm.pbf cannot be read (FeatureError)"),
        ("program.vrt", b"<OGRVRTDataSource/>", "program.vrt is not a file of lines that Hexbeat reads"),
        ("broken.geojson", b'{"type": "Featu', "broken.geojson cannot be read (DataSourceError)"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, fact: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_street_shapes(path, BOUNDS)
    assert str(caught.value) == f"{RULE}; {fact}; {HINT}"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_street_shapes(tmp_path / "none.gpkg", BOUNDS)
    assert str(caught.value) == f"{RULE}; none.gpkg cannot be read (FileNotFoundError); {HINT}"


def test_a_condition_is_for_vector_files(shared: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_street_shapes(shared / "places" / "its-example.osm.pbf", BOUNDS, where="name = 'x'")
    assert str(caught.value) == (
        "A condition on the rows belongs to a GeoJSON, GeoPackage or shapefile; "
        "its-example.osm.pbf is an extract of OpenStreetMap; leave out --where"
    )
