"""The hotspot map: the same numbers as geo's, planted hotspots found, and none in shuffled maps."""

import datetime as dt
import re
from dataclasses import replace

import h3
import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import connected_components

from geo.hotspots import gi_star, hotspots
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.hotspot_explanation import explain_cell
from hexbeat.analysis.hotspot_groups import find_groups, list_groups
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.study import build_study, load_study, sum_by_cell
from hexbeat.reports.briefing_places import find_hot_places
from layers.counting import select
from layers.coverage import Coverage, CoverageEntry
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough, shuffle_cells
from tests.support.events import Event, columns_of, local

FOUR_WEEKS = Filter(layers=("needle_litter",), start=TODAY - dt.timedelta(days=28), end=TODAY)


@pytest.mark.parametrize("chosen", [FOUR_WEEKS, Filter(layers=("overdoses",)), Filter(layers=("closed_properties",))])
def test_by_gi_it_says_what_geo_says(chosen: Filter) -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    values, _outside = sum_by_cell(columns, select(columns, chosen), study)
    plain = hotspots(values, study.neighbours, 0.05)
    found = build_hotspot_map(columns, chosen, study, trend=False, method="gi")
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
    assert len(planted - parents) <= 1
    assert 5 < len(hot) <= 0.02 * len(study) + 1
    rows = found.rows[found.rows["hotspot"] == "hot"]
    assert (rows["count"] > 0).all()
    assert (rows["times"] >= 2).all()
    assert (rows["times"] > rows["times_at_least"]).all()
    assert (rows["active"] >= 3).all()
    assert (rows["active"] <= rows["neighbourhood"]).all()


def test_the_planted_spike_is_a_hotspot_of_its_fortnight() -> None:
    columns, truth = demonstration()
    spike = truth["spike"]
    start, end = dt.date.fromisoformat(spike["from"]), dt.date.fromisoformat(spike["to"])
    found = build_hotspot_map(
        columns, Filter(layers=("overdoses",), start=start, end=end), load_study(middlesbrough()), method="gi"
    )
    rows = found.rows.set_index("cell")
    assert rows.loc[spike["centre"], "hotspot"] == "hot"
    assert (rows["trend"] == "").all()
    assert "A pattern over time needs at least 4 weeks (months, if only the month is known)." in found.notes


@pytest.mark.slow
def test_shuffled_maps_show_no_more_hotspots_than_promised() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    maps = [
        build_hotspot_map(shuffle_cells(columns, study, seed=seed), FOUR_WEEKS, study, trend=False, method="gi")
        for seed in range(60)
    ]
    assert all(one.total == maps[0].total for one in maps)
    assert sum((one.rows["hotspot"] == "hot").any() for one in maps) <= 7  # 3 expected; more has a chance of 1 in 50
    assert build_hotspot_map(columns, FOUR_WEEKS, study, trend=False, method="gi").rows["hotspot"].eq("hot").any()


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
    found = build_hotspot_map(
        columns_of(events), night, build_study(middlesbrough(), resolution=8), trend=False, method="gi"
    )
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
        columns_of(events), Filter(layers=("needle_litter",)), load_study(middlesbrough()), trend=False, method="gi"
    )
    assert (found.rows["hotspot"] == "").all()
    lone = (
        "1 cell is busy while those around it are quiet. The test looks at cells together, so it is not called a "
        "hotspot."
    )
    busiest = "No place is certain to be a hotspot. The busiest cell holds 40 of 40 needle finds."
    assert found.notes == (busiest, f"{lone} {hint}")


def test_what_is_not_known_has_no_numbers() -> None:
    columns, _ = demonstration()
    found = build_hotspot_map(
        columns,
        Filter(layers=("overdoses",), start=dt.date(2019, 1, 1), end=dt.date(2019, 2, 1)),
        load_study(middlesbrough()),
    )
    assert found.total == 0
    assert found.period is None
    assert (found.rows["hotspot"] == "").all()
    assert not found.is_known
    assert found.rows[["count", "gi_z", "p_value", "q_value"]].isna().all(axis=None)
    assert found.rows["group"].isna().all()
    assert "There are no records of 1 Jan to 31 Jan 2019." in found.notes


def test_only_known_days_count() -> None:
    """Four weeks, of which two are not known: the map says so, and so does a cell."""
    days = [dt.date(2026, 3, 1) + dt.timedelta(days=k) for k in range(28)]
    columns = columns_of([Event(local(f"{day} 08:00")) for day in days])
    spans = (days[0], days[7]), (days[21], days[27] + dt.timedelta(days=1))
    entries = tuple(CoverageEntry("needle_litter", "log", "", *span) for span in spans)
    known = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    chosen = Filter(layers=("needle_litter",), start=days[0], end=dt.date(2026, 3, 29))
    found = build_hotspot_map(known, chosen, load_study(middlesbrough()))
    assert (found.total, found.known_days, found.is_known) == (14, 14, True)
    assert found.notes[0] == "Only the 14 known days of 28 count."
    assert "8 to 21 Mar 2026 are not known." in found.notes
    assert "2 of 4 bins are left out: not all of their days are known." in found.notes
    assert (found.rows["trend"] == "").all()
    assert " in 14 known days" in explain_cell(found, found.rows["cell"][found.rows["count"].argmax()])
    gap = replace(chosen, start=days[8], end=days[20])
    unknown = build_hotspot_map(known, gap, load_study(middlesbrough()))
    assert unknown.notes[0] == "No day of 9 Mar to 20 Mar 2026 is known."
    assert unknown.rows["count"].isna().all()


@pytest.mark.parametrize(("known_days", "says"), [(1, "1 of 28 days is"), (13, "13 of 28 days are"), (14, "")])
def test_too_few_known_days_make_no_hotspot(known_days: int, says: str) -> None:
    """Each day has 40 finds at one point: they stand out only where half of the days are known."""
    days = [dt.date(2026, 3, 1) + dt.timedelta(days=k) for k in range(28)]
    columns = columns_of([Event(local(f"{day} 08:00")) for day in days for _ in range(40)])
    spans = (days[0], days[known_days - 1]), (days[27], dt.date(2026, 3, 29))
    entries = tuple(CoverageEntry("needle_litter", "log", "", *span) for span in spans if span[0] < span[1])
    known = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    chosen = Filter(layers=("needle_litter",), start=days[0], end=dt.date(2026, 3, 29))
    found = build_hotspot_map(known, chosen, load_study(middlesbrough()))
    assert (found.total, found.known_days) == (40 * known_days, known_days)
    assert found.rows["count"].max() == 40 * known_days
    refusal = f"Only {says} known: too few to say where places stand out." if says else ""
    assert found.refusal == refusal
    assert (found.notes[0] == refusal) == bool(says)
    assert not says or (found.rows[["hotspot", "trend"]] == "").all(axis=None)
    assert not says or found.rows["group"].isna().all()
    assert found.rows["p_value"].isna().all() == bool(says)
    assert not says or explain_cell(found, found.rows["cell"][found.rows["count"].argmax()]) == refusal
    places = find_hot_places(
        known, middlesbrough(), found.spec, load_study(middlesbrough()), until=dt.date(2026, 3, 29), days=28, hours=None
    )
    assert places[2] == (not says)
    assert not says or places[:2] == ([], [f"Needle finds: o{refusal[1:]}"])


def test_groups_are_hotspots_that_touch_and_the_busiest_cell_stands_for_them() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    rows = build_hotspot_map(columns, FOUR_WEEKS, study, trend=False).rows
    groups = list_groups(rows, middlesbrough())
    assert groups["group"].tolist() == list(range(1, len(groups) + 1))
    assert rows.loc[rows["hotspot"] != "", "group"].notna().all()
    assert groups["count"].sum() == rows.loc[rows["group"].notna(), "count"].sum()
    for group in groups.to_dict("records"):
        cells = rows[rows["group"] == group["group"]]
        assert group["busiest"] == cells["count"].max() > 0
        assert group["cells"] == len(cells)
        members = cells.index.to_numpy()
        touching = study.neighbours[members][:, members].toarray()
        same_patch = (cells["patch"].to_numpy()[:, None] == cells["patch"].to_numpy()) & (
            cells["patch"] >= 0
        ).to_numpy()
        assert connected_components(touching + same_patch, directed=False)[0] == 1
    surest = [rows.loc[rows["group"] == number, "q_value"].min() for number in groups["group"]]
    assert surest == sorted(surest)


def test_an_empty_cell_is_never_a_hotspot_by_itself() -> None:
    """A cell that is hot by its neighbours alone forms a group with those that hold the events."""
    study = load_study(middlesbrough())
    middle = int(np.diff(study.neighbours.indptr).argmax())
    around = [place for place in study.neighbours[[middle]].indices if place != middle]
    counts = np.zeros(len(study))
    counts[around[:2]] = (3, 5)
    rows = pd.DataFrame({"count": counts, "gi_z": 0.0, "q_value": 1.0, "hotspot": ""})
    rows.loc[middle, ["gi_z", "q_value", "hotspot"]] = 5.0, 0.01, "hot"
    rows["group"] = find_groups(rows, study.neighbours)
    rows = rows.assign(cell=study.names, ward_code=study.ward_codes, ward_name=study.ward_names)
    (group,) = list_groups(rows, middlesbrough()).to_dict("records")
    assert (group["cells"], group["count"], group["busiest"]) == (3, 8, 5)
    assert group["cell"] == study.names[around[1]]
    assert (group["hotspot"], group["q_value"]) == ("hot", 0.01)


def test_a_month_with_a_busy_cell_is_not_told_as_chance() -> None:
    """25 of 186 records in one cell, and no hotspot: nothing is said of chance, evenness or no pattern."""
    rng = np.random.default_rng(3)
    spread = [
        Event(local("2026-03-02 08:00"), lon=-1.235 + x, lat=54.56 + y)
        for x, y in zip(rng.uniform(-0.04, 0.04, 161), rng.uniform(-0.02, 0.02, 161), strict=True)
    ]
    events = [*spread, *[Event(local("2026-03-02 09:00"), lon=-1.2, lat=54.535)] * 25]
    found = build_hotspot_map(columns_of(events), Filter(layers=("needle_litter",)), load_study(middlesbrough()))
    texts = [*found.notes, *(explain_cell(found, cell) for cell in found.rows["cell"][:50])]
    assert not re.search(r"ordinary|random|no pattern|[Cc]hance (alone )?(would|could)", " ".join(texts))
    if not (found.rows["hotspot"] == "hot").any():
        most = int(found.rows["count"].max())
        share = f"{most} of {found.total:.0f} needle finds"
        assert f"No place is certain to be a hotspot. The busiest cell holds {share}." in found.notes
