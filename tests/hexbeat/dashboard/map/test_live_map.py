from typing import Any

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from hexbeat.areas.area import find_ward_bounds, load_area
from hexbeat.dashboard.map.live_map import parse_choice

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["geometry", "properties", "x"]), inner)
    ),
)


def sent(lon: Any = -1.23, lat: Any = 54.57, resolution: Any = 9, event: Any = 17.0) -> dict[str, Any]:
    """What the browser sends for a choice."""
    return {
        "last_active_drawing": {
            "type": "Feature",
            "properties": {"resolution": resolution, "event": event},
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
        }
    }


@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90), resolution=st.integers(0, 15))
def test_a_choice_is_the_cell_at_its_place(lon: float, lat: float, resolution: int) -> None:
    assert parse_choice(sent(lon, lat, resolution)) == (h3.latlng_to_cell(lat, lon, resolution), 17.0)


@pytest.mark.parametrize(
    "returned",
    [
        None,
        {},
        {"last_active_drawing": None},
        sent(lon=181),
        sent(lat=float("nan")),
        sent(lat=float("inf")),
        sent(lat="<b>"),
        sent(lat=None),
        sent(resolution=16),
        sent(resolution=-1),
        sent(resolution=None),
        sent(event=float("nan")),
        sent(resolution=float("inf")),
    ],
)
def test_what_is_no_choice_is_none(returned: Any) -> None:
    assert parse_choice(returned) is None


@pytest.mark.slow
@given(ANYTHING)
def test_whatever_a_browser_sends_nothing_breaks(value: Any) -> None:
    assert parse_choice(value) is None
    assert parse_choice({"last_active_drawing": value}) is None


def test_the_bounds_of_wards_hold_them_and_no_more() -> None:
    area = load_area("middlesbrough")
    assert find_ward_bounds(area, area.wards.codes) == pytest.approx(tuple(area.wards.bounds))
    assert find_ward_bounds(area, area.wards.codes[:1]) == area.wards.polygons[0].bounds


def test_a_ward_of_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        find_ward_bounds(load_area("middlesbrough"), ["E05000001"])
    assert str(caught.value) == (
        "A map can show only wards of its area; middlesbrough has no E05000001; choose wards of this area"
    )
