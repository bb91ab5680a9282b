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
    add_date_to_key,
    complete_suggestion,
    suggest_profile,
)
from hexbeat.store.store import Store
from tests.support.faults import as_other_user
from tests.support.input_files import ingest, table
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


@pytest.mark.slow
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
