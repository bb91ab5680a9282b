"""The hotspot map: the same numbers as geo's, planted hotspots found, and none in shuffled maps."""

import datetime as dt

import h3
import numpy as np
import pytest

from geo.hotspots import gi_star, hotspots
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.study import build_study, load_study, sum_by_cell
from layers.counting import select
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough, shuffle_cells
from tests.support.events import Event, columns_of, local

FOUR_WEEKS = Filter(layers=("needle_litter",), start=TODAY - dt.timedelta(days=28), end=TODAY)


@pytest.mark.parametrize("chosen", [FOUR_WEEKS, Filter(layers=("overdoses",)), Filter(layers=("closed_properties",))])
def test_it_says_what_geo_says(chosen: Filter) -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    values, _outside = sum_by_cell(columns, select(columns, chosen), study)
    plain = hotspots(values, study.neighbours, 0.05)
    found = build_hotspot_map(columns, chosen, study, trend=False)
    rows = found.rows
    assert rows["cell"].tolist() == study.names.tolist()
    assert rows["count"].tolist() == values.tolist()
    assert rows["gi_z"].to_numpy() == pytest.approx(gi_star(values, study.neighbours))
    assert rows["p_value"].tolist() == plain.p.tolist()
    assert rows["q_value"].tolist() == plain.q.tolist()
    assert rows["hotspot"].tolist() == [{1: "hot", -1: "cold", 0: ""}[kind] for kind in plain.kind.tolist()]
    assert rows["neighbourhood"].to_numpy() == pytest.approx(study.neighbours @ values)
    assert found.total == values.sum()
    assert found.unit == 1


@pytest.mark.parametrize("layer", ["needle_litter", "street_dealing", "overdoses"])
def test_planted_hotspots_are_found_and_few_others(layer: str) -> None:
    columns, truth = demonstration()
    study = load_study(middlesbrough(), (), 10)  # a planted cell of resolution 9 is seven of these
    found = build_hotspot_map(columns, Filter(layers=(layer,), start=dt.date(2025, 11, 22)), study, trend=False)
    hot = set(found.rows["cell"][found.rows["hotspot"] == "hot"])
    parents = {h3.cell_to_parent(cell, 9) for cell in hot}
    planted = {one["cell"] for one in truth["hotspots"] if one["layer"] == layer and one["kind"] != "fading"}
    assert planted <= parents
    assert len(hot) < 0.1 * len(study)


def test_the_planted_spike_is_a_hotspot_of_its_fortnight() -> None:
    columns, truth = demonstration()
    spike = truth["spike"]
    start, end = dt.date.fromisoformat(spike["from"]), dt.date.fromisoformat(spike["to"])
    found = build_hotspot_map(columns, Filter(layers=("overdoses",), start=start, end=end), load_study(middlesbrough()))
    rows = found.rows.set_index("cell")
    assert rows.loc[spike["centre"], "hotspot"] == "hot"
    assert (rows["trend"] == "").all()
    assert "A pattern over time needs at least 4 weeks (months, if only the month is known)." in found.notes


def test_shuffled_maps_show_no_more_hotspots_than_promised() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    maps = [
        build_hotspot_map(shuffle_cells(columns, study, seed=seed), FOUR_WEEKS, study, trend=False)
        for seed in range(60)
    ]
    assert all(one.total == maps[0].total for one in maps)
    assert sum((one.rows["hotspot"] == "hot").any() for one in maps) <= 7  # 3 expected; more has a chance of 1 in 50
    assert build_hotspot_map(columns, FOUR_WEEKS, study, trend=False).rows["hotspot"].eq("hot").any()


def test_the_trend_is_the_emerging_pattern_of_the_period() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    found = build_hotspot_map(columns, FOUR_WEEKS, study)
    emerging = build_emerging_map(columns, FOUR_WEEKS, study)
    assert found.rows["trend"].tolist() == emerging.rows["pattern"].tolist()
    assert "4 bins from 25 Oct to 21 Nov 2026: weeks." in found.notes


def test_what_was_shared_left_out_and_swept_is_said() -> None:
    night = Filter(layers=("needle_litter",), start=dt.date(2026, 3, 1), end=dt.date(2026, 3, 16), hours=(0, 12))
    events = [
        Event(local("2026-03-02 08:00")),
        Event(local("2026-03-03 10:00"), local("2026-03-03 14:00"), reported_by="sweep"),
        Event(local("2026-03-01 00:00"), local("2026-04-01 00:00"), precision="month"),
    ]
    found = build_hotspot_map(columns_of(events), night, build_study(middlesbrough(), resolution=8), trend=False)
    assert found.total == 1.5
    assert (found.shared_in_time, found.unplaced_in_time, found.swept, found.unit) == (1, 1, 1, 1 / 16)
    assert found.limits == ("at the chosen hours",)
    assert " ".join(found.notes) == (
        "1 needle find is known only to a longer time, such as a month. It counts by the share of that time in the "
        "period. For the test, counts are rounded to multiples of 0.0625. 1 more is left out because its hour or "
        "weekday is not known. Sweeps found 50 % of them. Sweeps find where they look, so the map may differ without "
        "them."
    )


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        (1e-7, "Smaller cells (130 m across) may show more."),
        (0.0, "Many records share their points, so larger cells (900 m across) may show more."),
    ],
)
def test_a_lone_busy_cell_is_announced(step: float, hint: str) -> None:
    events = [Event(local("2026-03-02 08:00"), lon=-1.235 + step * k) for k in range(40)]
    found = build_hotspot_map(
        columns_of(events), Filter(layers=("needle_litter",)), load_study(middlesbrough()), trend=False
    )
    assert (found.rows["hotspot"] == "").all()
    lone = "1 cell is busy while those around it are quiet. Chance alone could do that, so it is not called a hotspot."
    assert found.notes == (f"{lone} {hint}",)


def test_nothing_is_neither_hot_nor_cold() -> None:
    columns, _ = demonstration()
    found = build_hotspot_map(
        columns,
        Filter(layers=("overdoses",), start=dt.date(2019, 1, 1), end=dt.date(2019, 2, 1)),
        load_study(middlesbrough()),
    )
    assert found.total == 0
    assert found.period is None
    assert (found.rows["hotspot"] == "").all()
    assert np.array_equal(found.rows["gi_z"], np.zeros(len(found.rows)))
    assert found.notes[0] == "There are no records of 1 Jan to 31 Jan 2019."
