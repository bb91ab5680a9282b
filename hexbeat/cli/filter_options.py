"""The filter's options, which the commands that analyse share, how their texts are read, and the filter they make."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.cli.installation import Installation
from layers.event import Measure
from layers.filters import GROUPS, Filter, filter_from_options, parse_groups, require_resolution
from layers.periods import find_day_end, parse_day

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


class MeasureName(StrEnum):
    """What is summed."""

    EVENTS = "events"
    QUANTITY = "quantity"


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


def parse_as_at(text: str, time_zone: str) -> datetime:
    """The last second of a local day, as an aware time: what the store knew when that day ended."""
    return find_day_end(parse_day(text), ZoneInfo(time_zone))


def parse_resolution(resolution: int) -> int:
    """A resolution that events are indexed at; UsageError for another."""
    return require_resolution(resolution)
