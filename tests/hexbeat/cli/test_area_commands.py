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


def test_some_wards_of_a_file_in_another_time_zone(run: Run, tmp_path: Path) -> None:
    squares = [square(-71.1 + n / 100, 42.3, f"E{n}", f"Ward {n}") for n in range(3)]
    file, out = write_features(tmp_path / "in.geojson", *squares), tmp_path / "out"
    outcome = build(run, file, out, "--only", "E0", "--only", "E2", "--time-zone", "America/New_York")
    assert (outcome.code, outcome.json["wards"]) == (0, 2)
    facts = (out / "two-squares" / "area.toml").read_text(encoding="utf-8")
    assert 'time_zone = "America/New_York"\n' in facts
    unknown = build(run, file, out, "--replace", "--only", "E9")
    assert unknown.code == 3
    assert unknown.err == (
        "Each code of --only is that of an authority or a ward in the file.\n"
        "  in.geojson has no E9.\n"
        "  Name the column of the authorities with --authority-code, or correct the code.\n"
    )


def test_wards_with_the_codes_of_another_area_are_refused(run: Run, tmp_path: Path) -> None:
    for name, south, code in (("north", 55.0, 0), ("south", 50.9, 3)):
        file = write_features(tmp_path / f"{name}.geojson", square(-1.3, south, "1", name))
        outcome = run("boundaries", "build", file, "--area", name, "--code", "CD", "--name", "NM", "--home", tmp_path)
        assert outcome.code == code, outcome.err
    assert outcome.err == (
        "Areas of one home folder have different codes for different wards.\n"
        "  The areas south and north have wards in different places with the code 1.\n"
        "  Build one of them with other codes, such as those of the ONS, or in a home folder of its own.\n"
    )


def test_the_check_names_areas_that_share_codes(run: Run, tmp_path: Path) -> None:
    for name, south in (("north", 55.0), ("south", 50.9)):
        file = write_features(tmp_path / f"{name}.geojson", square(-1.3, south, "1", name))
        options = ("--area", name, "--code", "CD", "--name", "NM", "--out", tmp_path / "home" / "boundaries")
        assert run("boundaries", "build", file, *options, "--home", tmp_path / "other").code == 0
    outcome = run("boundaries", "check", "--format", "json")
    assert (outcome.code, outcome.json["areas"]["south"]) == (
        3,
        ["the areas south and north have wards in different places with the code 1"],
    )
