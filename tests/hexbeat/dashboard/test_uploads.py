import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError
from hexbeat.dashboard.uploads import STALE_S, clean_name, select_main_files, write_uploads


@dataclass
class Upload:
    name: str
    content: bytes = b"a,b\n1,2\n"

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


def test_files_are_there_for_this_user_only_and_gone_afterwards(tmp_path: Path) -> None:
    with write_uploads([Upload("finds.csv"), Upload("finds.csv", b"x")], tmp_path) as paths:
        assert [path.read_bytes() for path in paths] == [b"a,b\n1,2\n", b"x"]
        assert [path.name for path in paths] == ["finds.csv", "2-finds.csv"]
        assert [stat.S_IMODE(path.stat().st_mode) for path in (paths[0].parent, *paths)] == [0o700, 0o600, 0o600]
        assert paths[0].is_relative_to(tmp_path / "uploads")
    assert list((tmp_path / "uploads").iterdir()) == []


def test_files_are_gone_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\Abroken\Z"), write_uploads([Upload("finds.csv")], tmp_path):
        raise ValueError("broken")
    assert list((tmp_path / "uploads").iterdir()) == []


def test_files_that_the_server_would_read_by_itself_are_bounded(tmp_path: Path) -> None:
    files = [Upload("a.gpx", bytes(600_000)), Upload("b.gpx", bytes(600_001))]
    with pytest.raises(DataError) as caught, write_uploads(files, tmp_path, most_bytes=1_200_000):
        pytest.fail("they were written")
    assert str(caught.value) == (
        "Files for this page have at most 1 MB together; yours have 1.2 MB; split them, or use the command line"
    )
    assert not (tmp_path / "uploads").exists()
    with write_uploads(files, tmp_path, most_bytes=1_200_001) as paths:
        assert [path.stat().st_size for path in paths] == [600_000, 600_001]


def test_what_a_killed_process_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "uploads" / "left"
    folder.mkdir(parents=True)
    (folder / "finds.csv").write_text("x")
    later = folder.stat().st_mtime + STALE_S + 1
    monkeypatch.setattr("hexbeat.dashboard.uploads.time.time", lambda: later)
    with write_uploads([], tmp_path):
        assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("2024-03-cleveland-stop-and-search.csv", "2024-03-cleveland-stop-and-search.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\finds (2).xlsx", "finds (2).xlsx"),
        ("<img src=x onerror=alert(1)>.csv", "_img src_x onerror_alert(1)_.csv"),
        ("a\nb.csv", "a_b.csv"),
        ("...", "file"),
    ],
)
def test_a_name_keeps_what_profiles_read_and_nothing_else(name: str, safe: str) -> None:
    assert clean_name(name) == safe


@given(st.text(max_size=400))
def test_no_name_leaves_its_folder_or_is_too_long(name: str) -> None:
    safe = clean_name(name)
    assert safe == Path(safe).name
    assert safe not in {"", ".", ".."}
    assert len(safe) <= 120


def test_parts_of_a_shapefile_are_not_read_by_themselves() -> None:
    paths = [Path(name) for name in ("a.shp", "a.dbf", "A.prj", "b.dbf", "c.csv")]
    assert select_main_files(paths) == [Path("a.shp"), Path("b.dbf"), Path("c.csv")]
