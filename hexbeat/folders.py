"""Folders: replacing one as a whole or not at all, also when the program is killed, and when the disk is full.

A draft is written beside the folder. Linux exchanges the two in one step (renameat2). Where that cannot be, the folder
moves aside and the draft takes its name. If the program is killed between, the next replacement moves the folder back.
A draft is locked while its program lives, so that the next one removes only what nobody writes any more.
"""

import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from geo.errors import DataError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "atomic_replace",
    "build_folder",
    "hold_draft",
    "remove_drafts",
    "replace_folder",
    "require_room",
    "sync_folder",
    "write_folder",
]

_HERE: Final = -100  # AT_FDCWD: paths are relative to the working folder
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of renameat2(2)
_RULE: Final = "A folder is replaced as a whole or not at all"


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files (name to content) into a folder, create it if needed, and flush all to the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, on systems that can."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # a system whose folders cannot be opened
    try:
        os.fsync(number)
    finally:
        os.close(number)


def require_room(folder: Path, least_bytes: int) -> None:
    """DataError unless the disk of a folder, which need not be there yet, has so much room.

    Call it before what takes long is computed. It is no promise: others write, too, and a disk may not say.
    """
    target = Path(os.path.realpath(folder))
    parent = next(path for path in target.parents if path.exists())
    with _explain(folder):
        if shutil.disk_usage(parent).free < least_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def atomic_replace(folder: Path, files: Mapping[str, bytes], *, keep_others: bool = False) -> None:
    """Replace a folder by one with these files, completely or not at all; as `replace_folder`."""
    with replace_folder(folder, files, keep_others=keep_others):
        pass


@contextmanager
def replace_folder(folder: Path, files: Mapping[str, bytes], *, keep_others: bool = False) -> Iterator[None]:
    """Write these files (name to content) beside a folder; they take its place when the block has succeeded.

    Files of other names go, or stay as they are with `keep_others`. If anything fails, the folder is as before, and
    nothing else is left. DataError if the files cannot be written, or cannot take the folder's place.
    """
    target = Path(os.path.realpath(folder))  # a link to a folder stays a link
    missing_parents = [parent for parent in target.parents if not parent.exists()]
    draft = target.with_name(f".{target.name}-new-{secrets.token_hex(4)}")
    is_replaced = False
    try:
        with _explain(folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            _recover_folder(target)
            draft.mkdir()
        with hold_draft(draft):
            with _explain(folder):
                _require_replaceable(target, files)
                if keep_others and target.is_dir():
                    _copy_others(target, draft, files)
                write_folder(draft, files)
            yield
            with _explain(folder):
                _swap_folders(draft, target)
                sync_folder(target.parent)
            is_replaced = True
    finally:
        for parent in [] if is_replaced else missing_parents:
            with suppress(OSError):  # it was not made, or somebody uses it
                parent.rmdir()


@contextmanager
def build_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty draft beside a folder; it takes the folder's place, whole, when the block has filled it.

    What is in it is for its own user: folders have the mode 0700 and files 0600; a stricter mode of `folder` stays.
    If anything fails, the folder is as before, and nothing else is left. DataError if it cannot be written.
    """
    target = Path(os.path.realpath(folder))
    draft = target.with_name(f".{target.name}-new-{secrets.token_hex(4)}")
    with _explain(folder):
        _recover_folder(target)
        draft.mkdir(mode=0o700)
    with hold_draft(draft), _explain(folder):
        _require_replaceable(target, {})
        yield draft
        for parent, _, names in os.walk(draft):
            for name in names:
                with (Path(parent) / name).open("rb+") as file:
                    os.fsync(file.fileno())
                (Path(parent) / name).chmod(0o600)
            Path(parent).chmod(0o700)
            sync_folder(Path(parent))
        _swap_folders(draft, target, most_mode=0o700)
        sync_folder(target.parent)


@contextmanager
def hold_draft(draft: Path) -> Iterator[None]:
    """Lock a folder that is a draft, and remove what has its name when the block ends."""
    lock = _lock_folder(draft)
    try:
        yield
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def remove_drafts(folder: Path, name: str) -> None:
    """Remove the drafts in a folder whose program was killed; `name` is a pattern that matches whole names."""
    for draft in [path for path in folder.glob(".*") if re.fullmatch(name, path.name)]:
        with suppress(OSError):  # somebody writes it, or has removed it
            lock = _lock_folder(draft)
            shutil.rmtree(draft, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def _lock_folder(folder: Path) -> int | None:
    """The lock of a folder, which ends with the program; None on systems without. OSError if somebody has it."""
    if sys.platform == "win32":
        return None
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise
    return number


def _recover_folder(target: Path) -> None:
    """Finish what a killed program left: its folder gets its name back, and its drafts go."""
    name = re.escape(target.name)
    moved = sorted(path for path in target.parent.glob(".*") if re.fullmatch(rf"\.{name}-old-[0-9a-f]{{8}}", path.name))
    if moved and not target.exists():
        moved[-1].rename(target)
    remove_drafts(target.parent, rf"\.{name}-(new|old)-[0-9a-f]{{8}}")


def _require_replaceable(target: Path, files: Mapping[str, bytes]) -> None:
    """OSError if the target is a file, or has a folder under the name of a file."""
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if any((target / name).is_dir() for name in files):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _copy_others(target: Path, draft: Path, files: Mapping[str, bytes]) -> None:
    """Everything of the target that is none of the files, as links to the same content where the disk can."""
    for path in sorted(target.iterdir()):
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, draft / path.name, symlinks=True, copy_function=_link_file)
        elif path.name not in files:
            _link_file(path, draft / path.name)


def _link_file(source: str | Path, copy: str | Path) -> None:
    try:
        os.link(source, copy, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, copy, follow_symlinks=False)


def _swap_folders(draft: Path, target: Path, *, most_mode: int = 0o7777) -> None:
    """Give the draft the target's name, and its mode within `most_mode`. What had it is removed or has the draft's.

    If it fails, all is as before.
    """
    if not target.exists():
        draft.rename(target)
        return
    draft.chmod(stat.S_IMODE(target.stat().st_mode) & most_mode)
    if _exchange(draft, target):
        return
    moved = target.with_name(draft.name.replace("-new-", "-old-"))
    target.rename(moved)
    try:
        draft.rename(target)
    except BaseException:
        moved.rename(target)
        raise
    shutil.rmtree(moved, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step; False where the system or its disk cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(renameat2(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0)


@contextmanager
def _explain(folder: Path) -> Iterator[None]:
    """DataError for what the system refuses, in its own words."""
    try:
        yield
    except OSError as error:
        raise DataError(
            _RULE,
            f"{folder.name or folder} cannot be written ({error.strerror or type(error).__name__})",
            "nothing was changed; make room for it, or choose a folder whose parent you can write to",
        ) from error
