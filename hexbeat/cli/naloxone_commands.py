"""naloxone: how many overdoses are near a place that holds it, and where the next places would help most."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
import typer

from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.filter_options import (
    DaysOption,
    FilterRequest,
    FromOption,
    HoursOption,
    ToOption,
    WardOption,
    build_filter,
    build_provenance,
    find_demonstration_mark,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from hexbeat.documents.naloxone_document import render_naloxone_pdf
from hexbeat.files import atomic_write
from hexbeat.reports.naloxone_cover import CELLS, CoverDistance, NaloxoneCover, Search, find_naloxone_cover
from hexbeat.reports.naloxone_text import build_cover_csv, build_cover_geojson, build_cover_notes, describe_cover
from hexbeat.store.live_columns import read_columns
from layers.catalogue import find_only_layer
from layers.filters import Filter

__all__ = ["naloxone"]

ENDINGS: Final = (".pdf", ".csv", ".geojson")


def naloxone(
    *,
    places: Annotated[int, typer.Option("--places", metavar="N", min=0, help="Look for the next best N places.")] = 3,
    metres: Annotated[float, typer.Option(metavar="M", help="Near is within so many metres.")] = 400.0,
    minutes: Annotated[
        float | None, typer.Option(metavar="MIN", help="Near is within so many minutes on foot, instead of metres.")
    ] = None,
    among: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="cells, or a kind of loaded places (named_place, …); may be repeated."),
    ] = None,
    from_: FromOption = None,
    to: ToOption = None,
    ward: WardOption = None,
    hours: HoursOption = None,
    days: DaysOption = None,
    seconds: Annotated[float, typer.Option(metavar="S", help="Give up proving the best after so many.")] = 20.0,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Write a .pdf, .csv or .geojson file.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """The share of overdoses near a place that holds naloxone, and the next best places with their gain.

    Example: hexbeat naloxone --places 5 --minutes 5 --hours 22-04
    """
    if out:
        require_writable(Path(out))
    with open_installation(home, area) as installation:
        layer = find_only_layer("naloxone").name
        request = FilterRequest(layer=[layer], from_=from_, to=to, ward=ward, hours=hours, days=days)
        chosen = build_filter(installation, request)
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        found = find_naloxone_cover(
            installation.store,
            installation.viewer,
            columns,
            installation.area,
            chosen,
            reach=CoverDistance(metres, minutes),
            search=Search(places, tuple(among or [CELLS]), seconds),
        )
        note = build_provenance(installation, mark=find_demonstration_mark(columns))
        served = installation.area
    if out:
        write_cover(found, Path(out), note, asked=chosen, area=served)
    print_cover(found, note, out, form=form)


def print_cover(found: NaloxoneCover, note: dict[str, str], out: str | None, *, form: Format) -> None:
    """The sentence, the places that hold it, the next ones."""
    payload: dict[str, Any] = {
        "sentence": describe_cover(found),
        "total": to_json_value(found.total),
        "covered": to_json_value(found.covered),
        "share": to_json_value(found.share),
        "straight_m": round(found.reach.straight_m, 1),
        "proven": found.cover.proven,
        "gap": round(found.cover.gap, 6),
        "notes": list(build_cover_notes(found)),
        "holders": build_json_rows(found.holders.drop(columns="says")),
        "next": build_json_rows(found.next_places),
    }
    payload |= ({"out": out} if out else {}) | (
        {"demonstration": note["demonstration"]} if "demonstration" in note else {}
    )
    if form is Format.TABLE:
        for sentence in payload["notes"]:
            print_message(sentence)
    order = ("rank", "name", "lat", "lon", "gain", "share_after")
    print_answer(
        payload, form=form, rows=[format_row(row) for row in payload["next"]], heading=payload["sentence"], order=order
    )
    if not len(found.holders):
        print_message("Load them first: hexbeat places load FILE --kind naloxone")
    if "demonstration" in note:
        print_message(f"DEMONSTRATION: {note['demonstration']}.")


def build_json_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON holds them."""
    return [{str(name): to_json_value(value) for name, value in row.items()} for row in frame.to_dict("records")]


def format_row(row: dict[str, Any]) -> dict[str, Any]:
    """Degrees in full and shares as per cent, for a table."""
    return row | {"lat": f"{row['lat']:.5f}", "lon": f"{row['lon']:.5f}", "share_after": f"{row['share_after']:.1%}"}


def require_writable(out: Path) -> None:
    """UsageError unless cover can be written so, and there."""
    if out.suffix.lower() not in ENDINGS or not out.absolute().parent.is_dir():
        raise UsageError(
            "Cover is written as .pdf, .csv or .geojson, into a folder that exists",
            f"{out.name!r} in {out.parent} cannot be",
            "give --out another name",
        )


def write_cover(found: NaloxoneCover, out: Path, note: dict[str, str], *, asked: Filter, area: Area) -> None:
    """Holders and next places as a file, whole or not at all."""
    writers = {
        ".pdf": lambda: render_naloxone_pdf(
            found, area, asked=asked, mark=note.get("demonstration"), made=datetime.now(area.tz)
        ),
        ".csv": lambda: build_cover_csv(found, note=note),
        ".geojson": lambda: build_cover_geojson(found, note=note),
    }
    content = writers[out.suffix.lower()]()
    with atomic_write(out) as draft:
        draft.write_bytes(content)
