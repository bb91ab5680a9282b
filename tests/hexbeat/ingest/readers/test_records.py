"""A row that is no record is named with its line, and takes no other row with it."""

from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest.readers import LIMITS, Limits, ReadOptions, open_file, records

HEADINGS = "layer,date,lat,lon,category,id\n"
ROW = "needle_litter,{day:02d}/11/2025,54.5742,-1.2350,{text},N{day}\n"


def read(path: Path, limits: Limits = LIMITS) -> tuple[list[int], list[tuple[int, str]], list[str]]:
    """The lines of the rows, the unreadable rows with their problems, and the remarks."""
    with open_file(path, ReadOptions(), limits=limits) as opened:
        chunks = list(opened.chunks(opened.columns))
    lines = [int(line) for chunk in chunks for line in chunk.lines]
    return lines, [(row.line, row.problem) for chunk in chunks for row in chunk.unreadable], opened.remarks


def written(folder: Path, *texts: str) -> Path:
    path = folder / "finds.csv"
    path.write_text(HEADINGS + "".join(ROW.format(day=day, text=text) for day, text in enumerate(texts, start=1)))
    return path


def test_rows_inside_a_stray_quote_are_read_one_by_one(tmp_path: Path) -> None:
    path = written(tmp_path, '"By bin', "path", "path", "path", '12"', "path")
    assert read(path) == (
        [3, 4, 5, 6, 7],
        [(2, "a quote opens in it, and whole rows follow before it closes")],
        ["finds.csv: a quote in line 2 does not close; the rows below it were read one by one"],
    )


def test_a_quote_that_does_not_close_before_the_end(tmp_path: Path) -> None:
    assert read(written(tmp_path, "path", '"By bin', "path", "path"))[:2] == (
        [2, 4, 5],
        [(3, "a quote opens in it and does not close")],
    )
    assert read(written(tmp_path, "path", '"By bin'))[:2] == ([2], [(3, "a quote opens in it and does not close")])


def test_a_quote_that_does_not_close_in_a_long_file(tmp_path: Path) -> None:
    lines, problems, _ = read(written(tmp_path, '"By bin', *["path"] * 20_000))
    assert (lines, problems) == ([*range(3, 20_003)], [(2, "a quote opens in it and does not close")])


def test_line_breaks_in_a_cell_are_no_rows(tmp_path: Path) -> None:
    note = '"By bin, left,\nor right, of\n, the, gate, 12, 13, 14"'
    assert read(written(tmp_path, note, "path"))[:2] == ([2, 5], [])


def test_a_cell_too_many(tmp_path: Path) -> None:
    path = written(tmp_path, "path", "path, by the bin", "path")
    assert read(path) == ([2, 4], [(3, "it has 7 cells, and there are 6 headings")], [])


def test_blank_cells_at_the_end_are_none_too_many(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text("a,b\n1,2,,\n3,4\n,\n , \n")
    assert read(path)[:2] == ([2, 3, 5], [])


def test_quotes_behind_a_backslash(tmp_path: Path) -> None:
    path = written(tmp_path, "path", '"the \\"green\\" bin"', r'"C:\bins\"', 'a 12\\" pipe', "path")
    problem = "it has a quote behind a backslash, where a quote has to be doubled"
    assert read(path)[:2] == ([2, 4, 5, 6], [(3, problem)])


def test_a_total_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text("layer,date,lat,lon,quantity\nneedles,01/11/2025,54.57,-1.23,3\nTotal,30/11/2025,54.57,-1.23,3\n")
    assert read(path)[:2] == ([2], [(3, "it is a total of other rows")])


def test_a_cell_of_too_many_characters(tmp_path: Path) -> None:
    path = written(tmp_path, "path", "x" * 131_073, '"' + "x" * 131_073 + '"', "x" * 131_072)
    problem = "it has a cell of more than 131,072 characters"
    assert read(path)[:2] == ([2, 5], [(3, problem), (4, problem)])


@pytest.mark.slow
def test_a_record_of_too_many_characters(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text('a,b\n1,2\n"x\n' + 'y"x,"z\n' * 100_000)
    with pytest.raises(DataError) as caught:
        read(path, Limits(record_characters=100_000))
    message = str(caught.value).split("; ")
    assert message[0] == "A quote has to close in the row in which it opens"
    assert message[1].startswith("in ")
    assert message[2] == "close the quotes, or export the file again"


def test_a_file_of_unreadable_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_PENDING", 1_000)
    path = tmp_path / "finds.csv"
    path.write_text("a,b\n" + "Total,1\n" * 1_001)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        "A table has rows with a cell for each heading; finds.csv has more than 1,000 rows near line 1,002 that "
        "cannot be read; check that it is the right file, and export it again"
    )


@pytest.mark.parametrize(
    "rest", ["needle_litter", "needle_litter,02/11/2025,54.57", 'needle_litter,02/11/2025,54.57,"1"']
)
def test_a_last_line_that_breaks_off_is_no_record(tmp_path: Path, rest: str) -> None:
    path = written(tmp_path, "path")
    whole = path.read_text()
    path.write_text(whole + rest)
    assert read(path) == ([2], [(3, "the file ends in the middle of it")], [])
    for end in ("\n", "\r\n"):
        path.write_bytes((whole + rest + end).encode())
        assert read(path) == ([2, 3], [], [])


def test_a_last_line_with_all_its_cells_needs_no_end(tmp_path: Path) -> None:
    path = written(tmp_path, "path", "path")
    path.write_text(path.read_text().rstrip("\n"))
    assert read(path) == ([2, 3], [], [])
    path.write_text(path.read_text() + "\n   ")
    assert read(path) == ([2, 3], [], [])


def test_blank_headings_at_the_end_need_no_cells(tmp_path: Path) -> None:
    path = tmp_path / "finds.csv"
    path.write_text("a,b,c,,\n1,2,3\n4,5,6")
    assert read(path) == ([2, 3], [], [])
