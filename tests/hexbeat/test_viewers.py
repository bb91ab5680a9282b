"""Who asks is known wherever the store is read or changed; what takes no viewer is listed here, with its reason."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hexbeat
import layers
from geo.errors import PolicyError
from hexbeat.store.live_columns import has_demonstration, is_empty
from hexbeat.store.store import Store
from layers.access import Viewer

NOBODY = Viewer("nobody")
HANDLES = {"store", "engine", "connection", "self"}
# Every public function that is handed the store, or a connection to it, and does not ask who wants it.
NO_VIEWER = {
    "hexbeat.store.store.Store.open": "opens the file or the server, whose keeper decided who may; it tells no event",
    "hexbeat.store.store.Store.dispose": "closes connections",
    "hexbeat.store.store.Store.version": "says that something changed, never what; a part of the keys of caches",
    "hexbeat.store.store.Store.find_last_removal": "a number that says that rows went, never which",
    "hexbeat.store.loads.open_load": "the inside of Store.begin_load, which has asked",
    "hexbeat.store.store.Store.refresh_areas": "copies public maps of wards to the home's cache",
    "hexbeat.store.shared_documents.document_transaction": "the inside of SharedDocuments, which has asked",
    "hexbeat.store.shared_documents.read_live_hashes": "names and hashes, for those that asked",
    "hexbeat.store.audit_trail.write_before_answer": "the inside of an answer, which has asked; it says who gets it",
    "hexbeat.store.audit_trail.write_with_change": "the inside of a change, which has asked; it writes who makes it",
    "hexbeat.policy.find_keeper": "finds the viewer",
    "hexbeat.analysis.costs.read_costs": "unit costs that all share; they name no event",
    "hexbeat.analysis.costs.add_count_costs": "unit costs; the columns that it is given are those of a viewer",
    "hexbeat.analysis.change_costs.add_change_costs": "the same, for two periods",
    "hexbeat.analysis.costs.read_usable_costs": "the same",
    "hexbeat.town_audit.audit_opening": "writes that somebody without a role was refused",
    "hexbeat.store.shared_documents.read_setting_versions": "the same, of settings that were before",
    "hexbeat.store.shared_documents.read_shared_setting": "settings decide what a viewer may do; they name no event",
    "hexbeat.store.home_files.take_over_home": "moves files of the home into the store, at its opening",
    "hexbeat.store.home_files.write_area_cache": "the inside of Store.refresh_areas",
    "hexbeat.store.store.Store.describe_pending_erasure": "says that something was erased, never what",
    "hexbeat.store.erasure.describe_pending": "the inside of it",
    "hexbeat.store.erasure.finish": "ends an erasure that was allowed when it began",
    "hexbeat.store.databases.migrate": "changes the shape of the store, at its opening",
    "hexbeat.store.databases.upgrade_to": "the inside of migrate",
    "hexbeat.store.known_schema.find_schema_fault": "names tables, indexes and triggers, and reads no event",
    "hexbeat.store.database_errors.translate_errors": "words of errors",
    "hexbeat.store.database_errors.build_damage_error": "words of an error",
    "hexbeat.store.database_errors.check_file": "says that the file is damaged, never what is in it",
    "hexbeat.store.database_errors.describe_error": "words of an error",
    "hexbeat.store.database_errors.reading_values": "words of errors",
    "hexbeat.store.databases.read_transaction": "a transaction, for functions that have asked",
    "hexbeat.store.databases.write_transaction": "a transaction, for functions that have asked",
    "hexbeat.store.databases.work_transaction": "the same, for visits and reference places",
    "hexbeat.store.databases.read_version": "the inside of Store.version",
    "hexbeat.store.databases.read_work_version": "a number that says that something changed, for those that asked",
    "hexbeat.store.databases.change_version": "a number, for functions that have asked",
    "hexbeat.store.databases.require_likely_clock": "two times, for functions that have asked",
    "hexbeat.store.live_columns.read_whole_columns": "the inside of read_columns and column_cache, which restrict it",
    "hexbeat.store.event_rows.fetch_rows": "the inside of live_columns and column_cache, which have asked",
    "hexbeat.store.column_changes.apply_changes": "the inside of column_cache, which restricts it",
    "hexbeat.store.column_changes.find_last": "numbers of the last row and load, for those that asked",
    "hexbeat.store.column_changes.read_whole": "the inside of column_cache, which restricts it",
    "hexbeat.store.snapshots.read_live": "the inside of read_columns and column_cache, which restrict it",
    "hexbeat.store.snapshots.read_results": "a file that is named after the role and policy whose results it holds",
    "hexbeat.store.snapshots.write_results": "the same, written by the process that worked them out for that role",
    "hexbeat.store.snapshots.describe_columns": "the inside of read_live and prepared_files; it names no event",
    "hexbeat.store.snapshots.write_snapshot": "the same; the file is for the owner of the store alone",
    "hexbeat.store.prepared_files.prepare_files": "ends a load that was allowed; it tells nobody anything of events",
    "hexbeat.store.event_table.read_live_rows": "the inside of event_table and prepared_files",
    "hexbeat.store.snapshots.remove_stale_snapshots": "removes files of a cache, at the store's opening",
    "hexbeat.store.snapshots.open_believed": "the inside of snapshots and snapshot_table, which give it to no viewer",
    "hexbeat.store.snapshot_table.read_snapshot_table": "the inside of event_table, which has asked",
    "hexbeat.store.kept_table.find_kept_table": "the inside of event_table, which has asked",
    "hexbeat.store.kept_table.keep_table": "the same; the file is for the owner of the store alone",
    "hexbeat.store.kept_table.list_closed_rows": "the same",
    "hexbeat.store.coverage_log.fetch_coverage": "the inside of read_coverage, live_columns and column_cache",
    "hexbeat.store.coverage_log.fetch_reporters": "the inside of read_coverage, live_columns and column_cache",
    "hexbeat.store.coverage_log.write_entries": "the inside of a load or a correction, which has asked",
    "hexbeat.store.merging.apply_load": "the inside of a load, which was allowed when it began",
    "hexbeat.store.merging.compare_all": "the same",
    "hexbeat.store.merging.compare_file": "the same",
    "hexbeat.store.merging.count_outcomes": "the same",
    "hexbeat.store.merging.count_known_references": "the same",
    "hexbeat.store.former_keys.adopt_former_keys": "the same",
    "hexbeat.store.former_keys.find_former_keys": "the same; it says whether an older Hexbeat stored rows, never which",
    "hexbeat.store.replacements.find_replacements": "the same; replaced_events shows them as far as the viewer may see",
    "hexbeat.operations.work_loads.begin_work_load": "the inside of ledger and reference_places, which have asked",
    "hexbeat.operations.ledger.ledger.read_live_row": "the inside of ledger, which has asked",
    "hexbeat.operations.ledger.ledger.restore_previous": "the same",
    "hexbeat.operations.ledger.ledger.write_changes": "the same",
    "hexbeat.operations.ledger.ledger.write_visit": "the same",
    "hexbeat.store.sign_ins.begin_sign_in": "before it there is no viewer; the provider or a link has said who comes",
    "hexbeat.store.sign_ins.find_sign_in": "says who the viewer is, to the bearer of the key alone",
    "hexbeat.store.sign_ins.find_sign_in_and_revision": "the same, with a number that says that something changed",
    "hexbeat.store.sign_ins.end_sign_in": "ends the sign-in of the bearer of the key",
    "hexbeat.store.staging.drop_file": "rows of a load, which was allowed when it began",
    "hexbeat.store.staging.make_tables": "the inside of a load, which was allowed when it began",
    "hexbeat.store.staging.stage_removals": "the same",
    "hexbeat.store.staging.stage_events": "the same",
    "hexbeat.store.staging.stage_rejects": "the same",
    "hexbeat.store.staging.stage_scopes": "the same",
    "hexbeat.store.staging.update_statistics": "the same",
}


def handed_the_store() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function below the screens with a parameter for the store, and the store's own methods."""
    packages = [
        *pkgutil.walk_packages(layers.__path__, "layers."),
        *pkgutil.walk_packages(hexbeat.__path__, "hexbeat."),
    ]
    for found in packages:
        if found.name.startswith(("hexbeat.store.migrations", "hexbeat.cli", "hexbeat.dashboard")):
            continue
        module = importlib.import_module(found.name)
        own = [getattr(module, name) for name in module.__all__] if hasattr(module, "__all__") else []
        for item in own:
            if inspect.isfunction(item) and item.__module__ == found.name and takes(item) & HANDLES:
                yield f"{found.name}.{item.__name__}", item
    for name, method in inspect.getmembers(Store, callable):
        if not name.startswith("_"):
            yield f"hexbeat.store.store.Store.{name}", method


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
        f"The access policy decides who may do what; it does not let nobody {action}; ask the analyst of the "
        "partnership"
    )
