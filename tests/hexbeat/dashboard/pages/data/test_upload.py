from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.areas.area import load_area
from hexbeat.dashboard.pages.data.reading_section import assign_suggested_columns, describe_reading
from hexbeat.dashboard.pages.data.upload import build_match_table, build_profile, parse_matches
from hexbeat.ingest.ingest import ingest_files
from hexbeat.ingest.sources import list_profiles, save_profile
from hexbeat.ingest.suggestions import Suggestion, find_missing_parts, suggest_profile
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.stores import documents_in

FILE = (
    "Ref,Found on,Long X,Lat Y,How many,<img src=x onerror=alert(1)>\n"
    "1,03/11/2026 14:05,-1.2345,54.5742,3,=1+1\n"
    "2,04/11/2026 09:30,-1.2355,54.5752,1,`x`\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sweeps.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def suggestion(path: Path) -> Suggestion:
    return suggest_profile(path)


def test_every_column_of_the_file_has_a_row_with_samples_and_a_meaning(suggestion: Suggestion) -> None:
    frame = build_match_table(suggestion)
    assert frame["Column"].tolist() == [
        "Ref",
        "Found on",
        "Long X",
        "Lat Y",
        "How many",
        "<img src=x onerror=alert(1)>",
    ]
    assert frame["Samples"].iloc[2] == "-1.2345, -1.2355"
    assert frame["Meaning"].tolist()[-1] == "not used"


def test_what_is_matched_becomes_a_source_that_loads_the_file(
    suggestion: Suggestion, path: Path, tmp_path: Path
) -> None:
    frame = build_match_table(suggestion)
    frame["Meaning"] = ["identifier", "date, or date and time", "longitude", "latitude", "quantity", "category"]
    parts = parse_matches(frame)
    profile = build_profile(suggestion, parts, name="council-sweeps", layer="needle_litter", taken=[])
    home = tmp_path / "home"
    with Store.open(home) as store:
        save_profile(profile, documents_in(home))
        area = load_area("middlesbrough", home=home)
        report = ingest_files(store, ANALYST, [path], source="council-sweeps", area=area, home=home)
        assert report.files[0].tally.new == 2
    assert "council-sweeps" in [profile.name for profile in list_profiles(documents_in(home))]


def test_columns_that_are_not_used_have_no_part(suggestion: Suggestion) -> None:
    frame = build_match_table(suggestion)
    frame["Meaning"] = "not used"
    assert parse_matches(frame) == {}


@pytest.mark.parametrize(
    ("name", "fact"),
    [("../x", "'../x' is not such a name"), ("", "'' is not such a name"), ("table", "'table' is taken")],
)
def test_a_source_has_a_name_of_its_own(suggestion: Suggestion, name: str, fact: str) -> None:
    with pytest.raises(DataError) as refused:
        build_profile(suggestion, {}, name=name, layer="needle_litter", taken=["table"])
    assert str(refused.value) == (
        "A source needs a name of its own, of lower-case letters, digits and hyphens; "
        f"{fact}; choose one such as council-sweeps"
    )


def test_a_file_of_streets_alone_becomes_a_source_that_loads_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        'Ref,Found on,Where\n1,03/11/2026 14:05,14 Linthorpe Rd\n2,04/11/2026 09:30,"Borough Road, Middlesbrough"\n',
        encoding="utf-8",
    )
    suggestion = suggest_profile(path)
    frame = build_match_table(suggestion)
    assert frame["Meaning"].tolist() == ["identifier", "date, or date and time", "street"]
    parts = parse_matches(frame)
    assert find_missing_parts(parts, "rows") == ()
    profile = build_profile(suggestion, parts, name="calls", layer="needle_litter", taken=[])
    assert describe_reading(assign_suggested_columns(suggestion, profile), frame["Column"].tolist()) == (
        ["The place: Where", "When it happened: Found on", "The identifier: Ref"],
        [],
    )
    home = tmp_path / "home"
    with Store.open(home) as store:
        save_profile(profile, documents_in(home))
        area = load_area("middlesbrough", home=home)
        report = ingest_files(store, ANALYST, [path], source="calls", area=area, home=home)
        assert report.files[0].tally.new == 2
