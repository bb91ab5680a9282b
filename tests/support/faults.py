"""Machines that do not do what is asked: a full disk, a user without rights."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["as_other_user", "files_limited_to"]


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    """Every write beyond so many bytes of a file fails, as on a full disk, until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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
