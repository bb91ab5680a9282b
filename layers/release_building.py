"""Builds a release from the store: what was published stays, what is due is added, and nothing else."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geo.calendar import Calendar
from geo.disclosure import carry_up
from geo.errors import UsageError
from layers.access import Viewer
from layers.areas import Area
from layers.catalogue import layer_named
from layers.places import Mask, read_mask
from layers.release_events import KnownEvents, read_events
from layers.release_format import FORMAT, Block, Period, Place, Release, ReleasedLayer
from layers.release_periods import due_periods, period_at, three_years_before
from layers.release_places import PlaceTree, grow_tree, whole_tree
from layers.release_policy import LayerPolicy, ReleasePolicy
from layers.release_register import Frozen, Registered, require_same_terms
from layers.release_words import CLAIM, LIMITS
from layers.store import Store

__all__ = ["Draft", "build_draft", "grow_trees"]

_POLICE_UK = {
    "name": "police-uk",
    "title": "data.police.uk",
    "note": (
        "Contains police data from data.police.uk under the Open Government Licence v3.0. The police publish these "
        "events at the nearest of a list of points, not where they happened, and by month."
    ),
}


@dataclass(frozen=True, eq=False)
class Draft:
    """A release that nobody has seen yet. `hidden` (layer, period: events in no block) is for the publisher alone."""

    release: Release
    frozen: Frozen
    first: dict[str, str]
    hidden: dict[str, dict[str, int]]
    is_new: bool


def build_draft(
    store: Store,
    viewer: Viewer,
    area: Area,
    policy: ReleasePolicy,
    *,
    as_at: dt.date,
    now: dt.datetime,
    earlier: list[Registered],
) -> Draft:
    """The release as at the end of a local day, given every one before it.

    Periods that are due and were never published are counted from what is known then; all others are taken from the
    last release as they stand. With nothing new the last release is the answer. Raises UsageError for a day that is
    still to come or before the last release, AreaError without a mask, PolicyError if a term changed.
    """
    _require_day(as_at, now.astimezone(area.tz).date(), earlier)
    last = earlier[-1] if earlier else None
    trees = grow_trees(area, read_mask(area), policy)
    first = _first_days(policy, as_at, last)
    layers = tuple(_layer(entry, dt.date.fromisoformat(first[entry.name]), as_at) for entry in policy.layers)
    frozen: Frozen = {name: dict(periods) for name, periods in last.frozen.items()} if last else {}
    fresh = [(layer, period) for layer in layers for period in layer.periods if not _is_frozen(frozen, layer, period)]
    places = {place.place_id: place for name in sorted(trees) for place in trees[name].places}
    old = list(last.release.blocks) if last else []
    if last:
        require_same_terms(last.release, Release(last.release.facts, layers, places, tuple(old)))
    if last and not fresh:
        return Draft(last.release, last.frozen, last.first, {}, is_new=False)
    moment = min(now, _end_of(as_at, area))
    known = read_events(store, viewer, moment=moment, ward_codes=tuple(area.wards.codes))
    counted = _with_periods(known, layers, frozen, area, trees)
    new, hidden = [], dict[str, dict[str, int]]()
    for layer, period in fresh:
        blocks, rest = _blocks(counted, layer, period, trees[layer.place_set])
        new += blocks
        hidden.setdefault(layer.name, {})[period.name] = rest
        frozen.setdefault(layer.name, {})[period.name] = known.last_row
    order = {(layer.name, period.name): k for k, (layer, period) in enumerate(_spans(layers))}
    blocks = sorted([*old, *new], key=lambda block: order[block.layer, block.period])
    release = Release(_facts(area, policy, known, as_at, earlier), layers, places, tuple(blocks))
    return Draft(release, frozen, first, hidden, is_new=True)


def grow_trees(area: Area, mask: Mask, policy: ReleasePolicy) -> dict[str, PlaceTree]:
    """Every set of places that the policy's layers use, by its name."""
    trees = {}
    for layer in policy.layers:
        name = layer.place_set
        if name not in trees:
            trees[name] = (
                whole_tree(area, name)
                if layer.places == "borough"
                else grow_tree(area, mask, name, floor=policy.floor, least_spots=layer.least_spots)
            )
    return trees


def _require_day(as_at: dt.date, today: dt.date, earlier: list[Registered]) -> None:
    rule = "A release is as at a day from that of the last release to today"
    if as_at > today:
        raise UsageError(rule, f"{as_at} is still to come", "leave --as-at out")
    if earlier and as_at.isoformat() < earlier[-1].release.facts["as_at"]:
        last = earlier[-1].release.facts["as_at"]
        raise UsageError(rule, f"the last is as at {last}", "choose that day or a later one")


def _first_days(policy: ReleasePolicy, as_at: dt.date, last: Registered | None) -> dict[str, str]:
    """From which day each layer's periods run: fixed by its first release, and never by the data."""
    first = (policy.first or three_years_before(as_at)).isoformat()
    before = last.first if last else {}
    return {layer.name: before.get(layer.name, first) for layer in policy.layers}


def _layer(entry: LayerPolicy, first: dt.date, as_at: dt.date) -> ReleasedLayer:
    spec = layer_named(entry.name)
    return ReleasedLayer(
        spec.name, spec.title, spec.one, spec.many, spec.kind, entry.k, entry.months, entry.place_set,
        entry.minimum_places, entry.counted, due_periods(first, as_at, entry.months),
    )  # fmt: skip


def _is_frozen(frozen: Frozen, layer: ReleasedLayer, period: Period) -> bool:
    return period.name in frozen.get(layer.name, {})


def _spans(layers: tuple[ReleasedLayer, ...]) -> list[tuple[ReleasedLayer, Period]]:
    return [(layer, period) for layer in layers for period in layer.periods]


def _end_of(day: dt.date, area: Area) -> dt.datetime:
    """The last second of a local day."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=area.tz) - dt.timedelta(seconds=1)


def _with_periods(
    known: KnownEvents,
    layers: tuple[ReleasedLayer, ...],
    frozen: Frozen,
    area: Area,
    trees: dict[str, PlaceTree],
) -> dict[str, pd.DataFrame]:
    """For each layer its events with the columns `period` and `leaf` (the place in its tree).

    An event counts in the period in which it began, by its first version; one that was received after that period was
    frozen counts in the period of its receipt.
    """
    calendar = Calendar(area.time_zone)
    counted = {}
    for layer in layers:
        frame = known.frame[known.frame["layer"] == layer.name]
        began = _names(frame["occurred_from"], calendar, layer.months)
        received = _names(frame["recorded_at"], calendar, layer.months)
        limits = frozen.get(layer.name, {})
        late = [limits.get(name, row) < row for name, row in zip(began, frame["row_id"].tolist(), strict=True)]
        leaf = trees[layer.place_set].find_leaves(
            frame["h3_09"].astype(np.uint64).tolist(), frame["ward_code"].tolist()
        )
        period = np.where(np.array(late, dtype=bool), np.array(received, dtype=str), np.array(began, dtype=str))
        counted[layer.name] = frame.assign(period=period, leaf=leaf)
    return counted


def _names(seconds: "pd.Series[int]", calendar: Calendar, months: int) -> list[str]:
    """The name of the period of each instant (UTC seconds)."""
    days = calendar.days(np.array(seconds, dtype=np.int64)).tolist()
    epoch = dt.date(1970, 1, 1)
    names = {day: period_at(epoch + dt.timedelta(days=day), months).name for day in set(days)}
    return [names[day] for day in days]


def _blocks(
    counted: dict[str, pd.DataFrame], layer: ReleasedLayer, period: Period, tree: PlaceTree
) -> tuple[list[Block], int]:
    """The blocks of one layer and period, in the order of its places, and how many events none of them holds."""
    frame = counted[layer.name]
    frame = frame[frame["period"] == period.name]
    counts = np.bincount(frame["leaf"], minlength=len(tree.places)).astype(np.int64)
    spots = frame[["leaf", "h3_11"]].drop_duplicates()
    spread = np.bincount(spots["leaf"], minlength=len(tree.places)).astype(np.int64)
    fewest = layer.minimum_places
    carried = carry_up(counts, tree.parent, k=layer.k, places=spread if fewest else None, minimum_places=fewest or 1)
    shown = np.flatnonzero(carried.published).tolist()
    return [_block(layer, period, tree.places[node], int(carried.count[node])) for node in shown], carried.hidden


def _block(layer: ReleasedLayer, period: Period, place: Place, count: int) -> Block:
    whole = place.level == "piece" or layer.place_set == "whole"
    label = place.label if whole else f"Elsewhere in {place.label}"
    return Block(layer.name, period.name, place.level, place.place_id, label, place.ward_code, count)


def _facts(
    area: Area, policy: ReleasePolicy, known: KnownEvents, as_at: dt.date, earlier: list[Registered]
) -> dict[str, Any]:
    """release.json without its layers: rules, words and provenance, and no number of events."""
    return {
        "format": FORMAT,
        "number": len(earlier) + 1,
        "as_at": as_at.isoformat(),
        "demonstration": known.demonstration or any(old.release.facts["demonstration"] for old in earlier),
        "area": {
            "name": area.name,
            "title": area.title,
            "vintage": area.vintage,
            "time_zone": area.time_zone,
            "licence": area.licence,
            "attribution": area.attribution,
        },
        "licence": policy.licence,
        "sources": [*policy.sources, *([_POLICE_UK] if known.police_uk else [])],
        "wording": {"claim": CLAIM, "limits": list(LIMITS)},
        "previous": [
            {"number": old.number, "as_at": old.release.facts["as_at"], "checksum": old.checksum} for old in earlier
        ],
    }
