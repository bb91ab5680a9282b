"""Rows without coordinates: placed by their postcode or street, or rejected with the reason beside their columns."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geo.errors import DataError
from hexbeat.areas.area import Area, Publisher, load_area
from hexbeat.areas.gazetteer_files import build_gazetteer
from hexbeat.ingest.ingest import IngestReport
from hexbeat.ingest.load_checks import NoGazetteerError
from hexbeat.ingest.sources import load_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import ingest, table
from tests.support.stores import documents_in

HEADING = "layer,source_id,date,lon,lat,Post Code,Street"
ROWS = (
    "needles,point,2025-06-01,-1.2351,54.5742,TS1 2AA,Linthorpe Road",
    "needles,code,2025-06-01,,,ts12aa,14 Linthorpe Road",
    "needles,street,2025-06-01,,,,outside 14 Linthorpe Rd",
    "needles,words,2025-06-01,,,not known,14 Linthorpe Rd",
    "needles,other,2025-06-01,,,,Borough Road",
)
WARD = "E05009869"  # Park


@pytest.fixture
def middlesbrough(tmp_path: Path) -> Area:
    return load_area("middlesbrough", home=tmp_path)


@pytest.fixture
def plain(tmp_path: Path) -> Area:
    """Middlesbrough without a gazetteer, in a folder of the test's own."""
    shipped = load_area("middlesbrough", home=tmp_path).folder
    folder = tmp_path / "boundaries" / "middlesbrough"
    folder.mkdir(parents=True)
    for name in ("area.toml", "wards.geojson"):
        shutil.copy(shipped / name, folder / name)
    return load_area("middlesbrough", home=tmp_path)


def live(store: Store) -> pd.DataFrame:
    return read_live_records(store, ANALYST).set_index("source_id")


def rejects(report: IngestReport) -> list[tuple[int, str, dict[str, str]]]:
    return [(sample.line, sample.reason, json.loads(sample.raw)) for sample in report.samples]


def test_rows_without_coordinates_are_placed_and_say_how_well(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    report = ingest(sqlite_store, table(tmp_path, *ROWS, heading=HEADING), area=middlesbrough)
    events = live(sqlite_store)
    assert events[["lon", "lat"]].apply(tuple, axis=1).to_dict() == {
        "point": (-1.2351, 54.5742),
        "code": (-1.22755, 54.57526),
        "street": (-1.24165, 54.56418),
        "words": (-1.24165, 54.56418),
        "other": (-1.22776, 54.57222),
    }
    known = events[["location_precision", "location_precision_m"]].astype(object)
    assert known.where(known.notna(), None).apply(tuple, axis=1).to_dict() == {
        "point": (None, None), "code": ("postcode", 50.0), "street": ("street", 556.4), "words": ("street", 556.4),
        "other": ("street", 175.0),
    }  # fmt: skip
    assert events.loc["street", "ward_code"] == WARD
    assert report.remarks == [
        "rows.csv: 1 row is placed by a postcode (known to 50 m) and 3 rows by a street (known to 175 to 556 m)"
    ]


def test_what_a_source_says_of_its_points_does_not_hold_for_addresses(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    rows = ("needles,a,2025-06-01,,,TS1 2AA,,exact,5", "needles,b,2025-06-01,-1.2351,54.5742,TS1 2AA,,exact,5")
    heading = f"{HEADING},location_precision,location_precision_m"
    ingest(sqlite_store, table(tmp_path, *rows, heading=heading), area=middlesbrough)
    known = live(sqlite_store)[["location_precision", "location_precision_m"]].apply(tuple, axis=1).to_dict()
    assert known == {"a": ("postcode", 50.0), "b": ("exact", 5.0)}


def test_rejects_show_the_address_and_why_it_gives_no_place(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    rows = (
        *ROWS,
        "needles,several,2025-06-01,,,,12 Church Lane",
        "needles,part,2025-06-01,,,TS1,Linthorpe Road",
        "needles,unknown,2025-06-01,,,TS1 2ZZ,Linthorpe Road",
        "needles,typing,2025-06-01,,,,Lnthorpe Road",
        "needles,blank,2025-06-01,,,,",
        "needles,point,2025-06-31,-1.2351,54.5742,TS1 2AA,14 Linthorpe Road",
    )
    report = ingest(sqlite_store, table(tmp_path, *rows, heading=HEADING), area=middlesbrough)
    found = {raw["source_id"]: (reason, raw) for _, reason, raw in rejects(report)}
    reasons = {
        key: [reason, *(f"{name} {raw[name]}" for name in raw if name[0] == "(")]
        for key, (reason, raw) in found.items()
    }
    assert reasons == {
        "several": ["missing_location", "(choice) Church Lane (Acklam), Church Lane (Nunthorpe)"],
        "part": ["missing_location", "(postcode) only a part of a postcode"],
        "unknown": ["missing_location", "(postcode) not in the gazetteer of Middlesbrough"],
        "typing": ["missing_location", "(street) not in the gazetteer of Middlesbrough; similar: Linthorpe Road"],
        "blank": ["missing_location"],
        "point": ["bad_date"],
    }
    assert found["several"][1]["Street"] == "12 Church Lane"
    assert "Street" not in found["point"][1]  # a row with coordinates shows no address
    assert report.remarks[-1] == (
        "rows.csv: 1 row names a street that is in several places; write the ward behind the street, after a comma"
    )
    again = 'needles,several,2025-06-01,,,,"12 Church Lane, Acklam"'
    ingest(sqlite_store, table(tmp_path, again, heading=HEADING, name="again.csv"), area=middlesbrough)
    assert live(sqlite_store).loc["several", "location_precision"] == "street"


def test_an_address_outside_the_area_says_how_far(sqlite_store: Store, tmp_path: Path, middlesbrough: Area) -> None:
    rows = (*ROWS, "needles,out,2025-06-01,,,,5 High Street")
    report = ingest(sqlite_store, table(tmp_path, *rows, heading=HEADING), area=middlesbrough)
    ((line, reason, raw),) = rejects(report)
    assert (line, reason) == (7, "outside_area")
    assert raw["(nearest ward)"] == "5 m outside Park End & Beckfield"


def test_a_file_of_addresses_that_all_fail_names_the_cause(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    rows = ("needles,1,2025-06-01,Church Lane", "needles,2,2025-06-01,Church Lane")
    with pytest.raises(DataError) as caught:
        ingest(sqlite_store, table(tmp_path, *rows, heading="layer,id,date,street"), area=middlesbrough)
    assert str(caught.value) == (
        "A load needs at least one row that can be used; every row of rows.csv was rejected: missing_location 2; "
        "write the ward behind the street, after a comma"
    )
    with pytest.raises(DataError) as caught:
        ingest(
            sqlite_store,
            table(tmp_path, "needles,1,2025-06-01,Nowhere", heading="layer,id,date,street"),
            area=middlesbrough,
        )
    assert str(caught.value) == (
        "A load needs at least one row that can be used; every row of rows.csv was rejected: missing_location 1; "
        "use postcodes and streets that the gazetteer of Middlesbrough has, or add coordinates to the file"
    )


def test_without_a_gazetteer_a_file_of_addresses_is_refused(sqlite_store: Store, tmp_path: Path, plain: Area) -> None:
    path = table(tmp_path, "needles,1,2025-06-01,TS1 2AA", heading="layer,id,date,post code")
    with pytest.raises(NoGazetteerError) as caught:
        ingest(sqlite_store, path, area=plain)
    assert str(caught.value) == (
        "A file without coordinates needs a gazetteer of Middlesbrough; rows.csv has its places in the column post "
        "code, and there is no gazetteer to find them in; add coordinates to the file, or have a gazetteer built"
    )
    assert sqlite_store.batches(ANALYST) == []


def test_without_a_gazetteer_rows_with_coordinates_are_loaded(sqlite_store: Store, tmp_path: Path, plain: Area) -> None:
    report = ingest(sqlite_store, table(tmp_path, *ROWS, heading=HEADING), area=plain)
    assert live(sqlite_store).index.tolist() == ["point"]
    assert report.files[0].tally.reasons == {"missing_location": 4}
    assert report.remarks == [
        "rows.csv: 4 rows have an address and no coordinates; Middlesbrough has no gazetteer to place them by"
    ]


@pytest.mark.slow
def test_a_newer_gazetteer_moves_an_event_and_keeps_its_name(sqlite_store: Store, tmp_path: Path, plain: Area) -> None:
    path = table(tmp_path, "needles,2025-06-01,14 Long Street", heading="layer,date,street")
    places = []
    for lon in (-1.235, -1.236):
        points = tmp_path / "streets.csv"
        points.write_text(f"kind,name,lon,lat\nstreet,Long Street,{lon},54.574\n", encoding="utf-8")
        build_gazetteer([points], plain, source=Publisher("A council", "OGL v3.0", "Contains data of a council"))
        report = ingest(sqlite_store, path, area=plain)
        places.append((report.files[0].tally.new, report.files[0].tally.updated))
    assert places == [(1, 0), (0, 1)]
    assert live(sqlite_store)["lon"].tolist() == [-1.236]
    assert ingest(sqlite_store, path, area=plain).files[0].tally.unchanged == 1


def test_an_address_beside_coordinates_changes_no_event(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    """Without identifiers the content names a row: that of a row with coordinates leaves addresses out."""
    heading = "layer,date,lon,lat,street"
    place = "needles,2025-06-01,-1.2351,54.5742"
    ingest(sqlite_store, table(tmp_path, place, heading="layer,date,lon,lat"), area=middlesbrough)
    for street in ("Linthorpe Road", "Nowhere"):
        report = ingest(sqlite_store, table(tmp_path, f"{place},{street}", heading=heading), area=middlesbrough)
        assert report.files[0].tally.unchanged == 1
    assert len(live(sqlite_store)) == 1


def test_two_finds_in_a_street_are_two_and_spelling_does_not_matter(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    rows = ["needles,2025-06-01,Linthorpe Road", "needles,2025-06-01,Linthorpe Road", "needles,2025-06-01,Borough Road"]
    ingest(sqlite_store, table(tmp_path, *rows, heading="layer,date,street"), area=middlesbrough)
    assert len(live(sqlite_store)) == 3
    rows[0] = "needles,2025-06-01,LINTHORPE RD."
    report = ingest(sqlite_store, table(tmp_path, *rows, heading="layer,date,street"), area=middlesbrough)
    assert report.files[0].tally.unchanged == 3


def test_streets_do_not_sway_how_coordinates_are_read(sqlite_store: Store, tmp_path: Path, middlesbrough: Area) -> None:
    """Swapped coordinates are still found out, however many rows of the file are placed by their street."""
    rows = [f"needles,{n},2025-06-01,54.57{n:02},-1.23{n:02},," for n in range(10, 30)]
    rows += [f"needles,s{n},2025-06-01,,,,Linthorpe Road" for n in range(40)]
    report = ingest(sqlite_store, table(tmp_path, *rows, heading=HEADING), area=middlesbrough)
    assert report.files[0].tally.accepted == 60
    assert report.remarks[0] == (
        "rows.csv: coordinates are read with both coordinates swapped, because 20 of 20 places lie in Middlesbrough "
        "that way, and none as they stand"
    )


@pytest.mark.slow
def test_points_of_a_geofile_without_a_shape_are_placed(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    shape = {"type": "Point", "coordinates": [-1.2351, 54.5742]}
    properties = {"layer": "needles", "date": "2025-06-01", "street": "Linthorpe Road"}
    features = [
        {"type": "Feature", "geometry": geometry, "properties": {**properties, "id": f"{key} 1"}}
        for key, geometry in (("shape", shape), ("none", None))
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    ingest(sqlite_store, path, source="geofile", area=middlesbrough)
    precision = live(sqlite_store)["location_precision"].fillna("").to_dict()
    assert precision == {"shape 1": "", "none 1": "street"}


def test_a_source_of_ones_own_names_its_columns(sqlite_store: Store, tmp_path: Path, middlesbrough: Area) -> None:
    profile = load_profile("table", documents_in(tmp_path))
    location = replace(profile.location, street=("Where found",))
    path = table(tmp_path, "needles,1,2025-06-01,Linthorpe Road", heading="layer,id,date,Where found")
    ingest(sqlite_store, path, source=replace(profile, location=location), area=middlesbrough)
    assert live(sqlite_store)["location_precision"].tolist() == ["street"]


def test_a_column_of_wards_tells_streets_of_one_name_apart(
    sqlite_store: Store, tmp_path: Path, middlesbrough: Area
) -> None:
    rows = [
        "needles,acklam,2025-06-01,2 Church Lane,Acklam",
        "needles,nunthorpe,2025-06-01,2 Church Lane,nunthorpe",
        "needles,blank,2025-06-01,2 Church Lane,",
        "needles,elsewhere,2025-06-01,Linthorpe Road,Redcar",
    ]
    report = ingest(sqlite_store, table(tmp_path, *rows, heading="layer,id,date,street,ward"), area=middlesbrough)
    names = dict(zip(middlesbrough.wards.codes, middlesbrough.wards.names, strict=True))
    assert live(sqlite_store)["ward_code"].map(names).to_dict() == {"acklam": "Acklam", "nunthorpe": "Nunthorpe"}
    assert [list(raw.items())[-3:] for _, _, raw in rejects(report)] == [
        [("street", "2 Church Lane"), ("ward", None), ("(choice)", "Church Lane (Acklam), Church Lane (Nunthorpe)")],
        [
            ("street", "Linthorpe Road"),
            ("ward", "Redcar"),
            ("(street)", "the rest of the address is no ward or council of Middlesbrough"),
        ],
    ]
