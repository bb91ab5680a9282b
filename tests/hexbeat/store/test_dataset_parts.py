"""A dataset that was altered or damaged is refused in words: its description, its files, and the values in them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geo.errors import DataError
from hexbeat.files import hash_file
from hexbeat.store.dataset_parts import ALL_FIELDS, read_part, read_tally
from hexbeat.store.datasets import DESCRIPTION, DatasetFile, export_dataset, parse_dataset
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import RESOLUTIONS
from tests.support.events import WARDS, event_frame, load

RULE: Final = "A dataset is a folder that hexbeat export wrote, with all of its files; data: "
HINT: Final = "; look at the address, or export it again"
FEW: Final = frozenset({"quantity", "reported_by", "category"})


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description of a small dataset, which lies at its "address"."""
    home = tmp_path_factory.mktemp("small")
    with Store.open(home / "home") as store:
        load(store, event_frame(["a", "b", "c"], category=["x", "y", None]))
        export_dataset(store, ANALYST, home / "data", area="here", time_zone="Europe/London", ward_codes=WARDS)
    described: dict[str, Any] = json.loads((home / "data" / DESCRIPTION).read_text(encoding="utf-8"))
    return described | {"address": str(home / "data")}


@pytest.fixture
def file(facts: dict[str, Any]) -> DatasetFile:
    return parse_dataset(json.dumps(facts)).files[0]


ODD_FACTS: Final[dict[str, list[Any]]] = {
    "area": [1, None, "\ud800"],
    "time_zone": ["Nowhere/None", 1, "../x"],
    "ward_codes": ["E05000001", [1], ["E05000001"] * 2, {}],
    "version": ["1", -1, 1.5, True, float("inf"), 1 << 60],
    "layers": ["needle_litter", ["needle_litter", 1], ["unknown", "needle_litter"], [], {"needle_litter": 1}],
    "files": [None, {}, [None], [{}]],
    "coverage": [{}, [[]], [{"layer": "needle_litter"}]],
    "reporters": [[["needle_litter", "x"]], [["needle_litter", "x", 1]], 3],
}
ODD_FILE: Final[dict[str, list[Any]]] = {
    "path": ["part-0.parquet", "layer=needle_litter/month=2026-10/../part-0.parquet", "/etc/passwd", 1],
    "layer": ["unknown", "overdoses", ["needle_litter"]],
    "month": ["2026-13", "2026-1", "0000-01", "2025-01", 202_610],
    "events": [-1, 1.0, "3", True, float("nan")],
    "first": ["0", None, -1, 1 << 62, 0],
    "last": [None, 0, 2.5],
    "placed": ["3", -1, 4],
    "synthetic": [None, 4, False],
    "categories": ["xy", [None], [1]],
    "size_bytes": [None, -1],
    "sha256": ["", "F" * 64, 3],
    "more": [1],
}


def test_every_fact_of_a_description_is_looked_at(facts: dict[str, Any]) -> None:
    (described,) = facts["files"]
    entry: dict[str, Any] = {
        "layer": "needle_litter",
        "source": "s",
        "scope": "",
        "start": "2026-01-01",
        "end": "2026-02-01",
    }
    entry |= {"kind": "load", "wards": None}
    assert parse_dataset(json.dumps(facts | {"coverage": [entry]})).coverage.entries
    twice = ["needle_litter", "public", "public"]  # a source may be called as a reporter is
    assert parse_dataset(json.dumps(facts | {"reporters": [twice]})).coverage.reporters == {tuple(twice)}
    odd = [facts | {name: value} for name, values in ODD_FACTS.items() for value in values]
    odd += [facts | {"files": [described | {name: value}]} for name, values in ODD_FILE.items() for value in values]
    odd += [{name: value for name, value in facts.items() if name != left} for left in ODD_FACTS]
    odd += [facts | {"files": [described, described]}]
    for name, value in (
        ("layer", "x"),
        ("source", 1),
        ("kind", "x"),
        ("end", "2025-01-01"),
        ("wards", "E"),
        ("start", 1),
    ):
        odd.append(facts | {"coverage": [entry | {name: value}]})
    for text in (*map(json.dumps, odd), "[" * 100_000, '{"format": ' + "9" * 5_000 + "}", "\ud800"):
        with pytest.raises(DataError) as refused:
            parse_dataset(text)
        assert str(refused.value) == (
            "A dataset is a folder that hexbeat export wrote; its _hexbeat.json cannot be read; "
            "export it again with this version of Hexbeat"
        ), text[:2_000]


def refuse(address: Path | str, file: DatasetFile, *, read: Any = read_part, is_whole: bool = True) -> str:
    """The fact of the error with which a file is refused."""
    fields, sizes = (ALL_FIELDS, RESOLUTIONS) if is_whole else (FEW, (9,))
    with pytest.raises(DataError) as refused:
        read(str(address), file, WARDS, fields=fields, resolutions=sizes)
    message = str(refused.value)
    assert message.startswith(RULE + file.path), message
    assert message.endswith(HINT)
    return message.removeprefix(RULE + file.path).removesuffix(HINT)


def write_part(folder: Path, file: DatasetFile, content: bytes) -> Path:
    target = folder / "data" / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return folder / "data"


def test_a_file_that_was_altered_is_noticed(facts: dict[str, Any], file: DatasetFile, tmp_path: Path) -> None:
    good = (Path(facts["address"]) / file.path).read_bytes()
    cut = write_part(tmp_path, file, good[:-1])
    size = f" has {len(good) - 1:,} bytes instead of {len(good):,}"
    assert refuse(cut, file) == refuse(cut, file, read=read_tally, is_whole=False) == size
    for place in range(10, len(good), len(good) // 20):
        altered = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        assert refuse(write_part(tmp_path, file, altered), file) == " was altered since it was exported"
    group = pq.ParquetFile(pa.BufferReader(good)).metadata.row_group(0)
    (chunk,) = (one for one in map(group.column, range(group.num_columns)) if one.path_in_schema == "ward_code")
    place = chunk.dictionary_page_offset + chunk.total_compressed_size - 1  # of its last page
    altered = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
    changed = write_part(tmp_path, file, altered)
    assert refuse(changed, file, read=read_tally, is_whole=False) == " cannot be read"


def put(name: str, values: list[Any], kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    """The same table with other values in one column."""
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values, kind))


OTHER: Final = " has other columns than an export writes"
NONE_SUCH: Final = " holds values that no export writes"
TEXT, NUMBER, DEGREES = pa.string(), pa.int64(), pa.float64()
CHANGES: Final[list[tuple[Callable[[pa.Table], pa.Table], str]]] = [
    (lambda table: table.drop_columns(["ward_code"]), OTHER),
    (
        lambda table: table.append_column("quantity", table["quantity"]),
        OTHER,
    ),
    (put("quantity", ["1", "2", "3"], TEXT), OTHER),
    (put("h3_09", [1, 2, 3], NUMBER), OTHER),
    (put("quantity", [1, None, 3], NUMBER), " has no quantity for some events"),
    (put("ward_code", [*WARDS[:1], None, *WARDS[:1]], TEXT), " has no ward_code for some events"),
    (put("quantity", [1, 1 << 40, 3], NUMBER), NONE_SUCH),
    (put("quantity", [1, -1, 3], NUMBER), NONE_SUCH),
    (put("h3_09", ["x", "y", "z"], TEXT), NONE_SUCH),
    (put("h3_09", ["f" * 40] * 3, TEXT), NONE_SUCH),
    (put("reported_by", ["nobody"] * 3, TEXT), NONE_SUCH),
]
POINTS: Final[list[tuple[Callable[[pa.Table], pa.Table], str]]] = [
    (put("lon", [0.0, float("nan"), 0.0], DEGREES), NONE_SUCH),
    (put("time_precision", ["century"] * 3, TEXT), NONE_SUCH),
    (put("location_precision", ["odd"] * 3, TEXT), NONE_SUCH),
    (put("occurred_from", [0, 0, 0], pa.timestamp("us", tz="UTC")), NONE_SUCH),
    (put("ward_code", ["E05000009"] * 3, TEXT), NONE_SUCH),
]


def test_values_that_no_export_writes_are_refused(facts: dict[str, Any], file: DatasetFile, tmp_path: Path) -> None:
    """Also where the description was made to fit them."""
    table = pq.read_table(Path(facts["address"]) / file.path, partitioning=None)
    for change, fact in (*CHANGES, *POINTS):
        address = write_part(tmp_path, file, b"")
        path = address / file.path
        pq.write_table(change(table), path, store_schema=False)
        fitting = dataclasses.replace(file, size_bytes=path.stat().st_size, sha256=hash_file(path))
        assert refuse(address, fitting) == fact
        if (change, fact) in CHANGES:
            assert refuse(address, fitting, read=read_tally, is_whole=False) == fact
            assert refuse(address, fitting, is_whole=False) == fact
    fewer = dataclasses.replace(file, events=4)
    assert refuse(facts["address"], fewer) == " holds 3 events instead of 4"
