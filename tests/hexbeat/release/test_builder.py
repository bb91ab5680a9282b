"""A list of places that was made of the events is refused; the ones that come with Hexbeat are not."""

import shutil
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest

from geo.cells import index_points_at
from geo.errors import PolicyError
from hexbeat.areas.area import Area, load_area
from hexbeat.areas.places_mask import build_places_mask, read_places_mask
from hexbeat.release.builder import require_independent_mask
from hexbeat.store.shared_documents import DocumentKind
from layers.event import RESOLUTIONS
from tests.support.releases import Publisher, made_quarters
from tests.support.stores import documents_in

RULE = "A list of places says where events can happen, and must not reveal where they did"
HINT = "make it from addresses or roads: hexbeat boundaries places FILE --area middlesbrough --replace"
NONE = np.array([], dtype=np.uint64)


def own_area(home: Path) -> Area:
    """Middlesbrough in a home of its own."""
    shutil.copytree(load_area("middlesbrough").folder, home / "boundaries" / "middlesbrough")
    return load_area("middlesbrough", home=home)


def masked(area: Area, folder: Path, lon: np.ndarray, lat: np.ndarray) -> Area:
    pd.DataFrame({"lon": lon, "lat": lat}).to_csv(folder / "points.csv", index=False)
    build_places_mask(folder / "points.csv", area, source="s", licence="l", attribution="a")
    return area


def of_wards(area: Area) -> tuple[np.ndarray, np.ndarray]:
    """A point in each ward."""
    inside = [ward.representative_point() for ward in area.wards.polygons]
    return np.array([point.x for point in inside]), np.array([point.y for point in inside])


def scattered(area: Area, spots: np.ndarray) -> pd.DataFrame:
    """An event at the middle of each spot, if that is in the area."""
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in spots.tolist()]).T
    inside = area.wards.locate(lon, lat) >= 0
    lon, lat = lon[inside], lat[inside]
    cells = {f"h3_{size:02}": cell for size, cell in index_points_at(lon, lat, resolutions=RESOLUTIONS).items()}
    wards = np.array(area.wards.codes, dtype=object)[area.wards.locate(lon, lat)]
    return made_quarters(area, number=len(lon)).assign(lon=lon, lat=lat, ward_code=wards, **cells)


@pytest.mark.slow
def test_a_list_made_of_the_events_is_refused_and_nothing_is_published(tmp_path: Path) -> None:
    area = own_area(tmp_path / "home")
    publisher = Publisher(tmp_path / "home", area=area)
    events = scattered(
        area, np.random.default_rng(1).choice(read_places_mask(area).candidate_cells, 400, replace=False)
    )
    publisher.load(events, now="2026-07-02")
    lon, lat = of_wards(area)
    masked(area, tmp_path, np.concatenate([events["lon"], lon]), np.concatenate([events["lat"], lat]))
    with pytest.raises(PolicyError) as caught:
        publisher.publish(tmp_path / "out")
    spots = len(read_places_mask(area).candidate_cells)
    assert str(caught.value) == f"{RULE}; {len(events)} of the {spots} spots of this list had events; {HINT}"
    assert not (tmp_path / "out").exists()
    assert documents_in(tmp_path / "home").list_names(DocumentKind.RELEASE) == []


def test_a_third_of_the_spots_and_some_of_each_ward_stay_free() -> None:
    area = load_area("middlesbrough")
    mask = read_places_mask(area)
    spots = np.random.default_rng(2).permutation(mask.candidate_cells)
    third = len(spots) // 3
    require_independent_mask(mask, NONE, area)
    require_independent_mask(mask, spots[third + 1 :], area)
    with pytest.raises(PolicyError) as caught:
        require_independent_mask(mask, spots[third:], area)
    assert str(caught.value) == f"{RULE}; 1,654 of the 2,480 spots of this list had events; {HINT}"


def test_a_ward_without_a_free_spot_is_refused() -> None:
    area = load_area("middlesbrough")
    mask = read_places_mask(area)
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in mask.candidate_cells.tolist()]).T
    ward = mask.candidate_cells[area.wards.locate(lon, lat) == 3]
    require_independent_mask(mask, ward[1:], area)
    with pytest.raises(PolicyError) as caught:
        require_independent_mask(mask, ward, area)
    assert str(caught.value) == f"{RULE}; all {len(ward)} spots of {area.wards.names[3]} had events; {HINT}"


@pytest.mark.slow
def test_a_list_is_looked_at_before_a_series_begins_alone(tmp_path: Path) -> None:
    area = own_area(tmp_path / "home")
    publisher = Publisher(tmp_path / "home", area=area)
    publisher.load(made_quarters(area, number=0), now="2026-07-02")
    publisher.publish(tmp_path / "out")
    publisher.load(scattered(area, read_places_mask(area).candidate_cells), now="2026-12-01")
    assert publisher.publish(tmp_path / "out", as_at="2027-04-01").is_new
