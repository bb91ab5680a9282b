"""Every role through every command, export, call and page, on a store with events that nobody may find again."""

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

import hexbeat
from geo.errors import PolicyError
from hexbeat.areas.area import load_area
from hexbeat.dashboard.pages.navigation import PAGES
from hexbeat.ingest.ingest import ingest_files
from hexbeat.ingest.sources import load_profile
from hexbeat.policy import read_policy
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST, Action, Role, Viewer, find_detail, may
from layers.catalogue import LAYER_NAMES
from layers.event import RESOLUTIONS
from layers.policy import DEFAULT_POLICY
from layers.roles import NOTHING, Detail
from layers.wording import CELL_WIDTHS_M
from tests.support.cli import Outcome, Run
from tests.support.partners_side import PATIENCE_S

AREA: Final = "middlesbrough"
PERIOD: Final = ("--from", "2024-10-01", "--to", "2024-11-30")


@dataclass(frozen=True)
class Canary:
    """An event whose place, identifier and category no other event has."""

    layer: str
    lon: float
    lat: float

    @property
    def source_id(self) -> str:
        return f"CANARY-{self.layer[:2].upper()}"

    @property
    def category(self) -> str:
        return f"canary-{self.layer[:2]}"

    def list_secrets(self, detail: Detail, *, cells: bool) -> list[str]:
        """What may be in no answer for one who sees the layer so; `cells`: the answer is of this layer alone."""
        if detail.kind == "points":
            return []
        places = [f"{degrees:.5f}" for degrees in (self.lon, self.lat)]
        finest = detail.finest or 0
        fine = [h3.latlng_to_cell(self.lat, self.lon, size) for size in RESOLUTIONS if size > finest]
        names = [self.category] if detail.kind == "nothing" else []
        return [self.source_id, *places, *names, *(fine if cells else [])]


CANARIES: Final = (
    Canary("needle_litter", -1.2041731, 54.5401737),
    Canary("street_dealing", -1.2142733, 54.5302739),
    Canary("overdoses", -1.1914037, 54.5747041),  # in a sliver of a cell that another ward holds
    Canary("closed_properties", -1.2344737, 54.5504743),
)
# A role, and what policy.toml changes of it. What the police see by default, the last sees of the other layers.
POLICIES: Final = {
    "council": "",
    "health": "",
    "auditor": "",
    "police without dealing": '[roles.police.layers]\nstreet_dealing = "nothing"\n',
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a few events of each layer around three places, and the canaries."""
    folder = tmp_path_factory.mktemp("walk")
    file = folder / "events.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["layer", "source_id", "lon", "lat", "occurred_from", "occurred_to", "category"])
        for layer in LAYER_NAMES:
            end = "2025-01-20T10:00" if layer == "closed_properties" else ""
            for number in range(24):
                lon, lat = -1.235 + 0.004 * (number % 3), 54.566 + 0.002 * (number % 2)
                day = f"2024-{10 + number % 2}-{1 + number}T{number % 24:02d}:30"
                rows.writerow([layer, f"{layer}-{number}", lon, lat, day, end, "usual"])
        for canary in CANARIES:
            end = "2025-01-20T10:00" if canary.layer == "closed_properties" else ""
            canary_row = [canary.layer, canary.source_id, canary.lon, canary.lat, "2024-11-20T10:00", end]
            rows.writerow([*canary_row, canary.category])
    home = folder / "home"
    area = load_area(AREA, home=home)
    with Store.open(home) as store:
        covers = dt.date(2024, 10, 1), dt.date(2024, 11, 30)
        profile = load_profile("table", None)
        ingest_files(store, ANALYST, [str(file)], area=area, home=home, source=profile, covers=covers)
    return home


@pytest.fixture
def policy(home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Viewer]:
    """The viewer of a policy by its name, while policy.toml says so."""
    monkeypatch.delenv("HEXBEAT_ROLE", raising=False)
    file = home / "policy.toml"
    file.write_text(POLICIES[request.param], encoding="utf-8")
    yield Viewer(Role(request.param.partition(" ")[0]), policy=read_policy(home).policy)
    file.unlink()


def list_commands(layer: str, out: Path) -> list[list[str]]:
    """The commands that answer about one layer."""
    canary = next(canary for canary in CANARIES if canary.layer == layer)
    place = ["--lat", str(canary.lat), "--lon", str(canary.lon), "--for", "X", "--by", "Y", "--reason", "Z"]
    return [
        *(["counts", "--layer", layer, "--resolution", str(size)] for size in RESOLUTIONS),
        ["counts", "--layer", layer, "--by", "ward,category,hour"],
        ["counts", "--layer", layer, "--by", "cell,ward", "--out", str(out / "counts.geojson")],
        ["counts", "--layer", layer, "--by", "ward", "--as-at", "2036-12-01", "--out", str(out / "wards.parquet")],
        ["hotspots", "--layer", layer, *PERIOD],
        ["hotspots", "--layer", layer, *PERIOD, "--resolution", "10", "--out", str(out / "hotspots.csv")],
        ["change", "--layer", layer, "--from", "2024-11-01", "--to", "2024-11-30", "--by", "cell"],
        ["near-repeats", "--layer", layer, *PERIOD],
        ["evidence", *place, "--layer", layer, *PERIOD, "--notes"],
        ["evaluate", "--list-closures", "--layer", layer],
    ]


COMMANDS: Final = [
    ["counts"],
    ["counts", "--by", "layer,ward,category,reporter"],
    ["alerts", "--day", "2024-11-20", "--days", "14"],
    ["coverage"],
    ["rejects"],
    ["history", "0" * 16],
    ["briefing", "--for", "meeting", "--day", "2024-11-21"],
    ["naloxone", *PERIOD, "--places", "1"],
    ["plan", "list"],
    ["return"],
    ["done", "list"],
    ["places", "list"],
    ["policy", "check"],
    ["shared"],
    ["shared", "show", "policy.toml"],
    ["sources"],
]
ANALYSTS: Final = [["sessions", "list"], ["sessions", "end", "--all"], ["shared", "remove", "policy.toml", "--yes"]]


def list_file_commands(out: Path) -> list[list[str]]:
    """The commands that write a page, a spreadsheet or a table."""
    return [
        ["export", "--out", str(out / "events.csv")],
        ["export", "--out", str(out / "events.parquet")],
        ["briefing", "--for", "meeting", "--day", "2024-11-21", "--out", str(out / "briefing.pdf")],
        ["naloxone", *PERIOD, "--places", "1", "--out", str(out / "naloxone.pdf")],
        ["return", "--out", str(out / "return.xlsx")],
        ["backup", str(out / "backup.tar.gz")],
    ]


def read_text(file: Path) -> str:
    """What a person or a program can read in a file."""
    match file.suffix:
        case ".pdf":
            return "\n".join(page.extract_text() for page in PdfReader(file).pages)
        case ".parquet":
            frame = pd.read_parquet(file)
            shapes = {"geometry": shapely.from_wkb(frame["geometry"].to_numpy())} if "geometry" in frame else {}
            return frame.assign(**shapes).to_csv()
        case ".xlsx":
            tables = pd.read_excel(file, sheet_name=None, header=None, engine="calamine")
            return "\n".join(table.to_csv() for table in tables.values())
        case ".gz":
            return "a backup"
    return file.read_text(encoding="utf-8")


def list_answers(run: Run, commands: list[list[str]], role: str, home: Path, out: Path) -> Iterator[tuple[str, str]]:
    """Each command with all that it said and wrote."""
    for command in commands:
        answer: Outcome = run(*command, "--home", str(home), "--role", role)
        files = sorted(out.iterdir())
        texts = [read_text(file) for file in files]
        for file in files:
            file.unlink()
        assert answer.code in {0, 2, 3, 4}, (command, answer.err)
        assert not (answer.code and texts), command
        yield " ".join(command), "\n".join([answer.out, answer.err, *texts])


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, indirect=True)
def test_no_command_says_more_than_the_policy(run: Run, home: Path, policy: Viewer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for command in [["audit", "list"], ["audit", "verify"]]:
        assert (run(*command, "--home", str(home), "--role", policy.role).code == 0) is may(policy, Action.SEE_AUDIT)
    for command in ANALYSTS:
        code = run(*command, "--home", str(home), "--role", policy.role).code
        assert (code == 0) is (command[0] == "sessions" and may(policy, Action.SEE_AUDIT)), command
    for command, text in list_answers(run, [*COMMANDS, *list_file_commands(out)], policy.role, home, out):
        assert text != "a backup"
        for canary in CANARIES:
            secrets = canary.list_secrets(find_detail(policy, canary.layer), cells=command.startswith("counts"))
            assert [secret for secret in secrets if secret in text] == [], command
    for canary in CANARIES:
        detail = find_detail(policy, canary.layer)
        if detail.kind == "points":
            continue
        for command, text in list_answers(run, list_commands(canary.layer, out), policy.role, home, out):
            asked = command.partition(" --layer")[0] if command.startswith("evidence") else ""
            secrets = [secret for secret in canary.list_secrets(detail, cells=True) if secret not in asked]
            assert [secret for secret in secrets if secret in text] == [], command


@pytest.mark.slow
def test_the_analyst_finds_every_canary(run: Run, home: Path, tmp_path: Path) -> None:
    """Else the walk would find no leak either."""
    out = tmp_path / "out"
    out.mkdir()
    answers = [text for _, text in list_answers(run, list_file_commands(out), "analyst", home, out)]
    exported, table, briefing, naloxone, _, backup = answers
    assert all(
        text in exported and text in table for canary in CANARIES for text in canary.list_secrets(NOTHING, cells=False)
    )
    assert "Middlesbrough" in briefing
    assert "naloxone" in naloxone
    assert "a backup" in backup
    for canary in CANARIES:
        secrets = canary.list_secrets(Detail("nothing"), cells=True)
        assert [secret for secret in secrets if secret not in exported] == []
        commands = list_commands(canary.layer, out)[:5]
        said = "".join(text for _, text in list_answers(run, commands, "analyst", home, out))
        assert all(h3.latlng_to_cell(canary.lat, canary.lon, size) in said for size in RESOLUTIONS)
        assert canary.category in said


def list_calls(town: hexbeat.Town, layer: str) -> list[Callable[[], Any]]:
    return [
        lambda: town.events(layer),
        *(lambda size=size: town.cells(layer, by="category", resolution=size) for size in RESOLUTIONS),
        lambda: town.wards(layer, by=("category", "hour")),
        lambda: town.hotspots(layer, start="2024-10-01", end="2024-11-30", resolution=10),
        lambda: town.change(layer, by="cell", start="2024-11-01", end="2024-11-30"),
        lambda: town.map(layer, resolution=10).get_root().render(),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, indirect=True)
def test_no_call_in_python_answers_more_than_the_policy(home: Path, policy: Viewer) -> None:
    with hexbeat.open(home, viewer=str(policy.role)) as town:
        for canary in CANARIES:
            detail = find_detail(policy, canary.layer)
            if detail.kind == "points":
                continue
            refused = 0
            for call in list_calls(town, canary.layer):
                try:
                    answer = call()
                except PolicyError:
                    refused += 1
                    continue
                text = answer.to_csv() if isinstance(answer, pd.DataFrame) else str(answer)
                assert [secret for secret in canary.list_secrets(detail, cells=True) if secret in text] == []
            # The points, and every call about finer cells; two calls are at 10, one at the usual 9.
            fine = sum(size > (detail.finest or 0) for size in (*RESOLUTIONS, 9, 10, 10))
            assert refused == 1 + fine + (detail.kind == "nothing")


@pytest.mark.parametrize("policy", ["council"], indirect=True)
def test_no_answer_by_cell_and_ward_is_finer_than_the_cell(home: Path, policy: Viewer, run: Run) -> None:
    """Wherever events lie in a cell, command, Python and files know them in its ward alone."""
    wards, layer = load_area(AREA, home=home).wards, "overdoses"
    size = find_detail(policy, layer).finest or 0
    asked = ("counts", "--layer", layer, "--by", "cell,ward", "--resolution", str(size), "--home", str(home))
    answer = run(*asked, "--role", "council", "--format", "json")
    with hexbeat.open(home, AREA, viewer=policy) as town:
        frame = town.cells(layer, by="ward", resolution=size)
    for rows in (answer.json["rows"], frame.to_dict("records")):
        cells = np.array([int(row["cell"], 16) for row in rows], dtype=np.uint64)
        assert [row["ward_code"] for row in rows] == [wards.codes[place] for place in wards.find_cell_wards(cells)]
        assert sum(row["count"] for row in rows) == 25
    sentence = (
        "Overdoses: each cell of 900 m counts in the ward that holds most of it, because your role sees cells. The "
        "numbers of a ward can differ from those that others see."
    )
    assert sentence.replace("900", f"{CELL_WIDTHS_M[size]}") in answer.err
    assert sentence.replace("900", f"{CELL_WIDTHS_M[size]}") in frame.attrs["notes"]


def test_a_cache_keeps_apart_what_viewers_may_see(home: Path) -> None:
    area = load_area(AREA, home=home)
    codes = tuple(area.wards.codes)
    stricter = read_policy_text('[roles.police.layers]\nneedle_litter = "wards"\n', home)
    viewers = [Viewer(Role.POLICE), ANALYST, Viewer(Role.HEALTH), Viewer(Role.POLICE, policy=stricter)]
    with Store.open(home) as store:
        cache = ColumnCache(store)
        for viewer in [*viewers, *viewers]:
            seen = cache.columns(viewer, ward_codes=codes, wards=area.wards)
            plain = read_columns(store, viewer, ward_codes=codes, wards=area.wards)
            assert dict(seen.details) == dict(plain.details)
            assert pd.Series(seen.lon).equals(pd.Series(plain.lon))
        whole = cache.columns(ANALYST, ward_codes=codes)
        kept = [cache.columns(Viewer(Role.HEALTH), ward_codes=codes, wards=area.wards) for _ in range(2)]
        assert kept[0] is kept[1]
        assert whole.details == {}
        assert len({id(cache.columns(viewer, ward_codes=codes, wards=area.wards)) for viewer in viewers}) == 4


def read_policy_text(text: str, home: Path) -> Any:
    """The policy of a file that says this."""
    file = home / "policy.toml"
    file.write_text(text, encoding="utf-8")
    try:
        return read_policy(home).policy
    finally:
        file.unlink()


def open_address(address: str) -> AppTest:
    """The page of an address as the navigation opens it, without a server."""

    def script(address: str) -> None:
        from geo.errors import HexbeatError  # noqa: PLC0415 - Streamlit runs the source of this function
        from hexbeat.dashboard.pages.navigation import build_page  # noqa: PLC0415
        from hexbeat.dashboard.screen import draw_error  # noqa: PLC0415
        from hexbeat.dashboard.state.session import open_installation  # noqa: PLC0415
        from hexbeat.settings import Settings  # noqa: PLC0415

        try:
            build_page(open_installation(Settings.from_environment()), [], address)()
        except HexbeatError as error:
            draw_error(error)

    return AppTest.from_function(script, default_timeout=PATIENCE_S, args=(address,)).run()


@pytest.mark.slow
@pytest.mark.parametrize("role", ["council", "health", "auditor"])
def test_no_page_shows_more_than_the_policy(home: Path, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXBEAT_HOME", str(home))
    monkeypatch.setenv("HEXBEAT_ROLE", role)
    grants = DEFAULT_POLICY.find_grants(role)
    for address in PAGES.values():
        page = open_address(address)
        text = "".join(str(getattr(node, "proto", "")) for node in page.main)
        assert not page.exception, (address, page.exception)
        refusal = f"It does not let {role} open the page {address}."
        assert (refusal in text) is (address not in grants.pages), address
        for canary in CANARIES:
            detail = DEFAULT_POLICY.find_detail(role, canary.layer)
            assert [secret for secret in canary.list_secrets(detail, cells=False) if secret in text] == [], address
