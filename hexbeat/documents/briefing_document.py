"""A briefing as one A4 page, and the sentences and the map that the page on screen shares with it."""

import datetime as dt
from collections.abc import Sequence
from textwrap import shorten
from typing import Any, Final

import shapely

from geo.cells import build_outlines
from hexbeat.analysis.alert_sentences import describe_state
from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.areas.place_names import parse_cells
from hexbeat.areas.street_names import format_in_sentence
from hexbeat.documents.maps.area_map import render_map
from hexbeat.documents.maps.sketch import Mark, MarkKind, Outline
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.operations.alert_answers import AlertAnswer, describe_answers, find_answers
from hexbeat.reports.briefing import Alert, Briefing, ClosureLine, LayerLine, PlaceLine, Purpose
from layers.catalogue import LAYER_NAMES, find_layer
from layers.coverage import KnownState
from layers.wording import (
    format_about,
    format_date,
    format_expected,
    format_last_record,
    format_list,
    format_number,
    format_plural,
    format_span,
)

__all__ = [
    "LEAD_ALERT",
    "build_layer_row",
    "build_page_data",
    "describe_closure",
    "describe_demonstration",
    "describe_false_alarms",
    "describe_forecast",
    "describe_freshness",
    "describe_lead",
    "describe_map",
    "describe_no_alerts",
    "describe_no_closures",
    "describe_no_places",
    "describe_unknown_alerts",
    "describe_visits",
    "find_lead_alert",
    "format_alert",
    "format_headline",
    "format_last_days",
    "format_place_title",
    "render_briefing_map",
    "render_briefing_pdf",
]

MOST_ALERTS: Final = 4
MOST_ANSWER_LETTERS: Final = 160  # of an answer to an alert, so that notes leave room for the rest
MOST_CLOSURES: Final = 5
MAP_WIDTH_MM, MAP_HEIGHT_MM = 92.0, 117.0
DAY: Final = dt.timedelta(days=1)
LEAD_ALERT: Final = "The alert at the top of this page."
LEFT_OUT: Final = "Left out of this page."
_CLEAR: Final = ("a rise", "a fall")  # what the verdict of a clear change begins with


def render_briefing_pdf(
    briefing: Briefing, area: Area, *, made_at: dt.datetime, answers: Sequence[AlertAnswer] = ()
) -> bytes:
    """The briefing as PDF/UA-1 on one A4 page; what does not fit is counted instead. `made_at` is aware.

    `answers` are those of people to alerts: the last one stands beside its alert.
    """
    data = build_page_data(briefing, area, made_at=made_at, answers=answers)
    return render_pdf("briefing", data, {"map": render_briefing_map(briefing, area)}, made_at=made_at)


def build_page_data(
    briefing: Briefing, area: Area, *, made_at: dt.datetime, answers: Sequence[AlertAnswer] = ()
) -> dict[str, Any]:
    """All that the page says."""
    local = made_at.astimezone(area.tz)
    answers_by_alert = find_answers(briefing.alerts, answers, area.wards)
    lead = find_lead_alert(briefing)
    alerts = [
        format_alert(alert, own, is_lead=alert is lead)
        for alert, own in zip(briefing.alerts, answers_by_alert, strict=True)
    ]
    closures = [line for kind in ("ending", "new") for line in briefing.closures if line.kind == kind]
    return {
        "title": briefing.title,
        "headline": format_headline(briefing, area),
        "old": briefing.headline,
        "lead": describe_lead(briefing),
        "mark": describe_demonstration(briefing),
        "alt": describe_map(briefing, area),
        "layers": [build_layer_row(line, briefing) for line in briefing.layers],
        "days": format_last_days(briefing),
        "places": [
            {
                "number": str(number),
                "where": line.place,
                "what": f"{line.title}{format_cells(line)}",
                "why": line.reason,
            }
            for number, line in enumerate(briefing.places, start=1)
        ],
        "no-places": LEFT_OUT if briefing.is_by_mail else describe_no_places(briefing),
        "no-alerts": describe_no_alerts(briefing),
        "no-ending": LEFT_OUT if briefing.is_by_mail else describe_no_closures(briefing.ending_state),
        "no-new": LEFT_OUT if briefing.is_by_mail else describe_no_closures(briefing.new_state),
        "expected": describe_forecast(briefing),
        "alerts": shorten_lines(alerts, MOST_ALERTS, "more"),
        "alert-note": " ".join(
            filter(None, [describe_false_alarms(briefing.alerts), describe_unknown_alerts(briefing)])
        ),
        "ending": shorten_lines(
            [describe_closure(line) for line in closures if line.kind == "ending"], MOST_CLOSURES, "more end"
        ),
        "new": shorten_lines(
            [describe_closure(line) for line in closures if line.kind == "new"], MOST_CLOSURES, "more began"
        ),
        "no-done": LEFT_OUT if briefing.is_by_mail else "No visit was recorded in these days.",
        "no-fresh": LEFT_OUT if briefing.is_by_mail else "Nothing is loaded yet.",
        "done": describe_visits(briefing),
        "fresh": describe_freshness(briefing),
        "notes": list(briefing.notes),
        "footer": f"{'DEMONSTRATION. ' if briefing.mark else ''}OFFICIAL: for the partnership only, small numbers. "
        f"Made {format_date(local.date())} at {local:%H:%M} by Hexbeat.",
    }


def describe_no_places(briefing: Briefing) -> str:
    """What stands in place of places: of layers that are not known, it is not known whether there are any."""
    return _describe_none(briefing, briefing.unknown_places, "No place is certain to be a hotspot.", "Hotspots")


def describe_no_alerts(briefing: Briefing) -> str:
    """What stands in place of alerts: of layers that are not known, it is not known whether there are any."""
    return _describe_none(briefing, briefing.unknown_alerts, "None.", "Alerts")


def describe_unknown_alerts(briefing: Briefing) -> str:
    """Of which layers alerts are not known, beside the alerts of others; "" without alerts."""
    names = format_list([find_layer(name).many for name in briefing.unknown_alerts])
    return f"Alerts of now of {names} are not known." if briefing.alerts and names else ""


def _describe_none(briefing: Briefing, unknown: tuple[str, ...], none: str, what: str) -> str:
    incidents = {line.layer for line in briefing.layers if find_layer(line.layer).kind == "incident"}
    if briefing.headline or incidents <= set(unknown):
        return "Not known."
    names = format_list([find_layer(name).many for name in unknown])
    return f"{none} {what} of {names} are not known." if unknown else none


def describe_no_closures(state: KnownState) -> str:
    """What stands in place of closures."""
    if state == "not known":
        return "Not known."
    return "None." if state == "known" else "None recorded. Not all days are known."


def shorten_lines(lines: list[str], most: int, more: str) -> list[str]:
    """The first so many, and how many are left."""
    number_left = len(lines) - most
    return [*lines[:most], f"{number_left} {more}."] if number_left > 0 else lines


def format_headline(briefing: Briefing, area: Area) -> str:
    """The purpose, the day and the period of the briefing."""
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    where = f" Only {format_list([names[code] for code in briefing.wards])}." if briefing.wards else ""
    hours = ""
    if briefing.hours:
        hours = f", {briefing.hours[0]:02}:00 to {briefing.hours[1]:02}:00"
    use = "For the daily meeting" if briefing.purpose is Purpose.MEETING else "For the shift"
    return f"{use} of {format_date(briefing.today)}. Covers {format_span(*briefing.period)}{hours}.{where}"


def describe_lead(briefing: Briefing) -> str:
    """The one thing worth saying first: an alert of now, else a clear change, else the first place, else calm.

    "" where all records are old, which the headline says, and of a page by mail where no number changed.
    """
    if briefing.headline:
        return ""
    alert = find_lead_alert(briefing)
    if alert is not None:
        return alert.sentence
    days = (briefing.period[1] - briefing.period[0]).days
    for line in briefing.layers:
        if line.verdict.startswith(_CLEAR) and line.count is not None and line.earlier is not None:
            return (
                f"{line.title}: {format_about(line.count)} in {format_plural(days, 'day', 'days')}, "
                f"{format_about(line.earlier)} in the {'day' if days == 1 else days} before. That is {line.verdict}."
            )
    if briefing.is_by_mail:
        return ""
    if briefing.places:
        place = briefing.places[0]
        return f"No alert and no clear change. {find_layer(place.layer).title} stand out most at {place.place}."
    is_known = not (briefing.unknown_alerts or briefing.unknown_places)
    return "No alert, no clear change and no place that stands out." if is_known else ""


def find_lead_alert(briefing: Briefing) -> Alert | None:
    """The alert with which the page begins, so that its list of alerts need not say it again; None for another lead."""
    if briefing.headline or briefing.is_by_mail:
        return None
    return next((alert for alert in briefing.alerts if alert.is_current), None)


def describe_demonstration(briefing: Briefing) -> str:
    """The mark of every page that shows demonstration events; "" for others."""
    return f"DEMONSTRATION: {briefing.mark}." if briefing.mark else ""


def format_last_days(briefing: Briefing) -> str:
    """The days that are counted, above their numbers: "Last 7 days"."""
    days = (briefing.period[1] - briefing.period[0]).days
    return "Last day" if days == 1 else f"Last {format_number(days)} days"


def build_layer_row(line: LayerLine, briefing: Briefing) -> dict[str, str]:
    """One layer: its number, the number of the period before, and the verdict; with its own days if they differ."""
    own_period = ""
    is_incident = find_layer(line.layer).kind == "incident"  # a closure is in force until it ends, whatever came since
    if is_incident and line.period and line.period != briefing.period:
        own_period = f" ({format_span(*line.period)})"
    return {
        "title": f"{line.title}{own_period}",
        "now": "not known" if line.count is None else format_about(line.count),
        "before": "" if line.earlier is None else format_about(line.earlier),
        "verdict": "; ".join(filter(None, [line.verdict, line.missing])),
    }


def format_place_title(line: PlaceLine) -> str:
    """As in "Linthorpe Road and Southfield Road (Central), 4 cells"."""
    return f"{line.place}{format_cells(line)}"


def format_cells(line: PlaceLine) -> str:
    """As in ", 4 cells", to be put behind the name of a place or its layer; "" for one cell."""
    return f", {len(line.cells)} cells" if len(line.cells) > 1 else ""


def format_alert(alert: Alert, answers: Sequence[AlertAnswer] = (), *, is_lead: bool = False) -> str:
    """An alert with what is usual, how rarely chance brings one like it, whether it goes on, and its last answer.

    `is_lead`: the page begins with it, and it is not told twice.
    """
    answer_text = shorten(describe_answers(answers), MOST_ANSWER_LETTERS, placeholder=" …")
    sentence = LEAD_ALERT if is_lead else alert.sentence
    return " ".join(filter(None, [sentence, describe_state(alert) if alert.is_current else "", answer_text]))


def describe_false_alarms(alerts: tuple[Alert, ...]) -> str:
    """What an alert is not."""
    return "Alerts are questions, not findings. Records may still arrive." if alerts else ""


def describe_closure(line: ClosureLine) -> str:
    """Where, since when and until when."""
    if line.kind == "ending":
        return f"{line.place}: last day {format_date(line.last_day)}, in force since {format_date(line.first_day)}"
    return f"{line.place}: since {format_date(line.first_day)}, to {format_date(line.last_day)}"


def describe_visits(briefing: Briefing) -> list[str]:
    """What each team did."""
    kinds = {"patrol": "patrols", "sweep": "sweeps"}
    lines = []
    for line in briefing.work:
        needles = "" if line.needles is None else f", {format_plural(line.needles, 'needle', 'needles')} collected"
        visits = format_plural(line.visits, "visit", "visits")
        minutes = format_plural(line.minutes, "minute", "minutes")
        kind = f"{kinds.get(line.kind, line.kind)}{', DEMONSTRATION' if line.demonstration else ''}"
        lines.append(f"{line.team} ({kind}): {visits}, {minutes}{needles}")
    return lines


def describe_forecast(briefing: Briefing) -> list[str]:
    """Where most is expected, a line a layer."""
    lines = []
    for layer in dict.fromkeys(line.layer for line in briefing.expected):
        layer_lines = [line for line in briefing.expected if line.layer == layer]
        places = [format_in_sentence(line.place) for line in layer_lines]
        first = layer_lines[0]
        week = format_span(first.start, first.end)
        number, spec = format_expected(first.total), find_layer(layer)
        what = f"{number[:1].upper()}{number[1:]} {spec.one if number.endswith(' 1') else spec.many}"
        lines.append(f"{what} expected, {week}. Look first {', then '.join(map(_add_preposition, places))}")
    return lines


def _add_preposition(place: str) -> str:
    """As in "near Kings Road (Central)", "at Union Street, near Park Road (Newport)"."""
    return place if place.startswith("near ") else f"at {place}"


def describe_freshness(briefing: Briefing) -> list[str]:
    """The newest record of each source."""
    return [
        f"{line.layer} ({line.source}): records to {format_last_record(line.last, month_only=line.month_only)}"
        if line.last
        else f"{line.layer}: no records"
        for line in briefing.sources
    ]


def render_briefing_map(
    briefing: Briefing, area: Area, *, width_mm: float = MAP_WIDTH_MM, height_mm: float = MAP_HEIGHT_MM
) -> bytes:
    """The places with their numbers, and the closures of the briefing."""
    places = [
        Mark(*find_middle(line.cell), "stop", str(number)) for number, line in enumerate(briefing.places, start=1)
    ]
    closures = [Mark(line.lon, line.lat, "square" if line.kind == "new" else "cross") for line in briefing.closures]
    kinds = {line.kind for line in briefing.closures}
    keys: list[tuple[MarkKind, str]] = [("stop", "place in the table")] if places else []
    keys += [("square", "new closure")] if "new" in kinds else []
    keys += [("cross", "closure that ends soon")] if "ending" in kinds else []
    return render_map(
        area,
        areas=[build_outline(line) for line in briefing.places],
        points=[*closures, *places],
        keys=keys,
        extent=find_ward_bounds(area, briefing.wards) if briefing.wards else None,
        alt=describe_map(briefing, area),
        width_mm=width_mm,
        height_mm=height_mm,
    )


def find_middle(cell: str) -> tuple[float, float]:
    """Longitude and latitude of a cell's middle."""
    point = shapely.centroid(build_outlines(parse_cells([cell]))[0])
    return float(point.x), float(point.y)


def build_outline(line: PlaceLine) -> Outline:
    """The hot cells of a place as one outline, in the style of its layer."""
    outline = shapely.union_all(build_outlines(parse_cells(list(line.cells))))
    return Outline(outline, f"hotspot of {find_layer(line.layer).many}", LAYER_NAMES.index(line.layer))


def describe_map(briefing: Briefing, area: Area) -> str:
    """What the map shows, for those who do not see it."""
    if briefing.is_by_mail:
        return f"Map of {area.title}, north up. Places and closures are left out of this page."
    places = "; ".join(
        f"{number} {format_in_sentence(format_place_title(line))}"
        for number, line in enumerate(briefing.places, start=1)
    )
    none = "none" if describe_no_places(briefing) != "Not known." else "not known"
    states = {"new": briefing.new_state, "ending": briefing.ending_state}
    counts = {
        kind: sum(line.kind == kind for line in briefing.closures) or ("not known" if state == "not known" else 0)
        for kind, state in states.items()
    }
    return (
        f"Map of {area.title}, north up, with numbered places ({places or none}), new closures ({counts['new']}) "
        f"and closures that end soon ({counts['ending']}). The table of places says the same."
    )
