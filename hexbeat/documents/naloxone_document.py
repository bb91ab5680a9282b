"""Naloxone cover as one A4 page: the map, the next best places with their gain, and the places that hold naloxone."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from hexbeat.areas.area import Area, find_ward_bounds
from hexbeat.documents.maps.area_map import Mark, Ring, render_map
from hexbeat.documents.maps.scales import build_count_scale
from hexbeat.documents.maps.sketch import MarkKind
from hexbeat.documents.typst_pdf import render_pdf
from hexbeat.reports.naloxone_cover import NaloxoneCover
from hexbeat.reports.naloxone_text import build_cover_notes, describe_cover
from layers.filters import Filter
from layers.wording import (
    DAY_NAMES,
    format_about,
    format_cell_width,
    format_date,
    format_hours,
    format_list,
    format_number,
    format_percent,
    format_plural,
    format_span,
)

__all__ = ["describe_request", "render_naloxone_pdf"]

_MAP_WIDTH_MM = 182.0
_MAP_HEIGHTS_MM = (90.0, 150.0)  # what the tables leave
_ROW_MM = 5.4
_FREE_MM = 178.0  # height that a page without rows leaves for the map
_MOST_HOLDERS: Final = 14
_MOST_WARDS: Final = 4
_KEYS: Final[dict[MarkKind, str]] = {
    "square": "holds naloxone, and its reach",
    "cross": "holds it, shut in these hours",
    "stop": "next place, and its reach",
}


def render_naloxone_pdf(
    cover: NaloxoneCover, area: Area, *, event_filter: Filter, mark: str | None, made_at: dt.datetime
) -> bytes:
    """The cover as PDF/UA-1 on one A4 page, the same bytes for the same cover and time.

    `event_filter`: the filter that the cover is of. `mark`: which events are synthetic (None: none are). `made_at` is
    aware. At most 14 places that hold naloxone are listed, those with the most overdoses near.
    """
    return render_pdf(
        "naloxone",
        _build_page_data(cover, area, event_filter, mark=mark, made_at=made_at),
        {"map": _render_map(cover, area, event_filter)},
        made_at=made_at,
    )


def describe_request(event_filter: Filter, area: Area) -> str:
    """Where and when the overdoses were, as in "Overdoses in Central since 23 Nov 2025, 22:00 to 06:00"."""
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    where = format_list([names[code] for code in event_filter.wards], most=_MOST_WARDS) or area.title
    days = format_list([DAY_NAMES[day] for day in sorted(event_filter.days)])
    subject = f"Overdoses in {where} {_format_period(event_filter)}"
    return ", ".join(filter(None, (subject, days, format_hours(event_filter.hours))))


def _format_period(event_filter: Filter) -> str:
    if event_filter.start and event_filter.end:
        return f"from {format_span(event_filter.start, event_filter.end)}"
    if event_filter.start:
        return f"since {format_date(event_filter.start)}"
    return f"up to {format_date(event_filter.end - dt.timedelta(days=1))}" if event_filter.end else "on record"


def _render_map(cover: NaloxoneCover, area: Area, event_filter: Filter) -> bytes:
    """Cells of overdoses, and the reach of places: those that hold naloxone as squares, next ones by their numbers."""
    cells, counts = cover.cells
    is_open = cover.holders["open"].to_numpy(dtype=np.bool_)
    marks = [
        *_build_marks(cover.holders[is_open], "square"),
        *_build_marks(cover.holders[~is_open], "cross"),
        *_build_marks(cover.next_places, "stop"),
    ]
    kinds = {mark.kind for mark in marks}
    open_marks = [mark for mark in marks if mark.kind != "cross"]
    return render_map(
        area,
        cells=cells,
        values=counts,
        scale=build_count_scale(max([1.0, *counts.tolist()]), shared=bool((counts % 1).any())),
        legend_title=f"Overdoses a cell of {format_cell_width(cover.resolution)}",
        points=marks,
        rings=[Ring(mark.lon, mark.lat, cover.reach.straight_m) for mark in open_marks],
        keys=[(kind, words) for kind, words in _KEYS.items() if kind in kinds],
        extent=find_ward_bounds(area, event_filter.wards) if event_filter.wards else None,
        alt=_describe_map(cover, area),
        width_mm=_MAP_WIDTH_MM,
        height_mm=_choose_height_mm(cover),
    )


def _choose_height_mm(cover: NaloxoneCover) -> float:
    """The height of the map in whole millimetres: as much as the longer table leaves."""
    rows = max(len(cover.next_places), min(len(cover.holders), _MOST_HOLDERS))
    low, high = _MAP_HEIGHTS_MM
    return float(round(min(high, max(low, _FREE_MM - _ROW_MM * rows))))


def _build_marks(places: Any, kind: MarkKind) -> list[Mark]:
    labels = places["rank"].astype(str).tolist() if kind == "stop" else [""] * len(places)
    return [
        Mark(lon, lat, kind, label)
        for lon, lat, label in zip(places["lon"].tolist(), places["lat"].tolist(), labels, strict=True)
    ]


def _describe_map(cover: NaloxoneCover, area: Area) -> str:
    overdoses = f"{format_about(cover.total)} {'overdose' if cover.total == 1 else 'overdoses'}"
    return (
        f"Map of {area.title}, north up: {overdoses} in {format_plural(len(cover.cells[0]), 'cell', 'cells')}, "
        f"{format_plural(len(cover.holders), 'place that holds', 'places that hold')} naloxone and "
        f"{format_plural(len(cover.next_places), 'next place', 'next places')}, each with a circle of "
        f"{format_number(round(cover.reach.straight_m))} m. The tables say the same."
    )


def _build_page_data(
    cover: NaloxoneCover, area: Area, event_filter: Filter, *, mark: str | None, made_at: dt.datetime
) -> Mapping[str, Any]:
    """All that the page says."""
    local, hidden = made_at.astimezone(area.tz), max(len(cover.holders) - _MOST_HOLDERS, 0)
    return {
        "title": f"Naloxone cover: {area.title}",
        "mark": f"DEMONSTRATION: {mark}." if mark else "",
        "sentence": describe_cover(cover),
        "request": f"{describe_request(event_filter, area)}. Near is {cover.reach.description}.",
        "map-alt": _describe_map(cover, area),
        "next": [
            [str(row["rank"]), row["name"], f"+{format_about(row['gain'])}", format_percent(row["share_after"])]
            for row in cover.next_places.to_dict("records")
        ],
        "holders": _build_holder_rows(cover)[:_MOST_HOLDERS],
        "more": f"And {hidden} more with fewer overdoses near." if hidden else "",
        "notes": list(build_cover_notes(cover)),
        "footer": f"{'DEMONSTRATION. ' if mark else ''}OFFICIAL: for the partnership only, small numbers. Made "
        f"{format_date(local.date())} at {local:%H:%M} by Hexbeat.",
    }


def _build_holder_rows(cover: NaloxoneCover) -> list[list[str]]:
    """Name, opening hours and overdoses near, the most first."""
    rows = cover.holders.sort_values(["near", "name"], ascending=[False, True]).to_dict("records")
    return [
        [row["name"], f"{row['hours'] or 'not known'}{'' if row['open'] else ', shut'}", format_about(row["near"])]
        for row in rows
    ]
