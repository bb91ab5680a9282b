"""A release: the directory that is published, as values, and its reader. It knows no store, no policy and no rule.

The directory holds, all in UTF-8:

release.json    format, number (1, 2, ... of this area's series), area, as_at, demonstration, licence, wording, sources,
                `previous` (number, as_at and checksum of every release before it), and `layers`: name, title, one,
                many, kind, k, months (of a period), place_set, minimum_places (or null), half_full (whether of
                places together at most half of what they could hold is shown), counted (what is counted, in a
                sentence) and `periods` (name, start, end) in order. A period with no block at all is listed too.
places.csv      place_id, place_set, level, label, ward_code, parent_id, possible_places: the tree of each set.
                Levels run from piece over group and ward to borough; a set may have a borough alone. possible_places:
                at how many spots of a piece events can happen, as fixed beforehand (in a set of pieces for a minimum of
                places: at how many that do not touch); empty for other levels.
blocks.csv      layer, period, period_start, period_end, level, place_id, place_label, ward_code, count: one row a
                published block. A block of a group, ward or borough is what is left there once its smaller blocks are
                taken out, hence "Elsewhere in ...". What no block covers is hidden.
outlines.geojson  one feature a place (properties: those of places.csv), WGS 84, 6 decimals.
dictionary.md, README.txt, LICENCE.txt   the words; checksums.txt   `sha256  name` of every other file, sorted by name.

Dates are local; `end` is the first day that no longer counts. Every figure that is shown must be a count of a block or
a sum of such counts: there is no other number in a release. Compute trends and ward figures from blocks alone.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import shapely

from geo.errors import DataError

__all__ = ["CHECKSUMS", "FORMAT", "LEVELS", "Block", "Period", "Place", "Release", "ReleasedLayer", "hash_content"]

FORMAT: Final = "hexbeat-release/1"
LEVELS: Final = ("piece", "group", "ward", "borough")
CHECKSUMS: Final = "checksums.txt"


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span [start, end) of local dates; `name` is as in "2026-Q3", "2026-H2", "2026"."""

    name: str
    start: dt.date
    end: dt.date


@dataclass(frozen=True, slots=True)
class ReleasedLayer:
    """A layer as it is released: its words, its threshold k, its period length in months, and which set of places."""

    name: str
    title: str
    one: str
    many: str
    kind: str
    k: int
    months: int
    place_set: str
    minimum_places: int | None
    half_full: bool
    counted: str
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One node of a tree of places. `ward_code` is None for a borough, `parent_id` for a root; `outline` is WGS 84.

    `possible_places`: at how many spots (H3 cells of resolution 11) of a piece events can happen, or, in a set for a
    minimum of places, at how many of which no two touch; None for other levels.
    """

    place_id: str
    place_set: str
    level: str
    label: str
    ward_code: str | None
    parent_id: str | None
    outline: shapely.Geometry
    possible_places: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One published number: the events of a layer and period in a place, without its smaller blocks."""

    layer: str
    period: str
    level: str
    place_id: str
    place_label: str
    ward_code: str | None
    count: int


@dataclass(frozen=True, eq=False)
class Release:
    """A whole release in memory. `facts` is release.json without its layers."""

    facts: Mapping[str, Any]
    layers: tuple[ReleasedLayer, ...]
    places: Mapping[str, Place]
    blocks: tuple[Block, ...]

    @classmethod
    def read(cls, folder: Path) -> "Release":
        """The release in a directory; DataError if a file is missing, changed since it was written, or malformed."""
        from layers.release.reading import read_release  # noqa: PLC0415 - the reader makes these classes

        return read_release(folder)

    def layer(self, name: str) -> ReleasedLayer:
        """The released layer of that name; DataError if it is not released."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        released = ", ".join(layer.name for layer in self.layers)
        raise DataError("A release has some of the layers", f"it has no {name!r}", f"choose from {released}")

    def blocks_of(self, layer: str, period: str) -> tuple[Block, ...]:
        """The blocks of a layer and period, as they stand in blocks.csv; empty if nothing is published."""
        return self._by_period.get((layer, period), ())

    def covering(self, layer: str, period: str) -> dict[str, Block | None]:
        """For each piece of the layer's places (the borough where there are no pieces) the block that it is part of.

        None where its number is hidden. This is what a map paints: all pieces of one block alike, with its one count.
        """
        blocks = {block.place_id: block for block in self.blocks_of(layer, period)}
        chosen = self.layer(layer).place_set
        covering: dict[str, Block | None] = {}
        for place in self.leaves(chosen):
            node: Place | None = place
            while node is not None and node.place_id not in blocks:
                node = self.places.get(node.parent_id or "")
            covering[place.place_id] = blocks[node.place_id] if node else None
        return covering

    def leaves(self, place_set: str) -> tuple[Place, ...]:
        """The smallest places of a set: its pieces, or the borough alone."""
        return self._leaves.get(place_set, ())

    @cached_property
    def _by_period(self) -> dict[tuple[str, str], tuple[Block, ...]]:
        found: dict[tuple[str, str], list[Block]] = {}
        for block in self.blocks:
            found.setdefault((block.layer, block.period), []).append(block)
        return {key: tuple(blocks) for key, blocks in found.items()}

    @cached_property
    def _leaves(self) -> dict[str, tuple[Place, ...]]:
        parents = {place.parent_id for place in self.places.values()}
        found: dict[str, list[Place]] = {}
        for place in self.places.values():
            if place.place_id not in parents:
                found.setdefault(place.place_set, []).append(place)
        return {key: tuple(places) for key, places in found.items()}


def hash_content(content: bytes) -> str:
    """SHA-256 in 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
