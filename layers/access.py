"""Who may do what: decided here and nowhere else. What no layer allows by name is refused.

A layer's file names what each role may do with its events (`LayerSpec.access`); this module alone reads it.
"""

from dataclasses import dataclass
from typing import Final

from geo.errors import PolicyError
from layers.catalogue import LAYERS
from layers.roles import Action, Role

__all__ = ["ANALYST", "Action", "Role", "Viewer", "may", "require"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person using Hexbeat, by their role. `subject` is their name for the audit trail; "" where nobody gave it."""

    role: Role
    subject: str = ""


ANALYST: Final = Viewer(Role.ANALYST)
_AUDITORS: Final = frozenset({Role.AUDITOR, Role.ANALYST})  # the audit trail is of no layer


def may(viewer: Viewer, action: Action, layer: str | None = None) -> bool:
    """Whether the viewer may do this with the layer; None means with every layer.

    Anything unknown (no viewer, a role without a policy, another action, an unknown layer) is refused.
    """
    role = getattr(viewer, "role", "")
    if action == Action.SEE_AUDIT:
        return role in _AUDITORS
    specs = [spec for spec in LAYERS if layer is None or spec.name == layer]
    return bool(specs) and all(
        any(role == allowed_role and action in actions for allowed_role, actions in spec.access) for spec in specs
    )


def require(viewer: Viewer, action: Action, layer: str | None = None) -> None:
    """PolicyError if the viewer may not do this."""
    if may(viewer, action, layer):
        return
    role = getattr(viewer, "role", "someone without a role")
    raise PolicyError(
        "The access policy decides who may do what",
        f"it does not let {role} {action.replace('_', ' ')}" + (f" of {layer}" if layer else ""),
        "ask the analyst of the partnership",
    )
