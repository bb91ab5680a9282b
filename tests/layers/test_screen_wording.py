from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import PolicyError
from hexbeat.dashboard.security import is_loopback, require_loopback
from layers.wording import escape_html, format_list, format_number, format_percent, format_plural, format_span


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2026, 10, 25), date(2026, 11, 22), "25 Oct to 21 Nov 2026"),
        (date(2025, 12, 25), date(2026, 1, 5), "25 Dec 2025 to 4 Jan 2026"),
        (date(2026, 11, 21), date(2026, 11, 22), "21 Nov 2026"),
    ],
)
def test_a_period_is_written_by_its_first_and_last_day(start: date, end: date, words: str) -> None:
    assert format_span(start, end) == words


def test_numbers_percents_and_plurals() -> None:
    assert [format_number(value) for value in (1204, 1.46, -0.04, -0.001, 0.0, 12.96)] == [
        *("1,204", "1.5", "-0.04", "0", "0", "13"),
    ]
    assert [format_percent(share) for share in (0.18, 0.001, 0.0, 12.0)] == ["18 %", "under 1 %", "0 %", "1,200 %"]
    assert [format_plural(value, "find", "finds") for value in (1, 2, 0.4)] == ["1 find", "2 finds", "0.4 finds"]


def test_lists_stop_where_they_are_told_to() -> None:
    names = ["Central", "Newport", "Park", "Kader", "Acklam"]
    assert [format_list(names[:n]) for n in range(4)] == [
        "",
        "Central",
        "Central and Newport",
        "Central, Newport and Park",
    ]
    assert format_list(names, most=3) == "Central, Newport, Park and 2 more"
    assert format_list(names[:3], most=3) == "Central, Newport and Park"
    assert format_list(names) == "Central, Newport, Park, Kader and Acklam"


@given(st.text())
def test_escaped_text_has_no_markup(text: str) -> None:
    assert not set("<>\"'\n\r\x00") & set(escape_html(text))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1"])
def test_loopback_is_this_machine(address: str) -> None:
    require_loopback(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.0.4", "example.org", "localhost.example.org"])  # noqa: S104 - what must be refused
def test_everything_else_is_refused(address: str | None) -> None:
    assert not is_loopback(address)
    with pytest.raises(PolicyError) as refused:
        require_loopback(address)
    assert str(refused.value) == (
        "Without a login, the partners' side serves this machine only; "
        f"this server listens on {address or 'every address'}; "
        "start it with `hexbeat serve`, or add `--server.address 127.0.0.1`"
    )
