from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.areas.area import Area
from hexbeat.dashboard.pages.map.cell_panel import build_ranking_groups
from hexbeat.dashboard.state.choices import OWN_DATES, Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures, count_layer, count_months
from hexbeat.dashboard.state.freshness import find_layer_freshness, judge_months
from hexbeat.dashboard.views.counts_view import build_counts_view
from hexbeat.reports.briefing_gaps import judge_closures
from layers.columns import Columns
from layers.counting import count
from layers.coverage import Coverage, CoverageEntry
from tests.support.events import Event, columns_of, local

LAST = date(2026, 11, 21)
MOMENTS = st.integers(local("2026-08-01 00:00"), local("2026-11-22 00:00"))
EVENTS = st.lists(
    st.builds(
        Event,
        start=MOMENTS,
        quantity=st.integers(1, 9),
        lon=st.sampled_from([-1.235, -1.22, -1.2]),
        lat=st.sampled_from([54.576, 54.55]),
        reported_by=st.sampled_from(["public", "sweep"]),
    ),
    max_size=40,
)


@pytest.mark.slow
@given(EVENTS, st.sampled_from([Choices(), Choices(period="7d", measure="quantity"), Choices(shift="night")]))
def test_cells_add_up_to_the_total_and_the_total_is_the_plain_count(
    area: Area, events: list[Event], choices: Choices
) -> None:
    columns = columns_of(events)
    reach = find_layer_freshness(columns, time_zone=area.tz)["needle_litter"]
    figures = count_layer(
        columns, layer="needle_litter", choices=choices, last=LAST, resolution=9, area=area, freshness=reach
    )
    plain = count(columns, build_filter(choices, layer="needle_litter", start=figures.start, end=figures.end))
    assert figures.total == plain.total == figures.cells["count"].sum()
    assert figures.cells["count"].is_monotonic_decreasing
    assert figures.cells["rank"].tolist() == list(range(1, len(figures.cells) + 1))
    view = build_counts_view(figures, choices, maximum=9, ward_names=(), area=area)
    assert [row["rank"] for row in build_ranking_groups([view])[0]["rows"]] == figures.cells["rank"].tolist()[:10]


@pytest.mark.parametrize(("layer", "reported_by", "searches"), [
    ("street_dealing", (), 2.0), ("street_dealing", ("public",), 0.0), ("street_dealing", ("officer",), 2.0),
    ("needle_litter", (), 0.0),
])  # fmt: skip
def test_what_officers_report_of_dealing_is_counted_as_searches(
    area: Area, layer: str, reported_by: tuple[str, ...], searches: float
) -> None:
    events = [
        Event(local("2026-11-10 12:00"), layer=layer, reported_by=who) for who in ("officer", "officer", "public")
    ]
    columns = columns_of(events)
    reach = find_layer_freshness(columns, time_zone=area.tz)[layer]
    chosen = Choices(layers=(layer,), reported_by=reported_by)
    figures = count_layer(columns, layer=layer, choices=chosen, last=LAST, resolution=9, area=area, freshness=reach)
    assert (figures.searches, figures.total) == (searches, {(): 3.0, ("public",): 1.0, ("officer",): 2.0}[reported_by])


def test_before_is_the_same_length_and_only_where_the_records_reach(area: Area) -> None:
    days = ["2026-10-01", "2026-10-30", "2026-11-10", "2026-11-21"]
    columns = columns_of([Event(local(f"{day} 12:00")) for day in days])
    reach = find_layer_freshness(columns, time_zone=area.tz)["needle_litter"]

    def before(start: date) -> float | None:
        choices = Choices(period=OWN_DATES, dates=(start, date(2026, 11, 22)))
        return count_layer(
            columns, layer="needle_litter", choices=choices, last=LAST, resolution=9, area=area, freshness=reach
        ).before

    assert before(date(2026, 11, 1)) == 1.0
    assert before(date(2026, 10, 20)) is None


@pytest.mark.parametrize(("end", "last"), [(date(2026, 11, 22), "2026-11"), (date(2026, 12, 1), "2026-11")])
def test_months_end_with_the_month_of_the_last_day_that_counts(area: Area, end: date, last: str) -> None:
    columns = columns_of([Event(local("2026-11-10 12:00")), Event(local("2025-12-31 23:59"))])
    reach = find_layer_freshness(columns, time_zone=area.tz)["needle_litter"]
    months = count_months(columns, freshness=reach, choices=Choices(), area=area, end=end, months=12)
    assert (len(months), months.index[-1]) == (12, last)
    assert months["2025-12"] == months["2026-11"] == 1.0


def columns_without_march() -> Columns:
    """A find on each 15th of 2024 and one in March, of which the records were said not to be complete."""
    events = [Event(local(f"2024-{month:02d}-15 12:00")) for month in range(1, 13)]
    month = Event(local("2024-02-20 00:00"), local("2024-03-11 00:00"), precision="day")
    year = CoverageEntry("needle_litter", "table", "", date(2024, 1, 1), date(2025, 1, 1))
    gap = CoverageEntry("needle_litter", "", "", date(2024, 3, 1), date(2024, 4, 1), kind="cleared")
    columns = columns_of([*events, month])
    return replace(columns, coverage=Coverage((year, gap), columns.ward_codes))


def count_2024(area: Area, start: date, end: date) -> LayerFigures:
    columns = columns_without_march()
    return count_layer(
        columns, layer="needle_litter", choices=Choices(period=OWN_DATES, dates=(start, end)), last=LAST, resolution=9,
        area=area, freshness=find_layer_freshness(columns, time_zone=area.tz)["needle_litter"],
    )  # fmt: skip


def test_what_is_on_record_is_counted_and_not_compared(area: Area) -> None:
    figures = count_2024(area, date(2024, 2, 1), date(2024, 5, 1))
    assert (figures.state, figures.total, figures.before) == ("partly known", 4.0, None)
    assert figures.cells["count"].tolist() == [4.0]
    march = count_2024(area, date(2024, 3, 1), date(2024, 4, 1))
    assert (march.state, march.total, march.before, march.has_number) == ("not known", 1.5, None, True)
    before = count_2024(area, date(2023, 3, 1), date(2023, 4, 1))
    assert (before.state, before.total, len(before.cells), before.has_number) == ("not known", 0.0, 0, False)


def test_known_days_with_days_before_that_are_not_known_are_not_compared(area: Area) -> None:
    assert count_2024(area, date(2024, 4, 1), date(2024, 5, 1)).before is None
    assert count_2024(area, date(2024, 6, 1), date(2024, 7, 1)).before == 1.0


def test_months_that_are_not_known_are_no_noughts(area: Area) -> None:
    columns = columns_without_march()
    freshness = find_layer_freshness(columns, time_zone=area.tz)["needle_litter"]
    months = count_months(columns, freshness=freshness, choices=Choices(), area=area, end=date(2024, 5, 1), months=5)
    assert months.fillna(-1).to_dict() == {
        "2023-12": -1.0, "2024-01": 1.0, "2024-02": 1.5, "2024-03": -1.0, "2024-04": 1.0,
    }  # fmt: skip
    assert judge_months(freshness, months.index) == ["not known", "known", "known", "not known", "known"]


@pytest.mark.slow
@given(EVENTS)
def test_a_subset_keeps_every_column_in_step(events: list[Event]) -> None:
    columns = columns_of(events)
    chosen = columns.lon < -1.21
    part = columns.take(chosen)
    assert len(part) == int(chosen.sum())
    assert part.row_id.tolist() == columns.row_id[chosen].tolist()
    assert all(part.cell[r].tolist() == columns.cell[r][chosen].tolist() for r in columns.cell)


def test_closures_in_force_count_across_a_gap_and_months_of_the_gap_are_not_known(area: Area) -> None:
    """Three closures begin before the gap and one after it. How many began within it is not known, and not 0."""
    old = Event(local("2024-01-15 00:00"), local("2024-04-15 00:00"), precision="day", layer="closed_properties")
    new = Event(local("2024-04-10 00:00"), local("2024-07-10 00:00"), precision="day", layer="closed_properties")
    columns = columns_of([old, old, old, new])
    entries = (
        CoverageEntry("closed_properties", "log", "", date(2024, 1, 1), date(2024, 5, 1)),
        CoverageEntry("closed_properties", "", "", date(2024, 2, 1), date(2024, 4, 1), kind="cleared"),
    )
    columns = replace(columns, coverage=Coverage(entries, columns.ward_codes))
    freshness = find_layer_freshness(columns, time_zone=area.tz)["closed_properties"]
    closures = Choices(layers=("closed_properties",))
    months = count_months(columns, freshness=freshness, choices=closures, area=area, end=date(2024, 5, 1), months=4)
    assert months.fillna(-1).to_dict() == {"2024-01": 3.0, "2024-02": -1.0, "2024-03": -1.0, "2024-04": 4.0}
    march = count_layer(
        columns, layer="closed_properties", last=LAST, resolution=9, area=area, freshness=freshness,
        choices=replace(closures, period=OWN_DATES, dates=(date(2024, 3, 1), date(2024, 4, 1))),
    )  # fmt: skip
    assert (march.total, march.before, march.state) == (3.0, None, "not known")
    assert judge_closures(columns, area, today=date(2024, 4, 5), days=14)[1] == "partly known"
    assert judge_closures(columns, area, today=date(2024, 4, 20), days=14)[1] == "known"
