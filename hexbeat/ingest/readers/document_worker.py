"""Reads one JSON or XML document in a process of its own, with bounded memory and time, and hands over its rows.

Started by its path (hexbeat.ingest.readers.worker_process), so it imports nothing of the project:
`python -I document_worker.py REQUEST BYTES SECONDS`. Standard output: one line of JSON with the columns. Then it waits
for a line of JSON with the wanted columns, and writes their rows, some thousands a line: texts, shapes as WKT, and
which rows could not be read. Problems go to standard error as JSON. No content of the file is ever in one.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["find_lists", "flatten_record", "main"]

PROBLEM = 3
MOST_WRITTEN = 1_000_000  # bytes of a file: the report of a problem is the only one
ROWS = 5_000  # of a line
DEEPEST = 12  # lists and objects in each other, in which rows are looked for
REQUEST_KEYS = {"service_request_id", "requested_datetime", "service_notice", "updated_datetime"}
WRAPPERS = ("request", "service_request")
NOT_TEXT = re.compile("[\ud800-\udfff\x00]")  # lone surrogates and NUL, which no store keeps
Row = dict[str, str] | None  # None: it cannot be read
Rows = list[tuple[Row, str | None]]  # with the shape as WKT


class _ProblemError(Exception):
    """What the document is instead, as a word."""


def main(arguments: list[str]) -> int:
    """Write the columns, then the rows; 3 if there is a problem that standard error names."""
    request, most_bytes, most_s = json.loads(arguments[0]), int(arguments[1]), int(arguments[2])
    _limit_resources(most_bytes, most_s)
    unread: list[str] = []
    try:
        path, kind = Path(request["path"]), request["kind"]
        rows = _read_records(path, unread) if kind == "records" else READERS[kind](path)
        if not any(row for row, _ in rows):
            raise _ProblemError("empty")  # noqa: TRY301  # one place reports
    except _ProblemError as problem:
        return _report_problem(str(problem), "")
    except Exception as error:  # noqa: BLE001  # whatever the parsers raise: the document is damaged
        return _report_problem(_name_problem(error), type(error).__name__)
    columns = list(dict.fromkeys(name for row, _ in rows for name in row or ()))
    has_shapes = request["kind"] in {"kml", "gpx"}
    header = {"columns": columns[: request["columns"] + 1], "total": len(rows), "shapes": has_shapes}
    header["unread"] = unread
    print(json.dumps(header), flush=True)  # noqa: T201  # the answer of this process
    line = sys.stdin.readline()
    wanted = [columns[place] for place in json.loads(line)] if line else []
    for begin in range(0, len(rows) if line else 0, ROWS):
        part = rows[begin : begin + ROWS]
        answer = {
            "rows": [[(row or {}).get(name, "") for name in wanted] for row, _ in part],
            "shapes": [shape for _, shape in part] if has_shapes else None,
            "unreadable": [row is None for row, _ in part],
        }
        print(json.dumps(answer))  # noqa: T201
    return 0


def _limit_resources(most_bytes: int, most_s: int) -> None:
    """Limit memory and CPU time, on systems that can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))


def _report_problem(word: str, name: str) -> int:
    json.dump({"problem": word, "names": [name]}, sys.stderr)
    return PROBLEM


def _name_problem(error: Exception) -> str:
    bases = {base.__name__ for base in type(error).__mro__}
    return "entities" if "DefusedXmlException" in bases else "damaged"


def _read_json(path: Path) -> Any:
    """The document; a list of them if there is one a line. ValueError or RecursionError if it is not JSON."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\x1e", b"")
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        if "Extra data" not in error.msg:
            raise
        return [_read_line(line) for line in data.splitlines() if line.strip()]


def _read_line(line: bytes) -> Any:
    """One document; a line that is none is a row that cannot be read."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def find_lists(
    document: Any, is_row: Callable[[Any], bool], name: str = "", depth: int = 0
) -> Iterator[tuple[str, list[Any]]]:
    """Every list of a document that has objects in it, outer ones first; objects that are rows are not searched.

    Each with its name, such as "data.pages". A list of lists of objects is one list.
    """
    if depth > DEEPEST:
        return
    if isinstance(document, list):
        flat = [item for part in document for item in (part if isinstance(part, list) else [part])]
        if any(isinstance(item, dict) for item in flat):
            yield name, flat
        for item in flat:
            if isinstance(item, list | dict) and not is_row(item):
                yield from find_lists(item, is_row, name, depth + 1)
    elif isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, list | dict):
                yield from find_lists(value, is_row, f"{name}.{key}" if name else key, depth + 1)


def _read_requests(path: Path) -> Rows:
    """Open311 requests, wherever the document has them."""
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return _read_xml_requests(path)
    document = _read_json(path)
    lists = [[_unwrap(item) for item in items] for _, items in find_lists(document, _is_wrapped_request)]
    request_lists = [items for items in lists if any(_is_request(item) for item in items)]
    if isinstance(document, dict) and not request_lists:
        document = _unwrap(document)
        request_lists = [[document]] if _is_request(document) else []
    has_errors = isinstance(document, dict) and any(document.get(name) for name in ("error", "errors"))
    request_lists = request_lists or [items for items in lists if not any(_is_other(item) for item in items)][:1]
    if not request_lists or (has_errors and not any(_is_request(item) for item in request_lists[0])):
        raise _ProblemError(_name_other(document, lists))
    return [
        ({key: _format_value(value) for key, value in item.items()} if isinstance(item, dict) else None, None)
        for items in request_lists
        for item in map(_name_service, items)
    ]


def _unwrap(item: Any) -> Any:
    """The object in {"request": {...}}, as some servers write."""
    if isinstance(item, dict) and len(item) == 1:
        name, inner = next(iter(item.items()))
        return inner if name in WRAPPERS and isinstance(inner, dict) else item
    return item


def _is_request(item: Any) -> bool:
    return isinstance(item, dict) and (not REQUEST_KEYS.isdisjoint(item) or {"lat", "long"} <= item.keys())


def _is_wrapped_request(item: Any) -> bool:
    return _is_request(_unwrap(item))


def _is_object(item: Any) -> bool:
    return isinstance(item, dict)


def _is_other(item: Any) -> bool:
    """Whether it is an error, or one of the services that a server offers."""
    return isinstance(item, dict) and ("service_code" in item or {"code", "description"} <= item.keys())


def _name_service(item: Any) -> Any:
    """A request without a service name is called by the code of its service."""
    if isinstance(item, dict) and not item.get("service_name") and item.get("service_code"):
        return {**item, "service_name": item["service_code"]}
    return item


def _name_other(document: Any, lists: list[list[Any]]) -> str:
    items = [item for part in lists for item in part if isinstance(item, dict)]
    if any("service_code" in item for item in items):
        return "services"
    has_errors = isinstance(document, dict) and any(document.get(name) for name in ("error", "errors"))
    if has_errors or any({"code", "description"} <= item.keys() for item in items):
        return "errors"
    return "empty" if document in ([], {}) or _has_empty_list(document) else "other"


def _has_empty_list(document: Any) -> bool:
    """Whether a list of requests is there, and empty; an empty list of errors is none."""
    return isinstance(document, dict) and any(
        value == [] and name not in {"errors", "error"} for name, value in document.items()
    )


def _read_records(path: Path, unread: list[str] | None = None) -> Rows:
    """Rows of JSON records: the longest list of objects, and all that have the same keys; what they hold is flattened.

    `unread` takes the names of the other lists.
    """
    document = _read_json(path)
    lists = [(name, items, _list_keys(items)) for name, items in find_lists(document, _is_object)]
    if not lists:
        raise _ProblemError("empty" if document in ([], {}) else "other")
    _, _, keys = max(lists, key=lambda entry: sum(isinstance(item, dict) for item in entry[1]))
    if unread is not None:
        others = [NOT_TEXT.sub("\ufffd", name) for name, _, other in lists if other != keys]
        unread.extend(dict.fromkeys(others))
    return [
        (flatten_record(item) if isinstance(item, dict) else None, None)
        for _, items, own in lists
        if own == keys
        for item in items
    ]


def _list_keys(items: list[Any]) -> set[str]:
    return {key for item in items if isinstance(item, dict) for key in item}


def flatten_record(record: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    """The values of an object as texts; those of an object in it as "location.street". A GeoJSON point is a pair."""
    texts: dict[str, str] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        point = value.get("coordinates") if isinstance(value, dict) and value.get("type") == "Point" else None
        if isinstance(point, list) and len(point) > 1:
            texts |= {f"{name}.longitude": _format_value(point[0]), f"{name}.latitude": _format_value(point[1])}
        elif isinstance(value, dict) and depth < DEEPEST:
            texts |= flatten_record(value, f"{name}.", depth + 1)
        else:
            texts[name] = _format_value(value)
    return texts


def _read_socrata(path: Path) -> Rows:
    """The rows of Socrata's rows.json, under the names of its columns; its own hidden columns are left out."""
    document = _read_json(path)
    try:
        columns, data = document["meta"]["view"]["columns"], document["data"]
        named = [
            (place, str(column["name"]))
            for place, column in enumerate(columns)
            if "hidden" not in column.get("flags", ()) and column.get("dataTypeName") != "meta_data"
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise _ProblemError("other") from error
    return [
        (
            flatten_record({name: _pair_location(row[place]) for place, name in named})
            if isinstance(row, list) and len(row) == len(columns)
            else None,
            None,
        )
        for row in data
    ]


def _pair_location(value: Any) -> Any:
    """A location of Socrata ([address, latitude, longitude, ...]) as an object."""
    if isinstance(value, list) and len(value) >= 3:  # noqa: PLR2004
        return {"latitude": value[1], "longitude": value[2]}
    return value


def _format_value(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return NOT_TEXT.sub("\ufffd", text)


def _parse_xml(path: Path) -> Any:
    """The root of an XML document. Entities and document types are refused: they can be bombs."""
    from defusedxml.ElementTree import parse  # noqa: PLC0415  # not for JSON

    return parse(path, forbid_dtd=True).getroot()


def _get_name(element: Any) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _find_all(element: Any, name: str) -> list[Any]:
    return [item for item in element.iter() if _get_name(item) == name]


def _read_xml_requests(path: Path) -> Rows:
    root = _parse_xml(path)
    names = {_get_name(item) for item in root.iter()}
    requests = [item for item in _find_all(root, "request") if len(item)]
    if not requests and "service_requests" not in names:
        raise _ProblemError("errors" if names & {"error", "errors"} else "services" if "services" in names else "other")
    rows: Rows = []
    for request in requests:
        fields = {_get_name(field): _read_text(field) for field in request}
        rows.append((_name_service(fields), None))
    return rows


def _read_text(element: Any) -> str:
    return NOT_TEXT.sub("\ufffd", "".join(element.itertext()).strip() if len(element) else element.text or "")


def _read_kml(path: Path) -> Rows:
    """The placemarks: names, descriptions, extended data, times, and their shapes."""
    rows: Rows = []
    for mark in _find_all(_parse_xml(path), "Placemark"):
        row: dict[str, str] = {}
        for element in mark.iter():
            name = _get_name(element)
            if name in {"name", "description"} and element in list(mark):
                row[name] = _read_text(element)
            elif name in {"when", "begin"}:
                row.setdefault("date", _read_text(element).strip())
            elif name == "end":
                row.setdefault("end date", _read_text(element).strip())
            elif name in {"Data", "SimpleData"} and element.get("name"):
                row[element.get("name")] = _read_text(element).strip()
        rows.append((row, _read_kml_shape(mark)))
    return rows


def _read_kml_shape(mark: Any) -> str | None:
    """The shape of a placemark as WKT: a point, or the outline of its first line or polygon; None if it has none."""
    shapes = [item for item in mark.iter() if _get_name(item) in {"Point", "LineString", "Polygon", "LinearRing"}]
    outer = [item for item in shapes if _get_name(item) != "LinearRing"]
    if not outer:
        return None
    coordinates = _find_all(outer[0], "coordinates")
    texts = (coordinates[0].text or "").split() if coordinates else []
    corners = [" ".join(text.split(",")[:2]) for text in texts]
    if len(outer) > 1 and _get_name(outer[1]) == "Point":
        return f"MULTIPOINT ({', '.join(corners * 2)})"  # more than one: it is no single place
    if _get_name(outer[0]) == "Point":
        return f"POINT ({corners[0]})" if corners else "POINT EMPTY"
    line = ", ".join(corners)
    return f"POLYGON (({line}))" if _get_name(outer[0]) == "Polygon" else f"LINESTRING ({line})"


def _read_gpx(path: Path) -> Rows:
    """The waypoints. Their times are UTC, as GPX says, also where they name no zone."""
    root = _parse_xml(path)
    marks = _find_all(root, "wpt")
    if not marks:
        raise _ProblemError("tracks" if _find_all(root, "trkpt") or _find_all(root, "rtept") else "empty")
    rows: Rows = []
    for mark in marks:
        row = {_get_name(field): _read_text(field).strip() for field in mark if _get_name(field) != "extensions"}
        for field in _find_all(mark, "extensions"):
            row |= {_get_name(item): _read_text(item).strip() for item in field.iter() if item.text and not len(item)}
        time = row.pop("time", "")
        row["date"] = f"{time}Z" if re.search(r"T[\d:.]+$", time) else time
        rows.append((row, f"POINT ({mark.get('lon')} {mark.get('lat')})"))
    return rows


READERS: dict[str, Callable[[Path], Rows]] = {
    "requests": _read_requests,
    "records": _read_records,
    "socrata": _read_socrata,
    "kml": _read_kml,
    "gpx": _read_gpx,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
