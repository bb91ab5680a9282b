"""What a load must meet as a whole: real records only, a clock that is right, parts that add up."""

from pathlib import Path

import pytest

from geo.errors import PolicyError
from hexbeat.ingest.load_checks import describe_future, describe_repeats
from hexbeat.store.loads import FileTally
from hexbeat.store.store import Store
from layers.event import DEMONSTRATION
from tests.support.events import event_frame, load
from tests.support.input_files import FIXTURES, NOW, ingest, table
from tests.support.workbook_files import write_workbook


def test_real_records_never_join_a_demonstration(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["d"], source=DEMONSTRATION))
    path = table(tmp_path, "needles,1,-1.2,54.55,2025-01-01")
    version = sqlite_store.version()
    assert ingest(sqlite_store, path, dry_run=True).files[0].tally.new == 1
    with pytest.raises(PolicyError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == (
        "Real records and demonstration events never share a store; this store holds demonstration events; "
        "remove them with `hexbeat demo --remove`, or choose another home (--home); nothing was changed"
    )
    assert sqlite_store.version() == version


@pytest.mark.parametrize(("future", "is_said"), [(5, False), (6, True)])
def test_a_clock_that_may_be_wrong_is_said_when_most_rows_are_to_come(future: int, *, is_said: bool) -> None:
    tally = FileTally(read=10, accepted=10 - future, rejected=future, reasons={"future_date": future})
    sentence = (
        "a.csv: 6 of 10 rows are dated after today. This machine's clock says 22 Nov 2026; if that is wrong, correct "
        "it and load the file again"
    )
    assert describe_future("a.csv", tally, NOW) == ((sentence,) if is_said else ())


@pytest.mark.parametrize(("rows", "repeated", "is_said"), [(30, 3, True), (31, 3, False), (4, 2, False), (6, 3, True)])
def test_numbers_that_begin_again_in_one_file_are_said(rows: int, repeated: int, *, is_said: bool) -> None:
    tally = FileTally(read=999, accepted=rows - repeated, rejected=repeated, reasons={"duplicate_id": repeated})
    sentence = (
        "a.csv: 3 rows have an identifier that came before in this file. If the numbers begin again, take the date "
        "into the key of a source profile"
    )
    assert describe_repeats("a.csv", tally) == ((sentence,) if is_said else ())


def test_a_report_says_that_the_numbers_begin_again(sqlite_store: Store, tmp_path: Path) -> None:
    rows = [f"needles,{key},-1.2,54.55,2025-{month}-0{key}" for month in ("04", "05") for key in (1, 2, 3)]
    report = ingest(sqlite_store, table(tmp_path, *rows))
    assert report.files[0].tally.reasons == {"duplicate_id": 3}
    assert any("rows.csv: 3 rows have an identifier that came before" in remark for remark in report.remarks)


def test_a_workbook_says_that_the_numbers_begin_again_on_each_sheet(sqlite_store: Store, tmp_path: Path) -> None:
    heading = ["layer", "source_id", "lon", "lat", "date"]
    sheets = {
        name: [heading, *(["needles", str(key), -1.2, 54.55, f"2025-{month}-0{key}"] for key in (1, 2, 3))]
        for name, month in (("April", "04"), ("May", "05"))
    }
    report = ingest(sqlite_store, write_workbook(tmp_path / "finds.xlsx", sheets))
    assert report.files[0].tally.reasons == {"duplicate_id": 3}
    assert any("finds.xlsx: 3 rows have an identifier that came before" in remark for remark in report.remarks)


def test_two_files_of_one_month_are_said_to_add_up(sqlite_store: Store, tmp_path: Path) -> None:
    lines = (FIXTURES / "2024-06-cleveland-street.csv").read_text(encoding="utf-8").splitlines()
    for part, rows in (("part1", lines[1:4]), ("part2", lines[4:])):
        (tmp_path / part).mkdir()
        (tmp_path / part / "2024-06-cleveland-street.csv").write_text(
            "\n".join([lines[0], *rows]) + "\n", encoding="utf-8"
        )
    paths = [tmp_path / part / "2024-06-cleveland-street.csv" for part in ("part1", "part2")]
    report = ingest(sqlite_store, *paths, source="police-uk-street")
    assert sum(file.tally.removed for file in report.files) == 0
    assert report.remarks_on_days[-1] == (
        "Several files hold Cleveland Police, 2024-06: they add up, and equal rows count once."
    )
