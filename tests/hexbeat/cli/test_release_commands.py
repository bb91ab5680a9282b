"""release build, audit and show, and boundaries places, as a person meets them."""

from pathlib import Path

import pytest

from hexbeat.release.format import Release
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run, make_empty_store
from tests.support.releases import Publisher, example_release, made_quarters, write_example
from tests.support.stores import documents_in


@pytest.fixture
def built(run: Run, tmp_path: Path) -> Path:
    publisher = Publisher(tmp_path / "home")
    publisher.load(made_quarters(publisher.area, number=500), now="2026-07-02")
    outcome = run("release", "build", "--out", tmp_path / "out", "--as-at", "2026-11-01", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["new"]
    assert outcome.json["audit"]["findings"] == 0
    return tmp_path / "out"


@pytest.mark.slow
def test_a_release_is_built_shown_and_audited(run: Run, built: Path, tmp_path: Path) -> None:
    payload = run("release", "show", built, "--format", "json").json
    (needles,) = (row for row in payload["layers"] if row["layer"] == "needle_litter")
    assert needles["periods"] == "2023-Q1 to 2026-Q2"
    assert needles["piece"] > 0
    audited = run("release", "audit", built, "--format", "json")
    assert audited.code == 0
    assert audited.json["findings"] == []
    with Store.open(tmp_path / "home") as store:
        (entry,) = (it for it in list_entries(store.engine, ANALYST) if it.what == "release build")
    assert entry.rows == len(Release.read(built).blocks) > 0


@pytest.mark.slow
def test_what_is_not_known_is_told_when_a_release_is_built_and_shown(run: Run, tmp_path: Path) -> None:
    """As seen: the first day 2023-01-01, records to November 2025, a release in late 2026."""
    publisher = Publisher(tmp_path / "home")
    days = {"needle_litter": (("2024-01-01", "2025-12-01"),)}
    publisher.load(made_quarters(publisher.area, number=50), now="2026-07-02", covers=days)
    terms = ("--as-at", "2026-10-01", "--first", "2023-01-01")
    outcome = run("release", "build", "--out", tmp_path / "out", *terms, "--format", "json")
    assert outcome.code == 0, outcome.err
    unknown = "2023-Q1, 2023-Q2, 2023-Q3, 2023-Q4, 2025-Q4, 2026-Q1, 2026-Q2"
    said = [
        f"needle_litter: not known, because the records do not cover all of it: {unknown}.",
        "overdoses: not known, because the records do not cover all of it: 2023, 2024.",
        "needle_litter: the next numbers, for July to September 2026, are due on 1 Jan 2027.",
        "overdoses: the next numbers, for 2025, are due on 1 Jan 2027.",
    ]
    shown = run("release", "show", tmp_path / "out", "--format", "json")
    for line in said:
        assert line in outcome.err.splitlines()
        assert line in shown.err.splitlines()
    (needles,) = (row for row in shown.json["layers"] if row["layer"] == "needle_litter")
    assert (needles["periods"], needles["not_known"]) == ("2024-Q1 to 2025-Q3", unknown)
    (overdoses,) = (row for row in shown.json["layers"] if row["layer"] == "overdoses")
    assert (overdoses["periods"], overdoses["not_known"]) == ("none yet", "2023, 2024")
    assert f"Needle finds: not known for {unknown}." in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")


def test_a_day_before_any_record_is_refused_with_code_four(run: Run, tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "home")
    publisher.load(made_quarters(publisher.area, number=50), now="2026-07-02")
    outcome = run("release", "build", "--out", tmp_path / "out", "--as-at", "2026-07-01")
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == (
        "A first release needs records that were received by its day.\n"
        "  On 2026-07-01 none had been received; the first were received on 2026-07-02.\n"
        "  Choose that day or a later day, or leave --as-at out.\n"
    )
    assert not (tmp_path / "out").exists()
    assert documents_in(tmp_path / "home").list_names(DocumentKind.RELEASE) == []


def test_an_unsafe_release_is_refused_with_code_four(run: Run, tmp_path: Path) -> None:
    folder = write_example(tmp_path / "bad", example_release(published={"2026-Q1": (("fine.piece.0", 4),)}))
    outcome = run("release", "audit", folder, "--format", "json")
    assert outcome.code == 4
    assert outcome.json["findings"][0]["possible"] == [4]
    assert outcome.err.startswith("Publish a release only if its audit finds nothing.")


def test_two_releases_that_do_not_go_together_are_found(run: Run, tmp_path: Path) -> None:
    first = write_example(tmp_path / "first")
    second = write_example(tmp_path / "second", example_release(published={}))
    assert run("release", "audit", second, "--before", first).code == 4


def test_a_day_that_is_none_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    make_empty_store(tmp_path / "home")
    outcome = run("release", "build", "--out", tmp_path / "out", "--as-at", "yesterday")
    assert outcome.code == 2
    assert "It was written as 'yesterday'." in outcome.err


def test_a_list_of_places_is_replaced_only_when_told_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("lon,lat\n-1.2345,54.574\n", encoding="utf-8")
    outcome = run(
        "boundaries", "places", tmp_path / "p.csv", "--area", "middlesbrough", "--origin", "o", "--licence", "l"
    )
    assert outcome.code == 2
    assert "Middlesbrough has a list already." in outcome.err


@pytest.mark.slow
def test_the_first_day_is_chosen_once_and_said(run: Run, tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "home")
    publisher.load(made_quarters(publisher.area, number=50), now="2026-07-02")
    build = ("release", "build", "--out", tmp_path / "out", "--format", "json")
    first = run(*build, "--as-at", "2026-11-01", "--first", "2026-01-01")
    assert first.code == 0, first.err
    assert set(first.json["first"].values()) == {"2026-01-01"}
    assert "The series begins with the first whole period from: needle_litter 2026-01-01" in first.err
    again = run(*build, "--first", "2025-01-01")
    assert again.code == 2
    assert again.err.startswith("Use --first only for the first release of a series.")
