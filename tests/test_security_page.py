"""docs/security.md names tests: each of them exists and is collected, and no attack is left out."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import ROOT

PAGE: Final = ROOT / "docs" / "security.md"
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CHAPTERS: Final = 17  # of ASVS 5.0
KINDS: Final = set("STRIDE")
COLUMNS: Final = 5  # kind, threat, what holds it, test, what remains


@cache
def list_tests(path: Path) -> frozenset[str]:
    """The tests that pytest collects of a file: functions of the module, as this project has no classes of tests."""
    if not path.is_file() or not path.name.startswith("test_"):
        return frozenset()
    names = (
        node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    )
    return frozenset(name for name in names if name.startswith("test_"))


def find_named() -> list[tuple[str, str]]:
    return NAMED.findall(PAGE.read_text(encoding="utf-8"))


def split_rows() -> list[list[str]]:
    """The cells of each row of the tables of threats."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] in KINDS and len(row) > 2]


def test_every_test_that_is_named_is_collected() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
    assert "tests" in str(options)  # where pytest looks, with its usual names of files and functions
    missing = [f"{path}::{name}" for path, name in find_named() if name not in list_tests(ROOT / path)]
    assert missing == []


def test_no_attack_is_left_out() -> None:
    named = set(find_named())
    files = sorted((ROOT / "tests" / "attacks").glob("test_*.py"))
    attacks = {(path.relative_to(ROOT).as_posix(), name) for path in files for name in list_tests(path)}
    assert attacks - named == set()
    assert len(attacks) > 50


def test_every_threat_says_what_holds_it_and_which_test() -> None:
    rows = split_rows()
    assert {row[0] for row in rows} == KINDS
    incomplete = [row[1] for row in rows if len(row) != COLUMNS or not all(row[:4]) or not NAMED.search(row[3])]
    assert incomplete == []


@pytest.mark.parametrize("number", range(1, CHAPTERS + 1))
def test_every_chapter_of_the_standard_is_answered(number: int) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| V{number} [^|]+\|([^|]+)\|([^|]*)\|([^|]*)\|$", page, re.MULTILINE)
    applies, met, remains = (cell.strip() for cell in row)
    assert NAMED.search(met) if applies != "no" else remains
