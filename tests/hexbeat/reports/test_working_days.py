"""Bank holidays of England and Wales, against the dates that the government published."""

import datetime as dt

import pytest

from hexbeat.reports.working_days import find_bank_holiday, list_bank_holidays

# gov.uk/bank-holidays, without days that were proclaimed once
PUBLISHED = {
    2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_rules_give_the_published_days(year: int) -> None:
    assert " ".join(f"{day:%m-%d}" for day in list_bank_holidays(year)) == PUBLISHED[year]


def test_there_are_eight_a_year_on_working_days_each_with_its_name() -> None:
    for year in range(1978, 2100):
        holidays = list_bank_holidays(year)
        assert len(holidays) == len(set(holidays.values())) == 8
        assert all(day.weekday() < 5 and day.year == year for day in holidays)
    assert find_bank_holiday(dt.date(2022, 12, 26)) == "Boxing Day"
    assert find_bank_holiday(dt.date(2022, 12, 27)) == "Christmas Day"
    assert find_bank_holiday(dt.date(2026, 11, 23)) is None
