"""An evidence pack on paper, with its timeline and map.

The PDF is a pure function of the pack's content, and carries that content with it.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from geo.calendar import list_months
from hexbeat.areas.area import Area
from hexbeat.documents.maps.area_map import render_map
from hexbeat.documents.maps.frame import widen_bounds
from hexbeat.documents.maps.sketch import Mark, Ring
from hexbeat.documents.maps.svg import FONTS, clean_text, draw_text, format_mm
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.reports.evidence import encode_canonical, hash_content
from hexbeat.reports.evidence_coverage import OUTSIDE
from layers.catalogue import find_layer
from layers.wording import (
    MONTH_NAMES,
    format_count,
    format_date,
    format_last_record,
    format_list,
    format_number,
    format_percent,
    format_plural,
    format_span,
)

__all__ = [
    "MARKING",
    "build_fact_rows",
    "build_month_table",
    "describe_map",
    "describe_no_records",
    "draw_timeline",
    "format_incident",
    "format_source",
    "is_unknown",
    "render_evidence_map",
    "render_evidence_pdf",
]

LABEL_MM: Final = 34.0
ROW_MM: Final = 8.0
HEAD_MM: Final = 5.0
SIZE: Final = 2.6
_PLACES: Final = {
    "snapped": "snapped to a point",
    "postcode": "placed by postcode",
    "street": "placed by street",
    "randomised": "moved at random",
}
MOST_MONTHS: Final = 14  # beyond, only some months are named
MARKING: Final = "RESTRICTED: for the case named here and nobody else. Do not copy, forward or publish."


def render_evidence_pdf(content: dict[str, Any], area: Area) -> bytes:
    """The pack as PDF/UA-1, the same bytes for the same content; `area` must be the one that the content names."""
    made_at = dt.datetime.fromisoformat(content["made_at"])
    data = {
        "title": f"Incidents recorded near a place: {content['reference']}",
        "mark": f"DEMONSTRATION: {content['demonstration']}." if content["demonstration"] else "",
        "marking": MARKING,
        "facts": [list(row) for row in build_fact_rows(content)],
        "alt": describe_map(content),
        "timeline-alt": describe_timeline(content),
        "months": build_month_table(content),
        "layer-titles": [find_layer(name).title for name in content["layers"]],
        "incidents": [format_incident(row) for row in content["incidents"]],
        "no-records": describe_no_records(content),
        "notes": any(row.get("note") for row in content["incidents"]),
        "sources": [format_source(row) for row in content["sources"]],
        "caveats": content["caveats"],
        "digest": hash_content(content),
        "footer": f"{'DEMONSTRATION. ' if content['demonstration'] else ''}{MARKING.split(':')[0]}. "
        f"{content['reference']}. SHA-256 {hash_content(content)[:16]}…",
    }
    drawings = {
        "map": render_evidence_map(content, area),
        "timeline": draw_timeline(content, alt=describe_timeline(content)),
    }
    return render_pdf("evidence", data, drawings, made_at=made_at, attached=encode_canonical(content))


def build_fact_rows(content: dict[str, Any]) -> list[tuple[str, str]]:
    """What the pack is, as names and words."""
    made_at = dt.datetime.fromisoformat(content["made_at"])
    start, end = (dt.date.fromisoformat(content[name]) for name in ("start", "end"))
    totals = list_totals(content)
    return [
        ("Case", content["reference"]),
        ("Place", f"{content['lat']:.5f}, {content['lon']:.5f} (WGS 84), {content['ward_name']} ward"),
        ("Radius", f"{format_number(content['radius_m'])} metres"),
        ("Period", format_span(start, end)),
        ("Records", f"{format_record_number(content)}{format_list(totals)}"),
        ("Made", f"{format_date(made_at.date())} at {made_at:%H:%M}, by {content['made_by']}, with Hexbeat"),
    ]


def format_record_number(content: dict[str, Any]) -> str:
    """As in "12 in all: "; "" where no number is known."""
    return "" if is_unknown(content) else f"{len(content['incidents']):,} in all: "


def is_unknown(content: dict[str, Any]) -> bool:
    """Whether the pack has no record because nothing of its period is known. Packs of before never said so."""
    states = {row["layer"]: row["state"] for row in content.get("not_known", [])}
    all_unknown = all(states.get(name) == "not known" for name in content["layers"])
    return "months_not_known" in content and not content["incidents"] and all_unknown


def describe_no_records(content: dict[str, Any]) -> str:
    """What stands in place of the table of records."""
    if is_unknown(content):
        return "Not known: no records cover this place and period."
    limit = " Not all days are known." if content.get("not_known") and "months_not_known" in content else ""
    return f"No record lies within the radius and the period.{limit}"


def list_totals(content: dict[str, Any]) -> list[str]:
    """The number of each layer with its name; of a layer that is not known or partly known, that.

    Packs of before did not say what is not known.
    """
    states = {row["layer"]: row["state"] for row in content.get("not_known", [])}
    totals = []
    for row in content["totals"]:
        spec, state = find_layer(row["layer"]), states.get(row["layer"], "known")
        count = format_count(row["records"] or 0, spec)
        if state == "not known" and not row["records"]:
            count = f"{spec.many} not known"
        elif state != "known":
            count = f"{count} (not all days are known)"
        totals.append(count)
    return totals


def build_month_table(content: dict[str, Any]) -> list[list[str]]:
    """A row for each month with a record, or not known whole: its name, and the number of each layer."""
    states = {(row["month"], row["layer"]): row["state"] for row in content.get("months_not_known", [])}
    return [
        [
            format_month(row["month"]),
            *(format_month_number(row[name], states.get((row["month"], name))) for name in content["layers"]),
        ]
        for row in content["months"]
    ]


def format_month_number(number: int | None, state: str | None) -> str:
    """As in "12", "not known", "12 (not all days are known)", "outside the period"."""
    if number is None:
        return state or "not known"
    return f"{number}" if state in {None, OUTSIDE} else f"{number} (not all days are known)"


def format_month(month: str) -> str:
    """2026-11 as Nov 2026."""
    return f"{MONTH_NAMES[int(month[5:]) - 1]} {month[:4]}"


def format_incident(row: dict[str, Any]) -> dict[str, str]:
    """One record as texts for the table."""
    doubts = [] if row["surely"] else ["may lie outside the period"]
    place = row.get("location_precision", "")  # packs of before have none
    doubts += [_PLACES[place]] if place in _PLACES else []
    doubts += ["shared coordinates"] if row["shared_point"] and not place else []
    spec = find_layer(row["layer"])
    what = row["category"] or spec.one
    amount = f", {row['quantity']} {spec.item}" if row["quantity"] > 1 else ""
    status = f", {row['status']}" if row["status"] else ""
    return {
        "number": str(row["number"]),
        "when": row["when"],
        "layer": spec.title,
        "what": f"{what}{amount}{status}",
        "where": f"{row['distance_m']} m {row['side']}".strip() if row["side"] else "at the point",
        "source": f"{row['source']} {row['source_id']}, by {row['reported_by']}",
        "doubts": "; ".join(doubts),
        "note": row.get("note", ""),
    }


def format_source(row: dict[str, Any]) -> list[str]:
    """A source as texts for the table: its records, its rejects with reasons, and how exact it is."""
    reasons = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in row["reasons"].items())
    rejected = f"{row['rejects']:,}" + (f" ({reasons})" if reasons else "")
    return [
        row["source"],
        find_layer(row["layer"]).title if row["layer"] else "not known",
        f"{row['used']:,} of {row['events']:,}",
        format_newest(row),
        rejected,
        format_percent(row["without_time"]) if row["events"] else "",
        format_percent(row["snapped"]) if row["events"] else "",
    ]


def format_newest(row: dict[str, Any]) -> str:
    """The day of a source's newest record, or its month; "none"."""
    if not row["last_record"]:
        return "none"
    day = dt.date.fromisoformat(row["last_record"])
    return format_last_record(day, month_only=row.get("month_only", False))


def render_evidence_map(
    content: dict[str, Any], area: Area, *, width_mm: float = 112.0, height_mm: float = 108.0
) -> bytes:
    """The place, its radius, and the records; several at one point are drawn once with their number."""
    ring = Ring(content["lon"], content["lat"], content["radius_m"])
    at = Counter((row["layer"], row["lon"], row["lat"]) for row in content["incidents"])
    points = [
        Mark(lon, lat, find_layer(layer).mark, f"\N{MULTIPLICATION SIGN}{count}" if count > 1 else "")
        for (layer, lon, lat), count in sorted(at.items())
    ]
    present = [name for name in content["layers"] if any(row["layer"] == name for row in content["incidents"])]
    return render_map(
        area,
        points=[*points, Mark(content["lon"], content["lat"], "site")],
        rings=[ring],
        keys=[
            ("site", f"the place, with {format_number(content['radius_m'])} m around it"),
            *((find_layer(name).mark, find_layer(name).many) for name in present),
        ],
        extent=widen_bounds([(content["lon"], content["lat"])], least_m=content["radius_m"] * 2.15),
        with_streets=False,  # a pack is drawn again and compared, also after the streets were built again
        alt=describe_map(content),
        width_mm=width_mm,
        height_mm=height_mm,
    )


def describe_map(content: dict[str, Any]) -> str:
    """What the map shows, for those who do not see it."""
    place = f"{content['lat']:.5f}, {content['lon']:.5f} in {content['ward_name']} ward"
    records = (
        "no known records" if is_unknown(content) else format_plural(len(content["incidents"]), "record", "records")
    )
    return (
        f"Map around {place}, north up, with a circle of {format_number(content['radius_m'])} metres and "
        f"{records}. The table of records gives the distance and side of each."
    )


def describe_timeline(content: dict[str, Any]) -> str:
    """What the timeline shows."""
    return f"Timeline of the period: {format_list(list_totals(content))}. The table of months gives their numbers."


def draw_timeline(content: dict[str, Any], *, width_mm: float = 180.0, alt: str) -> bytes:
    """SVG of the content of an evidence pack (hexbeat.reports.evidence)."""
    start, end = (dt.date.fromisoformat(content[name]) for name in ("start", "end"))
    layers = content["layers"]
    height = HEAD_MM + ROW_MM * len(layers) + 1.0
    axis = draw_axis(start, end, width_mm, height)
    states = {row["layer"]: row["state"] for row in content.get("not_known", [])}
    incidents = {name: [row for row in content["incidents"] if row["layer"] == name] for name in layers}
    rows = "".join(
        draw_row(
            format_row_label(name, len(incidents[name]), states.get(name)), place, incidents[name], start, end, width_mm
        )
        for place, name in enumerate(layers)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{format_mm(width_mm)}mm" height="{format_mm(height)}mm" '
        f'viewBox="0 0 {format_mm(width_mm)} {format_mm(height)}" role="img" aria-label="{escape(clean_text(alt))}" '
        f'font-family="{FONTS}">{axis}{rows}</svg>'
    ).encode()


def to_x_mm(ordinal_day: float, start: dt.date, end: dt.date, width: float) -> float:
    """The x of an ordinal day (with its fraction) in millimetres, kept within the sheet."""
    share = (ordinal_day - start.toordinal()) / (end - start).days
    return LABEL_MM + min(max(share, 0.0), 1.0) * (width - LABEL_MM - 1.0)


def draw_axis(start: dt.date, end: dt.date, width: float, height: float) -> str:
    """A line at the beginning of each month, and the names of months as far as they fit."""
    months = list_months(start, end)
    step = -(-len(months) // MOST_MONTHS)
    parts = []
    for place, month in enumerate(months):
        x = to_x_mm(month.toordinal(), start, end, width)
        line = f"M{format_mm(x)},{format_mm(HEAD_MM - 1)} {format_mm(x)},{format_mm(height - 1)}"
        parts.append(f'<path d="{line}" stroke="#b9bfc6" stroke-width="0.2"/>')
        if place % step == 0:
            year = f" {month.year}" if month.month == 1 or place == 0 else ""
            parts.append(draw_text(x, HEAD_MM - 1.8, f"{MONTH_NAMES[month.month - 1]}{year}", size=2.2, fill="#444"))
    return "".join(parts)


def format_row_label(layer: str, number: int, state: str | None) -> str:
    """As in "Needle finds: 12", "Needle finds: not known", "Needle finds: 12*" (not all days are known)."""
    if state == "not known" and not number:
        return f"{find_layer(layer).title}: not known"
    return f"{find_layer(layer).title}: {number:,}" + ("*" if state else "")


def draw_row(label: str, place: int, rows: Sequence[dict[str, Any]], start: dt.date, end: dt.date, width: float) -> str:
    """One layer: its name and number, its ticks and bars."""
    top = HEAD_MM + place * ROW_MM
    base = f'<path d="M{LABEL_MM},{format_mm(top + ROW_MM - 1)} {format_mm(width - 1)},{format_mm(top + ROW_MM - 1)}"'
    parts = [
        draw_text(0, top + ROW_MM - 3.2, label, size=SIZE, weight=700),
        f'{base} stroke="#555" stroke-width="0.3"/>',
    ]
    for row in rows:
        first, last = (parse_ordinal(row[name]) for name in ("from", "to"))
        left, right = (to_x_mm(ordinal_day, start, end, width) for ordinal_day in (first, last))
        if right - left > 1.0:
            parts.append(
                f'<rect x="{format_mm(left)}" y="{format_mm(top + 3.4)}" width="{format_mm(right - left)}" height="2" '
                'fill="#999" fill-opacity="0.55" stroke="#444" stroke-width="0.2"/>'
            )
        else:
            parts.append(
                f'<path d="M{format_mm(left)},{format_mm(top + 1.4)} {format_mm(left)},{format_mm(top + ROW_MM - 1)}" '
                'stroke="#111" stroke-width="0.45"/>'
            )
    return "".join(parts)


def parse_ordinal(text: str) -> float:
    """An ISO time as an ordinal day (1 is 1 January of year 1) with its fraction."""
    time = dt.datetime.fromisoformat(text)
    return time.toordinal() + (time.hour * 60 + time.minute) / 1440
