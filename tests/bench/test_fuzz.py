"""The fuzzing damages files of every reader evenly, finds what is no error of Hexbeat, and finds none today."""

import random
from pathlib import Path

import pytest

from bench import fuzz
from bench.fuzz_files import READERS, make_seeds, mutate
from hexbeat.ingest.sources import SourceProfile, load_profile
from tests.support.cli import Run, answer
from tests.support.stores import documents_in


@pytest.mark.slow
def test_readers_take_turns_and_nothing_but_our_errors_is_raised(run_bench: Run) -> None:
    figures = answer(run_bench("fuzz", "--seconds", 3, "--seed", 7, "--format", "json"))
    assert [row["reader"] for row in figures["rows"]] == list(READERS)
    inputs = {row["inputs"] for row in figures["rows"]}
    assert len(inputs) == 1
    assert figures["inputs"] == 6 * inputs.pop() > 0
    assert figures["faults"] == {}
    for row in figures["rows"]:
        assert row["inputs"] == row["read"] + row["refused"] + row["stopped"] + row["faults"]


@pytest.mark.slow
def test_every_file_is_read_whole_before_it_is_damaged(tmp_path: Path) -> None:
    seeds = make_seeds(tmp_path)
    assert {reader for reader, _, _ in seeds} == set(READERS)
    for _, name, data in seeds:
        fitting = "open311" if "requests" in name else "geofile" if name.endswith(fuzz.GEO_ENDINGS) else "table"
        assert fuzz.read_input(tmp_path, name, data, load_profile(fitting, documents_in(tmp_path))) == ("read", None), (
            name
        )


def test_damage_is_the_same_for_the_same_seed_and_changes_the_file(tmp_path: Path) -> None:
    seeds = [seed for seed in make_seeds(tmp_path) if not seed[1].endswith((".xlsx", ".ods", "zip", "kmz", "gz"))]
    for _, _, data in seeds:
        copies = [mutate(random.Random(number), data) for number in (1, 1, 2, 3)]  # noqa: S311  # damage
        assert copies[0] == copies[1]
        assert any(copy != data for copy in copies)


def test_another_exception_is_found_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, profile: SourceProfile) -> int:
        raise TypeError((path, profile))

    monkeypatch.setattr(fuzz, "read_file", fail)
    outcome, fault = fuzz.read_input(tmp_path, "a.csv", b"a,b\n", load_profile("table", documents_in(tmp_path)))
    assert outcome == "faults"
    assert fault is not None
    assert fault.startswith("TypeError in test_fuzz.py, line ")
