"""Trees of places: pieces, groups, wards and the borough, fixed before any event."""

from dataclasses import replace

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from geo.cells import index_points
from geo.disclosure import require_tree
from geo.errors import PolicyError
from hexbeat.areas.area import load_area
from hexbeat.areas.places_mask import read_places_mask
from hexbeat.release.release_places import build_borough_tree, build_piece_tree

AREA = load_area("middlesbrough")
MASK = read_places_mask(AREA)
FINE = build_piece_tree(AREA, MASK, "fine", floor=0.1)


def test_the_tree_is_as_the_rule_wants_it() -> None:
    require_tree(np.zeros(len(FINE.places), dtype=np.int64), FINE.parent)
    for place, above in zip(FINE.places[:-1], FINE.parent.tolist()[:-1], strict=True):
        assert place.parent_id == FINE.places[above].place_id
        assert FINE.places[above].ward_code in (place.ward_code, None)
    assert FINE.places[-1].level == "borough"


def test_every_plausible_piece_has_its_place_and_groups_are_parents_and_wards() -> None:
    assert set(FINE.leaf_of) == set(zip(MASK.cell.tolist(), MASK.ward_code, strict=True))
    for place in FINE.places[: max(FINE.leaf_of.values()) + 1]:
        _, cell, ward = place.place_id.split(".")
        group = FINE.places[FINE.parent[FINE.leaf_of[int(cell, 16), ward]]]
        assert group.place_id == f"fine.{h3.cell_to_parent(int(cell, 16), 8):x}.{ward}"


def test_pieces_lie_in_their_ward_and_do_not_overlap() -> None:
    pieces = [place for place in FINE.places if place.level == "piece"]
    outlines = np.array([piece.outline for piece in pieces])
    assert shapely.area(shapely.union_all(outlines)) == pytest.approx(shapely.area(outlines).sum(), rel=1e-4)
    wards = dict(zip(AREA.wards.codes, AREA.wards.polygons, strict=True))
    outside = [shapely.area(shapely.difference(piece.outline, wards[piece.ward_code or ""])) for piece in pieces]
    assert max(outside) < 1e-8
    assert len({place.label for place in FINE.places}) == len(FINE.places)


def test_slivers_are_joined() -> None:
    everything = build_piece_tree(AREA, MASK, "fine", floor=0.0)
    assert sum(place.level == "piece" for place in everything.places) == len(MASK.cell)
    assert sum(place.level == "piece" for place in FINE.places) < len(MASK.cell)


def test_a_minimum_of_possible_places_is_kept_by_every_piece() -> None:
    coarse = build_piece_tree(AREA, MASK, "coarse-5", floor=0.1, least_spots=5)
    spots = [place.possible_places for place in coarse.places if place.level == "piece"]
    assert min(spot or 0 for spot in spots) >= 5
    assert sum(spot or 0 for spot in spots) == MASK.separate.sum() < MASK.candidates.sum()


def test_wards_without_enough_places_are_refused() -> None:
    code = AREA.wards.codes[0]
    kept = [k for k, owner in enumerate(MASK.ward_code) if owner != code]
    fewer = replace(
        MASK, cell=MASK.cell[kept], ward_code=tuple(MASK.ward_code[k] for k in kept), candidates=MASK.candidates[kept]
    )
    with pytest.raises(PolicyError) as caught:
        build_piece_tree(AREA, fewer, "fine", floor=0.1)
    assert str(caught.value) == (
        "The minimum of places of a layer needs 1 places where events can happen in every piece; the whole ward "
        f"{AREA.wards.names[0]} has fewer; make a list of places from more points, or choose a smaller minimum of "
        "places"
    )


def test_every_point_of_the_area_has_a_piece_of_its_own_ward() -> None:
    rng = np.random.default_rng(3)
    west, south, east, north = AREA.bounds
    lon, lat = rng.uniform(west, east, 4000), rng.uniform(south, north, 4000)
    ward = AREA.wards.locate(lon, lat)
    lon, lat, ward = lon[ward >= 0], lat[ward >= 0], ward[ward >= 0]
    codes = [AREA.wards.codes[k] for k in ward]
    leaves = FINE.find_leaves(index_points(lon, lat, resolution=9).tolist(), codes)
    assert [FINE.places[leaf].ward_code for leaf in leaves] == codes
    assert {FINE.places[leaf].level for leaf in leaves} == {"piece"}


def test_the_borough_alone_takes_everything() -> None:
    tree = build_borough_tree(AREA, "whole")
    assert tree.find_leaves([1, 2], ["E1", "E2"]).tolist() == [0, 0]
    assert tree.places[0].place_id == "whole.middlesbrough"
    assert FINE.find_leaves([1], ["elsewhere"]).tolist() == [-1]
