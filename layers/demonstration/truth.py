"""The planted truth of demonstration events as plain words and numbers, so that an analysis can be checked."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from geo.cells import format_cells
from layers.areas import Area
from layers.catalogue import LAYER_NAMES
from layers.demonstration.draw import REPEAT_DAYS, REPEAT_M
from layers.demonstration.patterns import RING_MULTIPLIER, RING_WIDTH_M, Closures, Hotspot, Spike
from layers.demonstration.places import Places
from layers.demonstration.rhythms import EPOCH, Span

__all__ = ["PlantedPatterns", "build_truth"]

NOTICE: Final = "Synthetic events for demonstration. They describe nobody and no real place."


@dataclass(frozen=True, slots=True, eq=False)
class PlantedPatterns:
    """All that was planted."""

    hotspots: list[Hotspot]
    spike: Spike
    closures: Closures


def build_truth(
    frame: pd.DataFrame, *, area: Area, seed: int, span: Span, places: Places, planted: PlantedPatterns
) -> dict[str, Any]:
    """The truth as JSON holds it. Cells are H3 strings; dates are local; `to` is the first day that no longer counts.

    `ordinary_share` of a hotspot is the share of its layer's events that would lie in the cell without hotspots;
    near repeats blur multipliers slightly, since some of them fall into the next cell.
    """
    layers = frame["layer"].value_counts()
    return {
        "notice": NOTICE,
        "area": area.name,
        "seed": seed,
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "events": {layer: int(layers.get(layer, 0)) for layer in LAYER_NAMES},
        "sweeps": int((frame["reported_by"] == "sweep").sum()),
        "near_repeats": {
            "layers": ["needle_litter", "street_dealing"],
            "within_m": REPEAT_M,
            "within_days": REPEAT_DAYS,
        },
        "hotspots": [_hotspot(hotspot, places, area) for hotspot in planted.hotspots],
        "spike": _spike(planted.spike, places, area),
        "closures": _closures(frame, planted.closures),
    }


def _hotspot(hotspot: Hotspot, places: Places, area: Area) -> dict[str, Any]:
    inside = places.cell == hotspot.cell
    wards = np.bincount(places.ward[inside], places.weight[inside])
    return {
        "layer": hotspot.layer,
        "cell": _cell(hotspot.cell),
        "ward_code": area.wards.codes[int(np.argmax(wards))],
        "multiplier": hotspot.multiplier,
        "kind": hotspot.kind,
        "from": None if hotspot.start is None else _date(hotspot.start),
        "to": None if hotspot.end is None else _date(hotspot.end),
        "ordinary_share": round(float(places.weight[inside].sum()), 6),
    }


def _spike(spike: Spike, places: Places, area: Area) -> dict[str, Any]:
    wards = sorted({area.wards.codes[ward] for ward in places.ward[spike.places]})
    cells = np.unique(places.cell[spike.places])
    return {
        "layer": "overdoses",
        "from": _date(spike.start),
        "to": _date(spike.end),
        "centre": _cell(spike.centre),
        "cells": format_cells(cells),
        "ward_codes": wards,
        "events": spike.events,
        "ordinary_share": round(float(places.weight[np.isin(places.cell, cells)].sum()), 6),
    }


def _closures(frame: pd.DataFrame, closures: Closures) -> list[dict[str, Any]]:
    """Each closure with its effect on street dealing; rows of the frame and closures are both in order of time."""
    rows = frame[frame["layer"] == "closed_properties"]
    order = np.lexsort([closures.place, closures.start])
    told = []
    for row, number in zip(rows.to_dict("records"), order, strict=True):
        ring = {"outer_m": closures.radius_m[number] + RING_WIDTH_M, "multiplier": RING_MULTIPLIER}
        told.append(
            {
                "source_id": row["source_id"],
                "lon": row["lon"],
                "lat": row["lat"],
                "from_utc_s": int(row["occurred_from"]),
                "to_utc_s": int(row["occurred_to"]),
                "radius_m": float(closures.radius_m[number]),
                "dealing_reduction": float(closures.reduction[number]),
                "displacement_ring": ring if number == closures.displacing else None,
            }
        )
    return told


def _cell(cell: int) -> str:
    return format_cells(np.array([cell], dtype=np.uint64))[0]


def _date(day: int) -> str:
    return (EPOCH + dt.timedelta(days=day)).isoformat()
