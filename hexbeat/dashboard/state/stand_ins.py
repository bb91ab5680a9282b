"""What a view of the map shows while its own result is still being worked out: an older result, else counts.

Only the choices with which a view opens are worked out ahead (`hexbeat.dashboard.preparation_worker`). Any others are
computed when they are asked for.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.findings import build_changes_request, build_findings_request, build_forecast_request
from hexbeat.dashboard.state.prepared_results import (
    RESULTS,
    Name,
    PreparedResult,
    build_owner,
    describe_age,
    is_awaited,
)
from hexbeat.dashboard.state.session import Installation

if TYPE_CHECKING:
    from layers.filters import Filter

__all__ = ["StandIn", "find_stand_in", "is_cell_awaited", "is_usual"]

SUBJECTS: Final = {"hotspots": "The hotspots", "change": "The changes", "expected": "The expected events"}
COUNTS_MEANWHILE: Final = "are still being worked out. Until then you see counts, and then this page changes."
OLDER_MEANWHILE: Final = "New ones are being worked out, and then this page changes."


@dataclass(frozen=True, slots=True, eq=False)
class StandIn:
    """What to show meanwhile: an older result for the same choices, with what it was asked; None: counts.

    `note` says so in a sentence or two.
    """

    note: str
    older: PreparedResult | None = None
    request: Any = None

    @property
    def period(self) -> tuple[date, date]:
        """The period [start, end) of an older result of a filter."""
        event_filter: Filter = self.request[1]
        if event_filter.start is None or event_filter.end is None:
            raise ValueError("a view of the map has a period")
        return event_filter.start, event_filter.end


def find_stand_in(
    installation: Installation, choices: Choices, *, layer: str, last: date, resolution: int
) -> StandIn | None:
    """What stands in for the chosen view of a layer; None where its result is there, or is computed at once."""
    if choices.view == "counts" or not is_usual(choices, layer):
        return None
    name, request = _build_request(installation, choices, layer, last, resolution)
    if not is_awaited(installation, name, request):
        return None
    subject = SUBJECTS[choices.view]
    older_result = _find_older(installation, choices, name, _build_pattern(choices, layer, last, resolution))
    if older_result is None:
        return StandIn(f"{subject} {COUNTS_MEANWHILE}")
    older, its_request = older_result
    return StandIn(f"{subject} were {describe_age(older, installation)}. {OLDER_MEANWHILE}", older, its_request)


def is_usual(choices: Choices, layer: str) -> bool:
    """Whether these are the choices with which a view of one layer opens, for which results are worked out ahead."""
    return replace(choices, cell=None, view="counts") == Choices(layers=(layer,))


def is_cell_awaited(installation: Installation, choices: Choices, *, layer: str, last: date, resolution: int) -> bool:
    """Whether what the statistics say of a cell of this layer is still being worked out."""
    if not is_usual(choices, layer):
        return False
    options: dict[str, Any] = {"layer": layer, "last": last, "resolution": resolution}
    requests = (
        (("findings", layer), build_findings_request(choices, **options)),
        (("changes", layer), build_changes_request(choices, **options)),
    )
    awaited = [is_awaited(installation, name, request) for name, request in requests]  # each is then watched for
    return any(awaited)


def _build_request(
    installation: Installation, choices: Choices, layer: str, last: date, resolution: int
) -> tuple[Name, Hashable]:
    """The name of the view's result, and what exactly is asked; None where that is not known yet."""
    options: dict[str, Any] = {"layer": layer, "last": last, "resolution": resolution}
    if choices.view == "hotspots":
        return ("findings", layer), build_findings_request(choices, **options)
    if choices.view == "change":
        return ("changes", layer), build_changes_request(choices, **options)
    return ("forecast", layer), build_forecast_request(installation, choices, layer=layer, resolution=resolution)


def _build_pattern(choices: Choices, layer: str, last: date, resolution: int) -> Hashable:
    """What an older result must have been asked, but for its days."""
    options: dict[str, Any] = {"layer": layer, "last": last, "resolution": resolution}
    if choices.view == "hotspots":
        return _strip_days(build_findings_request(choices, **options))
    if choices.view == "change":
        return _strip_days(build_changes_request(choices, **options))
    return resolution, choices.wards


def _strip_days(request: tuple[Any, ...]) -> Hashable:
    """A request without its days, but with their number."""
    resolution, event_filter, *others = request
    length = (event_filter.end - event_filter.start).days
    return resolution, replace(event_filter, start=None, end=None), length, *others


def _find_older(
    installation: Installation, choices: Choices, name: Name, pattern: Hashable
) -> tuple[PreparedResult, Any] | None:
    """The newest result that was asked the same, but for its days, and its request."""

    def is_like(request: tuple[Any, ...]) -> bool:
        if choices.view == "expected":
            _, resolution, _, wards = request
            return (resolution, wards) == pattern
        return _strip_days(request) == pattern

    results = RESULTS.find_all(build_owner(installation), name)
    candidates = [(result, request) for request, result in results.items() if is_like(request)]
    return max(candidates, key=lambda pair: (pair[0].version, pair[0].at), default=None)
