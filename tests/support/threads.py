"""What must not run in the thread of a test: a real browser's driver keeps an event loop running there."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ["run_apart", "run_steps"]


def run_apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call in a thread of its own; its errors are raised here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *arguments).result()


def run_steps(steps: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine, run to its end."""
    return run_apart(asyncio.run, steps)
