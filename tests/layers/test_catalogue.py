"""The layers in their order: views that cannot be changed, and parts that only one layer has."""

from dataclasses import replace

import pytest

from geo.errors import UsageError
from layers.access import ANALYST, Action, may
from layers.catalogue import (
    LAYER_NAMES,
    LAYERS,
    find_layer,
    find_layer_code,
    format_layer_number,
    register,
    unregister,
)
from layers.needle_litter import NEEDLE_LITTER

OTHER = replace(NEEDLE_LITTER, name="other", mark="cross", swept=False, demonstration=None)


def test_codes_are_those_that_columns_were_always_written_with() -> None:
    assert list(LAYER_NAMES) == ["needle_litter", "street_dealing", "overdoses", "closed_properties"]
    assert [find_layer_code(name) for name in LAYER_NAMES] == [0, 1, 2, 3]
    assert [find_layer(name) for name in LAYER_NAMES] == list(LAYERS)
    assert format_layer_number() == "four"


def test_no_two_layers_share_a_mark() -> None:
    assert len({spec.mark for spec in LAYERS}) == len(LAYERS)


def test_an_unknown_layer() -> None:
    with pytest.raises(UsageError) as caught:
        find_layer("burglary")
    assert str(caught.value) == (
        "A layer is one of the four; there is no layer 'burglary'; choose from needle_litter, street_dealing, "
        "overdoses, closed_properties"
    )


@pytest.mark.parametrize(
    ("terms", "what"),
    [
        ({"name": "overdoses"}, "name overdoses"),
        ({"mark": "dot"}, "mark dot"),
        ({"swept": True}, "part swept"),
        ({"naloxone": True}, "part naloxone"),
    ],
)
def test_what_is_taken_stays_so(terms: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        register(replace(OTHER, **terms))  # type: ignore[arg-type] # each of its own type
    assert str(caught.value) == (
        f"A layer needs a name, a mark and a code of its own; another layer has the {what}; choose another, or leave "
        "this layer out"
    )
    assert len(LAYERS) == 4


def test_who_held_the_views_sees_a_layer_come_and_go_and_its_access_is_refused_by_default() -> None:
    names, specs = LAYER_NAMES, LAYERS
    silent = replace(OTHER, access=())
    register(silent)
    try:
        assert names[-1] == "other"
        assert specs[-1] is silent
        assert format_layer_number() == "five"
        of_none = {Action.RECORD_WORK, Action.SEE_WORK, Action.SEE_AUDIT, Action.SET_POLICY}
        assert not any(may(ANALYST, action, "other") for action in set(Action) - of_none)
        assert not may(ANALYST, Action.LOAD)  # of every layer there is
    finally:
        unregister("other")
    assert list(names) == ["needle_litter", "street_dealing", "overdoses", "closed_properties"]
    assert may(ANALYST, Action.LOAD)


def test_only_the_last_layer_goes() -> None:
    with pytest.raises(UsageError) as caught:
        unregister("overdoses")
    assert str(caught.value) == (
        "Only the last layer can be removed; 'overdoses' is not the last; remove the later layers first"
    )
