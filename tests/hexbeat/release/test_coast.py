"""Events that were counted in the nearest ward at a coast, in a release."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.cells import index_points_at
from geo.wards import OUTSIDE
from hexbeat.areas.places_mask import read_places_mask
from hexbeat.release.audit import audit_folder
from hexbeat.release.builder import build_trees
from layers.event import RESOLUTIONS
from tests.support.releases import Publisher, made_quarters


@pytest.mark.slow
def test_events_counted_at_a_coast_are_in_a_piece_of_their_ward_and_the_audit_passes(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "home")
    wards = publisher.area.wards
    frame = made_quarters(publisher.area)
    edge = shapely.get_coordinates(shapely.union_all(wards.polygons).convex_hull.exterior)

    lon, lat = (edge + (edge - edge.mean(axis=0)) * 0.002).T  # a few metres outwards
    ward, metres = wards.find_nearest(lon, lat, within_m=500)
    found = np.flatnonzero((wards.locate(lon, lat) == OUTSIDE) & (ward != OUTSIDE))[:10]
    assert len(found) == 10
    assert metres[found].min() > 1
    rows = np.arange(len(frame)) % 10 == 0  # every tenth event is on a beach
    chosen = found[np.arange(int(rows.sum())) % len(found)]
    frame.loc[rows, "lon"], frame.loc[rows, "lat"] = lon[chosen], lat[chosen]
    frame.loc[rows, "ward_code"] = np.array(wards.codes, dtype=object)[ward[chosen]]
    cells = index_points_at(frame["lon"].to_numpy(), frame["lat"].to_numpy(), resolutions=RESOLUTIONS)
    frame = frame.assign(**{f"h3_{resolution:02d}": cells[resolution] for resolution in RESOLUTIONS})
    publisher.load(frame, now="2026-07-02")
    publisher.publish(tmp_path / "out")
    assert audit_folder(tmp_path / "out").findings == ()
    tree = build_trees(publisher.area, read_places_mask(publisher.area), publisher.policy)["fine"]
    leaves = tree.find_leaves(frame["h3_09"].astype(np.uint64).tolist(), frame["ward_code"].tolist())
    assert [tree.places[leaf].ward_code for leaf in leaves] == frame["ward_code"].tolist()
