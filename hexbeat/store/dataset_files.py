"""The files of a dataset, wherever they lie: each is read only if it is as export wrote it."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from geo.errors import DataError, UsageError
from hexbeat.store.datasets import DatasetFile
from hexbeat.store.schema import EVENT_TYPES
from layers.event import RESOLUTIONS

__all__ = ["NO_ROWS", "get_name", "read_bytes", "read_table", "refuse_odd"]

_NUMBERS: Final = frozenset({"occurred_from", "occurred_to", "quantity", "lon", "lat", "location_precision_m"})
NO_ROWS: Final = pa.table(
    {name: pa.array([], pa.timestamp("us", tz="UTC")) for name in ("occurred_from", "occurred_to")}
    | {name: pa.array([], pa.float64()) for name in ("lon", "lat", "location_precision_m")}
    | {"quantity": pa.array([], pa.int64())}
    | {
        name: pa.array([], pa.dictionary(pa.int32(), pa.string()))
        for name in (
            "time_precision", "ward_code", "reported_by", "category", "source", "location_precision",
            *(f"h3_{resolution:02d}" for resolution in RESOLUTIONS),
        )
    }
)  # fmt: skip


def read_table(address: str, file: DatasetFile, names: Sequence[str], *, is_whole: bool = False) -> pa.Table:
    """These columns of one file, texts as dictionaries; DataError if it is not as export wrote it.

    Its size, its number of events, its columns and the check sums of their pages are looked at. Where it is read whole
    its SHA-256 is, too: a count of a large dataset reads a few columns, and would wait for all the others.
    """
    try:
        table = _read_columns(address, file, names, is_whole=is_whole)
    except KeyError as error:  # a column that is to be read as a dictionary is not there
        raise _build_error(address, f"{file.path} has other columns than an export writes") from error
    except (OSError, ValueError, NotImplementedError, pa.ArrowException) as error:
        raise _build_error(address, f"{file.path} cannot be read") from error
    if table.num_rows != file.events:
        raise _build_error(address, f"{file.path} holds {table.num_rows:,} events instead of {file.events:,}")
    for name in names:
        if table[name].null_count and not EVENT_TYPES[name][1]:
            raise _build_error(address, f"{file.path} has no {name} for some events")
    return table


def _read_columns(address: str, file: DatasetFile, names: Sequence[str], *, is_whole: bool) -> pa.Table:
    texts = [name for name in names if name not in _NUMBERS]
    source = _find_source(address, file.path)
    size = Path(source).stat().st_size if isinstance(source, str) else source.seek(0, os.SEEK_END)
    if size != file.size_bytes:
        raise _build_error(address, f"{file.path} has {size:,} bytes instead of {file.size_bytes:,}")
    if not isinstance(source, str):
        source.seek(0)
    if is_whole:
        content = Path(source).read_bytes() if isinstance(source, str) else bytes(source.read())
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise _build_error(address, f"{file.path} was altered since it was exported")
        source = pa.BufferReader(content)
    with pq.ParquetFile(source, read_dictionary=texts, page_checksum_verification=True) as parquet:
        if not _has_columns(parquet.schema_arrow, names):
            raise _build_error(address, f"{file.path} has other columns than an export writes")
        return parquet.read(columns=list(names), use_threads=False)


def _has_columns(schema: pa.Schema, names: Sequence[str]) -> bool:
    """Whether the columns that are read are there once, and of the type that an export gives them."""
    types = [[schema.field(place).type for place in schema.get_all_field_indices(name)] for name in names]
    return types == [[NO_ROWS[name].type] for name in names]


@contextmanager
def refuse_odd(address: str, file: DatasetFile) -> Iterator[None]:
    """DataError for values that no export writes, wherever they are noticed."""
    try:
        yield
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError, pa.ArrowException) as error:
        raise _build_error(address, f"{file.path} holds values that no export writes") from error


def read_bytes(address: str, path: str) -> bytes:
    """The content of a small file of a dataset; DataError if it cannot be read."""
    try:
        source = _find_source(address, path)
        return Path(source).read_bytes() if isinstance(source, str) else bytes(source.read())
    except OSError as error:
        raise _build_error(address, f"{path} cannot be read") from error


def _find_source(address: str, path: str) -> Any:
    """What holds a file of a dataset: its path, or an open file of fsspec."""
    if "://" not in address:
        return str(Path(address) / path)
    try:
        file_system, root = import_module("fsspec.core").url_to_fs(address)
        return file_system.open(f"{root.rstrip('/')}/{path}", "rb")
    except ImportError as error:
        raise UsageError(
            "Datasets at an address with :// are read by fsspec",
            "it, or its part for this kind of address, is not installed",
            "install Hexbeat with its extra dask, and what fsspec names for the address",
        ) from error
    except ValueError as error:
        raise _build_error(address, "the address is of no kind that fsspec knows") from error
    except OSError as error:
        raise _build_error(address, f"{path} cannot be read") from error
    except Exception as error:  # what the clients of object stores raise has no common root
        raise _build_error(address, f"{path} cannot be read ({type(error).__name__})") from error


def get_name(address: str) -> str:
    """The last part of an address: others may hold keys."""
    return PurePosixPath(address.rstrip("/").partition("?")[0]).name or "the dataset"


def _build_error(address: str, fact: str) -> DataError:
    return DataError(
        "A dataset is a folder that hexbeat export wrote, with all of its files",
        f"{get_name(address)}: {fact}",
        "look at the address, or export it again",
    )
