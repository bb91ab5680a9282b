"""The access policy: every role, action and layer by name, and refusal of all else."""

from itertools import product

import pytest

from geo.errors import DataError, PolicyError, UsageError
from layers.access import (
    ANALYST,
    Action,
    Detail,
    Role,
    Viewer,
    find_detail,
    find_grants,
    limit_to_mail,
    list_details,
    may,
    may_export,
    may_make,
    may_open,
    require,
    require_cells,
    require_document,
    require_export,
    require_page,
    requires_reason,
)
from layers.catalogue import LAYER_NAMES
from layers.policy import DEFAULT_POLICY, DOCUMENTS, EXPORTS, PAGES, Grants, Policy
from layers.roles import NOTHING, POINTS, WARDS, show_cells

LAYERS_AND_NONE = (*LAYER_NAMES, None)
NEEDLES, DEALING, OVERDOSES, CLOSURES = "needle_litter", "street_dealing", "overdoses", "closed_properties"
# Written out, so that a change of the defaults is a change of this table too.
DETAILS = {
    Role.POLICE: {NEEDLES: POINTS, DEALING: POINTS, OVERDOSES: show_cells(9), CLOSURES: POINTS},
    Role.COUNCIL: {NEEDLES: POINTS, DEALING: show_cells(9), OVERDOSES: show_cells(9), CLOSURES: POINTS},
    Role.HEALTH: {NEEDLES: show_cells(9), DEALING: WARDS, OVERDOSES: show_cells(8), CLOSURES: WARDS},
    Role.ANALYST: dict.fromkeys((NEEDLES, DEALING, OVERDOSES, CLOSURES), POINTS),
    Role.AUDITOR: dict.fromkeys((NEEDLES, DEALING, OVERDOSES, CLOSURES), NOTHING),
}
ASK = "ask the analyst of the partnership"
POLICE_POINTS, COUNCIL_POINTS = (NEEDLES, DEALING, CLOSURES), (NEEDLES, CLOSURES)
# The layers with which each role may do each action; None: every layer together, or an action of no layer.
ALLOWED = {
    (Role.POLICE, "see_counts"): LAYERS_AND_NONE,
    (Role.POLICE, "see_points"): POLICE_POINTS,
    (Role.POLICE, "see_records"): POLICE_POINTS,
    (Role.POLICE, "export"): LAYER_NAMES,
    (Role.POLICE, "plan"): LAYERS_AND_NONE,
    (Role.POLICE, "record_work"): LAYERS_AND_NONE,
    (Role.POLICE, "see_work"): LAYERS_AND_NONE,
    (Role.POLICE, "answer_alerts"): LAYER_NAMES,
    (Role.POLICE, "make_evidence"): POLICE_POINTS,
    (Role.COUNCIL, "see_counts"): LAYERS_AND_NONE,
    (Role.COUNCIL, "see_points"): COUNCIL_POINTS,
    (Role.COUNCIL, "see_records"): COUNCIL_POINTS,
    (Role.COUNCIL, "export"): LAYER_NAMES,
    (Role.COUNCIL, "plan"): LAYERS_AND_NONE,
    (Role.COUNCIL, "record_work"): LAYERS_AND_NONE,
    (Role.COUNCIL, "see_work"): LAYERS_AND_NONE,
    (Role.COUNCIL, "answer_alerts"): LAYER_NAMES,
    (Role.COUNCIL, "make_evidence"): COUNCIL_POINTS,
    (Role.HEALTH, "see_counts"): LAYERS_AND_NONE,
    (Role.HEALTH, "export"): LAYER_NAMES,
    (Role.HEALTH, "answer_alerts"): LAYER_NAMES,
    **{(Role.ANALYST, str(action)): LAYERS_AND_NONE for action in Action},
    (Role.AUDITOR, "see_audit"): LAYERS_AND_NONE,
}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_action_and_layer(role: Role) -> None:
    for action, layer in product(Action, LAYERS_AND_NONE):
        assert may(Viewer(role), action, layer) is (layer in ALLOWED.get((role, action), ())), (action, layer)


@pytest.mark.parametrize("role", list(Role))
def test_how_finely_each_role_sees_each_layer(role: Role) -> None:
    assert dict(list_details(Viewer(role))) == DETAILS[role]
    assert set(dict(list_details(Viewer(role)))) == set(LAYER_NAMES)


def test_the_analyst_has_all_that_can_be_granted_and_every_role_is_lesser() -> None:
    grants = find_grants(ANALYST)
    assert grants == Grants(
        pages=frozenset(PAGES), documents=frozenset(DOCUMENTS), exports=frozenset(EXPORTS), actions=frozenset(Action)
    )
    assert [role for role in Role if DEFAULT_POLICY.is_lesser(role, Role.ANALYST)] == list(Role)
    assert [role for role in Role if DEFAULT_POLICY.is_lesser(role, Role.POLICE)] == [Role.POLICE, Role.COUNCIL]
    assert [role for role in Role if DEFAULT_POLICY.is_lesser(role, Role.AUDITOR)] == [Role.AUDITOR]


def test_a_policy_changes_one_detail_and_equal_policies_are_one_key() -> None:
    policies = [Policy(details=((Role.POLICE, DEALING, WARDS),)) for _ in range(2)]
    assert len({Viewer(Role.POLICE, policy=policy) for policy in policies}) == 1
    viewer = Viewer(Role.POLICE, policy=policies[0])
    assert dict(list_details(viewer)) == DETAILS[Role.POLICE] | {DEALING: WARDS}
    assert not may(viewer, Action.SEE_POINTS, DEALING)
    assert may(Viewer(Role.POLICE), Action.SEE_POINTS, DEALING)


def test_points_about_health_are_for_the_analyst_alone() -> None:
    with pytest.raises(DataError) as caught:
        Policy(details=((Role.HEALTH, OVERDOSES, POINTS),))
    assert str(caught.value) == (
        "The points of overdoses are for the analyst alone; the policy gives them to health; choose cells of a "
        "resolution, wards or nothing"
    )


def test_pages_documents_and_exports_are_refused_in_three_parts() -> None:
    health = Viewer(Role.HEALTH)
    assert may_open(health, "map")
    assert may_make(health, "naloxone")
    assert may_export(health, "counts", [DEALING])
    for refused, what in (
        (lambda: require_page(health, "plan"), "open the page plan"),
        (lambda: require_document(health, "alert form"), "make the document alert form"),
        (lambda: require_export(health, "events"), "export events"),
        (lambda: require_export(Viewer(Role.AUDITOR), "counts", [DEALING]), "export of street_dealing"),
    ):
        with pytest.raises(PolicyError) as caught:
            refused()
        role = "auditor" if "of street" in what else "health"
        assert str(caught.value) == (
            f"The access policy decides who may do what; it does not let {role} {what}; ask the analyst of the "
            "partnership"
        )


@pytest.mark.parametrize(
    ("detail", "resolution", "message"),
    [
        (show_cells(8), 9, "Overdoses are shown to your role in cells of resolution 8 or larger, not 9; choose 8"),
        (WARDS, 8, "Overdoses are shown to your role by ward only; ask for them by ward, or leave this layer out"),
        (
            NOTHING,
            8,
            "your role sees nothing of overdoses; leave this layer out, or ask the analyst of the partnership",
        ),
    ],
)
def test_cells_finer_than_the_policy(detail: Detail, resolution: int, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        require_cells(detail, OVERDOSES, resolution)
    text = str(caught.value).replace("choose resolution 8", "choose 8")
    assert text == f"The access policy decides how finely each layer is shown; {message}"
    require_cells(show_cells(9), OVERDOSES, 9)
    require_cells(POINTS, OVERDOSES, 11)


def test_a_reason_is_asked_for_where_records_are_about_health() -> None:
    assert requires_reason(ANALYST, Action.MAKE_EVIDENCE, OVERDOSES)
    assert not requires_reason(ANALYST, Action.MAKE_EVIDENCE, DEALING)
    assert not requires_reason(ANALYST, Action.SEE_COUNTS, OVERDOSES)
    assert not requires_reason(Viewer(Role.POLICE), Action.MAKE_EVIDENCE, OVERDOSES)  # refused, whatever the reason


def test_a_detail_that_makes_no_sense() -> None:
    for terms in (("cells", None), ("cells", 12), ("points", 9), ("streets", None)):
        with pytest.raises(UsageError) as caught:
            Detail(*terms)  # type: ignore[arg-type] # that is the point
        assert str(caught.value) == (
            "A detail is nothing, wards, points, or cells of a resolution of 8, 9, 10, 11; it was given as "
            f"{terms[0]!r}, resolution {terms[1]}, fewest 1; write for example Detail('cells', 9)"
        )


@pytest.mark.parametrize(
    ("viewer", "action", "layer"),
    [
        (None, Action.SEE_COUNTS, None),
        ("analyst", Action.SEE_COUNTS, None),
        (Viewer("councillor"), Action.SEE_COUNTS, None),
        (Viewer(None), Action.SEE_COUNTS, None),
        (Viewer(Role.ANALYST, policy=None), Action.SEE_COUNTS, None),
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


def test_the_own_ward_of_an_event_is_not_within_cells() -> None:
    of_cells = Detail("wards", 9)
    assert [str(one) for one in (of_cells, WARDS, show_cells(9))] == ["wards of cells 9", "wards", "cells 9"]
    assert (of_cells.finest, of_cells.ward_cells, WARDS.ward_cells, POINTS.ward_cells) == (None, 9, None, None)
    assert of_cells.is_within(show_cells(9))
    assert of_cells.is_within(POINTS)
    assert WARDS.is_within(POINTS)
    assert not WARDS.is_within(show_cells(9))
    assert not WARDS.is_within(of_cells)


def test_a_mail_shows_wards_of_cells_to_who_sees_cells() -> None:
    limited = limit_to_mail(Viewer(Role.POLICE))
    details = dict(list_details(limited))
    assert (details["overdoses"], details["needle_litter"]) == (
        Detail("wards", find_detail(Viewer(Role.POLICE), "overdoses").resolution),
        WARDS,
    )
