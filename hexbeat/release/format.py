"""The format of a release, and reading one. Reading checks the checksums, the columns, and that every reference exists.

Nothing in the directory is trusted.
"""

import csv
import datetime as dt
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import merge
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import shape

from geo.errors import DataError
from hexbeat.files import escape_formula

__all__ = [
    "BLOCK_COLUMNS",
    "CHECKSUMS",
    "FORMAT",
    "LEVELS",
    "PLACE_COLUMNS",
    "Block",
    "Period",
    "Place",
    "Release",
    "ReleasedLayer",
    "hash_content",
    "parse_release",
    "read_files",
    "read_release",
    "select_files",
]

FORMAT: Final = "hexbeat-release/1"
LEVELS: Final = ("piece", "group", "ward", "borough")
CHECKSUMS: Final = "checksums.txt"
PLACE_COLUMNS: Final = ("place_id", "place_set", "level", "label", "ward_code", "parent_id", "possible_places")
BLOCK_COLUMNS: Final = (
    "layer",
    "period",
    "period_start",
    "period_end",
    "level",
    "place_id",
    "place_label",
    "ward_code",
    "count",
)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span [start, end) of local dates; `name` is as in "2026-Q3", "2026-H2", "2026"."""

    name: str
    start: dt.date
    end: dt.date


@dataclass(frozen=True, slots=True)
class ReleasedLayer:
    """A released layer: its names, its threshold k, the length of its periods in months, and its set of places.

    `periods` are published; `not_known` are due, but the records do not cover them whole. Both are in order of time.
    Together they leave no gap. release.json has the key "not_known" only if there is one.
    `officers`: whether the sources of its records include searches by police officers; a key only where it is true.
    """

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
    not_known: tuple[Period, ...] = ()
    officers: bool = False

    @property
    def due_periods(self) -> tuple[Period, ...]:
        """The published and the not known periods, in order of time."""
        return tuple(merge(self.periods, self.not_known, key=lambda period: period.start))


@dataclass(frozen=True, slots=True)
class Place:
    """One node of a tree of places. `ward_code` is None for a borough, `parent_id` for a root; `outline` is WGS 84.

    `possible_places`: the number of candidate places (H3 cells of resolution 11) of a piece, or, in a set for a minimum
    of places, the number of those of which no two touch; None for other levels.
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
    """One published number: the events of a layer and period in a place, without those in smaller blocks."""

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
        return read_release(folder)

    def layer(self, name: str) -> ReleasedLayer:
        """The released layer of that name; DataError if it is not released."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        released = ", ".join(layer.name for layer in self.layers)
        raise DataError(
            "A release may have only some of the layers", f"this release has no {name!r}", f"choose from {released}"
        )

    def find_blocks(self, layer: str, period: str) -> tuple[Block, ...]:
        """The blocks of a layer and period, in the order of blocks.csv; empty if nothing is published."""
        return self._by_period.get((layer, period), ())

    def covering(self, layer: str, period: str) -> dict[str, Block | None]:
        """For each piece of the layer's places (the borough if there are no pieces) the block that it is part of.

        None if its number is hidden. A map draws all pieces of one block in the same way, with the count of the block.
        """
        blocks = {block.place_id: block for block in self.find_blocks(layer, period)}
        place_set = self.layer(layer).place_set
        covering: dict[str, Block | None] = {}
        for place in self.leaves(place_set):
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
        blocks_of_period: dict[tuple[str, str], list[Block]] = {}
        for block in self.blocks:
            blocks_of_period.setdefault((block.layer, block.period), []).append(block)
        return {key: tuple(blocks) for key, blocks in blocks_of_period.items()}

    @cached_property
    def _leaves(self) -> dict[str, tuple[Place, ...]]:
        parents = {place.parent_id for place in self.places.values()}
        leaves_of_set: dict[str, list[Place]] = {}
        for place in self.places.values():
            if place.place_id not in parents:
                leaves_of_set.setdefault(place.place_set, []).append(place)
        return {key: tuple(places) for key, places in leaves_of_set.items()}


def hash_content(content: bytes) -> str:
    """SHA-256 in 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read_release(folder: Path) -> Release:
    """The release in a directory; DataError as `Release.read` says."""
    return parse_release(read_files(folder), name=folder.name)


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file that checksums.txt names, unchanged since it was written, and checksums.txt itself."""
    try:
        sums = (folder / CHECKSUMS).read_bytes()
        pairs = [line.split("  ", 1) for line in sums.decode().splitlines()]
        files = {name: (folder / Path(name).name).read_bytes() for _, name in pairs}
    except (OSError, ValueError) as error:
        raise _build_error(folder.name, f"one of its files cannot be read ({type(error).__name__})") from error
    return select_files(files | {CHECKSUMS: sums}, name=folder.name)


def select_files(files: Mapping[str, bytes], *, name: str) -> dict[str, bytes]:
    """Of these files of the release of that name, those that their checksums.txt names, unchanged, and it itself."""
    try:
        pairs = [line.split("  ", 1) for line in files[CHECKSUMS].decode().splitlines()]
        selected = {file: files[file] for _, file in pairs}
    except (KeyError, ValueError) as error:
        raise _build_error(name, f"one of its files cannot be read ({type(error).__name__})") from error
    changed = sorted(file for digest, file in pairs if hash_content(selected[file]) != digest)
    if changed:
        raise _build_error(name, f"{', '.join(changed)} has changed since it was written")
    return selected | {CHECKSUMS: files[CHECKSUMS]}


def parse_release(files: Mapping[str, bytes], *, name: str = "the release") -> Release:
    """The release in these files (name to content); DataError if they are not a release."""
    try:
        facts: dict[str, Any] = json.loads(files["release.json"])
        if not isinstance(facts, dict):
            raise _build_error(name, "its release.json holds no facts by name")
        if facts.get("format") != FORMAT:
            raise _build_error(name, f"its format is {facts.get('format')!r}, not {FORMAT!r}")
        layers = tuple(_parse_layer(entry) for entry in facts.pop("layers"))
        places = _parse_places(files)
        blocks = tuple(_parse_block(row) for row in _parse_rows(files["blocks.csv"], BLOCK_COLUMNS))
        _require_consistent(layers, places, blocks)
    except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise _build_error(name, f"its files do not fit together ({error})") from error
    return Release(facts=facts, layers=layers, places=places, blocks=blocks)


def _parse_layer(entry: dict[str, Any]) -> ReleasedLayer:
    periods: dict[str, Any] = {key: _parse_periods(entry[key]) for key in ("periods", "not_known") if key in entry}
    layer = ReleasedLayer(**(entry | periods))
    texts = (layer.name, layer.title, layer.one, layer.many, layer.kind, layer.place_set, layer.counted)
    numbers = (layer.k, layer.months, 0 if layer.minimum_places is None else layer.minimum_places)
    if any(type(text) is not str for text in texts) or any(type(number) is not int for number in numbers):
        raise ValueError(f"layer {layer.name} has a text in place of a number, or a number in place of a text")
    for name in ("half_full", "officers"):
        if type(getattr(layer, name)) is not bool:
            raise ValueError(f"{name} of layer {layer.name} is neither true nor false")
    return layer


def _parse_periods(entries: list[dict[str, str]]) -> tuple[Period, ...]:
    return tuple(
        Period(entry["name"], dt.date.fromisoformat(entry["start"]), dt.date.fromisoformat(entry["end"]))
        for entry in entries
    )


def _parse_places(files: Mapping[str, bytes]) -> dict[str, Place]:
    outlines, places = _parse_outlines(files["outlines.geojson"]), {}
    for row in _parse_rows(files["places.csv"], PLACE_COLUMNS):
        values: dict[str, Any] = row | {key: row[key] or None for key in ("ward_code", "parent_id")}
        values["possible_places"] = int(row["possible_places"]) if row["possible_places"] else None
        places[row["place_id"]] = Place(**values, outline=outlines[row["place_id"]])
    return places


@lru_cache(maxsize=2)
def _parse_outlines(content: bytes) -> Mapping[str, shapely.Geometry]:
    """The outlines by place. They are cached, because the releases of a series, which an audit reads, share a file."""
    features = json.loads(content)["features"]
    return {feature["properties"]["place_id"]: shape(feature["geometry"]) for feature in features}


def _parse_block(row: dict[str, str]) -> Block:
    values: dict[str, Any] = {key: row[key] for key in row if key not in ("period_start", "period_end")}
    return Block(**(values | {"ward_code": row["ward_code"] or None, "count": int(row["count"])}))


def _parse_rows(content: bytes, columns: tuple[str, ...]) -> list[dict[str, str]]:
    table = csv.DictReader(io.StringIO(content.decode(), newline=""))
    if tuple(table.fieldnames or ()) != columns:
        raise ValueError(f"the columns are {', '.join(table.fieldnames or ())}")
    return list(table)


def _require_consistent(
    layers: tuple[ReleasedLayer, ...], places: Mapping[str, Place], blocks: tuple[Block, ...]
) -> None:
    """ValueError unless each set has one tree, and each block occurs once with a layer, period and place that exist."""
    for place in places.values():
        parent = places[place.parent_id] if place.parent_id else None
        if place.level not in LEVELS or (
            parent and (parent.place_set != place.place_set or LEVELS.index(parent.level) <= LEVELS.index(place.level))
        ):
            raise ValueError(f"place {place.place_id} does not fit its tree")
        if any(escape_formula(text) != text for text in (place.place_id, place.label)):
            raise ValueError("the name of a place begins as a formula of a spreadsheet does")
    sets = {layer.name: layer.place_set for layer in layers}
    missing = set(sets.values()) - {place.place_set for place in places.values()}
    if missing:
        raise ValueError(f"there are no places {', '.join(sorted(missing))}")
    spans = {(layer.name, period.name) for layer in layers for period in layer.periods}
    block_keys = set()
    for block in blocks:
        place, key = places[block.place_id], (block.layer, block.period, block.place_id)
        fits = (block.layer, block.period) in spans and place.place_set == sets[block.layer]
        if not fits or place.level != block.level or key in block_keys:
            raise ValueError(f"a block of {block.place_id} in {block.period} does not fit its place")
        block_keys.add(key)


def _build_error(name: str, fact: str) -> DataError:
    return DataError(
        "A release has to be a folder that `hexbeat release build` wrote, unchanged",
        f"{name}: {fact}",
        "get it again from its publisher, or build it again",
    )
