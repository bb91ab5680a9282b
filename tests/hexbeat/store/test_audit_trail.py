"""The audit trail in the store, in SQLite and in PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from geo.errors import PolicyError, StoreError, UsageError
from hexbeat.store.audit_chain import Anchor
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import audit, list_entries, list_names, retain_entries, verify_trail, write_deed
from hexbeat.store.store import Store
from layers.access import Action, Role, Viewer

FORGED = (
    "INSERT INTO audit_entries SELECT 9, 'x', at, subject, role, door, action, what, filter, form, rows, outcome,"
    " reason, previous, hash FROM audit_entries WHERE number = 2"
)
OLDER = (
    "it ends with entry 2, before entry 3 that was noted in the home folder: entries were removed, or an older copy of "
    "the store was restored"
)
ANNA = Viewer(Role.ANALYST, "analyst-1")
AUDITOR = Viewer(Role.AUDITOR, "auditor-1")
BROKEN = (
    "Entries can be removed from an unbroken audit trail alone; this one is broken: {}; see docs/running.md, Who saw "
    "what"
)


def do(store: Store, what: str = "counts", **others: object) -> None:
    deed = Deed(door="command", action=Action.SEE_COUNTS, what=what, **others)  # type: ignore[arg-type]  # a test's own
    write_deed(store.engine, store.home, ANNA, deed)


def find_problem(store: Store, expected: Anchor | None = None) -> str | None:
    return verify_trail(store.engine, store.home, AUDITOR, expected=expected).problem


@contextmanager
def without_triggers(store: Store) -> Iterator[sa.Connection]:
    """A transaction of the database's owner, who has taken the triggers away."""
    with store.engine.connect() as connection:
        connection.execution_options(hexbeat_writes=True)
        with connection.begin():
            if connection.dialect.name == "postgresql":
                for table in ("audit_entries", "audit_head"):
                    connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                yield connection
                for table in ("audit_entries", "audit_head"):
                    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            else:
                query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                triggers = connection.execute(query).all()
                for name, _ in triggers:
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
                yield connection
                for _, statement in triggers:
                    connection.exec_driver_sql(statement)


def test_an_entry_says_who_did_what_and_how_it_ended(store: Store) -> None:
    deed = Deed(
        door="command", action=Action.SEE_COUNTS, what="counts", words={"layers": "overdoses", "hours": "22-04"}
    )
    with audit(store.engine, store.home, ANNA, deed):
        deed.rows = 7
    with (
        pytest.raises(PolicyError),
        audit(store.engine, store.home, AUDITOR, replace(deed, is_written=False, rows=None)),
    ):
        raise PolicyError("rule", "it does not let auditor see counts of overdoses", "hint")
    with (
        pytest.raises(UsageError),
        audit(store.engine, store.home, ANNA, replace(deed, is_written=False, reason="why")),
    ):
        raise UsageError("rule", "12 High Street is no ward", "hint")
    entries = list_entries(store.engine, AUDITOR)
    assert [
        (it.number, it.subject, it.role, it.action, it.what, it.filter, it.rows, it.outcome, it.reason)
        for it in reversed(entries)
    ] == [
        (1, "analyst-1", "analyst", "see_counts", "counts", "layers=overdoses&hours=22-04", 7, "done", ""),
        (2, "auditor-1", "auditor", "see_counts", "counts", "layers=overdoses&hours=22-04", None, "refused",
         "it does not let auditor see counts of overdoses"),
        (3, "analyst-1", "analyst", "see_counts", "counts", "layers=overdoses&hours=22-04", 7, "failed",
         "why; UsageError, exit code 2"),
    ]  # fmt: skip
    assert find_problem(store) is None


def test_a_refusal_does_not_tell_what_was_typed_for_a_layer(store: Store) -> None:
    deed = Deed(door="python", action=Action.SEE_POINTS, what="events")
    with pytest.raises(PolicyError), audit(store.engine, store.home, ANNA, deed):
        raise PolicyError("rule", "it does not let police see points of 12 High Street", "hint")
    assert list_entries(store.engine, AUDITOR)[0].reason == "it does not let police see points"


def test_it_is_written_once_before_the_answer_and_again_if_that_fails(store: Store) -> None:
    deed = Deed(door="command", action=Action.EXPORT, what="export")

    def answer() -> None:
        write_deed(store.engine, store.home, ANNA, deed)
        write_deed(store.engine, store.home, ANNA, deed)
        raise OSError("no room")

    with pytest.raises(OSError, match=r"^no room$"), audit(store.engine, store.home, ANNA, deed):
        answer()
    entries = list_entries(store.engine, AUDITOR)
    assert [(it.outcome, it.reason) for it in entries] == [("failed", "OSError"), ("done", "")]


def test_entries_are_listed_by_day_person_and_action(store: Store) -> None:
    do(store)
    write_deed(store.engine, store.home, AUDITOR, Deed(door="command", action=Action.SEE_AUDIT, what="audit list"))
    now = dt.datetime.now(dt.UTC)
    hour = dt.timedelta(hours=1)
    assert [it.number for it in list_entries(store.engine, AUDITOR)] == [2, 1]
    assert [it.number for it in list_entries(store.engine, AUDITOR, subject="analyst-1")] == [1]
    assert [it.number for it in list_entries(store.engine, AUDITOR, action="see_audit")] == [2]
    assert [it.number for it in list_entries(store.engine, AUDITOR, most=1)] == [2]
    assert list_entries(store.engine, AUDITOR, end=now - hour) == []
    assert list_entries(store.engine, AUDITOR, start=now + hour) == []
    assert list_names(store.engine, AUDITOR) == (["analyst-1", "auditor-1"], ["see_audit", "see_counts"])


@pytest.mark.parametrize("role", [Role.POLICE, Role.COUNCIL, Role.HEALTH, "nobody"])
def test_only_who_may_see_it_reads_or_checks_it(store: Store, role: str) -> None:
    viewer = Viewer(role)  # type: ignore[arg-type]  # nobody, too
    for ask in (
        lambda: list_entries(store.engine, viewer),
        lambda: list_names(store.engine, viewer),
        lambda: verify_trail(store.engine, store.home, viewer),
        lambda: retain_entries(store.engine, store.home, viewer, 1),
    ):
        with pytest.raises(PolicyError) as caught:
            ask()
        assert str(caught.value) == (
            f"The access policy decides who may do what; it does not let {role} see audit; ask the analyst of the "
            "partnership"
        )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE audit_entries SET subject = 'x' WHERE number = 1", "an audit entry is never changed"),
        ("DELETE FROM audit_entries WHERE number = 2", "an audit entry is removed by the retention rule alone"),
        ("UPDATE audit_head SET number = 1", "the head of the audit trail only moves on"),
        ("UPDATE audit_head SET base_number = 9", "the head of the audit trail only moves on"),
        ("DELETE FROM audit_head", "the head of the audit trail only moves on"),
        (
            FORGED,
            "an audit entry follows the last one",
        ),
    ],
)
def test_the_database_refuses_to_change_what_is_written(store: Store, statement: str, message: str) -> None:
    do(store)
    do(store)
    with pytest.raises(sa.exc.DBAPIError) as caught, store.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert message in str(caught.value.orig)
    assert (find_problem(store), len(list_entries(store.engine, AUDITOR))) == (None, 2)


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["UPDATE audit_entries SET rows = 1 WHERE number = 2"], "entry 2 was changed after it was written"),
        (["DELETE FROM audit_entries WHERE number = 2"], "entry 3 follows entry 1"),
        (
            ["DELETE FROM audit_entries WHERE number = 3"],
            "it ends with entry 2, and the last one that was written is entry 3",
        ),
        (["DELETE FROM audit_head"], "its head is missing"),
        (
            [
                "UPDATE audit_head SET base_hash = (SELECT hash FROM audit_entries WHERE number = 1), base_number = 1",
                "DELETE FROM audit_entries WHERE number = 1",
            ],
            "entries up to 1 are missing, and no entry says that the retention rule removed them",
        ),
        (
            [
                "DELETE FROM audit_entries WHERE number = 3",
                "UPDATE audit_head SET number = 2, hash = (SELECT hash FROM audit_entries WHERE number = 2)",
            ],
            OLDER,
        ),
    ],
)
def test_what_the_owner_of_the_database_changes_is_found(store: Store, statements: list[str], problem: str) -> None:
    for _ in range(3):
        do(store)
    with without_triggers(store) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    assert find_problem(store) == problem
    with pytest.raises(StoreError) as caught:
        retain_entries(store.engine, store.home, ANNA, 1)
    assert str(caught.value) == BROKEN.format(problem)


def test_the_retention_rule_leaves_an_entry_and_the_chain_verifies(store: Store) -> None:
    do(store)
    first = Anchor(1, list_entries(store.engine, AUDITOR)[0].hash)
    do(store)
    assert retain_entries(store.engine, store.home, ANNA, 1) == (0, None)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=800)
    removed, base = retain_entries(store.engine, store.home, ANNA, 2, now=later)
    assert (removed, base and base.number) == (2, 2)
    (entry,) = list_entries(store.engine, AUDITOR)
    assert (entry.number, entry.what, entry.rows, entry.reason, entry.filter) == (
        3, "audit retain", 2, "kept: 2 years", f"to={base}",
    )  # fmt: skip
    do(store)
    check = verify_trail(store.engine, store.home, AUDITOR, expected=base)
    assert (check.problem, check.entries, check.first, check.last, check.removed_to) == (None, 2, 3, 4, 2)
    assert find_problem(store, first) == (
        "entry 1 that was noted elsewhere was removed by the retention rule and cannot be compared"
    )
    removed, base = retain_entries(store.engine, store.home, ANNA, 2, now=later)  # the entry of the first time goes too
    assert (removed, find_problem(store)) == (2, None)
    with pytest.raises(UsageError) as caught:
        retain_entries(store.engine, store.home, ANNA, 0)
    assert str(caught.value) == ("Audit entries are kept for at least 1 year; you asked for 0 years; choose 1 or more")
