"""The environment of the processes that Hexbeat starts: what they need, by name, and nothing else."""

import os
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["select_environment"]

# The interpreter, its libraries, the language, the clock, and where temporary files go. No keys, and no addresses.
NEEDED: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TZDIR|TMPDIR|TEMP|TMP|VIRTUAL_ENV|LD_LIBRARY_PATH"
    r"|DYLD_LIBRARY_PATH|PYTHON[A-Z]+|SYSTEMROOT|SSL_CERT_(FILE|DIR)|PROJ_(DATA|LIB)|GDAL_DATA|MALLOC_[A-Z_]+"
    r"|(OMP|OPENBLAS|MKL|ARROW|POLARS|NUMEXPR)_[A-Z_]*THREADS"
)


def select_environment(variables: Mapping[str, str] | None = None, *, allow: str = "") -> dict[str, str]:
    """The variables that every process needs, and those whose whole name fits the pattern `allow`."""
    inherited = os.environ if variables is None else variables
    allowed = re.compile(allow) if allow else None
    return {
        name: value
        for name, value in inherited.items()
        if NEEDED.fullmatch(name) or (allowed and allowed.fullmatch(name))
    }
