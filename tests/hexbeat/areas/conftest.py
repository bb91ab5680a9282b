"""What tests of boundaries share: a small file of wards."""

from pathlib import Path

import geopandas as gpd
import pytest

from tests.support.input_files import WARD_FILE, SaveWards


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
