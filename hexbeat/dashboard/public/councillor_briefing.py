"""A briefing for a ward councillor, from the published release alone: one A4 page in plain words."""

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import shapely

from geo.errors import UsageError
from hexbeat.dashboard.public.advice import TOTALS, find_advice
from hexbeat.dashboard.public.block_drawing import list_steps
from hexbeat.dashboard.public.published_counts import ReleaseTotals, join_periods
from hexbeat.dashboard.public.sentences import describe_ward, format_past_number, format_period
from hexbeat.documents.maps.map_svg import render_sketch
from hexbeat.documents.maps.scales import Scale, build_count_scale
from hexbeat.documents.maps.sketch import Outline, Sketch
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.release.format import Period, Release, ReleasedLayer
from hexbeat.release.release_text import format_promise
from layers.layer_spec import COUNCIL_CONTACT, Advice
from layers.wording import format_date

__all__ = [
    "CouncillorBriefing",
    "Part",
    "build_councillor_briefing",
    "format_ward_file",
    "render_councillor_map",
    "render_councillor_pdf",
    "render_ward_files",
]

MOST_PERIODS: Final = 4
MAP_WIDTH_MM, MAP_HEIGHT_MM = 88.0, 96.0
BLANK: Final = (
    "What is white is counted with a larger place, or there were none, or too few to show. Every number of the map is "
    "in the release."
)
CONTACT: Final = "Tell the council where it is: its website has the number and the form."


@dataclass(frozen=True, slots=True)
class Part:
    """The sentences of one layer, and its last periods as (period, number in words), the oldest first."""

    layer: str
    title: str
    sentences: tuple[str, ...]
    past: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class CouncillorBriefing:
    """All facts of the page of one ward."""

    published: ReleaseTotals
    ward_code: str
    ward: str
    title: str
    parts: tuple[Part, ...]


def build_councillor_briefing(release: Release, ward: str) -> CouncillorBriefing:
    """The latest period of every released layer in a ward, by its code or name; UsageError if there is no such ward."""
    published = ReleaseTotals(release)
    return build_ward_briefing(published, find_ward(published, ward))


def build_ward_briefing(published: ReleaseTotals, code: str) -> CouncillorBriefing:
    """The latest period of every released layer in the ward with this code."""
    name = published.wards[code]
    parts = tuple(build_part(published, layer, code) for layer in published.layers)
    return CouncillorBriefing(published, code, name, f"{name}: what is happening", parts)


def format_ward_file(code: str) -> str:
    """The file name of a ward's page; other characters than letters and digits become hyphens."""
    return f"ward-{re.sub('[^A-Za-z0-9]+', '-', code)}.pdf"


def render_ward_files(published: ReleaseTotals) -> dict[str, bytes]:
    """The page of every ward by its file name, about 45 kB each; the same release gives the same bytes."""
    return {
        format_ward_file(code): render_councillor_pdf(build_ward_briefing(published, code)) for code in published.wards
    }


def find_ward(published: ReleaseTotals, ward: str) -> str:
    """The code of a ward from its code or name, in upper or lower case."""
    key = ward.strip().casefold()
    for code, name in published.wards.items():
        if key in (code.casefold(), name.casefold()):
            return code
    raise UsageError(
        "The ward has to be one of the release",
        f"{published.title} has no ward {ward!r}",
        f"choose from {', '.join(published.wards.values())}",
    )


def build_part(published: ReleaseTotals, layer: ReleasedLayer, ward: str) -> Part:
    """One layer's latest period, and those before it."""
    place = ward if published.has_wards(layer) else None
    newest = published.find_latest_period(layer)
    later = join_periods([period for period in layer.not_known if not layer.periods or period.start > newest.start])
    due_periods = [period for period in layer.due_periods if layer.periods and period.start <= newest.start]
    periods = due_periods[-max(MOST_PERIODS - len(later), 1) :]
    past = tuple(
        (
            format_period(period),
            format_past_number(published, layer, period, published.count_shown(layer, period, place)),
        )
        for period in periods
    ) + tuple((format_period(period), "not known") for period in later)
    sentences = describe_ward(published, layer, published.find_latest_period(layer), ward)
    return Part(layer.name, layer.title, tuple(sentences), past)


def render_councillor_pdf(briefing: CouncillorBriefing) -> bytes:
    """The briefing as PDF/UA-1 on one A4 page; the same bytes for the same release."""
    layer = find_mapped_layer(briefing)
    drawings = {} if layer is None else {"map": render_councillor_map(briefing, layer, layer.periods[-1])}
    return render_pdf("councillor", build_page_data(briefing, layer), drawings)


def find_mapped_layer(briefing: CouncillorBriefing) -> ReleasedLayer | None:
    """The first layer with numbers for wards; None if there is none."""
    published = briefing.published
    return next((layer for layer in published.layers if layer.periods and published.has_wards(layer)), None)


def build_page_data(briefing: CouncillorBriefing, layer: ReleasedLayer | None) -> dict[str, Any]:
    """All that the page says."""
    facts = briefing.published.release.facts
    mark = "DEMONSTRATION: some or all of these events are made up." if facts["demonstration"] else ""
    return {
        "title": briefing.title,
        "headline": f"{briefing.ward}, {briefing.published.title}. From release {facts['number']} of the published "
        f"numbers, as recorded up to {format_date(dt.date.fromisoformat(facts['as_at']))}.",
        "mark": mark,
        "alt": describe_map(briefing, layer) if layer else "",
        "map-title": f"{layer.title}, {format_period(layer.periods[-1])}" if layer else "",
        "blank": BLANK,
        "parts": [
            {"title": part.title, "words": " ".join(part.sentences), "past": [list(row) for row in part.past]}
            for part in briefing.parts
        ],
        "advice": [build_advice(advice) for part in briefing.parts if (advice := find_advice(part.layer))],
        "promises": [f"{released.title}: {format_promise(released.k)}" for released in briefing.published.layers],
        "totals": TOTALS,
        "claim": str(facts["wording"]["claim"]),
        "footer": f"{'Demonstration. ' if mark else ''}Made by Hexbeat from published numbers alone. "
        f"{facts['area']['attribution']}",
    }


def build_advice(advice: Advice) -> dict[str, str]:
    words = " ".join(CONTACT if line == COUNCIL_CONTACT else line for line in advice.lines)
    return {"title": advice.title, "words": words}


def describe_map(briefing: CouncillorBriefing, layer: ReleasedLayer) -> str:
    """What the map shows, for people who cannot see it."""
    period = layer.periods[-1]
    total = briefing.published.count_shown(layer, period, briefing.ward_code)
    pieces = [f"{block.count:,} in {block.place_label}" for block in total.blocks if block.level == "piece"]
    return (
        f"Map of {layer.many} in {briefing.ward}, {format_period(period)}: {'; '.join(pieces) or 'no place by itself'}."
    )


def build_scale(k: int) -> Scale:
    """Classes that begin with the smallest number that may be shown: k, 2 k, 4 k, 8 k, 16 k."""
    steps = list_steps(k)
    colours = build_count_scale(1)
    labels = [f"{start:,}\N{EN DASH}{end - 1:,}" for start, end in pairwise(steps)]
    return Scale(tuple(map(float, steps)), colours.light, colours.dark, (*labels, f"{steps[-1]:,}+"))


def render_councillor_map(briefing: CouncillorBriefing, layer: ReleasedLayer, period: Period) -> bytes:
    """The ward with the places that are shown by themselves, as SVG."""
    places = briefing.published.release.places
    wards = [places[place_id] for place_id in places if places[place_id].level == "ward"]
    unique = {place.ward_code: place for place in wards if place.ward_code in briefing.published.wards}
    blocks = [
        block for block in briefing.published.release.find_blocks(layer.name, period.name) if block.level == "piece"
    ]
    counts = np.array([float(block.count) for block in blocks])
    west, south, east, north = shapely.bounds(unique[briefing.ward_code].outline).tolist()
    sketch = Sketch(
        wards=np.array([place.outline for place in unique.values()], dtype=object),
        names=tuple(place.label for place in unique.values()),
        attribution=str(briefing.published.release.facts["area"]["attribution"]),
        alt=describe_map(briefing, layer),
        shaded=np.array([places[block.place_id].outline for block in blocks], dtype=object),
        values=counts,
        scale=build_scale(layer.k) if len(counts) else None,
        legend_title=f"{layer.many.capitalize()} in a small place",
        areas=(Outline(unique[briefing.ward_code].outline, briefing.ward),),
        extent=(west, south, east, north),
    )
    return render_sketch(sketch, width_mm=MAP_WIDTH_MM, height_mm=MAP_HEIGHT_MM)
