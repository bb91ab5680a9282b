"""The lines of a text file: its encoding, and lines in blocks of bounded size that can be read again."""

import codecs
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from geo.errors import DataError
from hexbeat.ingest.readers.limits import Limits, detect_kind

__all__ = ["Lines", "RecordTooLongError", "detect_encoding"]

BLOCK_BYTES: Final = 1 << 18
_SAFE: Final = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "ascii", "latin-1", "iso-8859-1")  # never lone surrogates
_NOT_CP1252: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
_WIDE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_HINT: Final = 'save it as UTF-8, or name its encoding ("cp1252" for Excel on Windows)'


def detect_encoding(path: Path, named: str | None) -> tuple[str, list[str]]:
    """The encoding of a file, and a remark if it was guessed.

    By byte order mark, else the named one, else UTF-8, else cp1252 if every byte fits. DataError if the file is not
    text at all, or is in neither (with the first line that is not).
    """
    with path.open("rb") as file:
        start = file.read(BLOCK_BYTES)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", []
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", []
    wide = (named or "").lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32"))
    kind = detect_kind(start)
    if kind or (b"\x00" in start and not wide):
        raise _build_binary_error(path.name, kind, start)
    if named:
        return named, []
    line = _find_bad_line(path)
    if line is None:
        return "utf-8", []
    if not _is_cp1252(path):
        raise _build_encoding_error(path.name, "utf-8", line)
    return "cp1252", [f"{path.name}: it is not in UTF-8, so it was read as cp1252, which Excel on Windows writes"]


def _build_binary_error(name: str, kind: str | None, start: bytes) -> DataError:
    zeros = start[:1000].count(b"\x00")
    if not kind and zeros * 3 > len(start[:1000]):
        return DataError(
            f"{name} has to be text, as CSV is",
            "it may be UTF-16 without a byte order mark",
            'name its encoding ("utf-16-le", or "utf-16-be"), or save it as UTF-8',
        )
    return DataError(
        f"{name} has to be text, as CSV is",
        f"it is {kind or 'binary'}",
        "export it as CSV in UTF-8, or correct the ending of its name",
    )


def _build_encoding_error(name: str, encoding: str, line: int) -> DataError:
    return DataError(f"{name} has to be in {encoding.upper()}", f"the text in line {line:,} is not", _HINT)


def _find_bad_line(path: Path) -> int | None:
    """The first line that is not UTF-8; None if all of the file is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES * 4):
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError as error:
                return line + _count_ends(error.object[: error.start])
            line += text.count("\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return line
    return None


def _count_ends(data: bytes) -> int:
    return data.count(b"\n")


def _is_cp1252(path: Path) -> bool:
    """Whether every byte is a letter or mark of cp1252, and no letter is written as in UTF-8."""
    before = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES * 4):
            if _NOT_CP1252.search(block) or _WIDE.search(before + block):
                return False
            before = block[-3:]
    return True


class RecordTooLongError(Exception):
    """The record that is being read has more characters than a record may."""


class Lines:
    """The lines of a text file, numbered from 1, none longer than the limit.

    Those of the record that is being read, from `begin` on, are kept and can be read again; with `holds`, all are.
    `odd` are kept lines with a quote behind a backslash, or with the word total, and `careful` says that there are
    some, or that the file has ended.
    """

    def __init__(self, name: str, file: BinaryIO, encoding: str, limits: Limits) -> None:
        self.name, self.encoding, self.limits = name, encoding, limits
        self.begin, self.holds = 1, False
        self.odd: set[int] = set()
        self.careful = self.has_ended = False
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._is_safe = encoding.lower().replace("_", "-") in _SAFE
        self._kept: deque[tuple[int, list[str], int]] = deque()  # number of the first line, lines, characters
        self._next = 1  # number of the next line that is read from the file
        self._rest = ""  # the beginning of that line
        self._is_read = False

    def read_from(self, line: int) -> Iterator[str]:
        """The lines from that one on, which has to be a kept one or the next.

        RecordTooLongError before the record has more characters than one may. DataError if the file is not
        in its encoding, or has a line that is too long.
        """
        self.has_ended, self.careful = False, bool(self.odd)
        for first, lines, _ in list(self._kept):
            for place in range(max(0, line - first), len(lines)):  # no copy: there may be many small steps back
                yield lines[place]
        while self._read_block():
            first, lines, _ = self._kept[-1]
            yield from lines[line - first :] if first < line else lines
        self.has_ended = self.careful = True

    def get(self, begin: int, end: int) -> list[str]:
        """The kept lines from `begin` to `end`, both included."""
        wanted_lines: list[str] = []
        for first, lines, _ in self._kept:
            wanted_lines += lines[max(0, begin - first) : max(0, end + 1 - first)]
        return wanted_lines

    def _read_block(self) -> bool:
        """Keep the next block of lines and forget those before `begin`; False at the end of the file."""
        while not self.holds and self._kept and self._kept[0][0] + len(self._kept[0][1]) <= self.begin:
            self._kept.popleft()
        behind = sum(characters for first, _, characters in self._kept if first > self.begin)
        if behind > self.limits.record_characters:
            raise RecordTooLongError
        lines: list[str] = []
        while not lines and not self._is_read:
            lines = self._split(self._decode())
        if lines:
            self._kept.append((self._next, lines, sum(map(len, lines))))
            self._next += len(lines)
        return bool(lines)

    def _decode(self) -> str:
        data = self._file.read(BLOCK_BYTES)
        self._is_read = not data
        try:
            text = self._decoder.decode(data, final=self._is_read)
        except UnicodeError as error:
            ends = 0
            if isinstance(error, UnicodeDecodeError):
                ends = error.object[: error.start].decode(self.encoding, "ignore").count("\n")
            raise _build_encoding_error(self.name, self.encoding, self._next + ends) from error
        if not self._is_safe and (surrogate := _SURROGATE.search(text)):
            line = self._next + text.count("\n", 0, surrogate.start())
            raise _build_encoding_error(self.name, self.encoding, line)
        return text

    def _split(self, text: str) -> list[str]:
        """The whole lines of the text behind the rest of the block before; `odd` is brought up to date."""
        text = self._rest + text
        lines = io.StringIO(text, newline="").readlines()
        self._rest = "" if self._is_read or text.endswith("\n") else (lines.pop() if lines else "")
        longest = max(map(len, lines), default=0)
        most = self.limits.line_characters
        if max(longest, len(self._rest)) > most:
            number = self._next + next((k for k, line in enumerate(lines) if len(line) > most), len(lines))
            raise DataError(
                f"A line has at most {most:,} characters",
                f"line {number:,} of {self.name} is longer",
                "check that the file is a CSV with line breaks",
            )
        self._mark_odd(text, lines)
        return lines

    def _mark_odd(self, text: str, lines: list[str]) -> None:
        if self.odd and not self.holds:
            self.odd = {line for line in self.odd if line >= self.begin}
        if '\\"' in text or "total" in text.lower():
            odd = (k for k, line in enumerate(lines, self._next) if '\\"' in line or "total" in line.lower())
            self.odd.update(odd)
        self.careful = bool(self.odd)
