"""Overdoses: what their file says, and what other rooms make of it."""

from hexbeat.reports.evidence import list_default_layers
from layers.catalogue import find_only_layer
from layers.overdoses import OVERDOSES
from tests.support.layer_files import check_layer_file


def test_the_file_is_whole() -> None:
    check_layer_file(OVERDOSES)


def test_its_parts_in_the_work() -> None:
    assert OVERDOSES.patrolled
    assert OVERDOSES.alert_form
    assert find_only_layer("naloxone") is OVERDOSES


def test_it_enters_evidence_only_by_name() -> None:
    assert list_default_layers() == ("needle_litter", "street_dealing", "closed_properties")


def test_agencies_report_it_where_nothing_else_is_said() -> None:
    assert OVERDOSES.usual_reporter == "agency"


def test_few_people_are_behind_a_number_so_its_release_is_coarser() -> None:
    assert OVERDOSES.release is not None
    assert (OVERDOSES.release.k, OVERDOSES.release.months, OVERDOSES.release.minimum_places) == (10, 12, 3)
