"""A layer's file is the whole layer: a fifth one, registered here and named nowhere else, goes through every room."""

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.dashboard.pages.navigation import MODULES
from hexbeat.demonstration.events import count_layers
from hexbeat.ingest.column_guesses import guess_layer
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST, Action, may
from layers.catalogue import LAYER_NAMES, find_layer_code, register, unregister
from layers.layer_spec import (
    COUNCIL_CONTACT,
    Advice,
    DemonstrationSpec,
    LayerSpec,
    RecordKind,
    ReleaseDefaults,
    Rhythm,
    SourceWords,
)
from layers.roles import POINTS, Role
from tests.support.cli import Run, answer
from tests.support.events import WARDS, event_frame, load
from tests.support.partners_side import PATIENCE_S, one_page
from tests.support.paths import ROOT

DRUG_LITTER: Final = LayerSpec(
    name="drug_litter",
    title="Drug litter",
    short="drug litter",
    one="find of drug litter",
    many="finds of drug litter",
    item="pieces",
    kind="incident",
    mark="cross",
    categories=("foil", "bottle", "burnt spoon"),
    words=SourceWords(names=("drug litter", "foil"), services=("drug waste",), guess=r"foil|burnt.?spoon"),
    access=((Role.ANALYST, POINTS),),
    advice=Advice("If you find foil or burnt spoons", ("Do not touch them with bare hands.", COUNCIL_CONTACT)),
    release=ReleaseDefaults(
        k=5, months=3, places="pieces", counted="Each find counts once, in the quarter in which it was made."
    ),
    demonstration=DemonstrationSpec(
        share=0.2,
        rhythm=Rhythm((1, 1, 1, 1, 1, 1.2, 1.2), ((20.0, 2.0, 1.0),), 0.1, 0.1),
        kinds=(
            RecordKind("foil", "public", 0.6, minute=0.9, day=0.1),
            RecordKind("burnt spoon", "officer", 0.4, minute=0.5, day=0.5),
        ),
        repeated_share=0.1,
        steady=((0, 2), (2, 1)),
    ),
)
EVENTS: Final = 6_000
FINDS: Final = 12


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for homes and files, while the layer is registered.

    Events were read before it was: what is kept from one reading for the next must know of a layer that came since.
    """
    folder = tmp_path_factory.mktemp("town")
    with Store.open(folder / "before") as store:
        load(store, event_frame(["a"]))
        assert len(read_columns(store, ANALYST, ward_codes=WARDS)) == 1
    register(DRUG_LITTER)
    try:
        yield folder
    finally:
        unregister(DRUG_LITTER.name)


@pytest.fixture
def command(run: Run, town: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in a home that all tests of this file share, filled with a demonstration."""
    home = town / "home"
    monkeypatch.setenv("HEXBEAT_HOME", str(home))
    if not home.exists():
        answer(run("demo", "--events", EVENTS, "--seed", 1, "--format", "json"))
    return run


def days_ago(days: int) -> str:
    return (dt.datetime.now(tz=dt.UTC).date() - dt.timedelta(days=days)).isoformat()


def test_it_comes_after_the_others_and_leaves_no_trace() -> None:
    before = LAYER_NAMES[:]
    register(DRUG_LITTER)
    try:
        assert list(LAYER_NAMES) == [*before, "drug_litter"]
        assert find_layer_code("drug_litter") == len(before)
        assert may(ANALYST, Action.EXPORT, "drug_litter")
    finally:
        unregister("drug_litter")
    assert list(LAYER_NAMES) == list(before)
    assert not may(ANALYST, Action.EXPORT, "drug_litter")


@pytest.mark.slow
def test_it_is_demonstrated(command: Run) -> None:
    assert count_layers(EVENTS)["drug_litter"] == EVENTS // 5
    assert answer(command("counts", "--layer", "drug_litter", "--format", "json"))["total"] == EVENTS // 5


def test_it_is_loaded_and_counted(command: Run, town: Path, tmp_path: Path) -> None:
    finds = town / "foil.csv"
    with finds.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["layer", "id", "lon", "lat", "date", "quantity", "category"])
        for number in range(FINDS):
            word = ("Drug litter", "FOIL", "drug_litter")[number % 3]
            rows.writerow([word, number, -1.2401, 54.5727, days_ago(10 + number), 2, "foil"])
    own = ("--home", tmp_path / "own", "--format", "json")
    assert answer(command("ingest", finds, "--source", "table", *own))["files"][0]["new"] == FINDS
    assert answer(command("counts", "--by", "layer", "--measure", "quantity", *own)) == {
        "total": 2 * FINDS,
        "unplaced_in_time": 0,
        "shared_in_time": 0,
        "rows": [{"layer": "drug_litter", "count": 2 * FINDS}],
        "missing": None,
    }
    assert guess_layer("Burnt spoons 2026", {}) == ("drug_litter", "the file's name says so")


@pytest.mark.slow
def test_it_is_analysed(command: Run) -> None:
    for words in (
        ("hotspots", "--layer", "drug_litter"),
        ("change", "--layer", "drug_litter", "--from", days_ago(90), "--by", "ward"),
        ("alerts", "--layer", "drug_litter"),
        ("near-repeats", "--layer", "drug_litter", "--from", days_ago(60)),
        ("backtest", "--layer", "drug_litter", "--weeks", "8", "--resolution", "9", "--ward", "Central"),
    ):
        answer(command(*words, "--format", "json"))


@pytest.mark.slow
def test_it_is_patrolled_and_briefed_and_evidenced(command: Run, town: Path) -> None:
    out = town / "papers"
    out.mkdir()
    plan = ("plan", "patrol", "--day", days_ago(-1), "--hours", "18-22", "--ward", "Central", "--format", "json")
    answer(command(*plan, "--layer", "drug_litter=1", "--layer", "street_dealing=2", "--out", out / "plan.pdf"))
    sweep = ("plan", "sweep", "--day", days_ago(-1), "--hours", "8-11", "--ward", "Central", "--format", "json")
    answer(command(*sweep, "--out", out / "sweep.pdf"))
    briefing = answer(command("briefing", "--out", out / "briefing.pdf", "--format", "json"))
    assert "Drug litter" in str(briefing)
    pack = ("evidence", "--place", "54.5727, -1.2401", "--for", "CL-14", "--by", "A. Analyst", "--from", days_ago(90))
    found = answer(command(*pack, "--out", out / "pack.pdf", "--out", out / "pack.xlsx", "--format", "json"))
    assert "drug_litter" in str(found)
    treated = ("evaluate", "--ward", "Central", "--start", days_ago(200), "--layer", "drug_litter")
    answer(command(*treated, "--out", out / "evaluation.pdf", "--format", "json"))
    made = {path.name: path.read_bytes()[:4] for path in out.glob("*.pdf")}
    assert made == dict.fromkeys(("plan.pdf", "sweep.pdf", "briefing.pdf", "pack.pdf", "evaluation.pdf"), b"%PDF")


@pytest.mark.slow
def test_it_is_released_with_its_advice(command: Run, town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release, site, paper = town / "release", town / "site", town / "central.pdf"
    answer(command("release", "build", "--out", release, "--format", "json"))
    answer(command("release", "audit", release, "--format", "json"))
    assert "drug_litter" in str(answer(command("release", "show", release, "--format", "json")))
    answer(command("release", "site", release, "--out", site, "--format", "json"))
    page = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    assert "If you find foil or burnt spoons" in page
    assert "Each find counts once, in the quarter in which it was made." in page
    briefing = ("briefing", "--for", "councillor", "--release", release, "--ward", "Central", "--out", paper)
    assert command(*briefing).code == 0
    assert paper.read_bytes().startswith(b"%PDF")
    monkeypatch.setenv("HEXBEAT_AUDIENCE", "public")
    monkeypatch.setenv("HEXBEAT_RELEASE", str(release))
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENCE_S)
    app.query_params["layer"] = "drug_litter"
    app.run()
    assert not app.exception
    assert "If you find foil or burnt spoons" in "\n".join(str(element.proto) for element in app.main)


@pytest.mark.slow
@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("address", MODULES)
def test_every_page_opens_with_it(address: str) -> None:
    app = one_page(address, layers="drug_litter", view="hotspots", kind="patrol")
    said = "\n".join(str(element.proto) for element in app.main)
    assert "drug litter" in said  # the header says how far its records go
    assert ("Drug litter" in said) == (address not in ("done", "naloxone", "audit", "read"))


@pytest.mark.slow
@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("view", ["counts", "change", "expected"])
def test_the_map_draws_it_beside_the_others(view: str) -> None:
    one_page("map", layers=",".join(LAYER_NAMES), view=view)


def test_no_other_file_names_it() -> None:
    named = [
        str(path.relative_to(ROOT))
        for room in ("geo", "layers", "hexbeat", "tests")
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".py", ".toml", ".typ", ".js", ".css") and "drug_litter" in path.read_text(encoding="utf-8")
    ]
    assert named == [str(Path(__file__).resolve().relative_to(ROOT))]
