"""Which periods are due, in which single period each event counts, and which reports may be false."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.calendar import Calendar, find_month_start
from geo.cells import count_separate_places
from geo.disclosure import CarriedCounts, carry_up
from hexbeat.areas.area import Area
from hexbeat.release.format import Block, Period, Place, ReleasedLayer
from hexbeat.release.received_events import KnownEvents
from hexbeat.release.release_places import PlaceTree

__all__ = [
    "Burst",
    "PublishedPeriod",
    "Tally",
    "count_events",
    "find_default_start",
    "find_period",
    "list_due_periods",
    "tally_period",
]

_EPOCH: Final = dt.date(1970, 1, 1)
_KEPT_COLUMNS: Final = ("event_id", "h3_11", "reported_by", "leaf", "day", "source_period", "period")


@dataclass(frozen=True, slots=True)
class Burst:
    """A piece that is shown only because of public reports of one local day: k - 1 of them or more.

    For the publisher only: somebody may have made false reports, to learn how many others there were.
    """

    layer: str
    period: str
    place: str
    day: dt.date
    reports: int


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One layer and period: its blocks in the order of its places, the number of events in no block, and the bursts.

    `event_ids` are those of the events. `sources`: how many of them began in which period, in which piece.
    """

    blocks: tuple[Block, ...]
    hidden: int
    bursts: tuple[Burst, ...]
    event_ids: frozenset[str]
    sources: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, eq=False)
class PublishedPeriod:
    """A published period of a layer; `counts`: how many events that began in it were counted so far, by piece.

    `outline` is that of another area, whose series this one continues; None for the area itself. Of another area only
    the sum matters, because its pieces are others.
    """

    layer: str
    period: Period
    counts: Mapping[str, int]
    outline: shapely.Geometry | None = None


def count_events(
    known_events: KnownEvents,
    layers: Iterable[ReleasedLayer],
    past: Iterable[PublishedPeriod],
    counted_before: frozenset[str],
    area: Area,
    trees: Mapping[str, PlaceTree],
) -> dict[str, pd.DataFrame]:
    """For each layer its events, and the period in which each counts.

    Columns added: `period` (empty for an event that counts nowhere), `leaf` (the place in its tree), `day` (local,
    since 1970) and `source_period`, in which it began. `counted_before`: event_id of every event that counted before,
    in any layer; none counts again. An event counts in the period in which it began, by its first version. If that is
    one of the `past`, the event is late, and counts in the period in which it was received, or the next that is not one
    of the `past`. But only as many late events count as there are more of them now, in the piece and in all, than were
    counted so far. So a file that is loaded again, with other keys or after an undo, adds nothing. An event whose
    period is not published, because it is not due or not known, waits until it is.
    """
    calendar = Calendar(area.time_zone)
    past_periods = list(past)
    frames = {}
    for layer in layers:
        part = known_events.frame[known_events.frame["layer"] == layer.name].reset_index(drop=True)
        tree = trees[layer.place_set]
        began, received = (
            calendar.days(part[name].to_numpy(dtype=np.int64)) for name in ("occurred_from", "recorded_at")
        )
        leaf = tree.find_leaves(part["h3_09"].astype(np.uint64).tolist(), part["ward_code"].tolist())
        past_of_layer = [past_period for past_period in past_periods if past_period.layer == layer.name]
        own_period = _name_periods(began, layer.months)
        received_period = _name_periods(received, layer.months, [old.period for old in past_of_layer])
        part = part.assign(leaf=leaf, day=began)
        is_new = ~part["event_id"].isin(counted_before).to_numpy()
        period, source_period = np.where(is_new, own_period, ""), own_period.copy()
        for past_period in past_of_layer:
            is_inside = _find_inside(part, began, past_period)
            late_rows = _find_late_rows(part, is_inside, is_new, past_period, [place.place_id for place in tree.places])
            period[is_inside] = ""
            source_period[is_inside] = past_period.period.name
            period[late_rows] = received_period[late_rows]
        frames[layer.name] = part.assign(period=period, source_period=source_period)[list(_KEPT_COLUMNS)]
    return frames


def _find_inside(part: pd.DataFrame, began: NDArray[np.int64], old: PublishedPeriod) -> NDArray[np.bool_]:
    """Which events began in a past period, within its outline."""
    inside: NDArray[np.bool_] = (began >= (old.period.start - _EPOCH).days) & (began < (old.period.end - _EPOCH).days)
    if old.outline is not None:
        inside &= shapely.contains_xy(old.outline, part["lon"].to_numpy(float), part["lat"].to_numpy(float))
    return inside


def _find_late_rows(
    part: pd.DataFrame,
    inside: NDArray[np.bool_],
    new: NDArray[np.bool_],
    old: PublishedPeriod,
    place_ids: Sequence[str],
) -> NDArray[np.int64]:
    """The rows of events that began in a past period and count later: those beyond the number counted so far."""
    is_waiting = inside & new
    if not is_waiting.any():  # as after most periods
        return np.empty(0, dtype=np.int64)
    room = int(inside.sum()) - sum(old.counts.values())
    late_rows: list[int] = []
    waiting = part[is_waiting].sort_values(["leaf", "recorded_at", "event_id"])
    counts_now = np.bincount(part["leaf"][inside], minlength=len(place_ids))
    for leaf in waiting["leaf"].drop_duplicates().tolist():
        surplus = int(counts_now[leaf]) - (old.counts.get(place_ids[leaf], 0) if old.outline is None else 0)
        rows = waiting.index[waiting["leaf"] == leaf]
        late_rows += rows[: max(0, min(surplus, room - len(late_rows)))].tolist()
    return np.array(late_rows, dtype=np.int64)


def tally_period(frame: pd.DataFrame, layer: ReleasedLayer, period: Period, tree: PlaceTree) -> Tally:
    """The tally of one period, from the frame of `count_events` of that layer."""
    frame = frame[frame["period"] == period.name]
    counts = np.bincount(frame["leaf"], minlength=len(tree.places)).astype(np.int64)
    fewest, spread = layer.minimum_places, None
    if fewest:
        places_used = frame["h3_11"].to_numpy(dtype=np.uint64)
        spread = count_separate_places(places_used, frame["leaf"].to_numpy(dtype=np.int64), size=len(tree.places))
    carried_counts = carry_up(
        counts, tree.parent, k=layer.k, places=spread, minimum_places=fewest or 1, half_full=layer.half_full
    )
    published_nodes = np.flatnonzero(carried_counts.published).tolist()
    blocks = tuple(
        _build_block(layer, period, tree.places[node], int(carried_counts.count[node])) for node in published_nodes
    )
    began = frame["source_period"].to_numpy(dtype=object)
    leaf = frame["leaf"].to_numpy()
    sources = {name: _by_piece(leaf[began == name], tree) for name in sorted(set(began.tolist()))}
    bursts = _find_bursts(frame, layer, period, tree, carried_counts)
    return Tally(blocks, carried_counts.hidden, bursts, frozenset(frame["event_id"]), sources)


def _by_piece(leaves: NDArray[np.int64], tree: PlaceTree) -> dict[str, int]:
    """How many events are in each piece that has any."""
    pieces, numbers = np.unique(leaves, return_counts=True)
    return {tree.places[leaf].place_id: number for leaf, number in zip(pieces.tolist(), numbers.tolist(), strict=True)}


def _name_periods(days: NDArray[np.int64], months: int, earlier: Sequence[Period] = ()) -> NDArray[np.object_]:
    """The name of the period of each local day (since 1970), or of the next that shares no day with those taken."""
    names = {
        day: _find_free_period(_EPOCH + dt.timedelta(days=day), months, earlier).name for day in set(days.tolist())
    }
    return np.array([names[day] for day in days.tolist()], dtype=object)


def _find_free_period(day: dt.date, months: int, earlier: Sequence[Period]) -> Period:
    period = find_period(day, months)
    while any(period.start < other.end and other.start < period.end for other in earlier):
        period = find_period(period.end, months)
    return period


def _build_block(layer: ReleasedLayer, period: Period, place: Place, count: int) -> Block:
    is_whole = place.level == "piece" or layer.place_set == "whole"
    label = place.label if is_whole else f"Elsewhere in {place.label}"
    return Block(layer.name, period.name, place.level, place.place_id, label, place.ward_code, count)


def _find_bursts(
    frame: pd.DataFrame, layer: ReleasedLayer, period: Period, tree: PlaceTree, carried_counts: CarriedCounts
) -> tuple[Burst, ...]:
    if layer.place_set == "whole":
        return ()
    public = frame["reported_by"].to_numpy(dtype=object) == "public"
    pairs = list(zip(frame["leaf"][public].tolist(), frame["day"][public].tolist(), strict=True))
    bursts = []
    for (leaf, day), number in sorted(Counter(pairs).items()):
        if carried_counts.published[leaf] and number >= layer.k - 1 and carried_counts.count[leaf] - number < layer.k:
            date = _EPOCH + dt.timedelta(days=day)
            bursts.append(Burst(layer.name, period.name, tree.places[leaf].label, date, number))
    return tuple(bursts)


def find_period(day: dt.date, months: int) -> Period:
    """The period of so many months (1, 3, 6 or 12) in which a local day lies."""
    number = (day.month - 1) // months
    start = dt.date(day.year, number * months + 1, 1)
    end = find_month_start(start, months)
    name = {12: f"{day.year}", 6: f"{day.year}-H{number + 1}", 3: f"{day.year}-Q{number + 1}"}
    return Period(name.get(months, f"{day.year}-{day.month:02d}"), start, end)


def list_due_periods(first_day: dt.date, as_at: dt.date, months: int) -> tuple[Period, ...]:
    """The periods that may be published on the day `as_at`: whole ones from `first_day` on, each one period late."""
    periods = []
    period = find_period(first_day, months)
    if period.start < first_day:
        period = find_period(period.end, months)
    while find_month_start(period.end, months) <= as_at:
        periods.append(period)
        period = find_period(period.end, months)
    return tuple(periods)


def find_default_start(as_at: dt.date) -> dt.date:
    """The first day of a series if the policy names none: that of the year three years before."""
    return dt.date(as_at.year - 3, 1, 1)
