"""Results of back-tests for the screens: selected methods, sizes of cells, and the back-tests that were run.

They are kept in memory for the version of the store that they used. While those for newer records are being worked out
in the background, the older ones serve.
"""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from hexbeat.analysis.backtest import Backtest, backtest
from hexbeat.analysis.method_selection import (
    FEWEST_WEEKS,
    FINEST_HOTSPOTS,
    MethodSelection,
    choose_hotspot_size,
    count_test_weeks,
    keep_selection,
    read_selection,
    select_methods,
)
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.prepared_results import (
    RESULTS,
    PreparedResult,
    build_owner,
    find_older,
    find_or_build,
    find_prepared,
    is_awaited,
)
from hexbeat.dashboard.state.presets import format_size
from hexbeat.dashboard.state.session import (
    Installation,
    InstallationKey,
    choose_area_resolution,
    choose_ward_resolution,
    find_precision,
)
from layers.catalogue import find_layer
from layers.event import RESOLUTIONS
from layers.precision import describe_fine_cells, describe_precision
from layers.wording import format_cell_width

__all__ = [
    "SizeChoice",
    "choose_forecast_size",
    "choose_size",
    "describe_backtest",
    "describe_shown_size",
    "describe_wait",
    "find_backtest",
    "find_older_backtest",
    "find_selection",
    "keep_backtest",
    "load_selection",
    "prepare_backtest",
    "prepare_selection",
]

MOST_SELECTIONS = 64
SelectionKey = tuple[InstallationKey, str]
MOST_BACKTESTS = 32
BacktestKey = tuple[InstallationKey, str, tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """A resolution, and why it was chosen; no sentence if a person chose it, or if it is the resolution of counts."""

    resolution: int
    sentence: str = ""


@st.cache_resource(show_spinner=False)
def _selection_cache() -> dict[SelectionKey, MethodSelection | None]:
    """The selections of this process, the oldest first. The role of the viewer is part of every key."""
    return {}


def find_selection(installation: Installation, layer: str) -> MethodSelection | None:
    """The saved selection for these records; None if there is none. It never runs a back-test."""
    cache, key = _selection_cache(), (installation.key, layer)
    if key not in cache:
        result = find_prepared(installation, ("selection", layer), ())
        if result is not None:
            selection: MethodSelection | None = result.value
            return selection
        selection = read_selection(installation.columns, installation.area, layer, documents=installation.documents)
        if selection is None:
            return None
        _keep_selection(key, selection)
    return cache[key]


def load_selection(installation: Installation, layer: str) -> MethodSelection | None:
    """The selection of a layer, computed if it is not known yet; None if too few weeks are on record.

    While the one for these records is being worked out in the background: the one before, None if there is none.
    """
    key = (installation.key, layer)
    selection = find_selection(installation, layer)
    if selection or key in _selection_cache() or find_prepared(installation, ("selection", layer), ()):
        return selection
    if find_layer(layer).kind == "incident" and is_awaited(installation, ("selection", layer), ()):
        older = find_older(installation, ("selection", layer))
        return older.value if older else None
    bar = st.progress(0.0, text="Testing which forecast was right most often …")

    def on_size(resolution: int, place: int) -> None:
        text = f"Which forecast of {find_layer(layer).many} is right most often? "
        bar.progress(place / len(RESOLUTIONS), text=f"{text}Cells: {format_size(resolution).lower()} …")

    try:
        selection = select_methods(
            installation.columns, installation.area, layer, documents=installation.documents, progress=on_size
        )
    finally:
        bar.empty()
    _keep_selection(key, selection)
    return selection


def describe_wait(installation: Installation, layer: str) -> str:
    """A sentence where the back-test of these records is still on its way; "" where it is there."""
    has_any = find_selection(installation, layer) or find_prepared(installation, ("selection", layer), ())
    if has_any or find_layer(layer).kind != "incident" or not is_awaited(installation, ("selection", layer), ()):
        return ""
    if find_older(installation, ("selection", layer)):
        return "This rests on the back-test of the records before the last load. A new one is running."
    return "The back-test that chooses the size of cells and the forecast is still running. This page then changes."


def prepare_selection(installation: Installation, layer: str) -> MethodSelection | None:
    """The selection, for the process that works results out ahead: the stored one, or a new one with its back-test."""
    # Selections of what a role sees in part are not stored: they would take the place of those of the whole.
    documents = None if installation.columns.details else installation.documents
    selection = read_selection(installation.columns, installation.area, layer, documents=documents)
    if selection is None and (result := prepare_backtest(installation, layer)):
        selection = keep_selection(result, installation.columns, installation.area, documents=documents)
    _keep_selection((installation.key, layer), selection)
    return find_or_build(installation, ("selection", layer), (), lambda: selection)


def _keep_selection(key: SelectionKey, selection: MethodSelection | None) -> None:
    """Keep a result; drop the oldest if there are too many."""
    cache = _selection_cache()
    cache[key] = selection
    while len(cache) > MOST_SELECTIONS:
        cache.pop(next(iter(cache)), None)


def choose_size(installation: Installation, choices: Choices) -> SizeChoice:
    """The size of the map's cells. For hotspots and expected events, the back-test of the first chosen layer decides.

    That may take some seconds once for each version of the records; the page shows its progress.
    """
    if choices.size:
        # The views of statistics say it themselves.
        precision = find_precision(installation, choices)
        fine = describe_fine_cells(precision, choices.size) if choices.view == "counts" else ""
        return SizeChoice(choices.size, fine)
    if choices.view not in ("hotspots", "expected"):
        return _choose_by_area(installation, choices)
    size = _choose_by_backtest(installation, choices, load_selection(installation, choices.layers[0]))
    wait = describe_wait(installation, choices.layers[0])
    return replace(size, sentence=f"{size.sentence} {wait}".strip()) if wait else size


def _choose_by_area(installation: Installation, choices: Choices) -> SizeChoice:
    """The size that fits the wards; a sentence where the records know no better than larger cells."""
    resolution, precision = choose_area_resolution(installation, choices), find_precision(installation, choices)
    is_limited = resolution < choose_ward_resolution(installation, choices)
    return SizeChoice(resolution, describe_precision(precision) if is_limited else "")


def describe_shown_size(resolution: int) -> str:
    """The size of the cells on the map, for the note under the choice of sizes: "On the map: small, 130 m."."""
    return f"On the map: {format_size(resolution).lower()}."


def _choose_by_backtest(installation: Installation, choices: Choices, selection: MethodSelection | None) -> SizeChoice:
    """The size that the back-test selects; without a selection, the size of counts."""
    layer = choices.layers[0]
    if choices.view == "expected":
        if selection is None:
            return _choose_by_area(installation, choices)
        return SizeChoice(choose_forecast_size(selection), _describe_deciding_layer(choices).strip())
    event_filter = build_filter(choices, layer=layer, start=None, end=None)
    size = choose_hotspot_size(
        installation.columns, layer, selection, event_filter=event_filter, time_zone=installation.area.time_zone
    )
    finest = find_precision(installation, choices)
    if size is None:
        return _choose_by_area(installation, choices)
    if size.resolution > finest.finest:  # another layer beside it knows its places less well
        return SizeChoice(finest.finest, describe_precision(finest))
    return SizeChoice(size.resolution, f"{_describe_deciding_layer(choices)}{size.sentence}")


def choose_forecast_size(selection: MethodSelection) -> int:
    """The best size for a map that people walk by: cells of 50 m are specks, and a place has several of them."""
    sizes = [size for size in selection.by_size if size <= FINEST_HOTSPOTS] or list(selection.by_size)
    if selection.best.resolution in sizes or not sizes:
        return selection.best.resolution
    return max(sizes, key=lambda size: (np.nan_to_num(selection.by_size[size].hit_rate), -size))


def _describe_deciding_layer(choices: Choices) -> str:
    """A sentence on which layer decides the size, if there are several side by side."""
    return f"{find_layer(choices.layers[0]).title} decide how large cells are. " if len(choices.layers) > 1 else ""


@st.cache_resource(show_spinner=False)
def _backtest_cache() -> dict[BacktestKey, Backtest]:
    """The back-tests that are kept, the oldest first. The role of the viewer is part of every key."""
    return {}


def keep_backtest(installation: Installation, wards: tuple[str, ...], result: Backtest) -> None:
    """Keep a result; drop the oldest if there are too many."""
    cache = _backtest_cache()
    cache[installation.key, result.spec.name, wards, result.weeks] = result
    while len(cache) > MOST_BACKTESTS:
        cache.pop(next(iter(cache)), None)


def find_backtest(
    installation: Installation, layer: str, wards: tuple[str, ...], weeks: int | None = None
) -> Backtest | None:
    """A back-test of this layer and these wards over `weeks` (None: the longest one); None if none was run."""
    results = {
        key[3]: result
        for key, result in _backtest_cache().items()
        if key[:3] == (installation.key, layer, wards) and weeks in (None, key[3])
    }
    prepared_results = RESULTS.find_all(build_owner(installation), ("backtest", layer))
    for (its_wards, its_weeks), result in prepared_results.items():
        if its_wards == wards and weeks in (None, its_weeks) and result.version == installation.columns.version:
            results.setdefault(its_weeks, result.value)
    return results[max(results)] if results else None


def find_older_backtest(installation: Installation, layer: str) -> PreparedResult | None:
    """The back-test of the whole area for the records as they were before the last load, while a new one is running."""
    older = find_older(installation, ("backtest", layer))
    is_older = older is not None and older.version != installation.columns.version
    return older if is_older and is_awaited(installation, ("backtest", layer)) else None


def prepare_backtest(installation: Installation, layer: str) -> Backtest | None:
    """The back-test of the whole area over the usual weeks, for the process that works results out ahead.

    None if fewer than FEWEST_WEEKS weeks can be tested.
    """
    weeks = count_test_weeks(installation.columns, installation.area, layer)
    if weeks < FEWEST_WEEKS:
        return None
    earlier = find_backtest(installation, layer, (), weeks)
    if earlier:
        return earlier

    def build() -> Backtest:
        return backtest(installation.columns, installation.area, layer, weeks=weeks)

    result = find_or_build(installation, ("backtest", layer), ((), weeks), build)
    keep_backtest(installation, (), result)
    return result


def describe_backtest(installation: Installation, layer: str, wards: tuple[str, ...], *, resolution: int) -> str:
    """The result of a back-test in a sentence, for a map with cells of `resolution`; empty if none was run.

    Its best method may have cells of another size than the map, and says so: a reader would take one for the other.
    """
    result = find_backtest(installation, layer, wards)
    if result is None:
        return ""
    differs = result.verdict.resolution != resolution
    sizes = f" with cells of every size (on this map: {format_cell_width(resolution)})" if differs else ""
    return f"Back-test of {result.weeks} weeks{sizes}: {result.verdict.sentence}"
