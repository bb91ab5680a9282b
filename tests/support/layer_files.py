"""What holds for each layer's file, whichever layer it is of."""

import re

from hexbeat.release.policy import list_default_entries
from layers.access import ANALYST, Action, Viewer, may
from layers.layer_spec import LayerSpec

__all__ = ["check_layer_file"]


def check_layer_file(spec: LayerSpec) -> None:
    """The file says all that other rooms ask, in the form in which they ask it."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", spec.name)
    assert spec.short == spec.short.lower()
    assert spec.title[0].isupper()
    assert {spec.one, spec.many, spec.item} == {word.lower() for word in (spec.one, spec.many, spec.item)}
    assert spec.advice is not None
    assert spec.advice.lines
    assert spec.release is not None
    assert spec.release.counted.endswith(".")
    assert {action for action in Action if may(ANALYST, action, spec.name)} == set(Action)
    assert not any(may(Viewer("nobody"), action, spec.name) for action in Action)  # type: ignore[arg-type] # no role
    assert spec.name in list_default_entries()
    assert re.search(spec.words.guess, spec.one, re.IGNORECASE)
    rules = spec.demonstration
    assert rules is not None
    assert len(rules.rhythm.weekdays) == 7
    if rules.kinds:
        assert abs(sum(kind.share for kind in rules.kinds) - 1) < 1e-9
        assert all(kind.minute + kind.day + kind.month <= 1 + 1e-9 for kind in rules.kinds)
    if spec.kind == "incident":
        assert rules.kinds
        assert spec.open_end_months is None
