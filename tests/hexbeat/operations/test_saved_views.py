"""Saved views: whose they are, who may change them, what Hexbeat opens with, and what a visit remembers."""

from dataclasses import replace
from pathlib import Path

import pytest

from geo.errors import PolicyError, UsageError
from hexbeat.operations import saved_views
from hexbeat.operations.saved_views import (
    SavedView,
    choose_home,
    find_home,
    list_own_starts,
    list_views,
    note_start,
    note_visit,
    put_steps_away,
    remove_view,
    save_view,
)
from hexbeat.store.document_kinds import DocumentKind
from hexbeat.store.store import Store
from layers.access import Role, Viewer

JO, KIM = Viewer(Role.POLICE, "jo@example.org"), Viewer(Role.COUNCIL, "kim@example.org")
ANALYST = Viewer(Role.ANALYST, "ann@example.org")
OPEN_PAGE = "open the page, choose, and save the view there"
NEEDLES = SavedView("Needles in Central", "map", {"wards": "E05009865", "view": "hotspots"})


def test_own_views_are_nobody_elses_and_those_of_the_partnership_are_everybodys(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        jo, kim, analyst = (store.documents(viewer) for viewer in (JO, KIM, ANALYST))
        save_view(jo, NEEDLES)
        shared = save_view(
            jo, SavedView("  Night   dealing ", "analysis", {"layers": "street_dealing"}, is_shared=True)
        )
        assert [(view.name, view.is_shared) for view in list_views(jo)] == [
            ("Needles in Central", False),
            ("Night dealing", True),
        ]
        assert list_views(kim) == [shared] == list_views(analyst)
        assert shared.made_by == "jo@example.org"

        # The same name in other capitals is the same view; another person's shared one stays.
        save_view(jo, SavedView("NEEDLES in central", "map", {"view": "change"}))
        assert next((view.name, dict(view.query)) for view in list_views(jo)) == (
            "NEEDLES in central",
            {"view": "change"},
        )
        for act in (
            lambda: save_view(kim, SavedView("night dealing", "map", is_shared=True)),
            lambda: remove_view(kim, shared),
        ):
            with pytest.raises(PolicyError) as refused:
                act()
            assert str(refused.value) == (
                "A view of the partnership is changed by who saved it, or by the analyst; somebody else saved Night "
                "dealing; save yours under another name"
            )
        remove_view(analyst, shared)
        assert list_views(kim) == []
        # The names of documents name nobody, and no view.
        assert all("example" not in name for name in analyst.list_names(DocumentKind.VIEW))
        with pytest.raises(PolicyError):
            list_views(store.documents(Viewer(Role.AUDITOR, "dpo@example.org")))


@pytest.mark.parametrize(("name", "length"), [("", 0), (" \n ", 0), ("x" * 61, 61), ("a\x00b", 3)])
def test_a_name_that_cannot_be_read_is_none(tmp_path: Path, name: str, length: int) -> None:
    with Store.open(tmp_path / "home") as store:
        with pytest.raises(UsageError) as refused:
            save_view(store.documents(JO), SavedView(name, "map"))
        assert str(refused.value) == (
            f"A view needs a name of at most 60 letters; this one has {length}; write for example Needles, city "
            "centre, last 28 days"
        )
        assert list_views(store.documents(JO)) == []


def test_who_saved_a_view_the_store_says_and_not_who_asks(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        jo, kim = store.documents(JO), store.documents(KIM)
        shared = save_view(jo, replace(NEEDLES, is_shared=True))
        with pytest.raises(PolicyError):
            remove_view(kim, replace(shared, made_by="kim@example.org"))
        assert list_views(kim) == [shared]
        remove_view(jo, replace(shared, made_by=""))
        assert list_views(kim) == []
        remove_view(kim, shared)  # it is gone


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (
            SavedView("Mine", "https://example.org"),
            "A view is of a page of Hexbeat; it has no page of this name; " + OPEN_PAGE,
        ),
        (
            SavedView("Mine", "map", {"wards": "\ud800"}),
            "A view holds words that a link can hold; these choices have other characters; " + OPEN_PAGE,
        ),
        (
            SavedView("Mine", "map", {"wards": "x" * 2000}),
            "A view holds the choices of one page; these are too many; choose fewer wards",
        ),
    ],
)
def test_what_no_link_holds_is_not_saved(tmp_path: Path, view: SavedView, message: str) -> None:
    with Store.open(tmp_path / "home") as store:
        documents = store.documents(JO)
        for act in (save_view, choose_home):
            with pytest.raises(UsageError) as refused:
                act(documents, view)
            assert str(refused.value) == message
        assert documents.list_names(DocumentKind.VIEW) == []


def test_a_person_opens_with_their_own_choice_and_otherwise_with_that_of_their_role(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        jo, analyst = store.documents(JO), store.documents(ANALYST)
        assert find_home(jo) is None
        with pytest.raises(PolicyError) as refused:
            choose_home(jo, NEEDLES, role=Role.POLICE)
        assert str(refused.value) == (
            "What a role opens with is for all of its people; your role, police, does not decide that; ask the analyst "
            "of the partnership"
        )
        choose_home(analyst, NEEDLES, role=Role.POLICE)
        assert find_home(jo) == NEEDLES
        assert find_home(store.documents(KIM)) is None
        choose_home(jo, SavedView("Mine", "briefing"))
        assert find_home(jo) == SavedView("Mine", "briefing")
        choose_home(jo, None)
        assert find_home(jo) == NEEDLES


def test_a_reload_goes_on_with_the_visit_and_the_next_one_knows_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000
    monkeypatch.setattr(saved_views, "to_seconds", lambda _: now)
    with Store.open(tmp_path / "home") as store:
        jo = store.documents(JO)
        first = note_visit(jo, last_row=10)
        assert (first.at, first.before_at, first.before_row, first.knows_steps) == (now, None, None, False)
        put_steps_away(jo)
        now += saved_views.VISIT_S - 1
        assert note_visit(jo, last_row=12).at == first.at
        now += 1
        second = note_visit(jo, last_row=12)
        assert (second.before_at, second.before_row, second.knows_steps) == (first.at, 10, True)
        jo.write(DocumentKind.VIEW, jo.list_names(DocumentKind.VIEW)[0], b"[1")
        assert note_visit(jo, last_row=12).before_at is None  # damaged: as if they never were here


def test_where_plans_started_is_known_by_person_and_kind_and_forgotten_where_it_is_damaged(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        jo, kim = (store.documents(viewer) for viewer in (JO, KIM))
        assert list_own_starts(jo, "sweep") == []
        for name in ("Yard", "Depot", "Yard"):
            note_start(jo, "sweep", name)
        note_start(jo, "patrol", "Station")
        assert (list_own_starts(jo, "sweep"), list_own_starts(jo, "patrol")) == (["Yard", "Depot"], ["Station"])
        assert list_own_starts(kim, "sweep") == []
        (name,) = (name for name in jo.list_names(DocumentKind.VIEW) if name.startswith("starts/"))
        jo.write(DocumentKind.VIEW, name, b"[1]")
        assert list_own_starts(jo, "sweep") == []
