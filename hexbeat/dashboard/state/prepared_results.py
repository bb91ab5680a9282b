"""Results that were worked out before anybody asked: what depends on the records alone, kept with the store's version.

A process of its own works them out (`hexbeat.dashboard.state.preparation`). Here a page finds them, and learns whether
one that it needs is still on its way. Where nothing is worked out ahead, as in a test or a script, each result is
computed when it is asked for.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar, cast

import streamlit as st

from hexbeat.dashboard.state.session import Installation
from layers.policy import Policy
from layers.wording import format_date

__all__ = [
    "RESULTS",
    "Name",
    "Owner",
    "PreparedResult",
    "PreparedResults",
    "build_owner",
    "describe_age",
    "draw_watch",
    "find_older",
    "find_or_build",
    "find_prepared",
    "is_awaited",
]

Owner = tuple[str, tuple[str, Policy], str]  # store, role and policy, wards: as the keys of all caches, but the version
Name = tuple[str, str]  # what it is, such as "alerts", and of which layer; "" for all
Result = TypeVar("Result")
_MOST_OWNERS: Final = 8
_AWAITS_KEY: Final = "hb_awaits_results"  # in a session: this run has shown something that is on its way
_WATCH_S: Final = 2


@dataclass(frozen=True, slots=True)
class PreparedResult:
    """A value, the version of the store that it holds for, and when it was worked out (aware)."""

    value: Any
    version: int
    at: datetime


class PreparedResults:
    """The results of each owner, by name and by what exactly was asked. Safe to share between threads.

    A result of an older version stays until `finish` says that all of a newer version are there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[Owner, dict[tuple[Name, Hashable], PreparedResult]] = {}
        self.is_awaited: Callable[[Installation], bool] | None = None  # set where results are worked out ahead
        self.listener: Callable[[Name, Hashable, Any], None] | None = None  # set in the process that does it

    def put(self, owner: Owner, name: Name, request: Hashable, result: PreparedResult) -> None:
        """Keep a result; the owner who was served longest ago goes if there are too many."""
        with self._lock:
            own = self._results.pop(owner, {})
            own[name, request] = result
            self._results[owner] = own
            while len(self._results) > _MOST_OWNERS:
                self._results.pop(next(iter(self._results)))

    def finish(self, owner: Owner, version: int) -> None:
        """Drop the owner's results of other versions."""
        self._keep(owner, lambda result: result.version == version)

    def drop_older(self, owner: Owner, version: int) -> None:
        """Drop the owner's results of versions before this one."""
        self._keep(owner, lambda result: result.version >= version)

    def _keep(self, owner: Owner, is_kept: Callable[[PreparedResult], bool]) -> None:
        with self._lock:
            own = self._results.get(owner, {})
            self._results[owner] = {key: result for key, result in own.items() if is_kept(result)}

    def find(self, owner: Owner, name: Name, request: Hashable) -> PreparedResult | None:
        """The result of exactly this request."""
        with self._lock:
            return self._results.get(owner, {}).get((name, request))

    def find_all(self, owner: Owner, name: Name) -> dict[Any, PreparedResult]:
        """The results of that name by their requests, of any version."""
        with self._lock:
            own = self._results.get(owner, {})
            return {request: result for (its_name, request), result in own.items() if its_name == name}


RESULTS: Final = PreparedResults()


def build_owner(installation: Installation) -> Owner:
    """Whose results they are: what all numbers depend on besides the version of the store."""
    place, _, role_and_policy, wards = installation.key
    return place, role_and_policy, wards


def find_prepared(installation: Installation, name: Name, request: Hashable) -> PreparedResult | None:
    """The result of this request for the records as they are now; None if it is not there."""
    result = RESULTS.find(build_owner(installation), name, request)
    return result if result and result.version == installation.columns.version else None


def find_older(installation: Installation, name: Name) -> PreparedResult | None:
    """The newest result of that name, of whatever version of the records; None if there is none."""
    results = RESULTS.find_all(build_owner(installation), name).values()
    return max(results, key=lambda result: (result.version, result.at), default=None)


def find_or_build(installation: Installation, name: Name, request: Hashable, build: Callable[[], Result]) -> Result:
    """The prepared result, or the one that `build` computes now. In the process that prepares it is passed on."""
    result = find_prepared(installation, name, request)
    if result is not None:
        return cast("Result", result.value)
    value = build()
    if RESULTS.listener:
        RESULTS.listener(name, request, value)
    return value


def is_awaited(installation: Installation, name: Name, request: Hashable = None) -> bool:
    """Whether results for the records as they are now are being worked out, and this one is not there yet.

    The page is then drawn again when it is. Without a request: until there is one of that name.
    """
    if _is_there(installation, name, request) or RESULTS.is_awaited is None or not RESULTS.is_awaited(installation):
        return False
    st.session_state[_AWAITS_KEY] = {*st.session_state.get(_AWAITS_KEY, ()), (name, request)}
    return True


def _is_there(installation: Installation, name: Name, request: Hashable) -> bool:
    if request is not None:
        return find_prepared(installation, name, request) is not None
    newest = find_older(installation, name)
    return newest is not None and newest.version == installation.columns.version


def draw_watch(installation: Installation) -> None:
    """Draw the page again once a result that it lacks is there. Nothing if it lacks none. Last on a page."""
    lacking: set[tuple[Name, Hashable]] = st.session_state.pop(_AWAITS_KEY, set())
    awaited = RESULTS.is_awaited
    if not lacking or awaited is None:
        return

    @st.fragment(run_every=_WATCH_S)
    def watch() -> None:
        if not awaited(installation) or any(_is_there(installation, *result) for result in lacking):
            st.rerun()

    watch()


def describe_age(result: PreparedResult, installation: Installation) -> str:
    """When a result was worked out, as in "worked out at 14:05", "worked out on 30 Nov 2026 at 14:05"."""
    local = result.at.astimezone(installation.area.tz)
    day = "" if local.date() == installation.today else f"on {format_date(local.date())} "
    return f"worked out {day}at {local:%H:%M}"
