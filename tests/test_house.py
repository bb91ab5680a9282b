"""The house rules: few doors, small rooms, and documentation that names what is there."""

import ast
import importlib
import re
import shlex
import subprocess
from collections.abc import Container
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from hexbeat.cli.main import COMMANDS, load_command, make_app
from hexbeat.ingest.sources import list_profiles
from hexbeat.settings import DEFAULT_HOME
from layers.catalogue import LAYERS
from tests.support.stores import documents_in

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("geo", "layers", "hexbeat")
# Alembic loads its scripts by path; they are no modules that anybody imports.
MODULES = sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py") and "migrations" not in path.parts
)  # fmt: skip
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "bench" / "README.md"]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def import_nodes(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The import statements of a module, wherever in it."""
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return tuple(node for node in found if isinstance(node, ast.Import | ast.ImportFrom))


def test_what_a_module_exports_is_there() -> None:
    missing = []
    for path in MODULES:
        module = importlib.import_module(module_name(path))
        missing += [f"{module.__name__}.{name}" for name in module.__all__ if not hasattr(module, name)]
    assert missing == []


def test_rooms_use_only_what_others_export() -> None:
    private = []
    for path in [*MODULES, ROOT / "streamlit_app.py"]:
        froms = [node for node in import_nodes(path) if isinstance(node, ast.ImportFrom) and not node.level]
        for node in froms:
            if node.module and node.module.split(".")[0] in ROOMS:
                private += [f"{module_name(path)}: {node.module}.{name}" for name in find_private(node.module, node)]
    assert private == []


def find_private(module: str, node: ast.ImportFrom) -> list[str]:
    """What is imported from a module of the house that is neither a module nor among what that one exports."""
    exported = getattr(importlib.import_module(module), "__all__", None) or ()
    place = ROOT / Path(*module.split("."))
    names = [alias.name for alias in node.names if alias.name not in exported]
    return [name for name in names if not (place / f"{name}.py").is_file() and not (place / name).is_dir()]


def test_a_room_is_seen_at_a_glance() -> None:
    long = [module_name(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 400]
    assert long == []


def list_imports(path: Path, names: Container[str]) -> set[str]:
    """The modules of the house that one imports, wherever in it, for types alone too."""
    imported = set()
    for node in import_nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {one if one in names else node.module for one in modules}
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    return {one for one in imported if one in names}


def test_no_module_imports_itself_by_any_way_round() -> None:
    packages = {module_name(path.parent): path for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    files = packages | {module_name(path): path for path in MODULES}
    graph = {name: list_imports(path, files) - {name} for name, path in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"an import circle: {' <- '.join(error.args[1])}")


def test_the_door_for_people_is_a_contents_page() -> None:
    assert len((ROOT / "streamlit_app.py").read_text(encoding="utf-8").splitlines()) < 80


def headings(page: Path) -> set[str]:
    return {line.lstrip("# ").strip() for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")}


def test_every_layer_source_and_command_has_its_heading() -> None:
    found = set().union(*(headings(page) for page in PAGES))
    wanted = {spec.name for spec in LAYERS}
    wanted |= {profile.name for profile in list_profiles(documents_in(DEFAULT_HOME))}
    wanted |= {f"hexbeat {name}" for name in COMMANDS}
    assert sorted(wanted - {heading.strip("`") for heading in found}) == []


def documented_commands() -> list[str]:
    lines = []
    for page in PAGES:
        for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            joined = block.replace("\\\n", " ")
            lines += [line.removeprefix("$ ").strip() for line in joined.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if re.match(r"(\.venv/bin/)?hexbeat\b", line)]


@pytest.mark.parametrize("line", documented_commands())
def test_documented_commands_are_as_the_program_takes_them(line: str) -> None:
    words = shlex.split(line.split("|", maxsplit=1)[0].split(">", maxsplit=1)[0])[1:]
    path = ["hexbeat"]
    if words and words[0] in COMMANDS:
        path.append(words.pop(0))
        command = load_command(path[-1])
    else:
        command = make_app()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]  # type: ignore[attr-defined] # the line above asked
        path.append(words.pop(0))
    if words and words not in (["--help"], ["-h"]):
        command.make_context(" ".join(path), words)


def test_links_between_pages_lead_somewhere() -> None:
    dead = []
    for page in PAGES:
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        own = [target for target in targets if not target.startswith(("http:", "https:", "mailto:"))]
        dead += [f"{page.name}: {target}" for target in own if not (page.parent / target).exists()]
    assert dead == []


def name_anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_links_to_headings_lead_to_them() -> None:
    anchors = {page: {name_anchor(heading) for heading in headings(page)} for page in PAGES}
    dead = []
    for page in PAGES:
        links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
        for target, anchor in links:
            known = anchors.get((page.parent / target).resolve() if target else page)
            dead += [f"{page.name}: {target}#{anchor}"] if known is not None and anchor not in known else []
    assert dead == []


@pytest.mark.parametrize("user", ["0", "1000"])
def test_make_run_is_a_script_that_the_shell_takes(user: str) -> None:
    script = subprocess.run(["make", "-n", "run", f"USER_ID={user}"], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["sh", "-n"], input=script, check=True)
    assert (b"hexbeat serve --as-root\n" in script) == (user == "0")
