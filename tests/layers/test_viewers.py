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
from layers.storage.reading import has_demonstration, is_empty
from layers.storage.store import Store

NOBODY = Viewer("nobody")
HANDLES = {"store", "engine", "connection", "self"}
# Every public function of `layers` that is handed the store, or a connection to it, and does not ask who wants it.
NO_VIEWER = {
    "layers.storage.store.Store.open": "opens the file or the server, whose keeper decided who may; it tells no event",
    "layers.storage.store.Store.dispose": "closes connections",
    "layers.storage.store.Store.version": "says that something changed, never what; a part of the keys of caches",
    "layers.storage.loads.open_load": "the inside of Store.begin_load, which has asked",
    "layers.storage.store.Store.describe_pending_erasure": "says that something was erased, never what",
    "layers.storage.erasure.describe_pending": "the inside of it",
    "layers.storage.erasure.finish": "ends an erasure that was allowed when it began",
    "layers.storage.databases.migrate": "changes the shape of the store, at its opening",
    "layers.storage.databases.translate_errors": "words of errors",
    "layers.storage.state.reading": "a transaction, for functions that have asked",
    "layers.storage.state.writing": "a transaction, for functions that have asked",
    "layers.storage.state.working": "the same, for visits and reference places",
    "layers.storage.state.read_version": "the inside of Store.version",
    "layers.storage.state.read_work_version": "a number that says that something changed, for those that asked",
    "layers.storage.state.change_version": "a number, for functions that have asked",
    "layers.storage.fetch.fetch_rows": "the inside of layers.live and layers.storage.refresh, which have asked",
    "layers.storage.merging.apply_load": "the inside of a load, which was allowed when it began",
    "layers.storage.merging.compare_all": "the same",
    "layers.storage.merging.compare_file": "the same",
    "layers.storage.merging.count_outcomes": "the same",
    "layers.work.loads.begin_work_load": "the inside of layers.work.ledger and layers.work.reference, which have asked",
    "layers.work.visit_rows.compare_visit": "the inside of layers.work.ledger, which has asked",
    "layers.work.visit_rows.live_row": "the same",
    "layers.work.visit_rows.restore_previous": "the same",
    "layers.work.visit_rows.write_visit": "the same",
    "layers.storage.staging.make_tables": "the inside of a load, which was allowed when it began",
    "layers.storage.staging.stage_doomed": "the same",
    "layers.storage.staging.stage_events": "the same",
    "layers.storage.staging.stage_rejects": "the same",
    "layers.storage.staging.stage_scopes": "the same",
    "layers.storage.staging.tell_planner": "the same",
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
            yield f"layers.storage.store.Store.{name}", method


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
