import json
import re
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from branca.element import Element

from geo.wards import Wards
from hexbeat.areas.area import Area, load_area
from hexbeat.dashboard.map.basemap import Tiles, build_base_map, build_wards_script


@pytest.fixture(params=["middlesbrough", "cleveland"])
def each_area(request: pytest.FixtureRequest) -> Area:
    return load_area(request.param)


def rendered(element: Element) -> Any:
    figure: Any = element.get_root()
    figure.render()
    return figure


def ward_data(each_area: Area) -> dict[str, Any]:
    match = re.fullmatch(r'Hexbeat\.addWards\("([^"]+)",(.*)\);\n', build_wards_script(each_area))
    assert match
    assert match[1] == each_area.name
    data: dict[str, Any] = json.loads(match[2])
    return data


def test_the_map_asks_nobody_for_anything(each_area: Area) -> None:
    page = rendered(build_base_map(each_area, live=False)).render()
    assert re.findall(r"https?:|//[a-z]+\.|<link|\bsrc=", page) == []


def test_the_maps_own_script_is_small_and_the_same_each_time(each_area: Area) -> None:
    first, second = (build_base_map(each_area, live=False) for _ in range(2))
    scripts = [rendered(base_map).script.render().replace(base_map.get_name(), "map") for base_map in (first, second)]
    ids = re.compile("[0-9a-f]{32}")
    assert ids.sub("", scripts[0]) == ids.sub("", scripts[1])
    assert len(scripts[0]) < 2_000


def test_live_maps_load_two_files_of_this_server(each_area: Area) -> None:
    base_map = build_base_map(each_area, live=True)
    links = [url for _, url in base_map.default_js]
    assert all(
        re.fullmatch(r"\.\./hexbeat\.dashboard\.map\.assets\.files/(map|wards)-[0-9a-f]{16}\.js", url) for url in links
    )
    assert (len(links), base_map.default_css) == (2, [])
    assert [url for _, url in build_base_map(each_area, live=True).default_js] == links


def test_folium_itself_is_left_as_it_was(each_area: Area) -> None:
    import folium  # noqa: PLC0415 - only this test looks at the class

    build_base_map(each_area, live=False)
    assert any("leaflet" in name for name, _ in folium.Map.default_js)


def test_every_ward_is_there_with_its_name_inside_it(each_area: Area) -> None:
    data = ward_data(each_area)
    assert sorted(ward["name"] for ward in data["wards"]) == sorted(each_area.wards.names)
    polygons = dict(zip(each_area.wards.names, each_area.wards.polygons, strict=True))
    for ward in data["wards"]:
        assert shapely.contains_xy(polygons[ward["name"]], *ward["at"])


def test_outlines_are_true_to_a_metre(each_area: Area) -> None:
    polygons = dict(zip(each_area.wards.names, each_area.wards.polygons, strict=True))
    for ward in ward_data(each_area)["wards"]:
        outline = shapely.union_all([shapely.Polygon(rings[0], rings[1:]) for rings in ward["polygons"]])
        assert shapely.hausdorff_distance(outline, polygons[ward["name"]]) < 1e-5


def test_large_wards_are_named_first(each_area: Area) -> None:
    areas = dict(zip(each_area.wards.names, shapely.area(np.array(each_area.wards.polygons)), strict=True))
    sizes = [areas[ward["name"]] for ward in ward_data(each_area)["wards"]]
    assert sizes == sorted(sizes, reverse=True)


def test_where_the_wards_come_from_stands_on_the_map(each_area: Area) -> None:
    assert ward_data(each_area)["attribution"] == [each_area.attribution]


def test_a_hostile_ward_name_is_data() -> None:
    name = "</script><img src=x onerror=alert(1)> {{ 7*7 }} \u2028"
    frame = gpd.GeoDataFrame(
        {"ward_code": ["E05000001"], "ward_name": [name]},
        geometry=[shapely.box(-1.3, 54.5, -1.2, 54.6)],
        crs="EPSG:4326",
    )
    hostile = replace(load_area("middlesbrough"), wards=Wards.from_frame(frame))
    assert "<" not in build_wards_script(hostile)
    assert ward_data(hostile)["wards"][0]["name"] == name


def test_tiles_are_a_choice_and_bring_their_attribution_as_text() -> None:
    each_area = load_area("middlesbrough")
    base_map = build_base_map(each_area, live=False, tiles=Tiles("/tiles/{z}/{x}/{y}.png", "Ordnance & <Survey>"))
    script = rendered(base_map).script.render()
    assert "/tiles/{z}/{x}/{y}.png" in script
    assert r'"attribution":["Ordnance \u0026 \u003cSurvey\u003e"]' in script
