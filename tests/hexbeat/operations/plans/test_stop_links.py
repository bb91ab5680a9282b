"""Links that open a stop in a map: the phone's own by default, a service's only if the settings name one."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import read_plan_settings, remember_start
from hexbeat.operations.plans.stop_links import (
    NO_LINKS,
    USUAL_LINKS,
    StopLinks,
    build_geo_link,
    build_web_link,
    choose_document_link,
    require_map_address,
)
from tests.support.plans import example_plan
from tests.support.stores import documents_in

STOP = replace(example_plan().tours[0].stops[1], lat=54.574, lon=-1.235)
OSM = "https://www.openstreetmap.org/?mlat={lat}&mlon={lon}#map=18/{lat}/{lon}"


def test_without_settings_a_stop_opens_on_the_phone_and_at_no_service(tmp_path: Path) -> None:
    links = read_plan_settings(documents_in(tmp_path)).links
    assert build_geo_link(STOP, links) == "geo:54.57400,-1.23500?q=54.57400,-1.23500(Stop%202)"
    assert build_web_link(STOP, links) is None
    assert choose_document_link(STOP, links) == build_geo_link(STOP, links)


def test_the_settings_name_a_service_or_forbid_links(tmp_path: Path) -> None:
    (tmp_path / "plans.toml").write_text(f'geo_links = false\nmap_address = "{OSM}"\n')
    links = read_plan_settings(documents_in(tmp_path)).links
    address = "https://www.openstreetmap.org/?mlat=54.57400&mlon=-1.23500#map=18/54.57400/-1.23500"
    assert (build_geo_link(STOP, links), build_web_link(STOP, links)) == (None, ("openstreetmap.org", address))
    assert choose_document_link(STOP, links) == address
    remember_start(documents_in(tmp_path), Place("Yard", -1.25, 54.56))
    assert read_plan_settings(documents_in(tmp_path)).links == links == StopLinks(geo=False, address=OSM)
    assert choose_document_link(STOP, NO_LINKS) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://maps.example/{lat}/{lon}",
        "https://maps.example/{lat}",
        "https://maps.example/{lat}/{lon}/{name}",
        "https://{lat}.example/{lon}",
        "https://maps.example/{lat}/{lon}/{",
        "https://maps.example/{lat} {lon}",
        "javascript:alert({lat},{lon})",
    ],
)
def test_another_address_is_refused(tmp_path: Path, address: str) -> None:
    (tmp_path / "plans.toml").write_text(f'map_address = "{address}"\n')
    with pytest.raises(DataError) as caught:
        read_plan_settings(documents_in(tmp_path))
    assert str(caught.value) == (
        "The address of a map service begins with https:// and has {lat} and {lon} after the name of its server; in "
        f"plans.toml, {address!r} does not; write for example {OSM}"
    )


@pytest.mark.parametrize(
    ("written", "fact", "hint"),
    [
        ('geo_links = "no"', "geo_links is 'no'", "give true or false"),
        ("map_address = true", "map_address is True", "give an address in quotation marks"),
    ],
)
def test_a_choice_of_another_kind_is_refused(tmp_path: Path, written: str, fact: str, hint: str) -> None:
    (tmp_path / "plans.toml").write_text(f"{written}\n")
    with pytest.raises(DataError) as caught:
        read_plan_settings(documents_in(tmp_path))
    assert (caught.value.fact, caught.value.hint) == (fact, hint)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), place=st.text(max_size=20))
def test_a_link_says_the_place_to_a_metre_and_nothing_of_the_plan(lat: float, lon: float, place: str) -> None:
    require_map_address(OSM)
    stop = replace(STOP, lat=lat, lon=lon, place=place)
    link = build_geo_link(stop, USUAL_LINKS) or ""
    said_lat, said_lon = map(float, link.removeprefix("geo:").split("?")[0].split(","))
    assert abs(said_lat - lat) <= 5.1e-6
    assert abs(said_lon - lon) <= 5.1e-6
    assert link == build_geo_link(replace(stop, place="", reason="", ward_name=""), USUAL_LINKS)
