"""The command line as a whole: its list of commands is true, and a command imports what it uses."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from hexbeat.cli.main import COMMANDS, load_command, make_app
from tests.support.cli import Run

# Packages that take a twentieth of a second or more to import.
SLOW: Final = (
    "alembic", "folium", "geopandas", "httpx", "networkx", "numpy", "ortools", "pandas", "pyarrow", "pyogrio", "pyproj",
    "scipy", "shapely", "sqlalchemy", "streamlit", "typst",
)  # fmt: skip


def find_slow_imports(*words: str) -> list[str]:
    """The slow packages that a call imports, in a process of its own."""
    script = f"""
import sys
from hexbeat.cli.main import main
sys.argv = ["hexbeat", *{words!r}]
try:
    main()
except SystemExit as end:
    print("\\n", end.code, *sorted(set({SLOW!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, *packages = done.stdout.splitlines()[-1].split()
    assert code == "0", done.stderr
    return packages


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_says_of_a_command_what_its_own_help_says(name: str) -> None:
    listed, own = make_app().commands[name], load_command(name)
    assert (listed.name, own.name, listed.hidden) == (name, name, own.hidden)
    for width in (20, 45, 60, 80, 100, 120, 1000):
        assert listed.get_short_help_str(width) == own.get_short_help_str(width)


def test_every_module_of_commands_is_in_the_list() -> None:
    folder = Path(sys.modules["hexbeat.cli.main"].__file__ or "").parent
    assert {module for module, _ in COMMANDS.values()} == {path.stem for path in folder.glob("*_commands.py")}


def test_a_command_is_found_wherever_it_stands(run: Run) -> None:
    outcome = run("--", "sources", "--format", "json")
    assert outcome.code == 0
    assert "table" in {row["name"] for row in outcome.json["sources"]}


@pytest.mark.slow
def test_the_help_and_the_sources_import_no_slow_package(tmp_path: Path) -> None:
    assert find_slow_imports("--help") == []
    assert find_slow_imports("sources", "--home", str(tmp_path)) == []


@pytest.mark.slow
def test_counts_import_the_store_and_no_tables(tmp_path: Path) -> None:
    assert find_slow_imports("demo", "--events", "50", "--home", str(tmp_path), "--format", "json") != []
    for by in ("ward", "cell"):  # whose places are named as well
        assert find_slow_imports("counts", "--by", by, "--home", str(tmp_path)) == ["numpy", "shapely", "sqlalchemy"]
