"""The filter's options, which the commands that analyse share, how their texts are read, and the filter they make.

A command decorated with `takes_filter` has them all, those of COLUMN_FILTERS too, and gets a FilterRequest.
"""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.cli.installation import Installation
from hexbeat.store.live_columns import read_columns
from layers.columns import Columns
from layers.filters import COLUMN_FILTERS, Filter, filter_from_options, require_resolution, resolve_values
from layers.grouping import parse_groups
from layers.periods import find_day_end, parse_day

__all__ = [
    "AsAtOption",
    "DaysOption",
    "FilterRequest",
    "FromOption",
    "HoursOption",
    "LayersOption",
    "MeasureName",
    "OutOption",
    "ResolutionOption",
    "ToOption",
    "WardOption",
    "build_filter",
    "build_provenance",
    "build_value_option",
    "find_demonstration_mark",
    "parse_as_at",
    "parse_day",
    "parse_groups",
    "parse_resolution",
    "read_filtered",
    "takes_filter",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRequest:
    """The filter's options as a person wrote them; `values` are those of COLUMN_FILTERS under their fields."""

    layer: Sequence[str] | None = None
    from_: str | None = None
    to: str | None = None
    ward: Sequence[str] | None = None
    hours: str | None = None
    days: str | None = None
    measure: MeasureName = MeasureName.EVENTS
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)


def build_value_option(name: str) -> Any:
    """The option of the filter by a column whose field has that name."""
    one = next(one for one in COLUMN_FILTERS if one.field == name)
    return typer.Option(one.option, metavar=one.metavar, help=one.help)


_OPTIONS: Final[Mapping[str, Any]] = {
    "layer": LayersOption,
    "from_": FromOption,
    "to": ToOption,
    "ward": WardOption,
    "hours": HoursOption,
    "days": DaysOption,
    **{one.field: Annotated[list[str] | None, build_value_option(one.field)] for one in COLUMN_FILTERS},
    "measure": MeasureOption,
}


def takes_filter(*, without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the filter's options, but for those `without`, in the place of its argument `request`.

    Typer reads a command's signature: the decorated one has an argument for each option.
    """
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=MeasureName.EVENTS if name == "measure" else None,
            annotation=annotation,
        )
        for name, annotation in _OPTIONS.items()
        if name not in without
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            parameters += options if parameter.name == "request" else [parameter]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            asked = {option.name: given.pop(option.name) for option in options}
            values = {one.field: asked.pop(one.field) or () for one in COLUMN_FILTERS if one.field in asked}
            command(request=FilterRequest(**asked, values=values), **given)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for first
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def build_filter(installation: Installation, request: FilterRequest) -> Filter:
    """The filter that the options mean; its wards in order, each once."""
    chosen = filter_from_options(
        installation.area.wards,
        layers=request.layer or (),
        start=parse_day(request.from_) if request.from_ else None,
        end=parse_day(request.to) if request.to else None,
        ward_names=request.ward or (),
        hours=request.hours,
        days=request.days,
        measure=request.measure.value,
        **request.values,
    )
    return replace(chosen, wards=tuple(sorted(set(chosen.wards))))


def read_filtered(
    installation: Installation, request: FilterRequest, *, as_at: str | None = None
) -> tuple[Columns, Filter]:
    """The live events, or those of the end of a day, and the filter with values as these events spell them."""
    chosen = build_filter(installation, request)
    moment = parse_as_at(as_at, installation.area.time_zone) if as_at else None
    columns = read_columns(
        installation.store, installation.viewer, ward_codes=installation.area.wards.codes, as_at=moment
    )
    return columns, resolve_values(chosen, columns)


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
