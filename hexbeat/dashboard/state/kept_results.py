"""What was worked out ahead, kept beside the store's snapshot, so that a server that starts again answers at once.

The file is one of `hexbeat.store.snapshots`: for its user alone, checked, of this store and this part of its history,
emptied by erasure. It holds plain data (`result_codec`), and is read for the same role, policy and area only, by the
same program: a changed file of the program or of the area's names makes it worthless.
"""

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from hexbeat.areas.area import Area
from hexbeat.dashboard.state.prepared_results import RESULTS, Name, Owner, PreparedResult, build_owner
from hexbeat.dashboard.state.result_codec import NotPlainError, Reader, Writer
from hexbeat.dashboard.state.session import Installation
from hexbeat.settings import PROJECT_DIR
from hexbeat.store.snapshot_file import Damage
from hexbeat.store.snapshots import read_results, write_results
from hexbeat.store.store import Store

__all__ = ["keep_results", "restore_results"]

_PROGRAM: Final = ("geo", "layers", "hexbeat")


def keep_results(installation: Installation, results: Mapping[tuple[Name, Hashable], Any]) -> bool:
    """Keep these results by name and request. False if they could not be, or the store has changed meanwhile.

    A result that is no plain data is left out.
    """
    writer, rows = Writer(), []
    for (name, request), value in results.items():
        try:
            rows.append([list(name), writer.write(request), writer.write(value)])
        except NotPlainError:
            continue
    owner = _name_owner(build_owner(installation))
    header = {
        "owner": owner,
        "program": _hash_program(installation.area),
        "today": installation.today.isoformat(),
        "at": datetime.now(UTC).isoformat(),
        "rows": rows,
    }
    store, codes = installation.store, tuple(installation.area.wards.codes)
    return write_results(
        store.engine,
        store.home,
        codes,
        owner,
        (header, writer.arrays),
        version=installation.columns.version,
    )


def restore_results(store: Store, area: Area, owner: Owner) -> tuple[int, date] | None:
    """Give the pages what was kept for an owner: of these records, or of earlier ones, which then stand in.

    The version of the store and the day that it is of; None if nothing is there to believe.
    """
    file = read_results(store.engine, store.home, tuple(area.wards.codes), _name_owner(owner))
    if file is None:
        return None
    reader = Reader(file.read)
    try:
        header, version = file.facts["results"], int(file.facts["version"])
        if header["owner"] != _name_owner(owner) or header["program"] != _hash_program(area):
            return None  # a file that got another's name
        at, today = datetime.fromisoformat(header["at"]), date.fromisoformat(header["today"])
        rows = [(tuple(name), reader.read(request), reader.read(value)) for name, request, value in header["rows"]]
        hash(tuple((name, request) for name, request, _ in rows))  # TypeError now, before any of them is kept
    except (NotPlainError, Damage, LookupError, TypeError, ValueError):
        return None
    for name, request, value in rows:
        RESULTS.put(owner, name, request, PreparedResult(value, version, at))
    return version, today


def _name_owner(owner: Owner) -> str:
    """A text that is the same for the same store, role, policy and area, in every process."""
    return json.dumps(Writer().write(owner))


def _hash_program(area: Area) -> str:
    """What results depend on besides the records: the program, and the area's own files."""
    files = [path for folder in _PROGRAM for path in (PROJECT_DIR / folder).rglob("*.py")]
    return _hash_files([*files, *(path for path in area.folder.rglob("*") if path.is_file())])


def _hash_files(paths: Iterable[Path]) -> str:
    facts = sorted((str(path), (status := path.stat()).st_size, status.st_mtime_ns) for path in paths)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
