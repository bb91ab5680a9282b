"""Which events count in which period, each once for good, and what looks planted among them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from geo.calendar import Calendar
from geo.disclosure import Carried, carry_up
from layers.areas import Area
from layers.release_events import KnownEvents
from layers.release_format import Block, Period, Place, ReleasedLayer
from layers.release_periods import period_at
from layers.release_places import PlaceTree

__all__ = ["Burst", "Tally", "count_events", "tally_period"]

_EPOCH: Final = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Burst:
    """A piece that is shown only because of public reports of one local day: k - 1 of them or more.

    For the publisher's eyes: somebody may have reported what did not happen, to learn what else was there.
    """

    layer: str
    period: str
    place: str
    day: dt.date
    reports: int


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One layer and period: its blocks in the order of its places, the number of events in none, and the bursts."""

    blocks: tuple[Block, ...]
    hidden: int
    bursts: tuple[Burst, ...]


def count_events(
    known: KnownEvents,
    layers: Iterable[ReleasedLayer],
    published: Mapping[str, Iterable[Period]],
    counted: frozenset[str],
    area: Area,
    trees: Mapping[str, PlaceTree],
) -> dict[str, pd.DataFrame]:
    """For each layer its events that may count, with the columns `period`, `leaf` (place in its tree) and `day`.

    `published`: the periods of each layer that were ever published; `counted`: event_id of every event that counted
    in one of them, in whatever layer. Those never count again. Another event counts in the period in which it began,
    by its first version; if that was published without it, in the period in which it was received.
    """
    calendar = Calendar(area.time_zone)
    frame = known.frame[~known.frame["event_id"].isin(counted)]
    found = {}
    for layer in layers:
        part = frame[frame["layer"] == layer.name]
        began, received = (
            calendar.days(part[name].to_numpy(dtype=np.int64)) for name in ("occurred_from", "recorded_at")
        )
        day = np.where(_within(began, published.get(layer.name, ())), received, began)
        leaf = trees[layer.place_set].find_leaves(part["h3_09"].astype(np.uint64).tolist(), part["ward_code"].tolist())
        found[layer.name] = part.assign(period=_names(day, layer.months), leaf=leaf, day=began)
    return found


def tally_period(frame: pd.DataFrame, layer: ReleasedLayer, period: Period, tree: PlaceTree) -> Tally:
    """What is published of one period, from the frame of `count_events` of that layer."""
    frame = frame[frame["period"] == period.name]
    counts = np.bincount(frame["leaf"], minlength=len(tree.places)).astype(np.int64)
    spots = frame[["leaf", "h3_11"]].drop_duplicates()
    spread = np.bincount(spots["leaf"], minlength=len(tree.places)).astype(np.int64)
    fewest = layer.minimum_places
    carried = carry_up(counts, tree.parent, k=layer.k, places=spread if fewest else None, minimum_places=fewest or 1)
    shown = np.flatnonzero(carried.published).tolist()
    blocks = tuple(_block(layer, period, tree.places[node], int(carried.count[node])) for node in shown)
    return Tally(blocks, carried.hidden, _bursts(frame, layer, period, tree, carried))


def _within(days: np.ndarray, periods: Iterable[Period]) -> np.ndarray:
    """Which days (since 1970) lie in one of the periods."""
    found = np.zeros(len(days), dtype=bool)
    for period in periods:
        found |= (days >= (period.start - _EPOCH).days) & (days < (period.end - _EPOCH).days)
    return found


def _names(days: np.ndarray, months: int) -> list[str]:
    """The name of the period of each local day (since 1970)."""
    names = {day: period_at(_EPOCH + dt.timedelta(days=day), months).name for day in set(days.tolist())}
    return [names[day] for day in days.tolist()]


def _block(layer: ReleasedLayer, period: Period, place: Place, count: int) -> Block:
    whole = place.level == "piece" or layer.place_set == "whole"
    label = place.label if whole else f"Elsewhere in {place.label}"
    return Block(layer.name, period.name, place.level, place.place_id, label, place.ward_code, count)


def _bursts(
    frame: pd.DataFrame, layer: ReleasedLayer, period: Period, tree: PlaceTree, carried: Carried
) -> tuple[Burst, ...]:
    if layer.place_set == "whole":
        return ()
    reports = frame[frame["reported_by"] == "public"].groupby(["leaf", "day"], as_index=False).size()
    found = []
    for leaf, day, number in reports[["leaf", "day", "size"]].to_numpy(dtype=np.int64).tolist():
        if carried.published[leaf] and number >= layer.k - 1 and carried.count[leaf] - number < layer.k:
            date = _EPOCH + dt.timedelta(days=day)
            found.append(Burst(layer.name, period.name, tree.places[leaf].label, date, number))
    return tuple(found)
