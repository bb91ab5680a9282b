"""What fuzzing by coverage gives its inputs to: functions that read what anybody can send, and what they promise.

A target takes bytes. It returns if what the function promises holds; it raises if not. Errors of Hexbeat with three
parts are answers, and so are the exceptions that a function's own docstring names.
"""

import asyncio
import json
import re
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import pandas as pd
from starlette.middleware import Middleware

from bench.fuzz_files import make_seeds
from geo.calendar import parse_month
from geo.coordinates import parse_degrees, parse_place
from geo.errors import HexbeatError
from geo.geofiles import describe_format, detect_format
from hexbeat.analysis.change_periods import parse_against
from hexbeat.areas.area import load_area
from hexbeat.cli.coverage_commands import parse_covers
from hexbeat.dashboard import security
from hexbeat.dashboard.map.live_map import parse_choice
from hexbeat.dashboard.place_box import parse_click, parse_position
from hexbeat.dashboard.public import public_security
from hexbeat.dashboard.state.choices import format_query, parse_query
from hexbeat.dashboard.web.gate import Gate, Rules
from hexbeat.dashboard.web.hosts import is_loopback
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.documents.evidence.evidence_check import parse_content, read_pdf_content
from hexbeat.files import escape_formula
from hexbeat.ingest.parsing.dates import parse_timestamps
from hexbeat.ingest.parsing.quantities import parse_quantities
from hexbeat.ingest.readers import Limits, ReadOptions, detect_records, document_worker, open_file, open_members
from hexbeat.ingest.sources.profile import parse_profile
from hexbeat.operations.ledger.tracks import read_track
from hexbeat.operations.plans.plan_store import plan_from_json, plan_to_json
from hexbeat.policy import read_policy
from hexbeat.release.format import parse_release
from hexbeat.release.release_files import build_release_files
from hexbeat.reports.naloxone_cover import parse_open_hours
from layers.filters import parse_days, parse_hours
from layers.grouping import parse_groups
from layers.periods import parse_day
from tests.support.gpx import gpx_of
from tests.support.plans import EVENING, example_plan
from tests.support.releases import example_release

__all__ = ["TARGETS", "Target", "list_seeds"]

Target = Callable[[bytes], None]
PORT: Final = 8501
SMALL: Final = Limits(expanded_bytes=20_000_000, unpacked_bytes=20_000_000, record_characters=200_000)
RELEASE_PARTS: Final = b"\n====\n"  # between the files of a release in one input
SCOPE: Final[dict[str, Any]] = {
    "method": "GET", "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 1), "query_string": b"", "extensions": {},
    "scheme": "http",
}  # fmt: skip
DEFAULTS: Final = ServerSettings()
FORMULA_MARKS: Final = "=+-@＝＋－＠"  # noqa: RUF001 - the full-width ones run too


@cache
def _make_folder() -> Path:
    """A folder in memory where there is one: a reader takes a path."""
    memory = Path("/dev/shm")  # noqa: S108 - made below, with a name of its own
    return Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))


def _write(name: str, data: bytes) -> Path:
    path = _make_folder() / name
    path.write_bytes(data)
    return path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _require_answer(error: HexbeatError) -> None:
    assert all((error.rule, error.fact, error.hint)), "an error has three parts"


def read_link(data: bytes) -> None:
    """A link raises nothing, and the link of what was read reads the same."""
    query = dict(parse_qsl(_text(data), keep_blank_values=True))
    codes = tuple(load_area("middlesbrough").wards.codes)
    choices, problems = parse_query(query, ward_codes=codes)
    assert all(problem.endswith(".") for problem in problems)
    again, no_problems = parse_query(format_query(choices), ward_codes=codes)
    assert (again, no_problems) == (choices, []), "a link of these choices means others"


def read_message(data: bytes) -> None:
    """What a browser's component sends raises nothing, whatever it is."""
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError):
        return
    for parse in (parse_click, parse_choice, parse_position):
        parse(sent)


def read_option(data: bytes) -> None:
    """The texts of options, commands and settings: an answer or an error in three parts."""
    text = _text(data)
    options: tuple[Callable[[str], object], ...] = (
        parse_hours, parse_days, parse_groups, parse_day, parse_against, parse_covers,
        public_security.parse_frame_ancestors,
    )  # fmt: skip
    for parse in options:
        try:
            parse(text)
        except HexbeatError as error:
            _require_answer(error)
    with suppress(ValueError):
        parse_month(text)
    parse_open_hours(text)


def read_values(data: bytes) -> None:
    """Cells of a table: dates, places and quantities raise nothing."""
    text = _text(data)
    texts = pd.Series([text], dtype=object)
    parse_place(text)
    parse_degrees(texts, "lat")
    parse_quantities(texts)


def read_dates(data: bytes) -> None:
    """Texts that may be dates, several in a column."""
    texts = pd.Series(_text(data).split("\n"), dtype=object)
    parse_timestamps(texts, formats=(), time_zone="Europe/London")


def escape_cell(data: bytes) -> None:
    """No text that leaves begins as a formula, behind all that a spreadsheet may pass over, but for a plain number."""
    escaped = escape_formula(_text(data))
    visible = [mark for mark in escaped if unicodedata.category(mark)[0] not in "ZC"]
    is_number = re.fullmatch(r"[+-]([0-9]+|[0-9]*[.,][0-9]+)([eE][+-]?[0-9]+)?", escaped)
    assert not visible or visible[0] not in FORMULA_MARKS or is_number, "it begins as a formula"


def read_profile(data: bytes) -> None:
    """A source profile is refused in three parts, or writes itself as it reads."""
    try:
        profile = parse_profile(_text(data), name="a-source")
    except HexbeatError as error:
        _require_answer(error)
        return
    assert parse_profile(profile.toml(), name="a-source") == profile, "a profile reads otherwise than it writes"


def read_plan(data: bytes) -> None:
    """A plan's file is a plan, or raises what its reader names."""
    try:
        stored = json.loads(data)
        plan = plan_from_json(stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return
    json.dumps(plan_to_json(plan))


def read_release(data: bytes) -> None:
    """The files of a release are one, or are refused in three parts."""
    names = ("release.json", "blocks.csv", "places.csv", "outlines.geojson")
    files = dict(zip(names, data.split(RELEASE_PARTS), strict=False))
    try:
        parse_release(files)
    except HexbeatError as error:
        _require_answer(error)


def read_gpx(data: bytes) -> None:
    """A track is read or refused in three parts."""
    try:
        read_track(_write("track.gpx", data))
    except HexbeatError as error:
        _require_answer(error)


def read_evidence(data: bytes) -> None:
    """A document that says it is evidence is checked, or is none."""
    parse_content(data)
    read_pdf_content(data)


def knock_at_doors(data: bytes) -> None:
    """Both sides' gates answer any Host, Origin and path; the partners' lets in the names of this machine alone."""
    host, _, rest = data.partition(b"\n")
    origin, _, path = rest.partition(b"\n")
    for kind in ("http", "websocket"):
        headers = [(b"host", host), (b"origin", origin)] if origin else [(b"host", host)]
        scope = {**SCOPE, "type": kind, "path": path.decode("latin-1") or "/", "headers": headers}
        if _is_let_in(_build_gate(security.build_rules(DEFAULTS)), scope):
            name = host.decode("latin-1").lower().removesuffix(f":{PORT}").strip("[]")
            assert is_loopback(name), "another name was let in"
        _is_let_in(_build_gate(public_security.build_rules(DEFAULTS)), scope)


def send_to_door(data: bytes) -> None:
    """A message of a browser to either side passes or is skipped."""
    headers = [(b"host", b"127.0.0.1:8501"), (b"origin", b"http://127.0.0.1:8501")]
    scope = {**SCOPE, "type": "websocket", "path": "/_stcore/stream", "headers": headers}
    assert _is_let_in(_build_gate(public_security.build_rules(DEFAULTS)), scope, data)
    assert _is_let_in(_build_gate(security.build_rules(DEFAULTS)), scope, data)


def read_settings(data: bytes) -> None:
    """The settings of a server are read or refused in three parts."""
    for name in ("HEXBEAT_PUBLIC_URL", "HEXBEAT_HOSTS", "HEXBEAT_PROXIES", "HEXBEAT_IDLE_MINUTES", "HEXBEAT_SESSIONS"):
        try:
            ServerSettings.from_environment({name: _text(data)})
        except HexbeatError as error:
            _require_answer(error)


def read_policy_file(data: bytes) -> None:
    """A policy is read, or refused in three parts: then nobody sees anything."""
    try:
        read_policy(_write("policy.toml", data).parent)
    except HexbeatError as error:
        _require_answer(error)


def _build_gate(rules: Rules) -> list[Any]:
    """The gate of one side; on the partners' side the sign-in stands behind it."""
    return [Middleware(Gate, rules=rules, settings=DEFAULTS)]


def _is_let_in(doors: list[Any], scope: Mapping[str, Any], content: bytes = b"") -> bool:
    """Whether a request reaches the app behind these doors."""
    reached: list[bool] = []
    messages = [{"type": "websocket.receive", "bytes": content}, {"type": "websocket.disconnect"}]

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        reached.append(True)
        await receive()

    async def receive() -> Any:
        return messages.pop(0)

    async def send(_message: Any) -> None:
        return None

    door: Any = app
    for layer in reversed(doors):
        door = layer.cls(door, *layer.args, **layer.kwargs)
    _open_loop().run_until_complete(door(dict(scope), receive, send))
    return bool(reached)


@cache
def _open_loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def read_text(data: bytes) -> None:
    """A table of text, whole: every row has its line, and errors have three parts."""
    _read_whole(_write("a.csv", data))


def read_archive(data: bytes) -> None:
    """An archive: its members that are text are read."""
    path = _write("a.zip", data)
    try:
        with open_members(path, limits=SMALL) as files:
            for member in files.members[:4]:
                if member.path.suffix in (".csv", ".txt", ".tsv"):
                    _read_whole(member.path)
    except HexbeatError as error:
        _require_answer(error)


def _read_whole(path: Path) -> None:
    try:
        with open_file(path, ReadOptions(), limits=SMALL) as opened:
            columns = tuple(name for name in dict.fromkeys(opened.columns) if name)
            for chunk in opened.chunks(columns):
                assert len(chunk.frame) == len(chunk.lines)
    except HexbeatError as error:
        _require_answer(error)


def read_document(data: bytes) -> None:
    """JSON and XML as the process that reads them does, without the process: rows of texts, or any exception."""
    path = _write("a.json", data)
    kind = detect_format(path)
    detect_records(path)
    assert kind is None or describe_format(kind)
    reader = document_worker.READERS.get(kind or "")
    if reader is None:
        return
    try:
        rows = reader(path)
    except Exception:  # noqa: BLE001 - the process reports any as damage
        return
    for row, _ in rows:
        for name, value in (row or {}).items():
            assert {type(name), type(value)} == {str}
            value.encode()


TARGETS: Final[dict[str, Target]] = {
    "links": read_link,
    "messages": read_message,
    "options": read_option,
    "values": read_values,
    "dates": read_dates,
    "formulas": escape_cell,
    "profiles": read_profile,
    "plans": read_plan,
    "release": read_release,
    "GPX": read_gpx,
    "evidence": read_evidence,
    "doors": knock_at_doors,
    "public_messages": send_to_door,
    "settings": read_settings,
    "policies": read_policy_file,
    "text": read_text,
    "archives": read_archive,
    "documents": read_document,
}


def list_seeds(target: str) -> list[bytes]:
    """Undamaged inputs of a target to begin with."""
    files = make_seeds(_make_folder())
    release = build_release_files(example_release())
    names = ("release.json", "blocks.csv", "places.csv", "outlines.geojson")
    profile = Path(__file__).parents[1] / "hexbeat" / "ingest" / "sources" / "builtin"
    sources = [path.read_bytes() for path in sorted(profile.glob("*.toml"))]
    seeds: dict[str, list[bytes]] = {
        "links": [
            b"layers=overdoses&from=2025-01-01&to=2025-02-01&days=mon,tue&hours=22-04&size=9&view=change&against=2024-01-01:2024-02-01"
        ],
        "messages": [b'{"last_active_drawing":{"geometry":{"coordinates":[-1.2,54.5]},"properties":{"resolution":9}}}',
                     b'{"event":1.5}', b'{"last_clicked":{"lng":-1.2,"lat":54.5}}', b'{"lon":-1.2,"lat":54.5}'],
        "options": [b"22-04", b"mon,tue", b"cell,month", b"2025-01-01:2025-02-01", b"Mon-Fri 8:00; Sat 9am-1pm",
                    b"https://*.example.org"],
        "values": [b"54.57, -1.23", b"NZ 49 20", b"POINT (-1.2 54.5)", b"54\xc2\xb030'N", b"3 needles", b"10-20"],
        "dates": [b"21/11/2025 14:30\n22/11/2025", b"2025-11-21T14:30:00Z", b"Sept 2025", b"45982.6", b"1763735400"],
        "formulas": [b"=1+1", b"\xc2\xa0@x", b"plain"],
        "profiles": sources,
        "plans": [json.dumps(plan_to_json(example_plan())).encode()],
        "release": [RELEASE_PARTS.join(release[name] for name in names)],
        "GPX": [gpx_of([(EVENING, -1.23, 54.57)]).encode(), gpx_of([(EVENING, -1.23, 54.57)], waypoints=True).encode()],
        "evidence": [b"stream\nx\x9c\xabV\x02\x00\x00u\x00\xfb", b"{}"],
        "doors": [b"127.0.0.1:8501\nhttp://127.0.0.1:8501\n/_stcore/stream", b"[::1]:8501", b"localhost:8501\n\n/"],
        "public_messages": [b"\x5a\x00", b"\x22\x02\x08\x01"],
        "settings": [b"https://hexbeat.example.gov.uk", b"10.0.0.0/8 ::1", b"30"],
        "policies": [b'[roles.police.layers]\noverdoses = "cells 8"\n[roles.health]\npages = ["map"]\n',
                     b'[local]\n"*" = "analyst"\n'],
        "text": [data for reader, _, data in files if reader == "text"],
        "archives": [data for reader, _, data in files if reader == "archives"],
        "documents": [data for reader, _, data in files if reader in ("JSON", "XML")],
    }  # fmt: skip
    return seeds[target]
