"""Releases for tests: a small one made by hand, and a publisher that builds them from a store."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from hexbeat.areas.area import Area, load_area
from hexbeat.areas.places_mask import PlacesMask
from hexbeat.release import audit, builder
from hexbeat.release.format import FORMAT, Block, Period, Place, Release, ReleasedLayer
from hexbeat.release.policy import ReleasePolicy, load_policy
from hexbeat.release.publication import Publication, publish_release
from hexbeat.release.release_files import build_release_files
from hexbeat.release.release_places import PlaceTree, build_piece_tree
from hexbeat.release.release_text import CLAIM, LIMITS
from hexbeat.store.schema import coverage
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.catalogue import LAYER_NAMES
from layers.coverage import CoverageEntry
from tests.support.events import made_frame
from tests.support.stores import documents_in, store_in

__all__ = [
    "ALL",
    "COUNTS",
    "PUBLISHED",
    "QUARTERS",
    "WARDS",
    "Publisher",
    "block_of",
    "example_release",
    "fine_places",
    "made_quarters",
    "real_trees",
    "repeated_checks",
    "repeated_trees",
    "with_gaps",
    "with_layer",
    "write_example",
]

Covers = Mapping[str, tuple[tuple[str, str], ...]]  # layer ("": every one): spans of days
ALL: Final[Covers] = {"": (("2000-01-01", "2100-01-01"),)}
WARDS: Final = {"E05000001": "Abbey", "E05000002": "Bridge"}
QUARTERS: Final = (
    Period("2026-Q1", dt.date(2026, 1, 1), dt.date(2026, 4, 1)),
    Period("2026-Q2", dt.date(2026, 4, 1), dt.date(2026, 7, 1)),
)
# What happened: per period the counts of the pieces A1 A2 B1 B2 of Abbey, then of Bridge.
COUNTS: Final = {"2026-Q1": (7, 3, 3, 2, 0, 9, 1, 0), "2026-Q2": (12, 0, 1, 0, 6, 5, 4, 4)}
# What is published of it, by hand: (place, count). The rest is hidden.
PUBLISHED: Final = {
    "2026-Q1": (("fine.piece.0", 7), ("fine.piece.5", 9)),
    "2026-Q2": (("fine.piece.0", 12), ("fine.piece.4", 6), ("fine.piece.5", 5)),
}


def example_release(
    *, published: Mapping[str, tuple[tuple[str, int], ...]] = PUBLISHED, k: int = 5, **facts: Any
) -> Release:
    """The release; `published` replaces its needle blocks, `facts` those of release.json."""
    places = {place.place_id: place for place in (*fine_places(), whole_place())}
    needles = ReleasedLayer(
        "needle_litter", "Needle finds", "needle find", "needle finds", "incident", k, 3, "fine", None, False,
        "Each find counts once, in the quarter in which it was made.", QUARTERS,
    )  # fmt: skip
    closed = ReleasedLayer(
        "closed_properties", "Closed properties", "closed property", "closed properties", "state", 10, 12, "whole",
        None, False, "Each closure counts once, in the year in which it began.",
        (Period("2025", dt.date(2025, 1, 1), dt.date(2026, 1, 1)),),
    )  # fmt: skip
    blocks = [
        block_of("needle_litter", period, places[place_id], count)
        for period in sorted(published)
        for place_id, count in published[period]
    ]
    blocks.append(block_of("closed_properties", "2025", places["whole.borough"], 31))
    return Release(example_facts() | facts, (needles, closed), places, tuple(blocks))


def with_gaps(release: Release, *names: str, more: str = "") -> Release:
    """The release, in which these quarters of needle finds are not known; `more`: a quarter that is published too."""
    needles = release.layers[0]
    third = Period("2026-Q3", dt.date(2026, 7, 1), dt.date(2026, 10, 1))
    quarters = [*needles.periods, *([third] if more == third.name else [])]
    layer = replace(
        needles,
        periods=tuple(quarter for quarter in quarters if quarter.name not in names),
        not_known=tuple(quarter for quarter in quarters if quarter.name in names),
    )
    blocks = tuple(block for block in release.blocks if block.layer != needles.name or block.period not in names)
    return replace(release, layers=(layer, *release.layers[1:]), blocks=blocks)


def write_example(folder: Path, release: Release | None = None) -> Path:
    """The release as files in the folder, whether it is safe or not."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in build_release_files(release or example_release()).items():
        (folder / name).write_bytes(content)
    return folder


def block_of(layer: str, period: str, place: Place, count: int) -> Block:
    label = place.label if place.level == "piece" or place.parent_id is None else f"Elsewhere in {place.label}"
    return Block(layer, period, place.level, place.place_id, label, place.ward_code, count)


def fine_places() -> list[Place]:
    """A borough of 2 wards of 2 groups of 2 pieces, squares of a hundredth of a degree."""
    made = []
    squares = [shapely.box(-1.24 + k * 0.01, 54.56, -1.23 + k * 0.01, 54.57) for k in range(8)]
    for k, square in enumerate(squares):
        code = list(WARDS)[k // 4]
        label = f"{WARDS[code]} {'AB'[k // 2 % 2]}{k % 2 + 1}"
        made.append(Place(f"fine.piece.{k}", "fine", "piece", label, code, f"fine.group.{k // 2}", square))
    for k in range(4):
        code = list(WARDS)[k // 2]
        outline = shapely.union_all(squares[2 * k : 2 * k + 2])
        label = f"{WARDS[code]}, part {'AB'[k % 2]}"
        made.append(Place(f"fine.group.{k}", "fine", "group", label, code, f"fine.ward.{code}", outline))
    for k, (code, name) in enumerate(WARDS.items()):
        outline = shapely.union_all(squares[4 * k : 4 * k + 4])
        made.append(Place(f"fine.ward.{code}", "fine", "ward", name, code, "fine.borough", outline))
    made.append(Place("fine.borough", "fine", "borough", "Exampleton", None, None, shapely.union_all(squares)))
    return made


def whole_place() -> Place:
    return Place("whole.borough", "whole", "borough", "Exampleton", None, None, shapely.box(-1.24, 54.56, -1.16, 54.57))


def example_facts() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "number": 1,
        "as_at": "2027-01-02",
        "demonstration": False,
        "area": {
            "name": "exampleton", "title": "Exampleton", "vintage": "2025", "time_zone": "Europe/London",
            "licence": "Open Government Licence v3.0", "attribution": "Contains OS data © Crown copyright 2025.",
        },
        "licence": "Open Government Licence v3.0",
        "sources": [{"name": "table", "title": "Council", "note": "Needle finds of the council's cleaning teams."}],
        "wording": {"claim": CLAIM, "limits": list(LIMITS)},
        "previous": [],
    }  # fmt: skip


def at(day: str) -> dt.datetime:
    """Noon of that day."""
    return dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")


def made_quarters(area: Area, *, number: int = 3000, layer: str = "needle_litter", seed: int = 7) -> pd.DataFrame:
    """Events over the two years before July 2026, all known to the minute."""
    return made_frame(area, number=number, newest=at("2026-06-30"), days=725, layer=layer, seed=seed)


def with_layer(policy: ReleasePolicy, name: str, **terms: Any) -> ReleasePolicy:
    """The policy with other terms for one layer."""
    layers = tuple(replace(layer, **terms) if layer.name == name else layer for layer in policy.layers)
    return replace(policy, layers=layers)


def list_entries(covers: Covers, source: str) -> list[CoverageEntry]:
    """The entries of a load; the layer "" stands for every layer."""
    return [
        CoverageEntry(name, source, "", dt.date.fromisoformat(start), dt.date.fromisoformat(end))
        for layer, spans in covers.items()
        for start, end in spans
        for name in ([layer] if layer else LAYER_NAMES)
    ]


def repeat_all_days(store: Store, moment: dt.datetime) -> None:
    """Say again at this moment that all days are known, where a load said so: of days to come it was not heard."""
    end_day = (dt.date.fromisoformat(ALL[""][0][1]) - dt.date(1970, 1, 1)).days
    with store.engine.begin() as connection:
        rows = connection.execute(sa.select(coverage).where(coverage.c.end_day == end_day)).mappings().all()
        said = {(row["layer"], row["source"], row["batch_id"]): dict(row) for row in rows}
        for row in said.values():
            row.pop("row_id")
            connection.execute(sa.insert(coverage), row | {"recorded_at": int(moment.timestamp())})


class Publisher:
    """Loads and publishes by one open store; the clock is what a test says."""

    def __init__(self, home: Path, *, area: Area | None = None) -> None:
        self.home, self.area = home, area or load_area("middlesbrough")
        self.policy = load_policy(documents_in(home))

    def load(
        self, frame: pd.DataFrame, *, now: str, name: str = "a.csv", source: str = "table", covers: Covers | None = ALL
    ) -> None:
        """Load the events; `covers`: the days that they complete, by layer; None: those of a running log."""
        with (
            store_in(self.home).begin_load(ANALYST, area=self.area.name, now=at(now)) as load,
            load.file(name, source, sha256="0" * 64) as part,
        ):
            part.add_tally(read=len(frame), skipped={})
            part.add_events(frame)
            if covers is not None:
                part.state_coverage(list_entries(covers, source))

    def publish(self, out: Path, *, as_at: str = "2026-11-22", now: str | None = None, **how: Any) -> Publication:
        store = store_in(self.home)
        repeat_all_days(store, at(as_at))
        return publish_release(
            store, ANALYST, self.area, self.policy, out,
            home=self.home, as_at=dt.date.fromisoformat(as_at), now=at(now or as_at), **how,
        )  # fmt: skip


_TREES: Final[dict[tuple[object, ...], PlaceTree]] = {}


@pytest.fixture(scope="session", autouse=True)
def repeated_trees() -> Iterator[None]:
    """Releases of the same wards, list of places and terms share one tree of places: a fifth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "build_piece_tree", _repeat_or_build)
        yield


@pytest.fixture
def real_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each release of this test builds its trees anew."""
    monkeypatch.setattr(builder, "build_piece_tree", build_piece_tree)


_CHECK_OUTLINES: Final = audit.__dict__["_check_outlines"]
_CHECKED: Final[dict[tuple[object, ...], list[tuple[str, str]]]] = {}


@pytest.fixture(scope="session", autouse=True)
def repeated_checks() -> Iterator[None]:
    """Outlines that are the same to the last bit are laid over each other once, not for each release of a series."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "_check_outlines", _repeat_or_check)
        yield


def _repeat_or_check(places: list[Place]) -> list[tuple[str, str]]:
    outlines = shapely.to_wkb(np.array([place.outline for place in places], dtype=object)).tolist()
    key = (*((place.place_id, place.parent_id, place.level, place.label) for place in places), *outlines)
    if key not in _CHECKED:
        _CHECKED[key] = list(_CHECK_OUTLINES(places))
    return _CHECKED[key]


def _repeat_or_build(area: Area, mask: PlacesMask, name: str, *, floor: float, least_spots: int = 1) -> PlaceTree:
    wards, arrays = area.wards, (mask.cell, mask.candidates, mask.separate)
    shapes = (area.name, area.title, wards.codes, wards.names, *shapely.to_wkb(wards.polygons).tolist())
    key = (name, floor, least_spots, mask.ward_code, *(array.tobytes() for array in arrays), *shapes)
    if key not in _TREES:
        _TREES[key] = build_piece_tree(area, mask, name, floor=floor, least_spots=least_spots)
    return _TREES[key]
