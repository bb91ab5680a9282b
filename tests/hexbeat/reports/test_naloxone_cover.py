"""Naloxone cover on the demonstration's overdoses, counted again by hand, and opening hours as files write them."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geo.errors import DataError, UsageError
from hexbeat.demonstration import make_events
from hexbeat.operations.reference_places import load_reference
from hexbeat.reports.naloxone_cover import (
    CoverDistance,
    NaloxoneCover,
    Search,
    find_naloxone_cover,
    is_open_through,
    parse_open_hours,
)
from hexbeat.reports.naloxone_text import build_cover_csv, build_cover_geojson, build_cover_notes, describe_cover
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough
from tests.support.events import load_frame

SHEET = """Name,Longitude,Latitude,Opening hours
Day Pharmacy,-1.1770,54.5577,Mon-Fri 08:00-18:00; Sat 9am-1pm
Hostel,-1.2119,54.5711,24/7
Library,-1.2450,54.5650,
"""
ALL = Filter(layers=("overdoses",))


@pytest.fixture(scope="module")
def naloxone_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the demonstration with three places that hold naloxone, and one named place."""
    folder = tmp_path_factory.mktemp("naloxone")
    (folder / "holders.csv").write_text(SHEET)
    (folder / "named.csv").write_text("Name,Longitude,Latitude\nHall,-1.2500,54.5300\n")
    events = make_events(middlesbrough(), events=4_000, today=TODAY)
    with Store.open(folder / "home") as store:
        load_frame(store, middlesbrough(), events.frame)
        load_reference(store, ANALYST, folder / "holders.csv", kind="naloxone", area=middlesbrough())
        load_reference(store, ANALYST, folder / "named.csv", kind="named_place", area=middlesbrough())
    return folder / "home"


def cover(
    naloxone_home: Path, chosen: Filter = ALL, *, reach: CoverDistance | None = None, search: Search | None = None
) -> NaloxoneCover:
    with Store.open(naloxone_home) as store:
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
        return find_naloxone_cover(
            store, ANALYST, columns, middlesbrough(), chosen, reach=reach or CoverDistance(), search=search or Search()
        )


def by_hand(naloxone_home: Path, middles: list[tuple[float, float]], metres: float) -> int:
    """Overdoses within so many metres of any of the middles (lon, lat), on a sphere."""
    with Store.open(naloxone_home) as store:
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
    own = columns.layer == 2
    lon, lat = np.radians(columns.lon[own]), np.radians(columns.lat[own])
    near = np.zeros(int(own.sum()), dtype=bool)
    for east, north in np.radians(middles):
        half = np.sin((lat - north) / 2) ** 2 + np.cos(lat) * np.cos(north) * np.sin((lon - east) / 2) ** 2
        near |= 2 * 6_371_008.8 * np.arcsin(np.sqrt(half)) <= metres
    return int(near.sum())


HOLDERS = [(-1.1770, 54.5577), (-1.2119, 54.5711), (-1.2450, 54.5650)]


def test_the_share_is_what_distances_on_the_sphere_give(naloxone_home: Path) -> None:
    naloxone_cover = cover(naloxone_home)
    assert naloxone_cover.total == 520
    assert naloxone_cover.covered == pytest.approx(
        by_hand(naloxone_home, HOLDERS, 400), abs=2
    )  # the earth is no sphere
    assert naloxone_cover.share == naloxone_cover.covered / 520
    assert describe_cover(naloxone_cover).startswith(
        f"{round(naloxone_cover.share * 100)} % of 520 overdoses were within 400 m of one of 3 "
    )


def test_the_gain_of_the_next_places_is_what_they_add(naloxone_home: Path) -> None:
    naloxone_cover = cover(naloxone_home, search=Search(4))
    middles = list(zip(naloxone_cover.next_places["lon"], naloxone_cover.next_places["lat"], strict=True))
    after = by_hand(naloxone_home, [*HOLDERS, *middles], 400)
    assert naloxone_cover.covered + naloxone_cover.next_places["gain"].sum() == pytest.approx(after, abs=4)
    assert naloxone_cover.next_places["gain"].is_monotonic_decreasing
    assert naloxone_cover.next_places["share_after"].iloc[-1] == pytest.approx(after / 520, abs=0.01)
    assert naloxone_cover.cover.proven


@pytest.mark.slow
def test_minutes_on_foot_are_a_shorter_way(naloxone_home: Path) -> None:
    reach = CoverDistance(minutes=5)
    assert reach.straight_m == pytest.approx(400 / 1.3)
    assert cover(naloxone_home, reach=reach).covered < cover(naloxone_home).covered
    assert "On foot: 4.8 km/h, ways 1.3 times as long as the straight line." in build_cover_notes(
        cover(naloxone_home, reach=reach)
    )


def test_who_is_shut_at_night_covers_nothing_at_night(naloxone_home: Path) -> None:
    naloxone_cover = cover(naloxone_home, Filter(layers=("overdoses",), hours=(22, 4)))
    assert dict(zip(naloxone_cover.holders["name"], naloxone_cover.holders["open"], strict=True)) == {
        "Day Pharmacy": False, "Hostel": True, "Library": True,
    }  # fmt: skip
    notes = build_cover_notes(naloxone_cover)
    assert "1 place is shut in some of these hours and covers nothing." in notes
    assert "1 place does not say when it is open and is taken as open." in notes
    assert naloxone_cover.unplaced > 0
    single = "1 overdose without a known hour or day is left out."
    assert single in build_cover_notes(replace(naloxone_cover, unplaced=1))


def test_next_places_among_named_ones(naloxone_home: Path) -> None:
    naloxone_cover = cover(naloxone_home, search=Search(3, ("named_place",)))
    assert naloxone_cover.next_places["name"].tolist() == ["Hall"]
    with pytest.raises(UsageError) as caught:
        cover(naloxone_home, search=Search(3, ("pub",)))
    assert str(caught.value) == (
        "Next places are chosen from cells, or from loaded places of a kind; you asked for pub; "
        "choose from cells, play_area, school, station, depot, named_place"
    )


@pytest.mark.slow
def test_without_holders_the_next_places_are_told_all_the_same(tmp_path: Path) -> None:
    columns, _ = demonstration()
    with Store.open(tmp_path / "home") as store:
        naloxone_cover = find_naloxone_cover(store, ANALYST, columns, middlesbrough(), ALL, search=Search(2))
    assert naloxone_cover.covered == 0
    assert len(naloxone_cover.next_places) == 2
    assert describe_cover(naloxone_cover).startswith(
        "No naloxone places are loaded yet, so cover is not known. 2 well-chosen places would cover "
    )


def test_files_hold_both_kinds_of_places(naloxone_home: Path) -> None:
    naloxone_cover = cover(naloxone_home)
    assert (
        build_cover_csv(naloxone_cover, note={"area": "Middlesbrough"})
        .decode()
        .splitlines()[1]
        .startswith("holds,Day Pharmacy,")
    )
    assert build_cover_geojson(naloxone_cover, note={}).count(b'"Point"') == 6


def test_no_overdoses_are_said(naloxone_home: Path) -> None:
    with pytest.raises(DataError) as caught:
        cover(naloxone_home, Filter(layers=("overdoses",), start=dt.date(2030, 1, 1)))
    fact = "none is on record in this period"
    hint = "choose a longer period, or load its records"
    assert str(caught.value) == f"Cover is a share of overdoses; {fact}; {hint}"


@pytest.mark.parametrize(
    ("reach", "message"),
    [(CoverDistance(float("nan")), "nan"), (CoverDistance(float("inf")), "inf"),
     (CoverDistance(minutes=float("nan")), "nan"), (CoverDistance(minutes=float("inf")), "inf"),
     (CoverDistance(-1), "-1")],
)  # fmt: skip
def test_near_is_a_length(naloxone_home: Path, reach: CoverDistance, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        cover(naloxone_home, reach=reach)
    assert str(caught.value) == (
        f"Near is 50 m to 5 km, and the number of next places is 0 or more; you asked for {message} m and 3 places; "
        "400 m, or 5 minutes on foot, is usual"
    )


@pytest.mark.parametrize(("seconds", "message"), [(-1, "-1"), (0, "0"), (float("nan"), "nan"), (float("inf"), "inf")])
def test_the_search_takes_a_time(seconds: float, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Search(seconds=seconds)
    assert str(caught.value) == (
        f"The search for the best places may take up to 3,600 seconds; you gave {message}; 20 is usual; after that you "
        "get the best places found so far"
    )


@pytest.mark.parametrize(
    ("text", "hours", "night", "monday_noon"),
    [
        ("24/7", 168, True, True),
        ("Mon-Fri 08:00-18:00; Sat 9am-1pm", 54, False, True),
        ("Mon to Sat 9-17, Sun 10:00 to 16:00", 54, False, True),
        ("22:00-04:00", 42, True, False),
        ("09:30-17:30", 49, False, True),
        ("Sun closed", 0, False, False),
        ("daily 00:00 to 24:00", 168, True, True),
    ],
)
def test_opening_hours(text: str, hours: int, *, night: bool, monday_noon: bool) -> None:
    week = parse_open_hours(text)
    assert week is not None
    assert week.sum() == hours
    assert is_open_through(text, (22, 4), frozenset()) is night
    assert is_open_through(text, (11, 13), frozenset({0})) is monday_noon


@pytest.mark.parametrize("text", [None, "", "by arrangement", "ask at the bar", "Mon-Fri"])
def test_hours_that_are_not_understood_are_not_guessed(text: str | None) -> None:
    assert is_open_through(text, (22, 4), frozenset()) is None
