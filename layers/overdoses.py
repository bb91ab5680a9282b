"""Overdoses: incidents that ambulance, police or wardens attended. Fatal or not is a category."""

from typing import Final

from layers.layer_spec import (
    Advice,
    DemonstrationSpec,
    LayerSpec,
    RecordKind,
    ReleaseDefaults,
    Rhythm,
    SourceWords,
)
from layers.roles import POINTS, Role, show_cells

__all__ = ["OVERDOSES"]

OVERDOSES: Final = LayerSpec(
    name="overdoses",
    title="Overdoses",
    short="overdoses",
    one="overdose",
    many="overdoses",
    item="overdoses",
    kind="incident",
    mark="diamond",
    categories=("not fatal", "not fatal, naloxone given", "fatal"),
    usual_reporter="agency",
    naloxone=True,
    alert_form=True,
    evidence_caution="Overdoses are about people's health: choose them only where the case needs them.",
    words=SourceWords(names=("overdose",), services=("overdose",), guess=r"overdose|opioid|naloxone|narcan"),
    access=(
        (Role.POLICE, show_cells(9)),
        (Role.COUNCIL, show_cells(9)),
        (Role.HEALTH, show_cells(8)),
        (Role.ANALYST, POINTS),
    ),
    advice=Advice(
        "If someone may have taken an overdose",
        (
            "Call 999 and ask for an ambulance. Say what was taken, if you know it.",
            "Stay with the person and do what the call handler says. If there is naloxone, use it.",
        ),
    ),
    release=ReleaseDefaults(
        k=10,
        months=12,
        places="pieces",
        minimum_places=3,  # separate cells of about 50 m: nothing under 24 m across counts as two
        counted="Each overdose that was attended counts once, in the year in which it happened.",
    ),
    demonstration=DemonstrationSpec(
        share=0.13,
        # Nights and the weekend.
        rhythm=Rhythm((0.8, 0.8, 0.85, 0.95, 1.2, 1.4, 1.2), ((22.5, 2.6, 1.0), (2.0, 2.0, 0.6)), 0.15, 0.0),
        kinds=(
            RecordKind("not fatal", "agency", 0.62, minute=0.96, day=0.04),
            RecordKind("not fatal, naloxone given", "agency", 0.17, minute=1.0),
            RecordKind("not fatal, naloxone given", "officer", 0.11, minute=1.0),
            RecordKind("not fatal", "public", 0.04, minute=0.5, day=0.5),
            RecordKind("fatal", "agency", 0.06, minute=0.7, day=0.3),
        ),
        spike=True,
        steady=((1, 0),),
    ),
)
