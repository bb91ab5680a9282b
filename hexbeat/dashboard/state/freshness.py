"""The coverage of each layer, and the last known day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from layers.catalogue import LAYERS
from layers.columns import Columns
from layers.event import PRECISIONS
from layers.layer_spec import LayerSpec
from layers.wording import MONTH_NAMES, format_date

__all__ = ["Coverage", "find_last_known_day", "find_layer_coverage", "format_freshness"]

MONTH: Final = PRECISIONS.index("month")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The first and last local day of a layer's events; `months` if the newest event is known only to its month."""

    layer: str
    events: int
    first: date | None
    last: date | None
    months: bool = False
    demonstration: bool = False


def find_layer_coverage(columns: Columns, *, time_zone: ZoneInfo) -> dict[str, Coverage]:
    """The coverage of every layer, in the order of the layers; first and last are None for a layer without events.

    The newest event of an incident layer is the event that ends last. For a state it is the event that began last,
    because an order that runs for months to come says nothing about the records of those months.
    """
    return {spec.name: _find_coverage(columns, code, spec, time_zone) for code, spec in enumerate(LAYERS)}


def _find_coverage(columns: Columns, code: int, spec: LayerSpec, time_zone: ZoneInfo) -> Coverage:
    """The coverage of one layer."""
    layer_events = columns.take(columns.layer == code)
    if not len(layer_events):
        return Coverage(spec.name, 0, None, None)
    start = layer_events.start
    # A half-open interval ends one second before `end`; an instant is its own end.
    latest = start if spec.kind == "state" else np.maximum(start, layer_events.end - 1)
    newest = int(latest.argmax())
    return Coverage(
        layer=spec.name,
        events=len(layer_events),
        first=to_local_day(int(start[0]), time_zone),
        last=to_local_day(int(latest[newest]), time_zone),
        months=bool(layer_events.precision[newest] == MONTH),
        demonstration=bool(layer_events.demonstration.any()),
    )


def to_local_day(seconds: int, time_zone: ZoneInfo) -> date:
    """The local date of a time in UTC seconds."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(time_zone).date()


def find_last_known_day(coverages: dict[str, Coverage], *, layers: Sequence[str], today: date) -> date:
    """The day with which "the last 28 days" end: the day of the newest record of these layers, at the latest yesterday.

    Today is not over, so it would make every comparison look like a fall. Without records, it is yesterday.
    """
    yesterday = today - timedelta(days=1)
    lasts = [coverage.last for name in layers if (coverage := coverages[name]).last]
    return min(yesterday, max(day for day in lasts if day)) if lasts else yesterday


def format_freshness(coverage: Coverage, *, today: date) -> str:
    """As in "to 21 Nov", "to Oct (months)", "to 3 Dec 2024" in another year, "none"."""
    if coverage.last is None:
        return "none"
    text = format_date(coverage.last)
    if coverage.months:
        text = f"{MONTH_NAMES[coverage.last.month - 1]} {coverage.last.year}"
    text = text.removesuffix(f" {today.year}")
    return f"to {text} (months)" if coverage.months else f"to {text}"
