"""policy.toml: what it may say, and that a file which says anything else lets nobody in."""

from pathlib import Path

import pytest

import hexbeat
from geo.errors import DataError, PolicyError, UsageError
from hexbeat.dashboard.pages.navigation import PAGES as ADDRESSES
from hexbeat.policy import AccessPolicy, find_local_viewer, read_policy
from layers.access import Action, Role, Viewer, find_detail
from layers.policy import DEFAULT_POLICY, PAGES, Grants
from layers.roles import NOTHING, POINTS, WARDS, Detail, show_cells

WHOLE = """
[roles.police.layers]
overdoses = "cells 8"
closed_properties = { detail = "wards", fewest = 3 }
street_dealing = "nothing"

[roles.health]
pages = ["map"]
documents = []
actions = ["see_counts"]

[groups]
"Hexbeat health" = "health"
"Hexbeat police" = "police"

[local]
"jo" = "police"
"*" = "analyst"
"""
RULE = "policy.toml says in known words who may see what"
HINT = "see 'Who may see what' in docs/running.md; until it is put right, nobody sees anything"


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "policy.toml").write_text(text, encoding="utf-8")
    return home


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local account of a known name, which asks for no role."""
    monkeypatch.setattr("hexbeat.policy.find_account", lambda: "jo")
    monkeypatch.delenv("HEXBEAT_ROLE", raising=False)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_policy(tmp_path) == AccessPolicy()
    assert find_local_viewer(tmp_path) == Viewer(Role.ANALYST, "jo", DEFAULT_POLICY)


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    access = read_policy(write(tmp_path, WHOLE))
    police = Viewer(Role.POLICE, policy=access.policy)
    assert {layer: find_detail(police, layer) for layer in ("overdoses", "closed_properties")} == {
        "overdoses": show_cells(8),
        "closed_properties": Detail("wards", fewest=3),
    }
    assert find_detail(police, "street_dealing") == NOTHING
    assert find_detail(police, "needle_litter") == POINTS
    assert access.policy.find_grants(Role.POLICE) == DEFAULT_POLICY.find_grants(Role.POLICE)
    assert access.policy.find_grants(Role.HEALTH) == Grants(
        pages=frozenset({"map"}), exports=frozenset({"counts"}), actions=frozenset({Action.SEE_COUNTS})
    )
    assert find_detail(Viewer(Role.HEALTH, policy=access.policy), "street_dealing") == WARDS


def test_groups_and_accounts_have_roles_in_the_order_of_the_file(tmp_path: Path) -> None:
    access = read_policy(write(tmp_path, WHOLE))
    assert access.find_group_role(["Hexbeat police", "Hexbeat health"]) == Role.HEALTH
    assert access.find_group_role(["Hexbeat police"]) == Role.POLICE
    assert access.find_group_role(["Staff"]) is None
    assert (access.find_local_role("jo"), access.find_local_role("kim")) == (Role.POLICE, Role.ANALYST)
    assert find_local_viewer(tmp_path).role == Role.POLICE


def test_an_account_that_the_file_leaves_out_is_refused(tmp_path: Path) -> None:
    write(tmp_path, '[local]\nkim = "police"\n')
    with pytest.raises(PolicyError) as caught:
        find_local_viewer(tmp_path)
    assert str(caught.value) == (
        "policy.toml names the local accounts that may use Hexbeat; yours is not among them; ask the analyst of the "
        "partnership"
    )


@pytest.mark.parametrize(
    ("text", "fact", "hint"),
    [
        ("[rolls]", "the file has 'rolls', which is not a table that Hexbeat knows", "did you mean 'roles'?"),
        ("[roles.polise]", "[roles] has 'polise', which is not a role that Hexbeat knows", "did you mean 'police'?"),
        (
            "[roles.police]\nsees = 1",
            "[roles.police] has 'sees', which is not a key that Hexbeat knows",
            "choose from layers, pages, documents, exports, actions",
        ),
        (
            '[roles.police.layers]\noverdose = "wards"',
            "[roles.police.layers] has 'overdose', which is not a layer that Hexbeat knows",
            "did you mean 'overdoses'?",
        ),
        (
            '[roles.police.layers]\noverdoses = "cells 7"',
            "police: overdoses is 'cells 7', fewest 1",
            'write "nothing", "wards", "points" or "cells 8" to "cells 11", and fewest from 1',
        ),
        (
            '[roles.police.layers]\noverdoses = "all"',
            "police: overdoses is 'all', fewest 1",
            'write "nothing", "wards", "points" or "cells 8" to "cells 11", and fewest from 1',
        ),
        (
            '[roles.police.layers]\noverdoses = { detail = "wards", fewest = 0 }',
            "police: overdoses is 'wards', fewest 0",
            'write "nothing", "wards", "points" or "cells 8" to "cells 11", and fewest from 1',
        ),
        (
            "[roles.police.layers]\noverdoses = { fewest = 3 }",
            "police: overdoses needs a detail in words, and fewest is a whole number",
            HINT,
        ),
        (
            '[roles.police.layers]\noverdoses = "points"',
            "the points of overdoses are for the analyst alone, and the policy gives them to police",
            "choose cells of a resolution, wards or nothing",
        ),
        (
            '[roles.police]\npages = ["maps"]',
            "[roles.police]: pages has 'maps', which is not one that Hexbeat knows",
            "did you mean 'map'?",
        ),
        ('[roles.police]\nactions = "load"', "[roles.police]: actions is not a list of names", HINT),
        ("[roles]\npolice = 1", "[roles.police] is not a table", HINT),
        ("[groups]\nx = 1", "[groups]: 'x' is not the name of a role", HINT),
        ("groups = 1", "[groups] is not a table", HINT),
        (
            '[local]\nx = "root"',
            "[local]: 'x' has 'root', which is not a role that Hexbeat knows",
            f"choose from {', '.join(Role)}",
        ),
    ],
)
def test_a_file_that_says_anything_else_lets_nobody_in(tmp_path: Path, text: str, fact: str, hint: str) -> None:
    write(tmp_path, text)
    with pytest.raises(DataError) as caught:
        find_local_viewer(tmp_path)
    assert str(caught.value) == f"{RULE}; {fact}; {hint}"


def test_a_file_that_is_no_toml_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, "[roles")
    with pytest.raises(DataError, match=rf"^{RULE}; it is not TOML: .*; {HINT}$"):
        read_policy(tmp_path)
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError) as caught:
        read_policy(tmp_path)
    assert str(caught.value) == f"{RULE}; it cannot be read (UnicodeDecodeError); {HINT}"
    (tmp_path / "policy.toml").unlink()
    (tmp_path / "policy.toml").mkdir()
    with pytest.raises(DataError) as caught:
        read_policy(tmp_path)
    assert str(caught.value) == f"{RULE}; it cannot be read (IsADirectoryError); {HINT}"


def test_a_role_that_may_do_no_more_can_be_taken_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_local_viewer(tmp_path, role="police").role == Role.POLICE
    monkeypatch.setenv("HEXBEAT_ROLE", "health")
    assert find_local_viewer(tmp_path).role == Role.HEALTH
    assert find_local_viewer(tmp_path, role="council").role == Role.COUNCIL
    write(tmp_path, '[local]\njo = "police"\n')
    monkeypatch.delenv("HEXBEAT_ROLE")
    for more in ("analyst", "health"):
        with pytest.raises(PolicyError) as caught:
            find_local_viewer(tmp_path, role=more)
        assert str(caught.value) == (
            f"You can see as a role that may do nothing that yours may not; {more} may do more than police; choose "
            "another role, or ask the analyst of the partnership"
        )
    with pytest.raises(UsageError) as unknown:
        find_local_viewer(tmp_path, role="root")
    assert str(unknown.value) == (
        "A role is one that the access policy knows; there is no role 'root'; choose from police, council, health, "
        "analyst, auditor"
    )


def test_python_takes_on_no_more_than_the_account_has(tmp_path: Path) -> None:
    write(tmp_path, '[local]\njo = "police"\n[roles.police.layers]\nstreet_dealing = "wards"\n')
    with hexbeat.open(tmp_path) as town:
        assert find_detail(town.viewer, "street_dealing") == WARDS
    with hexbeat.open(tmp_path, viewer=Viewer(Role.POLICE)) as town:  # its own policy does not count
        assert find_detail(town.viewer, "street_dealing") == WARDS
    for viewer in ("analyst", Viewer(Role.ANALYST)):
        with pytest.raises(PolicyError) as caught:
            hexbeat.open(tmp_path, viewer=viewer)
        assert str(caught.value) == (
            "You can see as a role that may do nothing that yours may not; analyst may do more than police; choose "
            "another role, or ask the analyst of the partnership"
        )


def test_every_page_has_its_name_in_the_policy() -> None:
    assert set(ADDRESSES.values()) <= set(PAGES)
