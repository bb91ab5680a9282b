"""Fuzzing by coverage: inputs that reach new code are kept and changed further (atheris, which uses libFuzzer).

`python -m bench.fuzz_coverage [--seconds N] [--targets NAME ...] [--corpus DIR] [--keep DIR] [--out FILE]`. The targets
(`bench.fuzz_targets`) take turns, each in a process of its own, `--seconds` each. `--corpus` keeps what was found, so
that the next run goes on from there, and the counts of all runs. Required: no exception but those that a function
promises. `--keep` keeps the inputs that raised another. Needs atheris: `pip install atheris` (not for every Python, so
it is no dependency).
"""

import argparse
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, Final

from bench.report import Row, report

TARGET_NAMES: Final = (
    "links", "messages", "options", "values", "dates", "formulas", "profiles", "plans", "release", "GPX", "evidence",
    "doors", "public_messages", "settings", "policies", "text", "archives", "documents",
)  # fmt: skip
COUNTED: Final = re.compile(rb"stat::number_of_executed_units: (\d+)")
REACHED: Final = re.compile(rb"cov: (\d+)")
MOST_BYTES: Final = 8192
EVERY: Final = 20_000  # inputs between two notes of the count
WORDS: Final = (
    b"-", b"null", b"NaN", b"Infinity", b"1e999", b"\\ud800", b"0001-01-01", b"9999-12-31", b"+14:00", b"[[[[[[[[",
    b"]]>", b"\xc2\xa0", b"\xe2\x80\x8b", b"\xef\xbb\xbf", b"EPSG:27700", b"127.0.0.1", b"[::1]", b"localhost",
    b"=", b"'",
)  # fmt: skip


def main() -> int:
    """Print the inputs of each target, in this run and in all; exit code 1 if any raised what was not promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="for each target (default 20)")
    parser.add_argument("--targets", nargs="+", choices=TARGET_NAMES, default=list(TARGET_NAMES), metavar="NAME")
    parser.add_argument("--corpus", type=Path, help="keep inputs and counts there, and go on from them")
    parser.add_argument("--keep", type=Path, help="keep the inputs that raised another exception there")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    parser.add_argument("--in-process", choices=TARGET_NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("Fuzzing by coverage needs atheris, which is not installed. Install it: pip install atheris",
              file=sys.stderr)  # fmt: skip
        return 2
    if options.in_process:
        fuzz_in_process(options.in_process, options.corpus, options.keep, options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        corpus = options.corpus or Path(folder)
        rows = [fuzz_target(name, corpus / name, options.keep, options.seconds) for name in options.targets]
    figures = {"inputs": sum(row["all runs"] for row in rows), "faults": sum(row["faults"] for row in rows)}
    report(figures, rows, options=options)
    for row in rows:
        if row["faults"] or row["ended early"]:
            print(f"missed: {row['target']}: {row['faults']:,} faults; {row['ended early']}", file=sys.stderr)
    return 1 if any(row["faults"] or row["ended early"] for row in rows) else 0


def fuzz_target(name: str, corpus: Path, keep: Path | None, seconds: int) -> Row:
    """Fuzz one target in a process of its own, and add its inputs to the count of all runs."""
    (corpus / "inputs").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bench.fuzz_coverage", "--in-process", name, "--corpus", str(corpus)]
    command += ["--seconds", str(seconds), *(["--keep", str(keep)] if keep else [])]
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own module
    counted, reached = COUNTED.search(done.stderr), REACHED.findall(done.stderr)
    notes = read_notes(corpus / "faults.json")
    inputs = int(counted[1]) if counted else notes.get("inputs", 0)
    total = corpus / "count"
    before = int(total.read_text(encoding="utf-8")) if total.exists() else 0
    total.write_text(str(before + inputs), encoding="utf-8")
    faults = notes.get("faults", {})
    for fault, count in faults.items():
        print(f"{name}: {count:,} times {fault}", file=sys.stderr)
    early = "" if done.returncode == 0 else done.stderr[-2000:].decode("utf-8", "replace")
    return {
        "target": name, "inputs": inputs, "a second": round(inputs / max(seconds, 1)), "all runs": before + inputs,
        "coverage": int(reached[-1]) if reached else 0, "faults": sum(faults.values()), "ended early": early,
    }  # fmt: skip


def read_notes(path: Path) -> dict[str, Any]:
    """What a process writes down: its inputs so far, and its faults."""
    notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return notes


def fuzz_in_process(name: str, corpus: Path, keep: Path | None, seconds: int) -> None:
    """Give libFuzzer one target. It ends this process."""
    import atheris  # noqa: PLC0415  # type: ignore[import-not-found,unused-ignore]  # not a dependency

    with atheris.instrument_imports(include=["hexbeat", "geo", "layers", "tomllib", "gpxpy"]):
        from bench import fuzz_targets  # noqa: PLC0415 - after the instruments
    notes = corpus / "faults.json"
    notes.unlink(missing_ok=True)
    for seed in fuzz_targets.list_seeds(name):
        (corpus / "inputs" / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words = corpus / "words"
    words.write_text("".join(f'"{escape_bytes(word)}"\n' for word in WORDS), encoding="ascii")
    watch = Watch(fuzz_targets.TARGETS[name], notes, keep and keep / name)
    arguments = [f"-max_total_time={seconds}", "-print_final_stats=1", f"-max_len={MOST_BYTES}", f"-dict={words}"]
    arguments += ["-timeout=60", "-rss_limit_mb=4000", f"-artifact_prefix={corpus}/", "-reload=0"]
    atheris.Setup([sys.argv[0], *arguments, str(corpus / "inputs")], watch.run)
    atheris.Fuzz()


def escape_bytes(word: bytes) -> str:
    """Bytes as libFuzzer's dictionaries have them."""
    return "".join("\\x" + format(byte, "02x") for byte in word)


class Watch:
    """Runs a target, and notes what it raises by its place, so that one fault does not hide others."""

    def __init__(self, target: Any, notes: Path, keep: Path | None) -> None:
        self.target, self.notes, self.keep = target, notes, keep
        self.faults: Counter[str] = Counter()
        self.inputs = 0

    def run(self, data: bytes) -> None:
        """One input."""
        self.inputs += 1
        try:
            self.target(data)
        except Exception as error:  # noqa: BLE001 - what this program looks for
            self._note(error, data)
        if self.inputs % EVERY == 0:
            self._write()

    def _note(self, error: Exception, data: bytes) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}: {str(error)[:80]!r}"
        self.faults[fault] += 1
        if self.faults[fault] == 1:
            self._write()
            if self.keep is not None:
                self.keep.mkdir(parents=True, exist_ok=True)
                (self.keep / f"{len(self.faults)}-{time.time_ns()}").write_bytes(data)

    def _write(self) -> None:
        self.notes.write_text(json.dumps({"inputs": self.inputs, "faults": self.faults}), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
