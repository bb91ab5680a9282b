"""Reads TOML tables as dataclasses and writes them: every key must be known, and every value of its type."""

import dataclasses
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from geo.errors import DataError

__all__ = [
    "FLAG",
    "MAPPING",
    "NAMES",
    "NUMBER",
    "PATTERN",
    "POINTS",
    "TEXT",
    "TEXTS",
    "as_table",
    "as_tables",
    "read_table",
    "to_toml",
]

Read = Callable[[Any, str], Any]
Built = TypeVar("Built")
RULE = "A source profile has only known keys, each with its kind of value"
HINT = "docs/sources.md lists the keys, and `hexbeat sources suggest FILE` writes a profile to start from"


def read_table(kind: type[Built], value: Any, where: str) -> Built:
    """A dataclass from a TOML table; DataError names unknown keys (with similar ones), missing keys or wrong types."""
    if not isinstance(value, Mapping):
        raise _build_error(where, "is not a table")
    fields = {item.name: item for item in dataclasses.fields(kind) if item.init}  # type: ignore[arg-type]  # callers pass dataclasses only
    for key in value:
        if key not in fields:
            similar = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
            raise DataError(
                RULE,
                f"{where} has an unknown key {key!r}",
                f"did you mean {similar[0]!r}?" if similar else f"it may have {', '.join(fields)}",
            )
    missing = [
        name
        for name, item in fields.items()
        if name not in value and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise _build_error(where, f"has no {' and no '.join(missing)}")
    return kind(**{key: fields[key].metadata["read"](item, f"{where}: {key}") for key, item in value.items()})


def _build_error(where: str, fact: str) -> DataError:
    return DataError(RULE, f"{where} {fact}", HINT)


def text(value: Any, where: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise _build_error(where, "is not a text in quotes")
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _build_error(where, "is neither true nor false")
    return value


def number(value: Any, where: str) -> float:
    """A number from 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise _build_error(where, "is not a number from 0")
    return float(value)


def whole_number(value: Any, where: str) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _build_error(where, "is not a whole number")
    return value


def texts(value: Any, where: str) -> tuple[str, ...]:
    """A list of strings."""
    if not isinstance(value, list | tuple):
        raise _build_error(where, "is not a list of texts")
    return tuple(text(item, where) for item in value)


def column_names(value: Any, where: str) -> tuple[str, ...]:
    """One heading, or several of which the first that the file has is used."""
    return (value,) if isinstance(value, str) else texts(value, where)


def mapping(value: Any, where: str) -> dict[str, str]:
    """A table of texts."""
    if not isinstance(value, Mapping):
        raise _build_error(where, "is not a table")
    return {key: text(item, f"{where}.{key}") for key, item in value.items()}


def points(value: Any, where: str) -> tuple[tuple[float, float], ...]:
    """A list of [lon, lat]."""
    if not isinstance(value, list | tuple):
        raise _build_error(where, "is not a list of [lon, lat]")
    for item in value:
        numbers = isinstance(item, list | tuple) and all(isinstance(n, int | float) for n in item)
        if not numbers or len(item) != 2:  # noqa: PLR2004  # a pair
            raise _build_error(where, "is not a list of [lon, lat]")
    return tuple((float(lon), float(lat)) for lon, lat in value)


def pattern(value: Any, where: str) -> str:
    """A regular expression."""
    try:
        re.compile(text(value, where))
    except re.error as error:
        raise _build_error(where, f"is not a regular expression ({error})") from error
    return str(value)


def as_table(kind: type) -> Mapping[str, Read]:
    """Metadata of a field that is read from a table as that dataclass."""
    return {"read": lambda value, where: read_table(kind, value, where)}


def as_tables(kind: type) -> Mapping[str, Read]:
    """Metadata of a field that is read from a list of tables as a tuple of that dataclass."""

    def read(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _build_error(where, "is not a list of tables")
        return tuple(read_table(kind, item, where) for item in value)

    return {"read": read}


# Metadata of a field: how its value is read from TOML.
NAMES: Final[Mapping[str, Read]] = {"read": column_names}
TEXT: Final[Mapping[str, Read]] = {"read": text}
TEXTS: Final[Mapping[str, Read]] = {"read": texts}
FLAG: Final[Mapping[str, Read]] = {"read": flag}
WHOLE_NUMBER: Final[Mapping[str, Read]] = {"read": whole_number}
MAPPING: Final[Mapping[str, Read]] = {"read": mapping}
NUMBER: Final[Mapping[str, Read]] = {"read": number}
POINTS: Final[Mapping[str, Read]] = {"read": points}
PATTERN: Final[Mapping[str, Read]] = {"read": pattern}


def to_toml(value: Any) -> str:
    """The TOML of a dataclass whose fields say how they are read; keys at their default are left out."""
    return "\n".join(_format_lines(_to_plain(value), ())).strip() + "\n"


def _to_plain(value: Any) -> Any:
    """Dataclasses as dicts without values at their default, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: _to_plain(getattr(value, item.name))
            for item in dataclasses.fields(value)
            if item.init and getattr(value, item.name) not in (_get_default(item), None)
        }
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _get_default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def _format_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Values first, then tables and lists of tables, each under its heading."""
    simple = [f"{_format_key(key)} = {_format_value(value)}" for key, value in table.items() if not _is_table(value)]
    lines = [*simple]
    for key, value in table.items():
        if not _is_table(value):
            continue
        inner = (*path, _format_key(key))
        for item in value if isinstance(value, list) else [value]:
            heading = ".".join(inner)
            lines += ["", f"[[{heading}]]" if isinstance(value, list) else f"[{heading}]", *_format_lines(item, inner)]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _format_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _format_value(key)


def _format_value(value: Any) -> str:
    """A value as TOML. JSON's texts, numbers and lists are valid TOML, except for U+007F."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
