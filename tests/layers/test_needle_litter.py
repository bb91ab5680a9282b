"""Needle finds: what their file says, and what other rooms make of it."""

from hexbeat.ingest.column_guesses import guess_layer
from layers.catalogue import find_only_layer
from layers.layer_spec import COUNCIL_CONTACT
from layers.needle_litter import NEEDLE_LITTER
from layers.wording import format_count
from tests.support.layer_files import check_layer_file


def test_the_file_is_whole() -> None:
    check_layer_file(NEEDLE_LITTER)


def test_its_parts_in_the_work() -> None:
    assert NEEDLE_LITTER.swept
    assert not NEEDLE_LITTER.patrolled
    assert NEEDLE_LITTER.in_evidence
    assert not NEEDLE_LITTER.alert_form
    assert find_only_layer("swept") is NEEDLE_LITTER


def test_a_quantity_is_of_needles() -> None:
    assert format_count(5, NEEDLE_LITTER, "quantity") == "5 needles"
    assert format_count(5, NEEDLE_LITTER) == "5 needle finds"


def test_the_public_is_told_whom_to_tell() -> None:
    assert NEEDLE_LITTER.advice is not None
    assert COUNCIL_CONTACT in NEEDLE_LITTER.advice.lines
    assert NEEDLE_LITTER.release is not None
    assert (NEEDLE_LITTER.release.k, NEEDLE_LITTER.release.months, NEEDLE_LITTER.release.places) == (5, 3, "pieces")


def test_a_file_of_sharps_is_of_needles() -> None:
    assert guess_layer("Sharps collected 2026", {}) == ("needle_litter", "the file's name says so")
    assert guess_layer("log", {"Drug litter": []}) == ("needle_litter", "the headings say so")
