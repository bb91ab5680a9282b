"""The credits of names say each source once, in a line that fits under a map."""

from dataclasses import replace
from pathlib import Path

import pytest

from hexbeat.areas.area import load_area
from hexbeat.areas.credits import list_credits, list_name_credits
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.streets import read_streets


@pytest.mark.parametrize("name", ["middlesbrough", "cleveland", "county-durham"])
def test_every_source_of_names_is_credited_in_one_short_line(name: str) -> None:
    area = load_area(name)
    gazetteer = read_gazetteer(area)
    assert gazetteer is not None
    (line,) = list_name_credits(area)
    assert all(text in line for text in gazetteer.name_attributions)
    assert len(line) < 160


def test_names_are_never_postcodes_so_their_owner_is_credited_where_postcodes_are_shown() -> None:
    gazetteer = read_gazetteer(load_area("middlesbrough"))
    assert gazetteer is not None
    postcodes = gazetteer.points.loc[gazetteer.points["kind"] == "postcode", "name"]
    assert len(postcodes) > 1000
    assert set(gazetteer.naming_points.names) & set(postcodes) == set()
    assert [text for text in gazetteer.attributions if text not in gazetteer.name_attributions] == [
        next(text for text in gazetteer.attributions if "Royal Mail" in text)
    ]


def test_wards_come_first_then_streets_where_they_are_drawn_then_names() -> None:
    area = load_area("middlesbrough")
    streets = read_streets(area)
    assert streets is not None
    assert list_credits(area) == [area.attribution, *list_name_credits(area)]
    assert list_credits(area, streets=True) == [area.attribution, *streets.credits, *list_name_credits(area)]


def test_an_area_without_a_gazetteer_credits_its_wards_alone(tmp_path: Path) -> None:
    bare = replace(load_area("middlesbrough"), folder=tmp_path)
    assert list_credits(bare, streets=True) == [bare.attribution]
    assert list_credits(replace(bare, attribution="")) == []


def test_what_the_wards_say_already_is_not_said_again() -> None:
    area = load_area("middlesbrough")
    (line,) = list_name_credits(area)
    assert list_name_credits(replace(area, attribution=line)) == []
