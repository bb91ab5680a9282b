"""Who may see a plan that is kept: its stops stand where the records of its layers lie, and its reasons count them."""

from collections.abc import Iterator
from typing import Final

import h3

from geo.errors import PolicyError
from hexbeat.operations.plans.plan import Plan, Stop
from hexbeat.operations.plans.plan_store import load_plan, read_plans
from hexbeat.store.shared_documents import SharedDocuments
from layers.access import Action, Viewer, find_detail, may, require
from layers.catalogue import LAYER_NAMES, find_layer

__all__ = ["list_visible_plans", "load_visible_plan", "may_see_plan", "require_plan"]

_MIDDLE_DEG: Final = 2e-5  # about 2 m: two ways to find the middle of a cell differ by less


def load_visible_plan(documents: SharedDocuments | None, viewer: Viewer, plan_id: str) -> Plan:
    """The plan of that code, which the viewer may see; errors as of `load_plan` and `require_plan`."""
    plan = load_plan(documents, plan_id)
    require_plan(viewer, plan)
    return plan


def require_plan(viewer: Viewer, plan: Plan) -> None:
    """PolicyError unless the viewer may plan, and sees of the layers of the plan what its stops and reasons show."""
    require(viewer, Action.PLAN)
    hidden = next(_list_hidden(viewer, plan), None)
    if hidden is not None:
        fewest = find_detail(viewer, hidden).fewest
        raise PolicyError(
            "A plan is shown to those who see the numbers in its reasons",
            f"numbers of {find_layer(hidden).many} below {fewest} are not shown to your role",
            "make a plan of your own for other layers, or ask the analyst of the partnership",
        )
    too_fine = next(_list_too_fine(viewer, plan), None)
    if too_fine is not None:
        raise PolicyError(
            "A plan is shown to those who see its layers as finely as it does",
            f"its stops show {too_fine} more finely than your role may see",
            "make a plan of your own, or ask the analyst of the partnership",
        )


def list_visible_plans(documents: SharedDocuments | None, viewer: Viewer) -> tuple[list[Plan], int]:
    """The plans that the viewer may see, the newest first, and how many others there are. PolicyError without plans."""
    require(viewer, Action.PLAN)
    plans = read_plans(documents)
    visible = [plan for plan in plans if may_see_plan(viewer, plan)]
    return visible, len(plans) - len(visible)


def may_see_plan(viewer: Viewer, plan: Plan) -> bool:
    """Whether `require_plan` lets the viewer see the plan."""
    try:
        require_plan(viewer, plan)
    except PolicyError:
        return False
    return True


def _list_hidden(viewer: Viewer, plan: Plan) -> Iterator[str]:
    """The layers of the plan whose small numbers the viewer may not see."""
    return (layer for layer in plan.scope.layers if find_detail(viewer, layer).fewest > 1)


def _list_too_fine(viewer: Viewer, plan: Plan) -> Iterator[str]:
    """The layers that the plan shows more finely than the viewer may see them."""
    stops = [stop for tour in plan.tours for stop in tour.stops]
    for layer in plan.scope.layers:
        detail = find_detail(viewer, layer)
        if detail.kind == "points" or (layer not in LAYER_NAMES and may(viewer, Action.SEE_POINTS)):
            continue  # who sees the points of every layer may see a plan for one that is no more
        if not all(_is_within(stop, detail.finest or 0) for stop in stops):
            yield layer


def _is_within(stop: Stop, finest: int) -> bool:
    """Whether a stop is the middle of a cell no finer than this resolution."""
    lat, lon = h3.cell_to_latlng(stop.cell)
    is_middle = abs(stop.lat - lat) < _MIDDLE_DEG and abs(stop.lon - lon) < _MIDDLE_DEG
    return bool(h3.get_resolution(stop.cell) <= finest and is_middle)
