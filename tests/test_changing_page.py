"""The walks of docs/changing.md are true: every step is there, and an earlier step of the walk calls it."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "changing.md").read_text(encoding="utf-8")
MOST_FILES = 12
STEP = re.compile(r"\| (?P<later>Later: )?`(?P<module>[a-z_.]+)\.(?P<name>\w+)` \|")


def walks() -> dict[str, list[tuple[bool, str, str]]]:
    """Title of each walk to its steps: whether a new part begins there, the module, and the name."""
    chapter = PAGE.split("## Four walks")[1].split("\n## ")[0]
    parts = re.split(r"\n### (.+)\n", chapter)
    titles, texts = parts[1::2], parts[2::2]
    return {
        title: [(bool(step["later"]), step["module"], step["name"]) for step in STEP.finditer(text)]
        for title, text in zip(titles, texts, strict=True)
    }


@cache
def names_in(path: Path) -> frozenset[str]:
    """Every name that a file uses, but for those in its `__all__` and its own definitions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return frozenset(used | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)})


def file_of(module: str) -> Path:
    return Path(importlib.import_module(module).__file__ or "")


def test_there_are_four_walks() -> None:
    assert len(walks()) == 4
    assert min(map(len, walks().values())) >= 8


@pytest.mark.parametrize("title", walks())
def test_every_step_is_there_and_is_called_by_an_earlier_one(title: str) -> None:
    steps = walks()[title]
    files: list[Path] = []
    for place, (later, module, name) in enumerate(steps):
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
        if place and not later:
            assert any(name in names_in(file) for file in files), f"nothing before it uses {module}.{name}"
        files.append(file_of(module))
    assert len(set(files)) <= MOST_FILES


def test_the_picture_of_the_house_names_its_rooms() -> None:
    picture = PAGE.split("```text")[1].split("```")[0]
    rooms = [path.name for path in (ROOT / "hexbeat").iterdir() if path.is_dir() and (path / "__init__.py").is_file()]
    rooms += [path.name for path in (ROOT / "hexbeat" / "dashboard").iterdir() if (path / "__init__.py").is_file()]
    assert [room for room in rooms if f"{room}/" not in picture] == []
