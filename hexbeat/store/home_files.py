"""The files of a home, and the store: an older home is taken over once, and then the two agree.

Older versions kept plans, selected methods, evidence registers and the register of releases as files. They are put into
the store in one transaction, all or none, and their folders move to `before-shared` in the home.

With SQLite, settings, profiles and areas stay files that a person edits. They count, and the store gets a copy each
time it is opened. So a copy of the store alone is whole: in a new home the files are written out again.

With PostgreSQL several homes use one store. A file that the store does not know is taken over and moves aside; one that
differs from the shared one does not count, and a notice says so. Areas are written to `cache/boundaries` of each home.
"""

import contextlib
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from geo.errors import DataError, StoreError
from hexbeat.files import atomic_write
from hexbeat.folders import atomic_replace
from hexbeat.store.database_errors import translate_errors
from hexbeat.store.databases import read_transaction
from hexbeat.store.document_kinds import MARK_FILE
from hexbeat.store.home_layout import PATHS, HomeFile, find_home_files
from hexbeat.store.schema import shared_documents, store_state
from hexbeat.store.shared_documents import (
    DocumentKind,
    ReadOnlyError,
    document_transaction,
    hash_bytes,
    read_live_hashes,
)

__all__ = ["AREA_CACHE", "ASIDE_FOLDER", "take_over_home", "write_area_cache"]

ASIDE_FOLDER: Final = "before-shared"
AREA_CACHE: Final = Path("cache") / "boundaries"
_TAKEN_BY: Final = "the files of a home"
_TAKEN_ONCE: Final = (DocumentKind.PLAN, DocumentKind.SELECTION, DocumentKind.EVIDENCE, DocumentKind.RELEASE)
_EDITED: Final = (DocumentKind.SETTING, DocumentKind.SOURCE, DocumentKind.AREA)
_PLACES: Final[Mapping[DocumentKind, str]] = {
    DocumentKind.SETTING: "{}",
    DocumentKind.SOURCE: "sources/{}.toml",
    DocumentKind.AREA: "boundaries/{}",
}
_COUNTER: Final = sa.select(store_state.c.documents)
_Stamp = tuple[int, int, str]  # time of change, bytes, SHA-256


def take_over_home(engine: Engine, home: Path) -> tuple[str, ...]:
    """Make the store and the files of a home agree, as the module says; sentences for the person, usually none.

    StoreError if a file of an older home cannot be read: nothing was taken over then.
    """
    try:
        return _take_over(engine, home)
    except ReadOnlyError:
        return ("Files of the home folder are not shared yet, because the database lets this user only read.",)


def _take_over(engine: Engine, home: Path) -> tuple[str, ...]:
    once = [file for kind in _TAKEN_ONCE for file in find_home_files(home, kind)]
    notices = _take_once(engine, home, once) if once else []
    if engine.dialect.name == "sqlite":
        _follow_files(engine, home)
    else:
        edited = [file for kind in _EDITED for file in find_home_files(home, kind)]
        notices += _take_once(engine, home, edited) if edited else []
        write_area_cache(engine, home)
    return tuple(notices)


def _take_once(engine: Engine, home: Path, files: list[HomeFile]) -> list[str]:
    """Put files into the store, and move them aside; a group of which the store has another form stays where it is."""
    groups: dict[tuple[DocumentKind, str], list[HomeFile]] = defaultdict(list)
    for file in files:
        groups[file.kind, file.group].append(file)
    documents, notices = [], []
    try:
        with document_transaction(engine, _TAKEN_BY) as writer:
            known = {kind: _read_groups(writer.connection, kind) for kind in {file.kind for file in files}}
            for (kind, group), members in groups.items():
                contents = {file.name: file.path.read_bytes() for file in members}
                shared = known[kind].get(group)
                if shared is None:
                    for name, content in contents.items():
                        writer.put(kind, name, content)
                elif shared != {name: hash_bytes(content) for name, content in contents.items()}:
                    notices.append(_describe_difference(kind, group))
                    continue
                documents.append((kind, group))
    except OSError as error:
        raise StoreError(
            "The files of an older home are taken into the store together, or none of them",
            f"{Path(error.filename or '').name or 'one'} cannot be read ({error.strerror or type(error).__name__})",
            "check that you may read all files in the home folder; nothing was changed",
        ) from error
    _move_aside(home, [file.path for pair in documents for file in groups[pair]])
    new = sum(known[kind].get(group) is None for kind, group in documents)
    return ([_describe_taken(new)] if new else []) + notices


def _read_groups(connection: Connection, kind: DocumentKind) -> dict[str, dict[str, str]]:
    """Name and SHA-256 of the documents of each group; an empty one was removed."""
    columns = shared_documents.c
    query = sa.select(columns.name).where(columns.kind == str(kind))
    groups: dict[str, dict[str, str]] = {
        HomeFile(kind, row.name, Path()).group: {} for row in connection.execute(query)
    }
    for name, sha256 in read_live_hashes(connection, kind).items():
        groups[HomeFile(kind, name, Path()).group][name] = sha256
    return groups


def _describe_taken(number: int) -> str:
    what = "1 item" if number == 1 else f"{number:,} items"
    return f"The store now holds what was in files of the home folder: {what}. The files moved to {ASIDE_FOLDER}."


def _describe_difference(kind: DocumentKind, group: str) -> str:
    """What a person has to know of a file that does not count."""
    if kind == DocumentKind.RELEASE:
        return (
            f"The home folder has another register of releases of {group} than the store. The store's counts, and "
            f"published/{group} was left as it is."
        )
    place = {DocumentKind.PLAN: "plans/{}.json", DocumentKind.SELECTION: "winners/{}.json"}
    where = {**place, **_PLACES}.get(kind, "{}").format(group)
    return (
        f"The home folder has another {where} than the store. The store's counts for everybody: compare them, then "
        f"remove the file, or share it with `hexbeat shared put`."
    )


def _move_aside(home: Path, paths: list[Path]) -> None:
    """Move files to the folder of what was taken over; where that cannot be, they stay, and count no more."""
    for path in paths:
        target = home / ASIDE_FOLDER / path.relative_to(home)
        with contextlib.suppress(OSError):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(target)
    for folder in sorted({parent for path in paths for parent in path.parents if home in parent.parents}, reverse=True):
        with contextlib.suppress(OSError):  # others have files there
            folder.rmdir()


def _follow_files(engine: Engine, home: Path) -> None:
    """Give the store a copy of each edited file of the home; a new home gets the files that the store holds."""
    files = {file.path.relative_to(home).as_posix(): file for kind in _EDITED for file in find_home_files(home, kind)}
    stamps = _read_stamps(home)
    if not files and stamps is None and not _read_counter(engine):
        return
    current_stamps = {where: _stamp(file, (stamps or {}).get(where)) for where, file in files.items()}
    with read_transaction(engine) as connection:
        live = {
            _PLACES[kind].format(name): (kind, name, sha256)
            for kind in _EDITED
            for name, sha256 in read_live_hashes(connection, kind).items()
            if PATHS[kind].fullmatch(_PLACES[kind].format(name))  # never a place outside the home
        }
    missing = {where: live[where] for where in live if where not in current_stamps}
    changed = [
        where for where, stamp in current_stamps.items() if stamp and live.get(where, ("", "", ""))[2] != stamp[2]
    ]
    if missing and stamps is None:
        _write_out(engine, home, missing)
    if changed or (missing and stamps is not None):
        with document_transaction(engine, _TAKEN_BY) as writer:
            for where in changed:
                with contextlib.suppress(OSError):  # it was removed meanwhile
                    writer.put(files[where].kind, files[where].name, files[where].path.read_bytes())
            for kind, name, _ in missing.values() if stamps is not None else ():
                writer.drop(kind, name)
    if stamps is None or {where: stamp for where, stamp in current_stamps.items() if stamp} != stamps:
        _write_stamps(home, current_stamps)


def _write_out(engine: Engine, home: Path, missing: Mapping[str, tuple[DocumentKind, str, str]]) -> None:
    """Write documents of the store to a home that has no file of them."""
    for where, (kind, name, _) in missing.items():
        path = home / where
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            draft.write_bytes(_read_content(engine, kind, name))


def _read_content(engine: Engine, kind: DocumentKind, name: str) -> bytes:
    columns = shared_documents.c
    query = sa.select(columns.content).where(
        columns.kind == str(kind), columns.name == name, columns.superseded_at.is_(None)
    )
    with read_transaction(engine) as connection:
        return bytes(connection.execute(query).scalar_one())


def _read_counter(engine: Engine) -> int:
    with translate_errors(engine), engine.connect() as connection:
        return int(connection.execute(_COUNTER).scalar_one())


def _stamp(file: HomeFile, known: _Stamp | None) -> _Stamp | None:
    """When a file changed, its size and hash; it is hashed only if it changed. None if it cannot be read."""
    try:
        state = file.path.stat()
        if known is not None and known[:2] == (state.st_mtime_ns, state.st_size):
            return known
        return state.st_mtime_ns, state.st_size, hash_bytes(file.path.read_bytes())
    except OSError:
        return None


def _read_stamps(home: Path) -> dict[str, _Stamp] | None:
    """The stamps of the files when the store last agreed with them; None in a home that never did."""
    try:
        stored = json.loads((home / MARK_FILE).read_text(encoding="utf-8"))
        return {where: (int(time), int(size), str(sha256)) for where, (time, size, sha256) in stored.items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_stamps(home: Path, stamps: Mapping[str, _Stamp | None]) -> None:
    with contextlib.suppress(DataError), atomic_write(home / MARK_FILE, is_private=True) as draft:
        draft.write_text(json.dumps({where: stamp for where, stamp in stamps.items() if stamp}) + "\n")


def write_area_cache(engine: Engine, home: Path) -> None:
    """Bring the copies of the shared areas in the cache of a home up to date; only what changed is written."""
    with read_transaction(engine) as connection:
        known = {group: names for group, names in _read_groups(connection, DocumentKind.AREA).items() if names}
    is_safe, place = PATHS[DocumentKind.AREA].fullmatch, _PLACES[DocumentKind.AREA]
    groups = {group: names for group, names in known.items() if all(is_safe(place.format(name)) for name in names)}
    folder = home / AREA_CACHE
    for former in [path for path in _list_folders(folder) if path.name not in groups]:
        for path in former.iterdir():
            path.unlink()
        former.rmdir()
    for group, hashes in groups.items():
        cached = _read_folder_stamps(folder / group)
        if cached == {name.split("/")[1]: sha256 for name, sha256 in hashes.items()}:
            continue
        files = {name.split("/")[1]: _read_content(engine, DocumentKind.AREA, name) for name in hashes}
        atomic_replace(folder / group, files)


def _list_folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return []


def _read_folder_stamps(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of each file in a folder of the cache."""
    try:
        return {path.name: hash_bytes(path.read_bytes()) for path in folder.iterdir()}
    except OSError:
        return {}
