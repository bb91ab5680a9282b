"""Source profiles: read, checked, written, found, proposed."""

from pathlib import Path

import pytest
from pyproj import CRS

from geo.errors import DataError, UsageError
from hexbeat.ingest.sources import (
    SourceProfile,
    assign_columns,
    builtin_profiles,
    list_profiles,
    list_unusable_profiles,
    load_profile,
    parse_profile,
    save_profile,
)
from hexbeat.ingest.sources.profile import USUAL_CRS
from hexbeat.ingest.suggestions import (
    Suggestion,
    add_date_to_key,
    complete_suggestion,
    make_profile,
    suggest_profile,
)
from hexbeat.store.store import Store
from tests.support.faults import as_other_user
from tests.support.input_files import FIXTURES, ingest, table
from tests.support.stores import documents_in

PLAIN = """
name = "finds"
title = "Finds"
layer = "needle_litter"
[location]
lon = "lon"
lat = "lat"
[time]
start = "date"
"""
HINT = "correct it; docs/sources.md explains the keys"


def test_the_built_in_sources() -> None:
    assert [profile.name for profile in builtin_profiles()] == [
        "boston-311", "geofile", "open311", "police-uk-stop-search", "police-uk-street", "table",
    ]  # fmt: skip


@pytest.mark.parametrize("profile", builtin_profiles(), ids=lambda profile: profile.name)
def test_what_is_written_is_read_back(profile: SourceProfile) -> None:
    assert parse_profile(profile.toml(), name=profile.name) == profile


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("title =", "titel ="),
            (
                "A source profile has only known keys, each with its kind of value; finds.toml has an unknown key "
                "'titel'; did you mean 'title'?"
            ),
        ),
        (
            ("lon =", "width ="),
            (
                "A source profile has only known keys, each with its kind of value; finds.toml: location has an "
                "unknown key 'width'; it may have lon, lat, x, y, crs, grid_ref, lat_lon, postcode, street, ward, "
                "shapes, coast_m, placeholders, doubtful, precision, precision_m, precision_column, precision_m_column"
            ),
        ),
        (
            ('title = "Finds"\n', ""),
            (
                "A source profile has only known keys, each with its kind of value; finds.toml has no title; "
                "docs/sources.md lists the keys, and `hexbeat sources suggest FILE` writes a profile to start from"
            ),
        ),
        (
            ('"Finds"', "7"),
            (
                "A source profile has only known keys, each with its kind of value; finds.toml: title is not a "
                "text in quotes; docs/sources.md lists the keys, and `hexbeat sources suggest FILE` writes a "
                "profile to start from"
            ),
        ),
        (
            ("needle_litter", "needles"),
            (
                "A layer is one of needle_litter, street_dealing, overdoses, closed_properties; "
                f"finds.toml has 'needles'; {HINT}"
            ),
        ),
        (('"finds"', '"other"'), f"A profile has the name of its file; finds.toml has the name 'other'; {HINT}"),
        (
            ("[location]", 'time_zone = "Mars"\n[location]'),
            (f"A time zone has to be an IANA name, such as Europe/London; finds.toml has 'Mars'; {HINT}"),
        ),
        (
            ("[location]", 'encoding = "cp9"\n[location]'),
            (f"An encoding has to be one that Python knows, such as cp1252; finds.toml has 'cp9'; {HINT}"),
        ),
        (
            ("[location]", '[location]\nprecision = "rough"'),
            (
                "precision of a location is one of exact, snapped, postcode, street, randomised; "
                f"finds.toml has 'rough'; {HINT}"
            ),
        ),
        (
            ("[location]", "[location]\nprecision_m = 0"),
            f"precision_m is a number of metres above 0; finds.toml has 0; {HINT}",
        ),
        (
            ("[location]", '[location]\nprecision = "randomised"'),
            (
                "A randomised location needs precision_m, the metres by which points were moved; "
                f"finds.toml has none; {HINT}"
            ),
        ),
        (
            ("[location]", '[location]\nprecision_m = "far"'),
            (
                "A source profile has only known keys, each with its kind of value; finds.toml: location: precision_m "
                "is not a number from 0; docs/sources.md lists the keys, and `hexbeat sources suggest FILE` writes a "
                "profile to start from"
            ),
        ),
        (
            ('lon = "lon"', 'crs = "EPSG:0"\nlon = "lon"'),
            (f"A crs has to be one that PROJ knows, such as EPSG:27700; finds.toml has 'EPSG:0'; {HINT}"),
        ),
        (
            ("[location]", 'unknown_layer = "keep"\n[location]'),
            f"unknown_layer is skip or reject; finds.toml has 'keep'; {HINT}",
        ),
        (('lon = "lon"\n', ""), f"A profile says where events happened; finds.toml names no columns for it; {HINT}"),
        (
            ('start = "date"', 'clock = "t"'),
            (f"A profile says when events happened; finds.toml names no time.start; {HINT}"),
        ),
    ],
)
def test_faults_of_a_profile(change: tuple[str, str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_profile(PLAIN.replace(*change), name="finds")
    assert str(caught.value) == message


def test_the_usual_crs_that_are_not_asked_about_are_ones_that_proj_knows() -> None:
    assert [CRS.from_user_input(crs).to_string() for crs in USUAL_CRS] == list(USUAL_CRS)


def test_what_is_not_toml() -> None:
    with pytest.raises(DataError) as caught:
        parse_profile("name = ", name="finds")
    assert str(caught.value) == (
        "A source profile has to be TOML; finds.toml is not: Invalid value (at end of document); correct that line"
    )


def test_a_users_own_profile_comes_first(tmp_path: Path) -> None:
    own = parse_profile(PLAIN.replace('"finds"', '"table"'), name="table")
    save_profile(own, documents_in(tmp_path))
    assert (tmp_path / "sources" / "table.toml").read_text(encoding="utf-8") == own.toml()
    assert load_profile("table", documents_in(tmp_path)) == own
    assert own in list_profiles(documents_in(tmp_path))
    assert len(list_profiles(documents_in(tmp_path))) == len(builtin_profiles())
    with pytest.raises(UsageError) as caught:
        load_profile("../table", documents_in(tmp_path))
    assert str(caught.value) == (
        "A source has to be the name of a profile; there is no profile named '../table'; did you mean 'table'?"
    )


def test_one_profile_that_cannot_be_used_never_blocks_the_others(tmp_path: Path) -> None:
    save_profile(parse_profile(PLAIN, name="finds"), documents_in(tmp_path))
    (tmp_path / "sources" / "table.toml").write_text('name = "table"\n', encoding="utf-8")
    (tmp_path / "sources" / "torn.toml").write_bytes(b"\xff\xfe")
    names = {profile.name for profile in list_profiles(documents_in(tmp_path))}
    assert names == {profile.name for profile in builtin_profiles()} - {"table"} | {"finds"}
    assert [(profile.name, profile.reason) for profile in list_unusable_profiles(documents_in(tmp_path))] == [
        ("table", "table.toml has no title and no layer."),
        ("torn", "torn.toml cannot be read (UnicodeDecodeError)."),
    ]
    with pytest.raises(DataError, match=r"^A source profile has only known keys"):
        load_profile("table", documents_in(tmp_path))
    assert (
        suggest_profile(
            table(tmp_path, "1,needles,2025-01-01,a"), profiles=list_profiles(documents_in(tmp_path))
        ).source
        == "finds"
    )


def test_a_proposal_that_is_not_complete_is_never_a_profile(tmp_path: Path) -> None:
    path = table(tmp_path, "Needle,2025,6,21,490320.3,5458606.9", heading="TYPE,YEAR,MONTH,DAY,X,Y", name="thefts.csv")
    with pytest.raises(DataError) as caught:
        complete_suggestion(suggest_profile(path), name="thefts")
    assert str(caught.value) == (
        "A source profile needs columns for the place and the date; in thefts.csv no column looks like a "
        "place; nothing was written; write the profile by hand, with the keys in docs/sources.md, or add such columns"
    )


def test_an_identifier_and_a_date_can_be_the_key_together(sqlite_store: Store, tmp_path: Path) -> None:
    january = table(tmp_path, "needles,1,-1.2,54.55,2025-01-05", name="january.csv")
    february = table(tmp_path, "needles,1,-1.21,54.56,2025-02-05", name="february.csv")
    built_in = load_profile("table", documents_in(tmp_path))
    plan = assign_columns(built_in, ["layer", "source_id", "lon", "lat", "date"], name="january.csv")
    dated = add_date_to_key(built_in, plan, name="sheets")
    assert parse_profile(dated.toml(), name="sheets") == dated
    ingest(sqlite_store, january, february, source=dated)
    assert [ingest(sqlite_store, path, source=dated).files[0].tally.unchanged for path in (january, february)] == [1, 1]


def test_a_home_that_may_not_be_looked_into_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    documents = documents_in(home)
    (home / "sources").mkdir(mode=0)
    with as_other_user(), pytest.raises(DataError) as caught:
        list_profiles(documents)
    assert str(caught.value) == (
        f"You need permission to read the folder of source profiles; {home / 'sources'} cannot be read: Permission "
        "denied; set HEXBEAT_HOME to another folder, or ask the owner of this one"
    )


def test_headings_are_found_but_for_case_blanks_and_hyphens() -> None:
    plan = assign_columns(
        load_profile("table", None), ["LAYER", "Grid-Reference", "Date Found", "REPORTED BY"], name="a.csv"
    )
    assert (plan.layer, plan.grid_ref, plan.start, plan.reported_by) == (
        "LAYER", "Grid-Reference", ("Date Found",), "REPORTED BY",
    )  # fmt: skip


def test_two_columns_that_answer_to_one_name() -> None:
    with pytest.raises(DataError) as caught:
        assign_columns(load_profile("table", None), ["layer", "Lon", "LON", "lat", "date"], name="a.csv")
    assert str(caught.value) == (
        "a.csv has to have only one column for lon; it has 2: Lon, LON; rename or delete the others"
    )


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


def test_the_table_knows_the_usual_headings_of_addresses() -> None:
    built_in = load_profile("table", None)
    plan = assign_columns(built_in, ["layer", "date", "Post Code", "Road_Name", "Town"], name="a.csv")
    assert (plan.postcode, plan.street, plan.has_coordinates) == ("Post Code", "Road_Name", False)
    assert plan.address_columns == ("Post Code", "Road_Name", "Town")
    assert assign_columns(built_in, ["layer", "date", "lon", "lat", "Town"], name="a.csv").address_columns == ()
    assert not set(plan.address_columns) & {*plan.content_columns, *plan.identity_columns}


def test_two_columns_of_streets_are_refused_only_where_they_are_needed() -> None:
    built_in = load_profile("table", None)
    headings = ["layer", "date", "Street", "street "]
    assert assign_columns(built_in, [*headings, "lon", "lat"], name="a.csv").street is None
    with pytest.raises(DataError) as caught:
        assign_columns(built_in, headings, name="a.csv")
    assert str(caught.value) == (
        "a.csv has to have only one column for street; it has 2: Street, street ; rename or delete the others"
    )


def test_an_address_that_the_source_does_not_name_is_named() -> None:
    with pytest.raises(DataError) as caught:
        assign_columns(load_profile("table", None), ["layer", "date", "Postcode of find"], name="a.csv")
    assert str(caught.value) == (
        "a.csv needs columns for the place (lon and lat, or easting and northing, or grid_ref, or lat_lon, or "
        "postcode, or street); it has a column of postcodes (Postcode of find), which this source does not read as "
        "places; name it as location.postcode in a source profile, or add coordinates to the file"
    )
