"""Which days a file completes: by month, from its first record to its last, or as the person says."""

import datetime as dt
from pathlib import Path

import pytest

from hexbeat.areas.area import load_area
from hexbeat.ingest.ingest import IngestReport, ingest_files
from hexbeat.store.coverage_log import find_today, read_coverage
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.coverage import Coverage, Span
from layers.wording import format_date
from tests.support.cli import Run

D = dt.date
AREA = load_area("middlesbrough", home=Path("nowhere"))
CODES = tuple(AREA.wards.codes)
FINDS = """layer,lon,lat,date
needle_litter,-1.2350,54.5760,05/10/2026
needle_litter,-1.2350,54.5760,20/10/2026
overdoses,-1.2350,54.5760,12/10/2026
"""
CLOSURES = "layer,lon,lat,date,until\nclosed_properties,-1.2350,54.5760,01/02/2026,30/04/2026\n"
SEARCHES = "Type,Date,Latitude,Longitude,Object of search,Outcome\n"


def ingest(  # the choices of one load
    home: Path,
    name: str,
    text: str,
    *,
    source: str = "table",
    covers: Span | None = None,
    now: dt.datetime | None = None,
) -> IngestReport:
    path = home.parent / name
    path.write_text(text, encoding="utf-8")
    with Store.open(home) as store:
        return ingest_files(store, ANALYST, [path], source=source, area=AREA, home=home, covers=covers, now=now)


def coverage_of(home: Path) -> Coverage:
    with Store.open(home) as store:
        return read_coverage(store.engine, ANALYST, ward_codes=CODES)


def test_a_table_covers_from_its_first_record_to_its_last_for_all_its_layers(tmp_path: Path) -> None:
    report = ingest(tmp_path / "home", "finds.csv", FINDS)
    coverage = coverage_of(tmp_path / "home")
    for layer in ("needle_litter", "overdoses"):
        assert coverage.find_known(layer) == ((D(2026, 10, 5), D(2026, 10, 21)),)
    assert coverage.find_known("street_dealing") == ()
    assert report.describe_coverage() == [
        "Needle finds: complete for 5 to 20 Oct 2026. Other days are not known by this file.",
        "Overdoses: complete for 5 to 20 Oct 2026. Other days are not known by this file.",
    ]


def test_two_files_leave_what_lies_between_them_not_known(tmp_path: Path) -> None:
    ingest(tmp_path / "home", "october.csv", FINDS)
    ingest(tmp_path / "home", "june.csv", FINDS.replace("/10/", "/06/"))
    missing = coverage_of(tmp_path / "home").find_missing("needle_litter", (D(2026, 6, 1), D(2026, 11, 1)))
    assert missing == (
        (D(2026, 6, 1), D(2026, 6, 5)),
        (D(2026, 6, 21), D(2026, 10, 5)),
        (D(2026, 10, 21), D(2026, 11, 1)),
    )


def write_finds(days: list[str]) -> str:
    return "layer,lon,lat,date\n" + "".join(f"needle_litter,-1.2350,54.5760,{day}\n" for day in days)


def list_days(first: dt.date, number: int, *, every: int = 1) -> list[str]:
    return [str(first + dt.timedelta(days=every * day)) for day in range(number)]


def test_a_mistyped_year_does_not_make_ten_years_known(tmp_path: Path) -> None:
    text = write_finds(["2016-11-03", *list_days(D(2026, 1, 1), 200)])
    report = ingest(tmp_path / "home", "finds.csv", text)
    assert coverage_of(tmp_path / "home").find_known("needle_litter") == (
        (D(2016, 11, 3), D(2016, 11, 4)),
        (D(2026, 1, 1), D(2026, 7, 20)),
    )
    (remark,) = report.remarks
    assert remark == (
        "finds.csv: no record lies between 4 Nov 2016 and 31 Dec 2025, so these days are not taken as complete; "
        "if they are, state the days"
    )


def test_stated_days_have_no_gaps(tmp_path: Path) -> None:
    text = write_finds(["2016-11-03", *list_days(D(2026, 1, 1), 50)])
    report = ingest(tmp_path / "home", "finds.csv", text, covers=(D(2016, 1, 1), D(2026, 3, 1)))
    assert coverage_of(tmp_path / "home").find_known("needle_litter") == ((D(2016, 1, 1), D(2026, 3, 1)),)
    assert report.remarks == []


@pytest.mark.parametrize(
    "days",
    [
        [*list_days(D(2020, 1, 1), 6, every=100), "2022-12-01"],  # 20 times a usual gap of 100 days are 2,000 days
        ["2016-11-03", "2026-01-01"],
        ["2020-01", "2020-07", "2021-01", "2021-07"],
        [*list_days(D(2026, 1, 1), 30), *list_days(D(2026, 4, 30), 30)],  # 90 days without a record
    ],
)
def test_a_sparse_log_stays_whole(tmp_path: Path, days: list[str]) -> None:
    report = ingest(tmp_path / "home", "finds.csv", write_finds(days))
    assert len(coverage_of(tmp_path / "home").find_known("needle_litter")) == 1
    assert not [remark for remark in report.remarks if "no record lies" in remark]


@pytest.mark.parametrize("dates", [["2026-10-05", "2026-10-14"], ["2026-10"]])
def test_a_record_of_a_day_that_is_not_over_does_not_make_that_day_known(tmp_path: Path, dates: list[str]) -> None:
    now = dt.datetime(2026, 10, 14, 12, tzinfo=dt.UTC)
    ingest(tmp_path / "home", "finds.csv", write_finds(dates), now=now)
    first = D(2026, 10, 5) if len(dates) > 1 else D(2026, 10, 1)
    assert coverage_of(tmp_path / "home").find_known("needle_litter") == ((first, D(2026, 10, 14)),)


def test_a_file_of_today_only_completes_no_day(tmp_path: Path) -> None:
    now = dt.datetime(2026, 10, 14, 12, tzinfo=dt.UTC)
    report = ingest(tmp_path / "home", "finds.csv", write_finds(["2026-10-14"]), now=now)
    assert (report.describe_coverage(), coverage_of(tmp_path / "home").find_known("needle_litter")) == ([], ())


def test_a_closure_that_runs_on_says_nothing_of_later_records(tmp_path: Path) -> None:
    ingest(tmp_path / "home", "closures.csv", CLOSURES)
    assert coverage_of(tmp_path / "home").find_known("closed_properties") == ((D(2026, 2, 1), D(2026, 2, 2)),)


def test_a_person_may_say_more(tmp_path: Path) -> None:
    ingest(tmp_path / "home", "finds.csv", FINDS, covers=(D(2026, 9, 1), D(2026, 11, 1)))
    assert coverage_of(tmp_path / "home").find_known("needle_litter") == ((D(2026, 9, 1), D(2026, 11, 1)),)


def test_a_month_of_police_uk_is_known_whole_also_without_a_drug_offence(tmp_path: Path) -> None:
    rows = "Crime ID,Month,Reported by,Longitude,Latitude,Crime type,Last outcome category\n"
    rows += ",2024-03,Cleveland Police,-1.235,54.576,Anti-social behaviour,\n"
    ingest(tmp_path / "home", "2024-03-cleveland-street.csv", rows, source="police-uk-street")
    coverage = coverage_of(tmp_path / "home")
    assert coverage.find_known("street_dealing") == ((D(2024, 3, 1), D(2024, 4, 1)),)
    assert [span.scope for span in coverage.list_spans()] == ["Cleveland Police"]


@pytest.mark.slow
def test_real_months_with_three_taken_out(tmp_path: Path, shared: Path) -> None:
    files = [f for f in sorted((shared / "events" / "police_uk").glob("*-street.csv")) if f.name[5:7] not in "05 06 07"]
    with Store.open(tmp_path / "home") as store:
        ingest_files(store, ANALYST, files, source="police-uk-street", area=AREA, home=tmp_path / "home")
        coverage = read_coverage(store.engine, ANALYST, ward_codes=CODES)
    year = (D(2024, 1, 1), D(2025, 1, 1))
    assert coverage.describe_missing("street_dealing", year) == "May to Jul 2024 are not known"


def test_the_command_line_states_lists_sets_and_clears(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    done = run("ingest", path, "--source", "table", "--covers", "2026-10-01:2026-11-01")
    assert done.code == 0
    assert "Needle finds: complete for Oct 2026. Other days are not known by this file." in done.err
    october = {"layer": "needle_litter", "source": "table", "scope": "", "from": "2026-10-01", "to": "2026-11-01"}
    assert run("coverage", "--format", "json").json["coverage"] == [october, october | {"layer": "overdoses"}]
    days = ("--layer", "needle_litter", "--from", "2026-10-10", "--to", "2026-10-12")
    cleared = run("coverage", "clear", *days, "--format", "json")
    assert [(row["from"], row["to"]) for row in cleared.json["coverage"] if row["layer"] == "needle_litter"] == [
        ("2026-10-01", "2026-10-10"),
        ("2026-10-12", "2026-11-01"),
    ]
    again = run("coverage", "set", *days, "--source", "table", "--ward", "Central", "--format", "json").json["coverage"]
    central = [row for row in again if row.get("wards") == ["E05013957"]] or again
    assert any(row["from"] <= "2026-10-10" and row["to"] >= "2026-10-12" for row in central)


@pytest.mark.parametrize(
    ("covers", "words"),
    [
        (
            "2026-10-01",
            "Days are written as FROM:TO, such as 2026-07-01:2026-10-01. '2026-10-01' has no colon. Write both days.",
        ),
        (
            "2026-10-02:2026-10-01",
            "A period ends after its first day. 2026-10-02 to 2026-10-01 does not. Put the earlier day first.",
        ),
    ],
)
def test_days_that_are_no_period_are_said(run: Run, tmp_path: Path, covers: str, words: str) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    outcome = run("ingest", path, "--source", "table", "--covers", covers)
    assert (outcome.code, " ".join(outcome.err.split())) == (2, words)


def words_of(text: str) -> str:
    return " ".join(text.split())


def test_a_source_that_nobody_has_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    run("ingest", path, "--source", "table")
    days = ("--layer", "needle_litter", "--from", "2026-10-01", "--to", "2026-11-01")
    for command in ("set", "clear"):
        wrong = run("coverage", command, *days, "--source", "tabel")
        assert wrong.code == 2
        assert words_of(wrong.err) == (
            "Days are complete for a source that has a profile or records. "
            "There is no source named 'tabel'. Did you mean 'table'?"
        )
    assert run("coverage", "set", *days, "--source", "table").code == 0


def test_days_to_come_are_never_known(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    today = find_today(None, AREA.time_zone)
    last = format_date(today - dt.timedelta(days=1))
    done = run("ingest", path, "--source", "table", "--covers", "2026-07-01:2099-03-01")
    assert f"Days to come are not known: {last} is the last day that counts as complete." in words_of(done.err)
    needles = ("--layer", "needle_litter", "--source", "table", "--to", "2099-01-01")
    done = run("coverage", "set", *needles, "--from", "2026-06-01", "--format", "json")
    assert {row["to"] for row in done.json["coverage"]} == {str(today)}
    assert "Days to come are not known, so the last whole day before now is the last that counts." in words_of(done.err)
    refused = run("coverage", "set", *needles, "--from", "2098-01-01")
    assert refused.code == 2
    assert words_of(refused.err) == (
        "Records can be complete only for days that are over. 1 Jan 2098 is not over yet. "
        f"Name days before {format_date(today)}."
    )
    assert run("ingest", path, "--source", "table", "--covers", "2098-01-01:2099-01-01").code == 2


def test_the_table_says_for_which_wards_days_are_known(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    run("ingest", path, "--source", "table")
    table = run("coverage")
    assert [line.split()[-1] for line in table.out.splitlines() if "needle_litter" in line] == ["all"]
    assert '"to" is the first day that no longer counts.' in table.err
    days = ("--layer", "needle_litter", "--from", "2026-01-01", "--to", "2026-02-01", "--source", "table")
    assert "Central" in run("coverage", "set", *days, "--ward", "Central").out
    cleveland = [line for line in run("coverage", "--area", "cleveland").out.splitlines() if "overdoses" in line]
    assert len(cleveland) == 1
    assert "20 of " in cleveland[0]


@pytest.mark.slow
def test_a_load_says_which_of_its_days_a_person_cleared(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(FINDS, encoding="utf-8")
    run("ingest", path, "--source", "table")
    needles = ("--layer", "needle_litter")
    run("coverage", "clear", *needles, "--from", "2026-10-10", "--to", "2026-10-12")
    again = words_of(run("ingest", path, "--source", "table").err)
    assert 'Needle finds: the days 10 to 11 Oct 2026 stay "not known", because a person cleared them.' in again
    set_days = ("--from", "2026-10-10", "--to", "2026-10-12", "--source", "table")
    run("coverage", "set", *needles, *set_days, "--ward", "Central")
    again = words_of(run("ingest", path, "--source", "table").err)
    assert '10 to 11 Oct 2026 stay "not known" in some wards, because a person cleared them.' in again
    run("coverage", "set", *needles, *set_days)
    assert "cleared" not in run("ingest", path, "--source", "table").err
