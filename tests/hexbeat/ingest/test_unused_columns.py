"""Columns that a source does not read are named, and offered where they look like a part of an event."""

from pathlib import Path

import pandas as pd
import pytest

from hexbeat.ingest.sources import assign_columns, load_profile, parse_profile
from hexbeat.ingest.suggestions import complete_suggestion, suggest_profile
from hexbeat.ingest.unused_columns import (
    UnusedColumn,
    describe_not_read,
    describe_offer,
    find_unused_columns,
    use_columns,
)
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import ingest, table

TABLE = load_profile("table", None)
HEADING = "layer,lon,lat,date,No. of sharps,Start time,Found by,Kind of place,Weather"


def find(*headings: str, frame: pd.DataFrame | None = None) -> dict[str, str | None]:
    columns = ["layer", "lon", "lat", "date", *headings]
    plan = assign_columns(TABLE, columns, name="a.csv")
    return {unused.column: unused.part for unused in find_unused_columns(columns, plan, frame=frame)}


@pytest.mark.parametrize(
    ("heading", "part"),
    [("No. of sharps", "quantity"), ("num_of_items", "quantity"), ("Qty", "quantity"), ("Needles found", "quantity"),
     ("Start time", "clock"), ("Reported-By", None), ("Found by", "reported_by"), ("Kind", "category"),
     ("Category of find", "category"), ("County", None), ("Country", None), ("Time zone", None), ("Sometimes", None),
     ("Nothing of note", None), ("Weather", None)],
)  # fmt: skip
def test_a_heading_says_what_a_column_may_be(heading: str, part: str | None) -> None:
    assert find(heading).get(heading) == part


def test_each_part_is_offered_once_and_only_if_nothing_is_read_for_it() -> None:
    assert find("Qty", "No. of sharps") == {"Qty": "quantity", "No. of sharps": None}
    assert find("quantity", "No. of sharps", "type", "Kind") == {"No. of sharps": None, "Kind": None}


@pytest.mark.parametrize(
    ("heading", "good", "bad"),
    [("Qty", ("3", "10+", "a few"), ("see note", "n/a", "wet")), ("Start time", ("9:30", "2pm"), ("morning", "late")),
     ("Kind", ("bag", "bag"), tuple(f"text {number}" for number in range(40)))],
)  # fmt: skip
def test_values_that_do_not_fit_are_not_offered(heading: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    for texts, is_offered in ((good, True), (bad, False)):
        frame = pd.DataFrame({heading: pd.Series(texts, dtype=object)})
        assert (find(heading, frame=frame)[heading] is not None) is is_offered


def test_sentences() -> None:
    assert describe_offer(UnusedColumn("No. of sharps", "quantity")) == "No. of sharps looks like a number of needles"
    assert describe_offer(UnusedColumn("Qty", "quantity")) == "Qty looks like a number of items"
    assert describe_not_read([UnusedColumn("a")]) == "A column that is not read: a"
    assert describe_not_read([UnusedColumn("a"), UnusedColumn("b")]) == "Columns that are not read: a and b"
    assert describe_not_read([]) == ""


def test_columns_that_are_used_are_read(sqlite_store: Store, tmp_path: Path) -> None:
    path = table(tmp_path, "needles,-1.2,54.55,2025-01-01,12,09:30,officer,alley,wet", heading=HEADING)
    report = ingest(sqlite_store, path, dry_run=True)
    unused = report.files[0].unused
    assert [column.column for column in unused] == HEADING.split(",")[4:]
    assert report.files[0].as_dict()["not_read"] == HEADING.split(",")[4:]
    profile = use_columns(TABLE, unused, name="crew")
    assert parse_profile(profile.toml(), name="crew") == profile
    ingest(sqlite_store, path, source=profile)
    (row,) = read_live_records(sqlite_store, ANALYST).to_dict("records")
    assert (row["quantity"], row["reported_by"], row["category"], row["time_precision"]) == (
        12,
        "officer",
        "alley",
        "minute",
    )


def test_a_proposal_offers_columns_and_uses_them_under_its_own_name(tmp_path: Path) -> None:
    path = table(tmp_path, "needles,-1.2,54.55,2025-01-01,10+,09:30,officer,alley,wet", heading=HEADING)
    suggestion = suggest_profile(path)
    assert suggestion.reasons[1:] == (
        "No. of sharps looks like a number of needles, and table does not read it",
        "Start time looks like a time of day, and table does not read it",
        "Found by looks like who reported it, and table does not read it",
        "Kind of place looks like a category, and table does not read it",
        "In the column Found by Hexbeat reads \u201cofficer\u201d as officer",
    )
    assert complete_suggestion(suggestion, name="crew").profile.reported_by.containing == {"officer": "officer"}
    assert complete_suggestion(suggestion, name="crew").profile.quantity == ("No. of sharps",)
