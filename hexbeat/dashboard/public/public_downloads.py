"""The published numbers as files: a table with its metadata (W3C CSV on the Web), and shapes as GeoJSON."""

import csv
import io
import json
from typing import Any, Final

import numpy as np
import shapely

from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import describe_place, format_period
from hexbeat.files import escape_text
from hexbeat.release.format import Block

__all__ = ["COLUMNS", "build_download_files", "build_numbers_csv", "build_numbers_geojson", "build_numbers_metadata"]

COLUMNS: Final = {
    "layer": ("what is counted, by its short name", "string"),
    "title": ("what is counted", "string"),
    "period": ("name of the period", "string"),
    "period_words": ("the period in words", "string"),
    "from": ("first day of the period", "date"),
    "to": ("first day after the period", "date"),
    "ward_code": ("ONS code of the ward; empty for the whole area", "string"),
    "ward": ("name of the ward; empty for the whole area", "string"),
    "level": ("piece, group, ward or borough: how large the place is", "string"),
    "place_id": ("name of the place in the release", "string"),
    "place": ("what to call the place", "string"),
    "covers": ("which part of the ward or area the number is for", "string"),
    "count": ("published number; never below the threshold of its layer", "integer"),
}

_NOT_KNOWN: Final = (
    "The periods that hexbeat:not_known names have no rows, because the records do not cover all of them. "
    "What happened then is not known."
)


def build_download_files(published: ReleaseTotals) -> dict[str, bytes]:
    """Name to content of the downloads; the same release gives the same bytes."""
    return {
        "numbers.csv": build_numbers_csv(published),
        "numbers.csv-metadata.json": build_numbers_metadata(published),
        "numbers.geojson": build_numbers_geojson(published),
    }


def build_numbers_csv(published: ReleaseTotals) -> bytes:
    """One row for each published block; text that a spreadsheet would run is escaped."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(COLUMNS), lineterminator="\r\n")
    table.writeheader()
    for block in published.release.blocks:
        table.writerow({name: escape_text(value) for name, value in _build_row(published, block).items()})
    return text.getvalue().encode()


def build_numbers_metadata(published: ReleaseTotals) -> bytes:
    """The metadata of the table: title, source, licence, and the meaning of its columns."""
    facts = published.release.facts
    columns = [
        {"name": name, "titles": name, "dc:description": meaning, "datatype": kind}
        for name, (meaning, kind) in COLUMNS.items()
    ]
    metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": "numbers.csv",
        **_describe_release(published),
        "dc:license": facts["licence"],
        "tableSchema": {"columns": columns},
    }
    return _encode_json(metadata)


def build_numbers_geojson(published: ReleaseTotals) -> bytes:
    """One feature for each block, in the order of the table: the whole area that its number is for, WGS 84."""
    outlines = _build_outlines(published)
    features = [
        {
            "type": "Feature",
            "properties": _build_row(published, block),
            "geometry": json.loads(shapely.to_geojson(outlines[block])),
        }
        for block in published.release.blocks
    ]
    metadata = {**_describe_release(published), "licence": published.release.facts["licence"]}
    return _encode_json({"type": "FeatureCollection", "metadata": metadata, "features": features}, indent=None)


def _build_row(published: ReleaseTotals, block: Block) -> dict[str, Any]:
    layer = published.release.layer(block.layer)
    period = next(period for period in layer.periods if period.name == block.period)
    return {
        "layer": layer.name,
        "title": layer.title,
        "period": period.name,
        "period_words": format_period(period),
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
        "ward_code": block.ward_code or "",
        "ward": published.wards.get(block.ward_code or "", ""),
        "level": block.level,
        "place_id": block.place_id,
        "place": block.place_label,
        "covers": describe_place(published, block),
        "count": block.count,
    }


def _describe_release(published: ReleaseTotals) -> dict[str, Any]:
    facts = published.release.facts
    not_known = [
        {"layer": layer.name, "period": period.name, "from": str(period.start), "to": str(period.end)}
        for layer in published.release.layers
        for period in layer.not_known
    ]
    more = {"hexbeat:not_known": not_known, "dc:coverage": _NOT_KNOWN} if not_known else {}
    return {
        **more,
        "dc:title": f"{published.title}: numbers for the public, release {facts['number']}",
        "dc:date": facts["as_at"],
        "dc:description": f"{facts['wording']['claim']} The true totals may be higher.",
        "dc:source": [f"{source['title']}: {source['note']}" for source in facts["sources"]],
        "dc:rights": facts["area"]["attribution"],
        "hexbeat:demonstration": facts["demonstration"],
    }


def _build_outlines(published: ReleaseTotals) -> dict[Block, shapely.Geometry]:
    """The area of each block: its place without the parts that belong to smaller blocks."""
    unions: dict[tuple[str, ...], shapely.Geometry] = {}
    outlines: dict[Block, shapely.Geometry] = {}
    for layer in published.layers:
        for period in layer.periods:
            pieces: dict[str, list[str]] = {}
            for name, owner in published.covering(layer, period).items():
                if owner is not None:
                    pieces.setdefault(owner.place_id, []).append(name)
            for block in published.release.find_blocks(layer.name, period.name):
                names = tuple(pieces[block.place_id])
                if names not in unions:
                    unions[names] = _unite([published.release.places[name].outline for name in names])
                outlines[block] = unions[names]
    return outlines


def _unite(outlines: list[shapely.Geometry]) -> shapely.Geometry:
    if len(outlines) == 1:
        return outlines[0]
    return shapely.transform(shapely.union_all(outlines), lambda corners: np.round(corners, 6))


def _encode_json(value: Any, *, indent: int | None = 1) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=True) + "\n").encode()
