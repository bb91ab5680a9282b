"""Did it work, on the demonstration: what was planted there, what was not, and a rule that cannot be changed unseen."""

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pytest

from geo.errors import DataError, UsageError
from hexbeat.evaluation.controls import build_protocol
from hexbeat.evaluation.evaluation_text import CAUTION, FEWER, MOVED, NO_CHANGE, TOO_FEW, build_verdict, classify_side
from hexbeat.evaluation.outcome import Effect, measure_effect
from hexbeat.evaluation.outcome_rows import build_evaluation_payload, build_evaluation_shapes, build_side_rows
from hexbeat.evaluation.request import (
    build_cell_place,
    build_point_place,
    build_ward_place,
    evaluate_protocol,
    fix_protocol,
    parse_weights,
)
from hexbeat.evaluation.rule import Protocol, Rule, describe_rule, load_protocol, save_protocol
from hexbeat.evaluation.treated_closures import read_closures, select_closures
from hexbeat.evaluation.treated_places import TreatedPlace
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from layers.event import LOCATION_PRECISIONS
from tests.support.demonstrations import START, TODAY, busy_corner, demonstration, filled_store, middlesbrough

NEEDLES = Rule({"needle_litter": 1.0})
DEALING = Rule({"street_dealing": 1.0}, radius_m=200.0)


def closures_of_truth(first: dt.date, last: dt.date) -> list[tuple[TreatedPlace, dict[str, Any]]]:
    _, truth = demonstration()
    found = []
    for one in truth["closures"]:
        start, end = (dt.datetime.fromtimestamp(one[name], dt.UTC).date() for name in ("from_utc_s", "to_utc_s"))
        if first <= start < last:
            place = TreatedPlace("the closure", one["lon"], one["lat"], start, end, None, one["source_id"])
            found.append((place, one))
    return found


def moved_columns(columns: Columns, place: TreatedPlace, *, away_m: float, share: float = 0.85) -> Columns:
    """The same events, but after the start most of those near the place happen so far to the north of it."""
    north = np.hypot((columns.lon - place.lon) * 64_600, (columns.lat - place.lat) * 111_300) <= 150
    seconds = (place.start - dt.date(1970, 1, 1)).days * 86_400
    goes = north & (columns.start >= seconds) & (np.arange(len(columns)) % 100 < share * 100)
    return dataclasses.replace(columns, lat=np.where(goes, columns.lat + away_m / 111_300, columns.lat))


def evaluated(columns: Columns, place: TreatedPlace, rule: Rule = NEEDLES) -> Effect:
    protocol = build_protocol(columns, middlesbrough(), [place], rule, today=TODAY)
    return measure_effect(columns, middlesbrough(), protocol)


@pytest.mark.slow
def test_the_planted_effect_of_the_closures_is_found_together() -> None:
    columns, _ = demonstration()
    chosen = closures_of_truth(dt.date(2025, 2, 1), dt.date(2025, 5, 1))
    protocol = build_protocol(columns, middlesbrough(), [place for place, _ in chosen], DEALING, today=TODAY)
    effect = measure_effect(columns, middlesbrough(), protocol)
    planted = float(np.mean([one["dealing_reduction"] for _, one in chosen]))
    low, high = (-end / effect.here.expected for end in effect.here.interval[::-1])
    assert len(chosen) > 20
    assert 0.15 < low < planted < high  # a share, with its interval; other closures nearby are in both
    assert build_verdict(effect).kind == FEWER
    assert build_verdict(effect).sentence.startswith(
        f"Fewer than expected. Street dealing in {len(chosen) - effect.incomparable} of {len(chosen)} places taken "
        "together: "
    )


@pytest.mark.slow
def test_needles_know_nothing_of_closures() -> None:
    columns, _ = demonstration()
    chosen = [place for place, _ in closures_of_truth(dt.date(2025, 2, 1), dt.date(2025, 4, 1))]
    effect = measure_effect(
        columns, middlesbrough(), build_protocol(columns, middlesbrough(), chosen, NEEDLES, today=TODAY)
    )
    assert effect.here.interval[0] < 0 < effect.here.interval[1]


@pytest.mark.slow
def test_what_moved_next_door_is_seen() -> None:
    columns, _ = demonstration()
    place = busy_corner(11)  # events stand so close here that 260 m take all of them next door
    effect = evaluated(moved_columns(columns, place, away_m=260), place)
    assert classify_side(effect.here, effect) == FEWER
    assert build_verdict(effect).kind == MOVED
    assert build_verdict(effect).sentence.startswith("Moved next door. Needle finds within 150 m of the busy corner, ")
    assert " fewer (" in build_verdict(effect).sentence
    assert " Next door there were about " in build_verdict(effect).sentence
    gone = evaluated(moved_columns(columns, place, away_m=4_000), place)
    assert build_verdict(gone).kind == FEWER
    assert gone.here.estimate == effect.here.estimate
    assert gone.next_door is not None
    assert effect.next_door is not None
    gained = effect.next_door.after - gone.next_door.after
    assert gained > 0.8 * (evaluated(columns, place).here.after - gone.here.after)
    assert "proof of cause" in CAUTION
    assert CAUTION in build_verdict(gone).details


def test_a_quiet_place_has_too_few_to_tell_and_says_how_many_it_needs() -> None:
    columns, _ = demonstration()
    effect = evaluated(columns, build_point_place(-1.2350, 54.5742, START))
    verdict = build_verdict(effect)
    assert verdict.kind == TOO_FEW
    assert verdict.sentence.startswith("Too few events to say. Needle finds within 150 m of the place at ")
    assert " To notice a halving 4 times in 5 it takes about " in verdict.sentence
    assert verdict.kind != NO_CHANGE


def test_where_nothing_was_expected_the_answer_still_says_how_many_events_it_takes() -> None:
    columns, _ = demonstration()
    effect = evaluated(columns, build_point_place(-1.2350, 54.5742, START))
    nothing = dataclasses.replace(effect, here=dataclasses.replace(effect.here, expected=0.0))
    verdict = build_verdict(nothing)
    assert verdict.kind == TOO_FEW
    assert ", where about 0 were expected (" in verdict.sentence
    assert re.search(r" To notice a halving 4 times in 5 it takes about [\d,]+ expected events\.$", verdict.sentence)


def test_sides_add_up_and_the_published_measure_uses_the_same_counts() -> None:
    columns, _ = demonstration()
    effect = evaluated(columns, busy_corner())
    here, door, both = build_side_rows(effect)
    assert both["after"] == pytest.approx(here["after"] + door["after"], abs=0.002)
    assert both["difference"] == pytest.approx(here["difference"] + door["difference"], abs=0.002)
    published = effect.outcomes[0].published
    side = effect.here
    assert published.local == pytest.approx((side.after - side.before) - (side.like_after - side.like_before))


def test_the_rule_looks_at_nothing_that_came_after() -> None:
    columns, _ = demonstration()
    place = busy_corner()
    later = moved_columns(columns, place, away_m=260)
    rules = [build_protocol(one, middlesbrough(), [place], NEEDLES, today=TODAY) for one in (columns, later)]
    assert rules[0] == rules[1]
    assert rules[0].hash == rules[1].hash


def fixed() -> Protocol:
    columns, _ = demonstration()
    return build_protocol(columns, middlesbrough(), [busy_corner()], NEEDLES, today=TODAY)


def test_a_rule_is_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    save_protocol(path, fixed())
    assert load_protocol(path) == fixed()
    assert json.loads(path.read_text())["rule_in_words"] == list(describe_rule(fixed()))
    assert dataclasses.replace(fixed(), made=dt.date(2020, 1, 1)).hash == fixed().hash


def test_a_rule_that_was_changed_after_looking_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    save_protocol(path, fixed())
    path.write_text(path.read_text().replace('"radius_m": 150.0', '"radius_m": 250.0'))
    with pytest.raises(DataError) as caught:
        load_protocol(path)
    assert str(caught.value) == (
        "rule.json has to be a rule that `hexbeat evaluate --plan-only` wrote, unchanged since; "
        "its content does not match its hash; "
        "fix the rule again; a rule that is changed after looking is another rule"
    )


def test_controls_touch_neither_the_place_nor_what_is_next_door() -> None:
    columns, _ = demonstration()
    with Store.open(filled_store()) as store:
        protocol = fix_protocol(store, ANALYST, columns, middlesbrough(), [busy_corner()], NEEDLES, today=TODAY)
        found = evaluate_protocol(store, ANALYST, columns, middlesbrough(), protocol)
    shapes = build_evaluation_shapes(found.effect, found.points)
    ring = next(one["geometry"] for one in shapes if one["role"] == "ring")
    treated = next(one["geometry"] for one in shapes if one["role"] == "treated")
    controls = [one for one in shapes if one["role"] == "control"]
    assert len(controls) == 20
    assert sum(one["weight"] for one in controls) == pytest.approx(1, abs=0.002)
    assert not any(one["geometry"].intersects(ring) or one["geometry"].intersects(treated) for one in controls)
    json.dumps(build_evaluation_payload(found.effect, found.verdict), allow_nan=True)


def test_places_that_are_treated_together_are_no_controls_of_each_other() -> None:
    columns, _ = demonstration()
    first = busy_corner()
    alone = build_protocol(columns, middlesbrough(), [first], NEEDLES, today=TODAY).places[0].near
    lat, lon = h3.cell_to_latlng(alone.pool[alone.controls[0]])
    other = dataclasses.replace(first, name="the like place", lon=lon, lat=lat)
    beside = build_protocol(columns, middlesbrough(), [first, other], NEEDLES, today=TODAY).places[0].near
    within = set(h3.grid_disk(alone.pool[alone.controls[0]], 1))  # cells of 130 m; the places are of 150 m
    assert within & set(alone.pool)
    assert not within & set(beside.pool)
    later = dataclasses.replace(other, start=first.start + dt.timedelta(days=400), end=None)
    after = build_protocol(columns, middlesbrough(), [first, later], NEEDLES, today=TODAY).places[0].near
    assert after == alone


def test_wards_and_cells_are_places_too() -> None:
    columns, _ = demonstration()
    ward = build_ward_place(middlesbrough(), ("E05009862",), START)
    assert ward.name == "Linthorpe"
    assert evaluated(columns, ward, Rule({"overdoses": 1.0}, ring_m=0.0)).next_door is None
    cell = build_cell_place(["89194654a33ffff"], START)
    assert evaluated(columns, cell).here.after > 0


def test_weights_change_the_unit_and_not_the_answer() -> None:
    columns, _ = demonstration()
    plain, heavy = (evaluated(columns, busy_corner(), Rule({"needle_litter": weight})) for weight in (1.0, 4.0))
    assert heavy.here.estimate == pytest.approx(4 * plain.here.estimate)
    assert heavy.here.interval == pytest.approx([4 * end for end in plain.here.interval])
    assert heavy.here.p == plain.here.p
    assert heavy.unit == 4


@pytest.mark.slow
def test_weights_are_in_the_words_and_may_change_the_verdict() -> None:
    place = busy_corner(11)
    columns = moved_columns(demonstration()[0], place, away_m=4_000)
    rules = ({"needle_litter": 1.0}, {"needle_litter": 4.0}, {"needle_litter": 1.0, "overdoses": 15.0})
    plain, heavy, mixed = (build_verdict(evaluated(columns, place, Rule(weights))) for weights in rules)
    where = "within 150 m of the busy corner, 1 Jun to 29 Nov 2025:"
    assert plain.sentence.startswith(
        f"Fewer than expected. Needle finds {where} 1, where about 7.9 were expected. The difference is about "
    )
    assert heavy.sentence.startswith(
        f"Fewer than expected. Needle finds, weighted, {where} 4, where about 32 were expected. "
    )
    # A few overdoses that count 15 each decide, and a few events say nothing.
    assert mixed.kind == TOO_FEW
    assert mixed.sentence.startswith(
        f"Too few events to say. Needle finds and overdoses, weighted, {where} 1, where about 26 were expected ("
    )
    said = ["Counts are weighted: they are not numbers of events." in one.details for one in (plain, heavy, mixed)]
    assert said == [False, True, True]


def test_weights_as_people_write_them() -> None:
    assert parse_weights(["overdoses=15", "overdoses/fatal=100"]) == ({"overdoses": 15.0}, {"overdoses/fatal": 100.0})
    with pytest.raises(UsageError) as caught:
        parse_weights(["overdose=15"])
    assert str(caught.value) == (
        "A weight is a layer, or a layer and a category, and a number above 0; 'overdose=15' is not; "
        "write overdoses=15, or overdoses/fatal=100"
    )


def test_a_past_that_is_not_on_record_is_said() -> None:
    columns, _ = demonstration()
    with pytest.raises(DataError) as caught:
        evaluated(columns, build_point_place(-1.2350, 54.5742, dt.date(2024, 6, 1), name="the new service"))
    assert str(caught.value) == (
        "The past that places are matched on has to be on record, up to the start; "
        "for the new service that is 6 May 2023 to 31 May 2024; the records reach from 22 Nov 2023 to 21 Nov 2026; "
        "choose a shorter time before, a later start, or load the records that are missing"
    )


@pytest.mark.parametrize(
    ("before", "hint"),
    [
        (364, "choose an earlier start, or ask again when the records reach up to it"),
        (1_200, "choose an earlier start and a shorter time before, or ask again when the records reach up to it"),
    ],
)
def test_a_start_beyond_the_records_is_told_to_be_earlier(before: int, hint: str) -> None:
    columns, _ = demonstration()
    place = build_point_place(-1.2350, 54.5742, dt.date(2027, 3, 1), name="the new service")
    with pytest.raises(DataError) as caught:
        evaluated(columns, place, Rule({"needle_litter": 1.0}, before_days=before))
    assert caught.value.hint == hint


def test_a_past_longer_than_the_records_is_told_to_be_shorter() -> None:
    columns, _ = demonstration()
    place = build_point_place(-1.2350, 54.5742, dt.date(2026, 3, 1), name="the new service")
    with pytest.raises(DataError) as caught:
        evaluated(columns, place, Rule({"needle_litter": 1.0}, before_days=1_200))
    assert caught.value.hint == "choose a shorter time before, or load the records that are missing"


def test_too_early_to_ask_is_said_and_the_rule_can_be_fixed_all_the_same() -> None:
    columns, _ = demonstration()
    place = build_point_place(-1.2350, 54.5742, dt.date(2026, 11, 10), name="the new service")
    protocol = build_protocol(columns, middlesbrough(), [place], NEEDLES, today=TODAY)
    with pytest.raises(DataError) as caught:
        measure_effect(columns, middlesbrough(), protocol)
    assert str(caught.value) == (
        "A comparison needs 28 days of records after the start; 12 days are known of the new service; "
        "fix the rule now, and ask again when more days are on record"
    )


def test_a_closure_is_named_by_its_event_id() -> None:
    columns, _ = demonstration()
    with Store.open(filled_store()) as store:
        listed = read_closures(store, ANALYST, columns, middlesbrough())
    assert len(listed) == 400
    assert listed["start"].is_monotonic_decreasing
    (place,) = select_closures(listed, [str(listed["event_id"].iloc[7])])
    assert place.name.startswith("the closure of ")
    with pytest.raises(UsageError) as caught:
        select_closures(listed, ["feed"])
    assert str(caught.value) == (
        "A closure is named by its event_id; there is no closed property 'feed' in this store; "
        "see `hexbeat evaluate --list` for all of them"
    )


def test_records_known_less_well_than_the_circle_are_a_caution() -> None:
    columns, _ = demonstration()
    snapped = dataclasses.replace(
        columns,
        location=np.full(len(columns), 1 + LOCATION_PRECISIONS.index("snapped"), dtype=columns.location.dtype),
        location_m=np.full(len(columns), 150, dtype=columns.location_m.dtype),
    )
    ((place, _), *_) = closures_of_truth(dt.date(2025, 2, 1), dt.date(2025, 5, 1))
    assert evaluated(columns, place).rough_places == ()
    (sentence,) = evaluated(snapped, place).rough_places
    assert sentence.startswith("Records of needle finds are snapped to ")
    assert sentence.endswith("So events within 150 m may be counted outside, and others inside.")
    assert sentence in build_verdict(evaluated(snapped, place)).details
