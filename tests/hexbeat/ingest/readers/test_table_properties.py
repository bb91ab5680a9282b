"""However a table is saved, the same rows come out, or fewer and the others are named: never other ones."""

import datetime as dt
import string
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import DataError
from hexbeat.ingest.readers import ReadOptions, open_file
from tests.support.workbook_files import Cell, write_text, write_workbook

HEADINGS = ["layer", "date", "lat", "lon", "quantity", "category", "id"]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(QUICK, max_examples=12)
DAMAGES = ['"', '\\"', ',x,"y', ',"', '""']

words = st.text("abcxyz ,;|\t\"'\\\n£é12.", max_size=12).map(str.strip)
plain_words = st.text(string.ascii_lowercase + " ", max_size=8).map(str.strip)
titles = st.lists(st.sampled_from(["Drug litter finds", "Prepared by the team", "Site, all", "2025", ""]), max_size=3)


@st.composite
def tables(draw: st.DrawFn, texts: st.SearchStrategy[str] = words) -> list[list[Cell]]:
    """Rows of finds, each with its own identifier."""
    days = st.dates(dt.date(2024, 1, 1), dt.date(2026, 1, 1))
    degrees = st.integers(1, 99_999)
    drawn = draw(st.lists(st.tuples(days, degrees, degrees, st.integers(1, 50), texts), min_size=1, max_size=12))
    return [
        ["needle_litter", day, round(54 + x / 100_000, 5), round(-1 - y / 100_000, 5), quantity, text, f"N{k}"]
        for k, (day, x, y, quantity, text) in enumerate(drawn)
    ]


def fits(headings: Sequence[str]) -> bool:
    return {"date", "lat", "lon"} <= set(headings)


def expected(rows: list[list[Cell]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def read(path: Path, **options: object) -> tuple[list[list[str]], list[int], list[int]]:
    """The rows, their lines, and the lines of unreadable rows."""
    with open_file(path, ReadOptions(fits=fits, **options)) as opened:  # type: ignore[arg-type]  # by name
        chunks = list(opened.chunks(tuple(HEADINGS)))
    rows = [list(row) for chunk in chunks for row in chunk.frame.itertuples(index=False, name=None)]
    lines = [int(line) for chunk in chunks for line in chunk.lines]
    return rows, lines, [row.line for chunk in chunks for row in chunk.unreadable]


@pytest.mark.slow
@QUICK
@given(
    rows=tables(),
    above=st.lists(titles, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    suffix=st.sampled_from([".csv", ".tsv", ".txt"]),
    separator=st.sampled_from(["", "sep={}\n", '"sep={}"\n']),
)
def test_a_text_gives_its_rows_below_any_titles(
    tmp_path: Path,
    rows: list[list[Cell]],
    above: list[list[str]],
    delimiter: str,
    encoding: str,
    suffix: str,
    separator: str,
) -> None:
    delimiter = "\t" if suffix == ".tsv" else delimiter
    head = separator.format(delimiter)
    path = tmp_path / f"finds{suffix}"
    write_text(path, [*above, HEADINGS, *rows], delimiter=delimiter, encoding=encoding, head=head)
    assert read(path)[::2] == (expected(rows), [])


@pytest.mark.slow
@FEW
@given(
    rows=tables(plain_words),
    above=st.lists(titles, max_size=5),
    blank=st.integers(0, 3),
    suffix=st.sampled_from([".xlsx", ".xlsm", ".xlsb", ".ods"]),
)
def test_a_workbook_gives_its_rows_below_any_titles(
    tmp_path: Path, rows: list[list[Cell]], above: list[list[str]], blank: int, suffix: str
) -> None:
    filled = [*above, HEADINGS, *[[]] * blank, *rows, [], ["Total", None, None, None, 57]]
    path = write_workbook(tmp_path / f"finds{suffix}", {"Cover": [["Finds of a year"]], "Finds": filled})
    first = len(above) + 2 + blank
    assert read(path) == (expected(rows), [first + k for k in range(len(rows))], [first + len(rows) + 1])


@pytest.mark.slow
@FEW
@given(months=st.lists(tables(plain_words), min_size=2, max_size=4), suffix=st.sampled_from([".xlsx", ".xlsb", ".ods"]))
def test_months_on_sheets_of_one_form_are_one_table(
    tmp_path: Path, months: list[list[list[Cell]]], suffix: str
) -> None:
    for number, rows in enumerate(months):
        for row in rows:
            row[-1] = f"{row[-1]}-{number}"
    sheets = {f"Month {k}": [["Finds"], HEADINGS, *rows] for k, rows in enumerate(months)}
    path = write_workbook(tmp_path / f"finds{suffix}", sheets)
    assert read(path)[0] == [row for rows in months for row in expected(rows)]


@pytest.mark.slow
@QUICK
@given(rows=tables(plain_words), place=st.integers(0, 10_000), damage=st.sampled_from(DAMAGES))
def test_a_damaged_row_takes_no_other_with_it(tmp_path: Path, rows: list[list[Cell]], place: int, damage: str) -> None:
    path = write_text(tmp_path / "finds.csv", [HEADINGS, *rows])
    text = path.read_text(encoding="utf-8")
    start = text.index("\n") + 1
    place = start + place % (len(text) - start)
    line = text.count("\n", 0, place) + 1
    path.write_text(text[:place] + damage + text[place:], encoding="utf-8")
    found, lines, unreadable = read(path)
    assert len(found) + len(unreadable) == len(rows)
    assert set(unreadable) <= {line}
    assert [row for row, number in zip(found, lines, strict=True) if number != line] == [
        row for number, row in enumerate(expected(rows), start=2) if number != line
    ]


@QUICK
@given(noise=st.binary(min_size=1, max_size=300), encoding=st.sampled_from([None, "utf-16-le", "cp1252", "utf-7"]))
def test_noise_is_read_or_refused_in_three_parts(tmp_path: Path, noise: bytes, encoding: str | None) -> None:
    path = tmp_path / "noise.csv"
    path.write_bytes(b"layer,date,lat,lon\n" + noise)
    message = "; ; "
    try:
        with open_file(path, ReadOptions(fits=fits, encoding=encoding)) as opened:
            for chunk in opened.chunks(opened.columns):
                for row in chunk.frame.itertuples(index=False):
                    "".join(row).encode()
    except DataError as error:
        message = str(error)
    assert message.count("; ") >= 2


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "finds.csv"
    path.write_bytes(line_end.join(["Finds", "date,lat,lon", "2025-01-01,54.5,-1.2", "2025-01-02,54.5,-1.2"]).encode())
    with open_file(path, ReadOptions(fits=fits)) as opened:
        (chunk,) = opened.chunks(opened.columns)
    assert chunk.lines.tolist() == [3, 4]
    assert chunk.frame["date"].tolist() == ["2025-01-01", "2025-01-02"]
