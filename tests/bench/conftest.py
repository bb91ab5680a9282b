"""What tests of the benchmarks share: a benchmark as it is called, in this process, which has imported the most."""

import sys
from importlib import import_module

import pytest

from tests.support.cli import Outcome, Run
from tests.support.threads import run_apart


@pytest.fixture
def run_bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `python -m bench.NAME ARGUMENTS`: its exit code and what it printed."""

    def run(name: str, *arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        capsys.readouterr()
        code: int = run_apart(import_module(f"bench.{name}").main)
        return Outcome(code, *capsys.readouterr())

    return run
