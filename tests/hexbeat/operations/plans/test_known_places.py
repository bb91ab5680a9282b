"""Plans from snapped records stop at their points; plans from months rank places and are silent about hours."""

import datetime as dt
from functools import cache

import numpy as np
import pytest

from geo.cells import build_outlines, index_points
from geo.errors import UsageError
from hexbeat.analysis.backtest import backtest
from hexbeat.analysis.forecast import build_forecast
from hexbeat.analysis.method_selection import (
    SelectedMethod,
    choose_hotspot_size,
    describe_uses,
    read_selection,
    select_method,
)
from hexbeat.analysis.month_rates import count_month_rates, is_known_to_months
from hexbeat.analysis.study import load_study
from hexbeat.dashboard.views.expected_view import describe_cell_forecast, describe_forecast
from hexbeat.operations.plans.expected_events import forecast_events
from hexbeat.operations.plans.patrol import PatrolChoices, make_patrol_plan
from hexbeat.operations.plans.plan import Place, Plan, describe_share, headline
from hexbeat.operations.plans.plan_store import plan_from_json, plan_to_json
from hexbeat.operations.plans.working_time import build_working_time
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from layers.encounters import OFFICERS_NOTE
from layers.event import REPORTERS
from tests.support.demonstrations import middlesbrough
from tests.support.events import Event, columns_of

LAYER = "street_dealing"
ZONE = "Europe/London"
DAY = dt.date(2025, 1, 6)
NOW = dt.datetime(2026, 11, 30, 22, 37, tzinfo=middlesbrough().tz)
NUMBER = 249  # points of POINTS that have an event in `build_days`
YEAR = (dt.date(2024, 1, 1), dt.date(2025, 1, 1))


def draw_points() -> list[tuple[float, float]]:
    generator = np.random.default_rng(1)
    outlines = build_outlines(load_study(middlesbrough(), (), 9).cells[150:290])
    middles = [outlines[place].centroid for place in generator.integers(0, len(outlines), 300)]
    points = np.array([(one.x + generator.normal(0, 1.5e-3), one.y + generator.normal(0, 9e-4)) for one in middles])
    inside = middlesbrough().wards.locate(points[:, 0], points[:, 1]) >= 0
    return [(float(lon), float(lat)) for lon, lat in points[inside][:250]]


POINTS = draw_points()


def second(day: dt.date, hour: int = 0) -> int:
    return int(dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC).timestamp())


def build_months(*, missing: tuple[int, ...] = (), busy: int = 10) -> Columns:
    """A year of monthly records: one at each point every third month, and `busy` a month at the first point."""
    months = [(dt.date(2024, month, 1), dt.date(2024 + month // 12, month % 12 + 1, 1)) for month in range(1, 13)]
    known = [span for span in months if span[0].month not in missing]
    events = [
        Event(second(start), second(end), layer=LAYER, precision="month", lon=lon, lat=lat)
        for start, end in known
        for place, (lon, lat) in enumerate(POINTS)
        for _ in range(busy if place == 0 else (place + start.month) % 3 == 0)
    ]
    columns = columns_of(events)
    entries = tuple(CoverageEntry(LAYER, "police", "", *span) for span in known)
    object.__setattr__(columns, "coverage", Coverage(entries, columns.ward_codes))
    return columns


def build_days() -> Columns:
    generator = np.random.default_rng(4)
    events = [
        Event(second(YEAR[0] + dt.timedelta(days=day), int(generator.integers(24))), layer=LAYER, lon=lon, lat=lat)
        for day in range(366)
        for lon, lat in (POINTS[place] for place in generator.integers(0, len(POINTS), 4))
    ]
    return columns_of(events)


@cache
def daily() -> Columns:
    """`build_days` for tests that only read it."""
    return build_days()


def plan_patrol(columns: Columns, *, quick: bool = True, day: dt.date = DAY) -> Plan:
    choices = PatrolChoices(
        day=day, hours=(18, 22), start=Place("Start", *middlesbrough().centre), weights=((LAYER, 1.0),), quick=quick
    )
    return make_patrol_plan(columns, middlesbrough(), choices, methods=None, made_at=NOW)


@pytest.fixture(scope="module")
def quick() -> Plan:
    return plan_patrol(daily())


@pytest.fixture(scope="module")
def monthly() -> Plan:
    return plan_patrol(build_months(), quick=False)


def test_months_give_a_plan_that_is_silent_about_hours(monthly: Plan) -> None:
    assert sum(len(tour.stops) for tour in monthly.tours) > 10
    said = " ".join([headline(monthly), *monthly.settings, *monthly.notes, *(s.reason for s in monthly.tours[0].stops)])
    assert "These records are known only to the month: the plan ranks places, and says nothing about hours." in said
    assert "time of day" not in said
    assert "These hours hold" not in said
    assert monthly.notes[1] == (
        "How well such plans did in past weeks is not known, because records known only to the month have no weeks."
    )
    assert headline(monthly).endswith(
        " of reports of street dealing in the area. These records are known only to the month: the plan ranks places, "
        "and says nothing about hours."
    )


def test_it_is_stored_and_printed_so(monthly: Plan) -> None:
    assert plan_to_json(monthly)["by_month"] is True
    assert plan_from_json(plan_to_json(monthly)).by_month


def test_months_are_never_back_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """What made a plan take 17 s and 1.8 GB: four methods at four sizes of cells, for records without a single day."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("hexbeat.analysis.method_selection.backtest", refuse)
    columns = build_months()
    best = select_method(columns, middlesbrough(), LAYER, documents=None)
    assert best is not None
    assert (best.method, best.resolution, best.weeks, best.judged_to) == ("month_rates", 9, 0, YEAR[1])
    assert read_selection(columns, middlesbrough(), LAYER, documents=None) is not None
    assert describe_uses(best) == (
        "For expected events the dashboard ranks places by month. These records are known only to the month: they rank "
        "places, and no back-test by weeks can say how well."
    )


def test_months_not_known_lower_no_rate() -> None:
    study = load_study(middlesbrough(), (), 9)
    whole, part = (
        count_month_rates(build_months(missing=missing), LAYER, study, time_zone=ZONE) for missing in ((), (3, 4, 5))
    )
    assert is_known_to_months(build_months(), LAYER)
    assert len(part.months) == 9
    assert part.describe_months() == "Jan to Feb 2024 and Jun to Dec 2024"
    assert part.rate.sum() == pytest.approx(whole.rate.sum(), rel=0.02)
    assert whole.rate.max() == pytest.approx(7 * 120 / 366, rel=0.1)


def test_without_a_whole_known_month_there_is_no_rank() -> None:
    columns = build_months()
    span = CoverageEntry(LAYER, "police", "", dt.date(2024, 3, 5), dt.date(2024, 4, 20))
    object.__setattr__(columns, "coverage", Coverage((span,), columns.ward_codes))
    with pytest.raises(UsageError) as caught:
        plan_patrol(columns)
    assert str(caught.value) == (
        "Records that are known only to the month rank places by whole months; no month of reports of street dealing "
        "is known whole; load some, or see `hexbeat coverage`"
    )


def test_the_expected_map_ranks_places_by_month() -> None:
    columns = build_months()
    best = select_method(columns, middlesbrough(), LAYER, documents=None)
    assert best is not None
    found = build_forecast(columns, middlesbrough(), LAYER, best)
    assert found.whole == "the points"
    said = describe_forecast(found, found.rows[found.rows["band"] < 3], place="Middlesbrough", part=False)
    assert said.startswith(
        "These records are known only to the month, and rank places by their rates in Jan to Dec 2024: about 21 in 7 "
        "days in Middlesbrough. Look first at the busiest "
    )
    assert said.endswith("2 % of the points. How well they rank places is not known.")
    first = str(found.rows["cell"].iloc[0])
    assert int(first, 16) == int(index_points(np.array([POINTS[0][0]]), np.array([POINTS[0][1]]), resolution=9)[0])
    assert "expected" not in describe_cell_forecast(found, first)
    assert "week" not in describe_cell_forecast(found, first)


@pytest.mark.slow
def test_a_plan_of_snapped_records_stops_at_their_points(quick: Plan) -> None:
    time = build_working_time(DAY, (18, 22), ZONE)
    found = forecast_events(daily(), middlesbrough(), {LAYER: 1}, time=time)
    assert (found.study.resolution, found.snapped, found.size.sum()) == (9, True, NUMBER)
    assert found.layers[0].sentences[-1] == (
        f"Records of street dealing are snapped to {NUMBER} points. So places are 350 m across, and a stop is at the "
        "point with the most records."
    )
    points = {(round(lon, 6), round(lat, 6)) for lon, lat in POINTS}
    assert {(stop.lon, stop.lat) for tour in quick.tours for stop in tour.stops} <= points
    assert all("time of day" not in stop.reason for tour in quick.tours for stop in tour.stops) == found.any_hour


@pytest.mark.slow
def test_what_such_plans_held_is_against_chance_among_points() -> None:
    """Events at any of the points, without a pattern: a plan holds what its share of the points holds."""
    plan = plan_patrol(daily(), quick=False)
    assert plan.past.whole == "the points"
    own = plan.past.rows[0]
    assert own.low <= 1.3
    assert own.pai == pytest.approx(own.share / own.area, rel=0.15)
    assert any(" of the points of the records and held " in note for note in plan.notes)


def test_hotspots_of_snapped_records_have_cells_of_350_m() -> None:
    size = choose_hotspot_size(daily(), LAYER, None)
    assert size is not None
    assert size.resolution == 9


ENDED = "Records end 23 months ago (31 Dec 2024)."


@pytest.mark.slow
def test_a_plan_long_after_the_records_says_so_first_and_only_ranks_places() -> None:
    plan = plan_patrol(daily(), quick=False, day=dt.date(2026, 12, 1))
    stored = plan_from_json(plan_to_json(plan))
    for said in (headline(plan), describe_share(plan), headline(stored)):
        assert said.startswith(ENDED)
        assert " in the last 8 weeks of the records, to 31 Dec 2024 (" in said
        assert said.endswith(
            " %). There is no forecast for 1 Dec 2026, 18:00 to 22:00: the plan only ranks places, by these records."
        )
    said = " ".join([*plan.settings, *plan.notes, *(stop.reason for tour in plan.tours for stop in tour.stops)])
    assert "There is no forecast: the day is too far from the known days. The plan only ranks places." in plan.notes
    assert "expected" not in said
    assert "the forecast" not in said


@pytest.mark.slow
def test_a_plan_soon_after_the_records_has_a_forecast_and_says_how_old_they_are(quick: Plan) -> None:
    assert headline(quick).startswith(f"{ENDED} ")
    assert "The forecast for 6 Jan 2025, 18:00 to 22:00 is " in headline(quick)
    assert quick.notes[-2] == "These hours are over: the plan was made on 30 Nov 2026 at 22:37."


@pytest.mark.slow
def test_a_plan_for_a_day_that_is_not_known_says_so() -> None:
    columns = build_days()
    spans = ((YEAR[0], dt.date(2024, 3, 1)), (dt.date(2024, 4, 1), YEAR[1]))
    entries = tuple(CoverageEntry(LAYER, "log", "", *span) for span in spans)
    object.__setattr__(columns, "coverage", Coverage(entries, columns.ward_codes))
    plan = plan_patrol(columns, day=dt.date(2024, 3, 9))
    assert headline(plan).startswith(f"{ENDED} 9 Mar 2024 is not known: no loaded records cover it. ")
    assert plan.ranks_only


@pytest.mark.slow
def test_plans_back_tests_and_expected_events_of_searches_say_what_they_are() -> None:
    columns = build_days()
    columns.reported_by[:] = REPORTERS.index("officer")
    plan = plan_patrol(columns)
    assert plan.searches == plan_from_json(plan_to_json(plan)).searches == (LAYER,)
    assert headline(plan).startswith(f"{ENDED} {OFFICERS_NOTE} ")
    assert " of searches by officers in the area" in headline(plan)
    assert plan.notes[-1].startswith("The plan knows only where officers search. ")
    said = " ".join([headline(plan), *plan.settings, *plan.notes, *(stop.reason for stop in plan.tours[0].stops)])
    assert "report" not in said
    tested = backtest(columns, middlesbrough(), LAYER, weeks=1, resolutions=(9,))
    assert (tested.searches, tested.notes[0]) == (True, OFFICERS_NOTE)
    best = SelectedMethod("all_history", 9, clear=True, sentence="Best.", judged_to=YEAR[1], weeks=8, hit_rate=0.3)
    found = build_forecast(columns, middlesbrough(), LAYER, best)
    told = describe_forecast(found, found.rows[found.rows["band"] < 3], place="Middlesbrough", part=False)
    assert told.startswith(OFFICERS_NOTE)
    assert "report" not in told


@pytest.mark.slow
def test_a_plan_of_some_searches_knows_reports_and_where_officers_search() -> None:
    columns = build_days()
    columns.reported_by[::2] = REPORTERS.index("officer")
    plan = plan_patrol(columns)
    assert headline(plan).startswith(f"{ENDED} Two teams")
    assert plan.notes[-1].startswith("The plan knows only what people report, and where officers search. ")


def test_records_of_which_no_day_is_known_are_not_called_missing() -> None:
    columns = build_days()
    object.__setattr__(columns, "coverage", Coverage((), columns.ward_codes))
    with pytest.raises(UsageError) as caught:
        plan_patrol(columns)
    assert "; the days of those loaded are not known; " in str(caught.value)
