"""plans.toml: what it may not say of where tours begin."""

from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import (
    PlanSettings,
    find_starts,
    forget_start,
    read_plan_settings,
    remember_start,
)
from hexbeat.operations.reference_places import load_reference
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.demonstrations import middlesbrough
from tests.support.stores import documents_in


@pytest.mark.parametrize("lon", ["nan", "inf", "181.0", "true"])
def test_a_start_without_degrees_is_refused(tmp_path: Path, lon: str) -> None:
    (tmp_path / "plans.toml").write_text(f'[start]\nname = "Yard"\nlon = {lon}\nlat = 54.574\n')
    with pytest.raises(DataError) as caught:
        read_plan_settings(documents_in(tmp_path))
    assert str(caught.value) == (
        "plans.toml holds roads, standard_hours, revisit_minutes, walk_minutes, geo_links, map_address and [[starts]] "
        "with name, lon and lat; one of its starts has no lon and lat in degrees; correct the file, or remove it: "
        "plans work without it"
    )


@pytest.mark.parametrize(
    ("written", "fact"),
    [
        ("90", "revisit_minutes is 90"),
        ("[90]", "revisit_minutes is [90]"),
        ("[true, 180]", "revisit_minutes is [True, 180]"),
        ("[90, 180.5]", "revisit_minutes is [90, 180.5]"),
        ("[180, 90]", "plans.toml has 180 to 90"),
        ("[5, 90]", "plans.toml has 5 to 90"),
    ],
)
def test_minutes_between_visits_are_a_least_and_a_most(tmp_path: Path, written: str, fact: str) -> None:
    (tmp_path / "plans.toml").write_text(f"revisit_minutes = {written}\n")
    with pytest.raises(DataError) as caught:
        read_plan_settings(documents_in(tmp_path))
    assert caught.value.fact == fact
    assert caught.value.hint == "give two whole numbers of minutes, as [90, 180]"


def test_a_remembered_start_leaves_the_other_settings_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "plans.toml").write_text(
        'roads = "a.graphml"\nstandard_hours = 4\nrevisit_minutes = [100, 200]\nwalk_minutes = 30\n'
    )
    start = Place("Station", -1.235, 54.574)
    remember_start(documents_in(tmp_path), start)
    assert read_plan_settings(documents_in(tmp_path)) == PlanSettings(
        (start,), "a.graphml", 4.0, (100, 200), walk_minutes=30
    )


@pytest.mark.parametrize(("written", "value"), [("4", "4"), ("241", "241"), ("true", "True"), ("30.5", "30.5")])
def test_a_longest_walk_is_a_whole_number_of_minutes(tmp_path: Path, written: str, value: str) -> None:
    (tmp_path / "plans.toml").write_text(f"walk_minutes = {written}\n")
    with pytest.raises(DataError) as caught:
        read_plan_settings(documents_in(tmp_path))
    assert caught.value.fact == f"walk_minutes is {value}"
    assert caught.value.hint == "give a whole number of minutes, 5 to 240"


def test_starts_are_kept_by_their_names_the_last_used_first(tmp_path: Path) -> None:
    station, yard = Place("Station", -1.235, 54.574), Place('The "yard"', -1.25, 54.56)
    for start in (station, yard, Place("Station", -1.236, 54.575)):
        remember_start(documents_in(tmp_path), start)
    assert read_plan_settings(documents_in(tmp_path)).starts == (Place("Station", -1.236, 54.575), yard)
    forget_start(documents_in(tmp_path), "Station")
    forget_start(documents_in(tmp_path), "Nowhere")
    assert read_plan_settings(documents_in(tmp_path)).starts == (yard,)
    for number in range(20):
        remember_start(documents_in(tmp_path), Place(f"Start {number}", -1.2, 54.5))
    names = [place.name for place in read_plan_settings(documents_in(tmp_path)).starts]
    assert names == [f"Start {number}" for number in range(19, 7, -1)]


def test_the_one_start_of_earlier_versions_is_read(tmp_path: Path) -> None:
    (tmp_path / "plans.toml").write_text('[start]\nname = "Yard"\nlon = -1.25\nlat = 54.56\n')
    assert read_plan_settings(documents_in(tmp_path)).starts == (Place("Yard", -1.25, 54.56),)


def test_tours_may_begin_at_the_remembered_place_then_at_loaded_ones_each_name_once(tmp_path: Path) -> None:
    area = middlesbrough()
    (tmp_path / "stations.csv").write_text(
        "name,latitude,longitude\nNorth,54.58,-1.24\nYard,54.57,-1.23\n", encoding="utf-8"
    )
    with Store.open(tmp_path / "home") as store:
        assert find_starts(documents_in(tmp_path / "home"), store, ANALYST, "station") == []
        load_reference(store, ANALYST, tmp_path / "stations.csv", kind="station", area=area)
        loaded = find_starts(documents_in(tmp_path / "home"), store, ANALYST, "station")
        assert [place.name for place in loaded] == ["North", "Yard"]
        yard = Place("Yard", -1.25, 54.56)
        remember_start(documents_in(tmp_path / "home"), yard)
        assert find_starts(documents_in(tmp_path / "home"), store, ANALYST, "station") == [yard, loaded[0]]
        assert find_starts(documents_in(tmp_path / "home"), store, ANALYST, "depot") == [yard]
