"""The facts of a briefing: each is what the store's own answers say, and nothing that it cannot know is said."""

import datetime as dt
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from hexbeat.analysis.alerts import Alert, build_alert_report
from hexbeat.analysis.forecast_methods import METHODS, RANKS_ONLY
from hexbeat.analysis.hotspot_map import HOT, build_hotspot_map
from hexbeat.analysis.method_selection import MethodSelection, SelectedMethod, choose_map_size
from hexbeat.analysis.study import load_study
from hexbeat.areas.place_names import find_cell_resolution
from hexbeat.documents.briefing_document import (
    build_layer_row,
    describe_freshness,
    describe_no_alerts,
    describe_unknown_alerts,
)
from hexbeat.reports.briefing import Briefing, Purpose, build_briefing, build_visit_lines, describe_change
from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.counting import count
from layers.coverage import Coverage, CoverageEntry
from layers.event import PRECISIONS
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough

DAY = dt.timedelta(days=1)


@cache
def meeting(wards: tuple[str, ...] = ()) -> Briefing:
    return build_briefing(demonstration()[0], middlesbrough(), today=TODAY, wards=wards)


def build_alerts() -> tuple[Alert, ...]:
    """The alerts of the planted spike."""
    columns, area = demonstration()[0], middlesbrough()
    return build_alert_report(columns, area, TODAY - DAY, days=28, layers=["overdoses"]).alerts


def select_for_overdoses() -> dict[str, MethodSelection]:
    """A method that says how many are expected, as the best one."""
    name = next(name for name in METHODS if name not in RANKS_ONLY)
    method = SelectedMethod(name, 9, clear=True, sentence="", judged_to=TODAY, weeks=13, hit_rate=0.3)
    return {"overdoses": MethodSelection(method, {}, ())}


@cache
def meeting_with_forecast() -> Briefing:
    return build_briefing(demonstration()[0], middlesbrough(), today=TODAY, selections=select_for_overdoses())


def keep_only(layer: str) -> Columns:
    """The records of one layer; of the others none were recorded on the same days."""
    columns = demonstration()[0]
    return columns.take(columns.layer == LAYER_NAMES.index(layer))


def visits(*rows: tuple[str, str, str, int, int | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["kind", "team", "ward_code", "minutes", "needles"])
    return frame.astype({"needles": "Int64"})


@pytest.mark.slow
def test_counts_are_those_of_the_store_for_the_week_that_ended_yesterday() -> None:
    columns, area = demonstration()[0], middlesbrough()
    briefing = meeting()
    assert briefing.period == (TODAY - 7 * DAY, TODAY)
    for line in briefing.layers[:3]:
        assert line.period == briefing.period
        chosen = Filter(layers=(line.layer,), start=line.period[0], end=line.period[1])
        assert line.count == pytest.approx(count(columns, chosen, wards=area.wards).total)
        chosen = Filter(layers=(line.layer,), start=line.period[0] - 7 * DAY, end=line.period[0])
        assert line.earlier == pytest.approx(count(columns, chosen, wards=area.wards).total)
    assert briefing.layers[3].verdict == ""  # closures are in force in both weeks: nothing is tested
    assert briefing.mark == "synthetic events, not real"


@pytest.mark.slow
def test_places_are_hotspots_of_the_map_the_surest_first_and_none_twice() -> None:
    columns, area = demonstration()[0], middlesbrough()
    briefing = meeting()
    for layer in ("needle_litter", "street_dealing", "overdoses"):
        places = [place for place in briefing.places if place.layer == layer]
        assert (layer == "needle_litter") <= len(places) <= 2
        chosen = Filter(layers=(layer,), start=TODAY - 28 * DAY, end=TODAY)
        rows = build_hotspot_map(columns, chosen, load_study(area), trend=False).rows.set_index("cell")
        hot = rows[rows["hotspot"] == HOT]
        assert bool(places) == bool(len(hot))
        assert not places or hot["q_value"].min() == hot.loc[hot.index.isin(places[0].cells), "q_value"].min()
        assert all(place.count == rows.loc[list(place.cells), "count"].max() > 0 for place in places)
        cells = [cell for place in places for cell in place.cells]
        assert len(set(cells)) == len(cells)
        assert set(cells) <= set(hot.index)
        for place in places:
            assert place.cells[0] == place.cell
            assert place.total == pytest.approx(hot.loc[list(place.cells), "count"].sum())
            assert place.reason.startswith(("A hotspot: ", "Part of a hotspot: "))


def test_closures_are_those_that_began_or_end_within_two_weeks() -> None:
    briefing = meeting()
    assert {line.kind for line in briefing.closures} == {"new", "ending"}
    for line in briefing.closures:
        assert line.first_day <= TODAY <= line.last_day
        soon = line.last_day <= TODAY + 14 * DAY
        assert line.kind == ("ending" if soon else "new")
        assert soon or line.first_day >= TODAY - 14 * DAY
    ends = [line.last_day for line in briefing.closures if line.kind == "ending"]
    assert ends == sorted(ends)


def test_a_ward_alone_has_only_its_own() -> None:
    ward = middlesbrough().wards.codes[middlesbrough().wards.names.index("Newport")]
    briefing = meeting((ward,))
    assert {line.ward_code for line in briefing.closures} <= {ward}
    assert {line.ward_code for line in briefing.places} <= {ward}
    assert all(alert.ward_code in (None, ward) for alert in briefing.alerts)
    assert briefing.layers[0].count < meeting().layers[0].count


def test_a_shift_counts_its_hours_alone_and_looks_back_further() -> None:
    columns, area = demonstration()[0], middlesbrough()
    briefing = build_briefing(columns, area, today=TODAY, purpose=Purpose.SHIFT, hours=(22, 6))
    assert briefing.title == "Middlesbrough: shift 22:00 to 06:00"
    assert briefing.period == (TODAY - 28 * DAY, TODAY)
    line = briefing.layers[2]
    chosen = Filter(layers=("overdoses",), start=briefing.period[0], end=TODAY, hours=(22, 6))
    assert line.count == pytest.approx(count(columns, chosen, wards=area.wards).total)
    assert (briefing.unknown_places, briefing.unknown_alerts) == ((), ())


def test_records_that_end_earlier_are_looked_back_on_from_their_own_last_day() -> None:
    columns, area = demonstration()[0], middlesbrough()
    briefing = build_briefing(columns, area, today=TODAY + 30 * DAY)
    assert briefing.layers[0].period == (TODAY - 7 * DAY, TODAY)
    assert "Needle finds: records to 21 Nov 2026." in briefing.notes
    assert briefing.sources[0].days_old == 31


@pytest.mark.slow
def test_a_layer_without_earlier_records_still_has_its_number() -> None:
    """It used to be told as 0."""
    columns, area = demonstration()[0], middlesbrough()
    first = dt.date(2023, 11, 22)
    line = build_briefing(columns, area, today=first + 7 * DAY).layers[0]
    chosen = Filter(layers=("needle_litter",), start=first, end=first + 7 * DAY)
    assert line.count == pytest.approx(count(columns, chosen, wards=area.wards).total)
    assert line.count > 0
    assert (line.earlier, line.verdict) == (None, "earlier days are not known")


@pytest.mark.slow
def test_days_without_records_have_no_number() -> None:
    """Records of March, and nothing of the week before today: not none."""
    columns, area = demonstration()[0], middlesbrough()
    spans = [(dt.date(2026, 3, 1), dt.date(2026, 4, 1)), (TODAY - DAY, TODAY)]
    entries = tuple(CoverageEntry("needle_litter", "log", "", *span) for span in spans)
    gapped = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    line = build_briefing(gapped, area, today=dt.date(2026, 6, 1)).layers[0]
    assert (line.period, line.count, line.earlier, line.verdict) == (None, None, None, "not known")


@pytest.mark.slow
def test_a_week_that_is_partly_known_says_which_days_are_not() -> None:
    """The first two of seven days are known, and the last: the number is theirs alone."""
    columns, area = demonstration()[0], middlesbrough()
    spans = [(dt.date(2026, 1, 1), TODAY - 5 * DAY), (TODAY - DAY, TODAY)]
    entries = tuple(CoverageEntry("needle_litter", "log", "", *span) for span in spans)
    gapped = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    briefing = build_briefing(gapped, area, today=TODAY)
    line = briefing.layers[0]
    assert line.count is not None
    assert (line.earlier, line.verdict, line.missing) == (
        None, "no comparison", "17 to 20 Nov 2026 are not known",
    )  # fmt: skip
    assert build_layer_row(line, briefing)["verdict"] == "no comparison; 17 to 20 Nov 2026 are not known"
    assert {other.missing for other in meeting().layers} == {""}


@pytest.mark.slow
def test_layers_that_are_not_known_are_named_in_place_of_none() -> None:
    """Needle finds alone are known, of all days: nothing is said of the other layers and of closures."""
    columns, area = demonstration()[0], middlesbrough()
    needles = CoverageEntry("needle_litter", "log", "", dt.date(2023, 11, 22), TODAY)
    only = replace(columns, coverage=Coverage((needles,), columns.ward_codes))
    briefing = build_briefing(only, area, today=TODAY)
    others = ("street_dealing", "overdoses")
    assert set(briefing.unknown_places) == set(briefing.unknown_alerts) == set(others)
    assert (briefing.ending_state, briefing.new_state) == ("not known", "not known")
    assert "Where overdoses gather is not known: none are loaded." in briefing.notes
    full = meeting()
    assert (full.unknown_places, full.unknown_alerts, full.ending_state) == ((), (), "partly known")
    nothing = replace(columns, coverage=Coverage((), columns.ward_codes))
    assert len(build_briefing(nothing, area, today=TODAY).unknown_places) == 3


@pytest.mark.slow
def test_records_without_a_time_of_day_say_nothing_of_hours() -> None:
    """They used to be told as none recorded at these hours."""
    columns, area = keep_only("street_dealing"), middlesbrough()
    for precision in ("day", "month"):
        coarse = replace(columns, precision=np.full_like(columns.precision, PRECISIONS.index(precision)))
        briefing = build_briefing(coarse, area, today=TODAY, purpose=Purpose.SHIFT, hours=(22, 6))
        line = briefing.layers[1]
        assert (line.layer, line.period) == ("street_dealing", None)
        assert line.verdict == "not known at these hours: no record has a time of day"
        assert "Street dealing: not known at these hours: no record has a time of day." in briefing.notes
        assert briefing.unknown_places == ("street_dealing",)
        assert briefing.unknown_alerts == (("street_dealing",) if precision == "month" else ())
    chosen = Filter(layers=("street_dealing",), start=TODAY - 28 * DAY, end=TODAY, hours=(22, 6))
    hotspot_map = build_hotspot_map(coarse, chosen, load_study(area), trend=False)
    assert not hotspot_map.is_known
    assert hotspot_map.notes[0] == "Street dealing: not known at these hours: no record has a time of day."


@pytest.mark.slow
def test_only_the_next_week_is_named_as_expected_next() -> None:
    """A forecast from records of 2026 used to stand in the briefing of any earlier day."""
    assert {line.start for line in meeting_with_forecast().expected} == {TODAY}
    columns, area = keep_only("overdoses"), middlesbrough()
    earlier = build_briefing(columns, area, today=TODAY - 57 * DAY, selections=select_for_overdoses())
    assert earlier.expected == ()
    week = "the forecast from these records is of 22 Nov to 28 Nov 2026."
    assert f"Where most overdoses are expected next is not known: {week}" in earlier.notes
    later = build_briefing(columns, area, today=TODAY + 700 * DAY, selections=select_for_overdoses())
    assert "Where most overdoses are expected next is not known: the records are too old." in later.notes


@pytest.mark.slow
def test_a_last_record_of_a_month_is_told_by_its_month_and_is_as_old_as_the_end_of_it() -> None:
    """It used to be told as the first day of the month."""
    nothing = demonstration()[0].take(np.zeros(0, dtype=np.int64))  # the sources alone are looked at
    last = int(dt.datetime(2024, 12, 1, tzinfo=dt.UTC).timestamp())
    row = {"source": "police-uk-street", "layer": "street_dealing", "last_record": last}
    summary = pd.DataFrame([{**row, "month_only": True}, {**row, "month_only": False}])
    briefing = build_briefing(
        replace(nothing, coverage=None), middlesbrough(), today=dt.date(2025, 1, 10), sources=summary
    )
    assert [(line.days_old, line.last) for line in briefing.sources] == [
        (10, dt.date(2024, 12, 31)), (40, dt.date(2024, 12, 1)),
    ]  # fmt: skip
    assert describe_freshness(briefing) == [
        "Street dealing (police-uk-street): records to Dec 2024 (known to the month)",
        "Street dealing (police-uk-street): records to 1 Dec 2024",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("days", "is_known"), [(6, True), (7, False), (38, False)])
def test_records_that_ended_weeks_ago_have_no_known_alerts_of_now(days: int, is_known: bool) -> None:  # noqa: FBT001
    briefing = build_briefing(demonstration()[0], middlesbrough(), today=TODAY + days * DAY)
    assert (briefing.unknown_alerts == ()) == is_known
    assert (describe_no_alerts(briefing) == "None.") == is_known
    layers = "needle finds, reports of street dealing and overdoses"
    told = replace(briefing, alerts=(*briefing.alerts, *build_alerts()))
    assert bool(told.alerts)
    assert describe_unknown_alerts(told) == ("" if is_known else f"Alerts of now of {layers} are not known.")


def test_records_that_ended_long_ago_say_nothing_of_now() -> None:
    """Two years later: no number, no place, no alert and no forecast of that time is told as of today."""
    columns, area = demonstration()[0], middlesbrough()
    later = TODAY + 700 * DAY
    briefing = build_briefing(columns, area, today=later, selections=select_for_overdoses())
    assert briefing.headline == "Records end 23 months ago (21 Nov 2026). There are no alerts of now."
    assert (briefing.alerts, briefing.places, briefing.expected) == ((), (), ())
    assert {(line.period, line.earlier, line.verdict) for line in briefing.layers[:3]} == {
        (None, None, "not known: records end 23 months ago (21 Nov 2026)")
    }
    assert meeting().headline == ""


@pytest.mark.slow
def test_hotspots_have_the_size_of_cells_of_the_map() -> None:
    """One ward is small: its map and its briefing have smaller cells than the town's."""
    columns, area = demonstration()[0], middlesbrough()
    ward = "E05009862"
    sizes = {wards: choose_map_size(columns, area, "needle_litter", None, wards=wards) for wards in ((), (ward,))}
    assert sizes == {(): 9, (ward,): 10}
    for wards, size in sizes.items():
        cells = {cell for place in meeting(wards).places if place.layer == "needle_litter" for cell in place.cells}
        assert {find_cell_resolution(cell) for cell in cells} <= {size}
    assert meeting().places


def test_work_is_summed_by_kind_and_team_and_uncounted_needles_stay_unknown() -> None:
    done = visits(
        ("sweep", "Crew 1", "E1", 20, 7), ("sweep", "Crew 1", "E2", 15, None), ("patrol", "Team A", "E1", 12, None)
    )
    lines = build_visit_lines(done)
    assert [(one.kind, one.team, one.visits, one.minutes, one.needles) for one in lines] == [
        ("patrol", "Team A", 1, 12, None), ("sweep", "Crew 1", 2, 35, 7),
    ]  # fmt: skip
    assert [one.minutes for one in build_visit_lines(done, wards=("E2",))] == [15]
    parted = build_visit_lines(done.assign(demonstration=[True, False, False]))
    assert [(one.team, one.minutes, one.demonstration) for one in parted] == [
        ("Team A", 12, False), ("Crew 1", 15, False), ("Crew 1", 20, True),
    ]  # fmt: skip
    assert build_briefing(demonstration()[0], middlesbrough(), today=TODAY, visits=done).work == lines


def test_what_is_expected_comes_from_the_winner_of_the_layer() -> None:
    lines = meeting_with_forecast().expected
    assert len(lines) == 2
    assert lines[0].expected >= lines[1].expected > 0
    assert lines[0].total >= lines[0].expected
    assert (lines[0].end - lines[0].start).days == 7
    assert meeting().expected == ()


@pytest.mark.parametrize(
    ("change", "low", "high", "verdict"),
    [
        ("rise", 1.2, 2.3, "a rise: 1.2 to 2.3 times as many"),
        ("rise", 1.2, np.inf, "a rise: at least 1.2 times as many"),
        ("fall", 0.21, 0.6, "a fall: 40 to 79 % fewer"),
        ("fall", 0.0, 0.6, "a fall: 40 to 100 % fewer"),
        ("too few events to say", 1.2, np.inf, "too few events to say"),
        ("no clear change", 1.2, 2.3, "no clear change"),
        ("", 1.2, 2.3, ""),
    ],
)
def test_a_verdict_says_no_more_than_the_test(change: str, low: float, high: float, verdict: str) -> None:
    assert describe_change(change, low, high) == verdict


def test_a_day_before_all_records_claims_nothing() -> None:
    briefing = build_briefing(demonstration()[0], middlesbrough(), today=dt.date(1990, 1, 1))
    assert (briefing.places, briefing.alerts) == ((), ())
    assert briefing.period == (dt.date(1989, 12, 25), dt.date(1990, 1, 1))


def test_without_records_nothing_is_claimed() -> None:
    columns = demonstration()[0]
    nothing = replace(columns.take(np.zeros(0, dtype=np.int64)), coverage=None)
    briefing = build_briefing(nothing, middlesbrough(), today=TODAY)
    assert {line.verdict for line in briefing.layers} == {
        "no needle finds are loaded yet", "no reports of street dealing are loaded yet",
        "no overdoses are loaded yet", "no closed properties are loaded yet",
    }  # fmt: skip
    assert (briefing.places, briefing.closures, briefing.alerts, briefing.sources) == ((), (), (), ())
    assert briefing.mark is None
