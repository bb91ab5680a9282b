"""What is known, as the Data page shows it, asks for it and corrects it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.pages.data.coverage_section import list_coverage_rows, render_coverage
from hexbeat.dashboard.pages.data.upload import UploadRequest, load_files
from hexbeat.dashboard.pages.data.upload_report import describe_days
from hexbeat.dashboard.state.session import open_installation
from hexbeat.ingest.ingest import FileReport, IngestReport
from hexbeat.ingest.sources import load_profile
from hexbeat.ingest.suggestions import Suggestion
from hexbeat.settings import Settings
from hexbeat.store.coverage_log import read_coverage
from hexbeat.store.loads import FileTally
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.coverage import Coverage, CoverageEntry
from tests.support.events import filled
from tests.support.partners_side import one_page
from tests.support.stores import documents_in

TODAY = date(2024, 6, 15)
YEAR = CoverageEntry("needle_litter", "log", "", date(2024, 1, 1), date(2024, 6, 1))
GAP = CoverageEntry("needle_litter", "", "", date(2024, 3, 1), date(2024, 4, 1), kind="cleared")
DEALING = CoverageEntry("street_dealing", "<police>", "north", date(2024, 2, 1), date(2024, 2, 11), wards=("A",))
OCTOBER = CoverageEntry("needle_litter", "log", "", date(2026, 10, 5), date(2026, 10, 21))


def test_the_strip_has_a_month_for_each_state_and_the_same_in_words() -> None:
    page = render_coverage(Coverage((YEAR, GAP, DEALING), ("A", "B")), today=TODAY)
    assert page.count('title="Mar 2024: not known"') == 2
    assert page.count('title="Jan 2024: known"') == page.count('title="Feb 2024: partly known"') == 1
    assert "Jan 2024 to Jun 2024" in page
    assert "Complete for Jan to May 2024, without Mar 2024</td>" in page
    assert "In some wards only: 1 to 10 Feb 2024</td>" in page
    assert "&lt;police&gt;" in page


def test_the_days_of_all_parts_of_a_source_are_in_its_row() -> None:
    south = CoverageEntry("street_dealing", "<police>", "south", date(2024, 2, 11), date(2024, 3, 1))
    (row,) = list_coverage_rows(Coverage((DEALING, south), ("A", "B")))
    assert row[2:] == (((date(2024, 2, 11), date(2024, 3, 1)),), ((date(2024, 2, 1), date(2024, 3, 1)),))


def test_a_source_of_which_no_day_is_left_is_still_there_to_be_corrected() -> None:
    all_days = replace(GAP, start=date(2024, 1, 1), end=date(2024, 6, 1))
    cleared = Coverage((YEAR, all_days), ("A", "B"))
    assert list_coverage_rows(cleared) == [("needle_litter", "log", (), ())]
    assert "No day is known</td>" in render_coverage(cleared, today=TODAY)


def report_of(*entries: CoverageEntry, dry_run: bool = True) -> IngestReport:
    return IngestReport([FileReport("a.csv", "log", FileTally(), coverage=entries)], None, dry_run)


def test_the_dry_run_says_which_days_the_file_will_complete() -> None:
    assert describe_days(report_of(OCTOBER)) == (
        "This file is complete for 5 to 20 Oct 2026. Other days will be not known, unless other files complete them."
    )
    overdoses = CoverageEntry("overdoses", "log", "", date(2026, 10, 1), date(2026, 11, 1))
    assert describe_days(report_of(OCTOBER, overdoses, dry_run=False)) == (
        "This file is complete for 5 to 20 Oct 2026 (needles). This file is complete for Oct 2026 (overdoses). "
        "Other days are not known, unless other files complete them."
    )
    remarks = (
        "Days to come are not known: 20 Oct 2026 is the last day that counts as complete.",
        'Needle finds: the days 6 Oct 2026 stay "not known", because a person cleared them.',
    )
    said = describe_days(replace(report_of(OCTOBER), remarks_on_days=remarks))
    assert said.endswith(f"unless other files complete them. {' '.join(remarks)}")
    assert describe_days(report_of()) == (
        "No day becomes known by this file, because it has no events and no days were stated."
    )


@dataclass
class Upload:
    """A file as Streamlit passes it."""

    name: str
    text: str

    def getbuffer(self) -> memoryview:
        return memoryview(self.text.encode())


@pytest.mark.slow
def test_days_that_a_person_states_count_instead_of_the_rule_of_the_source(home: Path) -> None:
    text = "layer,source_id,lat,lon,occurred_from\nneedle_litter,1,54.5760,-1.2350,2026-10-05T10:00\n"
    installation = open_installation(Settings.from_environment())
    source = load_profile("table", documents_in(home))

    def check(covers: tuple[date, date] | None) -> str:
        files = [Upload("finds.csv", text)]
        suggestion = Suggestion("finds.csv", "table", source, (), ())
        request = UploadRequest(installation, files, suggestion, source, None, covers)
        return describe_days(load_files(request, dry_run=True))

    others = "Other days will be not known, unless other files complete them."
    assert check(None) == f"This file is complete for 5 Oct 2026. {others}"
    assert check((date(2026, 10, 1), date(2026, 11, 1))) == f"This file is complete for Oct 2026. {others}"


@pytest.fixture
def page(home: Path) -> AppTest:
    filled(home)
    return one_page("data")


def known(home: Path) -> Coverage:
    with Store.open(home) as store:
        return read_coverage(store.engine, ANALYST, ward_codes=tuple(load_area("middlesbrough").wards.codes))


@pytest.mark.slow
def test_days_are_cleared_only_after_a_second_word(home: Path, page: AppTest) -> None:
    first, last = (datetime.now(UTC).date() - timedelta(days=days) for days in (20, 10))
    page.radio(key="coverage_kind").set_value("not complete")
    page.date_input(key="coverage_first").set_value(first)
    page.date_input(key="coverage_last").set_value(last)
    page.run()
    page.button(key="coverage").click().run()
    assert known(home).judge("needle_litter", (first, last + timedelta(days=1))) == "known"
    page.button(key="coverage_yes").click().run()
    assert not page.exception
    around = (first - timedelta(days=1), last + timedelta(days=2))
    assert known(home).find_missing("needle_litter", around) == ((first, last + timedelta(days=1)),)


def test_a_last_day_before_the_first_is_not_offered(page: AppTest) -> None:
    page.date_input(key="coverage_first").set_value(date(2026, 1, 2))
    page.date_input(key="coverage_last").set_value(date(2026, 1, 1))
    page.run()
    assert "Choose a first day, and a last day that is not before it." in [text.value for text in page.text]
    assert not [button for button in page.button if button.key == "coverage"]
