"""The sentence over the map, made from the filter and the numbers."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np

from hexbeat.dashboard.state.choices import OWN_DATES, Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.freshness import describe_days
from hexbeat.dashboard.state.presets import PERIODS, find_period_before
from layers.counting import NO_HOURS
from layers.filters import COLUMN_FILTERS, describe_columns
from layers.layer_spec import LayerSpec
from layers.wording import (
    DAY_NAMES,
    format_about,
    format_count,
    format_date,
    format_day_spans,
    format_hours,
    format_list,
    format_number,
    format_percent,
    format_span,
)

__all__ = [
    "build_coverage_notes",
    "build_notes",
    "describe_counts",
    "describe_left_out",
    "describe_period",
    "describe_subject",
    "format_change",
    "format_filter_line",
    "format_noun",
    "format_places",
    "format_where_and_when",
]

LEAST: Final = 0.05  # of a number that is made of shares: less is none
FEW: Final = 20  # below this a percentage says too much: 3 instead of 2 is "1 more", not "50 % more"
MOST_NAMED: Final = 3
VIEW_LABELS: Final = {"expected": "expected next week"}


def describe_counts(figures: LayerFigures, choices: Choices, *, ward_names: Sequence[str], area_title: str) -> str:
    """The number, the layer, the place, the period, and the change against the period before.

    Of days that are not known what is on record is counted, and nothing is compared. `ward_names`
    are those of the chosen wards, none for the whole area. The text holds names from data: escape it.
    """
    if figures.freshness.first is None and not figures.freshness.events:
        return f"No {figures.spec.many} have been loaded yet."
    subject = describe_subject(figures, choices, ward_names=ward_names, area_title=area_title)
    if not figures.has_number:
        return f"{subject}."
    if figures.state != "known":
        return f"{subject}: there is no comparison with the days before."
    return f"{subject}: {_describe_comparison(figures)}."


def describe_subject(
    figures: LayerFigures, choices: Choices, *, ward_names: Sequence[str], area_title: str, known_only: bool = False
) -> str:
    """The number, the layer, the place and the period, as in "312 needle finds in Central, 26 Oct to 21 Nov 2026".

    Where days are not known: "46 needle finds on record in Central, 1 Feb to 30 Apr 2024 (Mar 2024 is not known)", or
    with `known_only`, for a number of the known days, "46 needle finds in Central, … (known days only: …)". Without a
    known day and a record: "Needle finds in Central, 1 to 31 Mar 2024: not known".
    """
    where = format_where_and_when(figures, choices, ward_names=ward_names, area_title=area_title)
    if not figures.has_number:
        limits = _describe_limits(figures, choices)
        return f"{figures.spec.many[:1].upper()}{figures.spec.many[1:]}{limits} in {where}: not known"
    number = _describe_number(figures, choices)
    missing = figures.freshness.describe_missing((figures.start, figures.end))
    on_record, limit = "", ""
    if missing:
        on_record, limit = ("", f" (known days only: {missing})") if known_only else (" on record", f" ({missing})")
    return f"{number[:1].upper()}{number[1:]}{on_record} in {where}{limit}"


def _describe_limits(figures: LayerFigures, choices: Choices, *, names_reporter: bool = False) -> str:
    """What the filters by columns add after the noun, and that a state is in force."""
    limits = describe_columns(choices, names_reporter=names_reporter)
    return limits + (" in force" if figures.spec.kind == "state" else "")


def _describe_number(figures: LayerFigures, choices: Choices) -> str:
    """As in "312 needle finds", "133 reports of street dealing, and 34 searches by officers,", or searches alone.

    Where it is not known how many are searches: "167 reports of street dealing and searches by officers".
    """
    spec, limits = figures.spec, _describe_limits(figures, choices)
    if figures.is_hidden:
        return f"fewer than {figures.fewest} {spec.many}{limits}"
    if not figures.total:
        return f"no {format_noun(spec, 0, choices)}{limits}"
    if np.isnan(figures.searches):
        return f"{format_count(figures.total, spec, choices.measure)} and {spec.as_searches().many}{limits}"
    if figures.searches < LEAST:
        return f"{format_count(figures.total, spec, choices.measure)}{limits}"
    searches = format_count(figures.searches, spec.as_searches())
    if not _has_both(figures):
        return f"{searches}{_describe_limits(figures, choices, names_reporter=True)}"
    return f"{format_count(figures.total - figures.searches, spec, choices.measure)}, and {searches}{limits},"


def format_where_and_when(
    figures: LayerFigures, choices: Choices, *, ward_names: Sequence[str], area_title: str
) -> str:
    """As in "Central, 26 Oct to 21 Nov 2026, Fri and Sat, 22:00 to 06:00"."""
    when = ", ".join(
        part for part in (format_span(figures.start, figures.end), *_list_time_limits(figures.spec, choices)) if part
    )
    return f"{format_places(ward_names, area_title)}, {when}"


def format_noun(spec: LayerSpec, number: float, choices: Choices) -> str:
    """What is counted, in singular or plural: needle finds, or needles if items are summed."""
    return format_count(number, spec, choices.measure).removeprefix(f"{format_about(number)} ")


def format_places(ward_names: Sequence[str], area_title: str) -> str:
    """The chosen wards, or the area if none is chosen."""
    return format_list(list(ward_names), most=MOST_NAMED) if ward_names else area_title


def _list_time_limits(spec: LayerSpec, choices: Choices) -> list[str]:
    """The weekdays and hours of the filter; none for a state, to which they do not apply."""
    if spec.kind == "state":
        return []
    days = format_list([DAY_NAMES[day] for day in sorted(choices.days)])
    return [days, format_hours(choices.clock())]


def _describe_comparison(figures: LayerFigures) -> str:
    """The change in words, or why there is none."""
    length = (figures.end - figures.start).days
    if figures.is_hidden:
        return "small numbers are not shown to your role, nor compared"
    if figures.before is None:
        earlier_period = find_period_before(figures.start, figures.end)
        missing = figures.freshness.find_missing(earlier_period)
        if not missing and figures.fewest > 1:
            return "there is no comparison with the days before, whose number may be too small for your role"
        if not missing:
            return "no comparison with the days before, because other sources cover them"
        first = figures.freshness.first
        if first and len(missing) == 1 and missing[0] == (earlier_period[0], first):
            return f"nothing to compare with, because the records begin on {format_date(first)}"
        return f"nothing to compare with, because {describe_days(missing)}"
    earlier = "the day before" if length == 1 else f"the {format_number(length)} days before"
    together = "together " if _has_both(figures) else ""
    return f"{together}{format_change(figures.total, figures.before, earlier=earlier)}"


def _has_both(figures: LayerFigures) -> bool:
    """Whether the total has reports as well as searches by officers."""
    return LEAST <= figures.searches <= figures.total - LEAST


def format_change(now: float, before: float, *, earlier: str) -> str:
    """As in "18 % more than in the 28 days before (264)"; a difference instead of a share if there were few."""
    now, before = round(now, 1), round(before, 1)
    if not before:
        return f"none in {earlier}" + ("" if now else " either")
    if now == before:
        return f"as many as in {earlier}"
    difference = abs(now - before)
    if before < FEW and difference < 1:
        return f"about as many as in {earlier} ({format_about(before)})"
    size = format_percent(difference / before) if before >= FEW else format_about(difference)
    return f"{size} {'more' if now > before else 'fewer'} than in {earlier} ({format_about(before)})"


def build_notes(figures: LayerFigures, choices: Choices) -> list[str]:
    """Sentences on what was left out or shared, and why."""
    return [
        *_build_interval_notes(figures, choices),
        *([describe_left_out(figures)] if figures.fewest > 1 else []),
        *figures.ward_notes,
        *build_coverage_notes(figures),
    ]


def describe_left_out(figures: LayerFigures) -> str:
    """That small numbers are not shown to the viewer."""
    small = f"fewer than {figures.fewest} {figures.spec.many}"
    return (
        f"Cells with {small} are left out, and others that would tell them: your role does not see such small numbers."
    )


def _build_interval_notes(figures: LayerFigures, choices: Choices) -> list[str]:
    """Events known only to an interval, and filters that cannot apply."""
    notes = []
    if figures.spec.kind == "state" and (choices.days or choices.clock()):
        notes.append("Weekdays and hours do not apply: they are in force all day.")
    if figures.shared:
        known = "1 is known" if figures.shared == 1 else f"{format_number(figures.shared)} are known"
        notes.append(
            f"{known} only to a longer period, such as a month. Each counts by the share of it that falls inside."
        )
    if figures.unplaced:
        lacking = "time of day" if choices.clock() else "day of the week"
        more = "1 more has" if figures.unplaced == 1 else f"{format_number(figures.unplaced)} more have"
        kind = "hours" if choices.clock() else "weekdays"
        notes.append(f"{more} no known {lacking}, so a filter by {kind} leaves them out.")
    return notes


def build_coverage_notes(figures: LayerFigures, *, known_only: bool = False) -> list[str]:
    """What the records do not cover of the period, and where they begin or end within it.

    `known_only`: the view's numbers are of known days.
    """
    freshness, period = figures.freshness, (figures.start, figures.end)
    if freshness.first is None or freshness.last is None:
        return ["No source covers what is chosen in these wards."] if freshness.events else []
    notes, missing = [], freshness.describe_missing(period)
    if figures.no_hours:
        notes.append(f"{NO_HOURS[0].upper()}{NO_HOURS[1:]}. That is not the same as none.")
    elif not figures.has_number:
        notes.append(f"{missing}. That is not the same as none.")
        if freshness.judge(period) == "partly known":
            notes.append("Something is known of these days, but not from every source or not in every ward.")
    elif missing:
        what_counts = (
            "Only known days count" if known_only else "What is on record is counted, and compared with nothing"
        )
        notes.append(f"{missing}. {what_counts}.")
    if freshness.last < figures.end - timedelta(days=1):
        notes.append(f"The last known day is {format_date(freshness.last)}.")
    if freshness.first > figures.start:
        notes.append(f"The first known day is {format_date(freshness.first)}.")
    return notes


def describe_period(choices: Choices, figures: LayerFigures, *, today: date) -> str:
    """The last day of a moving period, and why: it is the last known day, or yesterday.

    Where records end long ago, the period is named for what it is: "The last 7 days of the records, 25 to 31 Dec 2024."
    """
    if choices.period == OWN_DATES or choices.period not in PERIODS:
        return ""
    last = figures.end - timedelta(days=1)
    if figures.freshness.is_old(today) and last == figures.freshness.last:
        title = PERIODS[choices.period].old_title
        return f"{title} of the records, {format_day_spans([(figures.start, figures.end)])}."
    reason = "the last known day" if last == figures.freshness.last else "the last whole day"
    if choices.period == "last-quarter":
        reason = "the last whole quarter's end"
    return f"{PERIODS[choices.period].title} up to {format_date(last)}, {reason}."


def format_filter_line(choices: Choices, *, layer_names: Sequence[str], ward_names: Sequence[str], period: str) -> str:
    """The filters as one line for a button: "needles · 28 days · Central"."""
    parts = [
        format_list(list(layer_names), most=2),
        period,
        format_list([DAY_NAMES[day] for day in sorted(choices.days)], most=MOST_NAMED),
        format_hours(choices.clock()),
        format_list(list(ward_names), most=2),
        "" if choices.view == "counts" else VIEW_LABELS.get(choices.view, choices.view),
        "items" if choices.measure == "quantity" else "",
        *(format_list(column_filter.get_chosen(choices), most=MOST_NAMED) for column_filter in COLUMN_FILTERS),
    ]
    return " · ".join(part for part in parts if part)
