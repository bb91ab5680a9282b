"""Wards: the same answer as geopandas, and one ward for a point on a shared edge."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.cells import build_outlines, index_points
from geo.distance import metres_per_degree
from geo.errors import AreaError
from geo.wards import OUTSIDE, Wards
from tests.support.paths import ROOT

HINT = "name the file's own columns: `hexbeat boundaries build FILE --area NAME --code FIELD --name FIELD`"


def frame_of(polygons: list[shapely.Geometry], codes: list[str] | None = None) -> geopandas.GeoDataFrame:
    codes = codes or [f"E05{place:06d}" for place in range(len(polygons))]
    return geopandas.GeoDataFrame({"ward_code": codes, "ward_name": codes}, geometry=polygons, crs="EPSG:4326")


def by_geopandas(frame: geopandas.GeoDataFrame, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[str]:
    """The code of each point's ward, "" outside: the plain way."""
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat), crs="EPSG:4326")
    joined = geopandas.sjoin(points, frame, predicate="within")
    assert not joined.index.has_duplicates
    return list(joined["ward_code"].reindex(range(len(lon))).fillna(""))


def located(wards: Wards, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[str]:
    return ["" if place < 0 else wards.codes[place] for place in wards.locate(lon, lat).tolist()]


# Four quarters of a square, the south-west one last by its code; an island; and a hole that no ward covers.
QUARTERS = [
    shapely.box(0, 0, 1, 1),
    shapely.box(1, 0, 2, 1).difference(shapely.box(1.4, 0.4, 1.6, 0.6)),
    shapely.box(0, 1, 1, 2),
    shapely.MultiPolygon([shapely.box(1, 1, 2, 2), shapely.box(2.5, 1.5, 2.6, 1.6)]),
]
SQUARE = frame_of(QUARTERS, ["W4", "W1", "W3", "W2"])
SQUARE_WARDS = Wards.from_frame(SQUARE)  # built and turned into a raster once: no answer changes them


def test_wards_are_in_the_order_of_their_codes() -> None:
    wards = Wards.from_frame(SQUARE)
    assert (wards.codes, wards.names, wards.lad_codes) == (("W1", "W2", "W3", "W4"),) * 2 + (("",) * 4,)
    assert (len(wards), wards.bounds) == (4, (0.0, 0.0, 2.6, 2.0))
    assert wards.polygons[3].equals(QUARTERS[0])


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(-0.2, 2.7), st.floats(-0.2, 2.2)), min_size=1, max_size=8), st.sampled_from([4, 5]))
def test_a_cell_has_the_ward_that_holds_most_of_it(points: list[tuple[float, float]], resolution: int) -> None:
    lon, lat = (np.array(degrees) for degrees in zip(*points, strict=True))
    cells = index_points(lon, lat, resolution=resolution)
    found = SQUARE_WARDS.find_cell_wards(cells)
    assert np.array_equal(found, SQUARE_WARDS.find_cell_wards(cells[::-1])[::-1])
    for outline, ward in zip(build_outlines(cells), found.tolist(), strict=True):
        parts = shapely.area(shapely.intersection(SQUARE_WARDS.polygons, outline)) / shapely.area(outline)
        if parts.max() > 0:
            assert ward == int(np.argmax(np.round(parts, 9)))  # of equal parts the first
        else:
            assert shapely.distance(SQUARE_WARDS.polygons[ward], outline) <= shapely.area(outline) ** 0.5 + min(
                shapely.distance(SQUARE_WARDS.polygons, outline)
            )


@pytest.mark.parametrize("copies", [1, 3000])  # few points are tested one by one, many by the raster
@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (0.5, 0.5, "W4"),
        (1.0, 0.5, "W1"),  # an edge that W1 and W4 share
        (0.5, 1.0, "W3"),  # W3 and W4
        (1.0, 1.0, "W1"),  # all four
        (1.0, 0.0, "W1"),  # where a shared edge meets the outer one
        (0.0, 0.5, ""),  # the outer edge: outside, as for `within`
        (0.0, 0.0, ""),
        (1.5, 0.5, ""),  # in the hole
        (1.4, 0.5, ""),  # on its edge
        (2.55, 1.55, "W2"),  # on the island
        (2.3, 1.55, ""),
        (9.0, 9.0, ""),
        (np.nan, 0.5, ""),
        (0.5, np.inf, ""),
        (np.inf, -np.inf, ""),
    ],
)
def test_a_point_has_its_ward(lon: float, lat: float, code: str, copies: int) -> None:
    assert set(located(SQUARE_WARDS, np.full(copies * 2, lon), np.full(copies * 2, lat))) == {code}


coordinate = st.floats(-0.2, 2.8) | st.sampled_from([0.0, 0.4, 0.5, 0.6, 1.0, 1.4, 1.6, 2.0, 2.5, 2.6])


@pytest.mark.slow
@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=50))
def test_points_anywhere_agree_with_geopandas_but_on_shared_edges(places: list[tuple[float, float]]) -> None:
    lon, lat = np.array(places).T
    plain = by_geopandas(SQUARE, lon, lat)
    touched = np.sum([shapely.intersects_xy(polygon, lon, lat) for polygon in SQUARE_WARDS.polygons], axis=0)
    for ours, theirs, many in zip(located(SQUARE_WARDS, lon, lat), plain, touched, strict=True):
        assert ours == theirs or (theirs == "" and many > 1 and ours != "")
        assert (ours != "") == (theirs != "" or many > 1)


def cells_of_a_town(seed: int) -> geopandas.GeoDataFrame:
    """Thirty wards with crooked edges: the Voronoi cells of random places, cut to a circle."""
    places = shapely.MultiPoint(np.random.default_rng(seed).uniform(-0.1, 0.1, (30, 2)))
    circle = shapely.Point(0, 0).buffer(0.1)
    cells = shapely.get_parts(shapely.voronoi_polygons(places, extend_to=circle))
    return frame_of([cell for cell in shapely.intersection(cells, circle) if not cell.is_empty])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_many_points_agree_with_geopandas(seed: int) -> None:
    frame = cells_of_a_town(seed)
    lon, lat = np.random.default_rng(seed).uniform(-0.11, 0.11, (2, 50_000))
    assert located(Wards.from_frame(frame), lon, lat) == by_geopandas(frame, lon, lat)


@pytest.mark.parametrize("seed", range(3))
def test_every_corner_inside_the_town_has_one_ward_of_those_that_meet_there(seed: int) -> None:
    frame = cells_of_a_town(seed)
    wards = Wards.from_frame(frame)
    corners = np.unique(shapely.get_coordinates(frame.geometry.to_numpy()), axis=0)
    lon, lat = np.tile(corners, (60, 1)).T
    ward = wards.locate(lon, lat)
    assert np.array_equal(ward, wards.locate_exactly(lon, lat))
    assert [int(wards.locate([x], [y])[0]) for x, y in corners.tolist()] == ward[: len(corners)].tolist()
    touched = np.array([shapely.intersects_xy(polygon, lon, lat) for polygon in wards.polygons])
    shared_edge = touched.sum(axis=0) > 1
    assert shared_edge.any()
    assert np.array_equal(ward, np.where(shared_edge, touched.argmax(axis=0), -1))


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", ["middlesbrough_wards_2025", "cleveland_wards_2025", "county_durham_wards_2025"])
def test_every_real_point_agrees_with_geopandas(shared: Path, name: str) -> None:
    path = shared / "boundaries" / f"{name}.geojson"
    wards = Wards.from_file(path)
    lon, lat = real_points(shared).T
    assert located(wards, lon, lat) == by_geopandas(geopandas.read_file(path), lon, lat)


# Files of real points, and their columns of longitude and latitude.
REAL = {
    "police_uk/*.csv": ("Longitude", "Latitude"),
    "needles/*.csv": ("LONGITUDE", "LATITUDE"),
    "properties/*.csv": ("LONGITUDE", "LATITUDE"),
    "overdoses/*.csv": ("Longitude_Random", "Latitude_Random"),
}


def real_points(shared: Path) -> NDArray[np.float64]:
    """Every point of the tables of events, and the anchor points of police.uk, (n, 2); those abroad are outside."""
    places: list[NDArray[np.float64]] = []
    for pattern, columns in REAL.items():
        for path in sorted((shared / "events").glob(pattern)):
            table = pd.read_csv(path, usecols=list(columns), encoding="utf-8-sig", encoding_errors="replace")
            numbers = table[list(columns)].apply(pd.to_numeric, errors="coerce")
            places.append(numbers.dropna().to_numpy(dtype=np.float64))
    needles = geopandas.read_file(shared / "events" / "needles" / "boston_needle_pickup_2016.geojson")
    places.append(needles.get_coordinates().to_numpy())
    anchors = np.loadtxt(shared / "boundaries" / "police_uk_anchor_points.csv", delimiter=",", skiprows=1)
    return np.concatenate([*places, anchors[:, :2]])


@pytest.mark.parametrize("name", ["wards.geojson", "wards.gpkg", "wards.shp", "wards.parquet"])
def test_wards_come_from_any_usual_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    frame = SQUARE.assign(lad_code="E06000002", lad_name="Middlesbrough")
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_file(path)
    wards = Wards.from_file(path)
    assert wards.codes == ("W1", "W2", "W3", "W4")
    assert set(wards.lad_codes) == {"E06000002"}
    assert set(wards.lad_names) == {"Middlesbrough"}


@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_the_shipped_wards_are_read_as_geopandas_reads_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / "data" / "boundaries" / name / "wards.geojson"
    plain = Wards.from_frame(geopandas.read_file(path))
    monkeypatch.setattr("geo.wards.geopandas", None)  # it is not asked
    wards = Wards.from_file(path)
    assert (wards.codes, wards.names) == (plain.codes, plain.names)
    assert (wards.lad_codes, wards.lad_names) == (plain.lad_codes, plain.lad_names)
    assert shapely.to_wkb(wards.polygons).tolist() == shapely.to_wkb(plain.polygons).tolist()


RING = [[0, 0], [1, 0], [1, 1], [0, 0]]
BOW_TIE = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
MERCATOR = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}


@pytest.mark.parametrize(
    ("properties", "geometry", "further", "fact"),
    [
        (
            {},
            {},
            {"crs": MERCATOR},
            "Wards have to be in WGS 84 degrees (EPSG:4326); `w.geojson` is in WGS 84 / Pseudo-Mercator",
        ),
        ({}, {"type": "LineString", "coordinates": RING}, {}, "Each ward is a valid polygon or multipolygon"),
        ({}, {"coordinates": [BOW_TIE]}, {}, "Each ward is a valid polygon or multipolygon"),
        ({}, {"coordinates": []}, {}, "Each ward is a valid polygon or multipolygon"),
        ({"ward_name": None}, {}, {}, "Wards need the columns ward_code and ward_name, and a polygon in each row"),
        ({"ward_code": "W2"}, {}, {}, "Each ward has one row; `w.geojson` has several rows of W2"),
    ],
    ids=["metres", "line", "bow tie", "empty", "no name", "code twice"],
)
def test_geojson_that_is_not_plain_is_judged_as_any_other_file(
    tmp_path: Path, properties: dict[str, object], geometry: dict[str, object], further: dict[str, object], fact: str
) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"ward_code": "W1", "ward_name": "One"} | properties,
            "geometry": {"type": "Polygon", "coordinates": [RING]} | geometry,
        },
        {
            "type": "Feature",
            "properties": {"ward_code": "W2", "ward_name": "Two"},
            "geometry": {"type": "Polygon", "coordinates": [RING]},
        },
    ]
    path = tmp_path / "w.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "name": "w", **further, "features": features}))
    with pytest.raises(AreaError) as caught:
        Wards.from_file(path)
    with pytest.raises(AreaError) as plain:
        Wards.from_frame(geopandas.read_file(path), what="`w.geojson`")
    assert str(caught.value) == str(plain.value)
    assert str(caught.value).startswith(fact)


def test_numbers_as_codes_are_read_as_geopandas_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "w.geojson"
    SQUARE.assign(ward_code=[4, 1, 3, 2], lad_code=["A", None, "A", "A"]).to_file(path)
    wards, plain = Wards.from_file(path), Wards.from_frame(geopandas.read_file(path))
    assert (wards.codes, wards.lad_codes) == (plain.codes, plain.lad_codes)
    assert wards.codes == ("1", "2", "3", "4")
    assert wards.lad_codes == ("", "A", "A", "A")


def test_a_file_that_is_not_there_or_no_boundaries(tmp_path: Path) -> None:
    rule = "Wards come from a file of polygons such as GeoJSON, GeoPackage or Shapefile"
    hint = "choose a published boundary file, or build one with `hexbeat boundaries build`"
    with pytest.raises(AreaError) as caught:
        Wards.from_file(tmp_path / "none.geojson")
    assert str(caught.value) == f"{rule}; there is no file `none.geojson`; {hint}"
    (tmp_path / "noise.geojson").write_bytes(b"\x00\x01 not a map")
    with pytest.raises(AreaError) as caught:
        Wards.from_file(tmp_path / "noise.geojson")
    assert str(caught.value) == f"{rule}; `noise.geojson` cannot be read as polygons; {hint}"
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(AreaError) as caught:
        Wards.from_file(tmp_path / "table.csv")
    assert str(caught.value) == f"{rule}; `table.csv` cannot be read as polygons; {hint}"
    feature = '{"type": "Feature", "properties": {"a": 1, "b": 2}, "geometry": null}'
    (tmp_path / "bare.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{feature}]}}')
    with pytest.raises(AreaError) as caught:
        Wards.from_file(tmp_path / "bare.geojson")
    assert caught.value.fact == "`bare.geojson` lacks ward_code and ward_name and has a, b"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            SQUARE.rename(columns={"ward_code": "WD25CD"}),
            (
                "Wards need the columns ward_code and ward_name, and a polygon in each row; "
                f"the frame lacks ward_code and has WD25CD, ward_name; {HINT}"
            ),
        ),
        (
            SQUARE.iloc[:0],
            f"Wards need the columns ward_code and ward_name, and a polygon in each row; the frame has no rows; {HINT}",
        ),
        (
            SQUARE.assign(ward_name=["a", None, "b", "c"]),
            (
                "Wards need the columns ward_code and ward_name, and a polygon in each row; "
                f"the frame has rows without a code or a name; {HINT}"
            ),
        ),
        (
            SQUARE.set_crs(None, allow_override=True),
            (
                "Wards have to be in WGS 84 degrees (EPSG:4326); the frame does not name its CRS; let `hexbeat "
                "boundaries build` convert it, or use to_crs(4326)"
            ),
        ),
        (
            SQUARE.to_crs("EPSG:27700"),
            (
                "Wards have to be in WGS 84 degrees (EPSG:4326); the frame is in OSGB36 / British National Grid; "
                "let `hexbeat boundaries build` convert it, or use to_crs(4326)"
            ),
        ),
        (
            SQUARE.assign(ward_code=["W1", "W1", "W2", "W3"]),
            "Each ward has one row; the frame has several rows of W1; join the parts of a ward into one MultiPolygon",
        ),
        (
            SQUARE.set_geometry([*QUARTERS[:3], shapely.Point(0, 0)]),
            (
                "Each ward is a valid polygon or multipolygon; the frame has other shapes for W2; let "
                "`hexbeat boundaries build --repair` repair what can be repaired"
            ),
        ),
        (
            SQUARE.set_geometry([*QUARTERS[:3], shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], crs="EPSG:4326"),
            (
                "Each ward is a valid polygon or multipolygon; the frame has other shapes for W2; let "
                "`hexbeat boundaries build --repair` repair what can be repaired"
            ),
        ),
    ],
)
def test_what_are_no_wards_is_refused(frame: geopandas.GeoDataFrame, message: str) -> None:
    with pytest.raises(AreaError) as caught:
        Wards.from_frame(frame)
    assert str(caught.value) == message


some_points = st.lists(st.tuples(st.floats(-1.36, -1.14), st.floats(54.46, 54.66)), min_size=1, max_size=30)


@pytest.mark.slow
@given(some_points, st.floats(1, 3000))
def test_the_nearest_ward_is_the_one_at_the_least_distance(points: list[tuple[float, float]], within_m: float) -> None:
    boxes = [shapely.box(-1.30, 54.50, -1.25, 54.55), shapely.box(-1.25, 54.50, -1.20, 54.55)]
    boxes.append(shapely.box(-1.30, 54.56, -1.20, 54.60))  # a strip of nobody's between them, open to both sides
    wards = Wards(("a", "b", "c"), ("A", "B", "C"), np.array(boxes, dtype=object))
    lon, lat = np.array(points, dtype=np.float64).T
    outside = wards.locate_exactly(lon, lat) == OUTSIDE
    ward, metres = wards.find_nearest(lon[outside], lat[outside], within_m=within_m)
    for x, y, found, distance in zip(lon[outside], lat[outside], ward, metres, strict=True):
        least = [measure_m(box, x, y) for box in boxes]
        if found == OUTSIDE:
            assert min(least) > within_m * 0.98
        else:
            assert distance <= within_m
            assert [least[found], distance] == pytest.approx([min(least)] * 2, rel=0.02, abs=0.01)


def measure_m(polygon: shapely.Geometry, lon: float, lat: float) -> float:
    """Metres from a point to a polygon, in a plane around the point."""
    around = shapely.transform(polygon, lambda degrees: (degrees - (lon, lat)) * metres_per_degree(lat))
    return float(shapely.distance(around, shapely.Point(0, 0)))


def test_a_place_in_an_enclave_has_no_nearest_ward() -> None:
    ring = shapely.difference(shapely.box(-1.3, 54.5, -1.2, 54.6), shapely.box(-1.26, 54.54, -1.24, 54.56))
    wards = Wards(("a",), ("A",), np.array([ring], dtype=object))
    ward, metres = wards.find_nearest(np.array([-1.2599, -1.3001]), np.array([54.55, 54.55]), within_m=50)
    assert (ward.tolist(), np.isnan(metres).tolist()) == ([OUTSIDE, 0], [True, False])
