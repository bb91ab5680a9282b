"""One column has one order of day and month: decided from the whole file, said, or refused; never by row."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.areas.area import load_area
from hexbeat.ingest.ingest import IngestReport, ingest_files
from hexbeat.ingest.parsing.date_order import DateOrders, find_order, swap_order
from hexbeat.ingest.suggestions import suggest_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run

AREA = load_area("middlesbrough", home=Path("nowhere"))
DAYS = st.lists(st.dates(dt.date(2020, 1, 1), dt.date(2026, 10, 31)), min_size=1, max_size=30)
FORMS = {"day": "%d/%m/%Y", "month": "%m/%d/%Y"}


@given(DAYS, st.sampled_from(["day", "month"]))
def test_dates_of_one_order_are_never_taken_for_the_other(days: list[dt.date], order: str) -> None:
    orders = DateOrders()
    orders.add(day.strftime(FORMS[order]) for day in days)
    certain = any(day.day > 12 for day in days)
    assert orders.decided == (order if certain else None)
    assert not orders.is_contradictory


@given(DAYS, DAYS)
def test_both_orders_contradict_each_other_if_each_is_certain(these: list[dt.date], those: list[dt.date]) -> None:
    orders = DateOrders()
    orders.add(day.strftime(FORMS["day"]) for day in these)
    orders.add(day.strftime(FORMS["month"]) for day in those)
    both = any(day.day > 12 for day in these) and any(day.day > 12 for day in those)
    assert orders.is_contradictory == both
    if both:
        assert orders.decided is None


def test_formats_are_swapped_where_both_are_numbers() -> None:
    formats = ("%d/%m/%Y %H:%M", "%d %b %Y", "%Y-%m-%d", "%m/%Y")
    assert swap_order(formats) == ("%m/%d/%Y %H:%M", "%d %b %Y", "%Y-%m-%d", "%m/%Y")
    assert swap_order(swap_order(formats)) == formats
    assert find_order(formats) == "day"
    assert find_order(swap_order(formats)) == "month"
    assert find_order(("%Y-%m-%d",)) is None


def ingest(store: Store, texts: list[str], *, source: str = "table", dry_run: bool = False) -> IngestReport:
    path = store.home / "finds.csv"
    rows = "".join(f"needle_litter,{n},-1.235,54.576,{text}\n" for n, text in enumerate(texts))
    path.write_text(f"layer,source_id,lon,lat,date\n{rows}", encoding="utf-8")
    return ingest_files(store, ANALYST, [path], source=source, area=AREA, home=store.home, dry_run=dry_run)


def months_of(store: Store) -> list[str]:
    starts = read_live_records(store, ANALYST).sort_values("source_id")["occurred_from"]
    return [dt.datetime.fromtimestamp(start + 43_200, dt.UTC).strftime("%Y-%m-%d") for start in starts]


def test_a_sheet_of_a_computer_set_to_us_english(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        report = ingest(store, ["01/02/2026", "03/04/2026", "01/21/2026", "02/28/2026"], dry_run=True)
        assert report.remarks == [
            "finds.csv: dates are read month first, because 2 different dates can be nothing else"
        ]  # fmt: skip
        report = ingest(store, ["01/02/2026", "03/04/2026", "01/21/2026", "02/28/2026"])
        assert (report.files[0].tally.new, report.files[0].tally.rejected) == (4, 0)
        assert months_of(store) == ["2026-01-02", "2026-03-04", "2026-01-21", "2026-02-28"]


@pytest.mark.parametrize(
    ("text", "other", "day"),
    [
        ("21.11.25", "02/11/2025", "2025-11-21"),
        ("02.11.25", "21/11/2025", "2025-11-02"),
        ("2-11-25 09:30", "21/11/2025", "2025-11-02"),
        ("02.11.25", "01/21/2025", "2025-02-11"),  # the column has the month first
    ],
)
def test_a_date_with_points_has_the_order_of_its_column(tmp_path: Path, text: str, other: str, day: str) -> None:
    with Store.open(tmp_path) as store:
        assert ingest(store, [text, other]).files[0].tally.reasons == {}
        assert months_of(store)[0] == day


def test_a_british_sheet_with_one_slip_stays_british(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        report = ingest(store, ["01/02/2026", "21/01/2026", "01/21/2026"])
        assert report.remarks == [
            "finds.csv: dates contradict each other (21/01/2026 and 01/21/2026); they are read day first"
        ]
        assert report.files[0].tally.reasons == {"bad_date": 1}
        assert months_of(store) == ["2026-02-01", "2026-01-21"]


def test_what_cannot_be_known_is_said_and_what_is_certain_is_not(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert ingest(store, ["01/02/2026"]).remarks == [
            "finds.csv: dates are read day first; none of them shows whether that is right"
        ]
        assert ingest(store, ["21/02/2026", "01/02/2026"]).remarks == []
        assert ingest(store, ["2026-02-01", "9 Sept 2025", "02/02/2026"]).remarks == []


def test_a_profile_with_a_fixed_order_refuses_the_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir(exist_ok=True)
    profile = 'name = "wardens"\ntitle = "Wardens"\nlayer = "needle_litter"\n[location]\nlon = "lon"\nlat = "lat"\n'
    profile += '[time]\nstart = "date"\nformats = ["%d/%m/%Y"]\n'
    (tmp_path / "sources" / "wardens.toml").write_text(profile, encoding="utf-8")
    path = tmp_path / "finds.csv"
    path.write_text("lon,lat,date\n-1.235,54.576,01/21/2026\n-1.235,54.576,01/02/2026\n", encoding="utf-8")
    outcome = run("ingest", path, "--source", "wardens", "--home", tmp_path)
    assert outcome.code == 3
    assert [line.strip() for line in outcome.err.strip().splitlines()] == [
        "The dates of a file have the order of day and month that its source profile names.",
        "Wardens has the day first, and finds.csv has '01/21/2026'.",
        'Change time.formats in the source profile, or set time.order = "file".',
    ]


@pytest.mark.parametrize("month", ["2024-01", "Jan-24"])
def test_a_month_of_police_uk_saved_again_by_a_spreadsheet_is_the_same_month(tmp_path: Path, month: str) -> None:
    heading = "Crime ID,Month,Reported by,Longitude,Latitude,Crime type,Last outcome category\n"
    path = tmp_path / "2024-01-cleveland-street.csv"
    with Store.open(tmp_path / "home") as store:
        for text in ("2024-01", month):
            path.write_text(f"{heading}A1,{text},Cleveland Police,-1.235,54.576,Drugs,\n", encoding="utf-8")
            report = ingest_files(store, ANALYST, [path], source="police-uk-street", area=AREA, home=store.home)
        assert (report.files[0].tally.new, report.files[0].tally.removed) == (0, 0)
        assert months_of(store) == ["2024-01-01"]


HOURLY = "Report Date,Lat,Lon,Ref\n" + "".join(
    f"2025-06-{number % 28 + 1:02d} {number % 24:02d}:00:00,54.5742,-1.2350,N{number}\n" for number in range(48)
)
TICKETS = (
    "Report ID,Title,Created,Closed,Latitude,Longitude\n"
    "101,Needles by bin,2025-06-21T22:30:00,2025-07-21T10:00:00,54.5742,-1.2350\n"
    "102,Needles in park,2025-06-25T09:05:00,2025-07-25T10:00:00,54.5742,-1.2350\n"
)


@pytest.mark.slow
def test_a_time_on_the_hour_is_not_taken_for_a_missing_time(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(HOURLY, encoding="utf-8")
    suggestion = suggest_profile(path)
    assert suggestion.profile.time.midnight_is_day is False
    assert suggestion.profile.time.order == "file"
    path.write_text(HOURLY.replace(" 01:", " 00:"), encoding="utf-8")
    assert suggest_profile(path).profile.time.midnight_is_day is False  # 1 in 12
    midnights = "".join(f"2025-06-{day:02d} 00:00:00,54.5742,-1.2350,N{day}\n" for day in range(1, 28))
    path.write_text("Report Date,Lat,Lon,Ref\n" + midnights, encoding="utf-8")
    assert suggest_profile(path).profile.time.midnight_is_day is True


@pytest.mark.slow
def test_the_closing_date_of_a_ticket_does_not_stretch_an_incident(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(TICKETS, encoding="utf-8")
    profile = suggest_profile(path).profile
    assert (profile.time.end, profile.time.end_of) == (("Closed",), "states")
    path.write_text(TICKETS.replace("Closed", "Until"), encoding="utf-8")
    assert suggest_profile(path).profile.time.end_of == "all"
