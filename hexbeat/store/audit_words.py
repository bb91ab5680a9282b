"""The filter of an audit entry: words that links use, and nothing that names a place but a ward.

Each name has its own test. A value that fails it was typed by somebody, may be an address, and becomes "?".
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from geo.errors import HexbeatError
from layers.catalogue import LAYERS
from layers.event import RESOLUTIONS, Measure
from layers.filters import COLUMN_FILTERS, DAYS, parse_days, parse_hours, resolve_wards
from layers.periods import parse_day

if TYPE_CHECKING:
    from geo.wards import Wards

__all__ = ["UNKNOWN", "format_audit_values"]

UNKNOWN: Final = "?"
# As words of links; what is not here is never written. Coordinates, cells, places, names and files are not.
_LINK_NAMES: Final[Mapping[str, str]] = {
    "layer": "layers",
    "layers": "layers",
    "from_": "from",
    "from": "from",
    "start": "from",
    "to": "to",
    "end": "to",
    "day": "day",
    "as_at": "as_at",
    "ward": "wards",
    "wards": "wards",
    "hours": "hours",
    "days": "days",
    "measure": "measure",
    "resolution": "size",
    "size": "size",
    "by": "by",
    "view": "view",
    "period": "period",
    "against": "against",
    "shift": "shift",
    "years": "years",
    "weeks": "weeks",
    "kind": "kind",
    "dry_run": "dry_run",
    "issue": "issue",
    **{
        name: column_filter.query
        for column_filter in COLUMN_FILTERS
        for name in (column_filter.field, column_filter.query)
    },
}
_SHIFTS: Final = frozenset({"early", "late", "night"})
# Words of presets, groups and kinds: none of them comes from records.
_FIXED_WORDS: Final = frozenset(
    {
        *("any", "all", "7d", "28d", "90d", "quarter", "last-quarter", "year"),  # periods
        *_SHIFTS,
        *("counts", "hotspots", "change", "expected", "before", "year_before", "year-before"),  # views
        *("cell", "ward", "council", "month", "week", "weekday", "hour", "layer", "category"),  # groups
        *("reporter", "reported_by"),
        *("group", "team", "kind", "patrol", "sweep", "meeting", "shift"),
        *("naloxone", "play_area", "school", "station", "depot", "named_place"),  # kinds of reference places
    }
)


def format_audit_values(values: Mapping[str, Any], wards: "Wards | None" = None) -> dict[str, str]:
    """The words of links for options, query parameters or keywords, by name; empty values are left out."""
    words = {}
    for name, value in values.items():
        link_name = _LINK_NAMES.get(name)
        if link_name is not None and (value or value == 0) and value is not False:
            words[link_name] = _format(link_name, value, wards)
    return dict(sorted(words.items()))


def _format(link_name: str, value: Any, wards: Any) -> str:
    """The value by the test of its name; UNKNOWN for a value of a kind that nobody expects."""
    return _try(lambda: _FORMATS[link_name](value, wards))


def _split(value: Any) -> list[str]:
    """One text, texts with commas, or several values, as a list of texts."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [str(part) for part in value] if isinstance(value, Iterable) else [str(value)]


def _format_known(known: Iterable[str]) -> Callable[[Any, Any], str]:
    """A format that writes known words and UNKNOWN for others."""
    words = frozenset(known)

    def format_known(value: Any, wards: Any) -> str:
        del wards
        parts = [
            part.lower() if part.lower() in words else part if part in words else UNKNOWN for part in _split(value)
        ]
        return ",".join(dict.fromkeys(parts))

    return format_known


def _format_layers(value: Any, wards: Any) -> str:
    del wards
    names = [part.partition("=")[0].strip() for part in _split(value)]
    known = {spec.name for spec in LAYERS}
    return ",".join(dict.fromkeys(name if name in known else UNKNOWN for name in names))


def _format_day(value: Any, wards: Any) -> str:
    del wards
    return _try(lambda: (value if isinstance(value, dt.date) else parse_day(str(value))).isoformat()[:10])


def _format_wards(value: Any, wards: Any) -> str:
    if wards is None:
        return UNKNOWN
    codes = [_try(lambda name=name: ",".join(resolve_wards(wards, [name]))) for name in _split(value)]  # type: ignore[misc]  # a loop's own name
    return ",".join(dict.fromkeys(codes))


def _format_hours(value: Any, wards: Any) -> str:
    del wards
    hours = value if isinstance(value, str) else "-".join(map(str, value))
    if (name := hours.strip().lower()) in _SHIFTS:
        return name
    return _try(lambda: "{:02d}-{:02d}".format(*parse_hours(hours)))


def _format_days(value: Any, wards: Any) -> str:
    if isinstance(value, int):  # a number of days, not weekdays
        return _format_number(value, wards)
    names = [DAYS[part] if isinstance(part, int) and 0 <= part < len(DAYS) else str(part) for part in _as_list(value)]
    return _try(lambda: ",".join(DAYS[day] for day in sorted(parse_days(",".join(names)))))


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | int) else list(value)


def _format_number(value: Any, wards: Any) -> str:
    del wards
    text = str(value)
    return text if text.isdecimal() and text.isascii() and len(text) <= 3 else UNKNOWN  # noqa: PLR2004 - no number of a place is as short


def _try(make: Callable[[], str]) -> str:
    try:
        return make() or UNKNOWN
    except (HexbeatError, ValueError, TypeError, AttributeError):
        return UNKNOWN


_CATEGORIES: Final = frozenset(category for spec in LAYERS for category in spec.categories)
_FORMATS: Final[Mapping[str, Callable[[Any, Any], str]]] = {
    "layers": _format_layers,
    "from": _format_day,
    "to": _format_day,
    "day": _format_day,
    "as_at": _format_day,
    "wards": _format_wards,
    "hours": _format_hours,
    "days": _format_days,
    "measure": _format_known(get_args(Measure)),
    # The words of records can be any text: those that a layer's file names are written.
    **{spec.query: _format_known(spec.known or _CATEGORIES) for spec in COLUMN_FILTERS},
    "size": _format_known(map(str, RESOLUTIONS)),
    "by": _format_known(_FIXED_WORDS),
    "view": _format_known(_FIXED_WORDS),
    "period": _format_known(_FIXED_WORDS),
    "against": _format_known(_FIXED_WORDS),
    "shift": _format_known(_FIXED_WORDS),
    "kind": _format_known(_FIXED_WORDS),
    "years": _format_number,
    "weeks": _format_number,
    "dry_run": _format_known({"true"}),
    "issue": _format_known({"true"}),
}
