"""Results as plain data: JSON and arrays of numbers, from which nothing is ever run when they are read again.

A result is a dataclass of ours that holds numbers, texts, dates, tables and others of its kind. It is written as its
fields, and made again from them without running its constructor. Only dataclasses and enumerations of our own packages
are named, and a layer stands as its name. What is neither is refused, so that whoever writes it goes without.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import HexbeatError
from layers.catalogue import find_layer
from layers.layer_spec import LayerSpec

__all__ = ["NotPlainError", "Reader", "Writer"]

_OURS: Final = ("geo.", "layers.", "hexbeat.")
_PLAIN: Final = (bool, int, str)
_SEQUENCES: Final[dict[str, Callable[[Any], Any]]] = {
    "tuple": tuple,
    "list": list,
    "set": set,
    "frozenset": frozenset,
}
# A snapshot's file has no arrays of these types, which are kept as wider ones.
_KEPT_AS: Final = {"b1": "|u1", "i1": "<i2", "u2": "<i4", "u4": "<u8", "f2": "<f4"}


class NotPlainError(Exception):
    """A value that is not plain data, or data that no value was written as."""


class Writer:
    """Turns values into what JSON can hold; `arrays` collects the numbers that it does not."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    def write(self, value: Any) -> Any:
        """The value as JSON; NotPlainError if it cannot be."""
        if value is None or type(value) in _PLAIN:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else ["float", str(value)]
        if type(value).__name__ in _SEQUENCES and type(value) is _SEQUENCES[type(value).__name__]:
            items = [self.write(item) for item in value]
            return [type(value).__name__, items if isinstance(value, tuple | list) else sorted(items, key=json.dumps)]
        if isinstance(value, dict | MappingProxyType):
            kind = "dict" if isinstance(value, dict) else "proxy"
            return [kind, [[self.write(key), self.write(item)] for key, item in value.items()]]
        return self._write_table(value) or self._write_time(value) or self._write_object(value)

    def _write_table(self, value: Any) -> Any:
        if isinstance(value, np.generic):
            return ["number", value.dtype.str, self.write(value.item())] if value.dtype.kind in "uifb" else None
        if isinstance(value, np.ndarray):
            return self._write_array(value)
        if isinstance(value, pd.Series):
            name = self.write(value.name)
            return ["series", name, self._write_column(value), self._write_column(value.index.to_series())]
        if isinstance(value, pd.DataFrame):
            columns = [[self.write(name), self._write_column(value.iloc[:, k])] for k, name in enumerate(value.columns)]
            index = None if isinstance(value.index, pd.RangeIndex) else self._write_column(value.index.to_series())
            return ["frame", len(value), columns, index, self.write(dict(value.attrs))]
        return None

    def _write_column(self, column: "pd.Series[Any]") -> list[Any]:
        """The type of a column by its name, and its values."""
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "uifb":
            return [column.dtype.str, self._write_array(column.to_numpy())]
        values = [None if value is pd.NA else self.write(value) for value in column.tolist()]
        return [str(column.dtype), values]

    def _write_array(self, array: NDArray[Any]) -> list[Any]:
        if array.dtype.kind not in "uifb" or array.dtype.itemsize > 8:  # noqa: PLR2004 - the widest that files hold
            return [
                "objects",
                str(array.dtype),
                list(array.shape),
                [self.write(item) for item in array.ravel().tolist()],
            ]
        name = f"a{len(self.arrays)}"
        flat = np.ascontiguousarray(array).ravel()
        self.arrays[name] = flat.astype(_KEPT_AS.get(array.dtype.str[1:], array.dtype.newbyteorder("<")))
        return ["array", array.dtype.str, list(array.shape), name]

    def _write_time(self, value: Any) -> Any:
        if isinstance(value, datetime) and type(value) is datetime:
            zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
            return ["datetime", value.isoformat(), zone]
        return ["date", value.isoformat()] if type(value) is date else None

    def _write_object(self, value: Any) -> Any:
        if isinstance(value, LayerSpec):
            return ["layer", value.name]
        kind = type(value)
        name = [kind.__module__, kind.__qualname__]
        if isinstance(value, Enum) and _is_ours(name[0]):
            return ["enum", *name, value.name]
        if dataclasses.is_dataclass(value) and _is_ours(name[0]):
            fields = [[field.name, self.write(getattr(value, field.name))] for field in dataclasses.fields(value)]
            return ["object", *name, fields]
        raise NotPlainError(f"{kind.__module__}.{kind.__qualname__}")


class Reader:
    """Turns JSON and arrays back into values; `find_array` answers the array of a name."""

    def __init__(self, find_array: Callable[[str], NDArray[Any]]) -> None:
        self._find_array = find_array

    def read(self, data: Any) -> Any:
        """The value that was written as this; NotPlainError if none was."""
        if not isinstance(data, list):
            return data
        readers: dict[Any, Callable[..., Any]] = {
            "float": float,
            "dict": self._read_dict,
            "proxy": lambda items: MappingProxyType(self._read_dict(items)),
            "date": date.fromisoformat,
            "datetime": _read_datetime,
            "layer": find_layer,
            "number": lambda dtype, value: np.dtype(dtype).type(self.read(value)),
            "array": lambda *rest: self._read_array(["array", *rest]),
            "objects": lambda *rest: self._read_array(["objects", *rest]),
            "series": self._read_series,
            "frame": self._read_frame,
            "enum": self._read_enum,
            "object": self._read_object,
        }
        try:
            kind, *rest = data
            if kind in _SEQUENCES:
                (items,) = rest
                return _SEQUENCES[kind](self.read(item) for item in items)
            return readers[kind](*rest)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ImportError, HexbeatError) as error:
            raise NotPlainError(str(error)) from error

    def _read_dict(self, items: list[Any]) -> dict[Any, Any]:
        return {self.read(key): self.read(value) for key, value in items}

    def _read_array(self, data: list[Any]) -> NDArray[Any]:
        kind, dtype, shape, content = data
        if kind == "objects":
            array: NDArray[Any] = np.empty(len(content), dtype=object)
            array[:] = [self.read(item) for item in content]
            return array.astype(dtype).reshape(shape)
        return self._find_array(content).astype(np.dtype(dtype)).reshape(shape)  # a copy, which needs no file

    def _read_column(self, column: list[Any]) -> Any:
        dtype, values = column
        if values and values[0] in ("array", "objects"):
            return self._read_array(values)
        return pd.array([self.read(value) for value in values], dtype=dtype)

    def _read_series(self, name: Any, values: list[Any], index: list[Any]) -> "pd.Series[Any]":
        labels = pd.Index(self._read_column(index))
        return pd.Series(self._read_column(values), index=labels, name=self.read(name))

    def _read_frame(self, length: int, columns: list[Any], index: list[Any] | None, attrs: Any) -> pd.DataFrame:
        labels = pd.RangeIndex(length) if index is None else pd.Index(self._read_column(index))
        series = [pd.Series(self._read_column(column), index=labels) for _, column in columns]
        frame = pd.concat(series, axis=1) if series else pd.DataFrame(index=labels)
        frame.columns = pd.Index([self.read(name) for name, _ in columns])
        frame.attrs.update(self.read(attrs))
        return frame

    def _read_enum(self, module: str, name: str, member: str) -> Enum:
        kind = _find_class(module, name)
        if not issubclass(kind, Enum):
            raise NotPlainError(f"{module}.{name} is no enumeration")
        return kind[member]

    def _read_object(self, module: str, name: str, fields: list[Any]) -> Any:
        kind, values = _find_class(module, name), dict(fields)
        if not dataclasses.is_dataclass(kind) or set(values) != {field.name for field in dataclasses.fields(kind)}:
            raise NotPlainError(f"{module}.{name} is no dataclass with these fields")
        instance = object.__new__(kind)
        for field, value in values.items():
            object.__setattr__(instance, field, self.read(value))
        return instance


def _read_datetime(text: str, zone: str | None) -> datetime:
    timestamp = datetime.fromisoformat(text)
    return timestamp.astimezone(ZoneInfo(zone)) if zone else timestamp


def _find_class(module: str, name: str) -> type[Any]:
    """A class of ours at the top of a module; NotPlainError for anything else."""
    kind = getattr(import_module(module), name, None) if _is_ours(module) else None
    if not isinstance(kind, type) or kind.__module__ != module:
        raise NotPlainError(f"{module}.{name} is no class of Hexbeat")
    return kind


def _is_ours(module: str) -> bool:
    return module.startswith(_OURS)
