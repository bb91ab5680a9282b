"""Targets of the fuzzing by coverage hold their promises on undamaged inputs, and faults are noted by their place."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.fuzz_coverage import TARGET_NAMES, Watch, escape_bytes
from bench.fuzz_targets import TARGETS, escape_cell, knock_at_doors, list_seeds
from tests.support.paths import ROOT
from tests.support.threads import run_apart

assert list(TARGETS) == list(TARGET_NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGET_NAMES)
def test_a_target_returns_on_each_of_its_own_seeds(target: str) -> None:
    seeds = list_seeds(target)
    assert seeds
    for seed in seeds:
        run_apart(TARGETS[target], seed)


@pytest.mark.parametrize("host", [b"127.0.0.1:8501", b"evil.example:8501", b"", b"[::1", b"localhost:8501\r\nx"])
def test_the_doors_are_knocked_at_with_any_host(host: bytes) -> None:
    run_apart(knock_at_doors, host + b"\nhttp://evil.example\n/")


def test_a_fault_is_counted_by_its_place_and_its_first_input_kept(tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        if data.startswith(b"bad"):
            raise KeyError(len(data))

    watch = Watch(target, tmp_path / "notes.json", tmp_path / "keep")
    for data in (b"good", b"bad1", b"bad2"):
        watch.run(data)
    [(fault, count)] = watch.faults.items()
    assert fault.startswith("KeyError in test_fuzz_coverage.py, line ")
    assert (count, watch.inputs) == (2, 3)
    assert [path.read_bytes() for path in (tmp_path / "keep").iterdir()] == [b"bad1"]
    assert json.loads((tmp_path / "notes.json").read_text(encoding="utf-8")) == {"inputs": 2, "faults": {fault: 1}}


def test_words_are_written_as_the_fuzzer_reads_them() -> None:
    assert escape_bytes(b'a"\xff') == r"\x61\x22\xff"
    escape_cell("\u00a0=1".encode())


@pytest.mark.skipif(importlib.util.find_spec("atheris") is not None, reason="atheris is installed")
def test_without_the_fuzzer_it_says_how_to_install_it() -> None:
    command = [sys.executable, "-m", "bench.fuzz_coverage"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Fuzzing by coverage needs atheris, which is not installed. Install it: pip install atheris\n"
    )
