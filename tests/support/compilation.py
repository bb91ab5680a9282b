"""Compiles the program and the tests once, before several processes read all of them at the same time."""

import compileall
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.paths import ROOT

__all__ = ["compile_house"]


def compile_house(config: pytest.Config) -> None:
    """Keep every module of the house as bytecode, those of the tests with pytest's asserts; what is kept stays."""
    for room in ("geo", "layers", "hexbeat", "bench"):
        compileall.compile_dir(ROOT / room, quiet=2)
    with suppress(ImportError, AttributeError):  # pytest has no door for this; without it each process does it
        for file in sorted((ROOT / "tests").rglob("*.py")):
            compile_asserts(config, file)


def compile_asserts(config: pytest.Config, file: Path) -> None:
    """Keep a file of tests as pytest's own import would."""
    from _pytest.assertion import rewrite  # noqa: PLC0415 - see above

    state = config.stash[rewrite.assertstate_key]
    compiled = rewrite.get_cache_dir(file) / (file.name[: -len(".py")] + rewrite.PYC_TAIL)
    if sys.dont_write_bytecode or rewrite._read_pyc(file, compiled, state.trace):  # noqa: SLF001 - see above
        return
    if rewrite.try_makedirs(compiled.parent):
        status, code = rewrite._rewrite_test(file, config)  # noqa: SLF001 - see above
        rewrite._write_pyc(state, code, status, compiled)  # noqa: SLF001 - see above
