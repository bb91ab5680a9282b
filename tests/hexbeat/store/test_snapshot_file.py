"""The file of a snapshot: what was written is read, and nothing that differs from it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexbeat.store import snapshot_file
from hexbeat.store.snapshot_file import Damage, erase_file, open_file, write_file

FACTS = {"version": 4, "names": ["Ü", "b"], "reporters": [["needle_litter", "table", "public"]]}
Arrays = dict[str, NDArray[Any]]


def build_arrays() -> Arrays:
    random = np.random.default_rng(5)
    return {
        "start": random.integers(-(2**60), 2**60, 900),
        "layer": random.integers(0, 255, 900).astype(np.uint8),
        "demonstration": random.integers(0, 2, 900).astype(np.bool_),
        "lon": random.normal(size=900),
        "location_m": random.normal(size=900).astype(np.float32),
        "cell_ids_09": random.integers(0, 2**63, 70).astype(np.uint64),
        "ward": random.integers(-5, 9, 900).astype(np.int16),
        "others": np.zeros(0, dtype=np.int64),
    }


def write(path: Path, arrays: Arrays) -> bytes:
    write_file(path, FACTS, arrays).replace(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Arrays]:
    arrays = build_arrays()
    path = tmp_path_factory.mktemp("snapshot") / "a.columns"
    return path, write(path, arrays), arrays


def read_all(path: Path) -> tuple[Any, Arrays]:
    """Everything that can be read without damage."""
    file = open_file(path)
    return file.facts, {name: file.read(name) for name in build_arrays()}


def test_what_is_written_is_read(written: tuple[Path, bytes, Arrays], monkeypatch: pytest.MonkeyPatch) -> None:
    path, _, arrays = written
    facts, read = read_all(path)
    assert facts == FACTS
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array, strict=True)
        assert not read[name].flags.writeable or not len(array)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ("lon" in open_file(path), "lat" in open_file(path)) == (True, False)
    with pytest.raises(Damage):
        open_file(path).read("lat")
    monkeypatch.setattr(snapshot_file, "_BLOCK", 512)
    small = path.with_name("small.columns")
    write(small, arrays)
    np.testing.assert_array_equal(open_file(small).read("start"), arrays["start"])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_or_a_cut_is_noticed_or_changes_nothing(
    written: tuple[Path, bytes, Arrays], data: st.DataObject
) -> None:
    path, content, arrays = written
    place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 4000), label="byte")
    if data.draw(st.booleans(), label="cut"):
        lie = content[:place]
    else:
        lie = bytearray(content)
        lie[place] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    other = path.with_name("lie.columns")
    other.write_bytes(lie)
    other.chmod(0o600)
    try:
        file = open_file(other)
    except Damage:
        return
    assert len(lie) == len(content)
    assert file.facts == FACTS
    for name, array in arrays.items():
        try:
            np.testing.assert_array_equal(file.read(name), array, strict=True)
        except Damage:
            continue


def test_every_bit_of_an_array_counts(written: tuple[Path, bytes, Arrays]) -> None:
    path, content, arrays = written
    other = path.with_name("flipped.columns")
    for name in ("layer", "lon"):
        raw = arrays[name].tobytes()
        begin = content.index(raw)
        for bit in range(0, 8 * len(raw), 331):
            lie = bytearray(content)
            lie[begin + bit // 8] ^= 1 << bit % 8
            other.write_bytes(lie)
            other.chmod(0o600)
            with pytest.raises(Damage):
                open_file(other).read(name)


def test_a_file_that_is_not_ones_own_is_not_opened(
    written: tuple[Path, bytes, Arrays], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.columns"
    write(path, written[2])
    link = tmp_path / "link.columns"
    link.symlink_to(path)
    open_file(path)
    for lie in (link, tmp_path, tmp_path / "none.columns"):
        with pytest.raises(Damage):
            open_file(lie)
    path.chmod(0o640)
    with pytest.raises(Damage):
        open_file(path)
    path.chmod(0o600)
    hard = tmp_path / "hard.columns"
    os.link(path, hard)
    with pytest.raises(Damage):
        open_file(path)
    hard.unlink()
    open_file(path)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(Damage):
        open_file(path)


@pytest.mark.slow
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.columns", 0o600)
    script = "import sys, pathlib\nfrom hexbeat.store.snapshot_file import Damage, open_file\n"
    script += "try: open_file(pathlib.Path(sys.argv[1]))\nexcept Damage: print('refused')"
    command = [sys.executable, "-c", script, str(tmp_path / "pipe.columns")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout == "refused\n"


def test_an_erased_file_keeps_no_byte_unless_somebody_reads_it(
    written: tuple[Path, bytes, Arrays], tmp_path: Path
) -> None:
    path = tmp_path / "a.columns"
    content = write(path, written[2])
    with path.open("rb") as disk:  # the same bytes on the disk, after the name has gone
        erase_file(path)
        assert not path.exists()
        assert disk.read() == bytes(len(content))
    write(path, written[2])
    reader = open_file(path)
    with path.open("rb") as disk:
        erase_file(path)
        assert not path.exists()
        np.testing.assert_array_equal(reader.read("lon"), written[2]["lon"])
        assert disk.read() == content
    erase_file(path)  # there is none: nothing happens


def test_a_full_disk_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        write_file(tmp_path / "a.columns", FACTS, build_arrays())
    assert list(tmp_path.iterdir()) == []
