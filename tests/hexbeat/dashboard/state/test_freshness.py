from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hexbeat.dashboard.header import find_title, render_facts
from hexbeat.dashboard.state.freshness import (
    Freshness,
    describe_old_records,
    find_last_known_day,
    find_layer_freshness,
    format_freshness,
)
from hexbeat.dashboard.state.login import Login
from layers.access import ANALYST, Role, Viewer
from layers.coverage import Coverage, CoverageEntry
from tests.support.events import Event, columns_of, local

LONDON = ZoneInfo("Europe/London")
LOCAL = Login("", ANALYST, (Role.ANALYST,))
TODAY = date(2026, 11, 22)


def coverages() -> dict[str, Freshness]:
    return find_layer_freshness(
        columns_of(
            [
                Event(local("2026-01-05 10:00")),
                Event(local("2026-11-21 23:59")),
                Event(local("2026-10-01 00:00"), local("2026-11-01 00:00"), layer="street_dealing", precision="month"),
                Event(local("2026-09-01 12:00"), local("2027-01-01 12:00"), layer="closed_properties"),
            ]
        ),
        time_zone=LONDON,
    )


def test_each_layer_reaches_from_its_first_to_its_last_local_day() -> None:
    coverage = {name: (span.events, span.first, span.last, span.months) for name, span in coverages().items()}
    assert coverage == {
        "needle_litter": (2, date(2026, 1, 5), date(2026, 11, 21), False),
        "street_dealing": (1, date(2026, 10, 1), date(2026, 10, 31), True),
        "overdoses": (0, None, None, False),
        "closed_properties": (1, date(2026, 9, 1), date(2026, 9, 1), False),
    }


def test_freshness_in_words() -> None:
    words = {name: format_freshness(reach, today=TODAY) for name, reach in coverages().items()}
    assert words == {
        "needle_litter": "to 21 Nov",
        "street_dealing": "to Oct (months)",
        "overdoses": "none",
        "closed_properties": "to 1 Sep",
    }
    older = Freshness("overdoses", 1, ((date(2020, 1, 1), date(2025, 1, 1)),))
    assert format_freshness(older, today=TODAY) == "to 31 Dec 2024"


def test_a_moving_period_ends_with_the_newest_record_or_yesterday() -> None:
    assert find_last_known_day(coverages(), layers=("street_dealing",), today=TODAY) == date(2026, 10, 31)
    assert find_last_known_day(coverages(), layers=("street_dealing", "needle_litter"), today=TODAY) == date(
        2026, 11, 21
    )
    assert find_last_known_day(coverages(), layers=("overdoses",), today=TODAY) == date(2026, 11, 21)
    today_too = {"needle_litter": Freshness("needle_litter", 1, ((TODAY, date(2026, 11, 23)),))}
    assert find_last_known_day(today_too, layers=("needle_litter",), today=TODAY) == date(2026, 11, 21)


def test_old_records_are_told_as_old() -> None:
    def told(layers: tuple[str, ...], last: date) -> list[str]:
        dealing = Freshness("street_dealing", 1, ((date(2023, 1, 1), last + timedelta(days=1)),))
        return describe_old_records(coverages() | {"street_dealing": dealing}, layers=layers, today=TODAY)

    assert told(("street_dealing",), date(2024, 12, 31)) == ["Records end 23 months ago (31 Dec 2024)."]
    assert told(("street_dealing", "needle_litter"), date(2024, 12, 31)) == [
        "Records of dealing end 23 months ago (31 Dec 2024)."
    ]
    assert told(("street_dealing",), date(2020, 1, 31)) == ["Records end 7 years ago (31 Jan 2020)."]
    assert told(("street_dealing",), TODAY - timedelta(weeks=8, days=1)) == ["Records end 2 months ago (26 Sep 2026)."]
    assert told(("street_dealing", "needle_litter"), TODAY - timedelta(weeks=8)) == []
    assert told(("overdoses",), TODAY) == []


def test_what_is_known_is_that_of_the_chosen_wards() -> None:
    columns = columns_of([Event(local("2026-11-01 12:00"))])
    log = CoverageEntry("needle_litter", "log", "", date(2026, 1, 1), date(2026, 11, 1))
    both = (log, replace(log, end=date(2026, 11, 22), wards=(columns.ward_codes[0],)))
    known = replace(columns, coverage=Coverage(both, columns.ward_codes))

    def last(*wards: str) -> date | None:
        return find_layer_freshness(known, time_zone=LONDON, wards=wards)["needle_litter"].last

    assert last(columns.ward_codes[0]) == date(2026, 11, 21)
    assert last(columns.ward_codes[1]) == last() == date(2026, 10, 31)


def test_layers_whose_newest_records_are_of_one_day_are_named_together() -> None:
    same = dict.fromkeys(coverages(), Freshness("needle_litter", 1, ((TODAY, date(2026, 11, 23)),)))
    page = render_facts(same, today=TODAY, login=LOCAL, mark=None)
    assert "<li>needles, dealing, overdoses, closures <b>to 22 Nov</b></li>" in page


def test_the_menu_names_the_page_that_is_open() -> None:
    titles = {"": "Map", "plan": "Plan"}
    assert find_title("http://127.0.0.1:8501/plan", titles) == "Plan"
    assert find_title("https://council.example/hexbeat/plan?wards=E05009857", titles) == "Plan"
    assert [find_title(url, titles) for url in ("http://127.0.0.1:8501/", None)] == ["Map", "Map"]
    assert find_title(None, {}) == "Menu"


def test_the_header_names_every_layer_the_role_and_the_mark() -> None:
    login = Login("<A> Person", Viewer(Role.POLICE), (Role.POLICE,), key="k")
    page = render_facts(coverages(), today=TODAY, login=login, mark="5 of 9 events are synthetic, not real")
    assert "<li>dealing <b>to Oct (months)</b></li>" in page
    assert "<li>role <b>police</b></li>" in page
    assert ('<li class="hb-person"><b>&lt;A&gt; Person</b> <a href="/logout" target="_self">Sign out</a></li>') in page
    assert "DEMONSTRATION: 5 of 9 events are synthetic, not real" in page
    local = render_facts(coverages(), today=TODAY, login=LOCAL, mark=None)
    assert "DEMONSTRATION" not in local
    assert "Sign out" not in local
