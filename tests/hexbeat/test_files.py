"""Files appear whole or not at all, why one cannot be written is said in three parts, and no text runs as a formula."""

import os
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from geo.errors import DataError, UsageError
from hexbeat.files import atomic_write, escape_formula, escape_formulas, require_folder

MARKS = "=+-@"
# Letters and symbols that no font draws (Default_Ignorable_Code_Point and the empty Braille cell).
WITHOUT_INK = "\u115f\u1160\u3164\uffa0\u2800\u034f\u180b\u180e\u17b4\ufe0f\U000e0100"


def put(path: Path) -> None:
    with atomic_write(path) as draft:
        draft.write_text("new")


def test_a_file_takes_its_place_when_all_went_well_and_only_then(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    put(path)
    with pytest.raises(ZeroDivisionError), atomic_write(path) as draft:
        draft.write_text(f"{1 / 0}")
    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_private_file_is_for_its_own_user_and_a_stricter_mode_stays(tmp_path: Path) -> None:
    for before, after in ((None, 0o600), (0o644, 0o600), (0o400, 0o400)):
        path = tmp_path / f"{before}.csv"
        if before is not None:
            path.write_text("old")
            path.chmod(before)
        with atomic_write(path, is_private=True) as draft:
            assert draft.parent.stat().st_mode & 0o777 == 0o700
            draft.write_text("new")
        assert (path.stat().st_mode & 0o777, path.read_text()) == (after, "new")
    assert {one.suffix for one in tmp_path.iterdir()} == {".csv"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dir.pdf", "it is a folder"),
        ("gone/x.pdf", "No such file or directory"),
        ("a.txt/x.pdf", "Not a directory"),
        (f"{'n' * 300}.pdf", "File name too long"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is_left(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "dir.pdf").mkdir()
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(DataError) as caught:
        put(tmp_path / name)
    assert str(caught.value) == (
        f"A file needs a folder that exists and that you can write to; {Path(name).name} cannot be written "
        f"({why}); choose another name or folder"
    )
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a.txt", "dir.pdf"]


def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "backup.tar.gz"
    os.mkfifo(pipe)
    with pytest.raises(DataError) as caught:
        put(pipe)
    assert str(caught.value) == (
        "A file takes the place of another file; backup.tar.gz is a device or a pipe; choose another name"
    )
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_the_folder_of_a_file_has_to_be_there(tmp_path: Path) -> None:
    require_folder(tmp_path / "new.csv")
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(DataError) as refused:
        require_folder(tmp_path / "dir.csv")
    assert str(refused.value) == (
        "A file needs a folder that exists and that you can write to; dir.csv cannot be written (it is a folder); "
        "choose another name or folder"
    )
    with pytest.raises(UsageError) as caught:
        require_folder(tmp_path / "none" / "new.csv")
    assert str(caught.value) == (
        f"The folder of the file has to exist; {tmp_path}/none does not exist; make it first, or choose another"
    )


def test_nothing_that_a_person_does_not_see_hides_a_formula() -> None:
    unseen = [chr(number) for number in range(sys.maxunicode + 1) if unicodedata.category(chr(number)) in UNSEEN]
    assert {"\u00a0", "\u200b", "\ufeff", "\u2060", "\u3000", "\u00ad", "\u202e", "\x00"} < set(unseen)
    for letter in [*unseen, *WITHOUT_INK]:
        assert escape_formula(f"{letter}=1+1") == f"'{letter}=1+1", repr(letter)


UNSEEN = {"Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Me"}


@pytest.mark.slow
def test_every_mark_that_folds_to_one_of_a_formula_is_one() -> None:
    folding = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.normalize("NFKC", chr(n)) in tuple(MARKS)]
    assert len(folding) == 17
    for letter in folding:
        assert escape_formula(f"{letter}A1") == f"'{letter}A1", repr(letter)
        if letter not in "+-":
            assert escape_formula(f"{letter}1") == f"'{letter}1", repr(letter)


@pytest.mark.slow
@given(st.text(alphabet=st.characters(categories=("Z", "C", "M")), max_size=20), st.sampled_from(MARKS), st.text())
@example("\u00a0\u200b\ufeff", "=", "1+1")
def test_whatever_stands_before_a_formula_it_does_not_run(before: str, mark: str, rest: str) -> None:
    text = f"{before}{mark}{rest}"
    assume(not is_signed_number(text))
    assert escape_formula(text) == f"'{text}"


def is_signed_number(text: str) -> bool:
    """As Python reads one: a sign and ASCII digits, with a point or a comma; no nan, no blanks, no 1_000."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return set(text) <= set("0123456789.,eE+-") and text[-1].isdigit() and text[0] in "+-"


@pytest.mark.parametrize("text", ["-1.23700", "+4", "-0,5", "-.5", "-12e3", "-1.5E-07"])
def test_a_signed_number_is_no_formula(text: str) -> None:
    assert escape_formula(text) == text
    for rest in ("+cmd|' /C calc'!A0", "+1", "-1", "*2", "%", "(1)", "\n", "\t=1", " ", "\u00a0", "\u0661", "A1", "e"):
        assert escape_formula(text + rest) == f"'{text}{rest}", repr(rest)
    for before in (" ", "\t", "\n", "\u00a0", "-", "=", "@"):
        assert escape_formula(before + text) == f"'{before}{text}", repr(before)


def test_a_table_keeps_no_control_that_a_terminal_obeys() -> None:
    frame = escape_formulas(pd.DataFrame({"a\x1b[2J": ["b\x1b]0;c\x07", "d\r\x9b2J\u202e", "e\tf\ng", "\x1b=1"]}))
    assert frame.to_dict("list") == {"a␛[2J": ["b␛]0;c␇", "d␍\ufffd2J\ufffd", "e\tf\ng", "'␛=1"]}


def test_the_cells_and_the_headings_of_a_table_are_escaped() -> None:
    frame = escape_formulas(pd.DataFrame({"\u00a0=a": ["\u200b@b", "c"], "n": [-1, 2]}))
    assert frame.to_dict("list") == {"'\u00a0=a": ["'\u200b@b", "c"], "n": [-1, 2]}


@given(st.text())
def test_a_text_that_begins_otherwise_stays_as_it_is(text: str) -> None:
    assert escape_formula(f"a{text}") == f"a{text}"
    assert escape_formula(7) == 7
