from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import UsageError
from hexbeat.documents.maps.scales import (
    BACKGROUND_DARK,
    BACKGROUND_LIGHT,
    OUTLINE_DARK,
    OUTLINE_LIGHT,
    TOO_FEW_CLASS,
    Scale,
    add_too_few_class,
    build_change_scale,
    build_count_scale,
    build_hotspot_scale,
)
from tests.support.colours import COLOUR_BLINDNESS, contrast, difference, lab

EN_DASH = "\N{EN DASH}"
EVERY_COUNT_SCALE = [build_count_scale(maximum, shared=shared) for maximum in (5, 40, 500) for shared in (False, True)]


def dashed(*labels: str) -> tuple[str, ...]:
    return tuple(label.replace("-", EN_DASH) for label in labels)


def test_small_counts_have_the_five_classes_of_the_design() -> None:
    assert build_count_scale(20).labels == dashed("1", "2-3", "4-7", "8-15", "16+")
    assert build_count_scale(20).breaks == (1, 2, 4, 8, 16)


def test_larger_counts_get_a_sixth_class_and_then_wider_ones() -> None:
    assert build_count_scale(32).labels == dashed("1", "2-3", "4-7", "8-15", "16-31", "32+")
    assert build_count_scale(64).labels == dashed("1-2", "3-8", "9-26", "27-80", "81-242", "243+")
    assert build_count_scale(1000).breaks == (1, 4, 16, 64, 256, 1024)
    assert build_count_scale(10**9).breaks == (1, 10, 100, 1000, 10_000, 100_000)


def test_shares_have_a_class_under_one() -> None:
    scale = build_count_scale(20, shared=True)
    assert scale.labels == ("under 1", "1 to under 2", "2 to under 4", "4 to under 8", "8 to under 16", "16+")
    assert 0 < scale.breaks[0] < 1e-6
    assert scale.breaks[1:] == build_count_scale(20).breaks


@given(value=st.integers(1, 100_000), shared=st.booleans())
def test_every_count_has_its_class_and_its_label_says_so(*, value: int, shared: bool) -> None:
    scale = build_count_scale(value, shared=shared)
    k = np.searchsorted(scale.breaks, value, side="right") - 1
    assert scale.breaks[k] <= value
    assert k + 1 == len(scale.breaks) or value < scale.breaks[k + 1]
    if not shared and EN_DASH in scale.labels[k]:
        low, high = (int(end.replace(",", "")) for end in scale.labels[k].split(EN_DASH))
        assert low <= value <= high


@given(st.integers(1, 31), st.integers(1, 31))
def test_the_scale_stays_while_the_maximum_stays_in_its_bracket(one: int, other: int) -> None:
    assert build_count_scale(one) == build_count_scale(other)


def test_five_to_seven_classes() -> None:
    assert {len(scale.breaks) for scale in EVERY_COUNT_SCALE} == {5, 6, 7}


@pytest.mark.parametrize("scale", EVERY_COUNT_SCALE, ids=lambda scale: f"{len(scale.breaks)} classes")
def test_lightness_alone_tells_the_classes_apart(scale: Scale) -> None:
    falling = [lab(colour)[0] for colour in scale.light]
    rising = [lab(colour)[0] for colour in scale.dark]
    assert all(a - b > 9 for a, b in pairwise(falling))
    assert all(b - a > 9 for a, b in pairwise(rising))


@pytest.mark.parametrize("scale", EVERY_COUNT_SCALE, ids=lambda scale: f"{len(scale.breaks)} classes")
@pytest.mark.parametrize("kind", COLOUR_BLINDNESS)
def test_the_colour_blind_can_tell_the_classes_apart(scale: Scale, kind: str) -> None:
    for colours in (scale.light, scale.dark):
        assert all(difference(a, b, seen_with=kind) > 9 for a, b in combinations(colours, 2))


@pytest.mark.parametrize("kind", [None, *COLOUR_BLINDNESS])
def test_fewer_and_more_differ_for_everybody_and_the_middle_is_grey(kind: str | None) -> None:
    scale = build_change_scale(10)
    for colours in (scale.light, scale.dark):
        fewer, middle, more = colours[:3], colours[3], colours[4:]
        assert all(difference(a, b, seen_with=kind) > 20 for a in fewer for b in more)
        assert all(difference(a, middle, seen_with=kind) > 15 for a in (*fewer, *more))
        assert np.hypot(*lab(middle)[1:]) < 8


def test_the_line_around_a_cell_stands_out_from_the_ground() -> None:
    assert contrast(OUTLINE_LIGHT, BACKGROUND_LIGHT) >= 3
    assert contrast(OUTLINE_DARK, BACKGROUND_DARK) >= 3


@pytest.mark.parametrize("scale", EVERY_COUNT_SCALE, ids=lambda scale: f"{len(scale.breaks)} classes")
def test_most_is_what_stands_out_most(scale: Scale) -> None:
    for colours, background in ((scale.light, BACKGROUND_LIGHT), (scale.dark, BACKGROUND_DARK)):
        contrasts = [contrast(colour, background) for colour in colours]
        assert contrasts == sorted(contrasts)
        assert contrasts[-1] > 10


@pytest.mark.parametrize(
    ("shared", "sizes"),
    [(False, dashed("1-2", "3-8", "9+")), (True, ("1 to under 3", "3 to under 9", "9+"))],
    ids=["whole", "shared"],
)
def test_changes_have_their_words(*, shared: bool, sizes: tuple[str, ...]) -> None:
    assert build_change_scale(5, shared=shared).labels == (
        *(f"{size} fewer" for size in reversed(sizes)),
        "about the same",
        *(f"{size} more" for size in sizes),
    )


@given(st.floats(0.01, 1e6))
def test_a_fall_has_the_class_of_the_rise_of_its_size(difference: float) -> None:
    """No size has two labels, as 9 would in "3 to 9" and "9 or more"."""
    scale = build_change_scale(5)
    fall, rise = np.searchsorted(scale.breaks, [-difference, difference], side="right") - 1
    assert (fall == rise) == (difference < 1)
    assert scale.labels[fall].replace(" fewer", "") == scale.labels[rise].replace(" more", "")


@pytest.mark.parametrize(
    ("value", "expected"), [(-1, 2), (-0.5, 3), (0, 3), (0.9, 3), (1, 4), (-9, 0), (-8.9, 1), (9, 6)]
)
def test_changes_fall_into_their_classes(value: float, expected: int) -> None:
    assert np.searchsorted(build_change_scale(5).breaks, value, side="right") - 1 == expected


def test_a_scale_that_does_not_fit_itself_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Scale(breaks=(1, 2), light=("#000000",), dark=("#000000",), labels=("1",))
    assert str(caught.value) == (
        "A scale needs one colour for light, one for dark and one label a class; "
        "it has 2 breaks, 1 light and 1 dark colours, 1 labels; give as many of each as there are breaks"
    )


def test_breaks_that_do_not_rise_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Scale(breaks=(2, 1), light=("#0",) * 2, dark=("#0",) * 2, labels=("1",) * 2)
    assert str(caught.value) == "The breaks of a scale have to rise; these are [2, 1]; sort them and drop repeats"


@pytest.mark.parametrize("make", [build_count_scale, build_change_scale])
def test_a_maximum_that_is_no_number_is_refused(make: Callable[[float], Scale]) -> None:
    with pytest.raises(UsageError) as caught:
        make(float("nan"))
    assert str(caught.value) == "A scale needs a finite maximum; it is nan; leave out empty values first"


@pytest.mark.parametrize("kind", [None, *COLOUR_BLINDNESS])
def test_hot_cold_and_neither_differ_for_everybody(kind: str | None) -> None:
    scale = build_hotspot_scale(("cold", "neither", "hot"))
    for colours in (scale.light, scale.dark):
        assert all(difference(a, b, seen_with=kind) > 20 for a, b in combinations(colours, 2))


def test_hot_cold_and_neither_differ_in_grey() -> None:
    scale = build_hotspot_scale(("cold", "neither", "hot"))
    for colours in (scale.light, scale.dark):
        assert all(abs(lab(a)[0] - lab(b)[0]) > 12 for a, b in combinations(colours, 2))


def test_what_cannot_be_told_is_the_last_class_and_no_difference_reaches_it() -> None:
    scale = add_too_few_class(build_change_scale(5), "too few events to say")
    assert scale.labels[-1] == "too few events to say"
    assert np.searchsorted(scale.breaks, [999_999, TOO_FEW_CLASS], side="right").tolist() == [7, 8]
