"""Sign-ins in the store, on both databases."""

from collections.abc import Callable
from typing import Final

import pytest
import sqlalchemy as sa

from geo.errors import PolicyError
from hexbeat.store.schema import sign_ins
from hexbeat.store.sign_ins import (
    PROVIDER,
    SignIn,
    begin_sign_in,
    end_sign_in,
    end_sign_ins,
    find_sign_in,
    list_sign_ins,
)
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer

NOW: Final = 1_800_000_000


def person(subject: str, *, began_at: int = NOW) -> SignIn:
    return SignIn(subject, f"{subject}@example.org", PROVIDER, ("g-é", "g2"), began_at, began_at + 100)


def test_a_key_finds_its_sign_in_until_it_ends(store: Store) -> None:
    version = store.version()
    first, second = begin_sign_in(store, person("one")), begin_sign_in(store, person("two"))
    assert find_sign_in(store, first, now=NOW + 99) == person("one")
    for key, now in ((first, NOW + 100), (first, NOW - 1), (first[:-1], NOW), ("", NOW)):
        assert find_sign_in(store, key, now=now) is None
    end_sign_in(store, first)
    assert find_sign_in(store, first, now=NOW) is None
    assert find_sign_in(store, second, now=NOW) == person("two")
    assert store.version() == version  # no cache is of less use for it


def test_a_clock_that_is_set_back_makes_no_sign_in_longer(store: Store) -> None:
    key, other = begin_sign_in(store, person("one")), begin_sign_in(store, person("two"))
    assert find_sign_in(store, key, now=NOW, ticks=0.0)
    assert find_sign_in(store, key, now=NOW + 10, ticks=90.0)  # the clock was set back by 80 seconds
    assert find_sign_in(store, key, now=NOW + 10, ticks=99.9)
    for now in (NOW, NOW + 20):
        assert find_sign_in(store, key, now=now, ticks=100.0) is None
    assert find_sign_in(store, other, now=NOW + 20, ticks=100.0)  # first seen now: the clock alone counts


def test_a_clock_that_jumps_forth_for_a_while_ends_no_sign_in_that_it_has_not_outlived(store: Store) -> None:
    key = begin_sign_in(store, person("one"))
    assert find_sign_in(store, key, now=NOW + 1, ticks=1.0)
    assert find_sign_in(store, key, now=NOW + 500, ticks=2.0) is None
    assert find_sign_in(store, key, now=NOW + 3, ticks=3.0)


def test_the_store_holds_no_key_and_forgets_what_has_ended(store: Store) -> None:
    key = begin_sign_in(store, person("one"))
    with store.engine.connect() as connection:
        assert key not in str(connection.execute(sa.select(sign_ins)).all())
    begin_sign_in(store, person("two", began_at=NOW + 100))
    assert [sign_in.subject for sign_in in list_sign_ins(store, ANALYST, now=0)] == ["two"]


def test_one_person_or_everybody_is_signed_out(store: Store) -> None:
    for subject in ("one", "one", "two", "three"):
        begin_sign_in(store, person(subject))
    assert end_sign_ins(store, ANALYST, subject="one") == 2
    assert [sign_in.subject for sign_in in list_sign_ins(store, ANALYST, now=NOW)] == ["three", "two"]
    assert (end_sign_ins(store, ANALYST), list_sign_ins(store, ANALYST, now=NOW)) == (2, [])


@pytest.mark.parametrize(
    "act",
    [end_sign_ins, lambda store, viewer: list_sign_ins(store, viewer, now=0)],
)
def test_who_may_not_see_the_audit_trail_may_not_see_who_is_signed_in(
    store: Store, act: Callable[[Store, Viewer], object]
) -> None:
    with pytest.raises(PolicyError):
        act(store, Viewer(Role.POLICE))
