"""Roles and actions: the words of the access policy. `layers.access` decides who may do what."""

from enum import StrEnum
from typing import Final

__all__ = ["ANALYST_ACTIONS", "Action", "Role"]


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
    MAKE_EVIDENCE = "make_evidence"
    SEE_AUDIT = "see_audit"


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
        Action.MAKE_EVIDENCE,
        Action.SEE_AUDIT,
    }
)
