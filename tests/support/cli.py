"""The command line as a person meets it: exit code, standard output, standard error."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hexbeat.cli.main import main
from hexbeat.store.store import Store

__all__ = ["Outcome", "Run", "answer", "build_square_area", "make_empty_store", "run"]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON: nothing else may stand there."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


def answer(outcome: Outcome) -> Any:
    """What a command that went well answered as JSON."""
    assert outcome.code == 0, outcome.err
    return outcome.json


def make_empty_store(home: Path) -> Path:
    """A home with a store that holds nothing: only commands that load make one."""
    Store.open(home).dispose()
    return home


def build_square_area(run: Run, folder: Path) -> None:
    """Build the area "square" in the home of `run`: one ward, West, without a gazetteer. `folder`: that of the test."""
    squares = folder / "in.geojson"
    squares.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"CD":"W1","NM":"West"},"geometry":'
        '{"type":"Polygon","coordinates":[[[-1.3,54.5],[-1.29,54.5],[-1.29,54.51],[-1.3,54.51],[-1.3,54.5]]]}}]}'
    )
    made = run("boundaries", "build", squares, "--area", "square", "--code", "CD", "--name", "NM",
               "--out", folder / "home" / "boundaries")  # fmt: skip
    assert made.code == 0, made.err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `hexbeat ARGUMENTS` in this process, in a home of its own, at a terminal 200 columns wide."""
    monkeypatch.setenv("HEXBEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("HEXBEAT_AREA", "HEXBEAT_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # nobody is there to answer a question
        monkeypatch.setattr(sys, "argv", ["hexbeat", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command
