"""plans.toml: what it may not say of where tours begin."""

from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import PlanSettings, find_starts, read_plan_settings, remember_start
from hexbeat.operations.reference_places import load_reference
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.demonstrations import middlesbrough


@pytest.mark.parametrize("lon", ["nan", "inf", "181.0", "true"])
def test_a_start_without_degrees_is_refused(tmp_path: Path, lon: str) -> None:
    (tmp_path / "plans.toml").write_text(f'[start]\nname = "Yard"\nlon = {lon}\nlat = 54.574\n')
    with pytest.raises(DataError) as caught:
        read_plan_settings(tmp_path)
    assert str(caught.value) == (
        "plans.toml holds roads, standard_hours, revisit_minutes and a [start] with name, lon and lat; its [start] has "
        "no lon and lat in degrees; correct the file, or remove it: plans work without it"
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
        read_plan_settings(tmp_path)
    assert caught.value.fact == fact
    assert caught.value.hint == "give two whole numbers of minutes, as [90, 180]"


def test_a_remembered_start_leaves_the_other_settings_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "plans.toml").write_text('roads = "a.graphml"\nstandard_hours = 4\nrevisit_minutes = [100, 200]\n')
    start = Place("Station", -1.235, 54.574)
    remember_start(tmp_path, start)
    assert read_plan_settings(tmp_path) == PlanSettings(start, "a.graphml", 4.0, (100, 200))


def test_tours_may_begin_at_the_remembered_place_then_at_loaded_ones_each_name_once(tmp_path: Path) -> None:
    area = middlesbrough()
    (tmp_path / "stations.csv").write_text(
        "name,latitude,longitude\nNorth,54.58,-1.24\nYard,54.57,-1.23\n", encoding="utf-8"
    )
    with Store.open(tmp_path / "home") as store:
        assert find_starts(tmp_path / "home", store, ANALYST, "station") == []
        load_reference(store, ANALYST, tmp_path / "stations.csv", kind="station", area=area)
        loaded = find_starts(tmp_path / "home", store, ANALYST, "station")
        assert [place.name for place in loaded] == ["North", "Yard"]
        yard = Place("Yard", -1.25, 54.56)
        remember_start(tmp_path / "home", yard)
        assert find_starts(tmp_path / "home", store, ANALYST, "station") == [yard, loaded[0]]
        assert find_starts(tmp_path / "home", store, ANALYST, "depot") == [yard]
