"""The door for analysts: GeoDataFrames equal to what the commands answer, by the same filters, errors and policy."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import folium
import geopandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hexbeat
from hexbeat.town import FILTERS, Town, open_town
from layers.access import Viewer
from layers.grouping import GROUPINGS
from tests.support.cli import Run, answer
from tests.support.demonstrations import TODAY, filled_store
from tests.support.paths import ROOT

QUARTER = {"start": "2026-08-24", "end": TODAY}
ASKED = ("--from", "2026-08-24", "--to", "2026-11-22")


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with hexbeat.open(filled_store(), "middlesbrough") as opened:
        yield opened


def list_addresses(page: str) -> list[str]:
    """What the page would load: the addresses of its scripts, styles, pictures and frames."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(f"{tag} {value}" for name, value in attrs if name in ("src", "href"))

    Reader().feed(page)
    return found


def as_file(frame: geopandas.GeoDataFrame) -> list[dict[str, Any]]:
    """The rows as GeoJSON has them."""
    return [feature["properties"] for feature in json.loads(frame.to_json())["features"]]


def features(out: Path) -> list[dict[str, Any]]:
    return [feature["properties"] for feature in json.loads(out.read_text(encoding="utf-8"))["features"]]


def test_importing_hexbeat_costs_next_to_nothing() -> None:
    heavy = "('pandas', 'numpy', 'geopandas', 'sqlalchemy', 'scipy', 'streamlit', 'folium', 'typer', 'h3')"
    script = f"import hexbeat, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_the_door_names_is_there() -> None:
    assert [name for name in hexbeat.__all__ if not hasattr(hexbeat, name)] == []
    assert hexbeat.Town is Town


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "filters"),
    [
        (("--layer", "needle_litter"), {}),
        (("--layer", "needle_litter", "--measure", "quantity"), {"measure": "quantity"}),
        (("--layer", "needle_litter", "--hours", "22-04", "--days", "fri,sat"), {"hours": (22, 4), "days": [4, "sat"]}),
        (("--layer", "needle_litter", "--reported-by", "sweep"), {"reported_by": "sweep"}),
        (("--layer", "needle_litter", "--category", "Found on patrol"), {"categories": "found on patrol"}),
        (("--layer", "needle_litter", "--ward", "central", "--ward", "Newport"), {"wards": ["central", "Newport"]}),
        (("--layer", "needle_litter", "--as-at", "2099-11-30"), {"as_at": "30/11/2099"}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_cells_and_wards_are_as_the_command_writes_them(
    town: Town, run: Run, tmp_path: Path, options: tuple[str, ...], filters: dict[str, Any]
) -> None:
    out = tmp_path / "counts.geojson"
    for by, frame in (
        ("cell", town.cells("needle_litter", resolution=10, **QUARTER, **filters)),
        ("ward,month", town.wards("needle_litter", by="month", **QUARTER, **filters)),
    ):
        said = answer(
            run("counts", *options, *ASKED, "--by", by, "--resolution", "10", "--out", out, "--home", filled_store(),
                "--format", "json")
        )  # fmt: skip
        assert as_file(frame) == features(out)
        assert frame.crs == "EPSG:4326"
        assert {"total", "shared_in_time", "unplaced_in_time", "demonstration"} <= set(frame.attrs)
        assert frame.attrs["total"] == pytest.approx(said["total"])
        assert frame.attrs["demonstration"] == "synthetic events, not real"


@pytest.mark.slow
def test_events_are_as_the_export_writes_them_and_add_up(town: Town, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "events.parquet"
    answer(run("export", "--out", out, "--home", filled_store(), "--format", "json"))
    exported = geopandas.read_parquet(out)
    found = town.events("closed_properties")
    wanted = exported[exported["layer"] == "closed_properties"].reset_index(drop=True)
    assert list(found.columns) == list(exported.columns)
    assert found.drop(columns="geometry").equals(wanted.drop(columns="geometry"))
    assert found.geometry.geom_equals(wanted.geometry).all()
    known = town.events("overdoses", **QUARTER)
    assert len(known) == town.cells("overdoses", **QUARTER).attrs["total"] > 0


@pytest.mark.slow
def test_hotspots_are_as_the_command_writes_them(town: Town, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "hotspots.geojson"
    said = answer(
        run("hotspots", "--layer", "needle_litter", *ASKED, "--out", out, "--home", filled_store(), "--format", "json")
    )
    frame = town.hotspots("needle_litter", **QUARTER)
    assert as_file(frame) == features(out)
    assert frame.attrs["notes"] == said["notes"]


@pytest.mark.parametrize("by", ["cell", "ward"])
def test_change_is_as_the_command_answers(town: Town, run: Run, by: str) -> None:
    said = answer(
        run("change", "--layer", "overdoses", *ASKED, "--by", by, "--home", filled_store(), "--format", "json")
    )
    frame = town.change("overdoses", by=by, **QUARTER)  # type: ignore[arg-type] # one of the two
    assert [name for name in frame.columns if name != "geometry"] == list(said["rows"][0])
    assert frame["change"].tolist() == [row["change"] for row in said["rows"]]
    assert frame["now"].tolist() == [row["now"] for row in said["rows"]]
    assert frame.attrs["missing"] is None


def test_where_nothing_can_be_compared_the_frame_is_empty_and_says_why(town: Town) -> None:
    frame = town.change("overdoses", start="2020-01-01", end="2020-02-01")
    assert len(frame) == 0
    assert frame.attrs["missing"] == "There are no records of 1 Jan to 31 Jan 2020."


@pytest.mark.parametrize("view", ["counts", "hotspots"])
def test_a_map_carries_all_that_it_needs(town: Town, view: Any, tmp_path: Path) -> None:
    made = town.map("needle_litter", view=view, **QUARTER)
    assert isinstance(made, folium.Map)
    made.save(tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert list_addresses(page) == []
    assert "DEMONSTRATION: synthetic events, not real" in page
    assert "L.hexLayer(" in page


def test_a_town_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(hexbeat.UsageError) as error:
        hexbeat.open(tmp_path, "atlantis")
    assert error.value.fact == "there is no area named 'atlantis'"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            {"start": "yesterday"},
            "A day is written 2026-11-21, 21/11/2026 or 21 Nov 2026; 'yesterday' is not written like that; ",
        ),
        ({"resolution": 7}, "Events are indexed at H3 resolutions 8, 9, 10, 11; you asked for resolution 7; "),
        ({"by": "shoe"}, "Counts can be grouped by any of "),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(town: Town, filters: dict[str, Any], message: str) -> None:
    with pytest.raises(hexbeat.UsageError) as error:
        town.cells("needle_litter", **filters)
    assert str(error.value).startswith(message)


def test_a_view_or_grouping_that_there_is_not_is_refused(town: Town) -> None:
    for ask, message in (
        (lambda: town.map("needle_litter", view="heat"), "view is one of counts, hotspots; 'heat' was given; "),
        (lambda: town.change("needle_litter", by="street"), "by is one of cell, ward; 'street' was given; "),
        (
            lambda: town.change("needle_litter", against="then"),
            "against is one of before, year_before; 'then' was given; ",
        ),
    ):
        with pytest.raises(hexbeat.UsageError) as error:
            ask()
        assert str(error.value) == message + f"choose from {message.split('; ')[0].split(' of ')[1]}"


def test_a_filter_that_there_is_not_is_refused(town: Town) -> None:
    rule = "A filter is a keyword that Hexbeat knows"
    for filters, rest in (
        ({"ward": "Central"}, "there is no filter 'ward'; did you mean wards?"),
        ({"colour": "red"}, f"there is no filter 'colour'; choose from {', '.join(FILTERS)}"),
    ):
        with pytest.raises(hexbeat.UsageError) as error:
            town.wards("overdoses", **filters)
        assert str(error.value) == f"{rule}; {rest}"


def test_questions_about_one_layer_refuse_several(town: Town) -> None:
    for ask in (town.hotspots, town.change):
        with pytest.raises(hexbeat.UsageError, match="you chose overdoses and needle_litter"):
            ask(["overdoses", "needle_litter"])  # type: ignore[operator, arg-type] # what must be refused


def test_a_resolution_is_taken_by_every_question(town: Town) -> None:
    assert len(town.events("overdoses", resolution=10, **QUARTER)) == len(town.events("overdoses", **QUARTER))
    assert town.wards("overdoses", resolution=10, **QUARTER).equals(town.wards("overdoses", **QUARTER))
    assert town.change("overdoses", against="year-before").equals(town.change("overdoses", against="year_before"))


def test_any_two_periods_are_compared(town: Town) -> None:
    named = town.change("overdoses", start="2026-10-25", end="2026-11-22")
    days = dt.date(2026, 9, 27), "25/10/2026"
    assert town.change("overdoses", start="2026-10-25", end="2026-11-22", against=days).equals(named)
    assert len(town.change("overdoses", start="2026-10-01", end="2026-11-01", against=days)) == 0


def test_a_role_is_named_or_refused() -> None:
    with hexbeat.open(filled_store(), "middlesbrough", viewer="analyst") as opened:
        assert opened.viewer.role == "analyst"
    with pytest.raises(hexbeat.UsageError) as error:
        hexbeat.open(filled_store(), "middlesbrough", viewer="councillor")
    assert str(error.value) == (
        "viewer is one of police, council, health, analyst, auditor; 'councillor' was given; "
        "choose from police, council, health, analyst, auditor"
    )


def test_every_answer_asks_the_access_policy() -> None:
    with open_town(filled_store(), "middlesbrough", viewer=Viewer("nobody")) as refused:  # type: ignore[arg-type]
        for ask in (
            lambda: refused.events("overdoses"),
            lambda: refused.cells("overdoses"),
            lambda: refused.wards("overdoses"),
            lambda: refused.hotspots("overdoses"),
            lambda: refused.change("overdoses"),
            lambda: refused.map("overdoses"),
        ):
            with pytest.raises(hexbeat.PolicyError):
                ask()


@pytest.mark.slow
@given(start=st.dates(dt.date(2023, 11, 22), dt.date(2026, 10, 1)), length=st.integers(1, 400), wards=st.booleans())
def test_cells_and_wards_sum_alike(town: Town, start: dt.date, length: int, wards: bool) -> None:  # noqa: FBT001
    filters = {"start": start, "end": start + dt.timedelta(days=length)} | ({"wards": "Central"} if wards else {})
    cells, by_ward = town.cells("street_dealing", **filters), town.wards("street_dealing", **filters)
    assert cells["count"].sum() == pytest.approx(by_ward["count"].sum())
    assert by_ward.attrs["total"] == pytest.approx(by_ward["count"].sum())


def test_a_category_that_no_record_has(town: Town) -> None:
    with pytest.raises(hexbeat.UsageError) as caught:
        town.cells("overdoses", categories=["fatal", "park"])
    assert str(caught.value) == (
        "A category has to be in the records; no record of overdoses has 'park'; choose from fatal, not fatal and "
        "“not fatal, naloxone given”"
    )


def test_cells_take_every_grouping(town: Town) -> None:
    for name, grouping in GROUPINGS.items():
        frame = town.cells("overdoses", by=() if name == "cell" else name, **QUARTER)
        assert [column for column in grouping.titles if column not in frame] == []
        assert frame["count"].sum() == pytest.approx(frame.attrs["total"])


def test_layers_from_any_iterable_are_the_same_layers(town: Town) -> None:
    assert len(town.events(iter(["overdoses"]))) == len(town.events(["overdoses"]))  # type: ignore[arg-type] # as people write


def test_a_closed_town_answers_no_more() -> None:
    with hexbeat.open(filled_store(), "middlesbrough") as opened:
        assert len(opened.wards("overdoses"))
    with pytest.raises(hexbeat.UsageError) as error:
        opened.wards("overdoses")
    assert str(error.value) == "A town answers while it is open; this one is closed; open it again: hexbeat.open()"
