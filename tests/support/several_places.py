"""An evaluation of several places together, which more than one test looks at."""

import datetime as dt
from functools import cache

from layers.effect.asking import Evaluation
from layers.effect.outcome import judge_effect
from layers.effect.places import Treated, ground_of
from layers.effect.planning import plan_effect
from layers.effect.protocol import Rule
from layers.effect.words import verdict_of
from tests.support.analysing import TODAY, demonstration, middlesbrough

__all__ = ["RULE", "several"]

RULE = Rule({"street_dealing": 1.0}, radius_m=200.0, placebos=19)


@cache
def several() -> Evaluation:
    """The closures of a fortnight."""
    columns, truth = demonstration()
    places = []
    for one in truth["closures"]:
        start, end = (dt.datetime.fromtimestamp(one[name], dt.UTC).date() for name in ("from_utc_s", "to_utc_s"))
        if dt.date(2025, 2, 1) <= start < dt.date(2025, 2, 15):
            places.append(Treated("the closure", one["lon"], one["lat"], start, end, None, one["source_id"]))
    ground = ground_of(columns, middlesbrough(), RULE.layers)
    protocol = plan_effect(columns, middlesbrough(), places, RULE, today=TODAY, ground=ground)
    effect = judge_effect(columns, middlesbrough(), protocol, ground=ground)
    return Evaluation(effect, verdict_of(effect), ground)
