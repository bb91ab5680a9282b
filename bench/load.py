"""Sessions that change filters at once: how long a change takes, and what a session costs, against a trivial page.

`python -m bench.load [--sessions N ...] [--changes N] [--pause S] [--same-settings]`. Real servers, and clients that
speak Streamlit's own protocol over WebSockets, as a browser does: each opens the Map page, then chooses other weekdays,
waits until the page has run to its end, and goes on. The usual way is the least page with the same control. A change
lasts from the message to the end of the run. The least page runs as Streamlit comes, which collects garbage after every
run; Hexbeat's settings leave that to Python, and with `--same-settings` the least page has them too. Memory is what the
server has more than before, for each session. Required: no session ends or sees an error, and at 20 sessions the median
and the 95th percentile of a change are at most 1.5 times those of the trivial page.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from bench.report import Row, report
from tests.support import servers
from tests.support.demonstrations import filled_store

APP: Final = Path(__file__).resolve().parent / "apps" / "trivial_app.py"
SESSIONS: Final = (1, 10, 20, 50)
MOST_RATIO: Final = 1.5
AT: Final = 20  # sessions, at which the ratio is required
TIMEOUT_S: Final = 120  # for one run of a page; what takes longer is a failure
MB: Final = 1_000_000
CONTROLS: Final = {"hexbeat": "Weekdays", "trivial": "Days"}
DAYS: Final = 7
# A run of the whole page, or of the part of it in which the control is.
ENDED: Final = frozenset({ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY})


def main() -> int:
    """Measure every number of sessions on both pages; exit code 1 if a session fails or a ratio is too high."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=list(SESSIONS), help="at once (default 1 10 20 50)")
    parser.add_argument("--changes", type=int, default=6, help="of each session (default 6)")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two changes (default 0: at once)")
    parser.add_argument("--same-settings", action="store_true", help="the trivial page has Hexbeat's settings too")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    usual = {} if options.same_settings else {"STREAMLIT_RUNNER_POST_SCRIPT_GC": "true"}
    rows = [row for sessions in options.sessions for row in compare(sessions, options.changes, options.pause, usual)]
    report({"most": MOST_RATIO, "at": AT}, rows, options=options)
    failures = sum(row["failed"] for row in rows)
    slow = [row for row in rows if row["sessions"] == AT and max(row["times"], row["times p95"]) > MOST_RATIO]
    for row in slow:
        print(f"missed: {row['times']:.2f} and {row['times p95']:.2f} times a trivial page", file=sys.stderr)
    if failures:
        print(f"missed: {failures:,} sessions failed", file=sys.stderr)
    return 1 if failures or slow else 0


@dataclass(slots=True)
class Measure:
    """What the sessions of one page took: seconds of each change, CPU seconds and bytes of the server, failures."""

    changes_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    memory: int = 0

    def find_percentile(self, part: float) -> float:
        """A percentile of the changes, by the nearest rank."""
        ranked = sorted(self.changes_s) or [float("nan")]
        return ranked[min(int(part * len(ranked)), len(ranked) - 1)]


def compare(sessions: int, changes: int, pause_s: float, usual: Mapping[str, str]) -> Iterator[Row]:
    """A row for each page; the trivial one comes first, and is what the other is compared with.

    `usual`: variables of the trivial page's server.
    """
    base: Measure | None = None
    for page in ("trivial", "hexbeat"):
        tell(f"{page}, {sessions:,} sessions: the server starts")
        with serve(page, usual) as address:
            measure = asyncio.run(measure_sessions(address, CONTROLS[page], sessions, changes, pause_s))
        base = base or measure
        for failure in dict.fromkeys(measure.failures):
            print(f"{page}: {failure}", file=sys.stderr)
        median, late = statistics.median(measure.changes_s or [float("nan")]), measure.find_percentile(0.95)
        yield {
            "sessions": sessions, "page": page, "median s": round(median, 3), "p95 s": round(late, 3),
            "times": median / statistics.median(base.changes_s), "times p95": late / base.find_percentile(0.95),
            "CPU s a change": measure.cpu_s / max(len(measure.changes_s), 1),
            "MB a session": measure.memory / sessions / MB, "failed": len(measure.failures),
        }  # fmt: skip


@contextmanager
def serve(page: str, usual: Mapping[str, str]) -> Iterator[str]:
    """Serve one of the two pages."""
    if page == "trivial":
        with servers.streamlit_server(APP, environment=usual) as address:
            yield address
    else:
        with servers.hexbeat_server(environment={"HEXBEAT_HOME": str(filled_store())}) as address:
            yield address


async def measure_sessions(address: str, control: str, sessions: int, changes: int, pause_s: float) -> Measure:
    """Open a session to warm the server up, then all sessions, then change the filter in all at once."""
    measure, server = Measure(), find_server(address)
    async with Session(address, control) as first:
        await first.run()
        await first.change(1)
        before = read_memory(server)
        clients = [Session(address, control) for _ in range(sessions)]
        try:
            tell("  the pages open")
            opened = await asyncio.gather(*(client.open_page() for client in clients), return_exceptions=True)
            measure.failures += [f"opening: {describe(error)}" for error in opened if error is not None]
            clients = [client for client, error in zip(clients, opened, strict=True) if error is None]
            tell(f"  {len(clients):,} are open, and change their filters")
            begin = read_cpu(server)
            await asyncio.gather(*(client.change_often(number, changes, pause_s, measure)
                                   for number, client in enumerate(clients)))  # fmt: skip
            measure.cpu_s, measure.memory = read_cpu(server) - begin, read_memory(server) - before
            tell(f"  {len(measure.changes_s):,} changes are done, {len(measure.failures):,} sessions failed")
        finally:
            await asyncio.gather(*(client.close() for client in clients))
    return measure


def tell(text: str) -> None:
    """Say on the error output how far it is: a number of sessions may take minutes."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def describe(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}"


class Session:
    """One browser's connection: it runs the page, and answers as a browser that keeps every widget's state."""

    def __init__(self, address: str, control: str) -> None:
        self.address, self.control = address, control
        self.socket: ClientConnection | None = None
        self.widget, self.options = "", list[str]()
        self.script, self.fragment = "", ""
        self.shown = ""  # the HTML of the last run

    async def __aenter__(self) -> Self:
        """Open the connection, as the page of this address does."""
        headers = {"Cookie": cookie} if (cookie := getattr(servers, "sign_ins", {}).get(self.address)) else {}
        self.socket = await connect(
            f"ws://{urlsplit(self.address).netloc}/_stcore/stream", origin=self.address, additional_headers=headers,  # type: ignore[arg-type]  # an address is an origin
            subprotocols=["streamlit"], max_size=None, open_timeout=TIMEOUT_S, ping_interval=None,  # type: ignore[list-item]  # a text is a protocol
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        if self.socket is not None:
            await self.socket.close()

    async def open_page(self) -> None:
        """Open the connection and run the page once."""
        await self.__aenter__()
        await self.run()

    async def change_often(self, number: int, changes: int, pause_s: float, measure: Measure) -> None:
        """Change the filter so often, and note the time of each change, or why it failed."""
        for change in range(changes):
            begin = time.perf_counter()
            try:
                await self.change(number + change)
            except Exception as error:  # noqa: BLE001 - what this program looks for
                measure.failures.append(describe(error))
                return
            measure.changes_s.append(time.perf_counter() - begin)
            if pause_s:
                await asyncio.sleep(pause_s)

    async def change(self, number: int) -> None:
        """Choose other weekdays: one, or two."""
        days = {self.options[number % DAYS], self.options[(number // DAYS + number) % DAYS]}
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add(id=self.widget)
        state.string_array_value.data.extend(sorted(days))
        await self.run(message)

    async def run(self, message: BackMsg | None = None) -> None:
        """Run the page and wait for its end; RuntimeError if it shows an exception or has no such control."""
        if self.socket is None:
            raise RuntimeError("the connection is not open")
        message = message or BackMsg()
        message.rerun_script.page_script_hash = self.script
        message.rerun_script.fragment_id = self.fragment
        message.rerun_script.query_string = ""
        await self.socket.send(message.SerializeToString())
        is_begun, self.shown = False, ""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                answer = ForwardMsg.FromString(await self.socket.recv(decode=False))
                kind = answer.WhichOneof("type")
                is_begun |= kind == "new_session"
                if kind == "new_session":
                    self.script = answer.new_session.page_script_hash
                elif kind == "delta":
                    self._note(answer.delta)
                elif kind == "script_finished" and is_begun and answer.script_finished in ENDED:
                    break
        if not self.widget:
            raise RuntimeError(f"the page has no control {self.control}")

    def _note(self, delta: Any) -> None:
        """Keep the control that is changed; RuntimeError if the page shows an exception."""
        element = delta.new_element
        kind = element.WhichOneof("type") if delta.WhichOneof("type") == "new_element" else None
        if kind == "exception":
            raise RuntimeError(f"the page shows an exception: {element.exception.type}")
        if kind == "html":
            self.shown += element.html.body
        if kind == "button_group" and element.button_group.label == self.control:
            self.widget, self.fragment = element.button_group.id, delta.fragment_id
            self.options = [option.content for option in element.button_group.options]


def find_server(address: str) -> psutil.Process:
    """The server of an address: the process that listens at its port."""
    port = urlsplit(address).port
    sockets = psutil.net_connections("tcp")
    return psutil.Process(
        next(socket.pid for socket in sockets if socket.status == "LISTEN" and socket.laddr.port == port)
    )


def list_processes(server: psutil.Process) -> list[psutil.Process]:
    """A server and its own processes."""
    return [server, *server.children(recursive=True)]


def read_memory(server: psutil.Process) -> int:
    """Bytes in memory of a server and its own processes, without what they share."""
    return sum(process.memory_full_info().uss for process in list_processes(server))


def read_cpu(server: psutil.Process) -> float:
    """CPU seconds of a server and its own processes until now."""
    return sum(sum(process.cpu_times()[:2]) for process in list_processes(server))


if __name__ == "__main__":
    sys.exit(main())
