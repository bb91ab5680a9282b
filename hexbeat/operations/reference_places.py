"""Reference places, such as schools and depots: reading their files, loading, listing, removing and undoing.

Plans and naloxone cover use them. A file replaces all places of its kind; undoing the load brings the former ones back.
A place is a point: an area such as a play area becomes one point inside it. Only the name, point and opening hours of
a place are kept.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from geo.errors import DataError, StoreError, UsageError
from geo.locations import is_impossible
from geo.wards import OUTSIDE
from hexbeat.areas.area import Area
from hexbeat.files import hash_file
from hexbeat.operations.spreadsheets import PlaceSheet, read_place_sheet
from hexbeat.operations.work_loads import WorkLoad, begin_work_load, parse_work_load
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.databases import read_transaction, work_transaction
from hexbeat.store.schema import reference_places, work_loads
from layers.access import Action, Viewer, require
from layers.timestamps import to_seconds

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "KIND_NAMES",
    "PLACE_COLUMNS",
    "PlacesFile",
    "ReferenceReport",
    "list_reference_loads",
    "load_reference",
    "read_places_file",
    "read_reference",
    "remove_reference",
    "require_kind",
    "undo_reference",
]

# The name of each kind, in the singular and the plural.
KIND_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "naloxone": ("place that holds naloxone", "places that hold naloxone"),
    "play_area": ("play area", "play areas"),
    "school": ("school", "schools"),
    "station": ("police station", "police stations"),
    "depot": ("depot", "depots"),
    "named_place": ("named place", "named places"),
}
PLACE_COLUMNS: Final = ("kind", "name", "lon", "lat", "ward_code", "hours")
FIELDS: Final = {
    "name": ("title", "place", "site", "site name", "place name", "school", "establishment name", "label"),
    "hours": ("opening hours", "opening times", "open hours"),
    "opens": ("open from", "open", "opening"),
    "closes": ("open to", "open until", "close", "closing"),
}
REASONS: Final = ("missing_location", "impossible_location", "outside_area", "duplicate")
UNREADABLE: Final = "unreadable_row"  # of a row that is no record
LONGEST: Final = 200
SAMPLES: Final = 5
_SAME_PLACE_DIGITS: Final = 6  # of a degree: 0.1 m
_LIVE: Final = reference_places.c.superseded_load.is_(None)


@dataclass(frozen=True, slots=True, eq=False)
class PlacesFile:
    """What a file holds: `places` (PLACE_COLUMNS, hours None if not given), rows read, and rejected rows.

    `reasons` counts the rejected rows by REASONS, and rows that are no record; `samples` are the first of them: (line,
    reason, name, or what is wrong with the row).
    """

    places: pd.DataFrame
    read: int
    reasons: Mapping[str, int]
    samples: tuple[tuple[int, str, str], ...]
    remarks: tuple[str, ...] = ()  # on what was chosen, such as the row of the headings


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """The result of loading a file: `read = accepted + rejected`.

    `reasons` counts rejected rows by REASONS, `samples` are the first of them (line, reason, name). `replaced` is the
    number of places of the kind that were loaded before. `unchanged`: the file has the places that are loaded already,
    and nothing was written. `load_id` is None then, and after a dry run. `remarks` say what was chosen in reading it.
    """

    file: str
    kind: str
    read: int
    accepted: int
    rejected: int
    reasons: Mapping[str, int]
    samples: tuple[tuple[int, str, str], ...]
    replaced: int
    unchanged: bool
    dry_run: bool
    load_id: int | None
    remarks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        samples = [{"line": line, "reason": reason, "name": name} for line, reason, name in self.samples]
        return asdict(self) | {"samples": samples, "remarks": list(self.remarks)}


def load_reference(  # noqa: PLR0913  # the choices of one load, all by name
    store: "Store",
    viewer: Viewer,
    path: Path,
    *,
    kind: str,
    area: Area,
    headings_by_field: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
    now: dt.datetime | None = None,
) -> ReferenceReport:
    """Replace the places of one kind by those of a file, in one transaction; or say what that would do (`dry_run`).

    Headings: name; lon and lat, or easting and northing, or grid_ref (a geofile has its geometries); optional hours, or
    opens and closes. `headings_by_field` gives a field another heading, as in {"name": "Playground"}. `sheet` is one
    of a workbook, `encoding` that of a text. Rows outside the area are rejected.

    UsageError for an unknown kind, DataError if the file cannot be read as a whole or no row of it can be used.
    """
    require(viewer, Action.LOAD)
    require_kind(kind)
    file_places = read_places_file(
        path, kind=kind, area=area, headings_by_field=headings_by_field, tab=sheet, encoding=encoding
    )
    before = read_reference(store, viewer, kind=kind)
    unchanged = _sorted(file_places.places).equals(_sorted(before))
    rejected = file_places.read - len(file_places.places)
    load_id = None
    if not (dry_run or unchanged):
        tally = {"read": file_places.read, "accepted": len(file_places.places), "rejected": rejected}
        facts = {"area": area.name, "kind": kind, "file": path.name, "sha256": hash_file(path)}
        load_id = _replace(store, file_places.places, facts, tally=tally, now=now)
    return ReferenceReport(
        file=path.name,
        kind=kind,
        read=file_places.read,
        accepted=len(file_places.places),
        rejected=rejected,
        reasons=file_places.reasons,
        samples=file_places.samples,
        replaced=0 if unchanged else len(before),
        unchanged=unchanged,
        dry_run=dry_run,
        load_id=load_id,
        remarks=file_places.remarks,
    )


def require_kind(kind: str) -> None:
    """UsageError unless there is such a kind of places."""
    if kind not in KIND_NAMES:
        raise UsageError(
            "Reference places have a known kind",
            f"there is no kind {kind[:40]!r}",
            f"choose from {', '.join(KIND_NAMES)}",
        )


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["name", "lon", "lat"], ignore_index=True)


def _replace(
    store: "Store", frame: pd.DataFrame, facts: dict[str, str], *, tally: Mapping[str, int], now: dt.datetime | None
) -> int:
    """Replace the places of the kind by those of the frame (empty: remove them); the number of the load."""
    places = reference_places
    rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    with work_transaction(store.engine) as connection:
        load_id = begin_work_load(connection, facts, tally=tally, now_s=to_seconds(now))
        replaced = sa.update(places).where(places.c.kind == facts["kind"], _LIVE)
        connection.execute(replaced.values(superseded_load=load_id))
        if rows:
            connection.execute(sa.insert(places), [row | {"load_id": load_id} for row in rows])
        write_with_change(connection, rows=len(rows))
    return load_id


def read_reference(store: "Store", viewer: Viewer, *, kind: str | None = None) -> pd.DataFrame:
    """The places that are loaded, of one kind or of all, by kind and name: PLACE_COLUMNS.

    lon and lat are float64 degrees (WGS 84), hours None if the file gave none. Names come from files: show them as
    text. UsageError for an unknown kind.
    """
    require(viewer, Action.SEE_COUNTS)
    if kind is not None:
        require_kind(kind)
    places = reference_places
    query = sa.select(*(places.c[name] for name in PLACE_COLUMNS)).where(_LIVE)
    query = query if kind is None else query.where(places.c.kind == kind)
    with read_transaction(store.engine) as connection:
        rows = connection.execute(query.order_by(places.c.row_id)).all()
    columns = {name: pd.Series([row[k] for row in rows], dtype="object") for k, name in enumerate(PLACE_COLUMNS)}
    frame = pd.DataFrame(columns).astype({"lon": "float64", "lat": "float64"})
    return frame.sort_values(["kind", "name", "lon", "lat"], ignore_index=True)


def list_reference_loads(store: "Store", viewer: Viewer) -> list[WorkLoad]:
    """All loads and removals of places, the newest first, undone ones too; a removal has no file ("")."""
    require(viewer, Action.SEE_COUNTS)
    query = sa.select(work_loads).where(work_loads.c.kind.in_(list(KIND_NAMES))).order_by(work_loads.c.load_id.desc())
    with read_transaction(store.engine) as connection:
        return [parse_work_load(dict(row)) for row in connection.execute(query).mappings()]


def remove_reference(store: "Store", viewer: Viewer, *, kind: str, area: Area, now: dt.datetime | None = None) -> int:
    """Remove all places of a kind, and return how many there were; `undo_reference` puts them back."""
    require(viewer, Action.LOAD)
    before = len(read_reference(store, viewer, kind=kind))
    if before:
        facts = {"area": area.name, "kind": kind, "file": "", "sha256": ""}
        tally = {"read": 0, "accepted": 0, "rejected": 0}
        _replace(store, pd.DataFrame(columns=list(PLACE_COLUMNS)), facts, tally=tally, now=now)
    return before


def undo_reference(store: "Store", viewer: Viewer, *, kind: str, now: dt.datetime | None = None) -> WorkLoad:
    """Undo the latest load or removal of a kind that is not undone yet: the places that it replaced come back.

    StoreError if there is none.
    """
    require(viewer, Action.UNDO)
    require_kind(kind)
    places = reference_places
    query = sa.select(work_loads).where(work_loads.c.kind == kind, work_loads.c.undone_at.is_(None))
    with work_transaction(store.engine) as connection:
        row = connection.execute(query.order_by(work_loads.c.load_id.desc()).limit(1)).mappings().one_or_none()
        if row is None:
            raise StoreError(
                "A load of places can be undone once", f"no load of {kind} is left to undo", "nothing was changed"
            )
        load_id = row["load_id"]
        connection.execute(sa.delete(places).where(places.c.load_id == load_id))
        reopened = sa.update(places).where(places.c.superseded_load == load_id)
        connection.execute(reopened.values(superseded_load=None))
        same_load = work_loads.c.load_id == load_id
        connection.execute(sa.update(work_loads).where(same_load).values(undone_at=to_seconds(now)))
        write_with_change(connection)
        return parse_work_load(dict(row))


def read_places_file(  # how the file is read, all by name
    path: Path,
    *,
    kind: str,
    area: Area,
    headings_by_field: Mapping[str, str] | None = None,
    tab: str | None = None,
    encoding: str | None = None,
) -> PlacesFile:
    """The places of a file, all of one kind; a row without a name is named by its kind and ward.

    DataError if the file cannot be read as a whole, or no row of it can be used.
    """
    sheet = read_place_sheet(path, fields=FIELDS, headings_by_field=headings_by_field, tab=tab, encoding=encoding)
    ward = _locate_wards(sheet, area)
    frame = _build_frame(sheet, ward, kind=kind, area=area)
    reasons = _find_reasons(sheet, ward, frame)
    bad = np.flatnonzero(reasons != "")
    number_by_reason = dict(sorted(Counter([*reasons[bad].tolist(), *[UNREADABLE] * len(sheet.unreadable)]).items()))
    if len(bad) == len(frame):
        reasons_text = ", ".join(f"{reason} {number:,}" for reason, number in number_by_reason.items())
        raise DataError(
            f"{path.name} has to hold places in {area.title}",
            f"{'its only row cannot' if len(frame) == 1 else f'none of its {len(frame):,} rows can'} be used "
            f"({reasons_text})",
            "check its columns of coordinates, and the area; nothing was changed",
        )
    names = sheet.texts.get("name", pd.Series([""] * len(frame), dtype="object"))
    tabs = [f" (sheet {tab})" for tab in sheet.sheets] or [""] * len(frame)
    samples = [(int(sheet.lines[k]), str(reasons[k]), f"{names.iloc[k]}{tabs[k]}"[:LONGEST]) for k in bad[:SAMPLES]]
    samples += [(row.line, UNREADABLE, row.problem) for row in sheet.unreadable[:SAMPLES]]
    places = frame[reasons == ""].reset_index(drop=True)
    rows_read = len(frame) + len(sheet.unreadable)
    return PlacesFile(places, rows_read, number_by_reason, tuple(samples), sheet.remarks)


def _locate_wards(sheet: PlaceSheet, area: Area) -> NDArray[np.int32]:
    finite = np.asarray(np.isfinite(sheet.points).all(axis=1))
    safe = np.where(finite[:, None], sheet.points, 0.0)
    return np.where(finite, area.wards.locate(safe[:, 0], safe[:, 1]), OUTSIDE).astype(np.int32)


def _build_frame(sheet: PlaceSheet, ward: NDArray[np.int32], *, kind: str, area: Area) -> pd.DataFrame:
    """PLACE_COLUMNS of every row, usable or not."""
    texts = {field: list(sheet.texts[field]) if field in sheet.texts else [""] * len(ward) for field in FIELDS}
    ward_indices = [None if index == OUTSIDE else int(index) for index in ward]
    wards = ["" if index is None else area.wards.names[index] for index in ward_indices]
    kind_name = KIND_NAMES[kind][0]
    columns: dict[str, list[str | None]] = {
        "kind": [kind] * len(ward),
        "name": [
            (name or f"{kind_name[0].upper()}{kind_name[1:]}, {ward_name}")[:LONGEST]
            for name, ward_name in zip(texts["name"], wards, strict=True)
        ],
        "ward_code": ["" if index is None else area.wards.codes[index] for index in ward_indices],
        "hours": [_format_hours(*parts) for parts in zip(texts["hours"], texts["opens"], texts["closes"], strict=True)],
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})
    return frame.assign(lon=sheet.points[:, 0], lat=sheet.points[:, 1])[list(PLACE_COLUMNS)]


def _format_hours(hours: str, opens: str, closes: str) -> str | None:
    """Opening hours as the row gives them, as a text or as from and to; None if it gives none."""
    return (hours or (f"{opens} to {closes}" if opens and closes else ""))[:LONGEST] or None


def _find_reasons(sheet: PlaceSheet, ward: NDArray[np.int32], frame: pd.DataFrame) -> NDArray[np.object_]:
    """Why each row cannot be used; "" where it can."""
    points = sheet.points
    blank = np.isnan(points).any(axis=1)
    finite = np.asarray(np.isfinite(points).all(axis=1))
    impossible = ~blank & (~finite | is_impossible(np.where(finite[:, None], points, 1.0)))
    outside = ward == OUTSIDE
    keys = frame[["name"]].assign(
        lon=frame["lon"].round(_SAME_PLACE_DIGITS), lat=frame["lat"].round(_SAME_PLACE_DIGITS)
    )
    duplicate = keys.duplicated().to_numpy(dtype=np.bool_)
    return np.select([blank, impossible, outside, duplicate], list(REASONS), default="").astype(object)
