from urllib.parse import parse_qsl, urlencode

from hypothesis import given
from hypothesis import strategies as st

from hexbeat.dashboard.pages.analysis.analysis_page import format_request_query, parse_request
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.presets import PERIODS
from layers.catalogue import LAYER_NAMES

WARDS = ("E05000001", "E05000002")


@given(st.sampled_from(LAYER_NAMES), st.sampled_from(tuple(PERIODS)), st.sampled_from([(), WARDS[:1], WARDS]))
def test_a_link_brings_back_the_question(layer: str, period: str, wards: tuple[str, ...]) -> None:
    choices = Choices(layers=(layer,), period=period, wards=wards)
    query = dict(parse_qsl(urlencode(format_request_query(choices))))
    assert parse_request(query, ward_codes=WARDS, map_choices=None) == choices


def test_without_a_link_the_page_begins_with_the_maps_layer_and_wards_over_a_year() -> None:
    map_choices = Choices(layers=("overdoses", "needle_litter"), wards=WARDS[:1], shift="night", view="hotspots")
    assert parse_request({}, ward_codes=WARDS, map_choices=map_choices) == Choices(
        layers=("overdoses",), period="year", wards=WARDS[:1]
    )
    assert parse_request({}, ward_codes=WARDS, map_choices=None) == Choices(period="year")


@given(st.dictionaries(st.sampled_from(("layers", "period", "wards", "from")), st.text()))
def test_no_link_breaks_the_page(query: dict[str, str]) -> None:
    assert parse_request(query, ward_codes=WARDS, map_choices=None).period in PERIODS
