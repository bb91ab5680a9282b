"""hexbeat streets build."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from hexbeat.areas.area import load_area
from tests.support.cli import Outcome, Run, answer

CREDIT = ("--origin", "Council", "--licence", "OGL v3.0", "--attribution", "© Council 2026")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A street of Middlesbrough, for an area in a home of its own."""
    shipped = load_area("middlesbrough").folder
    folder = tmp_path / "home" / "boundaries" / "middlesbrough"
    folder.mkdir(parents=True)
    for name in ("area.toml", "wards.geojson", "spots.csv"):
        shutil.copy(shipped / name, folder)
    street = shapely.LineString([(-1.24, 54.57), (-1.235, 54.56), (-1.236, 54.55)])
    gpd.GeoDataFrame({"name": ["Linthorpe Road"], "class": ["main"]}, geometry=[street], crs=4326).to_file(
        tmp_path / "in.geojson"
    )
    return tmp_path / "in.geojson"


def build(run: Run, file: Path, *more: str) -> Outcome:
    return run("streets", "build", file, "--area", "middlesbrough", "--format", "json", *more)


def test_streets_are_built_beside_the_wards_and_said_to_be_part(run: Run, lines: Path) -> None:
    outcome = build(run, lines, *CREDIT)
    row = answer(outcome)
    data = json.loads(Path(row["file"]).read_text(encoding="utf-8"))
    assert (row["lines"], row["names"], row["complete"], data["names"]) == (1, 1, False, ["Linthorpe Road"])
    share = f"{row['near_places']:.0%}"
    assert outcome.err == f"Maps will say that the streets are partly shown: {share} of the known places lie on one.\n"


@pytest.mark.slow
def test_streets_are_replaced_only_when_told_to(run: Run, lines: Path) -> None:
    assert build(run, lines, *CREDIT).code == 0
    again = build(run, lines, *CREDIT)
    assert again.code == 2
    assert again.err == (
        "The streets of an area are replaced only with --replace.\n"
        "  Middlesbrough has streets already.\n"
        "  Add --replace.\n"
    )
    assert build(run, lines, *CREDIT, "--replace").code == 0


def test_the_publisher_is_named_whole(run: Run, lines: Path) -> None:
    outcome = build(run, lines, "--origin", "Council")
    assert outcome.code == 2
    assert outcome.err == (
        "Who published the streets takes all of --origin, --licence and --attribution.\n"
        "  One of them is missing.\n"
        "  Give all three; files of OpenStreetMap and Ordnance Survey need none.\n"
    )
