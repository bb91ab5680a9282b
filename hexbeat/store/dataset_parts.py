"""Reads a dataset (hexbeat.store.datasets): what it holds, and each file as columns, as the store is read."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.counts import sum_groups
from geo.errors import DataError, UsageError
from hexbeat.store.dataset_files import NO_ROWS, get_name, read_bytes, read_table, refuse_odd
from hexbeat.store.datasets import DESCRIPTION, Dataset, DatasetFile, parse_dataset
from layers.access import Action, Viewer, list_layers, require
from layers.catalogue import LAYERS, find_layer_code
from layers.columns import Columns
from layers.event import DEMONSTRATION, LOCATION_PRECISIONS, PRECISIONS, REPORTERS, RESOLUTIONS
from layers.restriction import restrict_coverage
from layers.roles import NOTHING, POINTS, Detail

__all__ = ["ALL_FIELDS", "OpenDataset", "join_columns", "open_dataset", "read_part", "read_tally"]

# The fields of Columns that not every question needs, and the columns of a file that they take.
_FIELD_COLUMNS: Final = {
    "quantity": ("quantity",),
    "reported_by": ("reported_by",),
    "category": ("category",),
    "source": ("source",),
    "points": ("lon", "lat", "location_precision", "location_precision_m"),
}
ALL_FIELDS: Final = frozenset(_FIELD_COLUMNS)
_ALWAYS: Final = ("occurred_from", "occurred_to", "time_precision", "ward_code")


@dataclass(frozen=True, slots=True, eq=False)
class OpenDataset:
    """A dataset at an address, as a viewer may see it: `files` are those of the `layers` whose records they may see."""

    address: str
    dataset: Dataset
    layers: tuple[str, ...]
    files: tuple[DatasetFile, ...]

    @property
    def details(self) -> dict[str, Detail]:
        """The layers of which nothing is shown, for Columns."""
        return {spec.name: NOTHING for spec in LAYERS if spec.name not in self.layers}

    def list_files(
        self, layers: Iterable[str] = (), *, start: dt.date | None = None, end: dt.date | None = None
    ) -> list[DatasetFile]:
        """The files of these layers (none: all) with events at any time from one day to before another."""
        names, calendar = tuple(layers), Calendar(self.dataset.time_zone)
        low = calendar.day_start(start) if start else None
        high = calendar.day_start(end) if end else None
        return [
            file for file in self.files
            if (not names or file.layer in names)
            and (low is None or file.last >= low) and (high is None or file.first < high)
        ]  # fmt: skip

    def build_no_columns(self) -> Columns:
        """Columns without an event, that know what the dataset covers."""
        return self._complete(_build_columns(NO_ROWS, self.dataset.ward_codes, LAYERS[0].name, ALL_FIELDS, RESOLUTIONS))

    def build_category_columns(self) -> Columns:
        """Columns that know nothing but the words of the records: an event for each category of each layer."""
        pairs = sorted({(file.layer, word) for file in self.files for word in file.categories})
        words = ("", *sorted({word for _, word in pairs}))
        empty = self.build_no_columns()
        names = (name for name in Columns.__dataclass_fields__ if isinstance(getattr(empty, name), np.ndarray))
        zeros: dict[str, Any] = {name: np.zeros(len(pairs), dtype=getattr(empty, name).dtype) for name in names}
        layer = np.array([find_layer_code(layer) for layer, _ in pairs], dtype=np.uint8)
        category = np.array([words.index(word) for _, word in pairs], dtype=np.int32)
        return _replace(empty, **(zeros | {"layer": layer, "category": category, "categories": words}))

    def join(self, parts: Sequence[Columns]) -> Columns:
        """The columns of several parts as one, sorted by time."""
        return self._complete(join_columns(parts)) if parts else self.build_no_columns()

    def _complete(self, columns: Columns) -> Columns:
        details = {spec.name: self.details.get(spec.name, POINTS) for spec in LAYERS}
        return _replace(
            columns, coverage=restrict_coverage(self.dataset.coverage, details), details=self.details,
            version=self.dataset.version,
        )  # fmt: skip


def open_dataset(address: str, viewer: Viewer, *, ward_codes: tuple[str, ...], layers: Sequence[str]) -> OpenDataset:
    """What lies at an address: a folder, or any address that fsspec knows, as s3://bucket/events.

    `layers` are those of the question. DataError if it is no dataset of these wards; UsageError if it has not all of
    these layers; PolicyError if the viewer may see records of none.
    """
    require(viewer, Action.SEE_COUNTS)
    dataset = parse_dataset(read_bytes(address, DESCRIPTION).decode("utf-8", "replace"))
    if set(dataset.ward_codes) != set(ward_codes):
        raise DataError(
            "A dataset is counted in the wards for which it was exported",
            f"{get_name(address)} is of {dataset.area}, with other wards",
            "choose its area with --area, or export it again",
        )
    seen = list_layers(viewer, Action.SEE_RECORDS)
    if not seen:
        require(viewer, Action.SEE_RECORDS)
    for layer in layers:
        require(viewer, Action.SEE_RECORDS, layer)
        if layer not in dataset.layers:
            raise UsageError(
                "A dataset holds the layers whose records its maker may see",
                f"{get_name(address)} has no {layer}",
                f"choose one of {', '.join(dataset.layers)}, or export it again in a role that sees it",
            )
    visible = tuple(name for name in dataset.layers if name in seen)
    return OpenDataset(address, dataset, visible, tuple(file for file in dataset.files if file.layer in visible))


def read_part(
    address: str, file: DatasetFile, ward_codes: tuple[str, ...], *, fields: frozenset[str], resolutions: Sequence[int]
) -> Columns:
    """One file as columns sorted by time, of the events in these wards; fields that are not asked for hold zeros.

    DataError if it cannot be read, or is not as the dataset says. Where all columns are read, its SHA-256 is compared.
    """
    names = [
        *_ALWAYS, *(f"h3_{resolution:02d}" for resolution in resolutions),
        *(name for field in sorted(fields) for name in _FIELD_COLUMNS[field]),
    ]  # fmt: skip
    is_whole = fields == ALL_FIELDS and set(resolutions) == set(RESOLUTIONS)
    table = read_table(address, file, names, is_whole=is_whole)
    with refuse_odd(address, file):
        columns = _build_columns(table, ward_codes, file.layer, fields, resolutions)
        times = pc.min(table["occurred_from"]).value // 1_000_000, pc.max(table["occurred_to"]).value // 1_000_000
        if times != (file.first, file.last) or len(columns) != file.placed:
            raise ValueError(times)
        return columns


def read_tally(
    address: str, file: DatasetFile, ward_codes: tuple[str, ...], *, fields: frozenset[str], resolutions: Sequence[int]
) -> Columns:
    """One file as columns with one row for all equal events, at one time; `quantity` is their number or sum.

    Equal in ward, in the cell of a resolution and in the wanted fields of category, reporter and quantity.
    It is for questions that take the file's month whole. Errors as `read_part`.
    """
    sizes = [f"h3_{resolution:02d}" for resolution in resolutions]
    words = [name for name in ("reported_by", "category") if name in fields]
    names = ["ward_code", *sizes, *words, *(["quantity"] if "quantity" in fields else [])]
    table = read_table(address, file, names)
    with refuse_odd(address, file):
        return _tally(table, file, ward_codes, fields=fields, sizes=sizes, words=words, resolutions=resolutions)


def _tally(
    table: pa.Table, file: DatasetFile, ward_codes: tuple[str, ...], *, fields: frozenset[str], sizes: Sequence[str],
    words: Sequence[str], resolutions: Sequence[int],
) -> Columns:  # fmt: skip
    """The columns of `read_tally`."""
    coded = {name: _get_coded(table[name]) for name in ("ward_code", *sizes, *words)}
    width = [len(column.dictionary) + 1 for column in coded.values()]  # the last stands for null
    codes = [pc.fill_null(column.indices, len(column.dictionary)).to_numpy() for column in coded.values()]
    amount = _get_quantity(table) if "quantity" in fields else None
    group_codes, sums = sum_groups(codes, width, amount if amount is None else amount.astype(np.float64))
    rows = {
        name: pa.chunked_array([pa.DictionaryArray.from_arrays(_mark_null(place, column), column.dictionary)])
        for (name, column), place in zip(coded.items(), group_codes, strict=True)
    }
    none = NO_ROWS.take(pa.nulls(len(sums), pa.int64()))
    timestamps = pa.array(np.full(len(sums), file.first * 1_000_000), pa.timestamp("us", tz="UTC"))
    fixed = {"occurred_from": timestamps, "occurred_to": timestamps, "quantity": pa.array(sums.astype(np.int64))}
    filled = {name: none[name] for name in none.column_names} | rows | fixed
    minute = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(sums), dtype=np.int32)), pa.array([PRECISIONS[0]]))
    tally = pa.table(filled | {"time_precision": minute})
    return _build_columns(tally, ward_codes, file.layer, frozenset({"quantity", *words}), resolutions)


def _mark_null(place: NDArray[np.int64], column: pa.DictionaryArray) -> pa.Array:
    return pa.array(place.astype(np.int32), mask=place == len(column.dictionary))


def join_columns(parts: Sequence[Columns]) -> Columns:
    """Columns of several parts as one, sorted by time; the tables of codes are joined."""
    order = np.argsort(np.concatenate([part.start for part in parts]), kind="stable")
    tables = {
        name: tuple(sorted({word for part in parts for word in getattr(part, name)}))
        for name in ("categories", "sources")
    }
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])[order]
        for name in (
            "layer", "start", "end", "precision", "quantity", "reported_by", "ward", "lon", "lat", "location",
            "location_m", "demonstration",
        )
    }  # fmt: skip
    for name, table in (("category", "categories"), ("source", "sources")):
        codes = [_translate(getattr(part, table), tables[table])[getattr(part, name)] for part in parts]
        arrays[name] = np.concatenate(codes).astype(getattr(parts[0], name).dtype)[order]
    cell, cell_ids = {}, {}
    for resolution in parts[0].cell:
        ids = np.unique(np.concatenate([part.cell_ids[resolution] for part in parts]))
        codes = [np.searchsorted(ids, part.cell_ids[resolution])[part.cell[resolution]] for part in parts]
        cell_ids[resolution], cell[resolution] = ids, np.concatenate(codes).astype(np.int32)[order]
    return _replace(parts[0], **arrays, **tables, row_id=np.arange(len(order)), cell=cell, cell_ids=cell_ids)


def _build_columns(
    table: pa.Table, ward_codes: tuple[str, ...], layer: str, fields: frozenset[str], resolutions: Sequence[int]
) -> Columns:
    ward = _find_codes(table["ward_code"], ward_codes)
    start = _get_seconds(table["occurred_from"])
    order = np.argsort(start)
    if (ward < 0).any():
        order = order[ward[order] >= 0]
    none = np.zeros(len(order), dtype=np.int64)
    categories: tuple[str, ...] = ("",)
    sources: tuple[str, ...] = ("",) if len(order) else ()
    category = source = none
    if "category" in fields:
        categories, category = _number_texts(table["category"], order, always=("",))
    if "source" in fields:
        sources, source = _number_texts(table["source"], order)
    lon = lat = metres = none
    location = none
    if "points" in fields:
        lon, lat = (table[name].to_numpy()[order] for name in ("lon", "lat"))
        metres = np.nan_to_num(table["location_precision_m"].to_numpy()[order])
        known = pc.fill_null(table["location_precision"].cast(pa.string()), "").dictionary_encode()
        location = _find_known(known, ("", *LOCATION_PRECISIONS))[order]
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            raise ValueError(layer)
    cells = {size: _number_cells(table[f"h3_{size:02d}"], order) for size in resolutions}
    return Columns(
        version=0,
        row_id=np.arange(len(order)),
        layer=np.full(len(order), find_layer_code(layer), dtype=np.uint8),
        start=start[order],
        end=_get_seconds(table["occurred_to"])[order],
        precision=_find_known(table["time_precision"], PRECISIONS)[order].astype(np.uint8),
        quantity=(_get_quantity(table)[order] if "quantity" in fields else none + 1).astype(np.int32),
        reported_by=(_find_known(table["reported_by"], REPORTERS)[order] if "reported_by" in fields else none).astype(
            np.uint8
        ),
        category=category.astype(np.int32),
        categories=categories,
        ward=ward[order].astype(np.int16),
        ward_codes=ward_codes,
        lon=lon.astype(np.float64),
        lat=lat.astype(np.float64),
        source=source.astype(np.int16),
        sources=sources,
        location=location.astype(np.uint8),
        location_m=metres.astype(np.float32),
        cell={size: codes for size, (_, codes) in cells.items()},
        cell_ids={size: ids for size, (ids, _) in cells.items()},
        demonstration=np.array([name == DEMONSTRATION for name in sources or ("",)])[source],
    )


def _get_seconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """UTC seconds of a column of microseconds."""
    return np.asarray(pc.cast(times, pa.int64()).to_numpy() // 1_000_000)


def _get_coded(texts: pa.ChunkedArray) -> pa.DictionaryArray:
    return texts.unify_dictionaries().combine_chunks()


def _find_codes(texts: pa.ChunkedArray, names: Sequence[str], *, missing: int = -1) -> NDArray[np.int64]:
    """The place of each text (n,) among the names; `missing` where it is none of them, or null."""
    coded = _get_coded(texts)
    place = {name: number for number, name in enumerate(names)}
    table = np.array([*(place.get(text, missing) for text in coded.dictionary.to_pylist()), missing])
    return np.asarray(table[pc.fill_null(coded.indices, len(table) - 1).to_numpy()])


def _find_known(texts: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    """The place of each text (n,) among the names; ValueError if one is none of them."""
    codes = _find_codes(texts, names)
    if (codes < 0).any():
        raise ValueError(names)
    return codes


def _get_quantity(table: pa.Table) -> NDArray[np.int64]:
    """The quantity of each event (n,); ValueError for one that no event has."""
    quantity = np.asarray(table["quantity"].to_numpy())
    if (quantity < 0).any() or (quantity > np.iinfo(np.int32).max).any():
        raise ValueError(quantity)
    return quantity


def _number_texts(
    texts: pa.ChunkedArray, order: NDArray[np.int64], *, always: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The sorted texts, after those that are always there (null is the first), and the code of each event."""
    coded = _get_coded(texts)
    names = (*always, *sorted(set(coded.dictionary.to_pylist()) - set(always)))
    return names, _find_codes(texts, names, missing=0)[order]


def _number_cells(names: pa.ChunkedArray, order: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    coded = _get_coded(names)
    ids = np.array([int(name, 16) for name in coded.dictionary.to_pylist()], dtype=np.uint64)
    distinct, place = np.unique(ids, return_inverse=True)
    return distinct, place.astype(np.int32)[coded.indices.to_numpy()[order]]


def _translate(words: Sequence[str], table: Sequence[str]) -> NDArray[np.int64]:
    """The code in a table of each of the words."""
    return np.array([table.index(word) for word in words], dtype=np.int64)


def _replace(columns: Columns, **changes: Any) -> Columns:
    values = {name: getattr(columns, name) for name in Columns.__dataclass_fields__}
    return Columns(**(values | changes))
