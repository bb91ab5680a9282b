"""The benchmark of finding places, small."""

import pytest

from tests.support.cli import Run


@pytest.mark.slow
def test_the_place_that_was_meant_comes_first(run_bench: Run) -> None:
    done = run_bench("find_places", "--queries", "20", "--format", "json")
    assert (done.code, done.err) == (0, "")
    rows = done.json["rows"]
    assert [(row["what"], row["typed"]) for row in rows] == [
        ("street", "as it is"),
        ("street", "shortened"),
        ("street", "mistyped"),
        ("postcode", "as it is"),
        ("postcode", "shortened"),
    ]
    assert all(row["first"] >= 0.85 for row in rows)
