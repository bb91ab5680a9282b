"""What a filter selects and how it counts: stated cases, one for each rule."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import UsageError
from geo.wards import Wards
from layers.counting import Filter, count, count_cells, count_groups, select
from tests.support.events import Event, columns_of, local

DAY = dt.date
MARCH = Filter(start=DAY(2024, 3, 1), end=DAY(2024, 4, 1))
MARCH_ITSELF = {"start": local("2024-03-01 00:00"), "end": local("2024-04-01 00:00"), "precision": "month"}
WARDS = Wards(("E05009857", "E05009865"), ("Central", "Newport"), np.array([shapely.box(0, 0, 1, 1)] * 2))


def weights(events: list[Event], chosen: Filter) -> list[float]:
    """Each event's weight, 0 for one that is not selected, in the order given."""
    columns = columns_of(events)
    selection = select(columns, chosen)
    weight = np.zeros(len(events))
    weight[columns.row_id[selection.index] - 1] = selection.weight
    assert np.all(np.diff(selection.index) > 0)
    return weight.tolist()


def test_no_filter_selects_everything_once() -> None:
    events = [Event(local("2024-03-01 10:00")), Event(**MARCH_ITSELF), Event(0, 5), Event(7, layer="closed_properties")]
    assert weights(events, Filter()) == [1, 1, 1, 1]


def test_a_period_is_local_days_and_half_open() -> None:
    times = ["2024-02-29 23:59", "2024-03-01 00:00", "2024-03-31 23:59", "2024-04-01 00:00"]
    assert weights([Event(local(time)) for time in times], MARCH) == [0, 1, 1, 0]


def test_an_interval_counts_by_the_part_that_falls_inside() -> None:
    ten_days = Filter(start=DAY(2024, 3, 1), end=DAY(2024, 3, 11))
    # March 2024 lost an hour on its last Sunday.
    assert weights([Event(**MARCH_ITSELF)], ten_days) == [240 / 743]
    selection = select(columns_of([Event(**MARCH_ITSELF), Event(local("2024-03-02 10:00"))]), ten_days)
    assert (selection.shared_in_time, selection.unplaced_in_time) == (1, 0)
    assert select(columns_of([Event(**MARCH_ITSELF)]), MARCH).shared_in_time == 0


def test_an_interval_that_began_before_the_period_is_found() -> None:
    long_ago = Event(local("2020-01-01 00:00"), local("2024-03-11 00:00"), precision="minute")
    others = [Event(local("2023-01-01 00:00") + hour * 3600) for hour in range(500)]
    assert weights([*others, long_ago], MARCH)[-1] == pytest.approx(240 / (1531 * 24), rel=1e-12)


def test_hours_leave_out_what_has_no_time_of_day_and_say_how_many() -> None:
    events = [
        Event(local("2024-03-02 23:00")),
        Event(local("2024-03-02 12:00")),
        Event(local("2024-03-02 00:00"), local("2024-03-03 00:00"), precision="day"),
        Event(**MARCH_ITSELF),
        Event(local("2024-05-02 00:00"), local("2024-05-03 00:00"), precision="day"),
    ]
    night = Filter(start=DAY(2024, 3, 1), end=DAY(2024, 4, 1), hours=(22, 4))
    assert weights(events, night) == [1, 0, 0, 0, 0]
    assert select(columns_of(events), night).unplaced_in_time == 2


def test_days_leave_out_what_has_no_day_only() -> None:
    saturday = Filter(start=DAY(2024, 3, 1), end=DAY(2024, 4, 1), days=frozenset({5}))
    events = [
        Event(local("2024-03-02 00:00"), local("2024-03-03 00:00"), precision="day"),
        Event(local("2024-03-04 00:00"), local("2024-03-05 00:00"), precision="day"),
        Event(**MARCH_ITSELF),
    ]
    assert weights(events, saturday) == [1, 0, 0]
    assert select(columns_of(events), saturday).unplaced_in_time == 1


def test_all_hours_of_all_days_are_no_filter_of_hours() -> None:
    whole = Filter(hours=(0, 24), days=frozenset(range(7)))
    assert weights([Event(**MARCH_ITSELF)], whole) == [1]


def test_all_hours_of_some_days_are_a_filter_of_days_alone() -> None:
    day_known = Event(local("2024-03-02 00:00"), local("2024-03-03 00:00"), precision="day")
    assert weights([day_known], Filter(hours=(0, 24), days=frozenset({5}))) == [1]


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday = Filter(hours=(22, 4), days=frozenset({4}))
    times = ["2024-03-01 03:00", "2024-03-01 21:59", "2024-03-01 22:00", "2024-03-02 03:59", "2024-03-02 04:00"]
    assert weights([Event(local(time)) for time in times], friday) == [0, 0, 1, 1, 0]


def test_found_between_two_times_counts_by_its_hours() -> None:
    night = Event(local("2024-03-01 20:00"), local("2024-03-02 04:00"))
    assert weights([night], Filter(hours=(22, 4))) == [0.75]
    assert weights([night], Filter(hours=(22, 4), end=DAY(2024, 3, 2))) == [0.25]


def test_the_hour_that_comes_twice_and_the_hour_that_never_comes() -> None:
    autumn = Event(local("2024-10-27 00:00"), local("2024-10-28 00:00"))
    spring = Event(local("2024-03-31 00:00"), local("2024-04-01 00:00"))
    assert weights([autumn, spring], Filter(hours=(1, 2))) == [2 / 25, 0]


def test_states_count_while_they_are_in_force_whatever_the_hour() -> None:
    closed = [
        Event(local("2024-02-01 00:00"), local("2024-03-01 00:00"), layer="closed_properties"),
        Event(local("2024-02-01 00:00"), local("2024-03-01 00:01"), layer="closed_properties"),
        Event(local("2024-03-31 00:00"), local("2024-06-01 00:00"), layer="closed_properties", precision="day"),
        Event(local("2024-04-01 00:00"), local("2024-06-01 00:00"), layer="closed_properties"),
    ]
    assert weights(closed, MARCH) == [0, 1, 1, 0]
    at_night = Filter(start=MARCH.start, end=MARCH.end, hours=(22, 4), days=frozenset({0}))
    assert weights(closed, at_night) == [0, 1, 1, 0]
    assert select(columns_of(closed), at_night).unplaced_in_time == 0


def test_layers_wards_and_reporters_choose() -> None:
    events = [
        Event(1, ward="E05009865"),
        Event(2, layer="overdoses"),
        Event(3, reported_by="sweep"),
        Event(4),
    ]
    assert weights(events, Filter(layers=("overdoses", "street_dealing"))) == [0, 1, 0, 0]
    assert weights(events, Filter(wards=("E05009865",))) == [1, 0, 0, 0]
    assert weights(events, Filter(reported_by=("public", "officer"))) == [1, 1, 0, 1]
    assert weights(events, Filter(wards=("E05000000",))) == [0, 0, 0, 0]


def test_quantity_sums_what_was_found() -> None:
    events = [Event(**MARCH_ITSELF, quantity=10), Event(local("2024-03-01 00:00"), quantity=3)]
    half = Filter(start=DAY(2024, 3, 1), end=DAY(2024, 3, 11), measure="quantity")
    assert weights(events, half) == [10 * (240 / 743), 3]
    # A share is a share whatever it is multiplied by.
    assert select(columns_of(events), half).shared_in_time == 1


def test_the_rows_of_a_count_are_as_in_the_contract() -> None:
    events = [
        Event(local("2024-03-31 23:30"), ward="E05009865"),
        Event(local("2024-04-01 00:00"), layer="overdoses"),
        Event(local("2024-04-30 00:00"), layer="overdoses"),
    ]
    counts = count(columns_of(events), Filter(), by=("month", "ward", "layer"), wards=WARDS)
    expected = pd.DataFrame(
        {
            "month": ["2024-03", "2024-04"],
            "ward_code": ["E05009865", "E05009857"],
            "ward_name": ["Newport", "Central"],
            "layer": ["needle_litter", "overdoses"],
            "count": [1.0, 2.0],
        }
    )
    pd.testing.assert_frame_equal(counts.rows, expected)
    assert (counts.total, counts.unplaced_in_time, counts.shared_in_time) == (3.0, 0, 0)


def test_groups_are_the_rows_of_a_count_before_they_are_a_table() -> None:
    events = [Event(1, layer="overdoses"), Event(local("2024-01-31 00:00"), end=local("2024-02-04 00:00"))]
    for by in ((), ("layer",), ("month", "ward")):
        counts = count(columns_of(events), Filter(), by=by, wards=WARDS)
        groups = count_groups(columns_of(events), Filter(), by=by, wards=WARDS)
        assert groups.list_rows() == counts.rows.to_dict("records")
        assert (groups.total, groups.unplaced_in_time, groups.shared_in_time) == (2.0, 0, counts.shared_in_time)


def test_an_interval_over_months_is_shared_over_them_and_a_state_counts_in_each() -> None:
    interval = {"start": local("2024-01-31 00:00"), "end": local("2024-02-04 00:00")}
    months = count(columns_of([Event(**interval)]), Filter(), by=("month",)).rows
    assert months.to_dict("list") == {"month": ["2024-01", "2024-02"], "count": [0.25, 0.75]}
    closed = count(columns_of([Event(**interval, layer="closed_properties")]), Filter(), by=("month",))
    assert closed.rows.to_dict("list") == {"month": ["2024-01", "2024-02"], "count": [1.0, 1.0]}
    assert closed.total == 1.0


def test_an_interval_that_ends_with_its_month_stays_in_it() -> None:
    counts = count(columns_of([Event(**MARCH_ITSELF, quantity=7)]), Filter(measure="quantity"), by=("month",))
    assert counts.rows.to_dict("list") == {"month": ["2024-03"], "count": [7.0]}


def test_counts_by_cell_for_people_and_for_maps() -> None:
    columns = columns_of([Event(1), Event(2), Event(3, lon=-1.1)])
    counts = count(columns, Filter(), resolution=10)
    cells, sums = count_cells(columns, select(columns, Filter()), resolution=10)
    assert counts.rows["count"].tolist() == sums.tolist()
    assert [int(name, 16) for name in counts.rows["cell"]] == cells.tolist() == sorted(columns.cell_ids[10].tolist())


@pytest.mark.parametrize("by", [(), ("cell",), ("ward", "month"), ("layer",), ("month",)])
def test_nothing_counts_as_nothing(by: tuple[str, ...]) -> None:
    for columns in (columns_of([]), columns_of([Event(5)])):
        chosen = Filter(start=DAY(2024, 3, 1), end=DAY(2024, 3, 2), hours=(22, 4))
        counts = count(columns, chosen, by=by)  # type: ignore[arg-type]  # names of groups
        assert (len(counts.rows), counts.total) == (0, 0.0)


def test_groups_and_resolutions_that_there_are_not() -> None:
    columns = columns_of([Event(1)])
    with pytest.raises(UsageError) as caught:
        count(columns, Filter(), by=("ward", "town"))  # type: ignore[arg-type]  # the wrong name is the point
    assert str(caught.value) == (
        "Counts can be grouped by any of cell, ward, council, year, quarter, month, week, weekday, hour, layer, "
        "category, reporter, each once; you asked for ward, town; choose for example ward and month"
    )
    with pytest.raises(UsageError) as caught:
        count(columns, Filter(), resolution=7)
    assert str(caught.value) == (
        "Cells are kept at resolutions 8, 9, 10, 11; you asked for resolution 7; choose one of them; 9 is usual"
    )


def test_councils_need_the_wards_of_the_area() -> None:
    with pytest.raises(UsageError) as caught:
        count(columns_of([Event(1)]), Filter(), by=("council",))
    assert str(caught.value) == (
        "Grouping by council needs the wards of the area; no wards were given; give the area's wards"
    )


def test_a_ward_without_a_name_of_its_council_has_the_code_or_nothing() -> None:
    events = [Event(1), Event(2, ward="E05009865")]
    for codes, expected in ((("E06000001", ""), ["", "E06000001"]), (None, [""])):
        wards = Wards(WARDS.codes, WARDS.names, WARDS.polygons, lad_codes=codes)
        assert count(columns_of(events), Filter(), by=("council",), wards=wards).rows["council"].tolist() == expected


def test_a_closure_counts_in_each_weekday_and_hour_in_which_it_is_in_force() -> None:
    columns = columns_of(
        [Event(local("2024-03-01 22:30"), local("2024-03-02 01:00"), layer="closed_properties", precision="day")]
    )
    chosen = Filter(hours=(6, 7), days=frozenset({3}))  # which do not apply to what is in force all day
    rows = count(columns, chosen, by=("weekday", "hour")).rows
    assert rows.to_numpy(dtype=object).tolist() == [["fri", 22, 1.0], ["fri", 23, 1.0], ["sat", 0, 1.0]]


def test_what_has_no_hour_or_day_is_a_group_of_its_own() -> None:
    events = [
        Event(local("2024-03-01 22:30")),
        Event(local("2024-03-01 00:00"), local("2024-03-02 00:00"), precision="day"),
        Event(**MARCH_ITSELF),
    ]
    counts = count(columns_of(events), Filter(), by=("weekday", "hour"))
    assert counts.rows.to_numpy(dtype=object).tolist() == [["", "", 1.0], ["fri", "", 1.0], ["fri", 22, 1.0]]
    assert (counts.total, counts.shared_in_time) == (3.0, 0)


def test_an_interval_over_new_year_is_shared_over_its_weeks_quarters_and_years() -> None:
    columns = columns_of([Event(local("2024-12-29 12:00"), local("2025-01-01 12:00"), precision="minute")])
    for by, expected in (
        ("year", [["2024", 60 / 72], ["2025", 12 / 72]]),
        ("quarter", [["2024-Q4", 60 / 72], ["2025-Q1", 12 / 72]]),
        ("week", [["2024-12-23", 12 / 72], ["2024-12-30", 60 / 72]]),
        ("weekday", [["mon", 24 / 72], ["tue", 24 / 72], ["wed", 12 / 72], ["sun", 12 / 72]]),
    ):
        counts = count(columns, Filter(), by=(by,))  # type: ignore[arg-type]  # names of groups
        assert counts.rows[by].tolist() == [name for name, _ in expected]
        assert counts.rows["count"].tolist() == pytest.approx([share for _, share in expected], rel=1e-12)
        assert counts.shared_in_time == 1
