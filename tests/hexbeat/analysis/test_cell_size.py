"""The cells of hotspot maps: chosen by the back-test, or by how records lie; and said."""

import datetime as dt

import numpy as np
import pytest

from hexbeat.analysis.change_map import build_change_map
from hexbeat.analysis.hotspot_map import METHODS, build_hotspot_map
from hexbeat.analysis.method_comparison import SizeFigure
from hexbeat.analysis.method_selection import (
    HotspotSize,
    MethodSelection,
    SelectedMethod,
    choose_hotspot_size,
    has_shared_points,
)
from hexbeat.analysis.study import load_study
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough, select_for, shuffle_cells
from tests.support.events import Event, columns_of

WINNER = SelectedMethod("all_history", 11, True, "", dt.date(2026, 11, 22), 13, 0.4)


def judgement(*sizes: tuple[int, float, bool]) -> MethodSelection:
    """How Gi* fares: resolution, share caught, whether it is behind the best by more than chance."""
    return MethodSelection(WINNER, {}, tuple(SizeFigure(size, rate, behind=behind) for size, rate, behind in sizes))


APART = columns_of([Event(3600 * hour, lon=-1.235 + hour / 1000) for hour in range(40)])
TOGETHER = columns_of([Event(3600 * hour, lon=-1.235 + hour % 8 / 1000) for hour in range(40)])


@pytest.mark.parametrize(
    ("sizes", "resolution"),
    [
        ([(8, 0.1, False), (9, 0.2, False), (10, 0.2, False), (11, 0.2, False)], 9),
        ([(8, 0.1, True), (9, 0.2, True), (10, 0.2, False), (11, 0.2, False)], 10),
        ([(8, 0.1, True), (9, 0.3, False), (10, 0.2, True)], 9),
        ([(8, 0.3, False), (9, 0.1, True), (10, 0.1, True), (11, 0.1, True)], 8),
    ],
)
def test_cells_of_350_m_or_less_that_are_as_good_as_any(sizes: list[tuple[int, float, bool]], resolution: int) -> None:
    found = choose_hotspot_size(APART, "needle_litter", judgement(*sizes))
    across = {8: "900 m", 9: "350 m", 10: "130 m"}[resolution]
    assert found == HotspotSize(
        resolution,
        f"Cells are {across} across: hotspots of this size forecast the next week as well as any (back-test of 13 "
        "weeks). In smaller cells fewer places have enough events to stand out.",
    )


def test_cells_of_50_m_are_never_chosen_even_if_they_alone_were_best() -> None:
    found = choose_hotspot_size(APART, "needle_litter", judgement((9, 0.2, True), (10, 0.1, True), (11, 0.4, False)))
    assert found == HotspotSize(
        9,
        "Cells are 350 m across: of sizes down to 130 m hotspots of this size forecast the next week best (back-test "
        "of 13 weeks). In smaller cells fewer places have enough events to stand out.",
    )


def test_records_that_share_points_have_cells_of_350_m_whatever_the_back_test_says() -> None:
    assert (has_shared_points(APART, "needle_litter"), has_shared_points(TOGETHER, "needle_litter")) == (False, True)
    for one in (None, judgement((9, 0.1, True), (10, 0.2, False))):
        assert choose_hotspot_size(TOGETHER, "needle_litter", one) == HotspotSize(
            9,
            "Cells are 350 m across. Many needle finds share their points, so smaller cells would separate what "
            "belongs together.",
        )


def test_an_exact_log_that_comes_back_to_its_places_keeps_small_cells_beside_a_snapped_one() -> None:
    sweeps = [
        Event(86_400 * day, lon=-1.3 + 0.0003 * place, source="sweeps", location="exact", reported_by="sweep")
        for place in range(30)
        for day in range(5)
    ]
    reports = [
        Event(86_400 * day, lon=-1.235 + place / 1000, source="police-uk-street", location="snapped")
        for place in range(30)
        for day in range(5)
    ]
    columns, fares = columns_of([*sweeps, *reports]), judgement((9, 0.1, True), (10, 0.2, False))
    sizes = [
        choose_hotspot_size(columns, "needle_litter", fares, event_filter=Filter(reported_by=reporters))
        for reporters in ((), ("sweep",), ("public",))
    ]
    assert [size and size.resolution for size in sizes] == [9, 10, 9]


def test_no_cells_are_smaller_than_the_records_know_and_it_is_said() -> None:
    rough = columns_of(
        [Event(3600 * hour, lon=-1.235 + hour / 1000, location="randomised", location_m=150) for hour in range(40)]
    )
    assert choose_hotspot_size(rough, "needle_litter", judgement((9, 0.2, False), (10, 0.3, False))) == HotspotSize(
        9,
        "Cells are 350 m across: hotspots of this size forecast the next week as well as any (back-test of 13 weeks). "
        "In smaller cells fewer places have enough events to stand out. The smallest cells that these records know are "
        "350 m across.",
    )
    assert choose_hotspot_size(rough, "needle_litter", None) == HotspotSize(
        9, "Records were moved at random, so cells are no smaller than 350 m across."
    )


@pytest.mark.slow
def test_smaller_cells_that_a_person_asks_for_say_what_they_are() -> None:
    rough = columns_of(
        [Event(3600 * hour, lon=-1.235 + hour / 1000, location="postcode", location_m=100) for hour in range(40)]
    )
    chosen = Filter(layers=("needle_litter",), start=dt.date(1970, 1, 2), end=dt.date(1970, 1, 3))
    said = (
        "Records are placed by postcode, at 40 points. The smallest cells that these records know are 350 m across. "
        "These are 130 m: what sets one apart from the next may only be where records were put."
    )
    for size, times in ((9, 0), (10, 1)):
        study = load_study(middlesbrough(), (), size)
        assert build_hotspot_map(rough, chosen, study).notes.count(said) == times
        change = build_change_map(rough, chosen, study)
        assert (change.cell_notes.count(said), change.notes.count(said)) == (times, 0)


def test_without_evidence_there_is_no_choice() -> None:
    assert choose_hotspot_size(APART, "needle_litter", None) is None
    assert choose_hotspot_size(APART, "overdoses", None) is None
    assert not has_shared_points(columns_of([Event(0)]), "needle_litter")


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "least", "of"), [("needle_litter", 5, 8), ("street_dealing", 4, 7)])
def test_the_demonstrations_planted_hotspots_are_found_with_the_chosen_cells(layer: str, least: int, of: int) -> None:
    """Of 90 days; Gi* with the same cells finds three and one of them."""
    columns, truth = demonstration()
    size = choose_hotspot_size(columns, layer, select_for(layer))
    assert size is not None
    assert size.resolution == 9
    chosen = Filter(layers=(layer,), start=TODAY - dt.timedelta(days=90), end=TODAY)
    planted = {one["cell"] for one in truth["hotspots"] if one["layer"] == layer and one["kind"] != "fading"}
    assert len(planted) == of
    found = {}
    for method in METHODS:
        rows = build_hotspot_map(columns, chosen, load_study(middlesbrough()), trend=False, method=method).rows
        found[method] = len(planted & set(rows.loc[rows["hotspot"] == "hot", "cell"]))
    assert found["concentration"] >= least > found["gi"]


@pytest.mark.slow
def test_shuffled_demonstrations_show_no_more_than_promised_in_small_cells() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough(), (), 10)
    chosen = Filter(layers=("needle_litter",), start=TODAY - dt.timedelta(days=28), end=TODAY)
    maps = [
        build_hotspot_map(shuffle_cells(columns, study, seed=seed), chosen, study, trend=False, method="gi")
        for seed in range(20)
    ]
    assert np.sum([(one.rows["hotspot"] == "hot").any() for one in maps]) <= 4  # 1 expected; more: 1 in 300
