"""Closed properties: premises closed by notice or court order, in force for an interval."""

from typing import Final

from layers.layer_spec import WORKING_DAYS, Advice, DemonstrationSpec, LayerSpec, ReleaseDefaults, SourceWords
from layers.roles import POINTS, WARDS, Role

__all__ = ["CLOSED_PROPERTIES"]

CLOSED_PROPERTIES: Final = LayerSpec(
    name="closed_properties",
    title="Closed properties",
    short="closures",
    one="closed property",
    many="closed properties",
    item="properties",
    kind="state",
    mark="square",
    categories=("closure order", "closure order, extended"),
    usual_reporter="agency",
    # Anti-social Behaviour, Crime and Policing Act 2014, s. 80(6): an order lasts at most three months.
    open_end_months=3,
    words=SourceWords(
        names=("closed properties", "closed property", "closures", "closure"),
        guess=r"clos(ed|ure).{0,12}(propert|premises|order|notice)|abandoned|vacant",
    ),
    access=(
        (Role.POLICE, POINTS),
        (Role.COUNCIL, POINTS),
        (Role.HEALTH, WARDS),
        (Role.ANALYST, POINTS),
    ),
    advice=Advice(
        "If you see somebody go into a closed property",
        ("Call 101, or 999 if somebody is in danger. A court has ordered that nobody may go in.",),
    ),
    release=ReleaseDefaults(
        k=10, months=12, places="borough", counted="Each closure counts once, in the year in which it began."
    ),
    # Orders are served on working days. More than 600 would leave no street without one.
    demonstration=DemonstrationSpec(share=0.02, rhythm=WORKING_DAYS, most=600),
)
