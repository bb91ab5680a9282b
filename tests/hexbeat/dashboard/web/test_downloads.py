"""A file that somebody has asked for stays there for them, whatever else the server does meanwhile."""

from threading import Timer

import pytest
from streamlit import net_util
from streamlit.runtime import memory_media_file_storage, runtime
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from hexbeat.dashboard.web import downloads
from hexbeat.dashboard.web.downloads import LastingFiles
from hexbeat.dashboard.web.server import PROJECT, SECURITY, build_app


@pytest.fixture
def files() -> LastingFiles:
    return LastingFiles(storage=MemoryMediaFileStorage("/media"))


def draw(files: LastingFiles, text: str, element: str = "form", place: str = "1") -> str:
    return files.add_deferred(lambda: text, "text/plain", place, f"{text}.txt", element_id=element)


def read(files: LastingFiles, address: str) -> bytes:
    found = files.read_file(address.rpartition("/")[2].removesuffix(".txt"))
    assert found is not None
    return found.content


def test_a_finished_file_outlasts_the_runs_of_others(files: LastingFiles) -> None:
    files.remove_orphaned_files()
    address = files.execute_deferred(draw(files, "draft"))
    for _ in range(20):
        files.remove_orphaned_files()
    assert read(files, address) == b"draft"


def test_a_finished_file_goes_after_its_time(files: LastingFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "KEPT_S", 0.0)
    address = files.execute_deferred(draw(files, "draft"))
    for _ in range(2):
        files.remove_orphaned_files()
    assert files.read_file(address.rpartition("/")[2].removesuffix(".txt")) is None


def test_large_files_do_not_pile_up(files: LastingFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_MOST_BYTES", 1_000)
    addresses = []
    for number in range(20):
        addresses.append(files.execute_deferred(draw(files, str(number) * 500)))
        files.remove_orphaned_files()
    kept = [address for address in addresses if files.read_file(address.rpartition("/")[2].removesuffix(".txt"))]
    assert 1 <= len(kept) <= 5
    assert kept[-1] == addresses[-1]


def test_a_click_before_the_page_is_drawn_again_makes_the_file_of_the_new_button(files: LastingFiles) -> None:
    before = draw(files, "before")
    files.clear_session_refs()
    draw(files, "other", element="another", place="1")
    draw(files, "after", place="2")
    files.remove_orphaned_files()
    assert read(files, files.execute_deferred(before)) == b"after"


def test_a_click_while_the_page_is_drawn_again_waits_for_the_button(files: LastingFiles) -> None:
    before = draw(files, "before")
    files.clear_session_refs()
    files.remove_orphaned_files()  # at the end of somebody else's run
    Timer(0.2, draw, (files, "after")).start()
    assert read(files, files.execute_deferred(before)) == b"after"


def test_a_button_that_is_gone_or_was_never_there_makes_nothing(
    files: LastingFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_NEXT_RUN_S", 0.1)
    gone = draw(files, "gone")
    files.remove_deferred("1", element_id="form")
    for file_id in (gone, "0" * 32):
        with pytest.raises(MediaFileStorageError, match=f"^Deferred file {file_id} not found$"):
            files.execute_deferred(file_id)


@pytest.mark.parametrize("audience", sorted(SECURITY))
def test_both_sides_are_served_with_it(audience: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for changed in (net_util, memory_media_file_storage, runtime):  # as they are, after the test
        for name in ("get_external_ip", "get_internal_ip", "_calculate_file_id", "MediaFileManager"):
            if hasattr(changed, name):
                monkeypatch.setattr(changed, name, getattr(changed, name))
    build_app(str(PROJECT / "streamlit_app.py"), audience)
    assert vars(runtime)["MediaFileManager"] is LastingFiles
