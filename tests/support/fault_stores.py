"""Whole stores on which changes are tried with faults (bench.faults): in SQLite and in a PostgreSQL of their own."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from bench.fault_disks import DATABASE_BYTES, SMALL_LOG
from bench.fault_disks import small_disk as mount_small_disk
from bench.faults import DEEDS, Server, Trial
from hexbeat.areas.area import load_area
from hexbeat.demonstration import make_events
from hexbeat.store import audit_deeds
from hexbeat.store.audit_trail import write_deed
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.damage import make_whole_store
from tests.support.demonstrations import TODAY
from tests.support.events import load_frame
from tests.support.postgres_servers import Server as PostgresServer
from tests.support.postgres_servers import make_server
from tests.support.stores import older_store

__all__ = ["make_data", "make_home", "make_trials", "serve_on_small_disk"]


@contextmanager
def make_trials(
    names: Sequence[str], *, databases: Sequence[str], small_disk: bool
) -> Iterator[Iterator[tuple[str, str, Trial]]]:
    """Each named deed on these databases, where it applies: (deed, database, what it is tried on).

    `small_disk`: the PostgreSQL lies on a small disk of its own.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work = Path(folder)
        data = make_data(work / "data")
        server = None
        if "PostgreSQL" in databases:
            server = stack.enter_context(serve_on_small_disk()) if small_disk else stack.enter_context(_serve())
        yield _list_trials(names, work, data, server, databases)


@contextmanager
def _serve() -> Iterator[Server]:
    servers = make_server()
    try:
        yield _serve_databases(next(servers))
    finally:
        next(servers, None)


@contextmanager
def serve_on_small_disk() -> Iterator[Server]:
    """A PostgreSQL all of whose files lie on a small disk of its own."""
    disk = Path(tempfile.mkdtemp(prefix="hexbeat-full-"))  # short, and for the server's user to enter
    disk.chmod(0o755)
    try:
        with mount_small_disk(disk, size=DATABASE_BYTES):
            servers = make_server(parent=disk, settings=SMALL_LOG, segment_mb=1)
            try:
                yield _serve_databases(next(servers), disk)
            finally:
                next(servers, None)
    finally:
        shutil.rmtree(disk, ignore_errors=True)


def _list_trials(
    names: Sequence[str], work: Path, data: Path, server: Server | None, databases: Sequence[str]
) -> Iterator[tuple[str, str, Trial]]:
    wholes: dict[tuple[str, str], tuple[Path, str | None]] = {}
    for name in names:
        for database in databases:
            if database == "PostgreSQL" and not DEEDS[name].on_postgres:
                continue
            serving = server if database == "PostgreSQL" else None
            key = (DEEDS[name].kind, database)
            if key not in wholes:
                url = serving.make(None) if serving else None
                home = work / f"{database}-{DEEDS[name].kind}"
                make_home(home, DEEDS[name].kind, url)
                wholes[key] = home, url
            whole, url = wholes[key]
            yield name, database, Trial(work, whole, data, serving, url)


def make_home(home: Path, kind: str, url: str | None) -> None:
    """A home with a store of that kind (see `bench.faults.Deed`)."""
    if kind in ("small", "long"):
        make_whole_store(home, url=url)
        if kind == "long":
            make_old_entries(home, url)
    elif kind == "older":
        home.mkdir(parents=True)
        with older_store(home, url, "0003"):
            pass
    else:
        area = load_area("middlesbrough")
        made = make_events(area, events=3000, today=TODAY)
        with Store.open(home, database_url=url) as store:
            load_frame(store, area, made.frame, source="demonstration")
    if kind == "planned":  # the first plan records which method is the best
        command = [sys.executable, "-m", "hexbeat", "plan", "patrol", "--layer", "needle_litter", "--home", str(home)]
        environment = os.environ | ({"HEXBEAT_DATABASE_URL": url} if url else {})
        subprocess.run(command, check=True, capture_output=True, env=environment)


def make_old_entries(home: Path, url: str | None) -> None:
    """Entries of the audit trail that are older than a year."""
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=500)
    with Store.open(home, database_url=url) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_deeds, "to_seconds", lambda _: int(old.timestamp()))
        for _ in range(20):
            deed = audit_deeds.Deed(door="command", action="see_counts", what="counts")
            write_deed(store.engine, home, ANALYST, deed)


def make_data(folder: Path) -> Path:
    """The files that deeds load."""
    make_whole_store(folder / "small")
    rows = (folder / "small" / "rows.csv").read_text(encoding="utf-8")
    (folder / "more.csv").write_text(rows.replace("r-", "q-").replace("21:", "20:"), encoding="utf-8")
    (folder / "places.csv").write_text("name,lon,lat\nEast,-1.23,54.57\nWest,-1.25,54.575\n", encoding="utf-8")
    lines = [f"Team 1,patrol,{-1.23 - k / 10_000},54.57,2026-11-20 {10 + k // 60}:{k % 60:02d},5" for k in range(60)]
    (folder / "walk.csv").write_text("team,kind,lon,lat,started,minutes\n" + "\n".join(lines) + "\n", encoding="utf-8")
    shutil.rmtree(folder / "small")
    return folder


def _serve_databases(server: PostgresServer, disk: Path | None = None) -> Server:
    def make(template: str | None) -> str:
        name = f"t{uuid4().hex[:12]}"
        like = f" TEMPLATE {template.split('@/')[1].split('?')[0]}" if template else ""
        server.execute(f"CREATE DATABASE {name}{like}")
        return server.url(name)

    def drop(url: str) -> None:
        server.execute(f"DROP DATABASE {url.split('@/')[1].split('?', maxsplit=1)[0]} WITH (FORCE)")

    return Server(make, drop, disk, server.revive)
