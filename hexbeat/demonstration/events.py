"""Demonstration events: making them, describing the planted patterns, loading and removing them.

They are loaded into an empty store only.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
import pandas as pd

from geo.cells import format_cells
from geo.errors import DataError, UsageError
from hexbeat.areas.area import Area
from hexbeat.demonstration.demonstration_rows import (
    build_closure_rows,
    build_event_frame,
    build_incident_rows,
    build_sweep_rows,
    mark_open,
)
from hexbeat.demonstration.draws import (
    REPEAT_DAYS,
    REPEAT_M,
    Incidents,
    draw_incidents,
    draw_repeats,
    draw_spike,
    draw_sweeps,
    find_peaks,
)
from hexbeat.demonstration.patterns import (
    RING_MULTIPLIER,
    RING_WIDTH_M,
    Closures,
    Hotspot,
    Spike,
    plant_closures,
    plant_hotspots,
    plant_spike,
)
from hexbeat.demonstration.rhythms import EPOCH, Span
from hexbeat.demonstration.town import Places, make_street_places
from hexbeat.files import atomic_write
from hexbeat.store.live_columns import is_empty
from hexbeat.store.store import Store
from layers.access import Action, Viewer, require
from layers.catalogue import LAYER_NAMES, LAYERS
from layers.coverage import CoverageEntry
from layers.event import DEMONSTRATION
from layers.layer_spec import DemonstrationSpec, LayerSpec

__all__ = [
    "TRUTH_FILE",
    "Demonstration",
    "PlantedPatterns",
    "build_truth",
    "load_demonstration",
    "make_events",
    "remove_demonstration",
]

NOTICE: Final = "Synthetic events for demonstration. They describe nobody and no real place."
Stream = Callable[[], np.random.Generator]
TRUTH_FILE: Final = "demonstration.json"
CHUNK_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class PlantedPatterns:
    """All patterns that are planted in a demonstration."""

    hotspots: list[Hotspot]
    spike: Spike
    closures: Closures


@dataclass(frozen=True, slots=True, eq=False)
class Demonstration:
    """Synthetic events (EVENT_COLUMNS, source "demonstration", in order of time) and the patterns planted in them."""

    frame: pd.DataFrame
    truth: dict[str, Any]


def make_events(area: Area, *, events: int = 20_000, seed: int = 1, today: dt.date) -> Demonstration:
    """`events` synthetic events inside the wards of an area, over three years that end with the day before `today`.

    The same area, number, seed and day give the same events. They describe nobody and no place: streets are invented,
    and hotspots lie where chance put them. UsageError if `events` is less than 1.
    """
    if events < 1:
        raise UsageError("A demonstration has at least one event", f"you asked for {events}", "ask for 20000")
    stream = _build_streams(area, seed, today)
    span = Span.three_years(today, area.time_zone)
    counts = count_layers(events)
    places = make_street_places(area.wards, stream())
    planted = _plant(places, span, counts, stream)
    rows = pd.concat(_build_all_rows(places, span, counts, planted, stream), ignore_index=True)
    frame = build_event_frame(rows, places=places, area=area, random=stream())
    return Demonstration(frame, build_truth(frame, area=area, seed=seed, span=span, places=places, planted=planted))


def list_drawn_layers() -> list[tuple[LayerSpec, DemonstrationSpec]]:
    """The layers that a demonstration has, in their order, each with its rules."""
    return [(spec, spec.demonstration) for spec in LAYERS if spec.demonstration]


def _find_closure_layer() -> tuple[LayerSpec, DemonstrationSpec]:
    """The first layer of states, whose events affect other layers."""
    return next((spec, rules) for spec, rules in list_drawn_layers() if spec.kind == "state")


def count_layers(events: int) -> dict[str, int]:
    """The number of events of each layer, which sum to `events`."""
    layers = [(spec.name, rules) for spec, rules in list_drawn_layers()]
    counts = {name: round(rules.share * events) for name, rules in layers if rules.share is not None}
    counts |= {name: min(counts[name], rules.most) for name, rules in layers if rules.most is not None}
    rest = next(name for name, rules in layers if rules.share is None)
    return {rest: events - sum(counts.values()), **counts}


def _build_streams(area: Area, seed: int, today: dt.date) -> Stream:
    """A function that returns independent random generators, which depend on area, seed and day."""
    root = np.random.SeedSequence([seed % 2**64, crc32(area.name.encode()), today.toordinal()])
    return lambda: np.random.default_rng(root.spawn(1)[0])


def _plant(places: Places, span: Span, counts: dict[str, int], stream: Stream) -> PlantedPatterns:
    hotspots = plant_hotspots(places, span, stream())
    spike_layer = next(spec for spec, rules in list_drawn_layers() if rules.spike)
    spike = plant_spike(places, span, counts[spike_layer.name], stream())
    heeding_layer = next(spec for spec, rules in list_drawn_layers() if rules.heeds_closures)
    dealing = places.weight * find_peaks(places, select_layer(hotspots, heeding_layer.name))
    closure_layer, rules = _find_closure_layer()
    closures = plant_closures(places, span, counts[closure_layer.name], dealing, rhythm=rules.rhythm, random=stream())
    return PlantedPatterns(hotspots, spike, closures)


def select_layer(hotspots: list[Hotspot], layer: str) -> list[Hotspot]:
    """The hotspots of one layer."""
    return [hotspot for hotspot in hotspots if hotspot.layer == layer]


def _build_all_rows(
    places: Places, span: Span, counts: dict[str, int], planted: PlantedPatterns, stream: Stream
) -> list[pd.DataFrame]:
    """Rows layer by layer. The order in which streams are used decides the draws: places first, then records."""
    incidents = [(spec, rules) for spec, rules in list_drawn_layers() if spec.kind == "incident"]
    swept_layers = [(spec, rules, rules.sweeps) for spec, rules in incidents if rules.sweeps]
    sweep_counts = {spec.name: round(counts[spec.name] * sweeps.share) for spec, _, sweeps in swept_layers}
    incidents_by_layer = [
        _draw_layer(spec, rules, counts[spec.name] - sweep_counts.get(spec.name, 0), places, span, planted, stream)
        for spec, rules in incidents
    ]
    sweeps_drawn = [
        draw_sweeps(
            sweeps.rhythm, sweep_counts[spec.name], places=places, span=span,
            hotspots=select_layer(planted.hotspots, spec.name), random=stream(),
        )
        for spec, _, sweeps in swept_layers
    ]  # fmt: skip
    now = int(span.day_starts(np.array([span.day(0)]))[0])
    rows = []
    for (spec, rules), layer_incidents in zip(incidents, incidents_by_layer, strict=True):
        records = build_incident_rows(spec.name, rules, layer_incidents, span=span, random=stream())
        rows.append(mark_open(records, now=now) if rules.status else records)
    rows += [
        build_sweep_rows(spec.name, rules, sweeps, layer_incidents, span=span, random=stream())
        for (spec, rules, sweeps), layer_incidents in zip(swept_layers, sweeps_drawn, strict=True)
    ]
    return [*rows, build_closure_rows(_find_closure_layer()[0], planted.closures, now=now, random=stream())]


def _draw_layer(
    spec: LayerSpec,
    rules: DemonstrationSpec,
    count: int,
    places: Places,
    span: Span,
    planted: PlantedPatterns,
    stream: Stream,
) -> Incidents:
    """Incidents of a layer by its rules: ordinary ones, near repeats, and the spike if the layer has it."""
    closures = planted.closures if rules.heeds_closures else None
    count -= planted.spike.events if rules.spike else 0
    repeats = round(count * rules.repeated_share)
    incidents = draw_incidents(
        rules.rhythm,
        count - repeats,
        places=places,
        span=span,
        hotspots=select_layer(planted.hotspots, spec.name),
        closures=closures,
        random=stream(),
    )
    if rules.repeated_share:
        missing = count - len(incidents)
        incidents += draw_repeats(
            incidents, rules.rhythm, missing, places=places, span=span, closures=closures, random=stream()
        )
    return (
        incidents + draw_spike(planted.spike, rules.rhythm, places=places, random=stream())
        if rules.spike
        else incidents
    )


def build_truth(
    frame: pd.DataFrame, *, area: Area, seed: int, span: Span, places: Places, planted: PlantedPatterns
) -> dict[str, Any]:
    """The planted patterns for JSON. Cells are H3 strings, dates local, `to` the first day that no longer counts.

    `ordinary_share` of a hotspot is the share of its layer's events that would lie in the cell without hotspots. Near
    repeats change multipliers slightly, because some of them fall into the next cell.
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
            "layers": [spec.name for spec, rules in list_drawn_layers() if rules.repeated_share],
            "within_m": REPEAT_M,
            "within_days": REPEAT_DAYS,
        },
        "hotspots": [_build_hotspot_truth(hotspot, places, area) for hotspot in planted.hotspots],
        "spike": _build_spike_truth(planted.spike, places, area),
        "closures": _build_closure_truth(frame, planted.closures),
    }


def _build_hotspot_truth(hotspot: Hotspot, places: Places, area: Area) -> dict[str, Any]:
    inside = places.cell == hotspot.cell
    wards = np.bincount(places.ward[inside], places.weight[inside])
    return {
        "layer": hotspot.layer,
        "cell": _format_cell(hotspot.cell),
        "ward_code": area.wards.codes[int(np.argmax(wards))],
        "multiplier": hotspot.multiplier,
        "kind": hotspot.kind,
        "from": None if hotspot.start is None else _format_date(hotspot.start),
        "to": None if hotspot.end is None else _format_date(hotspot.end),
        "ordinary_share": round(float(places.weight[inside].sum()), 6),
    }


def _build_spike_truth(spike: Spike, places: Places, area: Area) -> dict[str, Any]:
    wards = sorted({area.wards.codes[ward] for ward in places.ward[spike.places]})
    cells = np.unique(places.cell[spike.places])
    return {
        "layer": next(spec.name for spec, rules in list_drawn_layers() if rules.spike),
        "from": _format_date(spike.start),
        "to": _format_date(spike.end),
        "centre": _format_cell(spike.centre),
        "cells": format_cells(cells),
        "ward_codes": wards,
        "events": spike.events,
        "ordinary_share": round(float(places.weight[np.isin(places.cell, cells)].sum()), 6),
    }


def _build_closure_truth(frame: pd.DataFrame, closures: Closures) -> list[dict[str, Any]]:
    """Each closure with its effect on street dealing. The rows of the frame and the closures are in order of time."""
    rows = frame[frame["layer"] == _find_closure_layer()[0].name]
    order = np.lexsort([closures.place, closures.start])
    closure_truths = []
    for row, number in zip(rows.to_dict("records"), order, strict=True):
        ring = {"outer_m": closures.radius_m[number] + RING_WIDTH_M, "multiplier": RING_MULTIPLIER}
        closure_truths.append(
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
    return closure_truths


def _format_cell(cell: int) -> str:
    return format_cells(np.array([cell], dtype=np.uint64))[0]


def _format_date(day: int) -> str:
    return (EPOCH + dt.timedelta(days=day)).isoformat()


def load_demonstration(
    store: Store, viewer: Viewer, area: Area, *, events: int = 20_000, seed: int = 1, today: dt.date, home: Path
) -> dict[str, Any]:
    """Fill an empty store with demonstration events, and write the planted patterns to `home/demonstration.json`.

    Returns a summary: the area, first and last day, the number of events of each layer, the truth file. DataError if
    the store holds any live event, real or not; nothing is changed then.
    """
    require(viewer, Action.LOAD)
    if not is_empty(store, viewer):
        raise DataError(
            "Demonstration events need an empty store, so that they never mix with real events",
            "this store already holds events",
            "choose another home (--home), or remove an older demonstration with `hexbeat demo --remove`",
        )
    demonstration = make_events(area, events=events, seed=seed, today=today)
    home.mkdir(parents=True, exist_ok=True)
    with (
        store.begin_load(viewer, area=area.name) as load,
        load.file(DEMONSTRATION, DEMONSTRATION, sha256=_hash_frame(demonstration.frame)) as load_file,
    ):
        for begin in range(0, len(demonstration.frame), CHUNK_ROWS):
            load_file.add_events(demonstration.frame.iloc[begin : begin + CHUNK_ROWS])
        load_file.add_tally(read=len(demonstration.frame), skipped={})
        first_day = dt.date.fromisoformat(demonstration.truth["from"])
        load_file.state_coverage(CoverageEntry(spec.name, DEMONSTRATION, "", first_day, today) for spec in LAYERS)
    _write_truth(home / TRUTH_FILE, demonstration.truth)
    last_day = today - dt.timedelta(days=1)
    return {
        "area": area.name,
        "from": demonstration.truth["from"],
        "last_day": last_day.isoformat(),
        **demonstration.truth["events"],
        "truth": TRUTH_FILE,
    }


def remove_demonstration(store: Store, viewer: Viewer, *, home: Path | None = None) -> dict[str, Any]:
    """Erase every demonstration event with all its versions, and the truth file of `home` if that is given.

    Returns the number of events removed, and whether the erasure is complete (see `hexbeat.store.erasure`).
    """
    erasure = store.erase_source(viewer, DEMONSTRATION)
    if home is not None:
        (home / TRUTH_FILE).unlink(missing_ok=True)
    return {"removed": erasure.events, "complete": erasure.complete}


def _hash_frame(frame: pd.DataFrame) -> str:
    """A SHA-256 of the frame's contents, in place of that of a file."""
    return hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()


def _write_truth(path: Path, truth: dict[str, Any]) -> None:
    with atomic_write(path, is_private=True) as draft:
        draft.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
