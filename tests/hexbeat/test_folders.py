"""A folder is replaced as a whole or not at all, whatever goes wrong; and nothing stray stays."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat import folders
from hexbeat.folders import atomic_replace, hold_draft, remove_drafts, replace_folder, require_room
from tests.support.faults import files_limited_to, replace_and_be_killed

OLD = {"a.txt": b"old", "gone.txt": b"old"}
NEW = {"a.txt": b"new", "b.txt": b"new"}
RULE = "A folder is replaced as a whole or not at all"
HINT = "nothing was changed; make room for it, or choose a folder whose parent you can write to"


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with the old files."""
    folder = tmp_path / "out"
    folders.write_folder(folder, OLD)
    return folder


@pytest.fixture(params=["exchange", "aside"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the system's exchange of names, and without."""
    if request.param == "aside":
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    return str(request.param)


def test_a_folder_is_replaced_and_nothing_else_stays(out: Path, how: str) -> None:
    atomic_replace(out, NEW)
    assert read_all(out) == NEW
    assert list_names(out.parent) == ["out"], how


def test_this_system_exchanges_two_folders_in_one_step(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody ever finds the folder missing."""
    monkeypatch.setattr(Path, "rename", fail_at(Path.rename, 0))
    atomic_replace(out, NEW)
    assert read_all(out) == NEW


def test_other_files_stay_where_they_are_told_to(out: Path, how: str) -> None:
    (out / "mine").mkdir()
    (out / "mine" / "deep.txt").write_bytes(b"mine")
    (out / "link").symlink_to("a.txt")
    out.chmod(0o750)
    atomic_replace(out, NEW, keep_others=True)
    assert read_all(out) == {**NEW, "gone.txt": b"old", "mine/deep.txt": b"mine", "link": b"new"}
    assert (out / "link").is_symlink(), how
    assert out.stat().st_mode & 0o777 == 0o750


def test_a_link_to_a_folder_stays_a_link(out: Path) -> None:
    link = out.with_name("link")
    link.symlink_to("out")
    atomic_replace(link, NEW)
    assert link.is_symlink()
    assert read_all(out) == NEW


def test_a_full_disk_changes_nothing(out: Path, how: str) -> None:
    with files_limited_to(1000), pytest.raises(DataError) as caught:
        atomic_replace(out, {**NEW, "large.txt": b"x" * 5000}, keep_others=True)
    assert str(caught.value) == f"{RULE}; out cannot be written (File too large); {HINT}"
    assert read_all(out) == OLD
    assert list_names(out.parent) == ["out"], how


def test_a_full_disk_leaves_no_new_folder_and_none_above_it(tmp_path: Path) -> None:
    with files_limited_to(1000), pytest.raises(DataError):
        atomic_replace(tmp_path / "deep" / "er" / "out", {"large.txt": b"x" * 5000})
    assert list_names(tmp_path) == []


@pytest.mark.parametrize("failing", [0, 1])
def test_a_rename_that_fails_changes_nothing(out: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    monkeypatch.setattr(Path, "rename", fail_at(Path.rename, failing))
    with pytest.raises(DataError) as caught:
        atomic_replace(out, NEW)
    assert str(caught.value) == f"{RULE}; out cannot be written (Device or resource busy); {HINT}"
    assert read_all(out) == OLD
    assert list_names(out.parent) == ["out"]


def fail_at(rename: Callable[..., Path], number: int) -> Callable[..., Path]:
    """The same, but one call of it fails."""
    calls = iter(range(100))

    def fail(*arguments: object) -> Path:
        if next(calls) == number:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return rename(*arguments)

    return fail


@pytest.mark.parametrize(
    ("step", "at", "expected"),
    [("write_folder", 0, OLD), ("sync_folder", 0, OLD), ("_swap_folders", 0, OLD), ("rmtree", 0, NEW)],
)
def test_killed_at_any_step_the_folder_is_old_or_new(out: Path, step: str, at: int, expected: dict[str, bytes]) -> None:
    assert replace_and_be_killed(out, how="exchange", step=step, at=at) == -9
    assert read_all(out) == expected
    atomic_replace(out, NEW)  # the next one removes what was left
    assert list_names(out.parent) == ["out"]


def test_killed_between_two_renames_the_folder_is_found_again(out: Path) -> None:
    assert replace_and_be_killed(out, how="aside", step="rename", at=1) == -9
    assert not out.exists()
    with pytest.raises(DataError), files_limited_to(1000):  # also by one that fails
        atomic_replace(out, {"large.txt": b"x" * 5000})
    assert read_all(out) == OLD
    assert list_names(out.parent) == ["out"]


def test_killed_while_others_are_kept_nothing_of_them_is_lost(out: Path) -> None:
    assert replace_and_be_killed(out, how="exchange", step="rmtree", keep_others=True) == -9
    assert read_all(out) == {**NEW, "gone.txt": b"old"}
    atomic_replace(out, NEW, keep_others=True)
    assert read_all(out) == {**NEW, "gone.txt": b"old"}
    assert list_names(out.parent) == ["out"]


def test_a_block_that_fails_leaves_the_folder_as_it_was(out: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replace_folder(out, NEW):
        raise KeyboardInterrupt
    assert read_all(out) == OLD
    assert list_names(out.parent) == ["out"]


def test_a_draft_that_somebody_writes_is_not_removed(tmp_path: Path) -> None:
    draft = tmp_path / ".out-new-0a1b2c3d"
    draft.mkdir()
    with hold_draft(draft):
        atomic_replace(tmp_path / "out", NEW)
        assert draft.is_dir()
    (tmp_path / ".out-new-mine").mkdir()
    draft.mkdir()
    remove_drafts(tmp_path, r"\.out-new-[0-9a-f]{8}")
    assert list_names(tmp_path) == [".out-new-mine", "out"]


@pytest.mark.parametrize(("name", "reason"), [("out", "Is a directory"), ("out/a.txt", "Not a directory")])
def test_a_file_is_not_replaced_by_a_folder_nor_a_folder_by_a_file(out: Path, name: str, reason: str) -> None:
    if name == "out":
        (out / "b.txt").mkdir()
    with pytest.raises(DataError) as caught:
        atomic_replace(out.parent / name, NEW, keep_others=True)
    assert str(caught.value) == f"{RULE}; {Path(name).name} cannot be written ({reason}); {HINT}"
    assert read_all(out) == OLD


def test_a_disk_without_room_is_noticed_before_anything_is_computed(tmp_path: Path) -> None:
    require_room(tmp_path / "not" / "there", 1)
    with pytest.raises(DataError) as caught:
        require_room(tmp_path / "not" / "there", 10**18)
    assert str(caught.value) == f"{RULE}; there cannot be written ({os.strerror(errno.ENOSPC)}); {HINT}"
    assert list_names(tmp_path) == []
