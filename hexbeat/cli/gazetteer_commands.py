"""gazetteer build and find: the names of streets and places, and places by their names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import UsageError
from hexbeat.areas.area import Publisher, load_area, load_named_area
from hexbeat.areas.gazetteer import GAZETTEER_FILE
from hexbeat.areas.gazetteer_files import build_gazetteer
from hexbeat.areas.place_finder import describe_no_match, find_places
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import (
    AreaOption,
    Format,
    FormatOption,
    HomeOption,
    find_documents_viewer,
    find_home,
    open_documents,
    share_area,
)
from hexbeat.cli.place_commands import ColumnOption, parse_columns
from hexbeat.operations.plans.plan_access import require_plan
from hexbeat.operations.plans.plan_store import list_stops, load_plan
from hexbeat.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find", "gazetteer"]

gazetteer = typer.Typer(no_args_is_help=True, help="Build the list of streets, postcodes and named places of an area.")


@gazetteer.callback()
def _group() -> None:
    """Build the list of streets, postcodes and named places of an area."""


@gazetteer.command()
def build(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV, GeoPackage, GeoJSON, Shapefile or GeoParquet.")
    ],
    *,
    area: Annotated[str, typer.Option(metavar="NAME", help="Name of the area.")],
    column: ColumnOption = None,
    origin: Annotated[str | None, typer.Option(help="Who published the files that Hexbeat does not know.")] = None,
    licence: Annotated[str | None, typer.Option(help="Their licence.")] = None,
    attribution: Annotated[str | None, typer.Option(help="Text to show wherever their names are shown.")] = None,
    year: Annotated[str, typer.Option(help="The year of publication, for credits that name it.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the gazetteer of the area.")] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Build an area's gazetteer from published lists of streets, postcodes, stops, schools and other places.

    Code-Point Open, OS Open Names, NaPTAN, Get Information about Schools, NHS ODS and months of police.uk are read as
    they are published. Of any other file, name the columns with --column name=HEADING (kind, lon and lat likewise).

    Example: hexbeat gazetteer build codepo_gb/Data/CSV/ts.csv Stops.csv --area middlesbrough --year 2026
    """
    named_area = load_area(area, home=find_home(home))
    if not replace and (named_area.folder / GAZETTEER_FILE).is_file():
        raise UsageError(
            "A gazetteer is replaced only with --replace",
            f"{named_area.title} has one already",
            "add --replace, and give all its files again",
        )
    texts = [text for text in (origin, licence, attribution) if text]
    if texts and len(texts) < 3:  # noqa: PLR2004  # the three options
        raise UsageError(
            "A source is named with its licence and its credit",
            "--origin, --licence or --attribution is missing",
            "give all three",
        )
    source = Publisher(origin, licence, attribution) if origin and licence and attribution else None
    report = build_gazetteer(files, named_area, source=source, headings_by_field=parse_columns(column), year=year)
    share_area(home, area)
    rows = [{"kind": kind, "points": points} for kind, points in report.points_by_kind.items()]
    print_answer(report.as_dict(), form=form, rows=rows)
    for name, read in report.read_by_file.items():
        print_message(f"{name}: {read:,} places read, in and outside {named_area.title}")


def find(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS", help="A street, postcode, ward, place, cell or point.")
    ],
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Places at most.")] = 10,
    plan: Annotated[str | None, typer.Option(metavar="ID", help="Find the stops of this plan as well.")] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Find streets, postcodes, wards, schools, stations, cells and coordinates by what people type.

    Case, accents, short forms such as Rd, and one typing error in a word do not matter. Coordinates may be degrees in
    any notation, eastings and northings, a grid reference or WKT. Nothing typed is kept.

    Example: hexbeat find linthorpe rd
    """
    settings = Settings.from_environment(home=home, area=area)
    named_area = load_named_area(settings.area, home=find_home(home))
    query = " ".join(words)
    stops = _find_stops(settings, plan) if plan else None
    matches = find_places(query, named_area, limit=limit, stops=stops)
    places = matches.to_dict("records")
    print_answer(
        {"places": places},
        form=form,
        rows=[
            {
                "name": place["name"],
                "kind": place["kind"],
                "ward": place["ward_name"],
                "place": f"{place['lat']:.5f}, {place['lon']:.5f}",
            }
            for place in places
        ],
    )
    if matches.empty:
        print_message(describe_no_match(query, named_area))


def _find_stops(settings: Settings, plan_id: str) -> "pd.DataFrame":
    with open_documents(settings.home) as documents:
        plan = load_plan(documents, plan_id)
        require_plan(find_documents_viewer(documents, settings.home), plan)
    return list_stops(plan)
