"""Works out what depends on the records alone: at the server's start, after a load, and when a day begins.

A thread looks at the store's version. Where it has changed, it starts a process for each role that people here have
(`hexbeat.dashboard.preparation_worker`), one at a time and at low priority, and keeps what that sends. The process gets
an environment without secrets, is told where the store is, and ends with the server. It also keeps the results beside
the store (`kept_results`), for a server that starts again. If it is killed, pages compute what they need when they need
it, as they do without it. After an erasure no older result stands in for a newer one.
"""

import atexit
import logging
import pickle
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib import import_module
from typing import IO, Any, Final

from geo.errors import HexbeatError
from hexbeat.areas.area import Area, load_area
from hexbeat.dashboard.state.kept_results import restore_results
from hexbeat.dashboard.state.login import find_local_login, open_shared_store, resolve_home
from hexbeat.dashboard.state.prepared_results import RESULTS, Owner, PreparedResult, build_owner
from hexbeat.dashboard.state.session import Installation
from hexbeat.environment import select_environment
from hexbeat.login_settings import read_provider
from hexbeat.policy import read_policy
from hexbeat.settings import PROJECT_DIR, Settings
from hexbeat.store.live_columns import is_empty
from hexbeat.store.store import Store
from layers.access import Action, Viewer, may

__all__ = ["HEADER", "Preparation", "begin_preparation", "read_message"]

HEADER: Final = struct.Struct(">Q")  # before each message: its length in bytes
MOST_ANSWER_BYTES: Final = 500_000_000
WORKER: Final = "hexbeat.dashboard.preparation_worker"
# What the first page imports, but for what has to be imported in a run of a page.
FIRST_PAGE: Final = ("hexbeat.dashboard.map.basemap", "hexbeat.documents.alert_form")
POLL_S: Final = 5.0
MOST_FAILURES: Final = 2  # for the same records; after that, pages compute what they need
MOST_VIEWERS: Final = 8
State = tuple[int, date]  # the version of the store, and the local day
LOG: Final = logging.getLogger(__name__)


@dataclass(eq=False)
class Preparation:
    """What the thread knows. `wanted`: one viewer of each owner; `done`: the state that their results are of."""

    settings: Settings
    poll_s: float = POLL_S
    wanted: dict[Owner, Viewer] = field(default_factory=dict)
    done: dict[Owner, State] = field(default_factory=dict)
    failures: Counter[tuple[Owner, State]] = field(default_factory=Counter)
    process: subprocess.Popen[bytes] | None = None
    _restored: set[Owner] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _is_ended: bool = False

    def begin(self) -> None:
        """Start the thread, and let pages ask it."""
        RESULTS.is_awaited = self.is_awaited
        threading.Thread(target=self._run, name="preparation", daemon=True).start()
        atexit.register(self.end)

    def end(self) -> None:
        """End the thread and its process."""
        with self._changed:
            self._is_ended = True
            self._changed.notify_all()
        if RESULTS.is_awaited == self.is_awaited:
            RESULTS.is_awaited = None
        if self.process is not None:
            self.process.kill()

    def is_awaited(self, installation: Installation) -> bool:
        """Whether results for these records, this role and this day are to come. They are wanted from now on."""
        owner, state = build_owner(installation), (installation.columns.version, installation.today)
        if not may(installation.login.viewer, Action.SEE_COUNTS):
            return False
        with self._changed:
            if owner not in self.wanted:
                self._want(owner, installation.login.viewer)
                self._changed.notify_all()
            has_failed = self.failures[owner, state] >= MOST_FAILURES
            return not self._is_ended and not has_failed and self.done.get(owner) != state

    def _want(self, owner: Owner, viewer: Viewer) -> None:
        self.wanted[owner] = viewer
        while len(self.wanted) > MOST_VIEWERS:
            self.wanted.pop(next(iter(self.wanted)))

    def _run(self) -> None:
        with suppress(Exception):  # the first page finds it too, and shows what is wrong
            for module in FIRST_PAGE:
                import_module(module)
            self._find_first_viewers()
        while not self._is_ended:
            try:
                self._prepare_all()
            except Exception as error:  # noqa: BLE001 - whatever it is, pages go on without
                LOG.warning("Results could not be worked out ahead: %s", type(error).__name__)
            with self._changed:
                self._changed.wait(self.poll_s)

    def _find_first_viewers(self) -> None:
        """Whoever will ask: the local account, or the roles that the policy gives to groups of a provider."""
        store = open_shared_store(self.settings)
        area = load_area(self.settings.area, home=self.settings.home)
        access = read_policy(store)
        if read_provider() is None:
            viewers = [find_local_login(store).viewer]
        else:
            viewers = [Viewer(role, "", access.policy) for role in sorted({role for _, role in access.groups})]
        with self._changed:
            for viewer in viewers:
                if may(viewer, Action.SEE_COUNTS):
                    self._want(self._build_owner(area, viewer), viewer)

    def _build_owner(self, area: Area, viewer: Viewer) -> Owner:
        place = self.settings.database_url or resolve_home(self.settings.home)
        return place, (viewer.role, viewer.policy), f"{area.name}|{area.vintage}"

    def _prepare_all(self) -> None:
        """Work out what is not there yet, for each owner. Of a store without events there is nothing to work out."""
        store = open_shared_store(self.settings)
        area = load_area(self.settings.area, home=self.settings.home)
        for owner, viewer in list(self.wanted.items()):
            state = (store.version(), datetime.now(area.tz).date())
            RESULTS.drop_older(owner, store.find_last_removal())
            self._restore(store, area, owner, state)
            if self._is_ended or self.done.get(owner) == state or self.failures[owner, state] >= MOST_FAILURES:
                continue
            if is_empty(store, viewer):
                RESULTS.finish(owner, state[0])
                prepared_state: State | None = state
            else:
                prepared_state = self._prepare(owner, viewer)
            with self._changed:
                if prepared_state is None:
                    self.failures[owner, state] += 1
                else:
                    self.done[owner] = prepared_state

    def _restore(self, store: Store, area: Area, owner: Owner, state: State) -> None:
        """Once for each owner, take what a server before this one worked out; with older records it stands in."""
        if owner in self._restored:
            return
        self._restored.add(owner)
        restored_state = restore_results(store, area, owner)
        if restored_state == state:
            with self._changed:
                self.done[owner] = state

    def _prepare(self, owner: Owner, viewer: Viewer) -> State | None:
        """Run a process for one owner. The state that all its results are of; None if it ended before its end."""
        state: State | None = None
        with self._start(viewer) as process:
            self.process = process
            try:
                for message in _read_messages(process.stdout):
                    match message:
                        case ("state", int(version), day):
                            state = (version, day)
                        case ("result", name, request, value) if state:
                            RESULTS.put(owner, name, request, PreparedResult(value, state[0], datetime.now(UTC)))
                        case ("fault", str(fault)):
                            LOG.warning("A result could not be worked out ahead: %s", fault)
                        case ("end",) if state:
                            RESULTS.finish(owner, state[0])
                            return state
            finally:
                process.kill()
                self.process = None
        return None

    def _start(self, viewer: Viewer) -> subprocess.Popen[bytes]:
        environment = {**select_environment(), "PYTHONPATH": str(PROJECT_DIR), "OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(  # noqa: S603  # this interpreter and our own module; no shell
            [sys.executable, "-P", "-m", WORKER],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        body = pickle.dumps((self.settings, viewer))
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.write(HEADER.pack(len(body)) + body)
                process.stdin.flush()
        return process


def _read_messages(source: IO[bytes] | None) -> Iterator[Any]:
    """The messages of a process, until it ends."""
    while source is not None and (body := read_message(source)) is not None:
        yield pickle.loads(body)  # noqa: S301  # from our own process, which reads the store and no other file


def read_message(source: IO[bytes]) -> bytes | None:
    """The next message; None at the end, and for one that is cut off."""
    header = source.read(HEADER.size)
    if len(header) < HEADER.size or HEADER.unpack(header)[0] > MOST_ANSWER_BYTES:
        return None
    length = HEADER.unpack(header)[0]
    body = source.read(length)
    return body if len(body) == length else None


def begin_preparation() -> None:
    """Begin for the settings of this process; nothing if the store cannot be opened: the pages say why."""
    with suppress(HexbeatError):
        Preparation(Settings.from_environment()).begin()
