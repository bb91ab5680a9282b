"""What a command writes into the audit trail: one entry, before its answer leaves. The entry holds no typed place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import typer
from typer._click.globals import get_current_context

from geo.errors import HexbeatError
from geo.lazy_modules import import_lazily
from hexbeat.accounts import find_account
from hexbeat.store.audit_chain import RESTORE_HOME
from layers.access import Action, Viewer, build_stranger

if TYPE_CHECKING:
    from geo.wards import Wards
    from hexbeat.store import audit_deeds, audit_trail, audit_words
    from hexbeat.store.store import Store
else:
    audit_deeds = import_lazily("hexbeat.store.audit_deeds")
    audit_trail = import_lazily("hexbeat.store.audit_trail")
    audit_words = import_lazily("hexbeat.store.audit_words")

__all__ = [
    "ACTIONS",
    "audit_command",
    "audit_unknown_viewer",
    "find_command_name",
    "note_answer",
    "note_reason",
    "note_rows",
    "note_shown",
]

# What people do that the policy has no word for: everybody may see how the store is set up, and whoever has the folder
# can put a backup into it.
SEE_SETTINGS: Final = "see_settings"
START_SERVER: Final = "start_server"  # shows nothing: whoever looks at a page then signs in, with an entry of their own
# What each command does, in the policy's words where it has one; `release show` opens no store, and writes nothing.
ACTIONS: Final = MappingProxyType(
    {
        "alerts": Action.SEE_COUNTS,
        "answer": Action.ANSWER_ALERTS,
        "audit": Action.SEE_AUDIT,
        "audit list": Action.SEE_AUDIT,
        "audit retain": Action.RETAIN,
        "audit verify": Action.SEE_AUDIT,
        "backtest": Action.SEE_COUNTS,
        "backup": Action.EXPORT,
        "boundaries build": Action.LOAD,
        "boundaries check": Action.SEE_COUNTS,
        "boundaries places": Action.LOAD,
        "briefing": Action.SEE_COUNTS,
        "change": Action.SEE_COUNTS,
        "counts": Action.SEE_COUNTS,
        "coverage": Action.SEE_COUNTS,
        "coverage clear": Action.LOAD,
        "coverage set": Action.LOAD,
        "demo": Action.LOAD,
        "done import": Action.RECORD_WORK,
        "done list": Action.SEE_WORK,
        "done record": Action.RECORD_WORK,
        "done undo": Action.RECORD_WORK,
        "erase": Action.ERASE,
        "evaluate": Action.SEE_COUNTS,
        "evidence": Action.MAKE_EVIDENCE,
        "export": Action.EXPORT,
        "find": Action.SEE_COUNTS,
        "gazetteer build": Action.LOAD,
        "history": Action.SEE_RECORDS,
        "hotspots": Action.SEE_COUNTS,
        "ingest": Action.LOAD,
        "naloxone": Action.SEE_COUNTS,
        "near-repeats": Action.SEE_COUNTS,
        "places list": Action.SEE_COUNTS,
        "places load": Action.LOAD,
        "places remove": Action.LOAD,
        "places undo": Action.UNDO,
        "plan issue": Action.PLAN,
        "plan list": Action.SEE_WORK,
        "plan patrol": Action.PLAN,
        "plan remove": Action.PLAN,
        "plan show": Action.SEE_WORK,
        "plan sweep": Action.PLAN,
        "plan withdraw": Action.PLAN,
        "policy check": SEE_SETTINGS,
        "rejects": Action.SEE_REJECTS,
        "release audit": SEE_SETTINGS,
        "release build": Action.EXPORT,
        "release show": SEE_SETTINGS,
        "release site": SEE_SETTINGS,
        "restore": RESTORE_HOME,
        "retain": Action.RETAIN,
        "return": Action.SEE_WORK,
        "serve": START_SERVER,
        "sessions end": Action.SEE_AUDIT,
        "sessions list": Action.SEE_AUDIT,
        "shared": SEE_SETTINGS,
        "shared put": Action.PLAN,
        "shared remove": Action.PLAN,
        "shared show": SEE_SETTINGS,
        "sources": SEE_SETTINGS,
        "sources suggest": SEE_SETTINGS,
        "streets build": Action.LOAD,
        "undo": Action.UNDO,
    }
)
_FORMS: Final = frozenset({"csv", "geojson", "gpkg", "gpx", "html", "json", "parquet", "pdf", "txt", "xlsx"})
_current: ContextVar["tuple[Store, Viewer, audit_deeds.Deed] | None"] = ContextVar("hexbeat_command", default=None)


@contextmanager
def audit_command(
    store: "Store", viewer: Viewer, *, wards: "Wards | None" = None, action: str | None = None
) -> Iterator[None]:
    """Write how the command ends that runs now: done, refused or failed. Without a command, nothing is written.

    `action` stands in the place of that of ACTIONS. StoreError if it cannot be written.
    """
    context = get_current_context(silent=True)
    if context is None:
        yield
        return
    name = find_command_name()
    deed = audit_deeds.Deed(
        door="command",
        action=action or ACTIONS.get(name, "other"),
        what=name if name in ACTIONS else "other",
        words=audit_words.format_audit_values(context.params, wards),
        form=_find_form(context.params),
    )
    token = _current.set((store, viewer, deed))
    try:
        with audit_trail.audit(store.engine, store.home, viewer, deed):
            yield
    finally:
        _current.reset(token)
    if deed.problem:
        typer.echo(f"This is not in the audit trail, which cannot be written: {deed.problem}.", err=True)


@contextmanager
def audit_unknown_viewer(store: "Store") -> Iterator[None]:
    """Write into the trail that the policy refused the account, or that it cannot be used, before a viewer is known."""
    try:
        yield
    except HexbeatError:
        with audit_command(store, build_stranger(find_account())):
            raise


def find_command_name() -> str:
    """The command that runs now, such as "plan list"; "" without one."""
    context = get_current_context(silent=True)
    return " ".join(context.command_path.split()[1:]) if context else ""


def _find_form(params: Mapping[str, Any]) -> str:
    """How the answer leaves: the ending of the file that --out names, json, or screen."""
    if params.get("every"):
        return "pdf"  # a scheduled briefing
    out = params.get("out") or params.get("draft")
    for path in [out] if isinstance(out, str | Path) else out or []:
        ending = Path(path).suffix.lower().removeprefix(".")
        return ending if ending in _FORMS else "file"
    return "json" if params.get("form") == "json" else "screen"


def note_rows(rows: int) -> None:
    """Say how many rows the answer of this command has, before it leaves."""
    if (current := _current.get()) is not None and not current[2].is_written:
        current[2].rows = rows


def note_reason(reason: str) -> None:
    """Say why this command is run, as the person gave it."""
    if (current := _current.get()) is not None and not current[2].is_written:
        current[2].reason = reason


def note_shown(rows: int) -> None:
    """Write the entry because so many rows are shown. They are its rows if the command is there to show them."""
    if (current := _current.get()) is not None and current[2].action.startswith("see_") and current[2].rows is None:
        note_rows(rows)
    note_answer()


def note_answer(rows: int | None = None, /) -> None:
    """Write the entry of this command now, because its answer leaves; once, and only while its store is open."""
    if (current := _current.get()) is None:
        return
    store, viewer, deed = current
    if rows is not None:
        note_rows(rows)
    audit_trail.write_deed(store.engine, store.home, viewer, deed)
