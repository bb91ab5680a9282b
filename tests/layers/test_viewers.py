"""Who asks is known wherever the store is read or changed; what takes no viewer is listed here, with its reason."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import layers
from geo.errors import PolicyError
from layers.access import Viewer
from layers.reading import has_demonstration, is_empty
from layers.store import Store

NOBODY = Viewer("nobody")
HANDLES = {"store", "engine", "connection", "self"}
# Every public function of `layers` that is handed the store, or a connection to it, and does not ask who wants it.
NO_VIEWER = {
    "layers.store.Store.open": "opens the file or the server, whose keeper decided who may; it tells nothing of events",
    "layers.store.Store.dispose": "closes connections",
    "layers.store.Store.version": "says that something changed, never what; a part of the keys of caches",
    "layers.loads.open_load": "the inside of Store.begin_load, which has asked",
    "layers.erasure.finish": "ends an erasure that was allowed when it began",
    "layers.databases.migrate": "changes the shape of the store, at its opening",
    "layers.databases.translated": "words of errors",
    "layers.state.reading": "a transaction, for functions that have asked",
    "layers.state.writing": "a transaction, for functions that have asked",
    "layers.state.working": "the same, for visits and reference places",
    "layers.state.read_version": "the inside of Store.version",
    "layers.state.read_work_version": "a number that says that something changed, for functions that have asked",
    "layers.state.change_version": "a number, for functions that have asked",
    "layers.fetch.fetch_rows": "the inside of layers.live and layers.refresh, which have asked",
    "layers.merging.apply_load": "the inside of a load, which was allowed when it began",
    "layers.merging.compare_all": "the same",
    "layers.merging.compare_file": "the same",
    "layers.merging.count_outcomes": "the same",
    "layers.work_loads.begin_work_load": "the inside of layers.ledger and layers.reference, which have asked",
    "layers.visit_rows.compare_visit": "the inside of layers.ledger, which has asked",
    "layers.visit_rows.live_row": "the same",
    "layers.visit_rows.take_back": "the same",
    "layers.visit_rows.write_visit": "the same",
    "layers.staging.make_tables": "the inside of a load, which was allowed when it began",
    "layers.staging.stage_events": "the same",
    "layers.staging.stage_rejects": "the same",
    "layers.staging.stage_scopes": "the same",
    "layers.staging.tell_planner": "the same",
}


def handed_the_store() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of `layers` with a parameter for the store, and the store's own methods."""
    for found in pkgutil.walk_packages(layers.__path__, "layers."):
        if ".migrations" in found.name:
            continue
        module = importlib.import_module(found.name)
        own = [getattr(module, name) for name in module.__all__] if hasattr(module, "__all__") else []
        for item in own:
            if inspect.isfunction(item) and item.__module__ == found.name and takes(item) & HANDLES:
                yield f"{found.name}.{item.__name__}", item
    for name, method in inspect.getmembers(Store, callable):
        if not name.startswith("_"):
            yield f"layers.store.Store.{name}", method


def takes(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def test_what_takes_no_viewer_is_listed_with_its_reason() -> None:
    without = [name for name, function in handed_the_store() if "viewer" not in takes(function)]
    assert sorted(without) == sorted(NO_VIEWER)


@pytest.mark.parametrize(
    ("action", "ask"),
    [
        ("load", lambda store: store.begin_load(NOBODY, area="a")),
        ("see counts", lambda store: has_demonstration(store, NOBODY)),
        ("see counts", lambda store: is_empty(store, NOBODY)),
    ],
)
def test_loading_and_looking_whether_there_is_anything_ask_too(
    store: Store, action: str, ask: Callable[[Store], object]
) -> None:
    with pytest.raises(PolicyError) as caught:
        ask(store)
    assert str(caught.value) == (
        f"The access policy names who may do what; it does not let nobody {action}; ask the analyst of the partnership"
    )
