"""The encoding of a text is found, said where it was guessed, and refused with the right line."""

from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.ingest.readers import ReadOptions, open_file

TEXT = "layer,place\nneedles,Bin\nneedles,Café\n"


def read(path: Path, encoding: str | None = None) -> tuple[list[str], list[str]]:
    """The places of a file, and the remarks."""
    with open_file(path, ReadOptions(encoding=encoding)) as opened:
        places = [text for chunk in opened.chunks(opened.columns) for text in chunk.frame["place"]]
    return places, opened.remarks


def written(folder: Path, data: bytes) -> Path:
    path = folder / "finds.csv"
    path.write_bytes(data)
    return path


def refusal(path: Path, encoding: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(path, encoding)
    return str(caught.value)


def test_cp1252_is_recognised_and_said(tmp_path: Path) -> None:
    assert read(written(tmp_path, TEXT.encode("cp1252"))) == (
        ["Bin", "Café"],
        ["finds.csv: it is not in UTF-8, so it was read as cp1252, which Excel on Windows writes"],
    )


@pytest.mark.parametrize("rest", [b"\x81", b"\x9d", "é".encode()])
def test_what_is_neither_is_refused_with_its_line(tmp_path: Path, rest: bytes) -> None:
    data = TEXT.encode("cp1252") + b"needles," + rest + b"\n"
    assert refusal(written(tmp_path, data)) == (
        "finds.csv has to be in UTF-8; the text in line 3 is not; save it as UTF-8, or name its encoding "
        '("cp1252" for Excel on Windows)'
    )


def test_a_far_line_that_is_not_in_the_named_encoding(tmp_path: Path) -> None:
    data = b"layer,place\n" + b"needles,Bin\n" * 100_000 + b"needles,\x81\n"
    assert refusal(written(tmp_path, data), "cp1252") == (
        "finds.csv has to be in CP1252; the text in line 100,002 is not; save it as UTF-8, or name its encoding "
        '("cp1252" for Excel on Windows)'
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_has_to_be_named(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, TEXT.encode(encoding))
    assert read(path, encoding) == (["Bin", "Café"], [])
    assert refusal(path) == (
        "finds.csv has to be text, as CSV is; it may be UTF-16 without a byte order mark; name its encoding "
        '("utf-16-le", or "utf-16-be"), or save it as UTF-8'
    )


def test_a_mark_is_stronger_than_a_name(tmp_path: Path) -> None:
    assert read(written(tmp_path, TEXT.encode("utf-8-sig")), "cp1252") == (["Bin", "Café"], [])


def test_halves_of_characters_are_no_text(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, b"layer,place\nneedles,\\ud800\n"), "unicode_escape") == (
        "finds.csv has to be in UNICODE_ESCAPE; the text in line 2 is not; save it as UTF-8, or name its encoding "
        '("cp1252" for Excel on Windows)'
    )
