"""The published numbers of a ward or of the whole area: blocks, sums of blocks, and whether more may be hidden."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from geo.calendar import find_month_start
from hexbeat.release.format import Block, Period, Release, ReleasedLayer

__all__ = ["PublishedTotal", "ReleaseTotals", "join_periods"]


@dataclass(frozen=True, slots=True)
class PublishedTotal:
    """The published number of a place in a period.

    count: the sum of `blocks`. whole: it includes every event there; if not, some may be counted with a larger place or
    hidden, and the true number may be higher.
    """

    count: int
    whole: bool
    blocks: tuple[Block, ...]


def join_periods(periods: Sequence[Period]) -> list[Period]:
    """Periods that follow one another as one: "January 2025 to June 2026" in place of six quarters."""
    spans: list[Period] = []
    for period in periods:
        if spans and spans[-1].end == period.start:
            spans[-1] = Period(spans[-1].name, spans[-1].start, period.end)
        else:
            spans.append(period)
    return spans


class ReleaseTotals:
    """A release by wards and periods. Every number is a block's count or a sum of such counts."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self._coverings: dict[tuple[str, str], Mapping[str, Block | None]] = {}
        self._by_ward: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._larger: dict[tuple[str, str], frozenset[str]] = {}

    @property
    def title(self) -> str:
        """The title of the area."""
        return str(self.release.facts["area"]["title"])

    @cached_property
    def wards(self) -> dict[str, str]:
        """Code to name of every ward, in the order of their names."""
        names = {
            place.ward_code: place.label
            for place in self.release.places.values()
            if place.level == "ward" and place.ward_code
        }
        return dict(sorted(names.items(), key=lambda pair: (pair[1].casefold(), pair[0])))

    @cached_property
    def layers(self) -> tuple[ReleasedLayer, ...]:
        """The layers that have a period: those with a published one first, else in the order of the release.

        Periods in a row that are not known are one, under the name of the first: nobody wants to step through them.
        """
        due_layers = [
            replace(layer, not_known=tuple(join_periods(layer.not_known)))
            for layer in self.release.layers
            if layer.due_periods
        ]
        return tuple(sorted(due_layers, key=lambda layer: not layer.periods))

    def layer(self, name: str) -> ReleasedLayer:
        """One of `layers`, by name."""
        return next(layer for layer in self.layers if layer.name == name)

    def has_wards(self, layer: ReleasedLayer) -> bool:
        """Whether the layer is published for wards, and not only for the whole area."""
        return any(place.ward_code for place in self.release.leaves(layer.place_set))

    def covering(self, layer: ReleasedLayer, period: Period) -> Mapping[str, Block | None]:
        """The block of each smallest place, as `Release.covering` gives it; made once."""
        key = (layer.name, period.name)
        if key not in self._coverings:
            self._coverings[key] = self.release.covering(*key)
        return self._coverings[key]

    def count_shown(self, layer: ReleasedLayer, period: Period, ward: str | None = None) -> PublishedTotal:
        """The published total of a ward; None: of the whole area."""
        blocks = tuple(
            block
            for block in self.release.find_blocks(layer.name, period.name)
            if ward is None or block.ward_code == ward
        )
        covering = self.covering(layer, period)
        owners = (
            covering.values() if ward is None else [covering[name] for name in self._list_leaves(layer.place_set, ward)]
        )
        covers = [block is not None and (ward is None or block.ward_code == ward) for block in owners]
        return PublishedTotal(sum(block.count for block in blocks), bool(covers) and all(covers), blocks)

    def find_latest_period(self, layer: ReleasedLayer) -> Period:
        """The last published period; where none is published, the last that is not known."""
        return (layer.periods or layer.not_known)[-1]

    def find_next_period(self, layer: ReleasedLayer) -> tuple[Period, dt.date]:
        """The period after the last that was due, without a name, and the day from which it is published."""
        start = layer.due_periods[-1].end
        end = find_month_start(start, layer.months)
        return Period("", start, end), find_month_start(end, layer.months)

    def is_before_numbers(self, layer: ReleasedLayer, period: Period) -> bool:
        """Whether no number of the layer is published up to this published period: its records may have begun later."""
        upto = layer.periods[: layer.periods.index(period) + 1]
        return not any(self.release.find_blocks(layer.name, earlier.name) for earlier in upto)

    def find_first_period(self, layer: ReleasedLayer) -> Period | None:
        """The first period with a published number; None if there is none."""
        return next((period for period in layer.periods if self.release.find_blocks(layer.name, period.name)), None)

    def find_area_block(self, layer: ReleasedLayer, period: Period) -> Block | None:
        """The block of the whole area, which holds the events that no ward could show; None if there is none."""
        blocks = self.release.find_blocks(layer.name, period.name)
        return next((block for block in blocks if block.ward_code is None), None)

    def is_remainder(self, block: Block) -> bool:
        """Whether smaller places of this block's place have blocks of their own in the same period."""
        return block.place_id in self._find_enclosing_places(block.layer, block.period)

    def _list_leaves(self, place_set: str, ward: str) -> tuple[str, ...]:
        """The smallest places of a ward, by name."""
        if place_set not in self._by_ward:
            place_ids: dict[str, list[str]] = {}
            for place in self.release.leaves(place_set):
                place_ids.setdefault(place.ward_code or "", []).append(place.place_id)
            self._by_ward[place_set] = {code: tuple(names) for code, names in place_ids.items()}
        return self._by_ward[place_set].get(ward, ())

    def _find_enclosing_places(self, layer: str, period: str) -> frozenset[str]:
        """Every place that a block's place is part of."""
        key = (layer, period)
        if key not in self._larger:
            blocks = self.release.find_blocks(layer, period)
            self._larger[key] = frozenset(name for block in blocks for name in self._list_ancestors(block.place_id))
        return self._larger[key]

    def _list_ancestors(self, place_id: str) -> list[str]:
        ancestors = []
        parent = self.release.places[place_id].parent_id
        while parent:
            ancestors.append(parent)
            parent = self.release.places[parent].parent_id
        return ancestors
