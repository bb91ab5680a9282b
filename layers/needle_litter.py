"""Needles and other injecting litter: found in a sweep, or reported."""

from typing import Final

from layers.layer_spec import (
    COUNCIL_CONTACT,
    WORKING_DAYS,
    Advice,
    DemonstrationSpec,
    DemonstrationSweeps,
    LayerSpec,
    LogNormal,
    RecordKind,
    ReleaseDefaults,
    Rhythm,
    SourceWords,
)
from layers.roles import POINTS, Role, show_cells

__all__ = ["NEEDLE_LITTER"]

NEEDLE_LITTER: Final = LayerSpec(
    name="needle_litter",
    title="Needle finds",
    short="needles",
    one="needle find",
    many="needle finds",
    item="needles",
    kind="incident",
    mark="dot",
    categories=("found on public ground", "found on patrol", "found at a property", "found in a sweep"),
    swept=True,
    words=SourceWords(
        names=("needle litter", "needle finds", "needle find", "needles", "needle"),
        services=("needle", "syringe", "sharps"),
        guess=r"needle|syringe|sharps|drug.?litter",
    ),
    access=(
        (Role.POLICE, POINTS),
        (Role.COUNCIL, POINTS),
        (Role.HEALTH, show_cells(9)),
        (Role.ANALYST, POINTS),
    ),
    advice=Advice("If you find a needle", ("Do not touch it, and keep children and pets away.", COUNCIL_CONTACT)),
    release=ReleaseDefaults(
        k=5,
        months=3,
        places="pieces",
        counted="Each report counts once, however many needles there were, in the quarter in which they were found.",
    ),
    demonstration=DemonstrationSpec(
        share=None,
        # Reported in the morning, when parks and alleys are walked and cleaned; fewer people report at weekends.
        rhythm=Rhythm((1.25, 1.1, 1.05, 1.0, 1.05, 0.75, 0.65), ((8.5, 1.6, 1.0), (14.0, 3.0, 0.35)), 0.03, 0.15),
        kinds=(
            RecordKind("found on public ground", "public", 0.68, minute=0.87, day=0.09),
            RecordKind("found on patrol", "officer", 0.18, minute=0.9, day=0.1),
            RecordKind("found at a property", "agency", 0.14, minute=0.6, day=0.3),
        ),
        repeated_share=0.18,
        hotspot="new",
        steady=((0, 0), (1, 1)),
        quantity=LogNormal(0.4, 0.8, least=1, most=40),  # one or two as a rule, rarely more than ten
        status="removed",
        sweeps=DemonstrationSweeps(
            share=0.12,
            rhythm=WORKING_DAYS,
            kinds=(RecordKind("found in a sweep", "sweep", 1.0, minute=0.5, day=0.5),),
            quantity=LogNormal(2.6, 0.6, least=4, most=60),
        ),
    ),
)
