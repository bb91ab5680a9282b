"""The options that choose events, shared by several commands, and the filter that they give.

A command decorated with `takes_filter` has all of them, those of COLUMN_FILTERS too, and gets a FilterRequest.
"""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from geo.errors import UsageError
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.cli.installation import Installation
from hexbeat.store.live_columns import read_columns
from layers.columns import Columns
from layers.filters import COLUMN_FILTERS, Filter, filter_from_options, resolve_values
from layers.grouping import parse_groups
from layers.periods import find_day_end, parse_day

if TYPE_CHECKING:
    import pandas as pd

    from hexbeat.analysis.dataset_counts import Workers
    from hexbeat.store.dataset_parts import OpenDataset

__all__ = [
    "AsAtOption",
    "DatasetOption",
    "DaysOption",
    "EngineName",
    "EngineOption",
    "FilterRequest",
    "FromOption",
    "HoursOption",
    "LayersOption",
    "MeasureName",
    "OutOption",
    "ResolutionOption",
    "SchedulerOption",
    "ToOption",
    "WardOption",
    "build_filter",
    "build_json_rows",
    "build_provenance",
    "build_value_option",
    "find_demonstration_mark",
    "open_chosen_dataset",
    "parse_as_at",
    "parse_day",
    "parse_groups",
    "read_area_columns",
    "read_chosen",
    "read_filtered",
    "takes_filter",
    "to_json_value",
]


class MeasureName(StrEnum):
    """Whether to count events or to add up their quantity."""

    EVENTS = "events"
    QUANTITY = "quantity"


class EngineName(StrEnum):
    """What counts the files of a dataset."""

    HERE = "here"
    DASK = "dask"


LayersOption = Annotated[
    list[str] | None, typer.Option("--layer", metavar="L", help="Only this layer; may be repeated.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="D", help="First day, as in 2026-11-21 or 21/11/2026.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="D", help="First day that no longer counts.")]
WardOption = Annotated[
    list[str] | None, typer.Option("--ward", metavar="CODE_OR_NAME", help="Only this ward; may be repeated.")
]
HoursOption = Annotated[
    str | None, typer.Option("--hours", metavar="22-04", help="Only these hours; they may run over midnight.")
]
DaysOption = Annotated[
    str | None,
    typer.Option(
        "--days", metavar="fri,sat", help="Only these weekdays; a night belongs to the day on which it begins."
    ),
]
ResolutionOption = Annotated[
    int, typer.Option("--resolution", metavar="R", help="H3 resolution of the cells: 8, 9, 10 or 11.")
]
AsAtOption = Annotated[
    str | None, typer.Option("--as-at", metavar="D", help="Use what the store knew at the end of that day.")
]
OutOption = Annotated[
    str | None, typer.Option("--out", metavar="FILE", help="Write the rows to a .csv, .geojson or .parquet file.")
]
DatasetOption = Annotated[
    str | None,
    typer.Option("--dataset", metavar="ADDRESS", help="Count a dataset of hexbeat export instead of the store."),
]
EngineOption = Annotated[
    EngineName, typer.Option("--engine", help="For a dataset: one file after the other here, or several on Dask.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="The scheduler of a Dask cluster; default: threads here."),
]
MeasureOption = Annotated[MeasureName, typer.Option("--measure", help="Count events, or add up their quantity.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRequest:
    """The filter's options as typed. `values` holds those of COLUMN_FILTERS by field name."""

    layer: Sequence[str] | None = None
    from_: str | None = None
    to: str | None = None
    ward: Sequence[str] | None = None
    hours: str | None = None
    days: str | None = None
    measure: MeasureName = MeasureName.EVENTS
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)


def build_value_option(name: str) -> Any:
    """The option of the column filter with that field name."""
    column_filter = next(column_filter for column_filter in COLUMN_FILTERS if column_filter.field == name)
    return typer.Option(column_filter.option, metavar=column_filter.metavar, help=column_filter.help)


_OPTIONS: Final[Mapping[str, Any]] = {
    "layer": LayersOption,
    "from_": FromOption,
    "to": ToOption,
    "ward": WardOption,
    "hours": HoursOption,
    "days": DaysOption,
    **{spec.field: Annotated[list[str] | None, build_value_option(spec.field)] for spec in COLUMN_FILTERS},
    "measure": MeasureOption,
}


def takes_filter(*, without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's argument `request` by the filter's options, except those in `without`.

    Typer reads the signature of a command, so the decorated command has an argument for each option.
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
        def run(**arguments: Any) -> None:
            texts = {option.name: arguments.pop(option.name) for option in options}
            values = {spec.field: texts.pop(spec.field) or () for spec in COLUMN_FILTERS if spec.field in texts}
            command(request=FilterRequest(**texts, values=values), **arguments)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for first
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def build_filter(installation: Installation, request: FilterRequest) -> Filter:
    """The filter that the options describe. Its wards are sorted, each once."""
    event_filter = filter_from_options(
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
    return replace(event_filter, wards=tuple(sorted(set(event_filter.wards))))


def read_area_columns(installation: Installation, *, as_at: datetime | None = None) -> Columns:
    """The live events of the installation's area, or those at `as_at`, as its viewer may see them."""
    wards = installation.area.wards
    return read_columns(installation.store, installation.viewer, ward_codes=wards.codes, wards=wards, as_at=as_at)


def read_filtered(
    installation: Installation, request: FilterRequest, *, as_at: str | None = None
) -> tuple[Columns, Filter]:
    """The live events, or those at the end of the day `as_at`, and the filter with values spelt as in these events."""
    event_filter = build_filter(installation, request)
    end_of_day = parse_as_at(as_at, installation.area.time_zone) if as_at else None
    columns = read_area_columns(installation, as_at=end_of_day)
    columns.require_layers(event_filter.layers)
    return columns, resolve_values(event_filter, columns)


def open_chosen_dataset(
    installation: Installation,
    request: FilterRequest,
    *,
    dataset: str | None,
    engine: EngineName,
    scheduler: str | None,
    as_at: str | None = None,
) -> "tuple[OpenDataset, Filter, Workers] | None":
    """The dataset of the options, the filter in its words, and what counts it; None if they name no dataset.

    UsageError for an engine or a scheduler without a dataset, a scheduler without Dask, or a past time.
    """
    if dataset is None:
        if engine is not EngineName.HERE or scheduler:
            raise UsageError(
                "An engine counts a dataset", "--engine or --scheduler came without one", "add --dataset ADDRESS"
            )
        return None
    if scheduler and engine is not EngineName.DASK:
        raise UsageError("A scheduler is one of Dask", "--scheduler came without --engine dask", "add --engine dask")
    if as_at:
        raise UsageError(
            "A dataset holds what was known when it was exported", "--as-at was given", "leave it out, or ask the store"
        )
    from hexbeat.analysis.dataset_counts import Workers  # noqa: PLC0415 - pyarrow, when it is needed
    from hexbeat.store.dataset_parts import open_dataset  # noqa: PLC0415 - likewise

    event_filter = build_filter(installation, request)
    codes = installation.area.wards.codes
    opened = open_dataset(dataset, installation.viewer, ward_codes=codes, layers=event_filter.layers)
    workers = Workers(engine.value, scheduler or "")
    return opened, resolve_values(event_filter, opened.build_category_columns()), workers


def read_chosen(
    installation: Installation,
    request: FilterRequest,
    *,
    dataset: str | None,
    engine: EngineName,
    scheduler: str | None,
    as_at: str | None = None,
) -> tuple[Columns, Filter]:
    """As `read_filtered`, from the dataset of the options if they name one: the events of the layers of the filter."""
    opened = open_chosen_dataset(
        installation, request, dataset=dataset, engine=engine, scheduler=scheduler, as_at=as_at
    )
    if opened is None:
        return read_filtered(installation, request, as_at=as_at)
    from hexbeat.analysis.dataset_counts import gather_columns  # noqa: PLC0415 - pyarrow, when it is needed

    opened_dataset, event_filter, workers = opened
    return gather_columns(opened_dataset, event_filter.layers, workers), event_filter


def to_json_value(value: Any) -> Any:
    """A value for JSON: whole numbers without decimals, null for NaN and infinity, dates as text."""
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


def build_json_rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows of a frame for JSON."""
    return [{str(name): to_json_value(value) for name, value in row.items()} for row in frame.to_dict("records")]


def build_provenance(installation: Installation, *, mark: str | None) -> dict[str, str]:
    """What a file says about itself: area, sources of wards and names, time, and whether events are synthetic."""
    from hexbeat.areas.credits import format_credits  # noqa: PLC0415 - pandas, when it is needed

    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    note = {"area": installation.area.title, "attribution": format_credits(installation.area), "made": made_at}
    return note | ({"demonstration": mark} if mark else {})


def parse_as_at(text: str, time_zone: str) -> datetime:
    """The last second of a local day, as an aware time."""
    return find_day_end(parse_day(text), ZoneInfo(time_zone))
