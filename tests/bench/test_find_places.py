"""The benchmark of finding places, small."""

import json
import subprocess
import sys

from tests.support.paths import ROOT


def test_the_place_that_was_meant_comes_first() -> None:
    command = [sys.executable, "-m", "bench.find_places", "--queries", "20", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["what"], row["typed"]) for row in rows] == [
        ("street", "as it is"),
        ("street", "shortened"),
        ("street", "mistyped"),
        ("postcode", "as it is"),
        ("postcode", "shortened"),
    ]
    assert all(row["first"] >= 0.85 for row in rows)
