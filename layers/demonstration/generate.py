"""Demonstration events: three years of synthetic records for any area, and the truth that was planted in them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
import pandas as pd

from geo.errors import UsageError
from layers.areas import Area
from layers.demonstration.draw import Incidents, draw_incidents, draw_repeats, draw_spike, draw_sweeps, find_peaks
from layers.demonstration.patterns import Hotspot, plant_closures, plant_hotspots, plant_spike
from layers.demonstration.places import Places, make_street_places
from layers.demonstration.rhythms import Span
from layers.demonstration.rows import (
    build_closure_rows,
    build_event_frame,
    build_incident_rows,
    build_sweep_rows,
    mark_open,
)
from layers.demonstration.truth import PlantedPatterns, build_truth

__all__ = ["SHARES", "Demonstration", "make_events"]

SHARES: Final = {"street_dealing": 0.40, "overdoses": 0.13, "closed_properties": 0.02}  # the rest are needle finds
MOST_CLOSURES: Final = 600  # more would leave no street without one
SWEPT_SHARE: Final = 0.12  # of needle finds
REPEATED_SHARE: Final = 0.18  # of needle finds and dealing

Stream = Callable[[], np.random.Generator]


@dataclass(frozen=True, slots=True, eq=False)
class Demonstration:
    """Synthetic events (EVENT_COLUMNS, source "demonstration", in order of time) and what was planted in them."""

    frame: pd.DataFrame
    truth: dict[str, Any]


def make_events(area: Area, *, events: int = 20_000, seed: int = 1, today: dt.date) -> Demonstration:
    """`events` synthetic events inside the wards of an area, over three years that end with the day before `today`.

    The same area, number, seed and day give the same events. They describe nobody and no place: streets are invented,
    and hotspots lie where chance put them. UsageError if `events` is less than 1.
    """
    if events < 1:
        raise UsageError("A demonstration has at least one event", f"{events} were asked for", "ask for 20000")
    stream = _streams(area, seed, today)
    span = Span.three_years(today, area.time_zone)
    counts = count_layers(events)
    places = make_street_places(area.wards, stream())
    planted = _plant(places, span, counts, stream)
    rows = pd.concat(_all_rows(places, span, counts, planted, stream), ignore_index=True)
    frame = build_event_frame(rows, places=places, area=area, random=stream())
    return Demonstration(frame, build_truth(frame, area=area, seed=seed, span=span, places=places, planted=planted))


def count_layers(events: int) -> dict[str, int]:
    """How many events of each layer: whole numbers that sum to `events`."""
    counts = {layer: round(share * events) for layer, share in SHARES.items()}
    counts["closed_properties"] = min(counts["closed_properties"], MOST_CLOSURES)
    return {"needle_litter": events - sum(counts.values()), **counts}


def _streams(area: Area, seed: int, today: dt.date) -> Stream:
    """Independent random generators, one after the other, decided by area, seed and day."""
    root = np.random.SeedSequence([seed % 2**64, crc32(area.name.encode()), today.toordinal()])
    return lambda: np.random.default_rng(root.spawn(1)[0])


def _plant(places: Places, span: Span, counts: dict[str, int], stream: Stream) -> PlantedPatterns:
    hotspots = plant_hotspots(places, span, stream())
    spike = plant_spike(places, span, counts["overdoses"], stream())
    dealing = places.weight * find_peaks(places, select_layer(hotspots, "street_dealing"))
    closures = plant_closures(places, span, counts["closed_properties"], dealing, stream())
    return PlantedPatterns(hotspots, spike, closures)


def select_layer(hotspots: list[Hotspot], layer: str) -> list[Hotspot]:
    """The hotspots of one layer."""
    return [hotspot for hotspot in hotspots if hotspot.layer == layer]


def _all_rows(
    places: Places, span: Span, counts: dict[str, int], planted: PlantedPatterns, stream: Stream
) -> list[pd.DataFrame]:
    swept = round(counts["needle_litter"] * SWEPT_SHARE)
    needles = _draw_with_repeats("needle_litter", counts["needle_litter"] - swept, places, span, planted, stream)
    dealing = _draw_with_repeats("street_dealing", counts["street_dealing"], places, span, planted, stream)
    overdoses = draw_incidents(
        "overdoses",
        counts["overdoses"] - planted.spike.events,
        places=places,
        span=span,
        hotspots=select_layer(planted.hotspots, "overdoses"),
        closures=None,
        random=stream(),
    ) + draw_spike(planted.spike, places=places, random=stream())
    hotspots = select_layer(planted.hotspots, "needle_litter")
    sweeps = draw_sweeps(swept, places=places, span=span, hotspots=hotspots, random=stream())
    now = int(span.day_starts(np.array([span.day(0)]))[0])
    return [
        mark_open(build_incident_rows("needle_litter", needles, span=span, random=stream()), now=now),
        build_incident_rows("street_dealing", dealing, span=span, random=stream()),
        build_incident_rows("overdoses", overdoses, span=span, random=stream()),
        build_sweep_rows(sweeps, span=span, random=stream()),
        build_closure_rows(planted.closures, now=now, random=stream()),
    ]


def _draw_with_repeats(
    layer: str, count: int, places: Places, span: Span, planted: PlantedPatterns, stream: Stream
) -> Incidents:
    """Incidents of a layer, of which REPEATED_SHARE are near repeats of others; only dealing heeds closures."""
    closures = planted.closures if layer == "street_dealing" else None
    repeats = round(count * REPEATED_SHARE)
    first = draw_incidents(
        layer,
        count - repeats,
        places=places,
        span=span,
        hotspots=select_layer(planted.hotspots, layer),
        closures=closures,
        random=stream(),
    )
    return first + draw_repeats(
        first, layer, count - len(first), places=places, span=span, closures=closures, random=stream()
    )
