"""The audit of releases in which periods are not known: every period has its place, and none becomes unknown again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hexbeat.release.audit import audit_folder, audit_release
from hexbeat.release.format import CHECKSUMS, Period, Release, ReleasedLayer, hash_content
from hexbeat.release.release_files import build_release_files
from tests.hexbeat.release.test_not_known import Q1, Q2, Q3, Q4
from tests.support.releases import example_release, write_example


def test_a_release_without_such_a_period_has_the_bytes_of_before() -> None:
    files = build_release_files(example_release())
    assert b"not_known" not in files["release.json"]
    assert b"not known" not in files["README.txt"]


def with_terms(release: Release, **terms: object) -> Release:
    """Other periods of needle finds, and the blocks of those that are left."""
    needles: ReleasedLayer = replace(release.layers[0], **terms)  # type: ignore[arg-type] # of a test
    kept = {period.name for period in needles.periods} | {"2025"}
    blocks = tuple(block for block in release.blocks if block.period in kept)
    return replace(release, layers=(needles, *release.layers[1:]), blocks=blocks)


GAP = "this period does not begin where the one before it ends"


@pytest.mark.parametrize(
    ("periods", "not_known", "reasons"),
    [
        ((Q1,), (Q2,), []),
        ((Q2,), (Q1,), []),
        ((Q1, Q3), (Q2,), []),
        ((), (Q1, Q2), []),
        ((Q1, Q3), (), [GAP]),
        ((Q1,), (Q3,), [GAP]),
        ((Q1, Q2), (Q2,), [GAP]),
        ((Q3,), (Q2, Q1), [GAP, GAP]),
        (
            (Q1, Q2, Q3), (Q4,),
            ["this period was published too early: one more period has to pass after its end"],
        ),
        (
            (Q1,), (Period("2026-Q2", Q2.start, Q3.end),),
            ["this is not a whole calendar period of 3 months with its own name"],
        ),
    ],
)  # fmt: skip
def test_the_audit_asks_for_every_period_in_its_place(
    periods: tuple[Period, ...], not_known: tuple[Period, ...], reasons: list[str]
) -> None:
    release = with_terms(example_release(), periods=periods, not_known=not_known)
    assert [found.reason for found in audit_release(release).findings] == reasons


OTHER = "an earlier release had other periods"


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (((Q1,), (Q2,)), ((Q1, Q2), ()), []),
        (((Q2,), (Q1,)), ((Q1, Q2), ()), []),
        (((Q1, Q2), ()), ((Q1,), (Q2,)), [OTHER, "an earlier release had other numbers"]),
        (((Q2,), (Q1,)), ((Q2,), ()), [OTHER]),
        (((Q2,), ()), ((Q1, Q2), ()), [OTHER]),
    ],
)
def test_the_audit_lets_a_period_become_known_and_never_unknown(
    before: tuple[tuple[Period, ...], ...], after: tuple[tuple[Period, ...], ...], reasons: list[str]
) -> None:
    first, second = (with_terms(example_release(), periods=one[0], not_known=one[1]) for one in (before, after))
    assert [found.reason for found in audit_release(second, before=[first]).findings] == reasons


def test_an_empty_list_of_periods_not_known_is_found(tmp_path: Path) -> None:
    folder = write_example(tmp_path / "release")
    facts = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    facts["layers"][0]["not_known"] = []
    content = (json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"release.json": content}
    sums = "".join(f"{hash_content(files[name])}  {name}\n" for name in sorted(set(files) - {CHECKSUMS}))
    for name, data in (files | {CHECKSUMS: sums.encode()}).items():
        (folder / name).write_bytes(data)
    reason = "the bytes differ from what its values give: more contents, or another order"
    assert [(found.place, found.reason) for found in audit_folder(folder).findings] == [
        ("checksums.txt", reason),
        ("release.json", reason),
    ]
