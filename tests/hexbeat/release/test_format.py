"""A release directory: what is written is read again, and what was changed is refused."""

import ast
import json
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.release.format import Release, parse_release
from hexbeat.release.release_files import build_release_files, find_release_checksum
from hexbeat.release.release_text import format_promise
from tests.support.paths import ROOT
from tests.support.releases import example_release, write_example

HINT = "get it again from its publisher, or build it again"
RULE = "A release has to be a folder that `hexbeat release build` wrote, unchanged"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    release = example_release()
    again = Release.read(write_example(tmp_path / "release"))
    assert again.facts == release.facts
    assert again.layers == release.layers
    assert again.blocks == release.blocks
    assert build_release_files(again) == build_release_files(release)


def test_the_same_release_has_the_same_bytes() -> None:
    assert find_release_checksum(build_release_files(example_release())) == find_release_checksum(
        build_release_files(example_release())
    )


def test_every_piece_knows_the_block_that_it_is_part_of() -> None:
    published = {"2026-Q1": (("fine.piece.0", 7), ("fine.group.1", 5), ("fine.ward.E05000002", 10))}
    covering = example_release(published=published).covering("needle_litter", "2026-Q1")
    shown = {place: block.place_label if block else None for place, block in covering.items()}
    assert shown == {
        "fine.piece.0": "Abbey A1",
        "fine.piece.1": None,
        "fine.piece.2": "Elsewhere in Abbey, part B",
        "fine.piece.3": "Elsewhere in Abbey, part B",
        **{f"fine.piece.{k}": "Elsewhere in Bridge" for k in range(4, 8)},
    }


def test_a_layer_that_is_not_released_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        example_release().layer("overdoses")
    assert str(caught.value) == (
        "A release may have only some of the layers; this release has no 'overdoses'; choose from needle_litter, "
        "closed_properties"
    )


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    folder = write_example(tmp_path / "release")
    (folder / "blocks.csv").write_text("layer\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Release.read(folder)
    assert str(caught.value) == f"{RULE}; release: blocks.csv has changed since it was written; {HINT}"


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Release.read(tmp_path / "nowhere")
    assert str(caught.value) == f"{RULE}; nowhere: one of its files cannot be read (FileNotFoundError); {HINT}"


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        ({"2026-Q1": (("fine.piece.0", 7), ("fine.piece.0", 8))}, "a block of fine.piece.0 in 2026-Q1 does not fit"),
        ({"2026-Q1": (("whole.borough", 7),)}, "a block of whole.borough in 2026-Q1 does not fit"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(
    tmp_path: Path, published: dict[str, tuple[tuple[str, int], ...]], reason: str
) -> None:
    folder = write_example(tmp_path / "release", example_release(published=published))
    with pytest.raises(DataError) as caught:
        Release.read(folder)
    assert str(caught.value) == f"{RULE}; release: its files do not fit together ({reason} its place); {HINT}"


def test_another_format_is_refused(tmp_path: Path) -> None:
    folder = write_example(tmp_path / "release", example_release(format="hexbeat-release/9"))
    with pytest.raises(DataError) as caught:
        Release.read(folder)
    assert str(caught.value) == (f"{RULE}; release: its format is 'hexbeat-release/9', not 'hexbeat-release/1'; {HINT}")
    for content in (b"5", b"[]", b'"release"', b"null"):
        with pytest.raises(DataError) as caught:
            parse_release({"release.json": content})
        assert str(caught.value) == f"{RULE}; the release: its release.json holds no facts by name; {HINT}"


def test_the_words_name_the_threshold_of_each_layer() -> None:
    readme = build_release_files(example_release())["README.txt"].decode()
    assert format_promise(5) in readme
    assert format_promise(10) in readme
    assert format_promise(5) == (
        "We never show fewer than five. Smaller numbers are added to the surrounding area until there are enough."
    )


def test_the_reader_can_reach_no_store() -> None:
    tree = ast.parse((ROOT / "hexbeat" / "release" / "format.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if name.startswith(("geo", "layers", "hexbeat"))}
    assert ours == {"geo.errors", "hexbeat.files"}  # how a formula begins; it knows no store either


def test_no_number_stands_in_the_manifest_but_the_rules() -> None:
    manifest = json.loads(build_release_files(example_release())["release.json"])
    assert set(manifest) == {
        "format", "number", "as_at", "demonstration", "area", "licence", "sources", "wording", "previous", "layers",
    }  # fmt: skip
