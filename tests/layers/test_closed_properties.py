"""Closed properties: what their file says, and what other rooms make of it."""

import numpy as np

from layers.catalogue import LAYERS
from layers.closed_properties import CLOSED_PROPERTIES
from layers.columns import mark_states
from tests.support.layer_files import check_layer_file


def test_the_file_is_whole() -> None:
    check_layer_file(CLOSED_PROPERTIES)


def test_its_parts_in_the_work() -> None:
    assert CLOSED_PROPERTIES.kind == "state"
    assert not CLOSED_PROPERTIES.patrolled
    assert CLOSED_PROPERTIES.usual_reporter == "agency"


def test_an_order_without_an_end_lasts_three_months() -> None:
    assert CLOSED_PROPERTIES.open_end_months == 3


def test_it_is_the_one_layer_whose_codes_are_states() -> None:
    assert mark_states(np.arange(len(LAYERS))).tolist() == [False, False, False, True]


def test_it_is_released_for_the_borough_as_a_whole() -> None:
    assert CLOSED_PROPERTIES.release is not None
    assert (CLOSED_PROPERTIES.release.k, CLOSED_PROPERTIES.release.places) == (10, "borough")
