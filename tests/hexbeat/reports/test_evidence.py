"""An evidence pack holds what is near and nothing else, says how sure that is, and proves its content."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyproj import Geod

from geo.cells import index_points
from geo.errors import PolicyError, UsageError
from hexbeat.cli.evidence_commands import describe_nothing
from hexbeat.documents.evidence.evidence_document import (
    build_fact_rows,
    build_month_table,
    describe_no_records,
    format_incident,
    format_source,
)
from hexbeat.reports.evidence import (
    EvidenceRequest,
    build_evidence,
    encode_canonical,
    find_recorded_pack,
    hash_content,
    list_default_layers,
    record_pack,
)
from hexbeat.store.live_columns import read_columns
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST, Action, Viewer, may
from layers.coverage import Coverage, CoverageEntry
from layers.event import RESOLUTIONS
from tests.support.demonstrations import middlesbrough
from tests.support.events import event_frame, load_frame, reject_frame
from tests.support.stores import documents_in

LON, LAT = -1.2401, 54.5727
MADE = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
START, END = dt.date(2026, 1, 1), dt.date(2026, 11, 1)
HOUR = 3600


def seconds(*moment: int) -> int:
    return int(dt.datetime(*moment, tzinfo=dt.UTC).timestamp())  # type: ignore[arg-type, misc] # year, month, day, ...


def at(metres: float, bearing: float = 90.0) -> tuple[float, float]:
    lon, lat, _ = Geod(ellps="WGS84").fwd(LON, LAT, bearing, metres)
    return lon, lat


def event(name: str, *, metres: float = 50, bearing: float = 90, **columns: Any) -> pd.DataFrame:
    """One event so far from the place; by default a needle find in May."""
    lon, lat = at(metres, bearing)
    when = columns.pop("when", seconds(2026, 5, 3, 10, 15))
    until = columns.pop("until", when)
    ward = middlesbrough().wards.codes[int(middlesbrough().wards.locate([lon], [lat])[0])]
    frame = event_frame([name], lon=lon, lat=lat, occurred_from=when, occurred_to=until, ward_code=ward, **columns)
    return frame.assign(**{f"h3_{r:02d}": index_points([lon], [lat], resolution=r) for r in RESOLUTIONS})


def pack(tmp_path: Path, *events: pd.DataFrame, source: str = "table", **choices: Any) -> dict[str, Any]:
    """The content of a pack over these events."""
    options = {"radius_m": 100.0, "start": START, "end": END, "reference": "CL-14", "made_by": "A. Analyst"} | choices
    with Store.open(tmp_path / "home") as store:
        frame = pd.concat(events, ignore_index=True).assign(source=source)
        load_frame(store, middlesbrough(), frame, source=source)
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
        return build_evidence(
            store, ANALYST, columns, middlesbrough(), EvidenceRequest(LON, LAT, **options), made_at=MADE
        )


def test_what_is_within_the_radius_and_the_period_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    content = pack(
        tmp_path,
        event("inside", metres=99.8),
        event("outside", metres=100.6),
        event("before", when=seconds(2025, 12, 31, 23, 59)),
        event("first", when=seconds(2026, 1, 1, 0, 0)),
        event("last", when=seconds(2026, 10, 31, 23, 59)),  # local midnight is at 00:00 UTC in winter
        event("after", when=seconds(2026, 11, 1, 0, 0)),
    )
    assert [row["source_id"] for row in content["incidents"]] == ["first", "inside", "last"]
    assert [row["number"] for row in content["incidents"]] == [1, 2, 3]
    assert [row["distance_m"] for row in content["incidents"]] == [50, 100, 50]
    assert {row["side"] for row in content["incidents"]} == {"E"}


def test_a_closure_in_force_is_in_it_and_times_are_local(tmp_path: Path) -> None:
    content = pack(
        tmp_path,
        event("closed", layer="closed_properties", when=seconds(2025, 11, 1), until=seconds(2026, 2, 1)),
        event("over", layer="closed_properties", when=seconds(2025, 8, 1), until=seconds(2025, 11, 1)),
        event("summer", when=seconds(2026, 6, 30, 23, 30)),
    )
    assert [(row["source_id"], row["when"]) for row in content["incidents"]] == [
        ("closed", "1 Nov 2025 to 31 Jan 2026"),
        ("summer", "1 Jul 2026, 00:30"),
    ]
    with_records = [row for row in content["months"] if any(row[name] for name in content["layers"])]
    assert [row["month"] for row in with_records] == ["2025-11", "2026-07"]
    assert build_month_table(content)[0] == ["Nov 2025", "outside the period", "outside the period", "1"]


def test_overdoses_are_left_out_unless_asked_for_by_name(tmp_path: Path) -> None:
    events = (event("needle"), event("overdose", layer="overdoses"))
    content = pack(tmp_path, *events)
    assert [row["source_id"] for row in content["incidents"]] == ["needle"]
    assert "Overdoses are not part of this pack." in content["caveats"]
    with pytest.raises(UsageError) as caught:
        pack(tmp_path, *events, layers=(*list_default_layers(), "overdoses"))
    assert str(caught.value) == (
        "A pack with overdoses needs a reason, because it is about people's health; no reason was given; say in a few "
        "words why the case needs them"
    )
    content = pack(tmp_path, *events, layers=(*list_default_layers(), "overdoses"), reason="asked for by the court")
    assert "asked for by the court" not in str(content)
    assert {row["source_id"] for row in content["incidents"]} == {"needle", "overdose"}


def test_what_is_known_to_a_month_is_said_to_be_unsure(tmp_path: Path) -> None:
    whole = event("month", time_precision="month", when=seconds(2026, 4, 30, 23), until=seconds(2026, 5, 31, 23))
    content = pack(tmp_path, whole, start=dt.date(2026, 5, 10))
    (row,) = content["incidents"]
    assert (row["when"], row["surely"]) == ("May 2026 (month only)", False)
    assert format_source(content["sources"][0])[3] == "May 2026 (known to the month)"
    assert content["totals"][0] == {"layer": "needle_litter", "records": 1, "unsure": 1}
    assert "1 of the 1 records is known only to the month." in content["caveats"]
    assert "1 of the 1 records is known to a time that lies only partly in the period." in content["caveats"]


def test_points_that_several_share_are_named_and_police_uk_is_not_at_the_address(tmp_path: Path) -> None:
    shared = [event(f"e{k}") for k in range(3)]
    content = pack(tmp_path, *shared, event("alone", metres=70))
    assert [row["shared_point"] for row in content["incidents"]] == [False, True, True, True]
    assert any(words.startswith("3 of the 4 records are at coordinates that several") for words in content["caveats"])
    anchored = pack(tmp_path / "other", *shared, source="police-uk-street")
    caveat = next(words for words in anchored["caveats"] if "police.uk" in words)
    assert caveat.startswith("3 of the 3 records are from police.uk, which moves every record to one of its own points")
    assert caveat.endswith("they are not at the address, and the distance given is to that point.")


def test_how_well_sources_know_places_is_said_of_each_record_and_among_the_caveats(tmp_path: Path) -> None:
    def say(name: str, kind: str | None, off_m: float = float("nan"), *, metres: float = 50) -> pd.DataFrame:
        return event(name, metres=metres, location_precision=kind, location_precision_m=off_m)

    content = pack(
        tmp_path, say("a", "postcode", 100.0), say("b", "randomised", 250.0), say("c", "snapped"), say("d", "exact"),
        say("e", None, metres=60),
    )  # fmt: skip
    said = {row["source_id"]: (row["location_precision"], row["location_precision_m"]) for row in content["incidents"]}
    assert said == {
        "a": ("postcode", 100.0), "b": ("randomised", 250.0), "c": ("snapped", None), "d": ("exact", None),
        "e": ("", None),
    }  # fmt: skip
    address = "they are not at the address, and the distance given is to that point."
    assert [line for line in content["caveats"] if line.startswith(("1 of the 5", "True"))] == [
        f"1 of the 5 records is from sources that move every record to one of their own points: {address}",
        f"1 of the 5 records is placed at the middle of a postcode: {address}",
        f"1 of the 5 records is moved at random by their source: {address}",
        (
            "True places may lie up to 250 m from the points given: some records may belong elsewhere, and some of "
            "this place may be missing."
        ),
    ]
    doubts = {row["source_id"]: format_incident(row)["doubts"] for row in content["incidents"]}
    assert doubts == {"a": "placed by postcode", "b": "moved at random", "c": "snapped to a point", "d": "", "e": ""}
    before = [{name: row[name] for name in row if not name.startswith("location_")} for row in content["incidents"]]
    assert {format_incident(row)["doubts"] for row in before} == {"", "shared coordinates"}


def test_free_text_only_where_it_is_asked_for(tmp_path: Path) -> None:
    noted = event("noted", note="Behind the bins")
    assert "Behind the bins" not in encode_canonical(pack(tmp_path, noted)).decode()
    (row,) = pack(tmp_path, noted, notes=True)["incidents"]
    assert row["note"] == "Behind the bins"


def test_sources_say_what_they_hold_and_what_was_used(tmp_path: Path) -> None:
    content = pack(tmp_path, event("near"), event("far", metres=400))
    (row,) = content["sources"]
    assert (row["source"], row["layer"], row["used"], row["events"], row["rejects"]) == (
        "table",
        "needle_litter",
        1,
        2,
        0,
    )
    assert content["demonstration"] == ""


def test_the_last_record_of_a_source_is_of_its_local_day(tmp_path: Path) -> None:
    """Half past midnight in summer time is the day before in UTC."""
    content = pack(tmp_path, event("near", when=seconds(2026, 7, 1, 23, 30)))
    assert [row["last_record"] for row in content["sources"]] == ["2026-07-02"]


def test_a_source_of_which_nothing_near_could_be_used_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Store.open(home) as store:
        load_frame(store, middlesbrough(), event("far", metres=400).assign(source="council"), source="council")
        load_frame(store, middlesbrough(), event("other", layer="overdoses").assign(source="health"), source="health")
        with store.begin_load(ANALYST, area="middlesbrough") as entry:
            for name, source in (("a.csv", "council"), ("b.csv", "wardens")):
                with entry.file(name, source, sha256="0" * 64) as part:
                    part.add_rejects(reject_frame({2: ("no_place", "{}"), 3: ("no_place", "{}")}))
    content = pack(tmp_path, event("near"))
    source_rows = [
        tuple(row[name] for name in ("source", "layer", "used", "events", "rejects")) for row in content["sources"]
    ]
    assert source_rows == [
        ("council", "needle_litter", 0, 1, 2),
        ("table", "needle_litter", 1, 1, 0),
        ("wardens", "", 0, 0, 2),
    ]
    assert content["sources"][2]["reasons"] == {"no_place": 2}
    assert format_source(content["sources"][0])[2] == "0 of 1"
    assert format_source(content["sources"][2]) == ["wardens", "not known", "0 of 0", "none", "2 (2 no place)", "", ""]
    assert "4 rows of these sources' files could not be used, and are not counted anywhere." in content["caveats"]


def test_the_same_content_has_the_same_hash_and_any_change_another(tmp_path: Path) -> None:
    content = pack(tmp_path, event("near"))
    again = json.loads(encode_canonical(content))
    assert hash_content(again) == hash_content(content)
    assert encode_canonical(again) == encode_canonical(content)
    assert hash_content(content | {"made_by": "B. Analyst"}) != hash_content(content)
    content["incidents"][0]["distance_m"] += 1
    assert hash_content(again) != hash_content(content)


def test_nobody_without_the_right_makes_one(tmp_path: Path) -> None:
    nobody = Viewer(role="visitor")  # type: ignore[arg-type] # a role that there is not
    assert not may(nobody, Action.MAKE_EVIDENCE, "needle_litter")
    with Store.open(tmp_path / "home") as store:
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
        request = EvidenceRequest(LON, LAT, 100, START, END, "CL-14", "A. Analyst")
        with pytest.raises(PolicyError) as caught:
            build_evidence(store, nobody, columns, middlesbrough(), request, made_at=MADE)
    assert caught.value.fact == "it does not let visitor make evidence of needle_litter"


def test_a_place_outside_the_area_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
        with pytest.raises(UsageError) as caught:
            build_evidence(
                store,
                ANALYST,
                columns,
                middlesbrough(),
                EvidenceRequest(54.57, -1.24, 100, START, END, "C", "A"),
                made_at=MADE,
            )
    assert str(caught.value) == (
        "The place of a pack lies in the area served; -1.24000, 54.57000 lies outside Middlesbrough; check the order: "
        "latitude is about 54, longitude about -1"
    )


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"radius_m": 5.0}, "it was given as 5"),
        ({"end": START}, "it is asked for from 2026-01-01 to 2026-01-01"),
        ({"reference": " "}, "the reference is empty"),
        ({"made_by": "x" * 121}, "the name has more than 120 letters"),
        ({"layers": ("crime",)}, "there is no layer 'crime'"),
    ],
)
def test_a_pack_is_asked_for_in_full(change: dict[str, Any], fact: str) -> None:
    options: dict[str, Any] = {
        "radius_m": 100.0,
        "start": START,
        "end": END,
        "reference": "CL-14",
        "made_by": "A. Analyst",
    } | change
    with pytest.raises(UsageError) as caught:
        EvidenceRequest(LON, LAT, **options)
    assert caught.value.fact == fact


def test_the_register_knows_the_hash_and_the_moment_alone(tmp_path: Path) -> None:
    digest = "ab" * 32
    assert find_recorded_pack(documents_in(tmp_path), digest) is None
    record_pack(documents_in(tmp_path), digest, MADE)
    record_pack(documents_in(tmp_path), digest, MADE + dt.timedelta(days=1))
    assert find_recorded_pack(documents_in(tmp_path), digest) == MADE
    assert find_recorded_pack(documents_in(tmp_path), "../../etc/passwd") is None
    assert documents_in(tmp_path).list_names(DocumentKind.EVIDENCE) == [digest]


def test_what_is_not_known_around_the_place_is_said_and_is_no_nought(tmp_path: Path) -> None:
    needle = event("needle")
    with Store.open(tmp_path / "home") as store:
        load_frame(store, middlesbrough(), needle, source="table")
        columns = read_columns(store, ANALYST, ward_codes=middlesbrough().wards.codes)
        days = CoverageEntry("needle_litter", "table", "", dt.date(2026, 1, 1), dt.date(2026, 10, 11))
        gap = CoverageEntry("needle_litter", "", "", dt.date(2026, 3, 1), dt.date(2026, 4, 1), kind="cleared")
        gaps = replace(columns, coverage=Coverage((days, gap), columns.ward_codes))
        request = EvidenceRequest(
            LON, LAT, 100.0, START, END, "CL-14", "A. Analyst", layers=("needle_litter", "street_dealing")
        )
        content = build_evidence(store, ANALYST, gaps, middlesbrough(), request, made_at=MADE)
    assert content["not_known"] == [
        {"layer": "needle_litter", "state": "partly known", "missing": "Mar 2026 and 11 to 31 Oct 2026 are not known"},
        {"layer": "street_dealing", "state": "not known", "missing": "Jan to Oct 2026 are not known"},
    ]
    assert content["caveats"][1:3] == [
        "Needle finds: Mar 2026 and 11 to 31 Oct 2026 are not known. That is not the same as none.",
        "Street dealing: Jan to Oct 2026 are not known. That is not the same as none.",
    ]
    assert dict(build_fact_rows(content))["Records"] == (
        "1 in all: 1 needle find (not all days are known) and reports of street dealing not known"
    )
    assert [(row["month"][5:], row["needle_litter"]) for row in content["months"]] == [
        ("01", 0), ("02", 0), ("03", None), ("04", 0), ("05", 1), *((f"{month:02}", 0) for month in range(6, 11)),
    ]  # fmt: skip
    assert {row["street_dealing"] for row in content["months"]} == {content["totals"][1]["records"]} == {None}
    table = build_month_table(content)
    assert table[2:5] == [["Mar 2026", "not known", "not known"], ["Apr 2026", "0", "not known"],
                          ["May 2026", "1", "not known"]]  # fmt: skip
    assert table[-1] == ["Oct 2026", "0 (not all days are known)", "not known"]
    old_keys = content.keys() - {"not_known", "months_not_known"}
    before = {name: content[name] for name in old_keys}
    assert dict(build_fact_rows(before))["Records"] == "1 in all: 1 needle find and 0 reports of street dealing"


@pytest.mark.slow
def test_where_nothing_is_known_no_record_is_not_none(tmp_path: Path) -> None:
    content = pack(tmp_path, event("near"), layers=("street_dealing", "closed_properties"))
    assert dict(build_fact_rows(content))["Records"] == (
        "reports of street dealing not known and closed properties not known"
    )
    assert describe_no_records(content) == "Not known: no records cover this place and period."
    assert len(content["months"]) == 10
    assert describe_nothing(content) == "not known"
    both = ("needle_litter", "street_dealing", "overdoses")
    some = pack(
        tmp_path,
        event("near"),
        start=dt.date(2026, 5, 2),
        end=dt.date(2026, 5, 4),
        radius_m=20,
        layers=both,
        reason="x",
    )
    assert describe_nothing(some) == (
        "none, but reports of street dealing and overdoses are not known, and not all days of needle finds are known"
    )
    partly = pack(tmp_path, event("near"), start=dt.date(2026, 5, 3), end=dt.date(2026, 5, 4), radius_m=20)
    assert describe_no_records(partly) == "No record lies within the radius and the period. Not all days are known."
