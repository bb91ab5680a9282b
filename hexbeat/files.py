"""Files: writing them completely or not at all, their hashes, and text that no spreadsheet runs as a formula."""

import hashlib
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.errors import DataError, UsageError
from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = import_lazily("pandas")

__all__ = [
    "CONTROL_SIGNS",
    "atomic_write",
    "escape_formula",
    "escape_formulas",
    "escape_text",
    "format_toml_fact",
    "hash_file",
    "require_folder",
    "show_controls",
]

# What a terminal obeys or draws in another order: shown as a sign, whoever wrote it. Line ends and tabs stay.
CONTROL_SIGNS: Final[dict[int, int | str]] = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    **dict.fromkeys((*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}"),
}

# OWASP, CSV Injection: how a formula begins in Excel, LibreOffice and Google Sheets. Full-width, small and raised forms
# are marks too, because a program may fold them.
_FORMULA_MARKS: Final = frozenset(
    "=+-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u207a\u207b\u207c\u208a\u208b\u208c\ufb29"
)
_IS_FOLDER: Final = "it is a folder"
_SIGNED_NUMBER: Final = re.compile(r"[+-](?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")  # runs nothing
_CONTROL_STARTS: Final = ("\t", "\r", "\n")
_UNSEEN_KINDS: Final = "ZCM"  # separators, controls and formats, marks on the letter before: a program may drop them
_UNSEEN_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters and a symbol without any ink


def require_folder(out: Path) -> None:
    """UsageError unless the folder of a file exists, DataError if the name is that of a folder itself.

    Call it before anything is computed.
    """
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "The folder of the file has to exist", f"{out.parent} does not exist", "make it first, or choose another"
        )
    if os.path.isdir(out):  # noqa: PTH112 - as below
        raise _build_write_error(out, _IS_FOLDER)


@contextmanager
def atomic_write(path: Path, *, is_private: bool = False) -> Iterator[Path]:
    """Yield a draft beside `path` (same ending). It replaces `path` if the block succeeds, and is removed if not.

    The draft is on the disk before it gets the name, so that a loss of power leaves the one or the other. A private
    file is for its own user (mode 0600), its draft lies in a folder of mode 0700; a stricter mode of `path` stays.
    DataError if it cannot be written: a folder, device or pipe has that name, its folder is missing, no permission or
    no room.
    """
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):  # noqa: PTH110, PTH112, PTH113 - as below
        raise DataError(
            "A file takes the place of another file", f"{path.name} is a device or a pipe", "choose another name"
        )
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    room = path.with_name(f".{path.stem}-{secrets.token_hex(4)}")
    try:
        if is_private:
            room.mkdir(mode=0o700)
            draft = room / f"draft{path.suffix}"
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        if is_private:
            draft.chmod(0o600 & (path.stat().st_mode if path.exists() else 0o600))
        os.replace(draft, path)  # noqa: PTH105 - atomic within a folder, which its name says
    except OSError as error:
        raise _build_write_error(path, _describe_cause(path, error)) from error
    finally:
        with suppress(OSError):  # a folder that cannot be read holds no draft of ours
            draft.unlink(missing_ok=True)
        if is_private:
            shutil.rmtree(room, ignore_errors=True)


def _build_write_error(path: Path, cause: str) -> DataError:
    return DataError(
        "A file needs a folder that exists and that you can write to",
        f"{path.name} cannot be written ({cause})",
        "choose another name or folder",
    )


def _describe_cause(path: Path, error: OSError) -> str:
    """The system's own reason, without the path."""
    # os.path looks at any name; Path.is_dir raises at one that is too long.
    return _IS_FOLDER if os.path.isdir(path) else (error.strerror or type(error).__name__)  # noqa: PTH112


def format_toml_fact(name: str, value: object) -> str:
    """A line of TOML: text, a number, true or false, or a list. JSON writes the same, but for the delete character."""
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{name} = {text}"


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def escape_formula(value: Any) -> Any:
    """The value, with an apostrophe in front if it is text that a spreadsheet would run as a formula.

    What a person does not see in front of the text (no-break and zero-width spaces, a byte order mark, controls) does
    not count: a program may drop it. A number such as -1.237 is none, so that coordinates can be loaded again.
    """
    return f"'{value}" if isinstance(value, str) and _begins_as_formula(value) else value


def _begins_as_formula(text: str) -> bool:
    if _SIGNED_NUMBER.fullmatch(text):
        return False
    if text.startswith(_CONTROL_STARTS):
        return True
    for mark in text:
        if mark in _FORMULA_MARKS:
            return True
        if unicodedata.category(mark)[0] not in _UNSEEN_KINDS and mark not in _UNSEEN_LETTERS:
            return False
    return False


def show_controls(text: str) -> str:
    """The text with a sign for each character that a terminal would obey, such as those that clear it."""
    return text.translate(CONTROL_SIGNS)


def escape_text(value: Any) -> Any:
    """The value for a cell of a CSV file: text that neither a spreadsheet runs as a formula nor a terminal obeys."""
    escaped = escape_formula(value)
    return show_controls(escaped) if isinstance(escaped, str) else escaped


def escape_formulas(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A copy of the frame with all text cells and column names escaped, and signs in the place of controls."""
    escaped = frame.copy()
    for name in escaped.columns:
        if not pd.api.types.is_numeric_dtype(escaped[name]):
            escaped[name] = escaped[name].map(escape_text, na_action="ignore")
    return escaped.rename(columns=escape_text)
