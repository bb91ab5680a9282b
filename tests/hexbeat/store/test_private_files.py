"""What lies in the home folder is for its own user: beside PostgreSQL too, and the keys of published releases."""

from pathlib import Path

import pytest

from hexbeat.release.register import Register
from hexbeat.store.databases import make_engine
from tests.support.releases import write_example


def find_mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


@pytest.mark.parametrize("before", [None, 0o755])
def test_the_home_folder_is_private_where_the_store_is_elsewhere(tmp_path: Path, before: int | None) -> None:
    home = tmp_path / "home"
    if before is not None:
        home.mkdir(mode=before)
    make_engine(home, "postgresql://nobody@127.0.0.1:1/nowhere").dispose()
    assert find_mode(home) == "0o700"


def test_a_process_whose_home_cannot_be_made_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    make_engine(tmp_path / "file" / "home", "postgresql://nobody@127.0.0.1:1/nowhere").dispose()
    assert (tmp_path / "file").is_file()


def test_the_key_of_a_release_is_for_its_own_user(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in write_example(tmp_path / "release").iterdir()}
    register = Register.of(tmp_path / "home", "exampleton")
    register.add(1, files, counted_events=["a"], origin_counts={}, first_days={}, continues=None)
    (note,) = [path for path in register.folder.rglob("*.json") if '"key"' in path.read_text(encoding="utf-8")]
    assert find_mode(note) == "0o600"
    assert find_mode(register.folder / "0001") == "0o700"
