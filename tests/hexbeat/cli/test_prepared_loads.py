"""A load of much of a large store prepares it for its readers, and is done whatever ends that."""

from pathlib import Path

import pytest

from hexbeat.store import event_table, kept_table, prepared_files, snapshots
from tests.support.cli import Run

FINDS = """layer,source_id,latitude,longitude,date,quantity
needle_litter,A-1,54.5760,-1.2350,01/10/2026,3
needle_litter,A-2,54.5762,-1.2349,02/10/2026,1
street_dealing,A-3,54.5701,-1.2301,03/10/2026,1
"""
PREPARING = "Preparing 3 events for quick reading (Ctrl+C leaves it to the first reader) …\n"


@pytest.fixture
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three events are a large store."""
    for module in (kept_table, prepared_files, snapshots):
        monkeypatch.setattr(module, "FEWEST_EVENTS", 3)


@pytest.fixture
def finds(tmp_path: Path) -> Path:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    return path


def list_kept(home: Path) -> list[str]:
    folder = home / snapshots.FOLDER
    return sorted(path.suffix for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.usefixtures("_large")
def test_a_load_of_a_large_store_prepares_it_for_readers(run: Run, finds: Path, tmp_path: Path) -> None:
    outcome = run("ingest", finds, "--source", "table", "--dry-run")
    assert (list_kept(tmp_path / "home"), "Preparing" in outcome.err) == ([], False)
    outcome = run("ingest", finds, "--source", "table", "--format", "json")
    assert outcome.json["batch"] == 1
    assert outcome.err.endswith(PREPARING)
    assert list_kept(tmp_path / "home") == [".columns", ".results"]
    assert "Preparing" not in run("ingest", finds, "--source", "table").err  # nothing changed


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), "Stopped. The load is done; who reads it first waits for what was not prepared.\n"),
        (
            OSError(28, "full"),
            "This could not be prepared. The load is done; who reads it first waits a little longer.\n",
        ),
    ],
)
def test_a_load_is_done_whatever_ends_its_preparation(
    run: Run, finds: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(event_table, "build_table", fail)
        outcome = run("ingest", finds, "--source", "table", "--format", "json")
    assert outcome.code == 0
    assert outcome.json["batch"] == 1
    assert outcome.err.endswith(PREPARING + said)
    entries = [entry for entry in run("audit", "list", "--format", "json").json["entries"] if entry["what"] == "ingest"]
    assert [(entry["outcome"], entry["rows"]) for entry in entries] == [("done", 3)]
    assert run("counts", "--format", "json").json["total"] == 3
