"""Small files of every kind that Hexbeat reads, with the same finds, and ways to damage them."""

import gzip
import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import geopandas
import pandas as pd
import shapely
import xlsxwriter

__all__ = ["READERS", "Seed", "make_seeds", "mutate"]

Seed = tuple[str, str, bytes]  # reader, name of the file, contents
READERS: Final = ("text", "sheets", "geofiles", "JSON", "XML", "archives")
ROWS: Final = [
    ("needle_litter", "a1", -1.23, 54.57, "21/11/2025 14:30", 3),
    ("street_dealing", "a2", -1.24, 54.56, "2025-11-22", 1),
    ("needle_litter", "a3", -1.22, 54.55, "Sept 2025", 12),
]
COLUMNS: Final = ("layer", "source_id", "lon", "lat", "date", "quantity")
# Texts that mean something to some reader: put into a file, they reach further than random bytes.
WORDS: Final = (
    b'"', b'""', b"\n", b"\r", b"\x00", b",", b";", b"{", b"}", b"[", b"]", b"null", b"NaN", b"-1", b"1e999",
    b"\\ud800", b"<", b">", b"&amp;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<request>", b"]]>", b"\xff\xfe", b"../",
    b"\xef\xbb\xbf", b"9" * 400, b"[" * 3000, b'{"a":' * 3000, b"<a>" * 3000, b"EPSG:0", b"+24:00", b"0000-00-00",
    b"10000-01-01", "\uff21\u2212\u00a0".encode(), b"POLYGON", b'"type":"Topology"', b"sep=;\n",
)  # fmt: skip
Mutation = Callable[[random.Random, bytearray], None]


def make_seeds(folder: Path) -> list[Seed]:
    """Undamaged files, several for each reader."""
    table = ",".join(COLUMNS) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS)
    seeds: list[Seed] = [
        ("text", "a.csv", table.encode()),
        ("text", "a.tsv", table.replace(",", "\t").encode("utf-16")),
        ("text", "a.txt", table.replace(",", "|").replace("a1", '"a\n1"').encode()),
    ]
    seeds += [("sheets", path.name, path.read_bytes()) for path in (_write_book(folder), _write_ods(folder))]
    seeds += _make_geofiles(folder)
    seeds += _make_documents()
    packed = {name: data for _, name, data in seeds if name in {"a.shp", "a.shx", "a.dbf", "a.kml"}}
    seeds += [
        ("archives", "a.zip", _pack({name: data for name, data in packed.items() if name != "a.kml"})),
        ("archives", "b.zip", _pack({"in.zip": _pack({"2024-01/a.csv": table.encode()}), "notes.txt": b"x"})),
        ("archives", "a.csv.gz", gzip.compress(table.encode())),
        ("archives", "a.kmz", _pack({"doc.kml": packed["a.kml"]})),
    ]
    return [seed for seed in seeds if not seed[1].endswith((".shx", ".dbf", ".prj", ".cpg"))]


def _write_book(folder: Path) -> Path:
    path = folder / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Finds")
        for number, row in enumerate([COLUMNS, *ROWS]):
            sheet.write_row(number, 0, row)
    return path


def _write_ods(folder: Path) -> Path:
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in [COLUMNS, *ROWS]
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="Finds">{cells}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    path = folder / "a.ods"
    mime = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    parts = {"mimetype": mime, "content.xml": content.encode(), "META-INF/manifest.xml": manifest}
    path.write_bytes(_pack(parts))
    return path


def _make_geofiles(folder: Path) -> list[Seed]:
    frame = geopandas.GeoDataFrame(
        {name: [row[place] for row in ROWS] for place, name in enumerate(COLUMNS) if name not in {"lon", "lat"}},
        geometry=[shapely.Point(row[2], row[3]) for row in ROWS],
        crs="EPSG:4326",
    )
    frame["seen"] = pd.to_datetime("2025-06-21 21:30")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a shapefile has no field of times
        for suffix in ("gpkg", "geojson", "fgb", "shp"):
            frame.to_file(folder / f"a.{suffix}")
    frame.to_parquet(folder / "a.parquet")
    pd.DataFrame([dict(zip(COLUMNS, row, strict=True)) for row in ROWS]).to_parquet(folder / "plain.parquet")
    lines = "\n".join(json.dumps(feature) for feature in frame.drop(columns="seen").iterfeatures())
    topology = {
        "type": "Topology", "arcs": [], "objects": {"a": {"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": [row[2], row[3]], "properties": {"layer": row[0], "date": row[4]}}
            for row in ROWS
        ]}},
    }  # fmt: skip
    esri = {
        "geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 4326},
        "fields": [{"name": "layer", "type": "esriFieldTypeString"}, {"name": "date", "type": "esriFieldTypeDate"}],
        "features": [
            {"attributes": {"layer": row[0], "date": 1_750_000_000_000}, "geometry": {"x": row[2], "y": row[3]}}
            for row in ROWS
        ],
    }  # fmt: skip
    names = ("a.gpkg", "a.geojson", "a.fgb", "a.shp", "a.shx", "a.dbf", "a.parquet", "plain.parquet")
    return [
        *(("geofiles", name, (folder / name).read_bytes()) for name in names),
        ("geofiles", "a.geojsonl", lines.encode()),
        ("geofiles", "a.topojson", json.dumps(topology).encode()),
        ("geofiles", "esri.json", json.dumps(esri).encode()),
    ]


def _make_documents() -> list[Seed]:
    records = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    requests = [
        {"service_request_id": row[1], "service_name": "Needles", "lat": row[3], "long": row[2],
         "requested_datetime": "2025-06-21T22:30:00+01:00"}
        for row in ROWS
    ]  # fmt: skip
    socrata = {
        "meta": {"view": {"columns": [{"name": name} for name in COLUMNS]}},
        "data": [list(row) for row in ROWS],
    }
    fields = "".join(
        "<request>" + "".join(f"<{name}>{value}</{name}>" for name, value in row.items()) + "</request>"
        for row in requests
    )
    marks = "".join(
        f"<Placemark><ExtendedData><Data name='layer'><value>{row[0]}</value></Data></ExtendedData><TimeStamp>"
        f"<when>2025-06-21</when></TimeStamp><Point><coordinates>{row[2]},{row[3]}</coordinates></Point></Placemark>"
        for row in ROWS
    )
    points = "".join(
        f'<wpt lat="{row[3]}" lon="{row[2]}"><time>2025-06-21T10:00:00Z</time><type>{row[0]}</type></wpt>'
        for row in ROWS
    )
    return [
        ("JSON", "requests.json", json.dumps({"errors": [], "service_requests": requests}).encode()),
        ("JSON", "records.json", json.dumps(records).encode()),
        ("JSON", "records.ndjson", "\n".join(json.dumps(row) for row in records).encode()),
        ("JSON", "socrata.json", json.dumps(socrata).encode()),
        ("XML", "requests.xml", f"<service_requests>{fields}</service_requests>".encode()),
        ("XML", "a.kml", f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>'.encode()),
        ("XML", "a.gpx", f'<gpx xmlns="http://www.topografix.com/GPX/1/1">{points}</gpx>'.encode()),
    ]


def _pack(members: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return whole.getvalue()


def mutate(random_: random.Random, data: bytes) -> bytes:
    """A damaged copy. Of a ZIP, mostly one member is damaged and packed again, so that it gets past the checksums."""
    if data.startswith(b"PK\x03\x04") and random_.random() < 0.7:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = random_.choice(sorted(members))
        members[name] = mutate(random_, members[name])
        return _pack(members)
    if data.startswith(b"\x1f\x8b") and random_.random() < 0.7:
        return gzip.compress(mutate(random_, gzip.decompress(data)))
    damaged = bytearray(data)
    for _ in range(random_.choice((1, 1, 2, 4, 16))):
        random_.choice(MUTATIONS)(random_, damaged)
    return bytes(damaged)


def _choose_place(random_: random.Random, data: bytearray) -> int:
    return random_.randrange(len(data) + 1)


def _flip_bit(random_: random.Random, data: bytearray) -> None:
    if data:
        data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)


def _set_byte(random_: random.Random, data: bytearray) -> None:
    if data:
        data[random_.randrange(len(data))] = random_.choice((0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256)))


def _insert_word(random_: random.Random, data: bytearray) -> None:
    place = _choose_place(random_, data)
    data[place:place] = random_.choice(WORDS)


def _replace_by_word(random_: random.Random, data: bytearray) -> None:
    place, word = _choose_place(random_, data), random_.choice(WORDS)
    data[place : place + len(word)] = word


def _cut(random_: random.Random, data: bytearray) -> None:
    del data[_choose_place(random_, data) :]


def _remove(random_: random.Random, data: bytearray) -> None:
    place = _choose_place(random_, data)
    del data[place : place + random_.randrange(1, 64)]


def _repeat(random_: random.Random, data: bytearray) -> None:
    place = _choose_place(random_, data)
    part = bytes(data[place : place + random_.randrange(1, 256)])
    data[place:place] = part * random_.choice((1, 2, 30))


def _move(random_: random.Random, data: bytearray) -> None:
    begin, place = _choose_place(random_, data), _choose_place(random_, data)
    part = bytes(data[begin : begin + random_.randrange(1, 128)])
    data[place : place + len(part)] = part


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _flip_bit, _set_byte, _insert_word, _replace_by_word, _cut, _remove, _repeat, _move,
)  # fmt: skip
