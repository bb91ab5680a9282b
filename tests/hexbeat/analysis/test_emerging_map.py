"""Emerging patterns on a map: the bins, parity with geo, and patterns that were planted."""

import datetime as dt
from dataclasses import replace

import h3
import numpy as np

from geo.emerging_hotspots import Pattern, find_emerging_hotspots
from hexbeat.analysis.emerging_map import PATTERN_DEFINITIONS, build_emerging_map
from hexbeat.analysis.study import load_study, sum_by_cell
from layers.counting import select
from layers.filters import Filter
from tests.support.demonstrations import demonstration, middlesbrough
from tests.support.events import Event, columns_of, local

CHOSEN = Filter(layers=("needle_litter",), start=dt.date(2026, 6, 1), end=dt.date(2026, 11, 22))


def test_bins_and_numbers_are_those_of_geo() -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    found = build_emerging_map(columns, CHOSEN, study, method="gi")
    assert found.bins is not None
    assert found.bins.unit == "week"
    bins = [select(columns, replace(CHOSEN, start=a, end=b)) for a, b in found.bins.periods]
    counts = np.array([sum_by_cell(columns, one, study)[0] for one in bins])
    plain = find_emerging_hotspots(counts, study.neighbours, q=0.05)
    assert found.rows["pattern"].tolist() == [str(one) for one in plain.pattern]
    assert np.array_equal(found.z, plain.z)
    assert np.array_equal(found.kind, plain.kind)
    assert found.rows["hot_bins"].tolist() == (plain.kind == 1).sum(axis=0).tolist()
    assert found.rows["count"].sum() == counts.sum()
    assert (found.rows["definition"] == found.rows["pattern"].map(PATTERN_DEFINITIONS)).all()


def test_a_hotspot_that_appears_in_the_last_week_is_new() -> None:
    study = load_study(middlesbrough())
    middle = study.place("89194654d33ffff")
    near = study.neighbours[[middle], :].indices
    rng = np.random.default_rng(3)
    first = local("2026-09-01 00:00")
    events = []
    for week in range(8):
        cells = [*rng.integers(0, len(study), 60), *(np.repeat(near, 8) if week == 7 else [])]
        events += [_event(study.names[cell], first + 604_800 * week + 3600 * (k % 160)) for k, cell in enumerate(cells)]
    chosen = Filter(layers=("needle_litter",), start=dt.date(2026, 9, 1), end=dt.date(2026, 10, 27))
    found = build_emerging_map(columns_of(events), chosen, study)
    row = found.rows.iloc[middle]
    assert row["pattern"] == "new"
    assert row["definition"] == "A hotspot in the last period, and never before."
    assert (row["hot_bins"], row["cold_bins"]) == (1, 0)


def _event(cell: str, start: int) -> Event:
    lat, lon = h3.cell_to_latlng(cell)
    return Event(start, lon=lon, lat=lat)


def test_too_short_a_period_is_said() -> None:
    columns, _ = demonstration()
    found = build_emerging_map(columns, replace(CHOSEN, start=dt.date(2026, 11, 1)), load_study(middlesbrough()))
    assert found.bins is None
    assert len(found.rows) == 0
    assert found.notes == ("A pattern over time needs at least 4 weeks (months, if only the month is known).",)


def test_days_without_records_are_no_bins() -> None:
    columns, _ = demonstration()
    found = build_emerging_map(columns, replace(CHOSEN, end=dt.date(2027, 6, 1)), load_study(middlesbrough()))
    assert found.bins is not None
    assert found.bins.periods[-1][1] == dt.date(2026, 11, 22)
    assert found.notes == (
        "The records end on 21 Nov 2026. Later days are left out.",
        "24 bins from 7 Jun to 21 Nov 2026: weeks.",
    )


def test_every_pattern_has_its_words_and_cold_ones_mirror_hot_ones() -> None:
    assert set(PATTERN_DEFINITIONS) == {str(one) for one in Pattern}
    assert PATTERN_DEFINITIONS["intensifying cold"] == (
        "A cold spot in at least 90 % of the periods and in the last one, and clearly getting colder."
    )
    assert PATTERN_DEFINITIONS["oscillating cold"] == (
        "A cold spot in the last period that was a hotspot before, and cold in less than 90 % of the periods."
    )
