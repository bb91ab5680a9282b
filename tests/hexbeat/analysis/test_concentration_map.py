"""The rule of the hotspot map on records: what a card says, days and months, and the limit of area."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hexbeat.analysis.concentration_map import find_candidates
from hexbeat.analysis.hotspot_explanation import describe_kind, explain_cell
from hexbeat.analysis.hotspot_groups import list_groups
from hexbeat.analysis.hotspot_map import HotspotMap, HotspotMethod, build_hotspot_map
from hexbeat.analysis.study import load_study
from hexbeat.dashboard.views.meanings import MEANINGS
from layers.catalogue import find_layer
from layers.coverage import Coverage, CoverageEntry
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough
from tests.support.events import Event, columns_of, local

LOG = CoverageEntry("needle_litter", "log", "", dt.date(2026, 6, 3), dt.date(2026, 6, 20))
FOUR_WEEKS = Filter(layers=("needle_litter",), start=TODAY - dt.timedelta(days=28), end=TODAY)


def build(chosen: Filter, *, resolution: int = 9, **options: Any) -> HotspotMap:
    study = load_study(middlesbrough(), (), resolution)
    return build_hotspot_map(demonstration()[0], chosen, study, trend=False, **options)


@pytest.mark.slow
def test_each_card_is_true_and_speaks_of_no_chance() -> None:
    one = build(FOUR_WEEKS)
    texts = dict(zip(one.rows["cell"], (explain_cell(one, cell) for cell in one.rows["cell"]), strict=True))
    assert not any(re.search(r"chance|random", text) for text in texts.values())
    for row in one.rows.to_dict("records"):
        text = texts[row["cell"]]
        assert text.startswith(("A hotspot: ", "Part of a hotspot: ")) == (row["hotspot"] == "hot")
        assert text.startswith("Not among the hotspots: ") == bool(row["beyond"])
        assert ("no needle finds were ever recorded" in text) == np.isnan(row["expected"])
    assert (
        "A hotspot: 11 needle finds in this cell in 28 days, 15 times its surroundings (at least 6.3 times), on 8 of "
        "28 days. It grew busier about 23 Aug 2026."
    ) in texts.values()
    assert any(
        re.fullmatch(
            r"Part of a hotspot: \d+ needle finds in these 6 cells \(the \d hot ones have \d+\) in 28 days, [\d.]+ "
            r"times their surroundings \(at least [\d.]+ times\), on \d+ of 28 days\. It .* 20\d\d.*\.",
            text,
        )
        for text in texts.values()
    )


REASONS = (
    r"[\d.]+ times its surroundings, but that is too few events to be sure",
    r"[\d.]+ times (its|their) surroundings, but fuller places take up the 2 % of the area that may be hot",
    r"[\d.]+ times its surroundings, but (on \d days? only|most of them in one half of the days)",
    "less than twice its surroundings",
    "no more than its surroundings",
)


@pytest.mark.parametrize("days", [28, 365])
def test_the_first_sentence_of_a_card_says_why_a_place_with_events_is_not_hot(days: int) -> None:
    one = build(replace(FOUR_WEEKS, start=TODAY - dt.timedelta(days=days)))
    rest = one.rows[(one.rows["count"] > 0) & (one.rows["hotspot"] == "")]
    for row in rest.to_dict("records"):
        verdict = explain_cell(one, row["cell"]).partition(". ")[0].removesuffix(".")
        count = r"\d+ needle finds? in (this cell|these \d cells) in \d+ days"
        kinds = "|".join(REASONS)
        assert re.fullmatch(
            rf"Not (a hotspot|among the hotspots): {count}, ({kinds})|Too few events to say: {count}", verdict
        )
        assert ("too few events to be sure" in verdict) <= (row["q_value"] > one.q)


def test_a_cell_beside_those_that_carry_its_patch_keeps_its_surroundings() -> None:
    """Of a hot patch the cells that are not hot said "while its surroundings have none", which was not true."""
    one = build(replace(FOUR_WEEKS, start=TODAY - dt.timedelta(days=365)))
    tested = one.rows[one.rows["expected"].notna()]
    assert len(tested) > 500
    assert (tested["expected"] > 0).all()


def test_a_card_of_a_patch_says_what_its_hot_cells_hold_as_the_list_does() -> None:
    """The list counts what is coloured, the test also the cells beside it: "12" in the list was "13" on the card."""
    one = build(replace(FOUR_WEEKS, start=TODAY - dt.timedelta(days=90)), resolution=10)
    hot = one.rows[one.rows["hotspot"] == "hot"]
    groups = list_groups(one.rows, middlesbrough()).set_index("group")
    listed = 0
    for row in hot[hot["cells"] > 1].to_dict("records"):
        own = hot[hot["patch"] == row["patch"]]
        number = f"{own['count'].sum():.0f}"
        part = f"the {len(own)} hot ones have {number}" if len(own) > 1 else f"the hot one has {number}"
        assert f" in these {row['cells']} cells ({part}) in 90 days, " in explain_cell(one, row["cell"])
        group = groups.loc[row["group"]]
        if group["cells"] == len(own):
            listed += 1
            assert f"{group['count']:.0f}" == number
    assert listed > 5
    alone = hot.loc[hot["cells"] == 1, "cell"]
    assert not any(" hot one" in explain_cell(one, cell) for cell in alone)


def test_what_is_said_of_hotspots_promises_twice_as_much_in_the_count_alone() -> None:
    rows = build(Filter(layers=("needle_litter",))).rows
    hot = rows[rows["hotspot"] == "hot"]
    assert hot["times"].min() >= 2
    assert hot["times_at_least"].min() < 2
    assert MEANINGS["hotspots"].sentences[0] == (
        "It has at least twice as many records as the places around it: too many for chance, and on several days."
    )


def test_short_of_its_numbers_a_patch_is_named_as_one() -> None:
    one = build(FOUR_WEEKS)
    hot = one.rows[one.rows["hotspot"] == "hot"].to_dict("records")
    for row in hot:
        start = (
            r"[\d.]+ times its surroundings" if row["cells"] == 1 else r"its patch holds [\d.]+ times its surroundings"
        )
        assert re.match(rf"{start}, on \d+ of 28 days\.$", describe_kind(one, row, since=False))
    assert {row["cells"] == 1 for row in hot} == {True, False}


def test_no_more_of_the_area_is_hot_than_asked_for() -> None:
    study = load_study(middlesbrough())
    for most_area in (0.02, 0.005):
        one = build(FOUR_WEEKS, most_area=most_area)
        hot = (one.rows["hotspot"] == "hot").to_numpy()
        assert 0 < study.area_km2[hot].sum() <= most_area * study.area_km2.sum()
        left_out = one.rows.loc[one.rows["beyond"], "count"]
        assert left_out.empty or left_out.max() <= one.rows.loc[hot, "count"].min()
    assert "would pass the 0.5 % of the area that may be hot." in " ".join(one.notes)


def test_gi_and_concentration_share_counts_and_z_alone() -> None:
    ours, gi = build(FOUR_WEEKS).rows, build(FOUR_WEEKS, method="gi").rows
    assert ours["count"].tolist() == gi["count"].tolist()
    assert ours["gi_z"].tolist() == gi["gi_z"].tolist()
    assert ours["hotspot"].tolist() != gi["hotspot"].tolist()


def test_cells_without_candidate_places_or_events_are_not_tested() -> None:
    study, spec = load_study(middlesbrough()), find_layer("needle_litter")
    candidates = find_candidates(demonstration()[0], study, spec)
    rows = build(FOUR_WEEKS).rows
    assert 450 < candidates.sum() < len(study)
    assert rows["expected"].notna().tolist() == candidates.tolist()
    assert candidates[(rows["count"] > 0).to_numpy()].all()


def _events_of_months(most_at: int) -> list[Event]:
    """Six months of records that know only their month; `most_at` a month at one place."""
    generator = np.random.default_rng(3)
    events = []
    for month in range(1, 7):
        span = local(f"2026-{month:02d}-01 00:00"), local(f"2026-{month + 1:02d}-01 00:00")
        lon, lat = generator.uniform(-1.27, -1.18, 60), generator.uniform(54.53, 54.58, 60)
        events += [Event(*span, lon=x, lat=y, precision="month") for x, y in zip(lon, lat, strict=True)]
        events += [Event(*span, lon=-1.235, lat=54.56, precision="month")] * most_at
    return events


def test_records_of_months_are_judged_by_months_and_it_is_said() -> None:
    chosen = Filter(layers=("needle_litter",), start=dt.date(2026, 1, 1), end=dt.date(2026, 7, 1))
    one = build_hotspot_map(columns_of(_events_of_months(4)), chosen, load_study(middlesbrough()), trend=False)
    assert (one.time_unit, one.time_units) == ("month", 6)
    assert "Most records know only their month, so steadiness is judged by months." in one.notes
    (hot,) = one.rows[one.rows["hotspot"] == "hot"].to_dict("records")
    assert ", in 6 of 6 months." in explain_cell(one, hot["cell"])


@pytest.mark.parametrize("method", ["concentration", "gi"])
def test_records_of_months_say_nothing_of_a_part_of_one(method: HotspotMethod) -> None:
    chosen = Filter(layers=("needle_litter",), start=dt.date(2026, 6, 3), end=dt.date(2026, 7, 1))
    columns = columns_of(_events_of_months(4))
    one = build_hotspot_map(columns, chosen, load_study(middlesbrough()), method=method)
    refusal = (
        "Most records are known only to their month, and 3 Jun to 30 Jun 2026 holds no whole month. So it is not known "
        "where places stand out."
    )
    assert (one.refusal, one.notes[0], one.caution) == (refusal, refusal, "")
    assert not (one.rows["hotspot"] != "").any()
    assert explain_cell(one, str(one.rows["cell"][0])) == refusal
    alone = Filter(layers=("needle_litter",), start=dt.date(2026, 6, 3), end=dt.date(2026, 6, 20))
    only = replace(columns, coverage=Coverage((LOG,), columns.ward_codes))  # no whole month in the year before, too
    assert build_hotspot_map(only, alone, load_study(middlesbrough()), method=method).refusal


def test_one_month_shows_no_place_that_lasts_and_each_answer_says_so() -> None:
    chosen = Filter(layers=("needle_litter",), start=dt.date(2026, 6, 1), end=dt.date(2026, 7, 1))
    one = build_hotspot_map(columns_of(_events_of_months(30)), chosen, load_study(middlesbrough()), trend=False)
    (hot,) = one.rows[one.rows["hotspot"] == "hot"].to_dict("records")
    caution = "With 1 month nothing shows whether it lasts"
    assert one.caution == caution
    assert f"{caution}." in one.notes
    text = explain_cell(one, hot["cell"])
    assert text.endswith(f"times). {caution}.")
    assert "It has been" not in text


def test_cells_across_a_ward_border_are_told() -> None:
    one = build(FOUR_WEEKS)
    (note,) = (note for note in one.notes if "ward border" in note)
    number, hot = int(note.split()[0]), int((one.rows["hotspot"] == "hot").sum())
    assert 0 < number <= hot
    assert note == (
        f"{number} of the cells that stand out cross a ward border. Each is named by the ward with most of it."
    )


@pytest.mark.parametrize(("stops", "merged"), [(1, 0), (4, 3)])
def test_records_of_one_encounter_count_once(stops: int, merged: int) -> None:
    events = [Event(local("2026-03-02 08:00"))] * stops + [Event(local("2026-03-03 08:00"), lon=-1.2)]
    one = build_hotspot_map(
        columns_of(events), Filter(layers=("needle_litter",)), load_study(middlesbrough()), trend=False
    )
    assert one.rows["count"].sum() == stops + 1
    assert one.rows["neighbourhood"].sum() == 2
    assert any(f"{merged} records are left out" in note for note in one.notes) == bool(merged)
