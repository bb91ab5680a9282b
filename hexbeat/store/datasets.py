"""Live events as a dataset: a folder of GeoParquet files by layer and month, which DuckDB, Spark and others read.

The files lie under layer=LAYER/month=YYYY-MM (the local month in which an event began, as Hive names partitions),
sorted by cell. `_hexbeat.json` says what the folder holds: programs that read the files pass names with an underscore.
"""

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Final, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.calendar import Calendar, format_month, parse_month
from geo.errors import DataError, UsageError
from hexbeat.files import hash_file
from hexbeat.folders import build_folder
from hexbeat.store.event_table import LiveTable, read_live_table
from hexbeat.store.geoparquet import add_geometry, write_geoparquet
from hexbeat.store.store import Store
from layers.access import Viewer
from layers.catalogue import LAYER_NAMES
from layers.coverage import COVERAGE_KINDS, Coverage, CoverageEntry
from layers.event import DEMONSTRATION

__all__ = ["DESCRIPTION", "Dataset", "DatasetFile", "export_dataset", "parse_dataset"]

DESCRIPTION: Final = "_hexbeat.json"
_FORMAT: Final = "hexbeat dataset 1"
_FILE_ROWS: Final = 1_000_000  # one task of a cluster reads one file
_MOST: Final = 2**53  # what other readers of JSON keep exactly


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file: where it lies in the dataset, and how many events it holds.

    `first` is the UTC second in which the earliest begins, `last` that in which the latest ends. `placed` of them lie
    in wards of the area, `synthetic` of these are of the demonstration. `categories` are theirs. `size_bytes` and
    `sha256` (hexadecimal) are those of the file.
    """

    path: str
    layer: str
    month: str
    events: int
    first: int
    last: int
    placed: int
    synthetic: int
    categories: tuple[str, ...]
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """What a dataset holds: live events of one store version, of the layers whose records its maker may see."""

    area: str
    time_zone: str
    ward_codes: tuple[str, ...]
    version: int
    layers: tuple[str, ...]
    coverage: Coverage
    files: tuple[DatasetFile, ...]


def export_dataset(
    store: Store, viewer: Viewer, out: Path, *, area: str, time_zone: str, ward_codes: Sequence[str],
    before: Callable[[int], object] = int,
) -> int:  # fmt: skip
    """Write every live event whose record the viewer may see into the folder `out`; return how many.

    It replaces a dataset that lies there, and appears whole or not at all, for its own user (modes 0700 and 0600).
    `before` is called with the number first. UsageError if its parent is missing, if it holds anything else or if it is
    the working folder or above it; PolicyError if the viewer may not export.
    """
    _require_free(out)
    live = read_live_table(store, viewer, ward_codes=tuple(ward_codes))
    before(live.table.num_rows)
    with build_folder(out) as draft:
        files = list(_write_files(live, draft, time_zone=time_zone, ward_codes=ward_codes))
        dataset = Dataset(area, time_zone, tuple(ward_codes), live.version, live.layers, live.coverage, tuple(files))
        text = json.dumps(_describe(dataset), indent=1, ensure_ascii=False)
        (draft / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8")
        _require_free(out)  # as it is now: somebody may have put a file there meanwhile
    return int(live.table.num_rows)


def _require_free(out: Path) -> None:
    """UsageError if the folder cannot be made, or holds what is no file of a dataset: it would be lost."""
    name = out.name or str(out)
    try:
        if not out.absolute().parent.is_dir():
            raise UsageError(
                "An export needs a folder that exists",
                f"{out.parent} does not exist",
                "create it first, or choose another",
            )
        if Path.cwd().is_relative_to(out.resolve()):
            raise UsageError(
                "A dataset is a folder of its own",
                f"{name} is the folder in which you are, or holds it",
                "name a folder that is new or empty, as in --out events",
            )
        is_free = not out.is_dir() or _holds_only_dataset(out)
    except OSError as error:
        raise UsageError(
            "A dataset needs a folder that can be looked into",
            f"{name} cannot be ({error.strerror or type(error).__name__})",
            "choose another name or folder",
        ) from error
    if not is_free:
        raise UsageError(
            "A dataset replaces an older dataset, and nothing else",
            f"{name} holds other files",
            "choose another folder, or one that is empty",
        )


def _holds_only_dataset(folder: Path) -> bool:
    """Whether a folder is empty, or holds a description of this version and no more than the files that it lists.

    A listed file may be missing: to export again repairs a damaged dataset. OSError if it cannot be looked into.
    """
    entries = {path.relative_to(folder).as_posix(): path.is_dir() and not path.is_symlink() for path in _walk(folder)}
    if not entries:
        return True
    try:
        files = parse_dataset((folder / DESCRIPTION).read_bytes().decode("utf-8")).files
    except (DataError, UnicodeDecodeError, FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False
    paths = {file.path for file in files}
    folders = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
    return all(path in (folders if is_folder else {*paths, DESCRIPTION}) for path, is_folder in entries.items())


def _walk(folder: Path) -> Iterator[Path]:
    """Whatever lies in a folder, at any depth; links are not followed."""
    for entry in folder.iterdir():
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)


def _write_files(live: LiveTable, folder: Path, *, time_zone: str, ward_codes: Sequence[str]) -> Iterator[DatasetFile]:
    """Write the files of each layer and month, sorted by cell, and say what they hold."""
    table = live.table
    month = Calendar(time_zone).months(pc.cast(table["occurred_from"], pa.int64()).to_numpy())
    layer = _find_codes(table["layer"], LAYER_NAMES)
    cell = _rank_texts(table["h3_11"].combine_chunks())
    order = np.lexsort((cell, month, layer))
    places = np.column_stack([layer[order], month[order]])
    bounds = [0, *(np.flatnonzero((places[1:] != places[:-1]).any(axis=1)) + 1).tolist(), len(order)]
    for start, end in pairwise(bounds if len(order) else ()):
        name, month_name = LAYER_NAMES[places[start, 0]], format_month(int(places[start, 1]))
        target = folder / f"layer={name}" / f"month={month_name}"
        target.mkdir(parents=True)
        for number, first in enumerate(range(start, end, _FILE_ROWS)):
            rows = table.take(order[first : min(end, first + _FILE_ROWS)])
            path = target / f"part-{number}.parquet"
            write_geoparquet(add_geometry(rows.drop_columns(["layer"])), path)
            place = path.relative_to(folder).as_posix()
            yield _describe_file(rows, path, place, name, month_name, ward_codes)


def _describe_file(
    table: pa.Table, path: Path, place: str, layer: str, month: str, ward_codes: Sequence[str]
) -> DatasetFile:
    placed = table.filter(pc.is_in(table["ward_code"].cast(pa.string()), pa.array(ward_codes, pa.string())))
    categories = pc.unique(placed["category"].cast(pa.string())).drop_null().to_pylist()
    first, last = pc.min(table["occurred_from"]).as_py(), pc.max(table["occurred_to"]).as_py()
    synthetic = pc.sum(pc.equal(placed["source"].cast(pa.string()), DEMONSTRATION)).as_py() or 0
    return DatasetFile(
        path=place,
        layer=layer,
        month=month,
        events=table.num_rows,
        first=int(first.timestamp()),
        last=int(last.timestamp()),
        placed=placed.num_rows,
        synthetic=synthetic,
        categories=tuple(sorted(filter(None, categories))),
        size_bytes=path.stat().st_size,
        sha256=hash_file(path),
    )


def _find_codes(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    """The place of each text of a dictionary column (n,) among the names."""
    coded = column.combine_chunks()
    places = np.array([names.index(name) for name in coded.dictionary.to_pylist()], dtype=np.int64)
    return places[coded.indices.to_numpy()] if len(coded) else places[:0]


def _rank_texts(coded: pa.DictionaryArray) -> NDArray[np.int64]:
    """A number for each text (n,) that sorts as the texts do."""
    rank = np.empty(len(coded.dictionary), dtype=np.int64)
    rank[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(rank))
    return np.asarray(rank[coded.indices.to_numpy()])


def _describe(dataset: Dataset) -> dict[str, Any]:
    """The dataset as JSON, from which `parse_dataset` makes it again."""
    coverage = [
        dataclasses.asdict(entry) | {"start": entry.start.isoformat(), "end": entry.end.isoformat()}
        for entry in dataset.coverage.entries
    ]
    return {
        "format": _FORMAT,
        "area": dataset.area,
        "time_zone": dataset.time_zone,
        "ward_codes": list(dataset.ward_codes),
        "version": dataset.version,
        "layers": list(dataset.layers),
        "coverage": coverage,
        "reporters": sorted(map(list, dataset.coverage.reporters)),
        "files": [dataclasses.asdict(file) for file in dataset.files],
    }


def parse_dataset(text: str) -> Dataset:
    """The dataset that `_hexbeat.json` describes; DataError for anything else, also if a fact does not fit another."""
    try:
        facts = json.loads(text, parse_constant=_refuse)
        if facts["format"] != _FORMAT:
            _refuse(facts["format"])
        ward_codes = _parse_texts(facts["ward_codes"])
        layers = _parse_texts(facts["layers"])
        calendar = Calendar(_parse_text(facts["time_zone"]))
        files = tuple(_parse_file(file, layers, calendar) for file in _parse_list(facts["files"]))
        if len({file.path for file in files}) < len(files) or not set(layers) <= set(LAYER_NAMES):
            _refuse(facts["files"])
        entries = tuple(map(_parse_entry, _parse_list(facts["coverage"])))
        reporters = frozenset(
            (_parse_text(layer), _parse_text(source), _parse_text(reporter))
            for layer, source, reporter in map(_parse_list, _parse_list(facts["reporters"]))
        )
        return Dataset(
            area=_parse_text(facts["area"]),
            time_zone=calendar.time_zone,
            ward_codes=ward_codes,
            version=_parse_number(facts["version"]),
            layers=tuple(name for name in LAYER_NAMES if name in layers),
            coverage=Coverage(entries, ward_codes, reporters),
            files=files,
        )
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, UsageError) as error:
        raise DataError(
            "A dataset is a folder that hexbeat export wrote",
            f"its {DESCRIPTION} cannot be read",
            "export it again with this version of Hexbeat",
        ) from error


def _refuse(fact: object) -> NoReturn:
    raise ValueError(fact)


def _parse_text(fact: object) -> str:
    if not isinstance(fact, str):
        _refuse(fact)
    fact.encode()  # half a character, which JSON can hold and no screen can show, is a ValueError
    return fact


def _parse_number(fact: object, *, least: int = 0) -> int:
    if type(fact) is not int or not least <= fact <= _MOST:  # true and false are numbers of Python
        _refuse(fact)
    return fact


def _parse_list(fact: object) -> list[Any]:
    if not isinstance(fact, list):
        _refuse(fact)
    return fact


def _parse_texts(fact: object) -> tuple[str, ...]:
    texts = tuple(map(_parse_text, _parse_list(fact)))
    if len(set(texts)) < len(texts):
        _refuse(fact)
    return texts


def _parse_file(facts: Mapping[str, Any], layers: Sequence[str], calendar: Calendar) -> DatasetFile:
    file = DatasetFile(
        path=_parse_text(facts["path"]),
        layer=_parse_text(facts["layer"]),
        month=_parse_text(facts["month"]),
        events=_parse_number(facts["events"]),
        first=_parse_number(facts["first"], least=-_MOST),
        last=_parse_number(facts["last"], least=-_MOST),
        placed=_parse_number(facts["placed"]),
        synthetic=_parse_number(facts["synthetic"]),
        categories=_parse_texts(facts["categories"]),
        size_bytes=_parse_number(facts["size_bytes"]),
        sha256=_parse_text(facts["sha256"]),
    )
    is_whole = (
        facts.keys() == {field.name for field in dataclasses.fields(DatasetFile)}
        and file.layer in layers
        and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", file.month)
        and re.fullmatch(
            rf"layer={re.escape(file.layer)}/month={file.month}/part-(0|[1-9][0-9]{{0,8}})\.parquet", file.path
        )
        and re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        and file.synthetic <= file.placed <= file.events
    )
    low, high = calendar.month_bounds(parse_month(file.month))
    if not is_whole or not low <= file.first < high or file.first > file.last:
        _refuse(facts)
    return file


def _parse_entry(facts: Mapping[str, Any]) -> CoverageEntry:
    layer, source, scope, kind = (_parse_text(facts[name]) for name in ("layer", "source", "scope", "kind"))
    start, end = (dt.date.fromisoformat(facts[name]) for name in ("start", "end"))
    if layer not in LAYER_NAMES or start > end:
        _refuse(facts)
    wards = None if facts["wards"] is None else _parse_texts(facts["wards"])
    return CoverageEntry(layer, source, scope, start, end, COVERAGE_KINDS[COVERAGE_KINDS.index(kind)], wards)
