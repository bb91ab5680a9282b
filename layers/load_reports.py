"""What a load reports: what became of the rows of each file, and examples of those that could not be used."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from layers.event import REPORTERS
from layers.storage.loads import FileTally

__all__ = ["FileReport", "IngestReport", "RejectSample", "RejectSamples"]

SAMPLES: Final = 5  # rejects of each reason that a report shows


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
    remarks: tuple[str, ...] = ()  # sentences on what was taken for granted

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
        """What was taken for granted in any of the files, as sentences without what records say."""
        return [remark for file in self.files for remark in file.remarks]

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `hexbeat ingest`."""
        return {"files": [file.as_dict() for file in self.files]}


@dataclass(slots=True)
class RejectSamples:
    """The first rejects of each reason of one file, and how many events had an unknown word for who reported them."""

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
        """What was taken for granted, as sentences without what records say."""
        if not self.unknown_reporters:
            return ()
        number = f"{self.unknown_reporters:,} row{'s say' if self.unknown_reporters > 1 else ' says'}"
        words = ", ".join(REPORTERS)
        usual = "taken as public, or agency for overdoses and closed properties"
        return (f"{self.file}: {number} who reported in a word that is none of {words}; {usual}",)
