"""Street dealing: what its file says, and what other rooms make of it."""

from hexbeat.ingest.column_guesses import guess_layer
from layers.catalogue import LAYERS, list_usual_targets
from layers.street_dealing import STREET_DEALING
from tests.support.layer_files import check_layer_file


def test_the_file_is_whole() -> None:
    check_layer_file(STREET_DEALING)


def test_its_parts_in_the_work() -> None:
    assert STREET_DEALING.patrolled
    assert not STREET_DEALING.swept
    assert STREET_DEALING.in_evidence
    assert list_usual_targets() == ["street_dealing"]


def test_it_is_guessed_after_all_others_because_its_words_are_general() -> None:
    assert guess_layer("drug offences", {}) == ("street_dealing", "the file's name says so")
    assert guess_layer("drug overdoses", {}) == ("overdoses", "the file's name says so")


def test_a_closure_nearby_thins_it_out_in_the_demonstration() -> None:
    heeding = [spec.name for spec in LAYERS if spec.demonstration and spec.demonstration.heeds_closures]
    assert heeding == ["street_dealing"]
