"""`hexbeat shared`: the settings and profiles that all users of a store share are listed, shown, put and removed."""

from pathlib import Path

from hexbeat.operations.plans.plan_settings import read_plan_settings
from tests.support.cli import Run
from tests.support.stores import documents_in


def test_a_file_is_put_listed_shown_and_removed(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    documents_in(home)
    file = tmp_path / "plans.toml"
    file.write_text("standard_hours = 3\n", encoding="utf-8")
    assert run("shared", "put", file, "--home", home).code == 0
    assert read_plan_settings(documents_in(home)).standard_hours == 3
    rows = run("shared", "--home", home, "--format", "json").json["rows"]
    assert [(row["kind"], row["name"]) for row in rows] == [("setting", "plans.toml")]
    assert run("shared", "show", "plans.toml", "--home", home).out == "standard_hours = 3\n"
    assert run("shared", "remove", "plans.toml", "--yes", "--home", home).code == 0
    gone = run("shared", "show", "plans.toml", "--home", home)
    assert gone.code == 2
    assert gone.err.splitlines()[:2] == [
        "A shared file is named as `hexbeat shared` lists it.",
        "  There is no plans.toml.",
    ]


def test_what_is_no_shared_file_or_cannot_be_used_is_refused(run: Run, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "plans.toml"
    documents_in(home)
    file.write_text("standard_hours = 0\n", encoding="utf-8")
    assert run("shared", "put", file, "--home", home).code == 3
    named = run("shared", "show", "policy.toml", "--home", home)
    assert named.err == (
        "Shared files are plans.toml, release.toml, and source profiles such as finds.toml.\n"
        "  You gave 'policy.toml'.\n  See `hexbeat shared`.\n"
    )
    assert documents_in(home).counter() == 0
