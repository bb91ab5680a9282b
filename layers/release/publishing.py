"""Publishing: what the audit finds nothing in is noted in the register and written, whole; anything else is not."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import PolicyError, UsageError
from layers.access import Viewer
from layers.areas import Area
from layers.release.audit import AuditReport, audit_release
from layers.release.building import Draft, build_draft
from layers.release.counting import Burst
from layers.release.files import build_release_files, find_release_checksum
from layers.release.format import CHECKSUMS, Release, hash_content
from layers.release.head import record_head, require_whole_register
from layers.release.policy import ReleasePolicy
from layers.release.reading import parse_release
from layers.release.register import (
    Register,
    RegisteredRelease,
    find_series_before,
    read_all_registers,
    require_no_other_area,
)
from layers.release.series import find_series_faults
from layers.release.writing import atomic_replace
from layers.storage.store import Store

__all__ = ["Publication", "publish_release"]

_SHOWN: Final = 3  # findings that an error names


@dataclass(frozen=True, eq=False)
class Publication:
    """A release that was written: `is_new` is False where nothing was due and the last one was written again.

    `first`: from which day each layer's periods run. `hidden` (layer, period: events in no block) and `bursts` are for
    the publisher alone. A dry run gives the same, with nothing noted or written.
    """

    release: Release
    checksum: str
    report: AuditReport
    first: Mapping[str, str]
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
    """Build, audit, note and write the release as at a local day.

    `out` must be new, empty, or hold an earlier release of this register, which is replaced. `continues` names the area
    from whose series this one goes on, for its first release: new wards begin with a new period. PolicyError if a term
    changed or the audit finds anything; nothing is written then. Also raises what `build_draft` raises.
    """
    register = Register.of(home, area.name)
    earlier = register.all()
    before = find_series_before(home, earlier, continues)
    require_no_other_area(home, area, before)
    _require_free(out, home, [*before, *earlier])
    require_whole_register(store, viewer, read_all_registers(home))
    draft = build_draft(store, viewer, area, policy, as_at=as_at, now=now, earlier=earlier, before=before)
    files = build_release_files(draft.release) if draft.is_new else dict(earlier[-1].files)
    report = _audit_files(files, [*before, *(earlier if draft.is_new else earlier[:-1])])
    if not dry_run:
        number = int(draft.release.facts["number"])
        if draft.is_new:
            goes_on = before[-1].area if before else None
            register.add(number, files, counted=draft.counted, began=draft.began, first=draft.first, continues=goes_on)
        record_head(store, viewer, area.name, number, find_release_checksum(files))
        atomic_replace(out, files)
    return _build_publication(draft, files, report)


def _build_publication(draft: Draft, files: dict[str, bytes], report: AuditReport) -> Publication:
    return Publication(
        draft.release, find_release_checksum(files), report, draft.first, draft.hidden, draft.bursts, draft.is_new
    )


def _audit_files(files: Mapping[str, bytes], earlier: list[RegisteredRelease]) -> AuditReport:
    """The audit of the very bytes that would be written; PolicyError if it finds anything."""
    release = parse_release(files)
    named = find_series_faults(release, earlier)
    report = audit_release(release, before=[old.release for old in earlier], more=named)
    if report.findings:
        where = [f"{found.layer} {found.period} {found.place}: {found.reason}" for found in report.findings[:_SHOWN]]
        raise PolicyError(
            "A release is written only if the audit finds nothing",
            f"it found {len(report.findings)}: {'; '.join(where)}",
            "nothing was written; report this as a fault of Hexbeat",
        )
    return report


def _require_free(out: Path, home: Path, earlier: Sequence[RegisteredRelease]) -> None:
    rule = "A release goes into a new folder, or takes the place of an earlier one of the same register"
    if home.resolve() in (out.resolve(), *out.resolve().parents):
        raise UsageError(rule, f"{out.name} lies in the home folder", "choose a folder outside of it")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    sums = out / CHECKSUMS
    was = next((old for old in earlier if sums.is_file() and hash_content(sums.read_bytes()) == old.checksum), None)
    if was is not None and {path.name for path in out.iterdir()} == set(was.files):
        return
    known = sums.is_file() and was is None
    raise UsageError(
        rule,
        f"{out.name} holds {'a release that the register does not know' if known else 'something else'}",
        "choose another folder" + ("; if its register is lost, put it back from a copy first" if known else ""),
    )
