"""The audit of directories and of series: it finds what a careless publisher does."""

import ast
import datetime as dt
from dataclasses import replace
from pathlib import Path

from hexbeat.release.audit import Disclosure, audit_folder, audit_release
from hexbeat.release.format import Period, Release
from tests.support.paths import ROOT
from tests.support.releases import COUNTS, PUBLISHED, example_release, write_example


def naive_release() -> Release:
    """Pieces under five hidden, and the true totals of wards shown."""
    published = {}
    for period, counts in COUNTS.items():
        pieces = [(f"fine.piece.{k}", count) for k, count in enumerate(counts) if count >= 5]
        rest = [sum(count for count in counts[4 * w : 4 * w + 4] if count < 5) for w in (0, 1)]
        published[period] = (*pieces, *((f"fine.ward.E0500000{w + 1}", rest[w]) for w in (0, 1)))
    return example_release(published=published)


def reasons(release: Release, *before: Release) -> list[str]:
    return [found.reason for found in audit_release(release, before=before).findings]


def test_a_safe_release_passes() -> None:
    report = audit_release(example_release())
    assert report.findings == ()
    assert (report.releases, report.trees, report.blocks) == (1, 3, 6)


def test_a_naive_release_is_found_out() -> None:
    found = audit_release(naive_release()).findings
    assert [(f.period, f.place, f.possible) for f in found if f.possible] == [
        ("2026-Q1", "Bridge", (1,)),
        ("2026-Q2", "Abbey", (1,)),
        ("2026-Q2", "Bridge", (4,)),
    ]


def test_a_threshold_too_low_is_found() -> None:
    assert "k is 2, below 3 or below the minimum of places" in reasons(example_release(k=2))


def test_a_number_below_the_threshold_is_found() -> None:
    found = audit_release(example_release(published={"2026-Q1": (("fine.piece.0", 4),)})).findings
    assert found == (Disclosure("needle_litter", "2026-Q1", "Abbey A1", "its number is below 5", (4,)),)


def test_overlapping_and_uneven_periods_are_found() -> None:
    release = example_release()
    needles = release.layers[0]
    half = Period("2026-H1", dt.date(2026, 1, 1), dt.date(2026, 7, 1))
    other = replace(needles, periods=(*needles.periods, half))
    found = audit_release(replace(release, layers=(other, release.layers[1]))).findings
    assert [(one.layer, one.period, one.reason) for one in found] == [
        ("needle_litter", "2026-H1", "this is not a whole calendar period of 3 months with its own name"),
        ("needle_litter", "2026-H1", "this period does not begin where the one before it ends"),
    ]


def test_a_second_count_of_the_same_events_is_found() -> None:
    first = example_release()
    later = dict(PUBLISHED) | {"2026-Q1": (("fine.piece.0", 8), ("fine.piece.5", 9))}
    assert reasons(example_release(published=later), first) == ["an earlier release had other numbers"]
    assert reasons(example_release(k=6, published={"2026-Q2": PUBLISHED["2026-Q2"][:1]}), first) == [
        "an earlier release had another k, period length or other places",
        "an earlier release had other numbers",
        "an earlier release had other numbers",
    ]


def test_other_places_than_before_are_found() -> None:
    first = example_release()
    places = dict(first.places)
    places["fine.piece.0"] = replace(places["fine.piece.0"], outline=places["fine.piece.1"].outline)
    other = replace(first, places=places)
    assert reasons(other, first)[-1] == "an earlier release had another k, period length or other places"
    fewer = {**first.places, "fine.piece.0": replace(first.places["fine.piece.0"], possible_places=7)}
    assert reasons(replace(first, places=fewer), first) == [
        "an earlier release had another k, period length or other places"
    ]


def test_a_layer_that_disappears_is_found() -> None:
    first = example_release()
    places = {name: place for name, place in first.places.items() if place.place_set == "whole"}
    fewer = replace(first, layers=first.layers[1:], places=places, blocks=first.blocks[-1:])
    assert reasons(fewer, first) == ["an earlier release had this layer"]


def test_a_minimum_of_places_needs_possible_places() -> None:
    release = example_release()
    needles = replace(release.layers[0], minimum_places=3)
    assert reasons(replace(release, layers=(needles, release.layers[1]))) == [
        "a piece has fewer than 5 possible places"
    ]


def test_a_manifest_that_says_more_is_found() -> None:
    assert reasons(example_release(true_totals={"2026-Q1": 25})) == ["its keys or types are not those of a release"]


def test_other_files_and_hidden_bytes_are_found(tmp_path: Path) -> None:
    folder = write_example(tmp_path / "release")
    assert audit_folder(folder).findings == ()
    (folder / "hidden.csv").write_text("piece,count\n", encoding="utf-8")
    (found,) = audit_folder(folder).findings
    assert (found.place, found.reason) == ("hidden.csv", "this file is not part of a release")


def test_earlier_releases_that_are_named_and_missing_are_counted() -> None:
    named = example_release(previous=[{"number": 1, "as_at": "2026-08-01", "checksum": "0"}])
    assert audit_release(named).missing_before == 1


def test_the_audit_shares_no_code_with_the_builder() -> None:
    allowed = {
        "geo.audit", "geo.audit_profiles", "geo.errors",
        "hexbeat.release.format", "hexbeat.release.release_files", "hexbeat.release.release_text",
        "hexbeat.release.conditions", "hexbeat.release.audit", "layers.catalogue",
    }  # fmt: skip
    names = ("audit", "conditions", "release_files")
    files = [*(ROOT / "geo").glob("audit*.py"), *(ROOT / "hexbeat" / "release" / f"{name}.py" for name in names)]
    for file in files:
        imported = {
            node.module
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("geo", "layers", "hexbeat"))
        }
        assert imported <= allowed, file.name
