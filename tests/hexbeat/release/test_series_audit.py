"""The audit asks which releases came before: of the register or of the publisher, and never of the release alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hexbeat.release.format import Release
from hexbeat.release.release_files import build_release_files
from hexbeat.release.series import GivenRelease, find_earlier, find_series_faults
from tests.support.cli import Run
from tests.support.releases import Publisher, example_release, made_quarters, write_example
from tests.support.stores import documents_in


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a register of two releases, and both of them as `first` and `second`."""
    folder = tmp_path_factory.mktemp("two")
    publisher = Publisher(folder / "home")
    publisher.load(made_quarters(publisher.area, number=400), now="2026-07-02")
    publisher.publish(folder / "first")
    publisher.publish(folder / "second", as_at="2027-04-01")
    return folder


def tampered(two: Path, out: Path, **facts: Any) -> Path:
    """The second release with every number two higher, and other facts."""
    release = Release.read(two / "second")
    blocks = tuple(replace(block, count=block.count + 2) for block in release.blocks)
    out.mkdir()
    for name, content in build_release_files(replace(release, blocks=blocks, facts={**release.facts, **facts})).items():
        (out / name).write_bytes(content)
    return out


def reasons(run: Run, *arguments: object) -> tuple[int, set[str]]:
    outcome = run("release", "audit", *arguments, "--format", "json")
    return outcome.code, {found["reason"] for found in outcome.json["findings"]}


@pytest.mark.slow
def test_what_was_published_is_audited_with_all_before_it(run: Run, two: Path) -> None:
    assert reasons(run, two / "second", "--home", two / "home") == (0, set())
    assert reasons(run, two / "first", "--home", two / "home") == (0, set())
    assert reasons(run, two / "second", "--before", two / "first", "--home", two / "nowhere") == (0, set())


OTHER = "the register holds another release as number 2"
NUMBERS = "an earlier release had other numbers"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, {OTHER, NUMBERS}),
        (
            {"previous": []},
            {
                OTHER, NUMBERS, "it does not name number 1 of middlesbrough, an earlier release",
                "its number does not follow from the earlier releases",
            },
        ),
        ({"previous": [], "number": 1}, {"the register holds another release as number 1"}),
    ],
)  # fmt: skip
def test_an_emptied_list_of_earlier_releases_hides_nothing(
    run: Run, two: Path, tmp_path: Path, facts: dict[str, Any], expected: set[str]
) -> None:
    folder = tampered(two, tmp_path / "t", **facts)
    assert reasons(run, folder, "--home", two / "home") == (4, expected)


@pytest.mark.slow
def test_another_name_for_the_same_ground_is_found(run: Run, two: Path, tmp_path: Path) -> None:
    area = {**Release.read(two / "second").facts["area"], "name": "elsewhere"}
    folder = tampered(two, tmp_path / "t", area=area, previous=[], number=1)
    code, found = reasons(run, folder, "--home", two / "home")
    assert (code, found) == (4, {"this area was published under another name and overlaps this release"})


@pytest.mark.slow
def test_an_earlier_release_that_was_not_looked_at_is_a_finding_unless_alone(
    run: Run, two: Path, tmp_path: Path
) -> None:
    folder = tampered(two, tmp_path / "t")
    missing = "it names number 1 of middlesbrough as an earlier release, which this audit did not get"
    assert reasons(run, folder, "--home", tmp_path / "nowhere") == (4, {missing})
    alone = run("release", "audit", folder, "--home", tmp_path / "nowhere", "--alone", "--format", "json")
    assert (alone.code, alone.json["alone"], alone.json["earlier_not_looked_at"]) == (0, True, 1)
    assert alone.err == "Because of --alone, the audit left out 1 earlier releases.\n"


@pytest.mark.slow
def test_releases_that_it_does_not_name_are_none_of_its_series(run: Run, two: Path, tmp_path: Path) -> None:
    stranger = write_example(tmp_path / "stranger")
    code, found = reasons(run, two / "second", "--before", stranger, "--before", two / "first")
    assert code == 4
    assert "it does not name number 1 of exampleton, an earlier release" in found


ENTRY = {"area": "exampleton", "number": 1, "as_at": "2026-08-01", "checksum": "0" * 64}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"number": 2}, ["its number does not follow from the earlier releases"]),
        (
            {"number": 2, "previous": [ENTRY]},
            ["it names number 1 of exampleton as an earlier release, which this audit did not get"],
        ),
        (
            {"number": 2, "previous": [{**ENTRY, "as_at": "2027-08-01"}]},
            [
                "it names number 1 of exampleton as an earlier release, which this audit did not get",
                "its day is before the day of an earlier release",
            ],
        ),
    ],
)
def test_numbers_and_days_follow_from_what_is_named(facts: dict[str, Any], expected: list[str]) -> None:
    assert [found.reason for found in find_series_faults(example_release(**facts), [])] == expected


def test_the_order_of_earlier_releases_is_their_own(two: Path) -> None:
    given = [GivenRelease.read(two / name) for name in ("first", "second")]
    entries = [
        {"area": "middlesbrough", "number": k + 1, "as_at": old.release.facts["as_at"], "checksum": old.checksum}
        for k, old in enumerate(given)
    ]
    area = given[0].release.facts["area"]
    later = example_release(area=area, number=3, as_at="2027-05-01", previous=entries)
    assert find_series_faults(later, given) == []
    (found,) = find_series_faults(later, given[::-1])
    assert found.reason == "it names the earlier releases in another order"


@pytest.mark.parametrize("broken", ["previous", "area", "number"])
def test_a_release_that_does_not_say_who_it_is_is_left_to_the_conditions(two: Path, broken: str) -> None:
    facts: dict[str, Any] = {broken: "x"}
    odd = GivenRelease(example_release(**facts), "0" * 64)
    assert find_earlier(odd, documents_in(two / "home")) == ([], [])
    assert find_series_faults(odd.release, []) == []
