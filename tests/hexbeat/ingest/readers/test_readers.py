"""The one boundary of all readers: their errors become Hexbeat's, those of the caller stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest import readers
from hexbeat.ingest.readers import Chunk, ReadOptions, TextTable, open_file

FAULTS = [
    ValueError("51.5, a name"), RecursionError(), MemoryError(), OSError(5, "io"), KeyError("a name"), OverflowError(),
    UnicodeEncodeError("utf-8", "a name\ud800", 6, 7, "surrogates"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("when", ["opening", "reading"])
def test_every_fault_of_a_reader_is_told_without_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, when: str
) -> None:
    @contextmanager
    def open_badly(*_: object, **__: object) -> Iterator[TextTable]:
        def chunks(_: tuple[str, ...]) -> Iterator[Chunk]:
            raise fault
            yield  # a generator, as readers' chunks are

        if when == "opening":
            raise fault
        yield TextTable(("a",), chunks)

    monkeypatch.setattr(readers, "open_text", open_badly)
    (tmp_path / "a.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(DataError) as caught, open_file(tmp_path / "a.csv", ReadOptions(), name="b.zip/a.csv") as opened:
        list(opened.chunks(("a",)))
    assert str(caught.value) == (
        "b.zip/a.csv has to be a file that Hexbeat can read; it is damaged, or too large to read "
        f"({type(fault).__name__}); export it again, as CSV if you can"
    )


def test_the_errors_of_a_caller_are_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"^mine$"), open_file(path, ReadOptions()) as opened:
        _fail_at(next(opened.chunks(opened.columns)))


def _fail_at(chunk: Chunk) -> None:
    raise ValueError("mine" if len(chunk.lines) else "")
