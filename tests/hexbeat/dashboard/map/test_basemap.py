import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from branca.element import Element

from geo.wards import Wards
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.credits import list_name_credits
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.streets import read_streets
from hexbeat.dashboard.map.basemap import (
    MAP_KINDS,
    build_area_scripts,
    build_base_map,
    build_streets_script,
    build_wards_script,
    list_map_places,
)
from hexbeat.files import hash_file


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


def test_live_maps_load_one_file_of_this_server(each_area: Area) -> None:
    """Streets come in another one, for which no map waits."""
    base_map = build_base_map(each_area, live=True)
    links = [url for _, url in base_map.default_js]
    assert all(re.fullmatch(r"\.\./hexbeat\.dashboard\.map\.assets\.files/map-[0-9a-f]{16}\.js", url) for url in links)
    assert (len(links), base_map.default_css) == (1, [])
    assert [url for _, url in build_base_map(each_area, live=True).default_js] == links


def street_data(area: Area) -> dict[str, Any]:
    match = re.fullmatch(r'Hexbeat\.addStreets\("([^"]+)",(.*)\);\n', build_streets_script(area))
    assert match
    assert match[1] == area.name
    data: dict[str, Any] = json.loads(match[2])["data"]
    return data


def base_options(area: Area, *, live: bool) -> dict[str, Any]:
    script = rendered(build_base_map(area, live=live)).script.render()
    options: dict[str, Any] = json.loads(re.search(r"Hexbeat\.base\(map_[0-9a-f]+, (\{.*\})\);", script)[1])  # type: ignore[index]  # it is there
    return options


def test_streets_come_in_a_file_of_their_own_that_the_map_does_not_wait_for(each_area: Area) -> None:
    streets = base_options(each_area, live=True)["streets"]
    assert streets["id"] == each_area.name
    assert re.fullmatch(r"\.\./hexbeat\.dashboard\.map\.assets\.files/streets-[0-9a-f]{16}\.js", streets["source"])
    assert base_options(each_area, live=False)["streets"] == {"id": each_area.name, "source": None}


def test_the_streets_are_those_of_the_area_and_the_map_names_their_source(each_area: Area) -> None:
    streets = read_streets(each_area)
    assert streets
    assert street_data(each_area) == {key: streets.data[key] for key in ("origin", "step", "names", "lines", "areas")}
    assert base_options(each_area, live=False)["attribution"] == [
        "Streets partly shown. © OpenStreetMap contributors",
        *list_name_credits(each_area),
    ]


def test_stations_and_schools_are_on_the_map_and_neither_streets_nor_postcodes_are() -> None:
    gazetteer = read_gazetteer(load_area("middlesbrough"))
    assert gazetteer
    places = list_map_places(gazetteer)
    names = {name for _, name, _, _ in places}
    assert {"Middlesbrough station", "James Cook station", "Hospital", "Acklam Grange School"} <= names
    assert not {"Linthorpe Road", "TS1 2AA"} & names
    assert not [name for name in names if " near " in name]
    assert len(places) == len({(name.casefold(), round(lon, 2), round(lat, 2)) for _, name, lon, lat in places})
    kinds = gazetteer.entries.groupby("name")["kind"].agg(set)
    assert all(MAP_KINDS[kind] in kinds[name] for kind, name, _, _ in places if name in kinds)


def test_an_area_without_streets_has_a_map_of_wards(tmp_path: Path) -> None:
    bare = replace(load_area("middlesbrough"), folder=tmp_path)
    assert build_streets_script(bare) == ""
    assert "streets" not in base_options(bare, live=False)
    assert build_area_scripts(bare) == build_wards_script(bare)


def test_a_hostile_street_name_is_data(tmp_path: Path) -> None:
    name = "</script><img src=x onerror=alert(1)> {{ 7*7 }} \u2028"
    data = {
        "format": 1,
        "origin": [0, 0],
        "step": 1e-5,
        "names": [name],
        "lines": {"main": [[0, 1, 1, 2, 2]]},
        "areas": {},
    }
    (tmp_path / "streets.json").write_text(json.dumps(data), encoding="utf-8")
    digest = hash_file(tmp_path / "streets.json")
    facts = f'attribution = "{{{{ 7*7 }}}} <b>"\nlicence = "x"\ncomplete = true\nstreets_sha256 = "{digest}"\n'
    (tmp_path / "streets.toml").write_text(facts, encoding="utf-8")
    hostile = replace(load_area("middlesbrough"), name="hostile", folder=tmp_path)
    assert "<" not in build_streets_script(hostile)
    assert street_data(hostile)["names"] == [name]
    assert base_options(hostile, live=False)["attribution"] == ["{{ 7*7 }} <b>"]


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


def name_tiles(monkeypatch: pytest.MonkeyPatch, **others: str) -> None:
    settings = {"": "https://t.example.gov.uk/{z}/{x}/{y}.png", "_ATTRIBUTION": "Ordnance & <Survey>", **others}
    for name, value in settings.items():
        monkeypatch.setenv(f"HEXBEAT_TILES{name}", value)


def test_tiles_are_a_choice_and_bring_their_attribution_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    area = load_area("middlesbrough")
    streets = base_options(area, live=True)["attribution"][0]
    name_tiles(monkeypatch)
    script = rendered(build_base_map(area)).script.render()
    assert "https://t.example.gov.uk/{z}/{x}/{y}.png" in script
    assert r'"attribution":["Ordnance \u0026 \u003cSurvey\u003e","Names of streets' in script
    options = base_options(area, live=True)
    assert options["tiles"] == {
        "address": "https://t.example.gov.uk/{z}/{x}/{y}.png", "wms": None, "under": False, "credits": [streets],
    }  # fmt: skip
    name_tiles(monkeypatch, _STREETS="under")
    options = base_options(area, live=True)
    assert (options["tiles"]["under"], options["attribution"][:2]) == (True, ["Ordnance & <Survey>", streets])


def test_a_page_that_loads_nothing_has_no_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    area = load_area("middlesbrough")
    without = base_options(area, live=False)
    name_tiles(monkeypatch)
    assert base_options(area, live=False) == without
