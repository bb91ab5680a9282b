"""Events that were placed by a postcode or a street, in a release."""

from pathlib import Path

import numpy as np
import pytest

from geo.cells import index_points_at
from hexbeat.areas.addresses import AddressPlace, build_address_finder
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.places_mask import read_places_mask
from hexbeat.release.audit import audit_folder
from hexbeat.release.builder import build_trees
from layers.event import RESOLUTIONS
from tests.support.releases import Publisher, made_quarters


@pytest.mark.slow
def test_events_placed_by_an_address_are_in_a_piece_of_their_ward_and_the_audit_passes(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "home")
    area = publisher.area
    finder, gazetteer = build_address_finder(area), read_gazetteer(area)
    assert finder is not None
    assert gazetteer is not None
    entries = gazetteer.entries[gazetteer.entries["kind"].isin(("street", "postcode"))]
    places = [
        finder.find_postcode(name) if kind == "postcode" else finder.find_street(name)
        for kind, name in zip(entries["kind"], entries["name"], strict=True)
    ]
    placed = [place for place in places if isinstance(place, AddressPlace)]
    assert {place.kind for place in placed} == {"postcode", "street"}
    lon, lat = np.array([(place.lon, place.lat) for place in placed]).T
    ward = area.wards.locate(lon, lat)
    assert (ward >= 0).all()  # each is in the area, so that ingest takes it

    # Every second event is at one of these addresses, chosen by chance: many of them lie where no event ever was.
    chosen = np.random.default_rng(5).choice(len(placed), size=1_500)
    placed, lon, lat, ward = [placed[index] for index in chosen], lon[chosen], lat[chosen], ward[chosen]
    frame = made_quarters(area)
    rows = np.arange(len(frame)) % 2 == 0
    frame.loc[rows, "lon"], frame.loc[rows, "lat"] = lon, lat
    frame.loc[rows, "ward_code"] = np.array(area.wards.codes, dtype=object)[ward]
    frame.loc[rows, "location_precision"] = [place.kind for place in placed]
    frame.loc[rows, "location_precision_m"] = [place.metres for place in placed]
    cells = index_points_at(frame["lon"].to_numpy(), frame["lat"].to_numpy(), resolutions=RESOLUTIONS)
    frame = frame.assign(**{f"h3_{resolution:02d}": cells[resolution] for resolution in RESOLUTIONS})
    publisher.load(frame, now="2026-07-02")
    publisher.publish(tmp_path / "out")
    assert audit_folder(tmp_path / "out").findings == ()

    tree = build_trees(area, read_places_mask(area), publisher.policy)["fine"]
    leaves = tree.find_leaves(frame["h3_09"].astype(np.uint64).tolist(), frame["ward_code"].tolist())
    assert [tree.places[leaf].ward_code for leaf in leaves] == frame["ward_code"].tolist()
