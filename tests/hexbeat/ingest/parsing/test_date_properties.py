"""Columns of random instants, in every format, separator, order, case, clock and zone: read back, or refused."""

import calendar
import datetime as dt
from collections.abc import Callable
from typing import Final, NamedTuple

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.number_texts import clean_text
from hexbeat.ingest.parsing.date_numbers import NUMBER_FORMATS, DateNumbers
from hexbeat.ingest.parsing.date_order import DateOrders, find_order, swap_order
from hexbeat.ingest.parsing.date_parts import join_date_parts
from hexbeat.ingest.parsing.dates import DAY, MINUTE, MONTH, parse_timestamps
from hexbeat.ingest.sources import builtin_profiles

FORMATS: Final = next(profile.time.formats for profile in builtin_profiles() if profile.name == "table")
MONTHS: Final = list(calendar.month_name)[1:]
LONDON: Final = "Europe/London"
days = st.dates(dt.date(1986, 1, 1), dt.date(2049, 1, 1))
times = st.times().map(lambda time: time.replace(microsecond=0))


class Style(NamedTuple):
    """How a column writes its dates: month first or not, between the parts, zeros, the year, the name of a month."""

    month_first: bool
    between: str
    padded: bool
    short_year: bool
    name: str  # of the month: "number", "full", "short", "SHORT", "sept"
    weekday: bool


styles = st.builds(
    Style,
    st.booleans(),
    st.sampled_from(["/", "-", ".", " "]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["number", "number", "full", "short", "SHORT", "sept"]),
    st.booleans(),
)


def write_day(day: dt.date, style: Style) -> str:
    number = f"{day.day:02d}" if style.padded else str(day.day)
    full = MONTHS[day.month - 1]
    month = {
        "number": f"{day.month:02d}" if style.padded else str(day.month),
        "full": full,
        "short": full[:3],
        "SHORT": full[:3].upper(),
        "sept": "Sept" if day.month == 9 else full[:3],
    }[style.name]
    year = f"{day.year % 100:02d}" if style.short_year else str(day.year)
    parts = [month, number, year] if style.month_first else [number, month, year]
    return (f"{day:%a} " if style.weekday else "") + style.between.join(parts)


CLOCKS: Final[dict[str, Callable[[dt.time], str]]] = {
    "%H:%M:%S": lambda time: f"{time:%H:%M:%S}",
    "%I:%M:%S %p": lambda time: f"{time.hour % 12 or 12}:{time:%M:%S} {'pm' if time.hour >= 12 else 'am'}",
    "fraction": lambda time: f"{time:%H:%M:%S}.000",
}
ZONES: Final = {"": None, "Z": 0, " GMT": 0, " BST": 60, "+01:00": 60, "-0500": -300}


def read(texts: list[str]) -> list[tuple[dt.datetime, dt.datetime, int] | None]:
    """Local time, UTC and precision as the table source reads a column; None for what it refuses."""
    cleaned = [clean_text(text) for text in texts]
    orders, numbers, formats = DateOrders(), DateNumbers(), FORMATS
    orders.add(cleaned)
    numbers.add(cleaned)
    if orders.decided not in {None, find_order(FORMATS)}:
        formats = swap_order(FORMATS)
    if numbers.decided is not None:
        formats = (*formats, numbers.decided)
    found = parse_timestamps(pd.Series(cleaned, dtype="str"), formats=formats, time_zone=LONDON)
    rows = zip(
        found.local.astype("datetime64[s]").tolist(),
        found.utc.astype("datetime64[s]").tolist(),
        found.precision.tolist(),
        (found.bad | found.blank).tolist(),
        strict=True,
    )
    return [None if bad else (local, utc, precision) for local, utc, precision, bad in rows]


def is_undecided(texts: list[str], style: Style) -> bool:
    """Whether a column with the month first shows nothing of it: Hexbeat says then that it reads the day first."""
    orders = DateOrders()
    orders.add(texts)
    return style.month_first and orders.decided is None


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(days, min_size=1, max_size=12), styles)
def test_days_in_every_style_are_read_back_or_refused(column: list[dt.date], style: Style) -> None:
    texts = [write_day(day, style) for day in column]
    if style.name == "number" and is_undecided(texts, style):
        return
    for day, text, result in zip(column, texts, read(texts), strict=True):
        assert result is None or (result[0].date(), result[2]) == (day, DAY), text


@pytest.mark.slow
@pytest.mark.parametrize("clock", CLOCKS)
@settings(max_examples=20)
@given(st.lists(st.tuples(days, times), min_size=1, max_size=8), styles, st.sampled_from(list(ZONES)))
def test_instants_in_every_style_clock_and_zone_are_read_back_or_refused(
    clock: str, column: list[tuple[dt.date, dt.time]], style: Style, zone: str
) -> None:
    texts = [f"{write_day(day, style)} {CLOCKS[clock](time)}{zone}" for day, time in column]
    if style.name == "number" and is_undecided(texts, style):
        return
    offset = ZONES[zone]
    for (day, time), text, result in zip(column, texts, read(texts), strict=True):
        if result is None:
            continue
        moment = dt.datetime.combine(day, time)
        assert result[2] == MINUTE, text
        if offset is None:
            assert result[0] == moment, text
        else:
            assert result[1] == moment - dt.timedelta(minutes=offset), text


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.tuples(days, times), min_size=1, max_size=8), st.sampled_from(NUMBER_FORMATS))
def test_numbers_by_their_word_give_back_the_second(column: list[tuple[dt.date, dt.time]], form: str) -> None:
    moments = [dt.datetime.combine(day, time) for day, time in column]
    texts = [write_number(moment, form) for moment in moments]
    found = parse_timestamps(pd.Series(texts, dtype="str"), formats=(form,), time_zone=LONDON)
    times_found = (found.local if form.startswith("excel") else found.utc).astype("datetime64[s]").tolist()
    assert times_found == moments
    expected = [DAY if form.startswith("excel") and moment.time() == dt.time() else MINUTE for moment in moments]
    assert found.precision.tolist() == expected


def write_number(moment: dt.datetime, form: str) -> str:
    seconds = (moment - dt.datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 - both are of the same clock
    if form.startswith("epoch"):
        return f"{seconds * (1000 if form == 'epoch-ms' else 1):.0f}"
    origin = dt.date(1899, 12, 30) if form == "excel" else dt.date(1904, 1, 1)
    serial = seconds / 86_400 - (origin - dt.date(1970, 1, 1)).days
    return f"{serial:.9f}".rstrip("0").rstrip(".")


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.tuples(days, times), min_size=2, max_size=8), st.sampled_from(["excel", "epoch", "epoch-ms"]))
def test_a_whole_column_of_numbers_is_read_back_without_a_word(
    column: list[tuple[dt.date, dt.time]], form: str
) -> None:
    moments = [dt.datetime.combine(day, time) for day, time in column]
    place = 0 if form == "excel" else 1
    results = read([write_number(moment, form) for moment in moments])
    assert [result and result[place] for result in results] == moments


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(days, min_size=1, max_size=8), st.integers(30_000, 60_000))
def test_a_number_among_dates_is_refused(column: list[dt.date], number: int) -> None:
    texts = [day.isoformat() for day in column]
    assert read([*texts, str(number)])[-1] is None


@pytest.mark.slow
@settings(max_examples=40)
@given(days, st.integers(0, 23), st.integers(0, 59), st.sampled_from(["number", "full", "short", "float"]))
def test_dates_in_columns_are_read_back(day: dt.date, hour: int, minute: int, form: str) -> None:
    full = MONTHS[day.month - 1]
    month = {"number": str(day.month), "full": full, "short": full[:3].upper(), "float": f"{day.month}.0"}[form]
    year = f"{day.year}.0" if form == "float" else str(day.year)
    parts = [year, month, str(day.day), str(hour), str(minute)]
    columns = [pd.Series([part], dtype=object) for part in parts]
    moment = dt.datetime.combine(day, dt.time(hour, minute))
    expected = {2: (moment.replace(day=1), MONTH), 3: (moment, DAY), 4: (moment, MINUTE), 5: (moment, MINUTE)}
    for number, (start, precision) in expected.items():
        (result,) = read(join_date_parts(columns[:number], has_day=number > 2).tolist())
        assert result is not None
        clock = {4: dt.time(hour), 5: dt.time(hour, minute)}.get(number, dt.time())
        assert (result[0], result[2]) == (dt.datetime.combine(start.date(), clock), precision)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(st.text("0123456789 ?JunxX.-", max_size=5), min_size=5, max_size=5))
def test_no_parts_make_another_date(parts: list[str]) -> None:
    (text,) = join_date_parts([pd.Series([part], dtype=object) for part in parts], has_day=True).tolist()
    (result,) = read([text])
    if result is not None:
        assert str(result[0].year)[-2:] in parts[0]
        assert not parts[2].strip() or result[0].day == int(float(parts[2]))
