"""Where an installation keeps its data."""

from pathlib import Path

import pytest

from geo.errors import UsageError
from hexbeat.settings import Settings


def test_a_home_that_is_no_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hexbeat.sqlite"
    file.touch()
    monkeypatch.setenv("HEXBEAT_HOME", str(file))
    for home in (None, file, file / "home"):
        with pytest.raises(UsageError) as caught:
            Settings.from_environment(home=home)
        assert str(caught.value) == (
            f"The home of Hexbeat is a folder; {file} is none; give the folder that holds the store (HEXBEAT_HOME)"
        )
