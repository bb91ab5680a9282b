"""Did it work, in pounds: the answer of the same comparison, with each event at its unit cost."""

import dataclasses
import io
import json
import math

import numpy as np
import pandas as pd
import pytest

from geo.poisson_sums import Interval
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.effect_costs import EffectCost, cost_effect, describe_difference, find_prices
from hexbeat.evaluation.evaluation_text import build_verdict
from hexbeat.evaluation.outcome import Effect, measure_effect
from hexbeat.evaluation.outcome_rows import build_evaluation_csv, build_evaluation_geojson
from hexbeat.evaluation.rule import Rule
from hexbeat.evaluation.treated_places import EventPoints, build_event_points
from layers.costs import NO_COSTS, Costs, UnitCost
from tests.support.demonstrations import TODAY, busy_corner, demonstration, middlesbrough

NEEDLES = Costs((UnitCost("needle_litter", None, 40.0, "a bill", 2025, "the fear of needles"),))
LAYERS = ("needle_litter", "overdoses")


@pytest.fixture(scope="module")
def measured() -> tuple[Effect, EventPoints]:
    columns, _ = demonstration()
    rule = Rule(dict.fromkeys(LAYERS, 1.0))
    protocol = build_protocol(columns, middlesbrough(), [busy_corner()], rule, today=TODAY)
    points = build_event_points(columns, middlesbrough(), rule.layers)
    return measure_effect(columns, middlesbrough(), protocol, points=points), points


def test_one_unit_cost_for_all_events_is_the_effect_times_it(measured: tuple[Effect, EventPoints]) -> None:
    effect, points = measured
    costs = Costs(tuple(dataclasses.replace(NEEDLES.units[0], layer=name) for name in LAYERS))
    cost = cost_effect(effect, points, middlesbrough(), costs)
    priced = dataclasses.replace(points, harm=np.full(len(points.index), 40.0))
    long_way = measure_effect(points.columns, middlesbrough(), effect.protocol, points=priced)
    assert cost is not None
    for (where, money), side, other in zip(
        cost.sides,
        (effect.here, effect.next_door, effect.both),
        (long_way.here, long_way.next_door, long_way.both),
        strict=True,
    ):
        assert side is not None, where
        assert other is not None, where
        assert money == pytest.approx([40 * side.estimate, 40 * side.interval[0], 40 * side.interval[1]])
        assert money == pytest.approx([other.estimate, *other.interval])


def test_what_is_not_costed_takes_no_part_and_is_named(measured: tuple[Effect, EventPoints]) -> None:
    effect, points = measured
    fatal = UnitCost("overdoses", "fatal", 1000.0, "a report", 2024, "the life")
    cost = cost_effect(effect, points, middlesbrough(), Costs((*NEEDLES.units, fatal)))
    assert cost is not None
    here = cost.sides[0][1]
    assert here is not None
    assert here.low <= here.value <= here.high
    price = find_prices(points.columns, Costs((*NEEDLES.units, fatal)))[points.index]
    assert set(np.unique(price[~np.isnan(price)])) == {40.0, 1000.0}
    assert cost.notes == (
        "Not costed: overdoses (not fatal) and overdoses (not fatal, naloxone given).",
        "Needle finds: £40 each, in prices of 2025 (a bill). Leaves out: the fear of needles.",
        "Overdoses, fatal: £1,000 each, in prices of 2024 (a report). Leaves out: the life.",
        "The interval is that of the number of events. The unit costs themselves are taken as exact.",
    )


def test_without_a_unit_cost_nothing_is_said_to_be_nothing(measured: tuple[Effect, EventPoints]) -> None:
    effect, points = measured
    assert cost_effect(effect, points, middlesbrough(), NO_COSTS) is None
    other = Costs((dataclasses.replace(NEEDLES.units[0], layer="street_dealing"),))
    cost = cost_effect(effect, points, middlesbrough(), other)
    assert cost is not None
    assert cost.sentences == [
        "In pounds, here: not costed.",
        "In pounds, next door: not costed.",
        "Not costed: needle finds and overdoses.",
    ]
    assert cost.to_json()["rows"] == [
        {"where": where, "pounds": None, "low": None, "high": None} for where in ("here", "next door")
    ]


def test_files_have_the_pounds_and_what_they_rest_on(measured: tuple[Effect, EventPoints]) -> None:
    effect, points = measured
    cost = cost_effect(effect, points, middlesbrough(), NEEDLES)
    assert cost is not None
    frame = pd.read_csv(io.BytesIO(build_evaluation_csv(effect, note={}, cost=cost)))
    money = {where: money or (math.nan,) * 3 for where, money in cost.sides}
    for row in frame.itertuples():
        expected = [round(end) for end in money[str(row.where)]]
        assert [row.pounds, row.pounds_low, row.pounds_high] == expected
        assert row.pounds_note == " ".join(cost.notes)
    shapes = json.loads(build_evaluation_geojson(effect, points, build_verdict(effect), note={}, cost=cost))
    assert shapes["metadata"]["costs"] == " ".join(cost.sentences)


def test_without_a_comparable_place_pounds_are_not_known() -> None:
    cost = EffectCost((("here", None),), ())
    assert cost.sentences == ["In pounds, here: not known, because there is no comparable place."]


@pytest.mark.parametrize(
    ("money", "words"),
    [
        ((-12600, -21000, -3000), "£12,600 less than expected (95 % interval £3,000 to £21,000 less)"),
        ((500, 100, 900), "£500 more than expected (95 % interval £100 to £900 more)"),
        ((-500, -900, 100), "£500 less than expected (95 % interval £100 more to £900 less, so it may be nothing)"),
        ((500, -100, 900), "£500 more than expected (95 % interval £100 less to £900 more, so it may be nothing)"),
    ],
)
def test_a_difference_is_said_with_its_interval(money: tuple[float, float, float], words: str) -> None:
    assert describe_difference(Interval(*money)) == words
