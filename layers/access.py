"""Who may do what: decided here and nowhere else. What the policy does not grant is refused.

A layer's file says how finely each role sees its events, `layers.policy` what else a role may do, and an installation
may change both in its `policy.toml`. A viewer carries the policy that holds for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from geo.errors import PolicyError
from layers.catalogue import LAYERS, find_layer
from layers.policy import DEFAULT_POLICY, NO_GRANTS, Grants, Policy
from layers.roles import NOTHING, POINTS, WARDS, Action, Detail, Role

__all__ = [
    "ANALYST",
    "Action",
    "Detail",
    "Role",
    "Viewer",
    "build_stranger",
    "find_detail",
    "find_grants",
    "limit_to_mail",
    "list_details",
    "list_layers",
    "may",
    "may_export",
    "may_make",
    "may_open",
    "require",
    "require_any",
    "require_cells",
    "require_document",
    "require_export",
    "require_numbers",
    "require_page",
    "require_points",
    "require_seen",
    "requires_reason",
]


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person using Hexbeat, by their role. `subject` is their name for the audit trail; "" where nobody gave it."""

    role: Role
    subject: str = ""
    policy: Policy = DEFAULT_POLICY


ANALYST: Final = Viewer(Role.ANALYST)
# What an action needs to see of a layer. Without a layer the action is about all of them, for which points are needed,
# but for those of _ANY_LAYER, which are about whatever the viewer sees, and those that are about no layer at all.
_NEEDS: Final = {
    Action.SEE_COUNTS: WARDS,
    Action.EXPORT: WARDS,
    Action.SEE_POINTS: POINTS,
    Action.SEE_RECORDS: POINTS,
    Action.SEE_REJECTS: POINTS,
    Action.LOAD: POINTS,
    Action.UNDO: POINTS,
    Action.ERASE: POINTS,
    Action.RETAIN: POINTS,
    Action.MAKE_EVIDENCE: POINTS,
    Action.PLAN: WARDS,
    Action.ANSWER_ALERTS: WARDS,
}
_ANY_LAYER: Final = frozenset({Action.SEE_COUNTS, Action.PLAN})
_NO_LAYER: Final = frozenset({Action.RECORD_WORK, Action.SEE_WORK, Action.SEE_AUDIT, Action.SET_POLICY})


def build_stranger(subject: str) -> Viewer:
    """Somebody whom the policy gives no role, for the audit trail: they may do nothing."""
    return Viewer("none", subject)  # type: ignore[arg-type]  # the word of the trail, and no role that may do anything


def find_detail(viewer: Viewer, layer: str) -> Detail:
    """How finely the viewer sees a layer; NOTHING for anybody and anything that is not known."""
    policy = getattr(viewer, "policy", None)
    if not isinstance(policy, Policy) or not may(viewer, Action.SEE_COUNTS):
        return NOTHING
    return policy.find_detail(viewer.role, layer)


def find_grants(viewer: Viewer) -> Grants:
    """What the viewer may open, make, export and do, whatever the layer."""
    policy = getattr(viewer, "policy", None)
    return policy.find_grants(viewer.role) if isinstance(policy, Policy) else NO_GRANTS


def list_details(viewer: Viewer) -> tuple[tuple[str, Detail], ...]:
    """How finely the viewer sees each layer, in the order of the layers: a key for what is made for such viewers."""
    return tuple((spec.name, find_detail(viewer, spec.name)) for spec in LAYERS)


def limit_to_mail(viewer: Viewer) -> Viewer:
    """The viewer, seeing no more than may leave by mail: numbers of incidents by ward.

    No cell, place, closure, record or work, and no layer whose small numbers are hidden: a page with other numbers
    would reveal them. PolicyError if nothing is left, or the viewer may make no briefing.
    """
    require_document(viewer, "briefing")
    details = []
    for spec in LAYERS:
        detail = find_detail(viewer, spec.name)
        is_sent = spec.kind == "incident" and detail.kind != "nothing" and detail.fewest == 1
        # Wards made of cells, for a viewer of cells: their own page beside the mail would place events within a cell.
        wards = Detail("wards", detail.ward_cells) if is_sent else NOTHING
        details.append((viewer.role, spec.name, wards))
    if all(detail == NOTHING for _, _, detail in details):
        raise _refuse(viewer, "see anything that may be sent by mail")
    grants = Grants(documents=frozenset({"briefing"}), actions=frozenset({Action.SEE_COUNTS}))
    return replace(viewer, policy=Policy(tuple(details), ((viewer.role, grants),)))


def list_layers(viewer: Viewer, action: Action = Action.SEE_COUNTS) -> list[str]:
    """The layers with which the viewer may do this, in their order."""
    return [spec.name for spec in LAYERS if may(viewer, action, spec.name)]


def may(viewer: Viewer, action: Action, layer: str | None = None) -> bool:
    """Whether the viewer may do this with the layer; None means with every layer there is.

    To see counts and to plan, without a layer, one layer that the viewer sees is enough: they are shown no other.
    Anything unknown (no viewer, a role without a policy, another action, an unknown layer) is refused.
    """
    if action not in find_grants(viewer).actions:
        return False
    details = [
        viewer.policy.find_detail(viewer.role, spec.name) for spec in LAYERS if layer is None or spec.name == layer
    ]
    if action in _NO_LAYER:
        return bool(details)
    if action not in _NEEDS:
        return False
    if layer is None and action in _ANY_LAYER:
        return any(detail.fineness >= _NEEDS[action].fineness for detail in details)
    needed = _NEEDS[action] if layer is not None else POINTS
    return bool(details) and all(detail.fineness >= needed.fineness for detail in details)


def require(viewer: Viewer, action: Action, layer: str | None = None) -> None:
    """PolicyError if the viewer may not do this."""
    if not may(viewer, action, layer):
        raise _refuse(viewer, action.replace("_", " ") + (f" of {layer}" if layer else ""))


def require_any(viewer: Viewer, actions: Iterable[Action], what: str) -> None:
    """PolicyError, about `what`, unless the viewer may do one of the actions with one of the layers, or with all."""
    layers: tuple[str | None, ...] = (None, *(spec.name for spec in LAYERS))
    if not any(may(viewer, action, layer) for action in actions for layer in layers):
        raise _refuse(viewer, what)


def may_open(viewer: Viewer, page: str) -> bool:
    """Whether the viewer may open the page of this address."""
    return page in find_grants(viewer).pages


def require_page(viewer: Viewer, page: str) -> None:
    """PolicyError if the viewer may not open the page of this address."""
    if not may_open(viewer, page):
        raise _refuse(viewer, f"open the page {page}")


def may_make(viewer: Viewer, document: str) -> bool:
    """Whether the viewer may make a document of this name (`layers.policy.DOCUMENTS`)."""
    return document in find_grants(viewer).documents


def require_document(viewer: Viewer, document: str) -> None:
    """PolicyError if the viewer may not make a document of this name."""
    if not may_make(viewer, document):
        raise _refuse(viewer, f"make the document {document.replace('_', ' ')}")


def may_export(viewer: Viewer, export: str, layers: Iterable[str] = ()) -> bool:
    """Whether the viewer may take such an export (`layers.policy.EXPORTS`), with what they see of these layers."""
    return export in find_grants(viewer).exports and all(may(viewer, Action.EXPORT, layer) for layer in layers)


def require_export(viewer: Viewer, export: str, layers: Iterable[str] = ()) -> None:
    """PolicyError if the viewer may not take such an export of these layers."""
    for layer in layers:
        require(viewer, Action.EXPORT, layer)
    if Action.EXPORT not in find_grants(viewer).actions:
        raise _refuse(viewer, "export")
    if not may_export(viewer, export):
        raise _refuse(viewer, f"export {export}")


def require_cells(detail: Detail, layer: str, resolution: int) -> None:
    """PolicyError if cells of this resolution are finer than the detail that a viewer sees of a layer."""
    if detail.finest is not None and resolution <= detail.finest:
        return
    require_seen(detail, layer)
    title = find_layer(layer).title
    if detail.finest is None:
        raise PolicyError(
            "The access policy decides how finely each layer is shown",
            f"{title} are shown to your role by ward only",
            "ask for them by ward, or leave this layer out",
        )
    raise PolicyError(
        "The access policy decides how finely each layer is shown",
        f"{title} are shown to your role in cells of resolution {detail.finest} or larger, not {resolution}",
        f"choose resolution {detail.finest}",
    )


def require_seen(detail: Detail, layer: str) -> None:
    """PolicyError if the detail shows nothing of a layer."""
    if detail.kind == "nothing":
        raise PolicyError(
            "The access policy decides how finely each layer is shown",
            f"your role sees nothing of {layer}",
            "leave this layer out, or ask the analyst of the partnership",
        )


def require_points(detail: Detail, layer: str) -> None:
    """PolicyError if the detail shows no points of a layer."""
    if detail.kind == "points":
        return
    require_seen(detail, layer)
    raise PolicyError(
        "The access policy decides how finely each layer is shown",
        f"{find_layer(layer).title} are shown to your role without their points, which are needed here",
        "choose another layer, or ask the analyst of the partnership",
    )


def require_numbers(detail: Detail, layer: str) -> None:
    """PolicyError if small numbers of a layer are not shown, for an answer that would reveal them."""
    if detail.fewest > 1:
        raise PolicyError(
            "The access policy decides how finely each layer is shown",
            f"numbers of {find_layer(layer).many} below {detail.fewest} are not shown to your role, and this would "
            "tell them",
            "ask for counts, or ask the analyst of the partnership",
        )


def requires_reason(viewer: Viewer, action: Action, layer: str) -> bool:
    """Whether the viewer has to say why before they do this: for points and records about people's health."""
    sensitive = {Action.MAKE_EVIDENCE, Action.SEE_POINTS, Action.SEE_RECORDS}
    return may(viewer, action, layer) and action in sensitive and bool(find_layer(layer).evidence_caution)


def _refuse(viewer: Viewer, what: str) -> PolicyError:
    role = getattr(viewer, "role", "someone without a role")
    return PolicyError(
        "The access policy decides who may do what",
        f"it does not let {role} {what}",
        "ask the analyst of the partnership",
    )
