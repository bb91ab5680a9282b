"""A briefing for a ward councillor, from the published release and nothing else: one A4 page in plain words."""

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import shapely

from dashboard.documents.render import render
from dashboard.documents.sketch import Outline, Sketch
from dashboard.documents.typesetting import make_pdf
from dashboard.public.advice import ADVICE, TOTALS
from dashboard.public.drawing import steps_of
from dashboard.public.figures import Published
from dashboard.public.sentences import past_words, period_words, summary
from dashboard.scales import Scale, count_scale
from geo.errors import UsageError
from layers.release.format import Period, Release, ReleasedLayer
from layers.release.words import promise
from layers.wording import date_words

__all__ = [
    "CouncillorBriefing",
    "Part",
    "councillor_briefing",
    "councillor_map",
    "councillor_pdf",
    "ward_file",
    "ward_files",
]

MOST_PERIODS: Final = 4
WIDE_MM, HIGH_MM = 88.0, 96.0
BLANK: Final = (
    "What is white is counted with a larger place, or there were none, or too few to show. Every number of the map is "
    "in the release."
)
PLACE: Final = "{needle}"  # where the public page puts the council's own contact
CONTACT: Final = "Tell the council where it is: its website has the number and the form."


@dataclass(frozen=True, slots=True)
class Part:
    """One layer in words, and its last periods as (period, number in words), the oldest first."""

    layer: str
    title: str
    sentences: tuple[str, ...]
    past: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class CouncillorBriefing:
    """All that the page says of one ward (its code)."""

    published: Published
    ward_code: str
    ward: str
    title: str
    parts: tuple[Part, ...]


def councillor_briefing(release: Release, ward: str) -> CouncillorBriefing:
    """The latest period of every released layer in a ward, named by code or name; UsageError for another."""
    published = Published(release)
    return briefing_of(published, find_ward(published, ward))


def briefing_of(published: Published, code: str) -> CouncillorBriefing:
    """The same of a ward by its code."""
    name = published.wards[code]
    parts = tuple(part_of(published, layer, code) for layer in published.layers)
    return CouncillorBriefing(published, code, name, f"{name}: what is happening", parts)


def ward_file(code: str) -> str:
    """What the page of a ward is called as a file; a code that is no plain name becomes one."""
    return f"ward-{re.sub('[^A-Za-z0-9]+', '-', code)}.pdf"


def ward_files(published: Published) -> dict[str, bytes]:
    """The page of every ward by the name of its file; the same release gives the same bytes. About 45 kB each."""
    return {ward_file(code): councillor_pdf(briefing_of(published, code)) for code in published.wards}


def find_ward(published: Published, asked: str) -> str:
    """The code of a ward by its code or name, in any case."""
    key = asked.strip().casefold()
    for code, name in published.wards.items():
        if key in (code.casefold(), name.casefold()):
            return code
    raise UsageError(
        "A ward is one of the release",
        f"{asked!r} is none of {published.title}",
        f"choose from {', '.join(published.wards.values())}",
    )


def part_of(published: Published, layer: ReleasedLayer, ward: str) -> Part:
    """One layer's latest period, and those before it."""
    place = ward if published.by_ward(layer) else None
    periods = layer.periods[-MOST_PERIODS:]
    past = tuple(
        (period_words(one), past_words(published, layer, one, published.shown(layer, one, place))) for one in periods
    )
    return Part(layer.name, layer.title, tuple(summary(published, layer, layer.periods[-1], ward)), past)


def councillor_pdf(found: CouncillorBriefing) -> bytes:
    """The briefing as PDF/UA-1 on one A4 page; the same bytes for the same release."""
    layer = mapped_layer(found)
    drawings = {} if layer is None else {"map": councillor_map(found, layer, layer.periods[-1])}
    return make_pdf("councillor", page_words(found, layer), drawings)


def mapped_layer(found: CouncillorBriefing) -> ReleasedLayer | None:
    """The first layer with numbers for wards; None if there is none."""
    return next((layer for layer in found.published.layers if found.published.by_ward(layer)), None)


def page_words(found: CouncillorBriefing, layer: ReleasedLayer | None) -> dict[str, Any]:
    """All that the page says."""
    facts = found.published.release.facts
    mark = "DEMONSTRATION: some or all of these events are made up." if facts["demonstration"] else ""
    return {
        "title": found.title,
        "head": f"{found.ward}, {found.published.title}. From release {facts['number']} of the published numbers, "
        f"as recorded up to {date_words(dt.date.fromisoformat(facts['as_at']))}.",
        "mark": mark,
        "alt": map_words(found, layer) if layer else "",
        "map-title": f"{layer.title}, {period_words(layer.periods[-1])}" if layer else "",
        "blank": BLANK,
        "parts": [
            {"title": part.title, "words": " ".join(part.sentences), "past": [list(row) for row in part.past]}
            for part in found.parts
        ],
        "advice": [advice_of(part.layer) for part in found.parts if part.layer in ADVICE],
        "promises": [f"{one.title}: {promise(one.k)}" for one in found.published.layers],
        "totals": TOTALS,
        "claim": str(facts["wording"]["claim"]),
        "footer": f"{'Demonstration. ' if mark else ''}Made by Hexbeat from published numbers alone. "
        f"{facts['area']['attribution']}",
    }


def advice_of(layer: str) -> dict[str, str]:
    title, lines = ADVICE[layer]
    return {"title": title, "words": " ".join(CONTACT if line == PLACE else line for line in lines)}


def map_words(found: CouncillorBriefing, layer: ReleasedLayer) -> str:
    """What the map shows, for those who do not see it."""
    period = layer.periods[-1]
    shown = found.published.shown(layer, period, found.ward_code)
    pieces = [f"{block.count:,} in {block.place_label}" for block in shown.blocks if block.level == "piece"]
    return f"Map of {layer.many} in {found.ward}, {period_words(period)}: {'; '.join(pieces) or 'no place by itself'}."


def scale_from(k: int) -> Scale:
    """Classes that begin with the smallest number that is ever shown: k, 2 k, 4 k, 8 k, 16 k."""
    steps = steps_of(k)
    colours = count_scale(1)
    labels = [f"{start:,}\N{EN DASH}{end - 1:,}" for start, end in pairwise(steps)]
    return Scale(tuple(map(float, steps)), colours.light, colours.dark, (*labels, f"{steps[-1]:,}+"))


def councillor_map(found: CouncillorBriefing, layer: ReleasedLayer, period: Period) -> bytes:
    """The ward with the places that are shown by themselves, as SVG."""
    places = found.published.release.places
    wards = [places[place_id] for place_id in places if places[place_id].level == "ward"]
    unique = {place.ward_code: place for place in wards if place.ward_code in found.published.wards}
    blocks = [one for one in found.published.release.blocks_of(layer.name, period.name) if one.level == "piece"]
    counts = np.array([float(block.count) for block in blocks])
    west, south, east, north = shapely.bounds(unique[found.ward_code].outline).tolist()
    sketch = Sketch(
        wards=np.array([place.outline for place in unique.values()], dtype=object),
        names=tuple(place.label for place in unique.values()),
        attribution=str(found.published.release.facts["area"]["attribution"]),
        alt=map_words(found, layer),
        shaded=np.array([places[block.place_id].outline for block in blocks], dtype=object),
        values=counts,
        scale=scale_from(layer.k) if len(counts) else None,
        legend_title=f"{layer.many.capitalize()} in a small place",
        areas=(Outline(unique[found.ward_code].outline, found.ward),),
        extent=(west, south, east, north),
    )
    return render(sketch, width_mm=WIDE_MM, height_mm=HIGH_MM)
