"""Who may do what: decided here and nowhere else. What is not allowed in so many words is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from geo.errors import PolicyError
from layers.catalogue import LAYER_NAMES

__all__ = ["ANALYST", "Action", "Role", "Viewer", "may", "require"]


class Role(StrEnum):
    """What a viewer is. One role for now."""

    ANALYST = "analyst"


class Action(StrEnum):
    """What a viewer may ask of the store."""

    SEE_COUNTS = "see_counts"
    SEE_POINTS = "see_points"
    SEE_RECORDS = "see_records"
    SEE_REJECTS = "see_rejects"
    LOAD = "load"
    UNDO = "undo"
    ERASE = "erase"
    RETAIN = "retain"
    EXPORT = "export"
    PLAN = "plan"
    RECORD_WORK = "record_work"
    SEE_WORK = "see_work"
    MAKE_EVIDENCE = "make_evidence"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The one who asks."""

    role: Role


ANALYST: Final = Viewer(Role.ANALYST)

_EVERY_LAYER: Final = frozenset(LAYER_NAMES)
# Spelt out action by action: an action added tomorrow is refused to all until it is written here.
_ALLOWED: Final[Mapping[str, Mapping[Action, frozenset[str]]]] = {
    Role.ANALYST: {
        Action.SEE_COUNTS: _EVERY_LAYER,
        Action.SEE_POINTS: _EVERY_LAYER,
        Action.SEE_RECORDS: _EVERY_LAYER,
        Action.SEE_REJECTS: _EVERY_LAYER,
        Action.LOAD: _EVERY_LAYER,
        Action.UNDO: _EVERY_LAYER,
        Action.ERASE: _EVERY_LAYER,
        Action.RETAIN: _EVERY_LAYER,
        Action.EXPORT: _EVERY_LAYER,
        Action.PLAN: _EVERY_LAYER,
        Action.RECORD_WORK: _EVERY_LAYER,
        Action.SEE_WORK: _EVERY_LAYER,
        Action.MAKE_EVIDENCE: _EVERY_LAYER,
    }
}


def may(viewer: Viewer, action: Action, layer: str | None = None) -> bool:
    """Whether the viewer may do that with that layer; with None: with every layer there is.

    Anything unknown (no viewer, a role without a policy, another action, an unknown layer) is refused.
    """
    layers = _ALLOWED.get(getattr(viewer, "role", ""), {}).get(action, frozenset())
    return layers >= _EVERY_LAYER if layer is None else layer in layers


def require(viewer: Viewer, action: Action, layer: str | None = None) -> None:
    """PolicyError if the viewer may not do that."""
    if may(viewer, action, layer):
        return
    role = getattr(viewer, "role", "someone without a role")
    raise PolicyError(
        "The access policy names who may do what",
        f"it does not let {role} {action.replace('_', ' ')}" + (f" of {layer}" if layer else ""),
        "ask the analyst of the partnership",
    )
