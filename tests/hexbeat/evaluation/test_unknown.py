"""What cannot be compared is said and left out: no comparable place, a past or a time after that is not on record."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.evaluation_text import CAUTION, NO_COMPARISON, build_verdict
from hexbeat.evaluation.outcome import measure_effect
from hexbeat.evaluation.outcome_rows import build_evaluation_payload, format_side_number
from hexbeat.evaluation.request import Evaluation, build_point_place
from hexbeat.evaluation.rule import MOST_DISTANCE, Protocol, Rule, describe_rule, load_protocol, save_protocol
from hexbeat.evaluation.treated_places import TreatedPlace, build_event_points
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from tests.support.demonstrations import TODAY, busy_corner, demonstration, middlesbrough

RULE = Rule({"needle_litter": 1.0})
EARLY = build_point_place(-1.2350, 54.5742, dt.date(2024, 6, 1), end=dt.date(2024, 9, 1), name="the early one")
MIDDLE = build_point_place(-1.2350, 54.5742, dt.date(2025, 6, 1), end=dt.date(2025, 12, 1), name="the middle one")
LATE = build_point_place(-1.2350, 54.5742, dt.date(2026, 11, 10), name="the late one")


def planned(*places: TreatedPlace) -> Protocol:
    return build_protocol(demonstration()[0], middlesbrough(), places, RULE, today=TODAY)


def evaluated(protocol: Protocol) -> Evaluation:
    columns, area = demonstration()[0], middlesbrough()
    points = build_event_points(columns, area, RULE.layers)
    effect = measure_effect(columns, area, protocol, points=points)
    return Evaluation(effect, build_verdict(effect), points)


def test_without_a_comparable_place_there_is_no_verdict() -> None:
    protocol = planned(busy_corner(1))
    assert protocol.places[0].near.distance > MOST_DISTANCE
    assert describe_rule(protocol)[-1] == (
        "There is no comparable place: even the most similar pasts are over 1.5 times chance away. So the answer will "
        "be: not known."
    )
    found = evaluated(protocol)
    assert found.verdict.kind == NO_COMPARISON
    assert found.verdict.sentence == (
        "Not known. Needle finds within 150 m of the busy corner, 1 Jun to 29 Nov 2025: "
        f"{found.effect.here.after:.0f}. There is no comparable place, so nobody can say whether that is fewer or "
        "more than usual. Try a smaller place, or a larger area with places that are as busy."
    )
    assert found.verdict.details[-1] == CAUTION
    assert found.verdict.details[1].endswith("(regression to the mean). Nothing here says how much.")
    payload = build_evaluation_payload(found.effect, found.verdict)
    here, door, both = payload["rows"]
    assert [here["verdict"], both["verdict"]] == [NO_COMPARISON, NO_COMPARISON]
    assert (here["after"], here["before"]) == (found.effect.here.after, round(found.effect.here.before, 3))
    assert {
        format_side_number(row[name]) for row in (here, both) for name in ("expected", "low", "high", "p_value")
    } == {"\N{EN DASH}"}
    assert door["verdict"] != NO_COMPARISON  # what lies around it is like what lies around others
    assert payload["places"][0]["expected"] is payload["places"][0]["published"] is None


def test_next_door_without_a_comparable_place_is_said_too() -> None:
    protocol = planned(busy_corner())
    (place,) = protocol.places
    assert place.ring
    strange = dataclasses.replace(place, ring=dataclasses.replace(place.ring, distance=MOST_DISTANCE + 1))
    found = evaluated(dataclasses.replace(protocol, places=(strange,)))
    assert found.verdict.kind != NO_COMPARISON
    assert found.effect.next_door
    assert found.verdict.details[0] == (
        f"Next door: not known. {found.effect.next_door.after:.0f} came, and there is no comparable place."
    )


def test_places_whose_past_is_not_on_record_are_left_out_and_named(tmp_path: Path) -> None:
    alone, together = planned(MIDDLE), planned(EARLY, MIDDLE)
    assert together.places == alone.places
    assert describe_rule(together)[-1] == (
        "Not compared: the early one. The past that places are matched on has to be on record, up to the start."
    )
    save_protocol(tmp_path / "rule.json", together)
    assert load_protocol(tmp_path / "rule.json") == together
    assert together.hash != alone.hash
    found = evaluated(together)
    assert found.effect.here.after == evaluated(alone).effect.here.after
    assert build_evaluation_payload(found.effect, found.verdict)["left_out"] == {
        "unlike": 0,
        "overlapping": 0,
        "not_compared": [
            {
                "name": "the early one",
                "event_id": None,
                "reason": "The past that places are matched on has to be on record, up to the start: for the early one "
                "that is 6 May 2023 to 31 May 2024; the records reach from 22 Nov 2023 to 21 Nov 2026",
            }
        ],
    }


def test_places_whose_time_after_is_not_on_record_yet_are_left_out_and_named() -> None:
    found = evaluated(planned(MIDDLE, LATE))
    assert [one.name for one in found.effect.too_new] == ["the late one"]
    assert "Not compared: the late one. A comparison needs 28 days of records after the start." in found.verdict.details
    assert found.verdict.sentence.split(". ", 1)[1].startswith(
        "Needle finds within 150 m of the middle one, 1 Jun to 30 Nov 2025: "
    )


def test_where_no_place_is_left_the_reason_is_an_error() -> None:
    with pytest.raises(DataError) as caught:
        planned(EARLY, dataclasses.replace(EARLY, name="another"))
    assert str(caught.value).startswith("The past that places are matched on has to be on record, up to the start; for")
    with pytest.raises(DataError) as caught:
        evaluated(planned(LATE, dataclasses.replace(LATE, name="another")))
    assert str(caught.value) == (
        "A comparison needs 28 days of records after the start; 12 days are known of another; "
        "fix the rule now, and ask again when more days are on record"
    )


def test_a_rule_that_was_kept_before_places_were_left_out_is_still_the_same_rule(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    save_protocol(path, planned(MIDDLE))
    assert "left_out" not in json.loads(path.read_text())
    assert load_protocol(path).left_out == ()


def gapped(*known: tuple[dt.date, dt.date]) -> Columns:
    """The demonstration, of which only these days of needle finds are known."""
    columns = demonstration()[0]
    entries = tuple(CoverageEntry("needle_litter", "log", "", *span) for span in known)
    return dataclasses.replace(columns, coverage=Coverage(entries, columns.ward_codes))


def test_a_gap_in_the_past_is_not_matched_on() -> None:
    """Days without records are no days without finds."""
    columns = gapped((dt.date(2023, 12, 1), dt.date(2025, 3, 1)), (dt.date(2025, 4, 1), TODAY))
    with pytest.raises(DataError) as caught:
        build_protocol(columns, middlesbrough(), [MIDDLE], RULE, today=TODAY)
    assert str(caught.value) == (
        "The past that places are matched on has to be on record, up to the start; for the middle one, Mar 2025 is "
        "not known; choose another start or a shorter time before, or load the records that are missing"
    )


def test_the_time_after_ends_with_the_first_day_that_is_not_known() -> None:
    columns = gapped((dt.date(2023, 12, 1), dt.date(2025, 8, 1)), (dt.date(2025, 9, 1), TODAY))
    protocol = build_protocol(columns, middlesbrough(), [MIDDLE], RULE, today=TODAY)
    (outcome,) = measure_effect(columns, middlesbrough(), protocol).outcomes
    assert (outcome.start, outcome.end) == (dt.date(2025, 6, 1), dt.date(2025, 8, 1))
