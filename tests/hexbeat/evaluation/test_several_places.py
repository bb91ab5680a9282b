"""Several places together: no event twice, none without a comparable place, nothing treated among the untreated."""

import dataclasses
import datetime as dt
from functools import cache

import numpy as np
import pytest
import shapely

from geo.cells import build_outlines
from geo.errors import UsageError
from hexbeat.analysis.study import load_study
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.evaluation_text import FEWER, MORE, NO_COMPARISON, build_verdict
from hexbeat.evaluation.outcome import Effect, measure_effect
from hexbeat.evaluation.request import build_cell_place, build_point_place
from hexbeat.evaluation.rule import MOST_DISTANCE, MatchedControls, Protocol, Rule, describe_rule
from hexbeat.evaluation.treated_places import EventPoints, Shape, TreatedPlace, build_event_points, find_middles
from tests.support.demonstrations import TODAY, busy_corner, demonstration, middlesbrough

START = dt.date(2025, 6, 1)
NEEDLES = Rule({"needle_litter": 1.0}, after_days=120)


@cache
def needles() -> EventPoints:
    return build_event_points(demonstration()[0], middlesbrough(), NEEDLES.layers)


def busiest(many: int, start: dt.date, points: EventPoints) -> list[TreatedPlace]:
    """The cells of 130 m where most happened in the 84 days before, as a plan of patrols chooses them."""
    study = load_study(middlesbrough(), (), 10)
    recent = points.count_period(start - dt.timedelta(days=84), start)[0]
    counts = points.find_inside(Shape(shapely.Point(0, 0).buffer(65), 65, 65), study.x_m, study.y_m) @ recent
    middle = shapely.centroid(build_outlines(study.cells))
    top = np.argsort(-counts, kind="stable")[:many].tolist()
    return [build_point_place(float(shapely.get_x(middle[i])), float(shapely.get_y(middle[i])), start) for i in top]


@cache
def many() -> tuple[Protocol, Effect]:
    columns, points = demonstration()[0], needles()
    places = busiest(12, START, points)
    protocol = build_protocol(columns, middlesbrough(), places, NEEDLES, today=TODAY, points=points)
    return protocol, measure_effect(columns, middlesbrough(), protocol, points=points)


def a_closure() -> TreatedPlace:
    """One that begins in the summer of 2025."""
    for one in demonstration()[1]["closures"]:
        start, end = (dt.datetime.fromtimestamp(one[name], dt.UTC).date() for name in ("from_utc_s", "to_utc_s"))
        if START <= start < dt.date(2025, 9, 1):
            return TreatedPlace("the closure", one["lon"], one["lat"], start, end, None, one["source_id"])
    raise AssertionError("no closure began then")


def unlike(likes: MatchedControls) -> MatchedControls:
    return dataclasses.replace(likes, distance=MOST_DISTANCE + 1)


@pytest.mark.slow
def test_no_event_counts_twice_and_places_without_a_comparable_place_are_left_out() -> None:
    protocol, effect = many()
    points, judged = needles(), [outcome.planned for outcome in effect.outcomes]
    middles = np.array([points.find_middle(one.place) for one in judged])
    gaps = np.hypot(*(middles[:, None] - middles).transpose(2, 0, 1))
    assert gaps[~np.eye(len(judged), dtype=bool)].min() > 299.9
    assert all(one.near.distance <= MOST_DISTANCE for one in judged)
    assert effect.after_once == pytest.approx(effect.here.after)
    assert effect.incomparable > 0
    assert effect.overlapping > 0
    assert len(judged) + effect.incomparable + effect.overlapping == len(protocol.places) == 12
    said = build_verdict(effect)
    kind = said.kind[:1].upper() + said.kind[1:]
    assert said.sentence.startswith(f"{kind}. Needle finds in {len(judged)} of 12 places taken together: ")
    assert "counts twice" not in said.sentence
    assert (
        f"{effect.incomparable} of 12 places are left out because they have no comparable place. They are often the "
        "busiest, and the answer says nothing about them."
    ) in said.details
    assert (
        f"{effect.overlapping} of 12 places are left out because they overlap one of the {len(judged)} that are "
        "counted. No event should count twice."
    ) in said.details


@pytest.mark.slow
def test_where_nothing_was_done_in_many_busy_places_no_effect_is_told() -> None:
    points, columns = needles(), demonstration()[0]
    kinds = [build_verdict(many()[1]).kind]
    for start in (dt.date(2025, 10, 1), dt.date(2026, 2, 1)):
        places = busiest(12, start, points)
        protocol = build_protocol(columns, middlesbrough(), places, NEEDLES, today=TODAY, points=points)
        kinds.append(build_verdict(measure_effect(columns, middlesbrough(), protocol, points=points)).kind)
    assert not {FEWER, MORE} & set(kinds)


def test_the_interval_holds_both_ways_of_expecting() -> None:
    here = many()[1].here
    plain = here.like_after + here.before - here.like_before
    low, high = here.after - max(plain, here.expected), here.after - min(plain, here.expected)
    assert here.interval[0] < low <= high < here.interval[1]
    # The same room on both sides of the two.
    assert low - here.interval[0] == pytest.approx(here.interval[1] - high)


def test_if_most_places_have_no_comparable_place_it_is_not_known() -> None:
    protocol, _ = many()
    none = dataclasses.replace(
        protocol, places=tuple(dataclasses.replace(one, near=unlike(one.near)) for one in protocol.places)
    )
    effect = measure_effect(demonstration()[0], middlesbrough(), none, points=needles())
    verdict = build_verdict(effect)
    assert verdict.kind == NO_COMPARISON
    assert verdict.sentence == (
        f"Not known. Needle finds in {len(effect.outcomes)} of 12 places taken together: {effect.here.after:.0f}. 12 "
        "of them have no comparable place, so nobody can say whether that is fewer or more than usual. Try smaller "
        "places, or a larger area with places that are as busy."
    )
    assert effect.incomparable == 12


def test_next_door_to_places_that_are_treated_too_is_not_compared() -> None:
    protocol, effect = many()
    assert all(one.ring is None for one in protocol.places)
    assert effect.next_door is None
    assert describe_rule(protocol)[-1] == (
        "Left out of the sum: places with no comparable place (their pasts are over 1.5 times chance away). Then "
        "places that overlap an earlier one at the same time; closures may overlap."
    )
    assert describe_rule(protocol)[0].endswith(
        "Next door is not compared: it was treated too, or too few places are comparable."
    )


def test_rings_that_are_compared_share_no_event_with_the_ring_around_the_place() -> None:
    (place,) = busiest(1, START, needles())
    planned = build_protocol(demonstration()[0], middlesbrough(), [place], NEEDLES, today=TODAY).places[0]
    assert planned.ring is not None
    x, y = needles().find_middle(place)
    near, ring = (
        np.hypot(*(np.array(find_middles(needles(), one.pool)) - [[x], [y]])) for one in (planned.near, planned.ring)
    )
    assert ring.min() > 2 * (150 + 200)
    assert near.min() < 2 * (150 + 200)  # those would have been in it


def test_closures_near_any_place_are_told() -> None:
    closure = a_closure()
    place = build_point_place(closure.lon, closure.lat, START)
    effect = measure_effect(
        demonstration()[0],
        middlesbrough(),
        build_protocol(demonstration()[0], middlesbrough(), [place], NEEDLES, today=TODAY),
    )
    assert effect.outcomes[0].planned.others > 0
    assert any("mixed in" in one for one in build_verdict(effect).details)


def test_closures_that_overlap_say_how_many_events_there_are() -> None:
    closure = a_closure()
    beside = dataclasses.replace(closure, lat=closure.lat + 0.0005, event_id="another")
    rule = Rule({"needle_litter": 1.0}, radius_m=400.0, ring_m=0.0)
    columns = demonstration()[0]
    effect = measure_effect(
        columns, middlesbrough(), build_protocol(columns, middlesbrough(), [closure, beside], rule, today=TODAY)
    )
    assert len(effect.outcomes) + effect.incomparable == 2
    assert effect.after_once < effect.here.after
    assert " if no event counts twice)" in build_verdict(effect).sentence


def test_places_elsewhere_and_ends_before_the_start_are_refused() -> None:
    columns, area = demonstration()[0], middlesbrough()
    with pytest.raises(UsageError) as caught:
        build_protocol(columns, area, [build_point_place(-0.12, 51.5, START)], NEEDLES, today=TODAY)
    assert str(caught.value) == (
        "The place has to lie in Middlesbrough; the place at 51.5000, -0.1200 does not; choose another place, or "
        "another area"
    )
    with pytest.raises(UsageError) as caught:
        build_protocol(columns, area, [build_point_place(-1.235, 54.574, START, end=START)], NEEDLES, today=TODAY)
    assert str(caught.value) == (
        "The end comes after the start; the place at 54.5740, -1.2350 starts on 1 Jun 2025 and ends before 1 Jun 2025; "
        "choose a later end, or leave the end out if it goes on"
    )


def test_a_small_place_between_the_middles_of_cells_lies_in_the_area() -> None:
    columns, area = demonstration()[0], middlesbrough()
    small = dataclasses.replace(NEEDLES, radius_m=50.0)
    planned = build_protocol(columns, area, [busy_corner(0)], small, today=TODAY).places[0]
    assert planned.past[-1] > 0


def test_settings_that_make_no_sense_are_refused() -> None:
    usual = "leave the setting out for the usual one"
    for wrong, message in (
        ({"radius_m": float("nan")}, f"The radius is 50 to 5,000 metres; it is given as nan; {usual}"),
        ({"radius_m": 5.0}, f"The radius is 50 to 5,000 metres; it is given as 5; {usual}"),
        ({"ring_m": 3_000.0}, f"The ring is 0 to 2,000 metres wide; it is given as 3,000; {usual}"),
        ({"after_days": 7}, f"The time after is 28 to 3,660 days; it is given as 7; {usual}"),
        (
            {"layers": {"overdoses": float("inf")}},
            f"A weight is above 0 and at most a thousand million; it is given as inf; {usual}",
        ),
        ({"layers": {}}, "A comparison counts one layer or more; none was named; name a layer of incidents"),
        (
            {"reported_by": ("martian",)},
            "A reporter is one that Hexbeat knows; there is no 'martian'; choose from public, officer, sweep, agency",
        ),
    ):
        with pytest.raises(UsageError) as caught:
            Rule(**{"layers": {"overdoses": 1.0}, **wrong})  # type: ignore[arg-type]  # wrong on purpose
        assert str(caught.value) == message
    with pytest.raises(UsageError):
        build_cell_place(["zzz"], START)
