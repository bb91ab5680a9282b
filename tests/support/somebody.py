"""Acting as a user without rights, also where the tests run as root, whom nothing is forbidden."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["as_other_user"]

NOBODY = 65534


@contextmanager
def as_other_user() -> Iterator[None]:
    """As root: what is looked at inside is looked at as `nobody`. As anybody else: nothing changes."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
