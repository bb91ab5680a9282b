"""Works out, in a process of its own, what the pages ask first of the records. Started by `state.preparation`.

It calls what the pages call, with the choices with which they open, so that each result has the key under which a page
looks for it. It reads the request from its standard input, which stays open: when that closes, the server has ended,
and so does this process.
"""

import logging
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from geo.errors import HexbeatError
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.dashboard.state.choices import Choices, View
from hexbeat.dashboard.state.closure_answers import find_closure_answers
from hexbeat.dashboard.state.findings import find_alerts, find_changes, find_findings, load_briefing, load_forecast
from hexbeat.dashboard.state.freshness import find_last_known_day
from hexbeat.dashboard.state.kept_results import keep_results
from hexbeat.dashboard.state.login import Login
from hexbeat.dashboard.state.preparation import HEADER, read_message
from hexbeat.dashboard.state.prepared_results import RESULTS
from hexbeat.dashboard.state.presets import USUAL_ANALYSIS_PERIOD
from hexbeat.dashboard.state.selected_methods import choose_size, prepare_backtest, prepare_selection
from hexbeat.dashboard.state.session import Installation, choose_area_resolution, find_freshness, open_installation
from hexbeat.reports.briefing import Purpose
from hexbeat.settings import Settings
from layers.access import Action, Viewer, may, may_make, may_open
from layers.catalogue import LAYER_NAMES
from layers.layer_spec import LayerSpec

__all__ = ["list_jobs", "main", "prepare"]

LOW_PRIORITY: Final = 10
Send = Callable[[Any], None]


def main() -> int:
    """Work out everything for the viewer of the request, and send it."""
    os.nice(LOW_PRIORITY)
    logging.disable(logging.CRITICAL)  # Streamlit warns that no page is there
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr
    request = read_message(sys.stdin.buffer)
    if request is None:
        return 1
    settings, viewer = pickle.loads(request)  # noqa: S301  # from our own server
    threading.Thread(target=_end_with_server, args=(sys.stdin.buffer,), daemon=True).start()

    def send(message: Any) -> None:
        body = pickle.dumps(message)
        answers.write(HEADER.pack(len(body)) + body)
        answers.flush()

    with suppress(BrokenPipeError):
        prepare(settings, viewer, send)
    return 0


def _end_with_server(source: BinaryIO) -> None:
    """End this process when the server's end of its standard input closes."""
    source.read()
    os._exit(1)


def prepare(settings: Settings, viewer: Viewer, send: Send) -> None:
    """Work out every result, and send each as it comes, between ("state", version, today) and ("end",)."""
    installation = open_installation(settings, login=Login("", viewer, (viewer.role,)))
    send(("state", installation.columns.version, installation.today))

    results: dict[tuple[tuple[str, str], Hashable], Any] = {}

    def pass_on(name: tuple[str, str], request: Hashable, value: Any) -> None:
        if (name, request) not in results:
            results[name, request] = value
            send(("result", name, request, value))

    RESULTS.listener = pass_on
    try:
        for job in list_jobs(installation):
            try:
                job()
            except HexbeatError:
                continue  # the page that asks for it says why it cannot be
            except BrokenPipeError:
                raise
            except Exception as error:  # noqa: BLE001 - one result that fails does not keep back the others
                last = traceback.extract_tb(error.__traceback__)[-1]
                send(("fault", f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"))
    finally:
        RESULTS.listener = None
    keep_results(installation, results)
    send(("end",))


def list_jobs(installation: Installation) -> Iterator[Callable[[], object]]:
    """What is worked out, in the order in which people ask for it."""
    if not len(installation.columns):
        return
    specs = _list_layers_with_records(installation)
    incidents = [spec for spec in specs if spec.kind == "incident"]
    yield partial(find_alerts, installation)
    for spec in specs:
        yield partial(_prepare_cards, installation, spec.name, "counts")
    for spec in incidents:
        yield partial(prepare_selection, installation, spec.name)
    for spec in specs:
        yield partial(_prepare_forecast, installation, spec.name)
        for view in ("hotspots", "change", "expected"):
            yield partial(_prepare_cards, installation, spec.name, view)
    viewer = installation.viewer
    if may_open(viewer, "briefing") and may_make(viewer, "briefing"):
        yield partial(load_briefing, installation, Purpose.MEETING, None, ())
        shifts = SHIFT_HOURS.values()
        yield from (partial(load_briefing, installation, Purpose.SHIFT, hours, ()) for hours in shifts)
    for spec in specs:
        yield partial(_prepare_analysis, installation, spec.name)
    if may_open(viewer, "outcome") and may(viewer, Action.SEE_POINTS):
        yield partial(find_closure_answers, installation)
    for spec in incidents:
        yield partial(prepare_backtest, installation, spec.name)


def _list_layers_with_records(installation: Installation) -> list[LayerSpec]:
    counts = np.bincount(installation.columns.layer, minlength=len(LAYER_NAMES))
    layers = installation.columns.list_shown(in_cells=True)
    return [
        spec for spec in layers if counts[LAYER_NAMES.index(spec.name)] and not installation.columns.hides(spec.name)
    ]


def _prepare_cards(installation: Installation, layer: str, view: View) -> None:
    """Hotspots and change for cells of the size with which a view of the map opens: its map, and its cards."""
    choices = Choices(layers=(layer,), view=view)
    last, resolution = _find_last_day(installation, layer), choose_size(installation, choices).resolution
    find_findings(installation, choices, layer=layer, last=last, resolution=resolution)
    find_changes(installation, choices, layer=layer, last=last, resolution=resolution)


def _prepare_forecast(installation: Installation, layer: str) -> None:
    """The view of what is expected."""
    choices = Choices(layers=(layer,), view="expected")
    load_forecast(installation, choices, layer=layer, resolution=choose_size(installation, choices).resolution)


def _prepare_analysis(installation: Installation, layer: str) -> None:
    """The patterns over time with which the analysis opens."""
    choices = Choices(layers=(layer,), period=USUAL_ANALYSIS_PERIOD)
    resolution = choose_area_resolution(installation, choices)
    last = _find_last_day(installation, layer)
    find_findings(installation, choices, layer=layer, last=last, resolution=resolution)


def _find_last_day(installation: Installation, layer: str) -> Any:
    return find_last_known_day(find_freshness(installation), layers=(layer,), today=installation.today)


if __name__ == "__main__":
    sys.exit(main())
