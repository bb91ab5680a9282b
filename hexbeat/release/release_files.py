"""The files of a release as bytes: the same values always give the same bytes."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import numpy as np
import shapely

from hexbeat.release.format import (
    BLOCK_COLUMNS,
    CHECKSUMS,
    PLACE_COLUMNS,
    Period,
    Place,
    Release,
    ReleasedLayer,
    hash_content,
)
from hexbeat.release.release_text import format_dictionary, format_licence, format_readme

__all__ = ["build_release_files", "find_release_checksum"]


def build_release_files(release: Release) -> dict[str, bytes]:
    """Name to content of every file of the directory, checksums.txt last.

    This does not check whether the release is safe: `publication.publish_release` does, before it writes.
    """
    files = {
        "LICENCE.txt": format_licence(release.facts).encode(),
        "README.txt": format_readme(release).encode(),
        "blocks.csv": _format_blocks(release).encode(),
        "dictionary.md": format_dictionary(release).encode(),
        "outlines.geojson": _format_outlines(release.places.values()).encode(),
        "places.csv": _format_places(release.places.values()).encode(),
        "release.json": _format_json(
            {**release.facts, "layers": [_build_layer(layer) for layer in release.layers]}
        ).encode(),
    }
    sums = "".join(f"{hash_content(files[name])}  {name}\n" for name in sorted(files))
    return files | {CHECKSUMS: sums.encode()}


def find_release_checksum(files: dict[str, bytes]) -> str:
    """The checksum of a whole release: that of checksums.txt."""
    return hash_content(files[CHECKSUMS])


_OPTIONAL: Final = ("not_known", "officers")  # keys that are left out where they would say nothing


def _build_layer(layer: ReleasedLayer) -> dict[str, Any]:
    facts = {name: getattr(layer, name) for name in ReleasedLayer.__dataclass_fields__ if name not in _OPTIONAL}
    not_known = {"not_known": [_build_period(period) for period in layer.not_known]} if layer.not_known else {}
    officers = {"officers": True} if layer.officers else {}
    return facts | {"periods": [_build_period(period) for period in layer.periods]} | not_known | officers


def _build_period(period: Period) -> dict[str, str]:
    return {"name": period.name, "start": period.start.isoformat(), "end": period.end.isoformat()}


def _format_blocks(release: Release) -> str:
    spans = {(layer.name, period.name): period for layer in release.layers for period in layer.periods}
    rows = []
    for block in release.blocks:
        span = _build_period(spans[block.layer, block.period])
        row = {name: getattr(block, name) for name in BLOCK_COLUMNS if not name.startswith("period_")}
        rows.append(row | {"period_start": span["start"], "period_end": span["end"]})
    return _format_csv(BLOCK_COLUMNS, rows)


def _format_places(places: Iterable[Place]) -> str:
    return _format_csv(PLACE_COLUMNS, [_list_properties(place) for place in places])


def _format_outlines(places: Collection[Place]) -> str:
    outlines = np.array([place.outline for place in places], dtype=object)
    rounded = shapely.to_geojson(shapely.transform(outlines, lambda corners: np.round(corners, 6))).tolist()
    features = [
        {"type": "Feature", "properties": _list_properties(place), "geometry": json.loads(outline)}
        for place, outline in zip(places, rounded, strict=True)
    ]
    lines = ",\n".join(_format_json(feature, indent=None).strip() for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def _list_properties(place: Place) -> dict[str, str | int | None]:
    return {name: getattr(place, name) for name in PLACE_COLUMNS}


def _format_csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _format_json(value: Any, *, indent: int | None = 1) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=True) + "\n"
