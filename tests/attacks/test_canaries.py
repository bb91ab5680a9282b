"""Records with marks in every field: none stands in any byte of the release, the site, or what a command answers."""

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hexbeat.release.policy import load_policy
from hexbeat.store.shared_documents import DocumentKind
from layers.event import event_id
from tests.support.cli import Run
from tests.support.paths import ROOT
from tests.support.releases import Publisher
from tests.support.small_town import Town, frame_of, make_area
from tests.support.stores import documents_in

SHOWN, HIDDEN = 40, 4  # events at one spot, and alone elsewhere
TEXTS = {"category": "Kanarienvogel", "note": "canary note 4711", "status": "canary-status"}
MINUTE = 17 * 60 + 41  # seconds past an hour, in every time


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A home with a policy, and its records: needle finds and street dealing, shown and hidden ones."""
    home = tmp_path_factory.mktemp("marked") / "home"
    area = make_area(home, "marked")
    text = (ROOT / "hexbeat" / "release" / "policy.toml").read_text(encoding="utf-8")
    (home / "release.toml").write_text(text.replace('# first = "2024-01-01"', 'first = "2025-01-01"'), encoding="utf-8")
    publisher = Publisher(home, area=area)
    town = Town.of(area, replace(load_policy(documents_in(home)), first=dt.date(2025, 1, 1)))
    rng, frames = np.random.default_rng(5), []
    for layer in ("needle_litter", "street_dealing"):
        spots = [*[11] * SHOWN, *rng.integers(0, len(town.lon), HIDDEN).tolist()]
        frame = frame_of(town, spots, layer=layer, start=dt.date(2025, 1, 1), days=80, rng=rng, prefix="canary-key")
        when = frame["occurred_from"] // 3600 * 3600 + MINUTE
        lon = frame["lon"] + rng.uniform(1e-7, 9e-7, len(frame))
        frames.append(frame.assign(**TEXTS, occurred_from=when, occurred_to=when, lon=lon, quantity=8_675_309))
        publisher.load(frames[-1], now="2026-01-05", name=f"canary-{layer}.csv")
    return home, pd.concat(frames)


def marks(records: pd.DataFrame) -> list[bytes]:
    """Everything by which a record could be told: texts, keys, names, coordinates, times as numbers and as text."""
    said = [*TEXTS.values(), "canary", "8675309", "8,675,309"]
    for row in records.to_dict("records"):
        name = event_id(row["source"], row["source_id"])
        moment = dt.datetime.fromtimestamp(row["occurred_from"], dt.UTC)
        said += [row["source_id"], name, name[:12], str(row["occurred_from"])]
        said += [f"{moment:%Y-%m-%dT%H:%M}", f"{moment:%H:%M:%S}", repr(row["lon"]), f"{row['lon']:.7f}"]
        said += [f"{row[f'h3_{level}']:x}" for level in (10, 11)]
    return [text.encode() for text in dict.fromkeys(said)]


def found_in(content: bytes, wanted: list[bytes]) -> list[bytes]:
    return [mark for mark in wanted if mark.lower() in content.lower()]


@pytest.mark.slow
def test_no_mark_is_in_any_byte_that_leaves(marked: tuple[Path, pd.DataFrame], run: Run, tmp_path: Path) -> None:
    home, records = marked
    wanted = marks(records)
    built = run("release", "build", "--out", tmp_path / "out", "--as-at", "2026-04-01", "--format", "json",
                "--home", home, "--area", "marked")  # fmt: skip
    assert built.code == 0, built.err
    assert run("release", "site", tmp_path / "out", "--out", tmp_path / "site").code == 0
    audited = run("release", "audit", tmp_path / "out", "--home", home, "--format", "json")
    shown = run("release", "show", tmp_path / "out", "--format", "json")
    files = [path for folder in ("out", "site") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert len(files) >= 10
    blocks = (tmp_path / "out" / "blocks.csv").read_text(encoding="utf-8")
    assert "needle_litter,2025-Q1" in blocks
    assert "street_dealing,2025-Q1" in blocks
    for path in files:
        assert found_in(path.read_bytes(), wanted) == [], path.name
        assert found_in(path.name.encode(), wanted) == []
    for outcome in (built, audited, shown):
        assert found_in((outcome.out + outcome.err).encode(), wanted) == []
    register = documents_in(home).read_all(DocumentKind.RELEASE)
    assert register
    for name, document in register.items():
        assert found_in(document.content, wanted) == [], name


@pytest.mark.slow
def test_the_marks_would_be_found(marked: tuple[Path, pd.DataFrame]) -> None:
    """They are in the store: the search itself can fail."""
    home, records = marked
    content = b"".join(path.read_bytes() for path in home.glob("*") if path.is_file())
    found = found_in(content, marks(records))
    assert {b"Kanarienvogel", b"canary note 4711", b"canary-key-street_dealing-3"} <= set(found)


def test_what_the_command_answers_does_not_depend_on_hidden_events(
    marked: tuple[Path, pd.DataFrame], run: Run, tmp_path: Path
) -> None:
    """Standard output may go to a log of anybody; the number of hidden events is on standard error alone."""
    home, records = marked
    source, days = records["source"].iloc[0], ("--from", "2025-01-01", "--to", "2026-07-01")
    place = ("--home", home, "--area", "marked")
    known = run("coverage", "set", "--layer", "needle_litter", "--source", source, *days, *place)
    assert known.code == 0, known.err
    built = run("release", "build", "--out", tmp_path / "out", "--format", "json", "--dry-run", *place)
    assert not re.search("hidden|plant|burst", built.out)
    assert set(built.json) == {"number", "new", "written", "checksum", "first", "layers", "audit"}
    assert "hidden" in built.err
    assert not (tmp_path / "out").exists()
    assert json.loads(built.out)["written"] is False
