"""Places found by what people type."""

from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.cells import format_short_code
from geo.errors import UsageError
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.name_words import covers_name, split_name
from hexbeat.areas.place_finder import (
    FOUND_COLUMNS,
    FoundPlace,
    describe_no_match,
    find_one_place,
    find_places,
    format_place_label,
)


@pytest.fixture(scope="module")
def cleveland(tmp_path_factory: pytest.TempPathFactory) -> Area:
    return load_area("cleveland", home=tmp_path_factory.mktemp("home"))


def first(words: str, area: Area) -> tuple[str, str, str]:
    row = find_places(words, area).iloc[0]
    return row["name"], row["kind"], row["ward_name"]


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("linthorpe road", ("Linthorpe Road", "street", "Park")),
        ("LINTHORPE RD.", ("Linthorpe Road", "street", "Park")),
        ("Linthorp Road", ("Linthorpe Road", "street", "Park")),
        ("linthrope rd", ("Linthorpe Road", "street", "Park")),
        ("borough", ("Borough Road", "street", "Central")),
        ("TS1 2AA", ("TS1 2AA", "postcode", "Central")),
        ("ts12aa", ("TS1 2AA", "postcode", "Central")),
        ("  ts1   2aa ", ("TS1 2AA", "postcode", "Central")),
        ("TS1 2", ("TS1 2", "postcodes", "Central")),
        ("middlesbrough station", ("Middlesbrough station", "station", "Central")),
        ("middlesbro stn", ("Middlesbrough station", "station", "Central")),
        ("central", ("Central", "ward", "Central")),
        ("cental", ("Central", "ward", "Central")),
        ("A19", ("A19", "street", "Ayresome")),
        ("stewart park", ("Stewart Park", "park", "Marton East")),
        ("albert park", ("Albert Park", "park", "Park")),
        ("turnberry park", ("Turnberry Park", "street", "Marton West")),
        ("st mary\u2019s walk", ("St Mary's Walk", "street", "Acklam")),
    ],
)
def test_what_people_type(words: str, place: tuple[str, str, str], cleveland: Area) -> None:
    assert first(words, cleveland) == place


def test_several_streets_of_one_name_are_offered_with_their_wards(cleveland: Area) -> None:
    found = find_places("high street", cleveland)
    assert tuple(found.columns) == FOUND_COLUMNS
    assert len(found) == 10
    assert found["name"].str.startswith("High Street").all()
    assert not found.duplicated(["name", "ward_code"]).any()
    assert find_places("high street brotton", cleveland)["ward_name"].iloc[0] == "Brotton"


def test_a_council_narrows_the_answer(cleveland: Area) -> None:
    found = find_places("church street hartlepool", cleveland, limit=3)
    codes = dict(zip(cleveland.wards.codes, cleveland.wards.lad_names, strict=True))
    assert codes[found["ward_code"].iloc[0]] == "Hartlepool"


def test_a_cell_is_found_by_its_code_and_one_outside_is_not(cleveland: Area) -> None:
    cell = h3.latlng_to_cell(54.5765, -1.2345, 9)
    found = find_places(cell, cleveland)
    assert found[["kind", "ward_name"]].to_numpy().tolist() == [["cell", "Central"]]
    assert h3.latlng_to_cell(found["lat"].iloc[0], found["lon"].iloc[0], 9) == cell
    assert find_places(h3.latlng_to_cell(51.5, -0.1, 9), cleveland).empty


@pytest.mark.parametrize("words", ["", "   ", "zzzqqq", "!!!", "\u00a0", "x" * 5000, "TS99 9ZZ", "fffffffffffffff"])
def test_what_fits_nothing_finds_nothing(words: str, cleveland: Area) -> None:
    found = find_places(words, cleveland)
    assert found.empty
    assert tuple(found.columns) == FOUND_COLUMNS


def test_the_stops_of_a_plan_come_first(cleveland: Area) -> None:
    stops = pd.DataFrame(
        [["Stop 1: Linthorpe Road", "stop of the plan", "E05009869", "Park", -1.24, 54.56]], columns=list(FOUND_COLUMNS)
    )
    found = find_places("stop 1", cleveland, stops=stops)
    assert found["name"].iloc[0] == "Stop 1: Linthorpe Road"


@pytest.mark.slow
def test_a_place_is_found_by_its_own_name(cleveland: Area) -> None:
    gazetteer = read_gazetteer(cleveland)
    assert gazetteer is not None
    entries = gazetteer.entries[gazetteer.entries["kind"].isin(("street", "school", "station", "postcode"))]
    sample = entries.sample(200, random_state=3)
    for row in sample.itertuples():
        found = find_places(str(row.name), cleveland, limit=40)
        assert ((found["lon"] == row.lon) & (found["lat"] == row.lat)).any(), row.name


@pytest.mark.slow
@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_text_gives_an_answer_of_places_in_the_area(text: str) -> None:
    area = load_area("middlesbrough")
    found = find_places(text, area, limit=5)
    assert len(found) <= 5
    assert set(found["ward_code"]) <= set(area.wards.codes)
    assert np.isfinite(found[["lon", "lat"]].to_numpy(dtype=np.float64)).all()


def test_words_are_folded() -> None:
    assert split_name("St. Mary's Rd") == ["st", "marys", "road"]
    assert split_name("High St") == ["high", "street"]
    assert split_name("CAFÉ, N. Ormesby") == ["cafe", "north", "ormesby"]


def test_wards_are_found_without_a_gazetteer(tmp_path: Path, cleveland: Area) -> None:
    folder = tmp_path / "boundaries" / "plain"
    folder.mkdir(parents=True)
    for file in ("area.toml", "wards.geojson"):
        (folder / file).write_bytes((cleveland.folder / file).read_bytes())
    area = load_area("plain", home=tmp_path)
    assert first("newport", area)[1:] == ("ward", "Newport")
    assert find_places("linthorpe road", area).empty


def test_one_place_is_found_or_the_choice_is_named(cleveland: Area) -> None:
    park = find_places("linthorpe rd", cleveland)["ward_code"].iloc[0]
    assert find_one_place("linthorpe rd", cleveland) == FoundPlace(
        "Linthorpe Road (Park)", -1.24165, 54.56418, "street", park
    )
    assert find_one_place("High Street, Ormesby", cleveland).name == "High Street (Ormesby)"
    with pytest.raises(UsageError) as raised:
        find_one_place("park rd", cleveland)
    assert str(raised.value) == (
        "A place has to be one place; 'park rd' fits Park Road (Park), Park Road (Brotton), Park Road (Burn Valley), "
        "Park Road (Ropner), Park Road (Village); add the ward, as in 'high street brotton'"
    )
    with pytest.raises(UsageError) as raised:
        find_one_place("qqqq", cleveland)
    assert str(raised.value) == (
        "A place is a street, a postcode or another place in Cleveland, or a latitude and longitude; nothing there "
        "fits 'qqqq'; try fewer words, or part of a name"
    )


@pytest.mark.parametrize(
    "words",
    [
        "54.57597, -1.23963", "54.57597 -1.23963", "54,57597; -1,23963", "54.57597N 1.23963W",
        "N 54 34.5582 W 1 14.3778",
        "54\u00b034'33.492\"N 1\u00b014'22.668\"W", "lon -1.23963 lat 54.57597", "POINT (-1.23963 54.57597)",
        "SRID=27700;POINT(449250 520350)", "449250, 520350", "449,250 520,350", "E 449250 N 520350", "NZ 49250 20350",
        "nz4925020350", '{"type": "Point", "coordinates": [-1.23963, 54.57597]}',
    ],
)  # fmt: skip
def test_a_point_is_found_in_every_notation_that_files_have(words: str, cleveland: Area) -> None:
    found = find_places(words, cleveland)
    assert found[["kind", "ward_name"]].to_numpy().tolist() == [["point", "Central"]]
    assert found[["lat", "lon"]].to_numpy(dtype=np.float64)[0] == pytest.approx([54.57597, -1.23963], abs=1e-4)


@pytest.mark.parametrize("words", ["51.5, -0.12", "TQ 30000 80000", "530000 180000", h3.latlng_to_cell(51.5, -0.1, 9)])
def test_what_lies_outside_is_said_to_lie_outside(words: str, cleveland: Area) -> None:
    assert find_places(words, cleveland).empty
    assert describe_no_match(words, cleveland) == "That place lies outside Cleveland."
    with pytest.raises(UsageError) as raised:
        find_one_place(words, cleveland)
    assert str(raised.value) == (
        f"A place lies in Cleveland; {words!r} lies outside it; see that no figure is wrong, and that "
        "latitude comes first"
    )


def test_a_start_may_lie_outside(cleveland: Area) -> None:
    found = find_one_place("51.5, -0.12", cleveland, may_lie_outside=True)
    assert found == FoundPlace("51.50000, -0.12000", -0.12, 51.5)
    with pytest.raises(UsageError):
        find_one_place("qqqq", cleveland, may_lie_outside=True)


def test_words_that_fit_nothing_are_not_said_to_lie_outside(cleveland: Area) -> None:
    for words in ("qqqq", "NZ41", "54.57", "POINT EMPTY", "12 zzz street"):
        expected = "No place in Cleveland fits. Try fewer words, or part of a name."
        assert describe_no_match(words, cleveland) == expected


def test_a_word_too_many_is_left_out_to_say_what_there_is(cleveland: Area) -> None:
    for words in ("Albert Park lake", "lake albert pk"):
        assert find_places(words, cleveland).empty
        assert describe_no_match(words, cleveland) == (
            "No place in Cleveland fits all of these words. There is Albert Park (Park)."
        )


def test_a_district_of_postcodes_is_no_grid_reference(cleveland: Area) -> None:
    assert first("TS12", cleveland)[:2] == ("TS12", "postcodes")


@pytest.mark.slow
@pytest.mark.parametrize("resolution", [9, 10])
def test_a_cell_is_found_by_its_short_code(resolution: int, cleveland: Area) -> None:
    rng = np.random.default_rng(resolution)
    west, south, east, north = cleveland.wards.bounds
    places = zip(rng.uniform(west, east, 80).tolist(), rng.uniform(south, north, 80).tolist(), strict=True)
    cells = {h3.latlng_to_cell(lat, lon, resolution) for lon, lat in places}
    middles = {cell: h3.cell_to_latlng(cell) for cell in cells}
    inside = [cell for cell, (lat, lon) in middles.items() if cleveland.wards.locate([lon], [lat])[0] >= 0]
    assert len(inside) > 20
    for cell in inside:
        answer = find_places(format_short_code(int(cell, 16)), cleveland, limit=100)
        found = answer[answer["kind"] == "cell"]
        assert middles[cell] in set(zip(found["lat"], found["lon"], strict=True))


def test_a_short_code_of_two_cells_is_not_one_place(cleveland: Area) -> None:
    code = "0000"
    while (number := len(find_places(code, cleveland))) < 2 or find_places(code, cleveland)["kind"].ne("cell").any():
        code = f"{int(code, 16) + 1:04x}"
    with pytest.raises(UsageError) as raised:
        find_one_place(code, cleveland)
    assert str(raised.value) == (
        f"A place has to be one place; {code!r} is the short code of {number} cells; give the whole code of the cell, "
        "which has 15 letters and digits"
    )


def test_a_road_comes_before_a_cell_of_the_same_letters(cleveland: Area) -> None:
    assert first("A172", cleveland)[:2] == ("A172", "street")


def test_a_part_of_a_longer_name_is_one_place_only_if_it_is_the_only_one(tmp_path: Path) -> None:
    area = load_area("middlesbrough", home=tmp_path)
    with pytest.raises(UsageError) as raised:
        find_one_place("station road", area)
    assert str(raised.value) == (
        "A place has to be one place; 'station road' fits Petrol station near Cambridge Road (Central), Petrol station "
        "near Gribdale Road (Berwick Hills & Pallister); add the ward, as in 'high street brotton'"
    )
    assert find_one_place("middlesbro stn", area).name == "Middlesbrough station (Central)"
    assert find_one_place("linthrope rd", area).name == "Linthorpe Road (Park)"
    assert covers_name("linthrope rd central", "Linthorpe Road")
    assert not covers_name("station road", "Petrol station near Cambridge Road")


def test_a_stop_has_its_ward_once() -> None:
    stop = {"name": "Stop 3: Park Road (Park)", "kind": "stop of the plan", "ward_name": "Park"}
    assert format_place_label(stop) == "Stop 3: Park Road (Park)"
    assert format_place_label({**stop, "name": "Park Road", "kind": "street"}) == "Park Road (Park)"
