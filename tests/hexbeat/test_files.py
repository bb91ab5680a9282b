"""Files appear whole or not at all, and why one cannot be written is said in three parts."""

from pathlib import Path

import pytest

from geo.errors import DataError, UsageError
from hexbeat.files import atomic_write, require_folder


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


@pytest.mark.parametrize(
    ("name", "why"),
    [("dir.pdf", "it is a folder"), ("gone/x.pdf", "No such file or directory"), ("a.txt/x.pdf", "Not a directory")],
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


def test_the_folder_of_a_file_has_to_be_there(tmp_path: Path) -> None:
    require_folder(tmp_path / "new.csv")
    with pytest.raises(UsageError) as caught:
        require_folder(tmp_path / "none" / "new.csv")
    assert str(caught.value) == (
        f"The folder of the file has to exist; {tmp_path}/none does not exist; make it first, or choose another"
    )
