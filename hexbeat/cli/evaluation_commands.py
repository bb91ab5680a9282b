"""evaluate: did it work, by a rule that is fixed before looking."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from geo.errors import UsageError
from hexbeat.cli.answers import print_answer, print_message, progress_bar
from hexbeat.cli.filter_options import (
    FromOption,
    ToOption,
    WardOption,
    build_provenance,
    build_value_option,
    find_demonstration_mark,
    parse_day,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.documents.evaluation_document import render_evaluation_pdf
from hexbeat.evaluation.outcome_rows import (
    build_evaluation_csv,
    build_evaluation_geojson,
    build_evaluation_payload,
    build_side_rows,
)
from hexbeat.evaluation.request import (
    Evaluation,
    build_cell_place,
    build_point_place,
    build_ward_place,
    evaluate_protocol,
    fix_protocol,
    parse_weights,
)
from hexbeat.evaluation.rule import USUAL_RULE, Protocol, Rule, describe_rule, load_protocol, save_protocol
from hexbeat.evaluation.treated_closures import read_closures, select_closures
from hexbeat.evaluation.treated_places import TreatedPlace
from hexbeat.files import atomic_write
from hexbeat.operations.plans.plan import Plan
from hexbeat.operations.plans.plan_store import load_plan
from hexbeat.store.live_columns import read_columns
from layers.catalogue import find_layer, list_usual_targets
from layers.columns import Columns
from layers.filters import resolve_wards
from layers.wording import format_date

__all__ = ["evaluate"]

# What a rule that is fixed leaves to choose: itself, where its answer goes, and whose records are asked.
_BESIDE_RULE: Final = frozenset({"rule", "out", "home", "area", "form"})
_TABLE = ("where", "before", "after", "expected", "difference", "low", "high", "verdict")


def evaluate(
    context: typer.Context,
    *,
    closure: Annotated[
        list[str] | None,
        typer.Option("--closure", metavar="EVENT_ID", help="This closure; may be repeated: taken together."),
    ] = None,
    every_closure: Annotated[
        bool, typer.Option("--every-closure", help="All closures that began in --from to --to, taken together.")
    ] = False,
    list_closures: Annotated[bool, typer.Option("--list", help="List the closures with their ids.")] = False,
    at: Annotated[str | None, typer.Option("--at", metavar="LAT,LON", help="A place, in degrees.")] = None,
    ward: WardOption = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", metavar="H3", help="An H3 cell of the treated place; may be repeated.")
    ] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="ID", help="The stops of a patrol or sweep plan, from its day on.")
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What was done, for the answer.")] = "",
    start: Annotated[str | None, typer.Option("--start", metavar="D", help="Day on which it began.")] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="D", help="First day without it; default: goes on.")
    ] = None,
    from_: FromOption = None,
    to: ToOption = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="L", help=f"What is counted; default: {', '.join(list_usual_targets())}."),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="NAME=N", help="Harm: overdoses=15, or overdoses/fatal=100; may be repeated."),
    ] = None,
    reported_by: Annotated[list[str] | None, build_value_option("reported_by")] = None,
    radius: Annotated[float, typer.Option(metavar="M", help="Radius of a place, in metres.")] = USUAL_RULE.radius_m,
    ring: Annotated[
        float, typer.Option(metavar="M", help="Width of next door, in metres; 0: none.")
    ] = USUAL_RULE.ring_m,
    before: Annotated[int, typer.Option(metavar="DAYS", help="Length of the time before.")] = USUAL_RULE.before_days,
    after: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Length of the time after, at most.")
    ] = USUAL_RULE.after_days,
    wash_in: Annotated[
        int, typer.Option(metavar="DAYS", help="Days up to the start that serve matching alone.")
    ] = USUAL_RULE.wash_in_days,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Fix the rule and write it to --out FILE.json; look at nothing after.")
    ] = False,
    rule: Annotated[
        Path | None, typer.Option("--rule", metavar="FILE", help="Judge by a rule that --plan-only wrote.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Write a .pdf, .geojson or .csv file.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Did it work: a closure, a programme or a service against like places, by a rule stated before looking.

    Example: hexbeat evaluate --every-closure --from 2025-01-01 --to 2026-01-01 --layer street_dealing
    """
    with open_installation(home, area) as installation:
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        if list_closures:
            _print_closures(installation, columns, form=form)
            return
        asked = _PlaceRequest(
            closure or [], every_closure, at, ward or [], cell or [], plan, name, start, end, from_, to
        )
        if out and not plan_only:
            _require_file(Path(out))
        if rule is not None:
            _require_rule_alone(context)
            protocol = load_protocol(rule)
        else:
            layers, categories = parse_weights(weight or [])
            for one in layer or []:
                find_layer(one)  # a layer that does not exist is wrong usage, not a question of access
            settings = Rule(
                layers={one: layers.get(one, 1.0) for one in (layer or list(layers) or USUAL_RULE.layers)},
                categories=categories,
                reported_by=tuple(reported_by or ()),
                radius_m=radius,
                ring_m=ring,
                before_days=before,
                wash_in_days=wash_in,
                after_days=after,
            )
            places = _find_places(installation, columns, asked)
            protocol = fix_protocol(
                installation.store,
                installation.viewer,
                columns,
                installation.area,
                places,
                settings,
                today=_today(installation),
            )
        if plan_only:
            _report_plan(protocol, out, form=form)
            return
        with progress_bar("Comparing") as move:
            found = evaluate_protocol(
                installation.store, installation.viewer, columns, installation.area, protocol, progress=move
            )
        note = build_provenance(installation, mark=find_demonstration_mark(columns))
        if out:
            _write(Path(out), found, note, installation)
    _report(found, note, out, form=form)


@dataclass(frozen=True, slots=True)
class _PlaceRequest:
    """Which places, as people wrote it."""

    closures: list[str]
    every_closure: bool
    at: str | None
    wards: list[str]
    cells: list[str]
    plan: str | None
    name: str
    start: str | None
    end: str | None
    from_: str | None
    to: str | None


def _find_places(installation: Installation, columns: Columns, asked: _PlaceRequest) -> list[TreatedPlace]:
    """The treated places; UsageError unless exactly one way of naming them was used."""
    ways = [bool(asked.closures), asked.every_closure, bool(asked.at), bool(asked.wards), bool(asked.cells)]
    if sum([*ways, bool(asked.plan)]) != 1:
        raise UsageError(
            "What is evaluated is named in one way: --closure, --every-closure, --at, --ward, --cell or --plan",
            "none was named" if not any([*ways, asked.plan]) else "several were",
            "see `hexbeat evaluate --list` for closures",
        )
    if asked.closures or asked.every_closure:
        return _find_closures(installation, columns, asked)
    end = parse_day(asked.end) if asked.end else None
    if asked.plan:
        return _find_stops(load_plan(installation.settings.home, asked.plan), asked.start, end, installation)
    if asked.start is None:
        raise UsageError("A place is judged from a day on", "--start was not given", "write --start 2026-05-01")
    start = parse_day(asked.start)
    if asked.wards:
        codes = resolve_wards(installation.area.wards, asked.wards)
        return [build_ward_place(installation.area, codes, start, end=end, name=asked.name)]
    if asked.cells:
        return [build_cell_place(asked.cells, start, end=end, name=asked.name)]
    lat, lon = _parse_degrees(asked.at or "")
    return [build_point_place(lon, lat, start, end=end, name=asked.name)]


def _find_stops(plan: Plan, asked: str | None, end: date | None, installation: Installation) -> list[TreatedPlace]:
    """The stops of a plan, most expected first, from its day on: it was made of all that was known until then."""
    first = max(
        plan.begins.astimezone(installation.area.tz).date(), plan.made_at.astimezone(installation.area.tz).date()
    )
    start = parse_day(asked) if asked else first
    if start < first:
        raise UsageError(
            "A plan is judged from its own day on, or a later one",
            f"plan {plan.plan_id} was made of records that reach up to {format_date(first)}",
            "leave --start out, or choose a later day",
        )
    stops = sorted((stop for tour in plan.tours for stop in tour.stops), key=lambda stop: -stop.expected)
    places = {
        stop.cell: build_point_place(stop.lon, stop.lat, start, end=end, name=stop.place) for stop in reversed(stops)
    }
    return list(places.values())[::-1]


def _require_rule_alone(context: typer.Context) -> None:
    """UsageError where a rule that is fixed is given together with a choice that it has made, the usual one or not."""
    sources = {name: context.get_parameter_source(name) for name in context.params if name not in _BESIDE_RULE}
    if any(source is not None and source.name == "COMMANDLINE" for source in sources.values()):
        raise UsageError(
            "A rule that is fixed says what is judged, and from when",
            "another choice was given beside --rule",
            "leave it out, or leave out --rule",
        )


def _find_closures(installation: Installation, columns: Columns, asked: _PlaceRequest) -> list[TreatedPlace]:
    listed = read_closures(installation.store, installation.viewer, columns, installation.area)
    chosen = asked.closures
    if asked.every_closure:
        first = parse_day(asked.from_) if asked.from_ else date.min
        last = parse_day(asked.to) if asked.to else date.max
        chosen = listed.loc[[first <= day < last for day in listed["start"]], "event_id"].tolist()
    return select_closures(listed, chosen)


def _parse_degrees(text: str) -> tuple[float, float]:
    """A latitude and a longitude with a comma between."""
    parts = text.split(",")
    try:
        lat, lon = (float(part) for part in parts)
    except ValueError:
        raise UsageError("A place is a latitude and a longitude", f"{text!r} is not", "write 54.5742,-1.2350") from None
    return lat, lon


def _today(installation: Installation) -> date:
    return datetime.now(installation.area.tz).date()


def _print_closures(installation: Installation, columns: Columns, *, form: Format) -> None:
    listed = read_closures(installation.store, installation.viewer, columns, installation.area)
    rows = [{name: to_json_value(value) for name, value in row.items()} for row in listed.to_dict("records")]
    print_answer(
        {"rows": rows}, form=form, rows=rows, heading="Closures", order=("event_id", "start", "end", "ward_name")
    )


def _report_plan(protocol: Protocol, out: str | None, *, form: Format) -> None:
    """Write and print the rule, and nothing of what came after."""
    if not out or not out.endswith(".json"):
        raise UsageError(
            "A rule that is fixed is kept in a .json file", f"--out was {out or 'not given'}", "add --out rule.json"
        )
    save_protocol(Path(out), protocol)
    words = describe_rule(protocol)
    payload = {"rule": list(words), "rule_sha256": protocol.hash, "places": len(protocol.places), "out": out}
    rows = [{"the rule": word} for word in (*words, f"SHA-256 {protocol.hash}", f"Written to {out}.")]
    print_answer(payload, form=form, rows=rows, heading="Fixed before looking")


def _report(found: Evaluation, note: dict[str, str], out: str | None, *, form: Format) -> None:
    """The rule first, then the answer."""
    payload = to_json_value(build_evaluation_payload(found.effect, found.verdict)) | ({"out": out} if out else {})
    if "demonstration" in note:
        payload["demonstration"] = note["demonstration"]
    if form is Format.TABLE:
        for sentence in (
            *payload["rule"],
            f"SHA-256 of this rule: {payload['rule_sha256']}",
            "",
            *found.verdict.details,
        ):
            print_message(sentence)
    print_answer(payload, form=form, rows=build_side_rows(found.effect), heading=found.verdict.sentence, order=_TABLE)
    if "demonstration" in note:
        print_message(f"DEMONSTRATION: {note['demonstration']}.")


def _write(out: Path, found: Evaluation, note: dict[str, str], installation: Installation) -> None:
    """The answer as a file, whole or not at all."""
    writers = {
        ".csv": lambda: build_evaluation_csv(found.effect, note=note),
        ".geojson": lambda: build_evaluation_geojson(found.effect, found.ground, found.verdict, note=note),
        ".pdf": lambda: render_evaluation_pdf(
            found, installation.area, mark=note.get("demonstration"), made=datetime.now(installation.area.tz)
        ),
    }
    with atomic_write(out) as draft:
        draft.write_bytes(writers[out.suffix.lower()]())


def _require_file(out: Path) -> None:
    """UsageError before anything is computed, for a file that could not be written."""
    if out.suffix.lower() not in (".csv", ".geojson", ".pdf") or not out.absolute().parent.is_dir():
        raise UsageError(
            "An evaluation is written as .pdf, .geojson or .csv, into a folder that exists",
            f"{out.name!r} in {out.parent} cannot be",
            "give --out another name",
        )
