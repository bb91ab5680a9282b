"""Naloxone cover in sentences, and its places as CSV and GeoJSON."""

import json
from collections.abc import Mapping

import pandas as pd

from geo.travel import PACES
from hexbeat.files import escape_formulas
from hexbeat.reports.naloxone_cover import CELLS, NaloxoneCover
from layers.wording import format_about, format_cell_width, format_percent, format_plural

__all__ = ["build_cover_csv", "build_cover_geojson", "build_cover_notes", "describe_cover"]


def describe_cover(cover: NaloxoneCover) -> str:
    """The share that is covered, and what the next places would add."""
    open_holders, total = int(cover.holders["open"].sum()), format_about(cover.total)
    number = len(cover.next_places)
    after = format_percent((cover.covered + float(cover.next_places["gain"].sum())) / cover.total)
    if not len(cover.holders):
        first = "No naloxone places are loaded yet, so cover is not known"
        places = "1 well-chosen place" if number == 1 else f"{number} well-chosen places"
        return f"{first}. {places} would cover {after} of {total} overdoses." if number else f"{first}."
    if not open_holders:
        first = f"No place that holds naloxone is open then, so none of {total} overdoses is covered"
    else:
        places = "the 1 place that holds" if open_holders == 1 else f"one of {open_holders} places that hold"
        first = (
            f"{format_percent(cover.share)} of {total} overdoses were {cover.reach.description} of {places} naloxone"
        )
    more = "1 more place" if number == 1 else f"{number} more places"
    return f"{first}. {more} would bring that to {after}." if number else f"{first}."


def build_cover_notes(cover: NaloxoneCover) -> tuple[str, ...]:
    """What the figures rest on, and what they do not say."""
    notes = []
    if cover.missing:
        notes.append(f"{cover.missing[:1].upper()}{cover.missing[1:]}. Overdoses of these days are not in the figures.")
    if cover.reach.minutes is not None:
        pace = PACES["walk"]
        notes.append(f"On foot: {pace.speed_kmh} km/h, ways {pace.detour} times as long as the straight line.")
    if not cover.exact:
        width = format_cell_width(cover.resolution)
        notes.append(f"Overdoses are known here only as cells of {width}, so what is near is rough.")
    if cover.unplaced:
        verb = "is" if cover.unplaced == 1 else "are"
        overdoses = format_plural(cover.unplaced, "overdose", "overdoses")
        notes.append(f"{overdoses} without a known hour or day {verb} left out.")
    if cover.timed:
        notes += _describe_hours(cover)
    if len(cover.next_places):
        proved = (
            "proved best together" if cover.cover.proven else f"within {format_percent(cover.cover.gap)} of the best"
        )
        among = "cells of 130 m" if cover.search.candidates == (CELLS,) else "the places asked for"
        notes.append(f"The next places are {proved}, chosen from {among}. They are in the order of their gain.")
    notes.append(
        "Past overdoses are no forecast. Near does not mean that somebody has naloxone at hand and may give it."
    )
    return tuple(notes)


def _describe_hours(cover: NaloxoneCover) -> list[str]:
    notes = []
    shut, without_hours = int((~cover.holders["open"]).sum()), int((~cover.holders["hours_known"]).sum())
    if shut:
        what = (
            "1 place is shut in some of these hours and covers"
            if shut == 1
            else f"{shut} places are shut in some of these hours and cover"
        )
        notes.append(f"{what} nothing.")
    if without_hours:
        what = (
            "1 place does not say when it is open and is"
            if without_hours == 1
            else f"{without_hours} places do not say when they are open and are"
        )
        notes.append(f"{what} taken as open.")
    return notes


def build_cover_csv(cover: NaloxoneCover, *, note: Mapping[str, str]) -> bytes:
    """One row a place, `role` holds or next, with what it covers or would add."""
    return escape_formulas(_build_rows(cover).assign(**dict(note))).to_csv(index=False, lineterminator="\n").encode()


def build_cover_geojson(cover: NaloxoneCover, *, note: Mapping[str, str]) -> bytes:
    """The same as points (RFC 7946), the note in the member "metadata"."""
    rows = json.loads(_build_rows(cover).to_json(orient="records"))
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name not in ("lon", "lat")},
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        }
        for row in rows
    ]
    return json.dumps({"type": "FeatureCollection", "metadata": dict(note), "features": features}).encode()


def _build_rows(cover: NaloxoneCover) -> pd.DataFrame:
    holders = cover.holders.assign(role="holds")[["role", "name", "ward_name", "lon", "lat", "hours", "open", "near"]]
    next_places = cover.next_places.assign(role="next")[
        ["role", "rank", "name", "ward_name", "lon", "lat", "gain", "share_after"]
    ]
    rows = pd.concat([frame for frame in (holders, next_places) if len(frame)] or [holders], ignore_index=True)
    return rows.round({"lon": 6, "lat": 6})
