import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from hexbeat.dashboard.pages.data.quality_tables import (
    build_rejects_csv,
    count_silent_days,
    describe_undo,
    render_reasons,
    render_report,
    render_samples,
    render_sources,
    render_table,
)
from hexbeat.ingest.ingest import FileReport, RejectSample
from hexbeat.ingest.parsing.reject_rows import REASON_LABELS, explain_reject
from hexbeat.store.load_log import CommittedLoad
from hexbeat.store.loads import FileTally
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import REJECT_REASONS, SKIP_REASONS
from tests.support.events import local
from tests.support.input_files import ingest

LONDON = ZoneInfo("Europe/London")
TODAY = date(2026, 11, 22)
HOSTILE = "<img src=x onerror=alert(1)>${7*7}</script>`x`"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;${7*7}&lt;/script&gt;`x`"
TALLY = FileTally(read=6, accepted=2, new=2, rejected=4, reasons={"bad_date": 3, "outside_area": 1})


def strip_titles(page: str) -> str:
    """The page without what the cards of a phone say."""
    return re.sub(r' data-title="[^"]*"', "", page)


def test_every_reason_has_words() -> None:
    assert set(REASON_LABELS) == {*REJECT_REASONS, *SKIP_REASONS}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ('{"(postcode)": "not in the gazetteer of X"}', "and no place by its postcode: not in the gazetteer of X"),
        ('{"(street)": "perhaps Linthorpe Road"}', "and no place by its street: perhaps Linthorpe Road"),
        (
            '{"(choice)": "Church Lane (A), Church Lane (B)"}',
            "and its street is in several places: Church Lane (A), Church Lane (B)",
        ),
        ("not JSON", "and no address that can be placed"),
    ],
    ids=["postcode", "street", "choice", "unreadable"],
)
def test_a_row_that_is_nowhere_says_what_became_of_its_address(raw: str, words: str) -> None:
    assert explain_reject("missing_location", raw) == f"no coordinates, {words}"
    assert explain_reject("bad_date", raw) == "a date that cannot be read"


def test_every_text_of_a_table_is_escaped() -> None:
    table = render_table([HOSTILE], [[HOSTILE]], caption=HOSTILE)
    assert "<img" not in table
    assert table.count(ESCAPED) == 5


@pytest.mark.parametrize(
    ("last", "without_time", "days"),
    [("2026-11-08", 0.2, None), ("2026-11-07", 0.2, 15), ("2026-08-20", 1.0, None), ("2026-07-31", 1.0, 114)],
)
def test_a_source_falls_silent_after_two_weeks_or_if_monthly_after_a_hundred_days(
    last: str, without_time: float, days: int | None
) -> None:
    assert count_silent_days(local(f"{last} 12:00"), without_time=without_time, today=TODAY, time_zone=LONDON) == days


def test_sources_say_how_fresh_and_how_good_they_are() -> None:
    summary = pd.DataFrame(
        {
            "source": ["council", "rejected-only"],
            "layer": ["needle_litter", None],
            "events": [1204, 0],
            "last_record": pd.array([local("2026-10-01 12:00"), None], dtype="Int64"),
            "without_time": [0.25, 0.0],
            "snapped": [0.001, 0.0],
            "rejects": [3, 7],
            "last_load": pd.array([1, 1], dtype="Int64"),
        }
    )
    page = render_sources(summary, today=TODAY, time_zone=LONDON)
    assert "council (Needle finds) has fallen silent: no record for 52 days." in page
    assert "<td>council</td><td>Needle finds</td><td>1 Oct 2026</td>" in strip_titles(page)
    assert '<td data-title="Last record">1 Oct 2026</td>' in page  # on a phone each line of a card says what it is
    monthly = summary.assign(month_only=[True, False], without_time=[1.0, 0.0])
    page_of_months = render_sources(monthly, today=date(2027, 2, 9), time_zone=LONDON)
    assert "<td>Oct 2026 (known to the month)</td>" in strip_titles(page_of_months)
    assert "no record for 101 days." in page_of_months
    assert "silent" not in render_sources(monthly, today=date(2027, 2, 8), time_zone=LONDON)
    numbers = [">1,204<", ">25 %<", ">under 1 %<", ">3<", ">7<"]
    assert all(number in page for number in numbers)


def test_a_report_has_a_row_a_file_and_its_reasons() -> None:
    file = FileReport(HOSTILE, "table", TALLY)
    page = render_report([file, file], dry_run=True) + render_reasons([file, file])
    assert page.count(f">{ESCAPED}</td>") == 2
    assert "What would change" in page
    assert '<td>a date that cannot be read</td><td class="hb-number">6</td>' in strip_titles(page)


def test_without_reasons_or_samples_there_is_no_table() -> None:
    assert render_reasons([FileReport("a.csv", "table", FileTally())]) == ""
    assert render_samples([]) == ""


def test_a_rejected_row_is_shown_as_the_file_says_it_and_cut_where_it_is_long() -> None:
    page = render_samples([RejectSample("a.csv", 1234, "bad_date", '{"when": "<b>", "what": "' + "x" * 400 + '"}')])
    assert "when: &lt;b&gt;, what: xxx" in page
    assert "x …</td>" in page
    assert "1,234" in page
    assert "lon: (blank), lat: 3" in render_samples([RejectSample("a.csv", 1, "x", '{"lon": null, "lat": 3}')])
    assert "not json" in render_samples([RejectSample("a.csv", 1, "bad_date", "not json")])


def test_rejects_can_be_mended_in_their_own_columns_and_carry_no_formula() -> None:
    rejects = pd.DataFrame(
        {
            "file": ["a.csv", "a.csv"],
            "line": [3, 4],
            "reason": ["bad_date", "missing_location"],
            "raw": ['{"when": "never", "what": "=1+1"}', '{"when": "2026-01-01", "lon": ""}'],
        }
    )
    frame = pd.read_csv(io.BytesIO(build_rejects_csv(rejects)), dtype=str, keep_default_na=False)
    assert frame.to_dict("list") == {
        "when": ["never", "2026-01-01"],
        "what": ["'=1+1", ""],
        "lon": ["", ""],
        "rejected_file": ["a.csv", "a.csv"],
        "rejected_line": ["3", "4"],
        "rejected_reason": ["bad_date", "missing_location"],
    }


@pytest.mark.parametrize("mark", ["", "'"], ids=["as now written", "as once written, with an apostrophe"])
def test_rejects_of_negative_coordinates_load_once_they_are_mended(
    sqlite_store: Store, tmp_path: Path, mark: str
) -> None:
    path = tmp_path / "finds.csv"
    path.write_text(
        "layer,source_id,lon,lat,date,quantity\n"
        "needles,a,-1.23700,54.57,no date,+4\n"
        'needles,b,"-1,23800","54,58",no date,2\n'
        "needles,c,-1.239,54.59,2026-03-19,1\n",
        encoding="utf-8",
    )
    ingest(sqlite_store, path)
    text = build_rejects_csv(sqlite_store.rejects(ANALYST)).decode()
    assert text.count("'") == 0
    for number in ("-1.23700", "-1,23800", "+4"):
        assert text.count(number) == 1
        text = text.replace(number, f"{mark}{number}")
    path.write_text(text.replace("no date", "2026-03-19"), encoding="utf-8")
    ingest(sqlite_store, path)
    live = read_live_records(sqlite_store, ANALYST).sort_values("source_id")
    assert live[["lon", "lat", "quantity"]].to_numpy().tolist() == [
        [-1.237, 54.57, 4],
        [-1.238, 54.58, 2],
        [-1.239, 54.59, 1],
    ]


def test_undo_says_what_it_will_do() -> None:
    batch = CommittedLoad(
        batch_id=3,
        created=datetime(2026, 7, 1, 12, 30, tzinfo=UTC),
        area="middlesbrough",
        files=({"file": "a.csv"}, {"file": "b.csv"}),
        new=12,
        updated=1,
        unchanged=0,
        removed=0,
        rejected=4,
        undone_at=None,
    )
    assert describe_undo(batch, time_zone=LONDON) == (
        "The load of a.csv, b.csv on 1 Jul 2026 at 13:30 is undone: 12 new events go, 1 changed event is as before, "
        "0 removed events come back, 4 rejects are forgotten."
    )


def test_what_helps_to_correct_a_rejected_row_comes_before_its_columns_and_is_never_cut() -> None:
    raw = json.dumps({"note": "x" * 500, "street": "Church Lane", "(choice)": "Church Lane (Acklam)"})
    table = render_samples([RejectSample("a.csv", 2, "missing_location", raw)])
    assert ">(choice): Church Lane (Acklam), note: xxx" in table
    assert "street: Church" not in table
