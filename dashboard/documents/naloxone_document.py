"""Naloxone cover as one A4 page: who is near, on a map, the next best places with their gain, and who holds it now."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from dashboard.documents.drawing import Mark, Ring, draw_map
from dashboard.documents.sketch import MarkKind
from dashboard.documents.typesetting import make_pdf
from dashboard.scales import count_scale
from dashboard.sentence import clock_words
from dashboard.words import DAY_NAMES
from layers.areas import Area, ward_bounds
from layers.filters import Filter
from layers.naloxone.cover import NaloxoneCover
from layers.naloxone.words import cover_notes, cover_sentence
from layers.wording import date_words, list_words, number_words, percent_words, span_words

__all__ = ["asked_words", "naloxone_pdf"]

_WIDE_MM = 182.0
_HIGH_MM = (90.0, 150.0)  # what the tables leave
_ROW_MM = 5.4
_LEFT_MM = 178.0  # of a page without rows
_MOST_HOLDERS: Final = 14
_MOST_WARDS: Final = 4
_KEYS: Final[dict[MarkKind, str]] = {
    "square": "holds naloxone, and its reach",
    "cross": "holds it, shut in these hours",
    "stop": "next place, and its reach",
}


def naloxone_pdf(found: NaloxoneCover, area: Area, *, asked: Filter, mark: str | None, made: dt.datetime) -> bytes:
    """The cover as PDF/UA-1 on one A4 page, the same bytes for the same cover and moment.

    `asked`: the filter that the cover is of. `mark`: what must be said of synthetic events (None: there are none).
    `made` is aware. Of many places that hold naloxone the 14 with the most overdoses near are listed.
    """
    return make_pdf(
        "naloxone", _data(found, area, asked, mark=mark, made=made), {"map": _map(found, area, asked)}, made=made
    )


def asked_words(asked: Filter, area: Area) -> str:
    """Where and when the overdoses were, as in "Overdoses in Central since 23 Nov 2025, 22:00 to 06:00"."""
    names = dict(zip(area.wards.codes, area.wards.names, strict=True))
    where = list_words([names[code] for code in asked.wards], most=_MOST_WARDS) or area.title
    days = list_words([DAY_NAMES[day] for day in sorted(asked.days)])
    return ", ".join(filter(None, (f"Overdoses in {where} {_when(asked)}", days, clock_words(asked.hours))))


def _when(asked: Filter) -> str:
    if asked.start and asked.end:
        return f"from {span_words(asked.start, asked.end)}"
    if asked.start:
        return f"since {date_words(asked.start)}"
    return f"up to {date_words(asked.end - dt.timedelta(days=1))}" if asked.end else "on record"


def _map(found: NaloxoneCover, area: Area, asked: Filter) -> bytes:
    """Cells of overdoses, and the reach of places: those that hold naloxone as squares, next ones by their numbers."""
    cells, counts = found.cells
    is_open = found.holders["open"].to_numpy(dtype=np.bool_)
    marks = [
        *_marks(found.holders[is_open], "square"),
        *_marks(found.holders[~is_open], "cross"),
        *_marks(found.next_places, "stop"),
    ]
    kinds = {mark.kind for mark in marks}
    reaching = [mark for mark in marks if mark.kind != "cross"]
    return draw_map(
        area,
        cells=cells,
        values=counts,
        scale=count_scale(max([1.0, *counts.tolist()]), shared=bool((counts % 1).any())),
        legend_title="Overdoses a cell of 350 m",
        points=marks,
        rings=[Ring(mark.lon, mark.lat, found.reach.straight_m) for mark in reaching],
        keys=[(kind, words) for kind, words in _KEYS.items() if kind in kinds],
        extent=ward_bounds(area, asked.wards) if asked.wards else None,
        alt=_alt(found, area),
        width_mm=_WIDE_MM,
        height_mm=_height_mm(found),
    )


def _height_mm(found: NaloxoneCover) -> float:
    """The map is as high as the longer table leaves room for; whole millimetres."""
    rows = max(len(found.next_places), min(len(found.holders), _MOST_HOLDERS))
    low, high = _HIGH_MM
    return float(round(min(high, max(low, _LEFT_MM - _ROW_MM * rows))))


def _marks(places: Any, kind: MarkKind) -> list[Mark]:
    labels = places["rank"].astype(str).tolist() if kind == "stop" else [""] * len(places)
    return [
        Mark(lon, lat, kind, label)
        for lon, lat, label in zip(places["lon"].tolist(), places["lat"].tolist(), labels, strict=True)
    ]


def _alt(found: NaloxoneCover, area: Area) -> str:
    return (
        f"Map of {area.title}, north up: {number_words(found.total)} overdoses in {len(found.cells[0]):,} cells, "
        f"{len(found.holders)} places that hold naloxone and {len(found.next_places)} next places, each with a circle "
        f"of {number_words(round(found.reach.straight_m))} m. The tables say the same."
    )


def _data(found: NaloxoneCover, area: Area, asked: Filter, *, mark: str | None, made: dt.datetime) -> Mapping[str, Any]:
    """All that the page says."""
    local, hidden = made.astimezone(area.tz), max(len(found.holders) - _MOST_HOLDERS, 0)
    return {
        "title": f"Naloxone cover: {area.title}",
        "mark": f"DEMONSTRATION: {mark}. Nothing here happened." if mark else "",
        "sentence": cover_sentence(found),
        "asked": f"{asked_words(asked, area)}. Near is {found.reach.words}.",
        "map-alt": _alt(found, area),
        "next": [
            [str(row["rank"]), row["name"], f"+{number_words(row['gain'])}", percent_words(row["share_after"])]
            for row in found.next_places.to_dict("records")
        ],
        "holders": _holder_rows(found)[:_MOST_HOLDERS],
        "more": f"And {hidden} more with fewer overdoses near." if hidden else "",
        "notes": list(cover_notes(found)),
        "footer": f"{'DEMONSTRATION. ' if mark else ''}OFFICIAL: for the partnership only, small numbers. Made "
        f"{date_words(local.date())} at {local:%H:%M} by Hexbeat.",
    }


def _holder_rows(found: NaloxoneCover) -> list[list[str]]:
    """Name, opening hours and overdoses near, the most first."""
    rows = found.holders.sort_values(["near", "name"], ascending=[False, True]).to_dict("records")
    return [
        [row["name"], f"{row['hours'] or 'not said'}{'' if row['open'] else ', shut'}", number_words(row["near"])]
        for row in rows
    ]
