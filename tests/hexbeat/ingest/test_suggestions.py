"""Files that no source is named for: known ones are recognised, and others get a proposal with its reasons."""

from pathlib import Path
from typing import Final

import pytest

from geo.errors import DataError
from hexbeat.ingest.sources import (
    load_profile,
    parse_profile,
    save_profile,
)
from hexbeat.ingest.suggestions import (
    Suggestion,
    make_profile,
    suggest_profile,
)
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import FIXTURES, ingest, table
from tests.support.stores import documents_in


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("2024-06-cleveland-street.csv", "police-uk-street"),
        ("2024-06-cleveland-stop-and-search.csv", "police-uk-stop-search"),
        ("open311.json", "open311"),
        ("open311.xml", "open311"),
    ],
)
def test_known_files_are_recognised(name: str, source: str) -> None:
    suggestion = suggest_profile(FIXTURES / name)
    assert suggestion.source == source
    assert suggestion.reasons == (f"It has every column that {source} needs",)


def test_an_unknown_file_gets_a_proposal_with_reasons(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "17,25/12/2025 14:30,450000,520000,3,Sharps bin,open",
        "18,01/02/2026 09:00,450100,520100,1,Park,done",
        heading="Ref,Found at,Easting,Northing,Number of needles,Type,Status",
        name="Needle finds.csv",
    )
    suggestion = suggest_profile(path)
    assert suggestion.source is None
    assert {guess.column: guess.part for guess in suggestion.columns} == {
        "Ref": "key", "Found at": "start", "Easting": "x", "Northing": "y", "Number of needles": "quantity",
        "Type": "category", "Status": "status",
    }  # fmt: skip
    profile = parse_profile(suggestion.toml(), name="needle-finds")
    assert profile == suggestion.profile
    assert profile.layer.value == "needle_litter"
    assert profile.time.formats == ("%d/%m/%Y %H:%M",)
    assert "The format of the dates is day first, as in the UK" in suggestion.reasons
    assert suggestion.as_dict()["columns"][1] == {
        "column": "Found at", "part": "start",
        "reason": "its heading says so, and its values fit",
        "samples": "25/12/2025 14:30, 01/02/2026 09:00",
    }  # fmt: skip


def test_month_first_is_seen_where_days_pass_twelve(tmp_path: Path) -> None:
    path = table(tmp_path, "1,12/25/2025,-1.2,54.5", "2,01/02/2026,-1.2,54.5", heading="id,date,lon,lat", name="x.csv")
    assert suggest_profile(path).profile.time.formats == ("%m/%d/%Y",)


def test_a_file_that_says_little_is_marked_to_be_checked(tmp_path: Path) -> None:
    suggestion = suggest_profile(table(tmp_path, "1,2", heading="a,b", name="x.csv"))
    assert suggestion.reasons == (
        "CHECK: the file does not show which layer this is",
        "CHECK: no column looks like a place",
        "CHECK: no column looks like a date",
    )
    with pytest.raises(DataError):
        save_profile(suggestion.profile, documents_in(tmp_path))


def test_a_profile_from_choices_on_a_screen(tmp_path: Path) -> None:
    profile = make_profile("finds", {"when": "start", "where": "grid_ref", "n": "quantity"}, layer="needle_litter")
    save_profile(profile, documents_in(tmp_path))
    assert load_profile("finds", documents_in(tmp_path)) == profile


def test_columns_of_a_known_table_keep_their_part_with_commas_in_thousands(tmp_path: Path) -> None:
    path = table(
        tmp_path, *(f'needles,"449,{n}","520,345",2025-01-01,"1,{n}"' for n in range(545, 555)),
        heading="layer,easting,northing,date,quantity",
    )  # fmt: skip
    suggestion = suggest_profile(path)
    assert (suggestion.source, suggestion.reasons) == ("table", ("It has every column that table needs",))
    parts = {guess.column: guess.part for guess in suggestion.columns}
    assert (parts["easting"], parts["northing"]) == ("x", "y")


def test_values_that_do_not_look_like_their_heading_are_told_of(tmp_path: Path) -> None:
    path = table(tmp_path, "needles,1,somewhere,-1.2W,2025-01-01")
    suggestion = suggest_profile(path)
    assert (suggestion.source, suggestion.reasons) == (
        "table",
        (
            "It has every column that table needs",
            "CHECK: lon is chosen as the longitude, but most of its values do not look like one",
            "CHECK: lat is chosen as the latitude, but most of its values do not look like one",
        ),
    )


def suggest_parts(folder: Path, heading: str, *rows: str) -> tuple[dict[str, str | None], Suggestion]:
    suggestion = suggest_profile(table(folder, *rows, heading=heading, name="litter.csv"))
    return {guess.column: guess.part for guess in suggestion.columns}, suggestion


def test_a_proposal_knows_dates_in_three_columns_and_places_as_wkt(tmp_path: Path) -> None:
    rows = ("A1,2025,6,1,POINT (-1.2350 54.5742)", "A2,2025,July,2,POINT (-1.2351 54.5743)")
    parts, suggestion = suggest_parts(tmp_path, "Incident Ref,YEAR,MONTH,DAY,the_geom", *rows)
    assert parts == {"Incident Ref": "key", "YEAR": "year", "MONTH": "month", "DAY": "day", "the_geom": "lat_lon"}
    time = suggestion.profile.time
    assert (time.start, time.year, time.month, time.day) == ((), ("YEAR",), ("MONTH",), ("DAY",))
    assert not any(reason.startswith("CHECK: no column looks like a date") for reason in suggestion.reasons)


@pytest.mark.parametrize(
    ("heading", "values", "formats"),
    [
        ("Created", ("45800", "45801.5"), ("excel",)),
        ("date_found", ("1763735400000", "1763739000000"), ("epoch-ms",)),
        ("Created at", ("1763735400", "1763739000"), ("epoch",)),
    ],
)
def test_a_proposal_knows_dates_that_are_numbers(
    tmp_path: Path, heading: str, values: tuple[str, str], formats: tuple[str, ...]
) -> None:
    _, suggestion = suggest_parts(tmp_path, f"Key,{heading}", *(f"a,{value}" for value in values))
    assert (suggestion.profile.time.start, suggestion.profile.time.formats) == ((heading,), formats)


def test_numbers_of_reports_are_no_dates(tmp_path: Path) -> None:
    parts, _ = suggest_parts(tmp_path, "report number,b", "45800,x", "45801,x")
    assert parts["report number"] == "key"


def test_postcodes_and_streets_are_proposed_as_the_place_where_nothing_else_says_it(tmp_path: Path) -> None:
    rows = ("TS1 2AB,Linthorpe Road,2025-06-01", "ts4 2ab,High St.,2025-06-02")
    parts, suggestion = suggest_parts(tmp_path, "Where,Location,Date of find", *rows)
    assert (parts["Where"], parts["Location"]) == ("postcode", "street")
    assert suggestion.missing == ()
    assert (suggestion.profile.location.postcode, suggestion.profile.location.street) == (("Where",), ("Location",))
    assert suggestion.reasons[0] == "Where is the postcode: its values are postcodes, and nothing else says where"
    assert suggestion.reasons[-1] == (
        "CHECK: only Where and Location say where; rows are placed by the gazetteer of the area, to the postcode or "
        "the street"
    )


def test_an_address_beside_coordinates_is_left_to_the_person(tmp_path: Path) -> None:
    rows = ("TS1 2AB,54.57421,-1.23511,2025-06-01", "ts4 2ab,54.57522,-1.23612,2025-06-02")
    parts, suggestion = suggest_parts(tmp_path, "Where,lat,lon,Date of find", *rows)
    assert parts["Where"] is None
    assert suggestion.profile.location.postcode == ()
    reasons = {column.column: column.reason for column in suggestion.columns}
    assert reasons["Where"] == "its values are postcodes, and the place is known otherwise"


MESSY: Final = "Ref,Date found,Time,Lat,Lon,No. of sharps,Found by"


def write_messy(folder: Path, *finders: str, words: int = 3) -> Path:
    """Finds of which a quarter have no date, every third (or so) no time that can be read, and one stands twice."""
    rows = [
        f"NF-{n},{'last week' if n % 4 == 1 else f'{n + 1:02d}/11/2026'},{'morning' if n % words == 1 else '14:30'},"
        f"54.57{n},-1.23{n},{n + 1},{finders[n % len(finders)]}"
        for n in range(12)
    ]
    return table(folder, *rows, rows[4], heading=MESSY, name="finds.csv")


def test_bad_values_hide_no_column_whose_heading_says_what_it_is(tmp_path: Path) -> None:
    suggestion = suggest_profile(write_messy(tmp_path, "resident"))
    assert suggestion.missing == ()
    assert {guess.column: guess.part for guess in suggestion.columns if guess.part in ("key", "start", "clock")} == {
        "Ref": "key", "Date found": "start",
    }  # fmt: skip
    reasons = {guess.column: guess.reason for guess in suggestion.columns}
    assert reasons["Date found"] == "its heading says so, and most of its values fit"
    assert suggestion.profile.time.formats == ("%d/%m/%Y",)


def test_times_of_day_are_taken_where_few_are_words(tmp_path: Path) -> None:
    """A row whose time cannot be read is rejected."""
    suggestion = suggest_profile(write_messy(tmp_path, "resident", words=12))
    reasons = {guess.column: guess.reason for guess in suggestion.columns if guess.part == "clock"}
    assert reasons == {"Time": "its heading says so, and its values fit"}


def test_who_reported_is_read_from_the_words_of_the_file(tmp_path: Path) -> None:
    finders = ("Resident", "Warden", "Sweep team", "Housing officer")
    suggestion = suggest_profile(write_messy(tmp_path, *finders))
    reasons = {guess.column: guess.reason for guess in suggestion.columns}
    assert reasons["Found by"] == "its heading says so, and its values fit"
    assert suggestion.profile.reported_by.containing == {
        "sweep": "sweep", "housing": "agency", "warden": "officer", "resident": "public",
    }  # fmt: skip
    with Store.open(tmp_path / "home") as store:
        remarks = ingest(store, tmp_path / "finds.csv", source=suggestion.profile).remarks
        assert not [remark for remark in remarks if "reporter" in remark]
        reporters = read_live_records(store, ANALYST).set_index("source_id")["reported_by"]
    assert reporters[["NF-0", "NF-2", "NF-3"]].tolist() == ["public", "sweep", "agency"]


@pytest.mark.slow
def test_values_that_name_no_reporter_are_said_and_stand_nowhere(tmp_path: Path) -> None:
    suggestion = suggest_profile(write_messy(tmp_path, "Jo Bloggs", "Sweep team", "Al Bloggs"))
    reasons = {guess.column: guess.reason for guess in suggestion.columns}
    assert reasons["Found by"] == "its heading says so, and 1 of its 3 values fit"
    check = (
        "CHECK: Found by has 2 values in 8 rows that Hexbeat does not know. They count as the usual reporter of the "
        "layer, unless the source says that they are public, officer, sweep or agency"
    )
    assert check in suggestion.reasons
    assert f"# {check}\n" in suggestion.toml()
    assert "Bloggs" not in suggestion.toml()
    reason = guess_reason(suggest_profile(write_messy(tmp_path, "Jo Bloggs")), "Found by")
    assert reason == "its heading says so, but none of its values is one that Hexbeat knows"


def guess_reason(suggestion: Suggestion, column: str) -> str:
    return next(guess.reason for guess in suggestion.columns if guess.column == column)
