"""Lazy modules: the module itself, and not before something of it is asked for."""

import subprocess
import sys

import pytest

from geo.lazy_modules import import_lazily


def test_a_lazy_module_is_imported_at_its_first_use() -> None:
    script = """
import sys
from geo.lazy_modules import import_lazily
colours = import_lazily("colorsys")
before = "colorsys" in sys.modules
colours.rgb_to_hls(0, 0, 0)
print(before, "colorsys" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


def test_it_has_what_the_module_has_and_parts_of_packages_too() -> None:
    import json.decoder  # noqa: PLC0415 - to compare with

    assert import_lazily("json").loads is json.loads
    assert import_lazily("json.decoder").JSONDecoder is json.decoder.JSONDecoder
    with pytest.raises(AttributeError, match=r"^module 'json' has no attribute 'lodas'$"):
        _ = import_lazily("json").lodas


def test_a_module_that_is_not_there_is_missed_when_it_is_used() -> None:
    missing = import_lazily("no_such_package")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_package'$"):
        _ = missing.anything
