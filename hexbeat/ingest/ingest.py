"""Loads files into the store, all of them or none, and reports on every row."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geo.errors import DataError
from hexbeat.areas.addresses import build_address_finder
from hexbeat.areas.area import Area
from hexbeat.areas.ward_codes import require_own_codes
from hexbeat.files import hash_file
from hexbeat.ingest.file_coverage import FileCoverage, clip_covers, describe_cleared, require_covers
from hexbeat.ingest.load_checks import (
    describe_future,
    describe_repeats,
    describe_shared_scopes,
    describe_unknown_reporters,
    require_places,
    require_real_store,
    require_usable,
)
from hexbeat.ingest.parsing.file_conventions import settle_conventions
from hexbeat.ingest.parsing.place_columns import Reading
from hexbeat.ingest.parsing.rows import RowReader
from hexbeat.ingest.parsing.unreadable_rows import build_unreadable_frame, name_sheet
from hexbeat.ingest.readers import Chunk, ReadOptions, is_url, open_download, open_file, open_members, strip_url
from hexbeat.ingest.sources import SourceProfile, load_profile
from hexbeat.ingest.sources.column_plan import assign_columns, has_columns
from hexbeat.ingest.unused_columns import UnusedColumn, find_unused_columns
from hexbeat.store.coverage_log import find_today, read_coverage
from hexbeat.store.loads import FileTally, LoadFile
from hexbeat.store.replacements import NO_REPLACEMENTS, Replacements
from hexbeat.store.store import Store
from layers.access import Action, Viewer, require
from layers.catalogue import find_layer
from layers.coverage import CoverageEntry, Span, join_spans
from layers.wording import format_day_spans

__all__ = ["FileReport", "IngestReport", "Progress", "RejectSample", "RejectSamples", "ingest_files"]

SAMPLES: Final = 5  # rejects of each reason that a report shows
Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True, slots=True)
class RejectSample:
    """One rejected row, for a preview: its file and line, the reason, and its contents (a JSON object)."""

    file: str
    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """The counts of the rows of one file, and the first rejects of each reason."""

    file: str
    source: str
    tally: FileTally
    samples: tuple[RejectSample, ...] = ()
    remarks: tuple[str, ...] = ()  # sentences on what Hexbeat assumed
    coverage: tuple[CoverageEntry, ...] = ()  # the days that the file completes
    unused: tuple[UnusedColumn, ...] = ()  # the columns that are not read
    replacements: Replacements = NO_REPLACEMENTS  # events of other days and places that it replaces
    known_references: Mapping[str, int] = field(default_factory=dict)  # identifiers that other sources have, by source

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `hexbeat ingest`: read = skipped + rejected + accepted, accepted = new + updated + unchanged."""
        tally = self.tally
        return {
            "file": self.file,
            "source": self.source,
            "read": tally.read,
            "skipped": sum(tally.skipped.values()),
            "accepted": tally.accepted,
            "new": tally.new,
            "updated": tally.updated,
            "unchanged": tally.unchanged,
            "removed": tally.removed,
            "rejected": tally.rejected,
            "reasons": dict(tally.reasons),
            "replaced": self.replacements.replaced,
            "not_read": [unused.column for unused in self.unused],
            "known_references": dict(self.known_references),
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The report of a load, or of a dry run, where `batch_id` is None."""

    files: list[FileReport]
    batch_id: int | None
    dry_run: bool
    remarks_on_days: tuple[str, ...] = ()  # stated days that are to come, and days that a person cleared

    @property
    def changed(self) -> int:
        """How many events the load added, updated or removed."""
        return sum(file.tally.new + file.tally.updated + file.tally.removed for file in self.files)

    @property
    def samples(self) -> list[RejectSample]:
        """The first rejects of each reason, of all files."""
        return [sample for file in self.files for sample in file.samples]

    @property
    def remarks(self) -> list[str]:
        """What Hexbeat assumed for any of the files, as sentences without contents of records."""
        return [remark for file in self.files for remark in file.remarks]

    def describe_coverage(self) -> list[str]:
        """Sentences on the days that the files complete, layer by layer: what is outside them is not known."""
        spans: dict[str, list[Span]] = {}
        for entry in (entry for file in self.files for entry in file.coverage):
            spans.setdefault(entry.layer, []).append((entry.start, entry.end))
        by = "this file" if len(self.files) == 1 else "these files"
        complete = [
            f"{find_layer(layer).title}: complete for {format_day_spans(join_spans(days))}. "
            f"Other days are not known by {by}."
            for layer, days in spans.items()
        ]
        return [*complete, *self.remarks_on_days]

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `hexbeat ingest`."""
        return {"files": [file.as_dict() for file in self.files]}


@dataclass(slots=True)
class RejectSamples:
    """The first rejects of each reason of one file, and how many events name a reporter that Hexbeat does not know."""

    file: str
    unknown_reporters: int = 0
    samples: list[RejectSample] = field(default_factory=list)
    number_by_reason: Counter[str] = field(default_factory=Counter)
    remarks_on_values: tuple[str, ...] = ()  # on the order of dates, coordinates and quantities
    remarks_on_table: tuple[str, ...] = ()  # where its headings are, which sheets were read, in which encoding
    likely_cause: str | None = None  # why so many rows are rejected, where the file shows it
    unused: tuple[UnusedColumn, ...] = ()

    def add(self, rejects: pd.DataFrame, *, sheet: str | None = None) -> None:
        """Add the rejects of a chunk (columns line, reason, raw), of a sheet where the file has several."""
        file = self.file if sheet is None else f"{self.file}, sheet {sheet}"
        for reason, group in rejects.groupby("reason", sort=False):
            for line, raw in zip(group["line"], group["raw"], strict=True):
                if self.number_by_reason[str(reason)] == SAMPLES:
                    break
                self.number_by_reason[str(reason)] += 1
                self.samples.append(RejectSample(file, int(line), str(reason), raw))

    def remarks(self) -> tuple[str, ...]:
        """What Hexbeat assumed, as sentences; of the contents of records they have at most a date."""
        remarks_on_reporters = describe_unknown_reporters(self.file, self.unknown_reporters)
        return (*self.remarks_on_table, *self.remarks_on_values, *remarks_on_reporters)


@dataclass(slots=True)
class _Input:
    """One file to load: its name for reports, its path, its size in bytes, and what to say of its archive."""

    name: str
    path: Path
    size: int
    remarks: tuple[str, ...] = ()


def ingest_files(  # noqa: PLR0913  # the choices of one load, all by name
    store: Store,
    viewer: Viewer,
    paths: Sequence[Path | str],
    *,
    source: str | SourceProfile,
    area: Area,
    home: Path,
    dry_run: bool = False,
    layer: str | None = None,
    progress: Progress | None = None,
    now: datetime | None = None,
    covers: Span | None = None,
    replace_other_events: bool = False,
) -> IngestReport:
    """Load files of one source into the store, in one transaction, and report on every row.

    `source` is the name of a profile or a profile itself. `layer` is the layer of all rows, for a file without the
    column of layers that the profile reads. A path may be a URL for Open311 requests. `now` (aware; None: the clock)
    decides which dates are in the future. `covers` are the days [from, to) for which the files are complete; without
    them the profile's rule says so (`hexbeat.ingest.file_coverage`). With `dry_run` everything but the commit is done.

    DataError if a file cannot be read as a whole, UsageError if there is no such source or layer, PolicyError if the
    viewer may not load, or if the store holds demonstration events. ReplacementError (a DataError) if a file would
    replace many events of other days and places, unless `replace_other_events`. Nothing is changed then.
    """
    require(viewer, Action.LOAD)
    if not dry_run:
        require_real_store(store, viewer)
    profile = load_profile(source, store.documents(viewer)) if isinstance(source, str) else source
    if layer is not None:
        find_layer(layer)
    require_covers(profile, covers)
    require_own_codes(area.name, area.wards, home=home)
    started_at = now or datetime.now(UTC)
    covers, remarks = clip_covers(covers, find_today(started_at, profile.time_zone or area.time_zone))
    with ExitStack() as stack:
        inputs = [item for path in paths for item in _open_input(path, profile, stack, progress)]
        total, before = sum(item.size for item in inputs), 0
        entries: list[tuple[_Input, LoadFile, RejectSamples]] = []
        with store.begin_load(viewer, area=area.name, dry_run=dry_run, now=now) as load:
            for item in inputs:
                job = _Job(item, profile, area, int(started_at.timestamp()), layer, covers)
                report = _build_progress(progress, before, item.size, total)
                with load.file(
                    item.name, profile.name, sha256=hash_file(item.path), snapshot=profile.snapshot is not None
                ) as entry:
                    entry.may_replace = replace_other_events
                    entries.append((item, entry, job.run(entry, report)))
                if not dry_run:
                    require_usable(
                        item.name, entry.tally, started_at, likely_cause=entries[-1][2].likely_cause,
                        has_shapes=profile.records == "features",
                    )  # fmt: skip
                before += item.size
    files = [_build_report(profile, *entry, now=started_at) for entry in entries]
    known = read_coverage(store.engine, viewer, ward_codes=tuple(area.wards.codes))
    cleared = describe_cleared(known, [entry for file in files for entry in file.coverage])
    shared = describe_shared_scopes((item.name, entry.scopes) for item, entry, _ in entries)
    return IngestReport(files, load.batch_id, dry_run, (*remarks, *cleared, *(f"{remark}." for remark in shared)))


def _build_report(
    profile: SourceProfile, item: _Input, entry: LoadFile, samples: RejectSamples, *, now: datetime
) -> FileReport:
    remarks = (
        *item.remarks, *samples.remarks(), *describe_future(item.name, entry.tally, now),
        *describe_repeats(item.name, entry.tally),
    )  # fmt: skip
    return FileReport(
        item.name, profile.name, entry.tally, tuple(samples.samples), remarks, tuple(entry.coverage or ()),
        samples.unused, entry.replacements, entry.known_references,
    )  # fmt: skip


def _open_input(name: Path | str, profile: SourceProfile, stack: ExitStack, progress: Progress | None) -> list[_Input]:
    """The files to load: one, downloaded first if it is a URL, or the members of an archive that the profile reads."""
    if is_url(name):
        if profile.records != "open311":
            raise DataError(
                "Only Open311 requests are read from a URL",
                f"{strip_url(str(name))} was given for {profile.name}",
                "download the file first",
            )
        path = stack.enter_context(open_download(str(name), progress=progress))
        return [_Input(strip_url(str(name)), path, max(path.stat().st_size, 1))]
    path = Path(name)
    files = stack.enter_context(open_members(path, file_name=profile.members or profile.file_name))
    remarks = tuple(filter(None, [files.describe_passed_over(path.name)]))
    inputs = [_Input(member.name, member.path, member.path.stat().st_size) for member in files.members]
    return [replace(inputs[0], remarks=remarks), *inputs[1:]]


def _build_progress(progress: Progress | None, before: int, size: int, total: int) -> Callable[[float], None]:
    def report(done: float) -> None:
        if progress is not None:
            progress(before + round(done * size), total)

    return report


@dataclass(frozen=True, slots=True)
class _Job:
    """One file, read by a profile for an area."""

    item: _Input
    profile: SourceProfile
    area: Area
    now: int
    layer: str | None
    covers: Span | None

    def run(self, entry: LoadFile, report_progress: Callable[[float], None]) -> RejectSamples:
        """Read the file and add its rows to the load, chunk by chunk; again, if the whole file shows another way."""
        samples, reader = self._read(self.profile, "as named", entry, report_progress)
        conventions = settle_conventions(self.item.name, reader, area=self.area.title)
        if conventions.are_other:
            entry.start_again()
            samples, _ = self._read(conventions.profile, conventions.reading, entry, report_progress)
        samples.remarks_on_values = (*conventions.remarks, *samples.remarks_on_values)
        samples.likely_cause = conventions.likely_cause
        return samples

    def _read(
        self, profile: SourceProfile, reading: Reading, entry: LoadFile, report_progress: Callable[[float], None]
    ) -> tuple[RejectSamples, RowReader]:
        """Read the whole file by a profile; the rejects that a report shows, and the reader with its findings."""
        samples = RejectSamples(self.item.name)
        time_zone = profile.time_zone or self.area.time_zone
        today = find_today(datetime.fromtimestamp(self.now, UTC), time_zone)
        coverage = FileCoverage(profile, tuple(self.area.wards.codes), time_zone, self.layer, self.covers, today)
        name_parts = _parse_file_name(profile, self.item.name)
        options = ReadOptions(
            encoding=profile.encoding, delimiter=profile.delimiter, sheet=profile.sheet, headings=profile.headings,
            fits=lambda headings: has_columns(profile, headings, has_layer=self.layer is not None),
            geo_layer=profile.geo_layer, records=profile.records, shapes=profile.location.shapes,
        )  # fmt: skip
        with open_file(self.item.path, options, name=self.item.name) as opened:
            plan = assign_columns(profile, opened.columns, name=self.item.name, has_layer=self.layer is not None)
            crs = _choose_crs(self.item.name, opened.crs, profile)
            finder = build_address_finder(self.area) if plan.address_columns else None
            require_places(self.item.name, plan, profile, finder, area=self.area)
            reader = RowReader(
                profile=profile,
                plan=plan,
                wards=self.area.wards,
                now=self.now,
                crs=crs,
                name_parts=name_parts,
                layer=self.layer,
                time_zone=time_zone,
                reading=reading,
                finder=finder,
                with_former_keys=entry.has_former_keys(),
            )
            samples.unused = find_unused_columns(opened.columns, plan)
            for chunk in opened.chunks(tuple(sorted(plan.columns, key=opened.columns.index))):  # as in the file
                _add_unreadable(entry, chunk, samples)
                if not len(chunk.lines):
                    continue
                done = reader.read(chunk)
                _add_rows(entry, done.events, name_sheet(done.rejects, chunk.sheet))
                if done.scopes:
                    entry.cover(done.scopes, wards=self.area.wards)
                coverage.add(done.events, done.scopes)
                entry.add_tally(read=done.read, skipped=done.skipped)
                samples.add(done.rejects, sheet=chunk.sheet)
                samples.unknown_reporters += done.unknown_reporters
                report_progress(chunk.done)
            samples.remarks_on_table = tuple(opened.remarks)
        entry.state_coverage(coverage.build_entries())
        samples.remarks_on_values = (
            *reader.addresses.describe(self.item.name, self.area.title),
            *reader.quantities.describe(self.item.name),
            *coverage.describe_gaps(self.item.name),
        )
        return samples, reader


def _add_unreadable(entry: LoadFile, chunk: Chunk, samples: RejectSamples) -> None:
    """Reject the rows that the reader could not split into values."""
    if chunk.unreadable:
        rejects = name_sheet(build_unreadable_frame(chunk.unreadable), chunk.sheet)
        entry.add_rejects(rejects)
        entry.add_tally(read=len(rejects), skipped={})
        samples.add(rejects, sheet=chunk.sheet)


def _add_rows(entry: LoadFile, events: pd.DataFrame, rejects: pd.DataFrame) -> None:
    if len(events):
        entry.add_events(events)
    if len(rejects):
        entry.add_rejects(rejects)


def _parse_file_name(profile: SourceProfile, name: str) -> dict[str, str]:
    """The named parts of the file's name, such as month and force; DataError if the name lacks them."""
    if profile.file_name is None:
        return {}
    match = re.search(profile.file_name, name, re.IGNORECASE)
    if match is None:
        parts = ", ".join(re.compile(profile.file_name).groupindex) or "parts"
        raise DataError(
            f"The name of a {profile.name} file contains its {parts}",
            f"{name} does not contain them",
            "give it back the name that it was downloaded with, such as 2024-03-cleveland-stop-and-search.csv",
        )
    return {key: (value or "").lower() for key, value in match.groupdict().items()}


def _choose_crs(name: str, file_crs: str | None, profile: SourceProfile) -> str | None:
    """The CRS of a geofile's points, as the file or else the profile names it; DataError if neither does."""
    if file_crs or profile.location.crs or profile.records != "features":
        return file_crs or profile.location.crs
    raise DataError(
        f"{name} has to name the coordinate system of its points",
        "it does not name one",
        'put its .prj file beside it, or set location.crs = "EPSG:…" in a source profile',
    )
