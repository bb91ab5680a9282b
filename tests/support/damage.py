"""Ways to damage a SQLite store, chosen by a seed: as disks, cables, other programs and people do."""

import datetime as dt
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from hexbeat.areas.area import load_area
from hexbeat.ingest.ingest import ingest_files
from hexbeat.operations.ledger import ledger
from hexbeat.operations.reference_places import load_reference
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import event_id
from tests.support.plans import NOW, made_visit

__all__ = ["DAMAGES", "READERS", "copy_damaged", "make_whole_store"]

Damage = Callable[[Path, np.random.Generator], None]
_PAGE: Final = 4096


def _overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def _choose_page(path: Path, random: np.random.Generator, *, first: int = 0) -> int:
    return int(random.integers(first, path.stat().st_size // _PAGE)) * _PAGE


def fill_page_with_noise(path: Path, random: np.random.Generator) -> None:
    _overwrite(path, _choose_page(path, random, first=1), random.bytes(_PAGE))


def fill_page_with_zeros(path: Path, random: np.random.Generator) -> None:
    _overwrite(path, _choose_page(path, random, first=1), bytes(_PAGE))


def swap_pages(path: Path, random: np.random.Generator) -> None:
    """Two pages change places, as by a write that went astray."""
    first, second = (_choose_page(path, random, first=1) for _ in range(2))
    content = path.read_bytes()
    _overwrite(path, first, content[second : second + _PAGE])
    _overwrite(path, second, content[first : first + _PAGE])


def cut_file(path: Path, random: np.random.Generator) -> None:
    with path.open("r+b") as file:
        file.truncate(int(random.integers(1, path.stat().st_size)))


def empty_file(path: Path, _random: np.random.Generator) -> None:
    path.write_bytes(b"")


def fill_file_with_zeros(path: Path, _random: np.random.Generator) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def replace_by_text(path: Path, random: np.random.Generator) -> None:
    path.write_bytes(b"notes of another program\n" * int(random.integers(1, 400)))


def break_header(path: Path, random: np.random.Generator) -> None:
    _overwrite(path, int(random.integers(16, 108)), random.bytes(4))


def flip_schema_bits(path: Path, random: np.random.Generator) -> None:
    _flip(path, random, first=108, last=_PAGE)


def flip_bits(path: Path, random: np.random.Generator) -> None:
    """Some bits anywhere: in tables, in indexes, in free room."""
    _flip(path, random, first=_PAGE, last=path.stat().st_size)


def flip_page_heads(path: Path, random: np.random.Generator) -> None:
    """The first bytes of a page say what it is, and where its rows are."""
    offset = _choose_page(path, random, first=1)
    _flip(path, random, first=offset, last=offset + 12)


def _flip(path: Path, random: np.random.Generator, *, first: int, last: int) -> None:
    content = bytearray(path.read_bytes())
    for place in random.integers(first, last, size=int(random.integers(1, 9))):
        content[place] ^= 1 << int(random.integers(8))
    path.write_bytes(content)


def drop_table(path: Path, random: np.random.Generator) -> None:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        own = sorted(name for name in names if not name.startswith("sqlite_"))
        connection.execute(f"DROP TABLE {own[random.integers(len(own))]}")
        connection.commit()


def write_log_of_noise(path: Path, random: np.random.Generator) -> None:
    """A write-ahead log that is none; SQLite leaves it aside, because no checksum holds."""
    path.with_name(f"{path.name}-wal").write_bytes(random.bytes(3 * _PAGE))


def replace_by_folder(path: Path, _random: np.random.Generator) -> None:
    path.unlink()
    path.mkdir()


def lose_file_but_not_log(path: Path, random: np.random.Generator) -> None:
    path.unlink()
    path.with_name(f"{path.name}-wal").write_bytes(random.bytes(_PAGE))


# Each with its weight: many flips and pages, few of what has one form only.
DAMAGES: Final[tuple[Damage, ...]] = (
    *(flip_bits,) * 6,
    *(fill_page_with_noise, fill_page_with_zeros, flip_page_heads, swap_pages, cut_file, flip_schema_bits) * 2,
    *(break_header, drop_table, empty_file, fill_file_with_zeros, replace_by_text),
    *(write_log_of_noise, replace_by_folder, lose_file_but_not_log),
)


def copy_damaged(whole: Path, home: Path, seed: int | None) -> str:
    """A copy of a store's home, damaged in the way that the seed chooses (None: whole); the name of the way."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(whole, home)
    if seed is None:
        return ""
    damage = DAMAGES[seed % len(DAMAGES)]
    damage(home / "hexbeat.sqlite", np.random.default_rng(seed))
    return damage.__name__


# Every command that reads the store, and some that read before they write.
READERS: Final[tuple[tuple[str, ...], ...]] = (
    ("counts", "--by", "ward,month"),
    ("coverage",),
    ("rejects",),
    ("history", event_id("table", "r-7")),
    ("export", "--out", "{home}/out.csv"),
    ("hotspots", "--layer", "needle_litter"),
    ("alerts",),
    ("change", "--layer", "needle_litter"),
    ("near-repeats", "--layer", "needle_litter"),
    ("done", "list"),
    ("return", "--from", "2026-11-01", "--to", "2026-12-01"),
    ("places", "list"),
    ("naloxone", "--places", "0"),
    ("briefing", "--day", "2026-11-22"),
    ("undo", "--yes"),
    ("erase", "--source", "table", "--source-id", "r-7", "--yes"),
)


def make_whole_store(home: Path, *, rows: int = 400, url: str | None = None) -> None:
    """A store with events of all layers, rejected rows, visits and reference places."""
    area, random = load_area("middlesbrough"), np.random.default_rng(11)
    west, south, east, north = area.wards.bounds
    layers = np.array(["needle_litter", "street_dealing", "overdoses"])
    day = dt.date(2026, 11, 20)
    frame = pd.DataFrame(
        {
            "id": [f"r-{number}" for number in range(rows)],
            "layer": layers[random.integers(len(layers), size=rows)],
            # The first ten lie inside the area, and some of the others outside.
            "lat": np.r_[np.full(10, 54.576), random.uniform(south, north, rows - 10)],
            "lon": np.r_[np.full(10, -1.235), random.uniform(west, east, rows - 10)],
            "occurred": [
                f"{day - dt.timedelta(days=int(days))} 21:{days % 60:02d}" for days in random.integers(200, size=rows)
            ],
        }
    )
    home.mkdir(parents=True)
    frame.to_csv(home / "rows.csv", index=False)
    with Store.open(home, database_url=url) as store:
        ingest_files(store, ANALYST, [str(home / "rows.csv")], area=area, home=home, source="table")
        visits = [
            made_visit(plan_id=None, stop_id=None, ref=f"v{k}", started_at=NOW - dt.timedelta(days=2, minutes=-k))
            for k in range(40)
        ]
        ledger.record_import(store, ANALYST, visits, area="middlesbrough", file="walk.csv", sha256="0", now=NOW)
        pharmacies = pd.DataFrame({"name": ["North", "South"], "lon": [-1.235, -1.24], "lat": [54.576, 54.57]})
        pharmacies.to_csv(home / "pharmacies.csv", index=False)
        load_reference(store, ANALYST, home / "pharmacies.csv", kind="naloxone", area=area)
