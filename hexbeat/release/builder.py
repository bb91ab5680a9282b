"""Builds a release from the store: published periods stay as they are, and due periods are added if they are known.

A period is known if the records cover each of its days in every ward. If not, it is only named, and waits. A places
mask that was made from the events themselves is refused.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from geo.errors import PolicyError, UsageError
from hexbeat.areas.area import Area
from hexbeat.areas.places_mask import PlacesMask, read_places_mask
from hexbeat.release.block_counts import (
    Burst,
    PublishedPeriod,
    count_events,
    find_default_start,
    list_due_periods,
    tally_period,
)
from hexbeat.release.format import FORMAT, Period, Release, ReleasedLayer
from hexbeat.release.policy import LayerPolicy, ReleasePolicy
from hexbeat.release.received_events import KnownEvents, find_first_receipt, read_events
from hexbeat.release.register import (
    OriginCounts,
    RegisteredRelease,
    add_origin_counts,
    find_counted_events,
    find_outline,
    require_same_first,
    require_same_terms,
)
from hexbeat.release.release_places import PlaceTree, build_borough_tree, build_piece_tree
from hexbeat.release.release_text import CLAIM, LIMITS, SEARCHED_LAYER
from hexbeat.store.coverage_log import read_coverage
from hexbeat.store.store import Store
from layers.access import Viewer
from layers.catalogue import find_layer
from layers.coverage import Coverage

__all__ = ["Draft", "build_draft", "build_trees", "require_independent_mask"]

_LEAST_UNUSED_PART: Final = 3  # at least one in this many candidate places must never have had an event
_FEW_CANDIDATES: Final = 10  # in a ward with fewer candidate places, all may have had events by chance
_POLICE_UK = {
    "name": "police-uk",
    "title": "data.police.uk",
    "note": (
        "Contains police data from data.police.uk under the Open Government Licence v3.0. The police publish these "
        "events at the nearest of a list of points, not where they happened, and by month."
    ),
}
_POLICE_UK_SEARCHES = _POLICE_UK | {
    "note": (
        "Contains police data from data.police.uk under the Open Government Licence v3.0. The police publish these "
        "events at the nearest of a list of points, not where they happened. Searches by officers have their day, "
        "other events only their month."
    ),
}


@dataclass(frozen=True, eq=False)
class Draft:
    """A release before it is published.

    `counted_events`: event_id of every event that counts in a period that is published for the first time.
    `origin_counts`: how many of them by layer, period in which they began, and piece. `first_days`: the day on which
    each layer's periods begin. `hidden` (layer, period: events in no block) and `bursts` are for the publisher only.
    """

    release: Release
    counted_events: frozenset[str]
    origin_counts: OriginCounts
    first_days: dict[str, str]
    hidden: dict[str, dict[str, int]]
    bursts: tuple[Burst, ...]
    is_new: bool


def build_draft(
    store: Store,
    viewer: Viewer,
    area: Area,
    policy: ReleasePolicy,
    *,
    as_at: dt.date,
    now: dt.datetime,
    earlier: Sequence[RegisteredRelease],
    before: Sequence[RegisteredRelease] = (),
) -> Draft:
    """The release as at the end of a local day, given every one before it: `earlier` of this area, the oldest first.

    Periods that are due, known and were never published are counted from the events known on that day. All others are
    copied from the last release. If nothing is new, the last release is returned. `before`: the releases of other areas
    that this series continues; it begins where they end. UsageError for a day in the future or before the last release,
    AreaError without a mask, PolicyError if a term changed, and if no period would be known.
    """
    series = [*before, *earlier]
    _require_day(as_at, now.astimezone(area.tz).date(), series)
    last_release = earlier[-1] if earlier else None
    mask = read_places_mask(area)
    trees = build_trees(area, mask, policy)
    first_days = _find_first_days(policy, as_at, last_release, before)
    known_at = min(now, _find_day_end(as_at, area))
    coverage = read_coverage(store.engine, viewer, ward_codes=tuple(area.wards.codes), as_at=known_at)
    layers = _build_layers(policy, first_days, as_at, last_release, coverage)
    places = {place.place_id: place for name in sorted(trees) for place in trees[name].places}
    blocks = list(last_release.release.blocks) if last_release else []
    if last_release:
        require_same_first(policy.first, last_release)
        require_same_terms(last_release.release, Release(last_release.release.facts, layers, places, tuple(blocks)))
    published_spans = (
        {(layer.name, period) for layer, period in _list_spans(last_release.release.layers)} if last_release else set()
    )
    new_spans = [
        (layer, period) for layer, period in _list_spans(layers) if (layer.name, period) not in published_spans
    ]
    if last_release and not new_spans and _list_not_known(layers) == _list_not_known(last_release.release.layers):
        return Draft(last_release.release, frozenset(), {}, last_release.first_days, {}, (), is_new=False)
    _require_known(store, viewer, layers, coverage, known_at, area)
    known_events = read_events(store, viewer, as_at=known_at, area=area)
    if not earlier:  # later the mask stays the same, and its places fill with events
        require_independent_mask(mask, known_events.frame["h3_11"].to_numpy(dtype=np.uint64), area)
    _require_one_kind(known_events, series)
    layers = _name_officers(layers, known_events, series)
    counted_before = find_counted_events(series, known_events.frame["event_id"].tolist())
    frames = count_events(known_events, layers, _list_published_periods(series, area), counted_before, area, trees)
    tallies = [(layer, period, tally_period(frames[layer.name], layer, period, trees[layer.place_set]))
               for layer, period in new_spans]  # fmt: skip
    hidden, origin_counts = dict[str, dict[str, int]](), OriginCounts()
    for layer, period, tally in tallies:
        blocks += tally.blocks
        hidden.setdefault(layer.name, {})[period.name] = tally.hidden
        add_origin_counts(origin_counts, {layer.name: tally.sources})
    order = {(layer.name, period.name): k for k, (layer, period) in enumerate(_list_spans(layers))}
    blocks.sort(key=lambda block: order[block.layer, block.period])
    release = Release(_build_facts(area, policy, known_events, as_at, series), layers, places, tuple(blocks))
    counted_events = frozenset[str]().union(*(tally.event_ids for _, _, tally in tallies))
    bursts = tuple(burst for _, _, tally in tallies for burst in tally.bursts)
    return Draft(release, counted_events, origin_counts, first_days, hidden, bursts, is_new=True)


def build_trees(area: Area, mask: PlacesMask, policy: ReleasePolicy) -> dict[str, PlaceTree]:
    """Every set of places that the policy's layers use, by its name."""
    trees = {}
    for layer in policy.layers:
        name = layer.place_set
        if name not in trees:
            trees[name] = (
                build_borough_tree(area, name)
                if layer.places == "borough"
                else build_piece_tree(area, mask, name, floor=policy.floor, least_spots=layer.least_spots)
            )
    return trees


def _require_day(as_at: dt.date, today: dt.date, earlier: Sequence[RegisteredRelease]) -> None:
    rule = "The day of a release is today, or a past day not before the last release"
    if as_at > today:
        raise UsageError(rule, f"{as_at} is in the future", "leave --as-at out")
    if earlier and as_at.isoformat() < earlier[-1].release.facts["as_at"]:
        last_day = earlier[-1].release.facts["as_at"]
        raise UsageError(rule, f"the day of the last release is {last_day}", "choose that day or a later day")


def _require_one_kind(known_events: KnownEvents, series: Sequence[RegisteredRelease]) -> None:
    """PolicyError for demonstration and real events together: anybody can make the demonstration and subtract it."""
    has_demonstration = known_events.demonstration or any(old.release.facts["demonstration"] for old in series)
    if has_demonstration and known_events.real:
        raise PolicyError(
            "A series of releases has either demonstration events or real events",
            "the store holds both, or the series began with the demonstration",
            "remove the demonstration, or use another home folder and store if the series began with it",
        )


def _find_first_days(
    policy: ReleasePolicy, as_at: dt.date, last_release: RegisteredRelease | None, before: Sequence[RegisteredRelease]
) -> dict[str, str]:
    """The day on which each layer's periods begin: fixed by its first release, and never by the data.

    A series that continues another begins on the first day that the other did not publish.
    """
    first = policy.first or find_default_start(as_at)
    days = {layer.name: first for layer in policy.layers}
    for old in before:
        for layer in old.release.layers:
            end_day = layer.periods[-1].end if layer.periods else dt.date.fromisoformat(old.first_days[layer.name])
            days[layer.name] = max(end_day, policy.first or end_day)
    fixed_days = last_release.first_days if last_release else {}
    return {layer.name: fixed_days.get(layer.name, days[layer.name].isoformat()) for layer in policy.layers}


def _list_published_periods(series: Sequence[RegisteredRelease], area: Area) -> list[PublishedPeriod]:
    """Every period of each layer that was ever published, with the events counted of it in all releases together."""
    totals, latest = OriginCounts(), {old.area: old.release for old in series}
    for old in series:
        add_origin_counts(totals, old.origin_counts)
    periods = []
    for name, release in latest.items():
        outline = None if name == area.name else find_outline(release)
        for layer in release.layers:
            counts = totals.get(layer.name, {})
            periods += [
                PublishedPeriod(layer.name, period, counts.get(period.name, {}), outline) for period in layer.periods
            ]
    return periods


def _build_layers(
    policy: ReleasePolicy,
    first_days: dict[str, str],
    as_at: dt.date,
    last_release: RegisteredRelease | None,
    coverage: Coverage,
) -> tuple[ReleasedLayer, ...]:
    """Every layer with its due periods: published before, known whole, or else not known."""
    old_periods = {layer.name: layer.periods for layer in last_release.release.layers} if last_release else {}
    layers = []
    for entry in policy.layers:
        due_periods = list_due_periods(dt.date.fromisoformat(first_days[entry.name]), as_at, entry.months)
        published = tuple(
            period
            for period in due_periods
            if period in old_periods.get(entry.name, ())
            or coverage.judge(entry.name, (period.start, period.end)) == "known"
        )
        not_known = tuple(period for period in due_periods if period not in published)
        layers.append(_build_layer(entry, published, not_known))
    return tuple(layers)


def _build_layer(entry: LayerPolicy, periods: tuple[Period, ...], not_known: tuple[Period, ...]) -> ReleasedLayer:
    spec = find_layer(entry.name)
    return ReleasedLayer(
        spec.name, spec.title, spec.one, spec.many, spec.kind, entry.k, entry.months, entry.place_set,
        entry.minimum_places, entry.half_full, entry.counted, periods, not_known,
    )  # fmt: skip


def _name_officers(
    layers: tuple[ReleasedLayer, ...], known_events: KnownEvents, series: Sequence[RegisteredRelease]
) -> tuple[ReleasedLayer, ...]:
    """The layers, with `officers` where a source of searches was ever loaded.

    This is a fact about sources alone. Officers' records in other tables are not named, at no threshold: two stores
    that publish the same numbers would then give different bytes, and reveal records that are not shown.
    """
    named = {layer.name for old in series for layer in old.release.layers if layer.officers}
    if known_events.searches:
        named.add(SEARCHED_LAYER)
    return tuple(replace(layer, officers=layer.name in named) for layer in layers)


def _list_police_uk(known_events: KnownEvents, series: Sequence[RegisteredRelease]) -> list[dict[str, str]]:
    """data.police.uk, if it was ever named or loaded; its note names searches if those were."""
    sources = [source for old in series for source in old.release.facts["sources"]]
    if known_events.searches or _POLICE_UK_SEARCHES in sources:
        return [_POLICE_UK_SEARCHES]
    return [_POLICE_UK] if known_events.police_uk or _POLICE_UK in sources else []


def _list_not_known(layers: Sequence[ReleasedLayer]) -> list[tuple[str, tuple[Period, ...]]]:
    return [(layer.name, layer.not_known) for layer in layers]


def _require_known(
    store: Store,
    viewer: Viewer,
    layers: Sequence[ReleasedLayer],
    coverage: Coverage,
    known_at: dt.datetime,
    area: Area,
) -> None:
    """PolicyError if a release would publish no period at all because nothing is known: its zeros would stay for good.

    Where no period is due yet, it is enough that something of a layer is known.
    """
    if any(layer.periods for layer in layers):
        return
    first_receipt = find_first_receipt(store, viewer)
    if first_receipt is not None and first_receipt > known_at:
        raise PolicyError(
            "A first release needs records that were received by its day",
            f"on {known_at.astimezone(area.tz).date()} none had been received; the first were received on "
            f"{first_receipt.astimezone(area.tz).date()}",
            "choose that day or a later day, or leave --as-at out",
        )
    is_due = any(layer.not_known for layer in layers)
    if is_due or not any(coverage.find_reach(layer.name) for layer in layers):
        raise PolicyError(
            "A period is published only if the records cover all of it",
            f"{'no period that is due' if is_due else 'nothing'} is known whole in every ward of {area.title}",
            f"load the records, or correct what they cover: hexbeat coverage --area {area.name}",
        )


def _list_spans(layers: tuple[ReleasedLayer, ...]) -> list[tuple[ReleasedLayer, Period]]:
    return [(layer, period) for layer in layers for period in layer.periods]


def _find_day_end(day: dt.date, area: Area) -> dt.datetime:
    """The last second of a local day."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=area.tz) - dt.timedelta(seconds=1)


def _build_facts(
    area: Area, policy: ReleasePolicy, known_events: KnownEvents, as_at: dt.date, series: Sequence[RegisteredRelease]
) -> dict[str, Any]:
    """release.json without its layers: rules, wording and provenance, and no number of events.

    A source that was named once is named in all later releases.
    """
    return {
        "format": FORMAT,
        "number": sum(old.area == area.name for old in series) + 1,
        "as_at": as_at.isoformat(),
        "demonstration": known_events.demonstration or any(old.release.facts["demonstration"] for old in series),
        "area": {
            "name": area.name,
            "title": area.title,
            "vintage": area.vintage,
            "time_zone": area.time_zone,
            "licence": area.licence,
            "attribution": area.attribution,
        },
        "licence": policy.licence,
        "sources": [*policy.sources, *_list_police_uk(known_events, series)],
        "wording": {"claim": CLAIM, "limits": list(LIMITS)},
        "previous": [
            {
                "area": old.area,
                "number": old.number,
                "as_at": old.release.facts["as_at"],
                "checksum": old.checksum,
            }
            for old in series
        ],
    }


def require_independent_mask(mask: PlacesMask, event_spots: NDArray[np.uint64], area: Area) -> None:
    """PolicyError if a third of the candidate places or fewer never had an event, or none of a ward's.

    `event_spots`: the H3 cells of resolution 11 of all known events, of any layer. A mask made from the events
    themselves says that something happened in each of its pieces, and so proves that a number that is not shown is not
    0. A mask from elsewhere may be under the limit too, after many years of events at its own points: it then reveals
    almost as much.
    """
    used = np.isin(mask.candidate_cells, event_spots)
    if used.any() and (~used).sum() * _LEAST_UNUSED_PART <= len(used):
        raise _build_refusal(f"{used.sum():,} of the {len(used):,} spots of this list had events", area)
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in mask.candidate_cells.tolist()]).reshape(-1, 2).T
    ward = area.wards.locate(lon, lat)
    for code, name in enumerate(area.wards.names):
        used_in_ward = used[ward == code]
        if len(used_in_ward) >= _FEW_CANDIDATES and used_in_ward.all():
            raise _build_refusal(f"all {len(used_in_ward):,} spots of {name} had events", area)


def _build_refusal(fact: str, area: Area) -> PolicyError:
    return PolicyError(
        "A list of places says where events can happen, and must not reveal where they did",
        fact,
        f"make it from addresses or roads: hexbeat boundaries places FILE --area {area.name} --replace",
    )
