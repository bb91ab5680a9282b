"""A small file of wards, and areas built from it: for tests of boundaries."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pytest

from geo.errors import AreaError
from hexbeat.areas.boundaries import BuildReport, build_area
from tests.support.paths import ROOT

__all__ = ["WARD_FILE", "SaveWards", "build", "refusal"]

WARD_FILE: Final = ROOT / "tests" / "fixtures" / "boundaries" / "wards.geojson"
FIELDS: Final = {"name": "otherby", "code_field": "WD25CD", "name_field": "WD25NM"}

SaveWards = Callable[[gpd.GeoDataFrame], Path]


@pytest.fixture
def ward_frame() -> gpd.GeoDataFrame:
    """The wards as their publisher has them."""
    return gpd.read_file(WARD_FILE)


@pytest.fixture
def save_wards(tmp_path: Path) -> SaveWards:
    """Write wards to a GeoPackage of the test's own."""

    def save_as_geopackage(frame: gpd.GeoDataFrame) -> Path:
        frame.to_file(tmp_path / "wards.gpkg")
        return tmp_path / "wards.gpkg"

    return save_as_geopackage


def build(path: Path, out_dir: Path, **choices: Any) -> BuildReport:
    """Build the area Otherby from a file."""
    return build_area(path, out_dir=out_dir, **{**FIELDS, **choices})


def refusal(path: Path, out_dir: Path, **choices: Any) -> str:
    """The message with which the build is refused; nothing is written."""
    with pytest.raises(AreaError) as caught:
        build(path, out_dir, **choices)
    assert not (out_dir / "otherby").exists()
    return str(caught.value)
