"""Street dealing: recorded drug offences, drug searches, and reports of open dealing."""

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
from layers.roles import POINTS, WARDS, Role, show_cells

__all__ = ["STREET_DEALING"]

STREET_DEALING: Final = LayerSpec(
    name="street_dealing",
    title="Street dealing",
    short="dealing",
    one="report of street dealing",
    many="reports of street dealing",
    item="reports",
    kind="incident",
    mark="triangle",
    categories=("dealing seen", "drug search", "drug offence recorded"),
    usual_target=True,
    searches=("search by officers", "searches by officers"),
    words=SourceWords(
        names=("street dealing", "dealing"),
        services=("drug deal", "drug activity"),
        guess=r"drug|dealing|dealer",
        general=True,
    ),
    access=(
        (Role.POLICE, POINTS),
        (Role.COUNCIL, show_cells(9)),
        (Role.HEALTH, WARDS),
        (Role.ANALYST, POINTS),
    ),
    advice=Advice(
        "If you see drug dealing",
        (
            "If somebody is in danger, call 999. Otherwise tell the police: call 101, or use their website.",
            "To stay anonymous, call Crimestoppers on 0800 555 111.",
        ),
    ),
    release=ReleaseDefaults(
        k=5, months=3, places="pieces", counted="Each report counts once, in the quarter in which it happened."
    ),
    demonstration=DemonstrationSpec(
        share=0.40,
        # Late afternoon and evening, most on Fridays.
        rhythm=Rhythm((0.95, 0.95, 1.0, 1.1, 1.35, 1.2, 0.85), ((17.5, 2.6, 1.0), (21.5, 1.8, 0.5)), 0.08, 0.08),
        kinds=(
            RecordKind("dealing seen", "public", 0.46, minute=0.85, day=0.15),
            RecordKind("dealing seen", "agency", 0.08, minute=0.6, day=0.4),
            RecordKind("drug search", "officer", 0.24, minute=0.9, day=0.1),
            RecordKind("drug offence recorded", "agency", 0.22, minute=0.0, month=1.0),
        ),
        repeated_share=0.18,
        heeds_closures=True,
        hotspot="fading",
        steady=((0, 1), (2, 0)),
    ),
)
