"""Places of postcodes and streets as records write them: their own place, or none."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.distance import geodesic_m
from hexbeat.areas.addresses import (
    FEWEST_POST_BOXES,
    LEAST_STREET_M,
    POSTCODE_M,
    AddressFinder,
    AddressPlace,
    UnknownAddress,
)
from hexbeat.areas.addresses import build_address_finder as build
from hexbeat.areas.area import load_area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.name_words import split_name

AREA = load_area("cleveland")
GAZETTEER = read_gazetteer(AREA)
assert GAZETTEER is not None
ENTRIES = GAZETTEER.entries
STREETS = ENTRIES[ENTRIES["kind"] == "street"].reset_index(drop=True)
POSTCODES = ENTRIES[ENTRIES["kind"] == "postcode"].reset_index(drop=True)
WARDS = dict(zip(AREA.wards.codes, AREA.wards.names, strict=True))
COUNCILS = dict(zip(AREA.wards.codes, AREA.wards.lad_names, strict=True))
NAMES = STREETS["name"].str.split(", near ").str[0]
WORDS = NAMES.map(split_name).map(tuple)
FOLDED = set(WORDS)
BEFORE = ("", "14 ", "14a ", "12-16 ", "Flat 3, 5 ", "outside ", "o/s 7 ", "OUTSIDE NO. 5 ", "opposite 101, ")
SHORT = {"Road": "Rd", "Street": "St", "Avenue": "Ave", "Drive": "Dr", "Crescent": "Cres.", "Close": "Cl"}


def finder(name: str = "cleveland") -> AddressFinder:
    found = build(load_area(name))
    assert found is not None
    return found


def shorten(name: str) -> str:
    first, _, last = name.rpartition(" ")
    return f"{first} {SHORT.get(last, last)}".strip()


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    place=st.integers(0, len(STREETS) - 1),
    before=st.sampled_from(BEFORE),
    write=st.sampled_from((str, str.upper, str.lower, shorten, lambda name: f"  {name}. ")),
    after=st.sampled_from(("", "ward", "council", "both", "label")),
)
def test_a_street_gives_its_own_place_or_none(place: int, before: str, write: Callable[[str], str], after: str) -> None:
    row = STREETS.loc[place]
    ward, council = WARDS[row["ward_code"]], COUNCILS[row["ward_code"]]
    behind = {"": "", "ward": f", {ward}", "council": f", {council}", "both": f", {ward}, {council}"}
    text = before + write(NAMES[place]) + behind.get(after, f" ({ward})")
    found = finder().find_street(text)
    if isinstance(found, AddressPlace):
        assert (found.lon, found.lat, found.kind) == (row["lon"], row["lat"], "street")
        assert found.metres >= LEAST_STREET_M
    else:
        assert found.part == "choice", text
        assert WORDS.tolist().count(WORDS[place]) > 1


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    place=st.integers(0, len(POSTCODES) - 1),
    write=st.sampled_from(
        (str, str.lower, lambda code: code.replace(" ", ""), lambda code: f" {code[:3]} {code[3:]}.")
    ),
    street=st.sampled_from(("", "14 Any Road, ", "Nowhere, Darlington ")),
)
def test_a_postcode_gives_its_own_place(place: int, write: Callable[[str], str], street: str) -> None:
    row = POSTCODES.loc[place]
    text = write(row["name"])
    found = finder().find_street(street + row["name"]) if street else finder().find_postcode(text)
    together = POSTCODES[(POSTCODES["lon"] == row["lon"]) & (POSTCODES["lat"] == row["lat"])]
    if len(together) >= FEWEST_POST_BOXES:
        assert isinstance(found, UnknownAddress)
        return
    assert isinstance(found, AddressPlace), text
    assert (found.lon, found.lat, found.kind) == (row["lon"], row["lat"], "postcode")
    assert POSTCODE_M[0] <= found.metres <= POSTCODE_M[1]
    others = POSTCODES[(POSTCODES.index != place)]
    degrees = np.hypot((others["lon"] - row["lon"]) * 0.58, others["lat"] - row["lat"])
    others = others.loc[degrees.nsmallest(20).index]  # the nearest in metres is among the nearest on a plane
    away = geodesic_m(
        np.full(len(others), row["lon"]), np.full(len(others), row["lat"]),
        to_lon=others["lon"].to_numpy(), to_lat=others["lat"].to_numpy(),
    )  # fmt: skip
    # Those just outside the area count too, so that the nearest may be nearer.
    assert found.metres <= float(np.clip(away.min() * 1.01 + 0.1, *POSTCODE_M))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, len(STREETS) - 1), data=st.data())
def test_a_typing_error_gives_no_place(place: int, data: st.DataObject) -> None:
    name = NAMES[place]
    position = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    text = name[:position] + letter + name[position + 1 :]
    if tuple(split_name(text)) in FOLDED or not name[position].isalpha():
        return
    assert isinstance(finder().find_street(text), UnknownAddress)


@pytest.mark.slow
def test_every_street_that_is_alone_is_found_and_reaches_all_its_points() -> None:
    found = finder()
    alone = ~WORDS.duplicated(keep=False)
    points = GAZETTEER.points[GAZETTEER.points["kind"] == "street"]
    misses = 0
    for name in NAMES[alone].sample(500, random_state=1):
        place = found.find_street(name)
        if isinstance(place, UnknownAddress):  # another of the name lies just outside the area
            misses += 1
            continue
        own = points[points["name"] == name]
        away = geodesic_m(
            np.full(len(own), place.lon), np.full(len(own), place.lat),
            to_lon=own["lon"].to_numpy(), to_lat=own["lat"].to_numpy(),
        )  # fmt: skip
        assert away.max() <= place.metres * 1.01, name
    assert misses <= 5


@pytest.mark.parametrize(
    "text",
    [
        "Linthorpe Road", "14 Linthorpe Rd", "Linthorpe Rd, Middlesbrough", "LINTHORPE RD MIDDLESBROUGH",
        "outside 5 Linthorpe Road", "Flat 2, 14 Linthorpe Road, Middlesbrough, UK", "On or near Linthorpe Road",
        "Linthorpe Road (Park)", "Linthorpe Road, E05009869", "Linthorpe Road, Park, Middlesbrough",
        "no. 7 linthorpe road.",
    ],
)  # fmt: skip
def test_ways_to_write_a_street(text: str) -> None:
    assert finder("middlesbrough").find_street(text) == AddressPlace(-1.24165, 54.56418, "street", 556.4)


@pytest.mark.parametrize(
    ("text", "part", "reason"),
    [
        ("Church Lane", "choice", "Church Lane (Acklam), Church Lane (Nunthorpe)"),
        ("Church Lane, Middlesbrough", "choice", "Church Lane (Acklam), Church Lane (Nunthorpe)"),
        ("Lnthorpe Road", "street", "not in the gazetteer of Middlesbrough; similar: Linthorpe Road"),
        ("Boots, Linthorpe Road", "street", "not in the gazetteer of Middlesbrough"),
        ("near Linthorpe Road", "street", "not in the gazetteer of Middlesbrough"),
        ("off Linthorpe Road", "street", "not in the gazetteer of Middlesbrough"),
        ("Linthorpe Road East", "street", "the rest of the address is no ward or council of Middlesbrough"),
        ("Linthorpe Road, Darlington", "street", "the rest of the address is no ward or council of Middlesbrough"),
        ("Linthorpe Road and Borough Road", "street", "the rest of the address is no ward or council of Middlesbrough"),
        ("Linthorpe Road, Borough Road", "street", "the rest of the address is no ward or council of Middlesbrough"),
        ("Linthorpe Road, Nunthorpe", "choice", "Linthorpe Road (Park)"),
        ("14 Linthorpe Road, TS1 2ZZ", "postcode", "not in the gazetteer of Middlesbrough"),
        ("5", "street", "not in the gazetteer of Middlesbrough"),
        (",", "street", "not in the gazetteer of Middlesbrough"),
    ],
)
def test_what_gives_no_place_says_why(text: str, part: str, reason: str) -> None:
    assert finder("middlesbrough").find_street(text) == UnknownAddress(part, reason)


@pytest.mark.slow
def test_the_choice_that_is_named_can_be_written_as_it_is_named() -> None:
    found = finder().find_street("High Street")
    assert isinstance(found, UnknownAddress)
    assert re.fullmatch(r"(High Street[^()]* \([^()]+\), ){4}High Street[^()]* \([^()]+\) and \d+ more", found.reason)
    places = {
        finder().find_street(f"12 {label})") for label in found.reason.split(" and ", 1)[0].rstrip(")").split("), ")
    }
    assert all(isinstance(place, AddressPlace) for place in places)
    assert len(places) == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("TS1", "only a part of a postcode"),
        ("TS1 2", "only a part of a postcode"),
        ("TS1 2A", "only a part of a postcode"),
        ("not known", "not a postcode"),
        ("TS1 1AA", "one of 44 at a single point, as those of post boxes are"),
        ("DL1 1AA", "not in the gazetteer of Middlesbrough"),
    ],
)
def test_a_postcode_that_gives_no_place_says_why(text: str, reason: str) -> None:
    assert finder("middlesbrough").find_postcode(text) == UnknownAddress("postcode", reason)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_an_answer(text: str) -> None:
    for found in (finder().find_street(text), finder().find_postcode(text)):
        assert isinstance(found, AddressPlace | UnknownAddress)


def test_without_a_gazetteer_there_is_no_finder(tmp_path: Path) -> None:
    folder = tmp_path / "boundaries" / "plain"
    folder.mkdir(parents=True)
    for name in ("area.toml", "wards.geojson"):
        shutil.copy(AREA.folder / name, folder / name)
    assert build(load_area("plain", home=tmp_path)) is None
