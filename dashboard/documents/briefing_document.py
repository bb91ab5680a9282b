"""A briefing as one A4 page, and the words and the map that the page on screen shares with it."""

import datetime as dt
from typing import Any, Final

import shapely

from dashboard.documents.drawing import draw_map
from dashboard.documents.sketch import Mark, MarkKind, Outline
from dashboard.documents.typesetting import make_pdf
from dashboard.places import parse_cells, place_words
from geo.cells import boundaries
from layers.areas import Area, ward_bounds
from layers.briefing.facts import Alert, Briefing, ClosureLine, LayerLine, PlaceLine, Purpose
from layers.catalogue import LAYER_NAMES, layer_named
from layers.wording import date_words, list_words, number_words, span_words, things

__all__ = [
    "alert_line",
    "alert_note",
    "briefing_alt",
    "briefing_map",
    "briefing_pdf",
    "briefing_words",
    "closure_words",
    "demonstration_words",
    "done_words",
    "expected_words",
    "fresh_words",
    "head_words",
    "layer_row",
    "place_title",
]

MOST_ALERTS: Final = 4
MOST_CLOSURES: Final = 5
WIDE_MM, HIGH_MM = 92.0, 117.0
DAY: Final = dt.timedelta(days=1)


def briefing_pdf(found: Briefing, area: Area, *, made: dt.datetime) -> bytes:
    """The briefing as PDF/UA-1 on one A4 page; what does not fit is counted instead. `made` is aware."""
    return make_pdf("briefing", briefing_words(found, area, made=made), {"map": briefing_map(found, area)}, made=made)


def briefing_words(found: Briefing, area: Area, *, made: dt.datetime) -> dict[str, Any]:
    """All that the page says."""
    local = made.astimezone(area.tz)
    closures = [line for kind in ("ending", "new") for line in found.closures if line.kind == kind]
    return {
        "title": found.title,
        "head": head_words(found, area),
        "mark": demonstration_words(found),
        "alt": briefing_alt(found, area),
        "layers": [layer_row(line, found) for line in found.layers],
        "days": number_words((found.period[1] - found.period[0]).days),
        "places": [
            {"number": str(number), "where": place_title(line), "what": line.title, "why": line.reason}
            for number, line in enumerate(found.places, start=1)
        ],
        "no-places": "" if found.places else "No place stands out from chance.",
        "expected": expected_words(found),
        "alerts": cut([alert_line(one) for one in found.alerts], MOST_ALERTS, "more"),
        "alert-note": alert_note(found.alerts),
        "ending": cut([closure_words(line) for line in closures if line.kind == "ending"], MOST_CLOSURES, "more end"),
        "new": cut([closure_words(line) for line in closures if line.kind == "new"], MOST_CLOSURES, "more began"),
        "done": done_words(found),
        "fresh": fresh_words(found),
        "notes": list(found.notes),
        "footer": f"{'DEMONSTRATION. ' if found.mark else ''}OFFICIAL: for the partnership only, small numbers. "
        f"Made {date_words(local.date())} at {local:%H:%M} by Hexbeat.",
    }


def cut(lines: list[str], most: int, more: str) -> list[str]:
    """The first so many, and how many are left."""
    left = len(lines) - most
    return [*lines[:most], f"{left} {more}."] if left > 0 else lines


def head_words(found: Briefing, area: Area) -> str:
    """Whom it is for, when it was made and what it looks back on."""
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    where = f" Only {list_words([names[code] for code in found.wards])}." if found.wards else ""
    hours = ""
    if found.hours:
        hours = f", {found.hours[0]:02}:00 to {found.hours[1]:02}:00"
    use = "For the daily meeting" if found.purpose is Purpose.MEETING else "For the shift"
    return f"{use} of {date_words(found.today)}. Looks back on {span_words(*found.period)}{hours}.{where}"


def demonstration_words(found: Briefing) -> str:
    """What must stand on every page that shows demonstration events; "" for others."""
    return f"DEMONSTRATION: {found.mark}." if found.mark else ""


def layer_row(line: LayerLine, found: Briefing) -> dict[str, str]:
    """One layer: its number, that of the same length before, and what the test says; its own days if they differ."""
    own = ""
    incident = layer_named(line.layer).kind == "incident"  # a closure is in force until it ends, whatever came since
    if incident and line.period and line.period != found.period:
        own = f" ({span_words(*line.period)})"
    return {
        "title": f"{line.title}{own}",
        "now": number_words(line.count) if line.period else "none",
        "before": "" if line.earlier is None else number_words(line.earlier),
        "verdict": line.verdict,
    }


def place_title(line: PlaceLine) -> str:
    """As in "Central · 4e17, with 3 cells around it"."""
    others = len(line.cells) - 1
    beside = f", with {others} {'cell' if others == 1 else 'cells'} around it" if others else ""
    return f"{place_words(line.ward_name, line.cell)}{beside}"


def alert_line(alert: Alert) -> str:
    """An alert without its odds, which `alert_note` gives for all."""
    when = span_words(alert.first_day, alert.last_day + DAY)
    counted = things(alert.count, layer_named(alert.layer))
    return f"{counted} in {alert.place}, {when}; {number_words(alert.expected)} would be expected."


def alert_note(alerts: tuple[Alert, ...]) -> str:
    """How often chance alone would bring such alerts."""
    if not alerts:
        return ""
    rates = {alert.layer: alert.false_alarms_a_year for alert in alerts}
    known = [name for name in LAYER_NAMES if name in rates]
    said = [f"{number_words(round(rates[name]))} times a year for {layer_named(name).many}" for name in known]
    return f"Questions, not findings. By chance alone such alerts come about {list_words(said)}."


def closure_words(line: ClosureLine) -> str:
    """Where, since when and until when."""
    place = place_words(line.ward_name, line.cell)
    if line.kind == "ending":
        return f"{place}: last day {date_words(line.last_day)}, in force since {date_words(line.first_day)}"
    return f"{place}: since {date_words(line.first_day)}, to {date_words(line.last_day)}"


def done_words(found: Briefing) -> list[str]:
    """What each team did."""
    kinds = {"patrol": "patrols", "sweep": "sweeps"}
    said = []
    for line in found.work:
        needles = "" if line.needles is None else f", {number_words(line.needles)} needles collected"
        visits = f"{line.visits:,} {'visit' if line.visits == 1 else 'visits'}"
        said.append(f"{line.team} ({kinds.get(line.kind, line.kind)}): {visits}, {line.minutes:,} minutes{needles}")
    return said


def expected_words(found: Briefing) -> list[str]:
    """Where most is expected, a line a layer."""
    lines = []
    for layer in dict.fromkeys(one.layer for one in found.expected):
        own = [one for one in found.expected if one.layer == layer]
        places = [f"{place_words(one.ward_name, one.cell)} ({number_words(one.expected)})" for one in own]
        total = f"{number_words(own[0].total)} in all"
        lines.append(f"{own[0].title}, {span_words(own[0].start, own[0].end)}: {list_words(places)}; {total}")
    return lines


def fresh_words(found: Briefing) -> list[str]:
    """How far each source reaches."""
    return [
        f"{line.layer} ({line.source}): to {date_words(line.last)}" if line.last else f"{line.layer}: none"
        for line in found.sources
    ]


def briefing_map(found: Briefing, area: Area, *, width_mm: float = WIDE_MM, height_mm: float = HIGH_MM) -> bytes:
    """The places with their numbers, and the closures of the briefing."""
    places = [Mark(*middle(line.cell), "stop", str(number)) for number, line in enumerate(found.places, start=1)]
    closures = [Mark(line.lon, line.lat, "square" if line.kind == "new" else "cross") for line in found.closures]
    kinds = {line.kind for line in found.closures}
    keys: list[tuple[MarkKind, str]] = [("stop", "place in the table")] if places else []
    keys += [("square", "new closure")] if "new" in kinds else []
    keys += [("cross", "closure that ends")] if "ending" in kinds else []
    return draw_map(
        area,
        areas=[outline_of(line) for line in found.places],
        points=[*closures, *places],
        keys=keys,
        extent=ward_bounds(area, found.wards) if found.wards else None,
        alt=briefing_alt(found, area),
        width_mm=width_mm,
        height_mm=height_mm,
    )


def middle(cell: str) -> tuple[float, float]:
    """Longitude and latitude of a cell's middle."""
    point = shapely.centroid(boundaries(parse_cells([cell]))[0])
    return float(point.x), float(point.y)


def outline_of(line: PlaceLine) -> Outline:
    """The hot cells of a place, drawn in the way of its layer."""
    joined = shapely.union_all(boundaries(parse_cells(list(line.cells))))
    return Outline(joined, f"hotspot of {layer_named(line.layer).many}", LAYER_NAMES.index(line.layer))


def briefing_alt(found: Briefing, area: Area) -> str:
    """What the map shows, for those who do not see it."""
    places = ", ".join(f"{number} {place_title(line)}" for number, line in enumerate(found.places, start=1))
    counts = {kind: sum(line.kind == kind for line in found.closures) for kind in ("new", "ending")}
    return (
        f"Map of {area.title}, north up, with numbered places ({places or 'none'}), {counts['new']} new closures and "
        f"{counts['ending']} closures that end soon. The table of places says the same."
    )
