"""The access policy: every role, action and layer by name, and refusal of all else."""

from itertools import product

import pytest

from geo.errors import PolicyError
from layers.access import ANALYST, Action, Role, Viewer, may, require
from layers.catalogue import LAYER_NAMES

# Written out, so that a change of the policy is a change of this table too.
ALLOWED = {
    (Role.ANALYST, action, layer)
    for action in (
        "see_counts",
        "see_points",
        "see_records",
        "see_rejects",
        "load",
        "undo",
        "erase",
        "retain",
        "export",
        "plan",
        "record_work",
        "see_work",
        "make_evidence",
    )
    for layer in ("needle_litter", "street_dealing", "overdoses", "closed_properties", None)
}


@pytest.mark.parametrize(("role", "action", "layer"), list(product(Role, Action, (*LAYER_NAMES, None))))
def test_each_role_action_and_layer(role: Role, action: Action, layer: str | None) -> None:
    assert may(Viewer(role), action, layer) is ((role, action, layer) in ALLOWED)


def test_the_table_of_this_test_names_nothing_else() -> None:
    assert set(product(Role, Action, (*LAYER_NAMES, None))) >= ALLOWED


@pytest.mark.parametrize(
    ("viewer", "action", "layer"),
    [
        (None, Action.SEE_COUNTS, None),
        ("analyst", Action.SEE_COUNTS, None),
        (Viewer("councillor"), Action.SEE_COUNTS, None),
        (Viewer(None), Action.SEE_COUNTS, None),
        (ANALYST, "drop_everything", None),
        (ANALYST, None, None),
        (ANALYST, Action.SEE_COUNTS, "burglary"),
        (ANALYST, Action.SEE_COUNTS, ""),
    ],
)
def test_what_is_unknown_is_refused(viewer: Viewer, action: Action, layer: str | None) -> None:
    assert may(viewer, action, layer) is False


def test_a_refusal_says_who_and_what() -> None:
    with pytest.raises(PolicyError) as caught:
        require(Viewer("councillor"), Action.SEE_RECORDS, "overdoses")
    assert str(caught.value) == (
        "The access policy decides who may do what; it does not let councillor see records of overdoses; ask the "
        "analyst of the partnership"
    )
    require(ANALYST, Action.SEE_RECORDS, "overdoses")


def test_no_viewer_at_all_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        require(None, Action.ERASE)
    assert str(caught.value) == (
        "The access policy decides who may do what; it does not let someone without a role erase; ask the analyst "
        "of the partnership"
    )
