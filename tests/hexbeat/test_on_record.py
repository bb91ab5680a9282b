"""One rule for all three doors: what is on record is counted, and the days that are not known are named with it."""

import datetime as dt
from pathlib import Path

import pytest

import hexbeat
from hexbeat.dashboard.state.choices import OWN_DATES, Choices
from hexbeat.dashboard.state.figures import count_layer
from hexbeat.dashboard.state.freshness import find_layer_freshness
from hexbeat.dashboard.views.sentence import build_coverage_notes, describe_counts
from hexbeat.store.coverage_log import correct_coverage
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.coverage import CoverageEntry
from tests.support.cli import Run

D = dt.date
IN = "on record in Middlesbrough"
NO_COMPARISON = ": there is no comparison with the days before."
ROWS = "date,layer,longitude,latitude\n" + "".join(
    f"2026-0{month}-{day:02d},needle_litter,-1.235,54.576\n" for month in (1, 2, 3) for day in range(1, 29)
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store will be."""
    return tmp_path_factory.mktemp("record") / "home"


@pytest.fixture
def filled(home: Path, run: Run) -> Path:
    """Three months of which the log was not kept in February, although some finds of it are on record."""
    if not home.exists():
        sheet = home.parent / "finds.csv"
        sheet.write_text(ROWS, encoding="utf-8")
        done = run("ingest", sheet, "--source", "table", "--covers", "2026-01-01:2026-04-01", "--home", home)
        assert done.code == 0, done.err
        with Store.open(home) as store:
            cleared = CoverageEntry("needle_litter", "", "", D(2026, 2, 1), D(2026, 3, 1), "cleared")
            correct_coverage(store.engine, ANALYST, cleared)
    return home


@pytest.mark.parametrize(
    ("start", "end", "total", "missing", "sentence", "heading"),
    [
        (
            D(2026, 2, 15), D(2026, 3, 15), 28.0, "15 to 28 Feb 2026 are not known",
            f"28 needle finds {IN}, 15 Feb to 14 Mar 2026 (15 to 28 Feb 2026 are not known){NO_COMPARISON}",
            "Events on record (not all days are known): 28,",
        ),
        (
            D(2026, 2, 1), D(2026, 3, 1), 28.0, "Feb 2026 is not known",
            f"28 needle finds {IN}, 1 Feb to 28 Feb 2026 (Feb 2026 is not known){NO_COMPARISON}",
            "Events on record (not all days are known): 28,",
        ),
        (
            D(2026, 3, 29), D(2026, 4, 3), 0.0, "1 to 2 Apr 2026 are not known",
            f"No needle finds {IN}, 29 Mar to 2 Apr 2026 (1 to 2 Apr 2026 are not known){NO_COMPARISON}",
            "Events on record (not all days are known): 0,",
        ),
        (
            D(2026, 4, 1), D(2026, 4, 3), 0.0, "1 to 2 Apr 2026 are not known",
            "Needle finds in Middlesbrough, 1 Apr to 2 Apr 2026: not known.",
            "Events: not known,",
        ),
    ],
    ids=["partly known", "on record only", "none on record", "not known"],
)  # fmt: skip
def test_map_command_and_python_tell_the_same_number(
    run: Run, filled: Path, start: dt.date, end: dt.date, total: float, missing: str, sentence: str, heading: str
) -> None:
    asked = ("counts", "--layer", "needle_litter", "--from", start, "--to", end, "--home", filled)
    answer = run(*asked, "--format", "json").json
    assert (answer["total"], answer["missing"]) == (total, missing)
    assert heading in run(*asked).out
    with hexbeat.open(home=filled) as town:
        frame = town.wards("needle_litter", start=start, end=end)
        assert (frame.attrs["total"], frame.attrs["missing"]) == (total, missing)
        columns, area = town._cache.columns(ANALYST, ward_codes=tuple(town.area.wards.codes)), town.area  # noqa: SLF001 - what the map reads
    figures = count_layer(
        columns, layer="needle_litter", choices=Choices(period=OWN_DATES, dates=(start, end)), last=end, resolution=9,
        area=area, freshness=find_layer_freshness(columns, time_zone=area.tz)["needle_litter"],
    )  # fmt: skip
    assert figures.total == figures.cells["count"].sum() == total
    assert describe_counts(figures, Choices(), ward_names=(), area_title=area.title) == sentence


def test_an_evidence_pack_ends_with_the_last_known_day(run: Run, filled: Path) -> None:
    """Not with today, of which nothing is known; and it says so."""
    place = ("--place", "54.576,-1.235", "--radius", "300", "--for", "X", "--by", "Y", "--home", filled)
    done = run("evidence", *place, "--format", "json")
    assert done.code == 0, done.err
    assert "The period ends with 31 Mar 2026, the last known day of these layers." in done.err
    request = done.json["content"]
    assert (request["start"], request["end"]) == ("2025-04-01", "2026-04-01")
    asked = run("evidence", *place, "--to", "2026-03-01", "--format", "json")
    assert "The period ends with" not in asked.err
    assert asked.json["content"]["end"] == "2026-03-01"


def test_hours_of_records_without_times_are_not_known(run: Run, filled: Path) -> None:
    asked = ("counts", "--layer", "needle_litter", "--from", "2026-03-01", "--to", "2026-03-15", "--hours", "22-04")
    assert run(*asked, "--home", filled, "--format", "json").json["missing"] == (
        "not known at these hours: no record has a time of day"
    )
    choices = Choices(period=OWN_DATES, dates=(D(2026, 3, 1), D(2026, 3, 15)), shift="hours", hours=(22, 4))
    with hexbeat.open(home=filled) as town, Store.open(filled) as store:
        columns = read_columns(store, ANALYST, ward_codes=tuple(town.area.wards.codes))
        figures = count_layer(
            columns, layer="needle_litter", choices=choices, last=D(2026, 3, 31), resolution=9, area=town.area,
            freshness=find_layer_freshness(columns, time_zone=town.area.tz)["needle_litter"],
        )  # fmt: skip
    assert (figures.total, figures.has_number, figures.before) == (0.0, False, None)
    assert describe_counts(figures, choices, ward_names=(), area_title="Middlesbrough").endswith("not known.")
    assert build_coverage_notes(figures)[0] == (
        "Not known at these hours: no record has a time of day. That is not the same as none."
    )
