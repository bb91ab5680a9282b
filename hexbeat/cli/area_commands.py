"""boundaries build, places and check: the wards that an installation serves, and where in them events can happen."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from geo.errors import AreaError, UsageError
from hexbeat.areas.area import find_area_folders, load_area
from hexbeat.areas.boundaries import build_area, check_area
from hexbeat.areas.places_mask import MASK_FILE, build_places_mask
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import Format, FormatOption, HomeOption
from hexbeat.settings import PROJECT_DIR, Settings

__all__ = ["boundaries"]

boundaries = typer.Typer(
    no_args_is_help=True, help="Wards: build an area from a published file, and check what is there."
)


@boundaries.command()
def build(
    file: Annotated[Path, typer.Argument(metavar="IN", help="GeoJSON, GeoPackage, Shapefile or GeoParquet, any CRS.")],
    *,
    area: Annotated[str, typer.Option(metavar="NAME", help="Name of the area: lower case, digits, hyphens.")],
    code: Annotated[str, typer.Option(metavar="FIELD", help="Column with the ward codes.")],
    name: Annotated[str, typer.Option(metavar="FIELD", help="Column with the ward names.")],
    authority_code: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Column with the authority codes.")
    ] = None,
    authority_name: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Column with the authority names.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What people call the area.")] = None,
    vintage: Annotated[str | None, typer.Option(help="The year that the wards are of.")] = None,
    origin: Annotated[str | None, typer.Option(help="Who published the file.")] = None,
    licence: Annotated[str | None, typer.Option(help="Under which licence.")] = None,
    attribution: Annotated[str | None, typer.Option(help="What must be said wherever the wards are shown.")] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", "--mend", help="Repair invalid rings, slivers and small overlaps, and list the repairs."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an area of that name.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of areas; default: data/boundaries.")] = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make an area from a published file of wards, or say why it is no valid coverage.

    It goes to data/boundaries of the checkout; with --home, or where Hexbeat is installed as a package, to the home
    folder's boundaries.

    Example: hexbeat boundaries build wards.gpkg --area hartlepool --code WD25CD --name WD25NM
    """
    folder = out or find_areas_folder(home)
    if not replace and (folder / area / "area.toml").is_file():
        raise UsageError(
            "An area is replaced only when told to",
            f"there is an area {area!r} already",
            "add --replace, or rename it",
        )
    report = build_area(
        file, name=area, code_field=code, name_field=name, out_dir=folder, allow_repair=repair,
        lad_code_field=authority_code, lad_name_field=authority_name, title=title, vintage=vintage, source=origin,
        licence=licence, attribution=attribution,
    )  # fmt: skip
    row = report.as_dict()
    print_answer(row, form=form, rows=[{name: value for name, value in row.items() if not isinstance(value, list)}])
    for line in (*report.repairs, *report.warnings):
        print_message(line)


@boundaries.command()
def places(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Points or lines: a CSV in degrees, or a vector file.")],
    *,
    area: Annotated[str, typer.Option(metavar="NAME", help="Name of the area.")],
    origin: Annotated[str, typer.Option(help="Who published the file.")],
    licence: Annotated[str, typer.Option(help="Under which licence.")],
    attribution: Annotated[str, typer.Option(help="What must be said wherever the places are used.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the list that is there.")] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the pieces of an area where events can happen, from addresses, roads or other points or lines.

    A release needs the list, and keeps to it for good: make it before the first release, and never from the events.

    Example: hexbeat boundaries places uprn.csv --area middlesbrough --origin "Ordnance Survey" --licence "OGL v3.0"
    """
    chosen = load_area(area, home=Settings.from_environment(home=home).home)
    if not replace and (chosen.folder / MASK_FILE).is_file():
        raise UsageError(
            "A list of places is replaced only when told to",
            f"{chosen.title} has one already",
            "add --replace; after a release, that begins a new series",
        )
    report = asdict(build_places_mask(file, chosen, source=origin, licence=licence, attribution=attribution))
    print_answer(report, form=form, rows=[report])


@boundaries.command()
def check(*, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """Check every area that is there: valid coverage, codes, names, provenance.

    Example: hexbeat boundaries check
    """
    settings = Settings.from_environment(home=home)
    found = {name: check_area(folder) for name, folder in find_area_folders(settings.home).items()}
    rows = [{"area": name, "problems": "; ".join(problems) or "none"} for name, problems in found.items()]
    print_answer({"areas": found}, form=form, rows=rows)
    if any(found.values()):
        broken = ", ".join(name for name, problems in found.items() if problems)
        raise AreaError(
            "An area is a valid coverage with its provenance",
            f"{broken} is not",
            "build it again: hexbeat boundaries build",
        )


def find_areas_folder(home: Path | None) -> Path:
    """Boundaries in the home folder that --home names; else data/boundaries of the checkout, where there is one."""
    shipped = PROJECT_DIR / "data" / "boundaries"
    own = Settings.from_environment(home=home).home / "boundaries"
    return own if home or not shipped.is_dir() else shipped
