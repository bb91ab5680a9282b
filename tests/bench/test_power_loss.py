"""What a disk may hold after a loss of power: what was flushed, and some of the rest. Calls from strace's lines."""

import random
from pathlib import Path

from bench.power_loss import Disk, Operation, build_disk, parse_trace, read_disk, write_disk


def disks(start: Disk, operations: list[Operation]) -> list[Disk]:
    return [build_disk(start, operations, random.Random(number)) for number in range(60)]  # noqa: S311 - no secret


def find_contents(found: list[Disk], name: str) -> set[bytes | None]:
    return {disk.contents[disk.names[name]] if name in disk.names else None for disk in found}


EMPTY = Disk(set(), {}, {})
WRITE = [Operation("make", "draft"), Operation("write", "draft", content=b"new")]
FLUSH = [Operation("flush", "draft")]
RENAME = [Operation("rename", "draft", "file")]


def test_a_file_that_is_renamed_before_it_is_flushed_may_be_empty() -> None:
    start = Disk(set(), {"file": 0}, {0: b"old"})
    assert find_contents(disks(start, [*WRITE, *RENAME]), "file") == {b"old", b"", b"new"}
    assert find_contents(disks(start, [*WRITE, *FLUSH, *RENAME]), "file") == {b"old", b"new"}
    folder = Operation("flush", ".")
    assert find_contents(disks(start, [*WRITE, *FLUSH, *RENAME, folder]), "file") == {b"new"}


def test_blocks_of_a_write_that_is_not_flushed_are_there_or_not() -> None:
    start = Disk(set(), {"file": 0}, {0: b"a" * 8192})
    found = find_contents(disks(start, [Operation("write", "file", offset=0, content=b"b" * 8192)]), "file")
    assert found == {b"a" * 8192, b"b" * 8192, b"a" * 4096 + b"b" * 4096, b"b" * 4096 + b"a" * 4096}


def test_folders_are_exchanged_with_all_that_is_in_them() -> None:
    start = Disk({"a", "b"}, {"a/x": 0, "b/x": 1}, {0: b"0", 1: b"1"})
    found = disks(start, [Operation("exchange", "a", "b"), Operation("flush", ".")])
    assert find_contents(found, "a/x") == {b"1"}
    assert {frozenset(disk.folders) for disk in found} == {frozenset({"a", "b"})}


def test_a_disk_is_written_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "one" / "sub").mkdir(parents=True)
    (tmp_path / "one" / "sub" / "file").write_bytes(b"0")
    disk = read_disk(tmp_path / "one")
    (tmp_path / "two").mkdir()
    write_disk(disk, tmp_path / "two")
    assert read_disk(tmp_path / "two") == disk == Disk({"sub"}, {"sub/file": 0}, {0: b"0"})


def escape(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def test_calls_are_read_from_what_strace_writes() -> None:
    draft, file, here = escape("/w/draft é"), escape("/w/file"), escape("/")
    lines = [
        f'7 openat(AT_FDCWD<{here}>, "{draft}", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3<{draft}>',
        f'7 write(3<{draft}>, "{escape("abc")}", 3) = 3',
        f'7 write(3<{draft}>, "{escape("defg")}", 4 <unfinished ...>',
        f'8 openat(AT_FDCWD<{here}>, "{escape("/w/none")}", O_RDONLY) = -1 ENOENT (No such file or directory)',
        "7 <... write resumed>) = 2",
        f'8 write(1<{escape("/dev/null")}>, "{escape("x")}", 1) = 1',
        f'8 pwrite64(5<{escape("/w/a-shm")}>, "{escape("x")}", 1, 0) = 1',
        f"7 fsync(3<{draft}>) = 0",
        f'7 renameat2(AT_FDCWD<{here}>, "{draft}", AT_FDCWD<{here}>, "{file}", RENAME_EXCHANGE) = 0',
        f'7 unlinkat(4<{escape("/w")}>, "{escape("file")}", 0) = 0',
        "7 +++ exited with 0 +++",
    ]
    assert list(parse_trace(lines, Path("/w"))) == [
        Operation("make", "draft é"),
        Operation("truncate", "draft é"),
        Operation("write", "draft é", content=b"abc"),
        Operation("write", "draft é", offset=3, content=b"de"),
        Operation("flush", "draft é"),
        Operation("exchange", "draft é", "file"),
        Operation("remove", "file"),
    ]
