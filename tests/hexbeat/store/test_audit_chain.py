"""The chain of the audit trail: whatever is done to it afterwards is noticed."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import UsageError
from hexbeat.store.audit_chain import (
    GENESIS,
    OUTCOMES,
    REMOVAL,
    Anchor,
    Entry,
    check_chain,
    clean_text,
    format_removal,
    hash_entry,
)

START = Anchor(0, GENESIS)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
DRAFTS = st.builds(
    Entry,
    number=st.just(0),
    entry_id=st.uuids().map(lambda found: found.hex),
    at=st.integers(0, 2**40),
    **dict.fromkeys(("subject", "role", "door", "action", "what", "filter", "form", "reason"), TEXTS),
    rows=st.none() | st.integers(0, 2**40),
    outcome=st.sampled_from(OUTCOMES),
    previous=st.just(GENESIS),
    hash=st.just(GENESIS),
)


def link(drafts: list[Entry], start: Anchor = START) -> list[Entry]:
    """The drafts as a chain that begins after `start`."""
    chain, last = [], start
    for draft in drafts:
        linked = replace(draft, number=last.number + 1, previous=last.hash)
        linked = replace(linked, hash=hash_entry(linked))
        chain.append(linked)
        last = Anchor(linked.number, linked.hash)
    return chain


def end(chain: list[Entry]) -> Anchor:
    return Anchor(chain[-1].number, chain[-1].hash)


CHAINS = st.lists(DRAFTS, min_size=2, max_size=6).map(link)


@settings(max_examples=25)
@given(CHAINS)
def test_a_chain_as_it_was_written_is_whole(chain: list[Entry]) -> None:
    check = check_chain(chain, head=end(chain), base=START, anchors={Anchor(1, chain[0].hash): "elsewhere"})
    assert (check.problem, check.entries, check.first, check.anchor) == (None, len(chain), 1, end(chain))


@settings(max_examples=25)
@given(CHAINS, st.data())
def test_an_entry_that_is_changed_is_found(chain: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Entry)]))
    old = getattr(chain[place], name)
    new = data.draw((st.integers(0, 2**40) if name in {"number", "at", "rows"} else TEXTS).filter(lambda it: it != old))
    changed = [*chain[:place], replace(chain[place], **{name: new}), *chain[place + 1 :]]
    assert check_chain(changed, head=end(chain), base=START).problem


@settings(max_examples=25)
@given(CHAINS, st.data())
def test_an_entry_that_is_removed_added_or_moved_is_found(chain: list[Entry], data: st.DataObject) -> None:
    first, second = sorted(data.draw(st.permutations(range(len(chain))))[:2])
    removed = chain[:first] + chain[first + 1 :]
    swapped = list(chain)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    added = [*chain[:second], replace(data.draw(DRAFTS), number=second + 1), *chain[second:]]
    for forged in (removed, swapped, added):
        assert check_chain(forged, head=end(chain), base=START).problem


@settings(max_examples=25)
@given(CHAINS, st.integers(1, 5))
def test_an_end_that_is_cut_off_is_found_by_the_head_or_by_what_was_noted(chain: list[Entry], cut: int) -> None:
    rest = chain[: -min(cut, len(chain) - 1)]
    assert check_chain(rest, head=end(chain), base=START).problem == (
        f"it ends with entry {rest[-1].number}, and the last one that was written is entry {chain[-1].number}"
    )
    assert check_chain(rest, head=end(rest), base=START).problem is None  # the head was set back too
    check = check_chain(rest, head=end(rest), base=START, anchors={end(chain): "elsewhere"})
    assert check.problem == (
        f"it ends with entry {rest[-1].number}, before entry {chain[-1].number} that was noted elsewhere: entries were "
        "removed, or an older copy of the store was restored"
    )


@settings(max_examples=25)
@given(CHAINS, st.data())
def test_a_chain_that_was_calculated_anew_is_found_by_what_was_noted(chain: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    forged = link([*chain[:place], replace(chain[place], subject=chain[place].subject + "x"), *chain[place + 1 :]])
    assert check_chain(forged, head=end(forged), base=START).problem is None
    check = check_chain(forged, head=end(forged), base=START, anchors={end(chain): "elsewhere"})
    assert check.problem == (
        f"entry {len(chain)} is not the one that was noted elsewhere: the trail was written anew, or it is another "
        "store's"
    )


@settings(max_examples=25)
@given(CHAINS, st.data())
def test_a_beginning_is_missing_only_if_an_entry_vouches_for_it(chain: list[Entry], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(chain) - 1))
    base = Anchor(cut, chain[cut - 1].hash)
    bare = check_chain(chain[cut:], head=end(chain), base=base)
    assert bare.problem == f"entries up to {cut} are missing, and no entry says that the retention rule removed them"
    note = replace(chain[0], what=REMOVAL, outcome="done", filter=format_removal(base))
    vouched = [*chain, *link([note], end(chain))]
    kept = check_chain(vouched[cut:], head=end(vouched), base=base)
    assert (kept.problem, kept.removed_to, kept.first) == (None, cut, cut + 1)
    gone = check_chain(vouched[cut:], head=end(vouched), base=base, anchors={Anchor(1, "f" * 64): "elsewhere"})
    if cut > 1:
        assert gone.problem == (
            "entry 1 that was noted elsewhere was removed by the retention rule and cannot be compared"
        )


@settings(max_examples=25)
@given(st.integers(1, 10**17), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_an_anchor_is_read_as_it_is_written(number: int, digest: str) -> None:
    assert Anchor.parse(f" {Anchor(number, digest)}\n") == Anchor(number, digest)


@pytest.mark.parametrize("text", ["", "7", "a" * 64, "0:" + "a" * 64, "7:" + "a" * 63, "-1:" + "a" * 64])
def test_another_text_is_no_anchor(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Anchor.parse(text)
    assert str(caught.value) == (
        "An anchor is NUMBER:HASH, as `hexbeat audit verify` prints it; this text is not written like that; copy the "
        "whole line"
    )


@settings(max_examples=25)
@given(st.text())
def test_a_text_of_an_entry_is_one_line_that_every_database_can_hold(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) <= 300
    assert cleaned.splitlines() in ([], [cleaned])
    assert "\x00" not in cleaned
    cleaned.encode()
