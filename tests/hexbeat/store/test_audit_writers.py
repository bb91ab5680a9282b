"""The audit trail when it cannot be written at once, when an older copy comes back, and under several writers."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from geo.errors import StoreError
from hexbeat.store import audit_trail
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_home import ANCHOR_FILE, WAITING_FOLDER
from hexbeat.store.audit_trail import list_entries, verify_trail, write_deed
from hexbeat.store.databases import write_transaction
from hexbeat.store.home_layout import FILE_NAME
from hexbeat.store.store import Store
from layers.access import Action
from tests.hexbeat.store.test_audit_trail import ANNA, AUDITOR, do, find_problem
from tests.support.faults import files_limited_to
from tests.support.load_processes import Loader
from tests.support.postgres_servers import Server


def test_an_older_copy_that_is_restored_is_found_and_then_written_down(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    do(store)
    store.dispose()
    shutil.copy(store.home / FILE_NAME, tmp_path / "copy")
    do(store)
    do(store)
    anchor = verify_trail(store.engine, store.home, AUDITOR).anchor
    store.dispose()
    for path in store.home.glob(f"{FILE_NAME}*"):
        path.unlink()
    shutil.copy(tmp_path / "copy", store.home / FILE_NAME)
    problem = (
        "it ends with entry 1, before entry 3 that was noted {}: entries were removed, or an older copy of the store "
        "was restored"
    )
    assert find_problem(store) == problem.format("in the home folder")
    (store.home / ANCHOR_FILE).rename(tmp_path / "anchor")
    assert find_problem(store, anchor) == problem.format("elsewhere")
    (tmp_path / "anchor").rename(store.home / ANCHOR_FILE)
    do(store)
    check = verify_trail(store.engine, store.home, AUDITOR)
    assert (check.problem, check.restored, check.last) == (None, (2,), 3)
    restored = list_entries(store.engine, AUDITOR, action="restore")[0]
    assert (restored.filter, restored.reason) == (
        f"noted={anchor}",
        "this home wrote entry 3, which the store no longer has: an older copy was restored",
    )


def test_while_another_program_writes_an_entry_waits_in_the_home_folder(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_trail, "BUSY_S", 0.02)
    do(store)
    if store.engine.dialect.name == "sqlite":
        with write_transaction(store.engine, rewritten=False):
            do(store, "waits-1")
            do(store, "waits-2")
        assert len(list((store.home / WAITING_FOLDER).glob("*.json"))) == 2
    else:  # a load does not hold up the trail there; another entry does
        with write_transaction(store.engine, rewritten=False):
            do(store, "waits-1")
        with store.engine.begin() as connection:
            connection.exec_driver_sql("SELECT * FROM audit_head FOR UPDATE")
            do(store, "waits-2")
        assert len(list((store.home / WAITING_FOLDER).glob("*.json"))) == 1
    copies = {path: path.read_bytes() for path in (store.home / WAITING_FOLDER).glob("*.json")}
    do(store, "last")
    for path, content in copies.items():  # as if it had been killed before it removed them
        assert not path.exists()
        path.write_bytes(content)
    do(store, "after")
    whats = [entry.what for entry in reversed(list_entries(store.engine, AUDITOR))]
    assert (whats, find_problem(store)) == (["counts", "waits-1", "waits-2", "last", "after"], None)


def test_what_cannot_be_written_is_refused_unless_it_may_go_unwritten(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_head RENAME TO audit_gone")
    try:
        with pytest.raises(StoreError) as caught:
            do(store)
        erasing = Deed(door="command", action=Action.ERASE, what="erase")
        write_deed(store.engine, store.home, ANNA, erasing)
    finally:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_gone RENAME TO audit_head")
    assert str(caught.value).startswith(
        "Hexbeat gives no answer that its audit trail does not hold; the entry cannot be written ("
    )
    assert erasing.problem
    assert list_entries(store.engine, AUDITOR) == []


def test_on_a_full_disk_no_answer_is_given_and_nothing_is_lost(tmp_path: Path) -> None:
    with Store.open(tmp_path / "full") as store:
        do(store)
        full = sum(path.stat().st_size for path in store.home.glob(f"{FILE_NAME}-wal"))
        with files_limited_to(full), pytest.raises(StoreError) as caught:
            do(store)
        do(store)
        assert (find_problem(store), len(list_entries(store.engine, AUDITOR))) == (None, 2)
    assert (caught.value.rule, caught.value.hint) == (
        "Hexbeat gives no answer that its audit trail does not hold",
        "check that the disk has room, and that the file and its folder can be written",
    )


@pytest.mark.postgres
def test_a_role_that_may_only_read_gets_no_answer_until_it_may_write_the_trail(
    postgres_server: Server, database_url: str, tmp_path: Path
) -> None:
    name = database_url.split("@/")[1].split("?", maxsplit=1)[0]
    with Store.open(tmp_path, database_url=database_url):
        pass
    for statement in (
        f"CREATE ROLE {name}_reader LOGIN",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}_reader",
    ):
        postgres_server.execute(statement, name)
    try:
        with Store.open(tmp_path, database_url=database_url.replace("hexbeat@", f"{name}_reader@")) as store:
            with pytest.raises(StoreError) as caught:
                do(store)
            for statement in (
                f"GRANT INSERT ON audit_entries TO {name}_reader",
                f"GRANT UPDATE ON audit_head TO {name}_reader",
            ):
                postgres_server.execute(statement, name)
            do(store)
            assert (find_problem(store), len(list_entries(store.engine, AUDITOR))) == (None, 1)
    finally:
        postgres_server.execute(f"DROP OWNED BY {name}_reader", name)
        postgres_server.execute(f"DROP ROLE {name}_reader")
    assert str(caught.value) == (
        "Hexbeat gives no answer that its audit trail does not hold; the entry cannot be written (the server says: "
        "permission denied for table audit_head); see docs/running.md, Who saw what: the rights that it needs, and "
        "`hexbeat audit verify`"
    )


WRITE = """
import os, sys
from pathlib import Path
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import write_deed
from hexbeat.store.store import Store
from layers.access import ANALYST
home, url, names = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3:]
for name in names:
    if not os.fork():
        with Store.open(home, database_url=url) as store:
            for number in range(30):
                deed = Deed(door="command", action="see_counts", what=f"{name}-{number}")
                write_deed(store.engine, home, ANALYST, deed)
        os._exit(0)
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in names])
"""


@pytest.mark.slow
def test_writers_of_several_processes_make_one_chain(tmp_path: Path, store_url: str | None) -> None:
    home = tmp_path / "several"
    with Store.open(home, database_url=store_url) as store:
        command = [sys.executable, "-c", WRITE, str(home), store_url or "", "a", "b"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        do(store)  # takes in whatever waited
        whats = [entry.what for entry in list_entries(store.engine, AUDITOR)]
        assert sorted(whats) == sorted(["counts", *(f"{name}-{number}" for name in "ab" for number in range(30))])
        assert find_problem(store) is None
        assert done.stdout == "[0, 0]\n", done.stderr


@pytest.mark.slow
def test_killed_at_any_moment_the_chain_is_whole_and_has_all_that_was_told(
    tmp_path: Path, store_url: str | None, loader: Loader
) -> None:
    home, told = tmp_path / "killed", set[str]()
    with Store.open(home, database_url=store_url) as store:
        for first, lines in ((0, 2), (10_000, 9)):
            writer = loader.start(home, store_url, first, what="deeds")
            told |= {loader.line() for _ in range(lines)}
            os.kill(writer, signal.SIGKILL)
            told |= set(loader.rest())
            assert find_problem(store) is None
        do(store)
        assert told <= {entry.what for entry in list_entries(store.engine, AUDITOR)}
        assert find_problem(store) is None
