"""What an alert of the daily scan says, in plain words: what, where, since when, how unusual, and what to do next."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hexbeat.analysis.alert_report import Alert
from hexbeat.areas.street_names import format_in_sentence
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.encounters import OFFICERS_NOTE, name_records
from layers.wording import (
    CELL_WIDTHS_M,
    format_about,
    format_count,
    format_date,
    format_percent,
    format_plural,
    format_span,
)

__all__ = [
    "describe_chance",
    "describe_next_step",
    "describe_place",
    "describe_scan_alert",
    "describe_state",
    "describe_ward_names",
    "merge_categories",
]

_DAY: Final = dt.timedelta(days=1)
_RAREST_YEARS: Final = 10  # simulation says no more of rarer ones
_MONTHS_A_YEAR: Final = 12
_FEW_MONTHS: Final = 24
_COMPLETE: Final = 0.95  # of the records of an alert's days


def describe_scan_alert(alert: Alert, *, category_count: float | None = None) -> str:
    """As in "6 overdoses near Union Street (Newport), 5 to 7 Sep 2026. About 1 is usual. …".

    `category_count`: how many of them are of the alert's category, where that is an alert by itself.
    """
    spec = name_records(find_layer(alert.layer), searches=alert.searches)
    is_limited = alert.category and category_count is None
    what = format_count(alert.count, spec) + (f' ("{alert.category}")' if is_limited else "")
    period = format_span(alert.first_day, alert.last_day + _DAY)
    where = describe_place(alert)
    parts = [
        f"{what} {where}, {period}.",
        f"{_describe_expected(alert.expected)}.",
        f'{format_about(category_count)[:1].upper()}{format_about(category_count)[1:]} of them are "{alert.category}".'
        if category_count is not None
        else "",
        describe_chance(alert),
        _describe_arrived(alert),
        OFFICERS_NOTE if alert.searches else "",
    ]
    return " ".join(filter(None, parts))


def describe_place(alert: Alert) -> str:
    """As in "near Union Street (Newport)", "around Grove Road and Hankin Road (North Ormesby)", "in Linthorpe"."""
    if not alert.cells:
        if alert.ward_code:
            return f"in {alert.place}"
        return f"across the whole area ({alert.place})" if alert.identifier else f"in {alert.place}, the whole area"
    name = format_in_sentence(alert.place)
    if name != alert.place:
        return name
    return f"around {name}" if " and " in name else f"in {name}"


def describe_ward_names(columns: Columns, alerts: Iterable[Alert]) -> list[str]:
    """Why an alert may have the name of another ward than others see, for a viewer who sees its layer in cells."""
    return [
        f"Your role sees {find_layer(layer).many} in cells of {CELL_WIDTHS_M[size]:,} m. An alert has the name of the "
        "ward that holds most of its cell, so that others may see it in the ward next to it."
        for layer, size in columns.find_ward_cells(sorted({alert.layer for alert in alerts})).items()
    ]


def _describe_expected(expected: float) -> str:
    """How many are usual in these days and places."""
    if expected < 0.5:  # noqa: PLR2004 - rounds to none
        return "Fewer than 1 is usual"
    about = format_about(round(expected))
    return f"{about[:1].upper()}{about[1:]} {'is' if round(expected) == 1 else 'are'} usual"


def _describe_arrived(alert: Alert) -> str:
    """That more records of these days are to come; "" where hardly any are."""
    if alert.arrived >= _COMPLETE:
        return ""
    return f"About {format_percent(alert.arrived)} of the records of these days are here by now; more may come."


def describe_chance(alert: Alert) -> str:
    """As in "Chance alone brings one like it about once in 14 months."; of its layer."""
    if alert.chance_a_year is None:
        return ""
    if alert.chance_a_year * _RAREST_YEARS < 1:
        return f"Chance alone brings one like it less than once in {_RAREST_YEARS} years."
    months = round(_MONTHS_A_YEAR / alert.chance_a_year)
    if months <= 1:
        return "Chance alone brings one like it about once a month."
    if months < _FEW_MONTHS:
        return f"Chance alone brings one like it about once in {months} months."
    years = round(months / _MONTHS_A_YEAR)
    return f"Chance alone brings one like it about once in {format_plural(years, 'year', 'years')}."


def describe_state(alert: Alert) -> str:
    """As in "First raised on 11 Nov 2026, still unusual on 30 Nov 2026."; "" for other methods."""
    if alert.told_on is None or alert.updated_on is None:
        return ""
    first_raised = f"First raised on {format_date(alert.told_on)}"
    if alert.is_open and alert.updated_on > alert.told_on:
        return f"{first_raised}. New events since, the last on {format_date(alert.last_day)}."
    return (
        f"{first_raised}."
        if alert.is_open
        else f"{first_raised}. No longer growing: the last event was on {format_date(alert.last_day)}."
    )


def describe_next_step(alert: Alert) -> str:
    """What to do next: look, ask, plan a visit, and for people in danger draft the form."""
    if find_layer(alert.layer).alert_form:
        return "Look at the records, ask the services that attended, and decide whether to send the draft form."
    if alert.searches:
        return "Ask the team whether an operation explains it."
    return "Look at the records, ask the local team, and plan a visit if it is still going on."


def merge_categories(alerts: list[Alert]) -> list[Alert]:
    """Alerts within one category that share cells and days with one of the whole layer are merged with it.

    The category is named where it is the more unusual of the two: then it is what the alert is about.
    """
    whole = [alert for alert in alerts if not alert.category]
    separate = []
    for alert in (candidate for candidate in alerts if candidate.category):
        places = _list_places(alert)
        for at, other in enumerate(whole):
            shared = places & _list_places(other)
            if shared and alert.first_day <= other.last_day and other.first_day <= alert.last_day:
                if not other.category and (alert.chance_a_year or 0.0) < (other.chance_a_year or 0.0):
                    merged = replace(other, category=alert.category)
                    whole[at] = replace(merged, sentence=describe_scan_alert(merged, category_count=alert.count))
                break
        else:
            separate.append(replace(alert, identifier=f"{alert.identifier}-{alert.category.replace(' ', '_')}"))
    return whole + separate


def _list_places(alert: Alert) -> set[str]:
    """The cells of an alert, or its ward."""
    return set(alert.cells) or {alert.ward_code or ""}
