"""Tables of answers: a narrow window keeps names and the answer, a file is never cut, chances have plain words."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexbeat.cli.answers import choose_columns, format_cell

CHANGE = {
    "ward_code": "E05009855",
    "ward_name": "Berwick Hills & Pallister",
    "now": 28,
    "before": 14,
    "difference": 14,
    "ratio": 2.0,
    "ratio_low": 1.02,
    "ratio_high": 4.1,
    "p_value": 0.0441,
    "q_value": 0.21,
    "change": "too few events to say",
}
ANSWER = {"ward_name", "now", "before", "change"}


@given(st.integers(20, 200))
def test_a_narrow_window_leaves_out_what_matters_least(width: int) -> None:
    names = list(CHANGE)
    shown = choose_columns([CHANGE], names, width=width)
    assert set(shown) >= ANSWER
    assert shown == [name for name in names if name in shown]
    wider = choose_columns([CHANGE], names, width=width + 20)
    assert set(shown) <= set(wider)


def test_eighty_columns_hold_names_and_the_answer() -> None:
    shown = choose_columns([CHANGE], list(CHANGE), width=80)
    assert shown == ["ward_name", "now", "before", "ratio", "change"]
    assert choose_columns([CHANGE], list(CHANGE), width=160) == list(CHANGE)


def test_a_ward_without_a_name_keeps_its_code() -> None:
    row = {name: value for name, value in CHANGE.items() if name != "ward_name"}
    assert "ward_code" in choose_columns([row], list(row), width=20)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("p_value", 0.0, "< 0.001"),
        ("p_value", 0.00099, "< 0.001"),
        ("q_value", 0.04412, "0.044"),
        ("p", 1, "1.000"),
        ("p_value", None, ""),
        ("p_value", float("nan"), ""),
        ("now", 0.0, "0"),
        ("ratio", 0.48, "0.5"),
    ],
)
def test_a_chance_is_never_told_as_nought(name: str, value: float | None, text: str) -> None:
    assert format_cell(name, value) == text


def run_in_window(home: Path, *arguments: str) -> str:
    """What a person sees in a window of 80 columns."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "HEXBEAT_HOME": str(home)}
    with subprocess.Popen(
        [sys.executable, "-m", "hexbeat", *arguments], stdout=slave, stderr=slave, stdin=slave, env=environment
    ) as process:
        os.close(slave)
        parts = []
        while True:
            try:
                part = os.read(master, 65_536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            parts.append(part)
        assert process.wait(timeout=60) == 0
    os.close(master)
    return b"".join(parts).decode()


@pytest.mark.slow
def test_a_window_is_not_overrun_and_a_file_is_not_cut(tmp_path: Path) -> None:
    seen = run_in_window(tmp_path, "sources")
    table = seen[: seen.index("Left out for lack of room: records, snapshot. A wider window or --format json")]
    assert "police-uk-stop-search" in table
    assert all(len(line) <= 80 for line in table.splitlines())
    piped = subprocess.run(
        [sys.executable, "-m", "hexbeat", "sources", "--home", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Left out" not in piped.stderr
    assert "snapshot" in piped.stdout
    assert max(map(len, piped.stdout.splitlines())) > 80
