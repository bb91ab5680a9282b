"""Roles, actions and details: the words of the access policy. `layers.access` decides who may do what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args

from geo.errors import UsageError
from layers.event import RESOLUTIONS

__all__ = ["ANALYST_ACTIONS", "NOTHING", "POINTS", "WARDS", "Action", "Detail", "DetailKind", "Role", "show_cells"]

DetailKind = Literal["nothing", "wards", "cells", "points"]
_KINDS: Final[tuple[DetailKind, ...]] = get_args(DetailKind)  # from the least to the most


class Role(StrEnum):
    """The roles of viewers. What a layer's file grants to none of them by name is refused."""

    POLICE = "police"
    COUNCIL = "council"
    HEALTH = "health"
    ANALYST = "analyst"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What a viewer may do with the store."""

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
    ANSWER_ALERTS = "answer_alerts"
    MAKE_EVIDENCE = "make_evidence"
    SEE_AUDIT = "see_audit"
    SET_POLICY = "set_policy"


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely a role sees the events of a layer.

    `resolution` is that of the finest cells. With the kind "wards" it says that wards are made of such cells, as for
    those who see the cells; None: an event has its own ward. Counts below `fewest` are not shown as numbers. UsageError
    for another kind, for cells without a resolution of events, or for `fewest` below 1.
    """

    kind: DetailKind
    resolution: int | None = None
    fewest: int = 1

    def __post_init__(self) -> None:
        known = RESOLUTIONS if self.kind == "cells" else (None, *RESOLUTIONS) if self.kind == "wards" else (None,)
        if self.kind not in _KINDS or self.resolution not in known or self.fewest < 1:
            raise UsageError(
                f"A detail is nothing, wards, points, or cells of a resolution of {', '.join(map(str, RESOLUTIONS))}",
                f"it was given as {self.kind!r}, resolution {self.resolution}, fewest {self.fewest}",
                "write for example Detail('cells', 9)",
            )

    @property
    def fineness(self) -> tuple[int, int]:
        """A sort key: the finer the detail, the greater."""
        return _KINDS.index(self.kind), self.resolution or 0

    @property
    def finest(self) -> int | None:
        """The finest resolution of cells that may be shown; None where no cells may."""
        return RESOLUTIONS[-1] if self.kind == "points" else self.resolution if self.kind == "cells" else None

    @property
    def ward_cells(self) -> int | None:
        """The resolution of the cells whose wards events have; None where each event has its own ward."""
        return None if self.kind == "points" else self.resolution

    def is_within(self, other: "Detail") -> bool:
        """Whether this shows nothing that the other does not: an event's own ward is not within cells."""
        if self.kind == "wards" and self.resolution is None and other.ward_cells is not None:
            return False
        return self.kind == "nothing" or (self.fineness <= other.fineness and self.fewest >= other.fewest)

    def __str__(self) -> str:
        kind = f"{self.kind} {self.resolution}" if self.resolution else self.kind
        kind = kind if self.kind != "wards" else kind.replace(" ", " of cells ")
        return kind if self.fewest == 1 else f"{kind}, no number below {self.fewest}"


NOTHING: Final = Detail("nothing")
WARDS: Final = Detail("wards")
POINTS: Final = Detail("points")


def show_cells(resolution: int) -> Detail:
    """The detail of cells of this resolution and coarser ones."""
    return Detail("cells", resolution)


# Written out action by action, so that an action added later is refused to all until it is written here.
ANALYST_ACTIONS: Final = frozenset(
    {
        Action.SEE_COUNTS,
        Action.SEE_POINTS,
        Action.SEE_RECORDS,
        Action.SEE_REJECTS,
        Action.LOAD,
        Action.UNDO,
        Action.ERASE,
        Action.RETAIN,
        Action.EXPORT,
        Action.PLAN,
        Action.RECORD_WORK,
        Action.SEE_WORK,
        Action.ANSWER_ALERTS,
        Action.MAKE_EVIDENCE,
        Action.SEE_AUDIT,
        Action.SET_POLICY,
    }
)
