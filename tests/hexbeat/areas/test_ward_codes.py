"""Two areas with the same ward codes in different places are refused, when built and when loaded into."""

import json
from pathlib import Path

import pytest

from geo.errors import AreaError
from geo.wards import Wards
from hexbeat.areas.area import load_area
from hexbeat.areas.boundaries import build_area
from hexbeat.areas.ward_codes import require_own_codes
from hexbeat.store.store import Store
from tests.support.input_files import ingest, table


def write_wards(folder: Path, name: str, *, lat: float, codes: tuple[str, ...] = ("1", "2")) -> Path:
    """A published file of wards side by side, 0.01 degrees each."""
    features = [
        {
            "type": "Feature",
            "properties": {"c": code, "n": f"{name} {code}"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[west, lat], [west + 0.01, lat], [west + 0.01, lat + 0.01], [west, lat + 0.01], [west, lat]]
                ],
            },
        }
        for code, west in zip(codes, (-1.30, -1.29), strict=True)
    ]
    path = folder / f"{name}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def build_town(folder: Path, name: str, *, home: Path | None = None, lat: float, **codes: tuple[str, ...]) -> None:
    path = write_wards(folder, name, lat=lat, **codes)
    build_area(path, name=name, code_field="c", name_field="n", out_dir=folder / "boundaries", home=home)


def test_another_area_with_the_same_codes_elsewhere_is_refused_and_not_written(tmp_path: Path) -> None:
    build_town(tmp_path, "north", home=tmp_path, lat=55.0)
    with pytest.raises(AreaError) as caught:
        build_town(tmp_path, "south", home=tmp_path, lat=50.9)
    assert str(caught.value) == (
        "Areas of one home folder have different codes for different wards; the areas south and north have wards in "
        "different places with the code 1 and 2; build one of them with other codes, such as those of the ONS, or in a "
        "home folder of its own"
    )
    assert not (tmp_path / "boundaries" / "south").exists()


def test_an_area_may_be_built_again_and_may_share_wards_with_a_larger_one(tmp_path: Path) -> None:
    build_town(tmp_path, "north", home=tmp_path, lat=55.0)
    build_town(tmp_path, "north", home=tmp_path, lat=55.0)
    build_town(tmp_path, "borough", home=tmp_path, lat=55.0)
    build_town(tmp_path, "south", home=tmp_path, lat=50.9, codes=("3", "4"))


def test_nothing_is_loaded_into_an_area_that_shares_codes(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for name, lat in (("north", 55.0), ("south", 50.9)):
            build_town(tmp_path, name, lat=lat)
        path = table(tmp_path, "needles,a,-1.295,50.905,2025-06-01")
        with pytest.raises(AreaError, match=r"\AAreas of one home folder have different codes for different wards; "):
            ingest(store, path, area=load_area("south", home=tmp_path))


def test_an_area_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    build_town(tmp_path, "north", lat=55.0)
    (tmp_path / "boundaries" / "north" / "area.toml").write_text("name = ", encoding="utf-8")
    wards = Wards.from_file(tmp_path / "boundaries" / "north" / "wards.geojson")
    require_own_codes("south", wards, home=tmp_path)
