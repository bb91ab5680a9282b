"""A disk that takes no more: the system refuses to let any file of this process grow beyond a size."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["files_limited_to"]


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    """Every write beyond so many bytes of a file fails, as on a full disk, until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
