"""An evaluation of several places together, which more than one test looks at."""

import datetime as dt
from functools import cache

from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.evaluation_text import build_verdict
from hexbeat.evaluation.outcome import measure_effect
from hexbeat.evaluation.request import Evaluation
from hexbeat.evaluation.rule import Rule
from hexbeat.evaluation.treated_places import TreatedPlace, build_event_points
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
            places.append(TreatedPlace("the closure", one["lon"], one["lat"], start, end, None, one["source_id"]))
    ground = build_event_points(columns, middlesbrough(), RULE.layers)
    protocol = build_protocol(columns, middlesbrough(), places, RULE, today=TODAY, ground=ground)
    effect = measure_effect(columns, middlesbrough(), protocol, ground=ground)
    return Evaluation(effect, build_verdict(effect), ground)
