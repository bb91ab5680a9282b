"""Days that are written as midnights, and months that are written as their first day: the whole file decides."""

from pathlib import Path

import pytest

from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.input_files import ingest, table, utc

DAYS = "rows.csv: every time is midnight, so dates are read as days without a time"
MONTHS = "rows.csv: every date is the first of a month, so dates are read as months"
OTHERWISE = "; a column time_precision can say otherwise"
NO_ORDER = "rows.csv: dates are read day first; none of them shows whether that is right"


def load(
    store: Store, folder: Path, dates: list[str], *, heading: str = "date"
) -> tuple[list[str], list[list[object]]]:
    """The remarks on a file with these dates, and the interval and precision of each record."""
    rows = [f"needles,{number},-1.2,54.55,{date}" for number, date in enumerate(dates)]
    report = ingest(store, table(folder, *rows, heading=f"layer,id,lon,lat,{heading}"))
    live = read_live_records(store, ANALYST).sort_values("source_id")
    return report.remarks, live[["occurred_from", "occurred_to", "time_precision"]].to_numpy().tolist()


@pytest.mark.parametrize(
    "form",
    [
        "2026-04-{:02d} 00:00:00",
        "{:02d}/04/2026 00:00",
        "2026-04-{:02d}T00:00:00Z",
        "{:02d} Apr 2026 12:00 AM",
        "2026-04-{:02d}T00:00:00+01:00",
    ],
)
def test_midnights_alone_are_days(sqlite_store: Store, tmp_path: Path, form: str) -> None:
    remarks, records = load(sqlite_store, tmp_path, [form.format(day) for day in range(14, 19)])
    assert remarks == [DAYS + OTHERWISE]
    assert records == [
        [utc(f"2026-04-{day - 1} 23:00"), utc(f"2026-04-{day} 23:00"), "day"] for day in range(14, 19)
    ]  # summer time


def test_local_midnights_that_are_written_in_utc_are_the_local_days(sqlite_store: Store, tmp_path: Path) -> None:
    dates = [f"2026-04-{day}T23:00:00Z" for day in range(14, 19)]
    remarks, records = load(sqlite_store, tmp_path, [*dates, "2026-03-05T00:00:00Z"])
    assert remarks == [DAYS + OTHERWISE]
    assert records[0] == [utc("2026-04-14 23:00"), utc("2026-04-15 23:00"), "day"]
    assert records[5] == [utc("2026-03-05 00:00"), utc("2026-03-06 00:00"), "day"]


@pytest.mark.parametrize("dates", [[14, 15, 16, 17], [14, 15, 16, 17, 18]])
def test_a_file_with_a_clock_or_few_rows_keeps_its_midnights(
    sqlite_store: Store, tmp_path: Path, dates: list[int]
) -> None:
    texts = [f"2026-04-{day} 00:00" for day in dates]
    if len(texts) > 4:
        texts[4] = "2026-04-18 00:01"
    remarks, records = load(sqlite_store, tmp_path, texts)
    assert (remarks, {precision for _, _, precision in records}) == ([], {"minute"})


def test_rows_that_say_how_exact_they_are_keep_it(sqlite_store: Store, tmp_path: Path) -> None:
    dates = [f"2026-04-{day} 00:00,minute" for day in range(14, 20)]
    remarks, records = load(sqlite_store, tmp_path, dates, heading="date,time_precision")
    assert (remarks, {precision for _, _, precision in records}) == ([], {"minute"})


def test_ends_with_a_clock_keep_the_starts_at_midnight(sqlite_store: Store, tmp_path: Path) -> None:
    dates = [f"2026-04-{day} 00:00,2026-04-{day} 06:00" for day in range(14, 20)]
    remarks, records = load(sqlite_store, tmp_path, dates, heading="occurred_from,occurred_to")
    assert remarks == []
    assert records[0] == [utc("2026-04-13 23:00"), utc("2026-04-14 05:00"), "minute"]


@pytest.mark.parametrize("form", ["2026-{:02d}-01", "01/{:02d}/2026", "2026-{:02d}-01T00:00:00Z", "1st of {:02d}"])
def test_first_days_of_months_alone_are_months(sqlite_store: Store, tmp_path: Path, form: str) -> None:
    if form.startswith("1st"):
        texts = [f"1 {month} 2026" for month in ("Jan", "Feb", "Mar", "Jan", "Feb", "Mar")]
    else:
        texts = [form.format(month) for month in (1, 2, 3, 1, 2, 3)]
    remarks, records = load(sqlite_store, tmp_path, texts)
    assert [remark for remark in remarks if remark != NO_ORDER] == [MONTHS + OTHERWISE]
    assert records[2] == [utc("2026-03-01 00:00"), utc("2026-03-31 23:00"), "month"]
    assert {precision for _, _, precision in records} == {"month"}


@pytest.mark.parametrize(
    "dates",
    [
        ["2026-01-01", "2026-02-01", "2026-03-01", "2026-01-01", "2026-02-01"],  # five rows
        ["2026-01-01", "2026-02-01"] * 3,  # two months
        ["2026-01-01", "2026-02-01", "2026-03-01"] * 2 + ["2026-03-02"],
        ["01/02/2026", "01/03/2026", "01/04/2026"] * 2 + ["01/15/2026"],  # days of January, month first
    ],
)
def test_other_dates_stay_days(sqlite_store: Store, tmp_path: Path, dates: list[str]) -> None:
    remarks, records = load(sqlite_store, tmp_path, dates)
    assert not [remark for remark in remarks if "months" in remark]
    assert {precision for _, _, precision in records} == {"day"}


def test_first_days_with_an_end_stay_days(sqlite_store: Store, tmp_path: Path) -> None:
    dates = [f"2026-0{month}-01,2026-0{month}-02" for month in (1, 2, 3, 4, 5, 6)]
    remarks, records = load(sqlite_store, tmp_path, dates, heading="occurred_from,occurred_to")
    assert (remarks, {precision for _, _, precision in records}) == ([], {"day"})
