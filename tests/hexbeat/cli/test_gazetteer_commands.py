"""gazetteer build and find."""

from pathlib import Path

import h3

from hexbeat.operations.plans.plan_store import save_plan
from tests.support.cli import Run, build_square_area
from tests.support.plans import example_plan
from tests.support.stores import documents_in


def test_places_are_found_by_what_people_type(run: Run) -> None:
    outcome = run("find", "linthorp", "rd", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["places"][0] == {
        "name": "Linthorpe Road",
        "kind": "street",
        "ward_code": "E05009869",
        "ward_name": "Park",
        "lon": -1.24165,
        "lat": 54.56418,
    }
    shown = run("find", "TS1", "2AA")
    assert "TS1 2AA" in shown.out
    assert "54.57526, -1.22755" in shown.out


def test_nothing_found_is_said(run: Run) -> None:
    outcome = run("find", "qqqqzzzz")
    assert outcome.code == 0
    assert "No place in Middlesbrough fits. Try fewer words, or part of a name." in outcome.err


def test_what_lies_outside_is_said_to(run: Run) -> None:
    outcome = run("find", "TQ", "300", "800")
    assert outcome.code == 0
    assert "That place lies outside Middlesbrough." in outcome.err


def test_the_stops_of_a_plan_are_found(run: Run, tmp_path: Path) -> None:
    plan = example_plan()
    save_plan(documents_in(tmp_path / "home"), plan)
    first, second = (next(stop for stop in tour.stops if stop.order == 2) for tour in plan.tours)
    found = run("find", "stop", "2", "team", "1", "--plan", plan.plan_id, "--format", "json").json["places"][0]
    assert found["kind"] == "stop of the plan"
    assert found["name"] == f"Stop 2: {first.place}, team 1"
    assert (found["lon"], found["lat"]) == (first.lon, first.lat)
    both = run("find", "stop", "2", "--plan", plan.plan_id, "--format", "json").json["places"]
    assert {(first.lon, first.lat), (second.lon, second.lat)} <= {(place["lon"], place["lat"]) for place in both}


def test_a_gazetteer_is_built_for_an_area_of_ones_own(run: Run, tmp_path: Path) -> None:
    build_square_area(run, tmp_path)
    streets = tmp_path / "streets.csv"
    streets.write_text("STREET,LON,LAT\nLong Street,-1.295,54.505\n")
    columns = ["--column", "name=STREET", "--column", "lon=LON", "--column", "lat=LAT"]
    nameless = run("gazetteer", "build", streets, "--area", "square", *columns)
    assert nameless.code == 3
    assert "give --origin, --licence and --attribution" in nameless.err.lower()
    credit = ["--origin", "A council", "--licence", "OGL v3.0", "--attribution", "Data of a council"]
    built = run("gazetteer", "build", streets, "--area", "square", *columns, *credit, "--format", "json")
    assert built.code == 0, built.err
    assert built.json["points"] == {"street": 1}
    assert built.json["attributions"] == ["Data of a council"]
    assert run("gazetteer", "build", streets, "--area", "square", *columns, *credit).code == 2
    assert run("find", "long st", "--area", "square", "--format", "json").json["places"][0]["name"] == "Long Street"
    cell = h3.latlng_to_cell(54.505, -1.295, 9)
    found = run("find", cell, "--area", "square", "--format", "json").json["places"]
    assert [place["name"] for place in found] == ["Long Street (West)"]
