"""Load files into the store, all of them or none, and report what became of every row."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geo.errors import DataError
from hexbeat.areas.area import Area
from hexbeat.files import hash_file
from hexbeat.ingest.parsing.rows import RowReader
from hexbeat.ingest.readers import LIMITS, ReadOptions, is_url, open_download, open_file, strip_url
from hexbeat.ingest.readers.limits import check_file
from hexbeat.ingest.sources import SourceProfile, load_profile
from hexbeat.ingest.sources.column_plan import assign_columns
from hexbeat.store.loads import FileTally, LoadFile
from hexbeat.store.store import Store
from layers.access import Action, Viewer, require
from layers.catalogue import LAYERS, find_layer
from layers.event import REPORTERS
from layers.wording import format_list

__all__ = ["FileReport", "IngestReport", "Progress", "RejectSample", "RejectSamples", "ingest_files"]

SAMPLES: Final = 5  # rejects of each reason that a report shows
Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True, slots=True)
class RejectSample:
    """One rejected row, for a preview: where it is, why, and what it says (a JSON object)."""

    file: str
    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of the rows of one file, and the first rejects of each reason."""

    file: str
    source: str
    tally: FileTally
    samples: tuple[RejectSample, ...] = ()
    remarks: tuple[str, ...] = ()  # sentences on what Hexbeat assumed

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
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What a load did, or would do. `batch_id` is None after a dry run."""

    files: list[FileReport]
    batch_id: int | None
    dry_run: bool

    @property
    def samples(self) -> list[RejectSample]:
        """The first rejects of each reason, of all files."""
        return [sample for file in self.files for sample in file.samples]

    @property
    def remarks(self) -> list[str]:
        """What Hexbeat assumed for any of the files, as sentences without contents of records."""
        return [remark for file in self.files for remark in file.remarks]

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `hexbeat ingest`."""
        return {"files": [file.as_dict() for file in self.files]}


@dataclass(slots=True)
class RejectSamples:
    """The first rejects of each reason of one file, and how many events name a reporter that Hexbeat does not know."""

    file: str
    unknown_reporters: int = 0
    kept: list[RejectSample] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, rejects: pd.DataFrame) -> None:
        """Take in the rejects of a chunk (columns line, reason, raw)."""
        for reason, group in rejects.groupby("reason", sort=False):
            for line, raw in zip(group["line"], group["raw"], strict=True):
                if self.seen[str(reason)] == SAMPLES:
                    break
                self.seen[str(reason)] += 1
                self.kept.append(RejectSample(self.file, int(line), str(reason), raw))

    def remarks(self) -> tuple[str, ...]:
        """What Hexbeat assumed, as sentences without contents of records."""
        if not self.unknown_reporters:
            return ()
        rows = f"{self.unknown_reporters:,} row{'s name' if self.unknown_reporters > 1 else ' names'}"
        reporters = ", ".join(REPORTERS)
        return (f"{self.file}: {rows} a reporter other than {reporters}; {_describe_usual_reporters()}",)


def _describe_usual_reporters() -> str:
    """As in "they count as reported by public, or by agency for overdoses and closed properties"."""
    others = {word: [spec.many for spec in LAYERS if spec.usual_reporter == word] for word in REPORTERS[1:]}
    exceptions = [f", or by {word} for {format_list(layers)}" for word, layers in others.items() if layers]
    return f"they count as reported by {REPORTERS[0]}{''.join(exceptions)}"


@dataclass(slots=True)
class _Input:
    """One file to load: its name for reports, where it is, its size in bytes."""

    name: str
    path: Path
    size: int


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
) -> IngestReport:
    """Load files of one source into the store, in one transaction, and report what became of every row.

    `source` is the name of a profile or a profile itself. `layer` is the layer of all rows where the profile would
    look for a column and the file has none. A path may be a URL for Open311 requests. `now` (aware; None: the clock)
    decides what lies in the future. With `dry_run` everything but the commit is done.

    DataError if a file cannot be read as a whole, UsageError if there is no such source or layer, PolicyError if the
    viewer may not load; nothing is changed then.
    """
    require(viewer, Action.LOAD)
    profile = load_profile(source, home) if isinstance(source, str) else source
    if layer is not None:
        find_layer(layer)
    moment = now or datetime.now(UTC)
    with ExitStack() as stack:
        inputs = [_input(path, profile, stack) for path in paths]
        total, before = sum(item.size for item in inputs), 0
        entries: list[tuple[_Input, LoadFile, RejectSamples]] = []
        with store.begin_load(viewer, area=area.name, dry_run=dry_run, now=now) as load:
            for item in inputs:
                job = _Job(item, profile, area, int(moment.timestamp()), layer)
                tell = _build_progress(progress, before, item.size, total)
                with load.file(
                    item.name, profile.name, sha256=hash_file(item.path), snapshot=profile.snapshot is not None
                ) as entry:
                    entries.append((item, entry, job.run(entry, tell)))
                before += item.size
    files = [_report(profile, *entry) for entry in entries]
    return IngestReport(files, load.batch_id, dry_run)


def _report(profile: SourceProfile, item: _Input, entry: LoadFile, samples: RejectSamples) -> FileReport:
    return FileReport(item.name, profile.name, entry.tally, tuple(samples.kept), samples.remarks())


def _input(given: Path | str, profile: SourceProfile, stack: ExitStack) -> _Input:
    """A file to load, downloaded first if it is a URL."""
    if is_url(given):
        if profile.records != "open311":
            raise DataError(
                "Only Open311 requests are read from a URL",
                f"{strip_url(str(given))} was given for {profile.name}",
                "download the file first",
            )
        path = stack.enter_context(open_download(str(given)))
        return _Input(strip_url(str(given)), path, max(path.stat().st_size, 1))
    path = Path(given)
    return _Input(path.name, path, check_file(path, most_bytes=LIMITS.text_bytes))


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

    def run(self, entry: LoadFile, tell: Callable[[float], None]) -> RejectSamples:
        """Read the file and hand its rows to the load, chunk by chunk."""
        profile, samples = self.profile, RejectSamples(self.item.name)
        named = _parts_of_name(profile, self.item.name)
        options = ReadOptions(
            encoding=profile.encoding, delimiter=profile.delimiter, sheet=profile.sheet, geo_layer=profile.geo_layer,
            records=profile.records, shapes=profile.location.shapes,
        )  # fmt: skip
        with open_file(self.item.path, options) as opened:
            plan = assign_columns(profile, opened.columns, name=self.item.name, has_layer=self.layer is not None)
            crs = _crs(self.item.name, opened.crs, profile)
            reader = RowReader(
                profile=profile, plan=plan, wards=self.area.wards, now=self.now, crs=crs, named=named, layer=self.layer,
                time_zone=profile.time_zone or self.area.time_zone,
            )  # fmt: skip
            for chunk in opened.chunks(plan.columns):
                done = reader.read(chunk)
                _hand_over(entry, done.events, done.rejects)
                if done.scopes:
                    entry.cover(done.scopes, wards=self.area.wards)
                entry.add_tally(read=done.read, skipped=done.skipped)
                samples.add(done.rejects)
                samples.unknown_reporters += done.unknown_reporters
                tell(chunk.done)
        return samples


def _hand_over(entry: LoadFile, events: pd.DataFrame, rejects: pd.DataFrame) -> None:
    if len(events):
        entry.add_events(events)
    if len(rejects):
        entry.add_rejects(rejects)


def _parts_of_name(profile: SourceProfile, name: str) -> dict[str, str]:
    """The named parts of the file's name, such as month and force; DataError if it does not carry them."""
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


def _crs(name: str, file_crs: str | None, profile: SourceProfile) -> str | None:
    """The CRS of a geofile's points: what the file says, else what the profile says; DataError if neither does."""
    if file_crs or profile.location.crs or profile.records != "features":
        return file_crs or profile.location.crs
    raise DataError(
        f"{name} has to name the coordinate system of its points",
        "it does not name one",
        'put its .prj file beside it, or set location.crs = "EPSG:…" in a source profile',
    )
