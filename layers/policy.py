"""The access policy: how finely each role sees each layer, and which pages, documents, exports and actions it has.

A policy is what an installation changes; what it does not change is as the files of the layers and DEFAULT_GRANTS say.
"""

from dataclasses import dataclass
from typing import Final

from geo.errors import DataError
from layers.catalogue import LAYERS
from layers.roles import ANALYST_ACTIONS, NOTHING, Action, Detail, Role

__all__ = [
    "DEFAULT_GRANTS",
    "DEFAULT_POLICY",
    "DOCUMENTS",
    "EXPORTS",
    "GRANTS",
    "NO_GRANTS",
    "PAGES",
    "Grants",
    "Policy",
]

# Pages by address, documents, and exports (rows of events, tables and files of counts): the names of the policy.
PAGES: Final = (
    "map", "analysis", "plan", "briefing", "evidence", "done", "outcome", "naloxone", "data", "audit", "read",
)  # fmt: skip
DOCUMENTS: Final = ("map", "plan", "briefing", "evidence", "evaluation", "naloxone", "alert_form", "return")
EXPORTS: Final = ("events", "counts")
GRANTS: Final = ("pages", "documents", "exports", "actions")  # the fields of Grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a role may open, make, export and do; each a set of names. `actions` are those of `layers.roles.Action`."""

    pages: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    exports: frozenset[str] = frozenset()
    actions: frozenset[Action] = frozenset()

    def is_within(self, other: "Grants") -> bool:
        """Whether this allows nothing that the other does not."""
        return all(getattr(self, name) <= getattr(other, name) for name in GRANTS)


NO_GRANTS: Final = Grants()
_FIELD_WORK: Final = Grants(
    pages=frozenset({"map", "analysis", "plan", "briefing", "evidence", "done", "read"}),
    documents=frozenset({"map", "plan", "briefing", "evidence", "alert_form", "return"}),
    exports=frozenset({"counts"}),
    actions=frozenset(
        {
            Action.SEE_COUNTS,
            Action.SEE_POINTS,
            Action.SEE_RECORDS,
            Action.EXPORT,
            Action.PLAN,
            Action.RECORD_WORK,
            Action.SEE_WORK,
            Action.ANSWER_ALERTS,
            Action.MAKE_EVIDENCE,
        }
    ),
)
DEFAULT_GRANTS: Final = {
    Role.POLICE: _FIELD_WORK,
    Role.COUNCIL: _FIELD_WORK,
    Role.HEALTH: Grants(
        pages=frozenset({"map", "analysis", "naloxone", "read"}),
        documents=frozenset({"map", "naloxone", "alert_form"}),
        exports=frozenset({"counts"}),
        actions=frozenset({Action.SEE_COUNTS, Action.EXPORT, Action.ANSWER_ALERTS}),
    ),
    Role.ANALYST: Grants(
        pages=frozenset(PAGES),
        documents=frozenset(DOCUMENTS),
        exports=frozenset(EXPORTS),
        actions=ANALYST_ACTIONS,
    ),
    Role.AUDITOR: Grants(pages=frozenset({"audit"}), actions=frozenset({Action.SEE_AUDIT})),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation changes of the defaults: (role, layer, detail), and (role, its grants as a whole).

    Equal policies are equal values, so that a policy can be part of the key of a cache. DataError if a role other than
    the analyst would see the points of a layer that is about people's health.
    """

    details: tuple[tuple[Role, str, Detail], ...] = ()
    grants: tuple[tuple[Role, Grants], ...] = ()

    def __post_init__(self) -> None:
        cautious = {spec.name for spec in LAYERS if spec.evidence_caution}
        for role, layer, detail in self.details:
            if detail.kind == "points" and layer in cautious and role != Role.ANALYST:
                raise DataError(
                    f"The points of {layer} are for the analyst alone",
                    f"the policy gives them to {role}",
                    "choose cells of a resolution, wards or nothing",
                )

    def find_detail(self, role: str, layer: str) -> Detail:
        """How finely a role sees a layer; NOTHING for a role or a layer that is not known, or not granted."""
        spec = next((spec for spec in LAYERS if spec.name == layer), None)
        if spec is None:
            return NOTHING
        changed = (detail for of_role, of_layer, detail in self.details if (of_role, of_layer) == (role, layer))
        default = next((detail for of_role, detail in spec.access if of_role == role), NOTHING)
        return next(changed, default)

    def find_grants(self, role: str) -> Grants:
        """What a role may open, make, export and do; nothing for a role that is not known."""
        changed = (grants for of_role, grants in self.grants if of_role == role)
        default = next((grants for of_role, grants in DEFAULT_GRANTS.items() if of_role == role), NO_GRANTS)
        return next(changed, default)

    def is_lesser(self, role: str, than: str) -> bool:
        """Whether a role has nothing that the other has not: it may be taken on without asking."""
        return self.find_grants(role).is_within(self.find_grants(than)) and all(
            self.find_detail(role, spec.name).is_within(self.find_detail(than, spec.name)) for spec in LAYERS
        )


DEFAULT_POLICY: Final = Policy()
