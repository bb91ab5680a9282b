"""Publishes a release: if its audit finds nothing, records it in the register and the store, and writes it.

If the audit finds anything, nothing is published.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo.errors import PolicyError
from hexbeat.store.audit_deeds import note_carried_rows
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.databases import read_transaction, work_transaction
from hexbeat.store.schema import published
from layers.access import Action, Viewer, require

if TYPE_CHECKING:
    from hexbeat.store.store import Store
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.folders import replace_folder
from hexbeat.release.audit import AuditReport, audit_release
from hexbeat.release.block_counts import Burst
from hexbeat.release.builder import Draft, build_draft
from hexbeat.release.format import CHECKSUMS, Release, hash_content, parse_release
from hexbeat.release.policy import ReleasePolicy
from hexbeat.release.register import (
    Register,
    RegisteredRelease,
    find_series_before,
    read_registers,
    require_no_other_area,
)
from hexbeat.release.release_files import build_release_files, find_release_checksum
from hexbeat.release.series import find_series_faults
from hexbeat.store.store import Store

__all__ = ["Publication", "publish_release", "record_head", "require_whole_register"]

_MOST_NAMED: Final = 3  # findings that an error names


@dataclass(frozen=True, eq=False)
class Publication:
    """A release that was written; `is_new` is False if nothing was due and the last one was written again.

    `first_days`: the day on which each layer's periods begin. `hidden` (layer, period: events in no block) and `bursts`
    are for the publisher only. A dry run gives the same, but records and writes nothing.
    """

    release: Release
    checksum: str
    report: AuditReport
    first_days: Mapping[str, str]
    hidden: Mapping[str, Mapping[str, int]]
    bursts: tuple[Burst, ...]
    is_new: bool


def publish_release(  # noqa: PLR0913 (from where, to where, when and how a release is made)
    store: Store,
    viewer: Viewer,
    area: Area,
    policy: ReleasePolicy,
    out: Path,
    *,
    home: Path,
    as_at: dt.date,
    now: dt.datetime,
    continues: str | None = None,
    dry_run: bool = False,
) -> Publication:
    """Build, audit, record and write the release as at a local day.

    `out` must be new, empty, or have an earlier release of this register, which is replaced. `continues` names, for the
    first release of a series, the area whose series it continues: new wards begin with a new period. PolicyError if a
    term changed or the audit finds anything; nothing is written then. Also raises what `build_draft` raises.
    """
    documents = store.documents(viewer)
    registers = read_registers(documents)
    require_whole_register(
        store, viewer, {(name, old.number): old.checksum for name, releases in registers.items() for old in releases}
    )
    earlier = registers.get(area.name, [])
    before = find_series_before(registers, earlier, continues)
    require_no_other_area(registers, area, before)
    _require_free_folder(out, home, [*before, *earlier])
    draft = build_draft(store, viewer, area, policy, as_at=as_at, now=now, earlier=earlier, before=before)
    note_carried_rows(len(draft.release.blocks))
    files = build_release_files(draft.release) if draft.is_new else dict(earlier[-1].files)
    report = _audit_files(files, [*before, *(earlier if draft.is_new else earlier[:-1])])
    if not dry_run:
        with replace_folder(out, files):  # written first: nothing is recorded that does not fit on the disk
            if draft.is_new:
                _register_draft(Register(documents, area.name), draft, files, before)
            record_head(store, viewer, area.name, int(draft.release.facts["number"]), find_release_checksum(files))
    return _build_publication(draft, files, report)


def _register_draft(
    register: Register, draft: Draft, files: Mapping[str, bytes], before: Sequence[RegisteredRelease]
) -> None:
    register.add(
        int(draft.release.facts["number"]),
        files,
        counted_events=draft.counted_events,
        origin_counts=draft.origin_counts,
        first_days=draft.first_days,
        continues=before[-1].area if before else None,
    )


def _build_publication(draft: Draft, files: dict[str, bytes], report: AuditReport) -> Publication:
    return Publication(
        draft.release, find_release_checksum(files), report, draft.first_days, draft.hidden, draft.bursts, draft.is_new
    )


def _audit_files(files: Mapping[str, bytes], earlier: list[RegisteredRelease]) -> AuditReport:
    """The audit of the bytes that would be written; PolicyError if it finds anything."""
    release = parse_release(files)
    findings = find_series_faults(release, earlier)
    report = audit_release(release, before=[old.release for old in earlier], more=findings)
    if report.findings:
        where = [
            f"{finding.layer} {finding.period} {finding.place}: {finding.reason}"
            for finding in report.findings[:_MOST_NAMED]
        ]
        number = "1 problem" if len(report.findings) == 1 else f"{len(report.findings):,} problems"
        raise PolicyError(
            "A release is written only if the audit finds nothing",
            f"the audit found {number}: {'; '.join(where)}",
            "nothing was written; report this as a fault of Hexbeat",
        )
    return report


def _require_free_folder(out: Path, home: Path, earlier: Sequence[RegisteredRelease]) -> None:
    rule = "A release needs a new folder, or the folder of an earlier release of the same register"
    if home.resolve() in (out.resolve(), *out.resolve().parents):
        raise UsageError(rule, f"{out.name} is inside the home folder", "choose a folder outside it")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    sums = out / CHECKSUMS
    earlier_release = next(
        (old for old in earlier if sums.is_file() and hash_content(sums.read_bytes()) == old.checksum), None
    )
    if earlier_release is not None and {path.name for path in out.iterdir()} == set(earlier_release.files):
        return
    is_unregistered = sums.is_file() and earlier_release is None
    raise UsageError(
        rule,
        f"{out.name} holds {'a release that is not in the register' if is_unregistered else 'something else'}",
        "choose another folder"
        + ("; if the register is lost, restore the store from a copy first" if is_unregistered else ""),
    )


def require_whole_register(store: "Store", viewer: Viewer, registered: Mapping[tuple[str, int], str]) -> None:
    """PolicyError if the store knows of a release that the register (area and number: checksum) lacks."""
    require(viewer, Action.EXPORT)
    with read_transaction(store.engine) as connection:
        published_releases = connection.execute(
            sa.select(published).order_by(published.c.area, published.c.number)
        ).all()
    for area, number, checksum in published_releases:
        if registered.get((area, number)) != checksum:
            fact = "which differs from the register's" if (area, number) in registered else "which the register lacks"
            raise PolicyError(
                "The register has to hold every release that was made from this store",
                f"the store knows number {number} of {area}, {fact}",
                "restore the store from a copy; nothing can be published without it",
            )


def record_head(store: "Store", viewer: Viewer, area: str, number: int, checksum: str) -> None:
    """Record a release in the store, before its files are written. Nothing changes if it is recorded."""
    require(viewer, Action.EXPORT)
    same_release = sa.select(published.c.number).where(published.c.area == area, published.c.number == number)
    with read_transaction(store.engine) as connection:
        if connection.execute(same_release).first() is not None:
            return
    with work_transaction(store.engine) as connection:
        if connection.execute(same_release).first() is None:
            connection.execute(sa.insert(published).values(area=area, number=number, checksum=checksum))
            write_with_change(connection)
