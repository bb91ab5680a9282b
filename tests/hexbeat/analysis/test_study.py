"""The study area: all cells that meet the wards, and each cell's ward, size, centre and neighbours."""

import dataclasses

import numpy as np
import pytest
import shapely

from geo.cells import build_outlines, find_meeting_cells
from geo.errors import UsageError
from geo.wards import Wards
from hexbeat.analysis.study import BRITISH_GRID, build_study, load_study, project, restrict_filter, sum_by_cell
from layers.counting import count, select
from layers.filters import Filter
from tests.support.demonstrations import demonstration, middlesbrough


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_every_cell_that_meets_the_wards_is_there_once(resolution: int) -> None:
    area = middlesbrough()
    study = build_study(area, resolution=resolution)
    assert np.array_equal(study.cells, find_meeting_cells(area.wards.polygons, resolution=resolution))
    assert study.names.tolist() == [f"{cell:x}" for cell in study.cells.tolist()]
    assert len(np.unique(study.cells)) == len(study)
    assert study.neighbours.shape == (len(study), len(study))
    assert (study.neighbours.diagonal() == 1).all()


def test_chosen_wards_make_a_smaller_study_of_their_cells_alone() -> None:
    area = middlesbrough()
    codes = ("E05009857", "E05009865")
    study = build_study(area, wards=reversed(codes))
    assert study.chosen_wards == codes
    assert set(study.ward_codes) == set(codes)
    assert np.isin(study.cells, build_study(area).cells).all()


def test_a_cell_belongs_to_the_ward_with_most_of_it() -> None:
    area = middlesbrough()
    study = build_study(area)
    hexagons = build_outlines(study.cells)
    part = np.array([shapely.area(shapely.intersection(hexagons, ward)) for ward in area.wards.polygons])
    assert part[study.ward, np.arange(len(study))] == pytest.approx(part.max(axis=0))
    assert [area.wards.names[ward] for ward in study.ward] == study.ward_names.tolist()


def test_equal_parts_go_to_the_first_code() -> None:
    area = middlesbrough()
    whole = shapely.union_all(area.wards.polygons)
    twins = Wards(("E2", "E1"), ("second", "first"), np.array([whole, whole], dtype=object))
    study = build_study(dataclasses.replace(area, wards=twins), resolution=8)
    assert set(study.ward_names) == {"first"}


def test_distances_are_metres_of_the_british_grid() -> None:
    study = build_study(middlesbrough())
    assert study.crs == BRITISH_GRID
    rows, columns = study.neighbours.nonzero()
    apart = np.hypot(study.x_m[rows] - study.x_m[columns], study.y_m[rows] - study.y_m[columns])[rows != columns]
    assert 250 < apart.min() < apart.max() < 400  # centres of touching cells of resolution 9
    assert project(BRITISH_GRID, np.array([-1.2345]), np.array([54.5742]))[0][0] == pytest.approx(449_600, abs=200)


def test_elsewhere_the_plane_is_around_the_area() -> None:
    area = middlesbrough()
    moved = shapely.transform(area.wards.polygons, lambda corners: corners - (70, 12))
    study = build_study(dataclasses.replace(area, wards=Wards(area.wards.codes, area.wards.names, moved)), resolution=8)
    assert study.crs.startswith("+proj=aeqd +lon_0=-71.2")
    assert abs(study.x_m).max() < 12_000
    assert abs(study.y_m).max() < 12_000


def test_a_study_is_kept_and_equals_the_plain_one() -> None:
    area = middlesbrough()
    kept, made = load_study(area, (), 9), build_study(area, resolution=9)
    assert kept is load_study(area, (), 9)
    assert np.array_equal(kept.cells, made.cells)
    assert np.array_equal(kept.ward, made.ward)
    assert (kept.neighbours != made.neighbours).nnz == 0


@pytest.mark.parametrize("layer", ["needle_litter", "closed_properties"])
def test_counts_in_the_study_are_the_counts(layer: str) -> None:
    columns, _ = demonstration()
    study = load_study(middlesbrough())
    values, outside = sum_by_cell(columns, select(columns, Filter(layers=(layer,))), study)
    plain = count(columns, Filter(layers=(layer,))).rows.set_index("cell")["count"]
    assert outside == 0
    assert dict(zip(study.names[values > 0], values[values > 0], strict=True)) == plain.to_dict()


def test_what_lies_in_no_cell_is_told() -> None:
    columns, _ = demonstration()
    study = build_study(middlesbrough(), wards=["E05009857"])
    selection = select(columns, Filter(layers=("overdoses",)))
    values, outside = sum_by_cell(columns, selection, study)
    assert values.sum() + outside == len(selection.index)
    assert outside > 0


def test_a_cell_has_a_place() -> None:
    study = load_study(middlesbrough())
    assert study.place(study.names[7]) == 7
    with pytest.raises(UsageError) as caught:
        study.place("89194e6f2b3ffff")
    assert str(caught.value) == (
        "A cell has to lie in the study area and have its resolution; '89194e6f2b3ffff' is not one of the 667 cells "
        "of resolution 9; choose the cell on the map, or the wards that it lies in"
    )
    with pytest.raises(UsageError):
        study.place("somewhere")


def test_a_filter_of_other_wards_is_refused() -> None:
    study = build_study(middlesbrough(), wards=["E05009857"])
    assert restrict_filter(study, Filter()).wards == ("E05009857",)
    with pytest.raises(UsageError) as caught:
        restrict_filter(study, Filter(wards=("E05009865",)))
    assert str(caught.value) == (
        "Events are counted in the wards of the study area; the filter has E05009865; the study area E05009857; "
        "choose the same wards for both"
    )


def test_an_unknown_ward_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_study(middlesbrough(), wards=["E1"])
    assert str(caught.value) == (
        "Wards are chosen by the codes that they have in the area; Middlesbrough has no ward E1; see `hexbeat counts "
        "--by ward` for the codes"
    )
