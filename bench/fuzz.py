"""Damaged files of every kind, read as a load reads them: each is read, or refused in Hexbeat's own words.

`python -m bench.fuzz [--seconds N] [--seed N] [--keep DIR]`. Readers take turns, so each gets as many inputs. Every
input is a small good file that was damaged at random: bits, bytes, cuts, repeats, and words that mean something to some
reader. The rows that can be read go on to the parsing of places, dates and quantities. Required: no exception but
Hexbeat's own errors, whose facts are sentences. `--keep` keeps the inputs that raised another.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Final

from bench.fuzz_files import READERS, make_seeds, mutate
from bench.report import Row, report
from geo.errors import HexbeatError
from hexbeat.areas.addresses import build_address_finder
from hexbeat.areas.area import load_area
from hexbeat.ingest.parsing.rows import RowReader
from hexbeat.ingest.readers import Limits, ReadOptions, open_file, open_members
from hexbeat.ingest.sources import SourceProfile, load_profile
from hexbeat.ingest.sources.column_plan import assign_columns

NOW: Final = 1_800_000_000
# Small bounds: an input that is meant to last for ever should not last for a minute of each run.
LIMITS: Final = Limits(
    worker_s=10, geofile_s=10, worker_bytes=1_500_000_000, expanded_bytes=50_000_000, unpacked_bytes=50_000_000
)


def main() -> int:
    """Print inputs and outcomes of each reader; exit code 1 if any input raised what is not Hexbeat's error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to go on (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the damage (default 1)")
    parser.add_argument("--keep", type=Path, help="keep the inputs that raised another exception there")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    outcomes, faults = fuzz_readers(options.seconds, options.seed, options.keep)
    rows: list[Row] = [
        {
            "reader": reader,
            "inputs": sum(outcomes[reader].values()),
            **{word: outcomes[reader][word] for word in ("read", "refused", "stopped", "faults")},
        }
        for reader in READERS
    ]
    figures = {"inputs": sum(row["inputs"] for row in rows), "seed": options.seed, "seconds": options.seconds}
    report({**figures, "faults": dict(faults)}, rows, options=options)
    for fault, count in faults.most_common():
        print(f"missed: {count:,} times {fault}", file=sys.stderr)
    return 1 if faults else 0


def fuzz_readers(seconds: float, seed: int, keep: Path | None) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """The outcomes of each reader's inputs, and the exceptions that are not Hexbeat's, by their place."""
    random_ = random.Random(seed)  # noqa: S311  # damage, not secrets
    outcomes: dict[str, Counter[str]] = {reader: Counter() for reader in READERS}
    faults: Counter[str] = Counter()
    profiles = {name: load_profile(name, None) for name in ("table", "geofile", "open311", "police-uk-street")}
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        seeds = make_seeds(Path(folder))
        by_reader = {reader: [seed for seed in seeds if seed[0] == reader] for reader in READERS}
        while time.monotonic() < until or not all(outcomes.values()):
            for reader in READERS:
                _, name, data = random_.choice(by_reader[reader])
                profile = choose_profile(random_, profiles, name)
                damaged = mutate(random_, data)
                outcome, fault = read_input(Path(folder), name, damaged, profile)
                outcomes[reader][outcome] += 1
                if fault is not None:
                    faults[f"{reader}: {fault}"] += 1
                    keep_input(keep, f"{sum(faults.values())}-{profile.name}-{name}", damaged)
    return outcomes, faults


def choose_profile(random_: random.Random, profiles: dict[str, SourceProfile], name: str) -> SourceProfile:
    """Mostly the profile that fits the file; sometimes any other."""
    fitting = "open311" if "requests" in name else "geofile" if name.endswith(GEO_ENDINGS) else "table"
    return profiles[fitting if random_.random() < 0.9 else random_.choice(sorted(profiles))]


GEO_ENDINGS: Final = (".gpkg", ".geojson", ".fgb", ".shp", "a.parquet", ".geojsonl", ".topojson", "esri.json", ".kml",
                      ".gpx", ".kmz", "a.zip")  # fmt: skip


def read_input(folder: Path, name: str, data: bytes, profile: SourceProfile) -> tuple[str, str | None]:
    """The outcome (read, refused, stopped or faults) of one input, and the exception with its place if it is a fault.

    Stopped are those at whose hands a process with limits came to its end.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / name
        path.write_bytes(data)
        if name.endswith(".shp"):
            for suffix in (".shx", ".dbf"):
                path.with_suffix(suffix).write_bytes((folder / f"a{suffix}").read_bytes())
        try:
            read_file(path, profile)
        except HexbeatError as error:
            if not (error.rule and error.fact and error.hint):
                return "faults", f"an error without its three parts: {error}"
            return ("stopped" if "takes more memory or time" in error.fact else "refused"), None
        except Exception as error:  # noqa: BLE001  # what this program looks for
            last = traceback.extract_tb(error.__traceback__)[-1]
            return "faults", f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
    return "read", None


def read_file(path: Path, profile: SourceProfile) -> int:
    """The number of rows of a file, read as a load reads it: its members, its columns, its rows."""
    area, rows = load_area("middlesbrough"), 0
    options = ReadOptions(records=profile.records, shapes=profile.location.shapes)
    with open_members(path, file_name=profile.members or profile.file_name, limits=LIMITS) as files:
        for member in files.members:
            with open_file(member.path, options, limits=LIMITS, name=member.name) as opened:
                plan = assign_columns(profile, opened.columns, name=member.name, has_layer=True)
                reader = RowReader(
                    profile=profile, plan=plan, wards=area.wards, now=NOW, time_zone=area.time_zone,
                    crs=opened.crs or profile.location.crs or "EPSG:4326", layer="needle_litter",
                    finder=build_address_finder(area),
                )  # fmt: skip
                for chunk in opened.chunks(plan.columns):
                    done = reader.read(chunk)
                    if done.read != sum(done.skipped.values()) + len(done.rejects) + len(done.events):
                        raise AssertionError("read = skipped + rejected + accepted")
                    rows += done.read
    return rows


def keep_input(keep: Path | None, name: str, data: bytes) -> None:
    """Keep an input for whoever repairs the fault."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / name).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
