import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from geo.errors import AreaError
from hexbeat.areas.area import find_area_folders, list_areas, load_area, require_area_name
from hexbeat.areas.boundaries import build_area, check_area
from hexbeat.settings import PROJECT_DIR
from tests.support.faults import as_other_user
from tests.support.paths import ROOT

FIXTURE = ROOT / "tests" / "fixtures" / "boundaries" / "wards.geojson"
SHIPPED = ["cleveland", "county-durham", "middlesbrough"]


def build(home: Path, name: str = "otherby", title: str = "Otherby") -> Path:
    return build_area(
        FIXTURE, name=name, code_field="WD25CD", name_field="WD25NM", out_dir=home / "boundaries", title=title
    ).folder


@pytest.mark.parametrize(("name", "wards"), [("middlesbrough", 20), ("cleveland", 83), ("county-durham", 51)])
def test_the_project_ships_three_sound_areas(name: str, wards: int) -> None:
    area = load_area(name)
    assert check_area(area.folder) == []
    assert len(area.wards.codes) == wards
    assert area.attribution == (
        "Source: Office for National Statistics licensed under the Open Government Licence v.3.0. "
        "Contains OS data © Crown copyright and database right 2025."
    )
    assert (area.vintage, area.licence, area.crs) == ("2025", "Open Government Licence v3.0", "EPSG:4326")


def test_an_area_knows_where_it_is_and_whose() -> None:
    area = load_area("middlesbrough")
    west, south, east, north = area.bounds
    assert -1.3 < west < area.centre[0] < east < -1.1
    assert 54.4 < south < area.centre[1] < north < 54.6
    assert area.title == "Middlesbrough"
    assert (area.authority_codes, area.authority_names) == (("E06000002",), ("Middlesbrough",))
    assert area.tz == ZoneInfo("Europe/London")


@pytest.mark.parametrize("name", SHIPPED)
def test_each_ward_knows_its_council(name: str) -> None:
    area = load_area(name)
    councils = set(zip(area.wards.lad_codes, area.wards.lad_names, strict=True))
    assert councils == set(zip(area.authority_codes, area.authority_names, strict=True))
    assert "" not in area.wards.lad_names


def test_wards_of_several_parts_keep_them() -> None:
    wards = load_area("middlesbrough").wards
    parts = {name: len(polygon.geoms) for name, polygon in zip(wards.names, wards.polygons, strict=True)
             if polygon.geom_type == "MultiPolygon"}  # fmt: skip
    assert set(parts) == {"Ayresome", "Central", "Trimdon"}


def test_an_area_of_the_installation_comes_before_the_projects_own(tmp_path: Path) -> None:
    own = build(tmp_path, "middlesbrough", "Ours")
    assert load_area("middlesbrough", home=tmp_path).title == "Ours"
    assert load_area("middlesbrough").title == "Middlesbrough"
    build(tmp_path)
    assert list_areas(tmp_path) == ["cleveland", "county-durham", "middlesbrough", "otherby"]
    assert find_area_folders(tmp_path)["middlesbrough"] == own
    assert find_area_folders()["middlesbrough"] == PROJECT_DIR / "data" / "boundaries" / "middlesbrough"


def test_an_area_is_kept_until_it_is_built_again(tmp_path: Path) -> None:
    build(tmp_path)
    first = load_area("otherby", home=tmp_path)
    assert load_area("otherby", home=tmp_path) is first
    build(tmp_path, title="Built again")
    assert load_area("otherby", home=tmp_path).title == "Built again"


def test_an_unknown_area_lists_those_that_there_are_and_the_nearest() -> None:
    with pytest.raises(AreaError) as caught:
        load_area("midlesbrough")
    assert str(caught.value) == (
        "An area has to be built before you can use it; there is no area named 'midlesbrough'; "
        "did you mean middlesbrough? The areas are cleveland, county-durham, middlesbrough; `hexbeat boundaries "
        "build` builds one"
    )


def test_a_name_that_could_leave_the_folder_is_no_area(tmp_path: Path) -> None:
    build(tmp_path)
    with pytest.raises(AreaError) as caught:
        load_area("../boundaries/otherby", home=tmp_path)
    assert str(caught.value) == (
        "An area's name has lower-case letters, digits and single hyphens, at most 64 of them; "
        "'../boundaries/otherby' does not; choose one such as 'county-durham'"
    )
    assert require_area_name("county-durham") == "county-durham"


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('vintage = "not stated"\n', "", "it has no vintage of the right type"),
        ("Europe/London", "Europe/Lundun", "its time_zone is 'Europe/Lundun', which is not a time zone"),
        ("name =", "name", "it cannot be read (TOMLDecodeError)"),
    ],
)
def test_a_spoilt_area_says_what_is_wrong(tmp_path: Path, old: str, new: str, fact: str) -> None:
    toml = build(tmp_path) / "area.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(AreaError) as caught:
        load_area("otherby", home=tmp_path)
    message = (
        f"otherby/area.toml says what the area is called and where its wards come from; {fact}; "
        "build the area again with `hexbeat boundaries build`"
    )
    assert str(caught.value) == message
    assert check_area(toml.parent) == [message]


def test_a_home_that_may_not_be_looked_into_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0)
    with as_other_user(), pytest.raises(AreaError) as caught:
        load_area("middlesbrough", home=home)
    rule = "You need permission to read the folders of areas"
    hint = "set HEXBEAT_HOME to another folder, or ask the owner of this one"
    folder = home / "cache" / "boundaries"  # looked into first: areas of a shared store
    assert str(caught.value) == f"{rule}; {folder / 'middlesbrough'} cannot be read: Permission denied; {hint}"
    with as_other_user(), pytest.raises(AreaError) as caught:
        list_areas(home)
    assert str(caught.value) == f"{rule}; {home / 'boundaries'} cannot be read: Permission denied; {hint}"
    assert caught.value.exit_code == 3


def test_half_written_folders_are_no_areas(tmp_path: Path) -> None:
    folder = build(tmp_path)
    shutil.copytree(folder, folder.with_name(".otherby-x1"))
    assert "otherby" in list_areas(tmp_path)
    assert list_areas(tmp_path) == sorted([*SHIPPED, "otherby"])
