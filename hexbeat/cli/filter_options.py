"""The filter's options, which the commands that analyse share, how their texts are read, and the filter they make."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, get_args
from zoneinfo import ZoneInfo

import typer

from geo.errors import UsageError
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.cli.installation import Installation
from layers.event import RESOLUTIONS, Measure
from layers.filters import Filter, Group, filter_from_options

__all__ = [
    "GROUPS",
    "AsAtOption",
    "DaysOption",
    "FromOption",
    "HoursOption",
    "LayersOption",
    "MeasureName",
    "MeasureOption",
    "OutOption",
    "ReportedByOption",
    "ResolutionOption",
    "ToOption",
    "WardOption",
    "build_filter",
    "build_provenance",
    "find_demonstration_mark",
    "parse_as_at",
    "parse_day",
    "parse_groups",
    "parse_resolution",
    "to_json_value",
]

GROUPS: Final[tuple[Group, ...]] = get_args(Group)
DAY_FORMATS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d %b %Y", "%d %B %Y")
LayersOption = Annotated[
    list[str] | None, typer.Option("--layer", metavar="L", help="Only this layer; may be repeated.")
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="D", help="First day, 2026-11-21 or 21/11/2026.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="D", help="First day that no longer counts.")]
WardOption = Annotated[
    list[str] | None, typer.Option("--ward", metavar="CODE_OR_NAME", help="Only this ward; may be repeated.")
]
HoursOption = Annotated[
    str | None, typer.Option("--hours", metavar="22-04", help="Only these hours; may run over midnight.")
]
DaysOption = Annotated[
    str | None,
    typer.Option("--days", metavar="fri,sat", help="Only these days; a night belongs to the day it begins on."),
]
ReportedByOption = Annotated[
    list[str] | None,
    typer.Option("--reported-by", metavar="WHO", help="public, officer, sweep or agency; may be repeated."),
]
ResolutionOption = Annotated[
    int, typer.Option("--resolution", metavar="R", help="H3 resolution of cells: 8, 9, 10 or 11.")
]
AsAtOption = Annotated[
    str | None, typer.Option("--as-at", metavar="D", help="As the store stood at the end of that day.")
]
OutOption = Annotated[
    str | None, typer.Option("--out", metavar="FILE", help="Write the rows to a .csv, .geojson or .parquet file.")
]


class MeasureName(StrEnum):
    """What is summed."""

    EVENTS = "events"
    QUANTITY = "quantity"


MeasureOption = Annotated[MeasureName, typer.Option("--measure", help="Count events, or sum their quantity.")]


def build_filter(  # one argument for each option
    installation: Installation,
    *,
    layers: Sequence[str],
    start: str | None,
    end: str | None,
    wards: Sequence[str] | None,
    hours: str | None = None,
    days: str | None = None,
    reported_by: Sequence[str] | None = None,
    measure: Measure = "events",
) -> Filter:
    """The filter that the options mean; its wards in order, each once."""
    chosen = filter_from_options(
        installation.area.wards,
        layers=layers,
        start=parse_day(start) if start else None,
        end=parse_day(end) if end else None,
        ward_names=wards or [],
        hours=hours,
        days=days,
        reported_by=reported_by or [],
        measure=measure,
    )
    return replace(chosen, wards=tuple(sorted(set(chosen.wards))))


def to_json_value(value: Any) -> Any:
    """A value as JSON holds it: whole numbers whole, nothing for what is no number or infinite, dates as text."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN alone differs from itself
            return None
        return int(value) if value.is_integer() else value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: to_json_value(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [to_json_value(part) for part in value]
    return value


def build_provenance(installation: Installation, *, mark: str | None) -> dict[str, str]:
    """What a file must say of itself: area, wards' source, the moment, and whether events are synthetic."""
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    note = {"area": installation.area.title, "attribution": installation.area.attribution, "made": made}
    return note | ({"demonstration": mark} if mark else {})


def parse_day(text: str) -> date:
    """A day as 2026-11-21, 21/11/2026 or 21 Nov 2026; UsageError for anything else."""
    for form in DAY_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise UsageError(
        "A day is written 2026-11-21, 21/11/2026 or 21 Nov 2026", f"{text!r} is not", "the month is in the middle"
    )


def parse_as_at(text: str, time_zone: str) -> datetime:
    """The last second of a local day, as an aware moment: what the store knew when that day ended."""
    day_after = parse_day(text) + timedelta(days=1)
    midnight = datetime(day_after.year, day_after.month, day_after.day, tzinfo=ZoneInfo(time_zone))
    return datetime.fromtimestamp(midnight.timestamp() - 1, tz=ZoneInfo(time_zone))


def parse_groups(text: str) -> Sequence[Group]:
    """The groups of --by; UsageError for an unknown one or one named twice."""
    asked = [part.strip().lower() for part in text.split(",") if part.strip()]
    known = [group for part in asked for group in GROUPS if group == part]
    if not known or len(known) < len(asked) or len(set(known)) < len(known):
        raise UsageError(
            f"--by takes any of {', '.join(GROUPS)}, each once", f"it was given {text!r}", "for example --by ward,month"
        )
    return known


def parse_resolution(resolution: int) -> int:
    """A resolution that events are indexed at; UsageError for another."""
    if resolution not in RESOLUTIONS:
        raise UsageError(
            f"Events are indexed at H3 resolutions {', '.join(map(str, RESOLUTIONS))}",
            f"--resolution was given {resolution}",
            "9 is the usual one; 10 for plans",
        )
    return resolution
