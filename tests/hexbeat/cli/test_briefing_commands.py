"""briefing and evidence on the command line."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hexbeat.areas.area import load_area
from hexbeat.cli.briefing_commands import build_progress
from hexbeat.store.store import Store
from tests.support.cli import Run, make_empty_store
from tests.support.demonstrations import filled_store
from tests.support.events import load_frame, made_frame
from tests.support.papers import read_paper
from tests.support.releases import example_release, write_example

PLACE = ("--place", "54.5727, -1.2401", "--radius", "150", "--for", "CL-14", "--by", "A. Analyst")


@pytest.fixture
def at_home() -> tuple[str, str]:
    return "--home", str(filled_store())


@pytest.fixture
def young(tmp_path: Path) -> tuple[str, str]:
    """A store of three weeks: too few for a back-test, which takes its time."""
    area = load_area("middlesbrough")
    with Store.open(tmp_path / "young") as store:
        frame = made_frame(area, number=200, newest=datetime.now(UTC) - timedelta(hours=2), days=20)
        load_frame(store, area, frame, source="table")
    return "--home", str(tmp_path / "young")


@pytest.mark.slow
def test_a_briefing_is_answered_and_written(run: Run, young: tuple[str, str], tmp_path: Path) -> None:
    done = run(
        "briefing", "--for", "shift", "--hours", "22-06", "--out", tmp_path / "shift.pdf", "--format", "json", *young
    )
    assert done.code == 0
    assert done.json["title"] == "Middlesbrough: shift 22:00 to 06:00"
    assert done.json["hours"] == [22, 6]
    assert {line["layer"] for line in done.json["layers"]} >= {"needle_litter", "closed_properties"}
    assert len(read_paper((tmp_path / "shift.pdf").read_bytes()).pages) == 1


def test_the_test_of_methods_is_said_once_for_all_layers(capsys: pytest.CaptureFixture[str]) -> None:
    report = build_progress()
    for resolution, place in ((9, 0), (9, 1), (8, 0)):
        report(resolution, place)
    said = capsys.readouterr().err
    assert " ".join(said.split()) == (
        "Testing which method forecasts best (once for these records), from resolution 9 on ..."
    )


def test_a_councillors_briefing_needs_no_store(run: Run, tmp_path: Path) -> None:
    release = write_example(tmp_path / "release")
    done = run("briefing", "--for", "councillor", "--release", release, "--ward", "Abbey", "--out", tmp_path / "a.pdf")
    assert done.code == 0
    assert "at least 12 needle finds were recorded in Abbey" in " ".join(done.out.split())
    assert not (tmp_path / "home").exists()
    assert read_paper((tmp_path / "a.pdf").read_bytes()).title == "Abbey: what is happening"


def test_a_councillor_is_shown_no_release_in_which_the_audit_finds_something(run: Run, tmp_path: Path) -> None:
    small = {"2026-Q1": (("fine.piece.0", 2),), "2026-Q2": (("fine.piece.0", 12),)}
    release = write_example(tmp_path / "release", example_release(published=small))
    out = tmp_path / "a.pdf"
    done = run("briefing", "--for", "councillor", "--release", release, "--ward", "Abbey", "--out", out)
    assert (done.code, done.out, out.exists()) == (4, "", False)
    assert done.err.splitlines()[0] == "The public only sees a release if its audit finds nothing."


def test_a_briefing_without_any_place_ends_its_sentence_once(run: Run, tmp_path: Path) -> None:
    done = run("briefing", "--day", "2026-11-22", "--home", make_empty_store(tmp_path / "empty"))
    assert done.code == 0
    assert " ".join(done.out.split()) == (
        "Middlesbrough: threat, risk and harm. For the daily meeting of 22 Nov 2026. Covers 15 Nov to 21 Nov 2026. "
        "Not known."
    )


@pytest.mark.slow
def test_a_workbook_that_was_saved_again_is_not_relied_on(run: Run, at_home: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pack.xlsx"
    assert run("evidence", *PLACE, "--from", "2026-01-01", "--out", file, *at_home).code == 0
    file.write_bytes(file.read_bytes() + b" ")
    done = run("evidence", "--check", file, "--format", "json", *at_home)
    assert (done.code, done.json["intact"], done.json["same_values"]) == (3, False, True)
    assert done.err.splitlines() == [
        "Only rely on a pack as it was first written.",
        "  This file was saved again, changed, or made by another version; its values are equal, its looks unchecked.",
        "  Ask for the file as it was first written, or make the pack again.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--for", "councillor"), "A councillor's briefing needs one ward and a published release."),
        (("--release", "x"), "Use --release only for a councillor; other briefings read the store."),
        (("--out", "x.doc"), "A briefing is written as a .pdf file."),
        (("--out", "nowhere/x.pdf"), "The folder of the file has to exist."),
        (("--ward", "Nowhere"), "A ward is chosen by its code or its name."),
    ],
)
def test_what_makes_no_briefing_is_said(
    run: Run, at_home: tuple[str, str], arguments: tuple[str, ...], message: str
) -> None:
    done = run("briefing", *arguments, *at_home)
    assert (done.code, done.err.splitlines()[0]) == (2, message)


@pytest.mark.slow
def test_a_pack_is_written_and_checked(run: Run, at_home: tuple[str, str], tmp_path: Path) -> None:
    files = [tmp_path / "pack.pdf", tmp_path / "pack.xlsx"]
    done = run(
        "evidence",
        *PLACE,
        "--from",
        "2026-01-01",
        "--out",
        files[0],
        "--out",
        files[1],
        "--format",
        "json",
        *at_home,
    )
    assert done.code == 0
    assert done.json["content"]["reference"] == "CL-14"
    assert "overdoses" not in done.json["content"]["layers"]
    for file in files:
        checked = run("evidence", "--check", file, "--format", "json", *at_home)
        assert checked.code == 0
        assert (checked.json["intact"], checked.json["noted"]) == (True, True)
        assert checked.json["digest"] == done.json["sha256"]
    files[0].write_bytes(files[0].read_bytes() + b" ")
    changed = run("evidence", "--check", files[0], *at_home)
    assert changed.code == 3
    assert changed.err.splitlines()[0] == "The pages of a pack have to show its content."


@pytest.mark.slow
def test_a_place_by_the_national_grid_is_the_same_place(run: Run, at_home: tuple[str, str]) -> None:
    done = run("evidence", "--grid-ref", "NZ 49219 19982", *PLACE[2:], "--format", "json", *at_home)
    assert done.code == 0
    content = done.json["content"]
    assert (content["lat"], content["lon"]) == (pytest.approx(54.5727, abs=2e-3), pytest.approx(-1.2401, abs=2e-3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (PLACE[2:], "Give the place in one way."),
        ((*PLACE, "--lon", "-1.2"), "Give the place in one way."),
        (
            ("--place", "qqqq", *PLACE[2:]),
            "A place is a street, a postcode or another place in Middlesbrough, or a latitude and longitude.",
        ),
        (PLACE[:4], "A pack says for which case it is and who made it."),
        ((*PLACE, "--out", "x.doc"), "A pack is a .pdf or .xlsx file."),
    ],
)
def test_what_makes_no_pack_is_said(
    run: Run, at_home: tuple[str, str], arguments: tuple[str, ...], message: str
) -> None:
    done = run("evidence", *arguments, *at_home)
    assert (done.code, done.err.splitlines()[0]) == (2, message)


def test_a_file_that_is_not_there_cannot_be_checked(run: Run, at_home: tuple[str, str], tmp_path: Path) -> None:
    done = run("evidence", "--check", tmp_path / "none.pdf", *at_home)
    assert (done.code, done.err.splitlines()[1]) == (3, "  none.pdf cannot be read (FileNotFoundError).")
