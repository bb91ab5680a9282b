"""What a plan says first of its records: that they end long before it, or that its day lies in days not known."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from hexbeat.analysis.alert_series import NEWEST_WEEKS, is_ended
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.encounters import OFFICERS_NOTE
from layers.event import NOT_SWEPT
from layers.periods import get_coverage
from layers.wording import format_ago, format_date, format_list

__all__ = ["PlanRecords", "describe_searches", "judge_records"]


@dataclass(frozen=True, slots=True)
class PlanRecords:
    """`sentences` to say first. `ranks_only`: the records are too far from the plan's day for a forecast of it."""

    sentences: tuple[str, ...] = ()
    ranks_only: bool = False


def judge_records(
    columns: Columns, layers: Sequence[str], *, day: dt.date, today: dt.date, wards: tuple[str, ...], time_zone: str
) -> PlanRecords:
    """What the records of some layers allow to be said of a day. Nothing of layers of which no day is known."""
    coverage = get_coverage(columns, time_zone=time_zone, reported_by=NOT_SWEPT)
    reaches = {layer: coverage.find_reach(layer, wards=wards) for layer in layers}
    last = {layer: reach[1] - dt.timedelta(days=1) for layer, reach in reaches.items() if reach}
    period = (day, day + dt.timedelta(days=1))
    missing = [
        layer for layer in last if day <= last[layer] and coverage.judge(layer, period, wards=wards) == "not known"
    ]
    old = {layer: end for layer, end in last.items() if is_ended(end, today) or is_ended(end, day)}
    sentences = _describe_ends(old, len(layers), today)
    if missing:
        names = (
            "" if len(missing) == len(layers) else f" for {format_list([find_layer(layer).many for layer in missing])}"
        )
        sentences.append(f"{format_date(day)} is not known{names}: no loaded records cover it.")
    return PlanRecords(tuple(sentences), bool(missing) or any(is_ended(end, day) for end in old.values()))


def _describe_ends(last: dict[str, dt.date], layers: int, today: dt.date) -> list[str]:
    """A sentence for each last day; it names the layers unless all of them end there."""
    sentences = []
    for end in sorted(set(last.values())):
        names = [find_layer(layer).many for layer in last if last[layer] == end]
        of_layers = "" if len(names) == layers else f" of {format_list(names)}"
        if is_ended(end, today):
            sentences.append(f"Records{of_layers} end {format_ago(end, today)} ({format_date(end)}).")
        else:
            sentences.append(
                f"Records{of_layers} end on {format_date(end)}, over {NEWEST_WEEKS} weeks before this plan."
            )
    return sentences


def describe_searches(searches: Sequence[str], layers: int) -> tuple[str, ...]:
    """That the records of these layers are only searches by officers, of a plan of so many layers."""
    if not searches:
        return ()
    if len(searches) == layers:
        return (OFFICERS_NOTE,)
    titles = format_list([find_layer(layer).title for layer in searches])
    return (f"{titles}: these are searches by officers, and show where officers search.",)
