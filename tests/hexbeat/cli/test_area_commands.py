"""boundaries build and check."""

import json
from pathlib import Path

import pytest

from tests.support.cli import Outcome, Run


def square(west: float, south: float, code: str, name: str) -> dict[str, object]:
    east, north = west + 0.01, south + 0.01
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": {"CD": code, "NM": name},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write_features(path: Path, *features: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return path


def build(run: Run, file: Path, out: Path, *more: str) -> Outcome:
    return run(
        "boundaries", "build", file, "--area", "two-squares", "--code", "CD", "--name", "NM", "--out", out,
        "--format", "json", *more,
    )  # fmt: skip


def test_an_area_is_built_and_served(run: Run, tmp_path: Path) -> None:
    file = write_features(tmp_path / "in.geojson", square(-1.3, 54.5, "E1", "West"), square(-1.29, 54.5, "E2", "East"))
    outcome = build(run, file, tmp_path / "home" / "boundaries")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "home" / "boundaries" / "two-squares" / "area.toml").is_file()
    counted = run("counts", "--area", "two-squares", "--by", "ward", "--format", "json")
    assert counted.json["rows"] == []
    assert run("boundaries", "check", "--format", "json").json["areas"]["two-squares"] == []


def test_an_area_is_replaced_only_when_told_to(run: Run, tmp_path: Path) -> None:
    file = write_features(tmp_path / "in.geojson", square(-1.3, 54.5, "E1", "West"))
    out = tmp_path / "out"
    assert build(run, file, out).code == 0
    again = build(run, file, out)
    assert again.code == 2
    assert again.err == (
        "An area is replaced only with --replace.\n"
        "  There is an area 'two-squares' already.\n"
        "  Add --replace, or choose another name.\n"
    )  # fmt: skip
    assert build(run, file, out, "--replace").code == 0


def test_with_a_home_of_its_own_the_area_goes_there(run: Run, tmp_path: Path) -> None:
    file = write_features(tmp_path / "in.geojson", square(-1.3, 54.5, "E1", "West"))
    home = tmp_path / "elsewhere"
    outcome = run("boundaries", "build", file, "--area", "one", "--code", "CD", "--name", "NM", "--home", home)
    assert outcome.code == 0, outcome.err
    assert (home / "boundaries" / "one" / "wards.geojson").is_file()


def test_an_unknown_area_is_wrong_usage(run: Run) -> None:
    assert run("counts", "--area", "atlantis").code == 2


def test_an_overlap_is_refused_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    file = write_features(tmp_path / "in.geojson", square(-1.3, 54.5, "E1", "West"), square(-1.295, 54.5, "E2", "East"))
    outcome = build(run, file, tmp_path / "out")
    assert outcome.code == 3
    assert "E1" in outcome.err
    assert "E2" in outcome.err
    assert not (tmp_path / "out" / "two-squares").exists()


def test_the_shipped_areas_are_sound(run: Run) -> None:
    areas = run("boundaries", "check", "--format", "json").json["areas"]
    assert {name: areas[name] for name in ("middlesbrough", "cleveland", "county-durham")} == {
        "middlesbrough": [],
        "cleveland": [],
        "county-durham": [],
    }


@pytest.mark.parametrize("option", ["--repair", "--mend"])
def test_a_narrow_overlap_is_repaired_under_both_names_of_the_option(run: Run, tmp_path: Path, option: str) -> None:
    overlapping = square(-1.290002, 54.5, "E2", "East")
    file = write_features(tmp_path / "in.geojson", square(-1.3, 54.5, "E1", "West"), overlapping)
    refused = build(run, file, tmp_path / "out")
    assert (refused.code, refused.out, (tmp_path / "out" / "two-squares").exists()) == (3, "", False)
    outcome = build(run, file, tmp_path / "out", option)
    assert outcome.code == 0, outcome.err
    assert len(outcome.json["repairs"]) > 0
    assert outcome.err.splitlines()[: len(outcome.json["repairs"])] == outcome.json["repairs"]
    assert (tmp_path / "out" / "two-squares" / "wards.geojson").is_file()


def test_the_help_leads_with_repair(run: Run) -> None:
    assert "--repair, --mend" in " ".join(run("boundaries", "build", "--help").out.split())
