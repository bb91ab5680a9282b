"""The examples of docs/python.md run, one after the other, as a reader would run them."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.cli import Run, answer
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", PAGE, flags=re.DOTALL)
MONTH = "2024-06-cleveland-street.csv"


@pytest.mark.slow
def test_the_examples_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    shutil.copy(ROOT / "tests" / "fixtures" / "ingest" / MONTH, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, block in BLOCKS:
        if language == "sh":
            for line in block.strip().splitlines():
                command, *words = shlex.split(line)
                assert command == "hexbeat"
                answer(run(*words, "--format", "json"))
        else:
            exec(block, names)  # noqa: S102 - the page's own examples
            printed += capsys.readouterr().out
    assert "4 reports, known to the month" in printed
    assert re.search(r"Central\s+4", printed)
    assert "there is no area named 'atlantis'" in printed
    assert (tmp_path / "june.html").read_text(encoding="utf-8").count("Street dealing") >= 1
    assert (tmp_path / "june.gpkg").stat().st_size > 0
