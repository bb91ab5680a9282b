"""The text of a file on a terminal: it clears no screen, renames no window, and turns no line around."""

import json
from pathlib import Path
from typing import Final

import pytest

from geo.errors import DataError
from hexbeat.cli.answers import print_answer, print_error
from hexbeat.cli.installation import Format
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run

EVIL: Final = "a\x1b[2J\x1b]0;x\x07\x9b31m\u202eb\x7f\x00"
SHOWN: Final = "a␛[2J␛]0;x␇\ufffd31m\ufffdb\ufffd␀"
HEADINGS: Final = "layer,source_id,latitude,longitude,date,time,quantity,category"


def find_controls(text: str) -> set[str]:
    return {letter for letter in text if not letter.isprintable() and letter not in "\n\t"}


def test_a_file_says_nothing_to_the_terminal(run: Run, tmp_path: Path) -> None:
    """A bad row, a stored one and the headings, by the commands that show what a file holds."""
    good = f"needle_litter,A{EVIL[:5]},54.5760,-1.2350,01/10/2026,08:15,3,{EVIL[:-1]}\n"
    bad = f"needle_litter,B,54.5760,-1.2350,{EVIL[:-1]},08:15,3,\n"
    finds, odd = tmp_path / "finds.csv", tmp_path / "odd.csv"
    finds.write_text(f"{HEADINGS}\n{good}{bad}", encoding="utf-8")
    odd.write_text(f"a{EVIL[:-1]},b\n1,2\n", encoding="utf-8")
    outcomes = [run("ingest", finds, "--source", "table"), run("rejects")]
    with Store.open(tmp_path / "home") as store:
        (event,) = read_live_records(store, ANALYST)["event_id"]
    outcomes += [run("history", event), run("history", EVIL[:-1]), run("ingest", odd, "--source", "table")]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 2, 3]
    told = "".join(outcome.out + outcome.err for outcome in outcomes)
    assert find_controls(told) == set()
    assert "␛[2J" in told


@pytest.mark.parametrize("form", Format)
def test_an_answer_and_an_error_show_controls_as_signs(capsys: pytest.CaptureFixture[str], form: Format) -> None:
    rows = [{"name": EVIL, "number": 1, "list": [EVIL]}, {"name": "b", "number": 2, "list": []}]
    print_answer({"rows": rows}, form=form, rows=rows, heading=EVIL)
    print_error(DataError("A rule", EVIL, "a hint"))
    told = capsys.readouterr()
    assert find_controls(told.out + told.err) == set()
    assert told.err == f"A rule.\n  {SHOWN}.\n  A hint.\n"
    if form == Format.JSON:
        assert json.loads(told.out)["rows"] == rows  # a program reads what the file holds
    else:
        assert told.out.splitlines()[0] == SHOWN
