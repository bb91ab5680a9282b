"""evaluate: did it work? The rule is fixed before anybody looks at the result."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from geo.errors import UsageError
from hexbeat.analysis.costs import read_usable_costs
from hexbeat.areas.place_finder import find_one_place
from hexbeat.cli.answers import print_answer, print_message, progress_bar
from hexbeat.cli.filter_options import (
    FromOption,
    ToOption,
    WardOption,
    build_json_rows,
    build_provenance,
    build_value_option,
    find_demonstration_mark,
    parse_day,
    read_area_columns,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.cli.output_files import write_file
from hexbeat.documents.evaluation_document import render_evaluation_pdf
from hexbeat.evaluation.outcome_rows import (
    build_evaluation_csv,
    build_evaluation_geojson,
    build_evaluation_payload,
    build_side_rows,
    round_side_rows,
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
from hexbeat.operations.plans.plan import Plan
from hexbeat.operations.plans.plan_access import load_visible_plan
from layers.access import require_document
from layers.catalogue import find_layer, list_usual_targets
from layers.columns import Columns
from layers.filters import resolve_wards
from layers.wording import format_date

__all__ = ["evaluate"]

# The options that go with --rule: the rule itself, where the answer goes, and which records to use.
_BESIDE_RULE: Final = frozenset({"rule", "out", "home", "area", "form"})
_TABLE = ("where", "before", "after", "expected", "difference", "low", "high", "verdict")


def evaluate(
    context: typer.Context,
    *,
    closure: Annotated[
        list[str] | None,
        typer.Option("--closure", metavar="EVENT_ID", help="This closure; may be repeated to take several together."),
    ] = None,
    every_closure: Annotated[
        bool, typer.Option("--every-closure", help="All closures that began between --from and --to, taken together.")
    ] = False,
    list_closures: Annotated[bool, typer.Option("--list", help="List the closures with their identifiers.")] = False,
    at: Annotated[
        str | None, typer.Option("--at", metavar="PLACE", help="A street, postcode or named place, or coordinates.")
    ] = None,
    ward: WardOption = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", metavar="H3", help="An H3 cell of the treated place; may be repeated.")
    ] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="ID", help="The stops of a patrol or sweep plan, from its day on.")
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="A name for what was done, used in the answer.")
    ] = "",
    start: Annotated[str | None, typer.Option("--start", metavar="D", help="The day on which it began.")] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="D", help="The first day without it; default: it still goes on.")
    ] = None,
    from_: FromOption = None,
    to: ToOption = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="L", help=f"Layer to count; default: {', '.join(list_usual_targets())}."),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            "--weight",
            metavar="NAME=N",
            help="Harm of an event: overdoses=15, or overdoses/fatal=100; may be repeated.",
        ),
    ] = None,
    reported_by: Annotated[list[str] | None, build_value_option("reported_by")] = None,
    radius: Annotated[float, typer.Option(metavar="M", help="Radius of a place, in metres.")] = USUAL_RULE.radius_m,
    ring: Annotated[
        float, typer.Option(metavar="M", help="Width of next door, in metres; 0 for none.")
    ] = USUAL_RULE.ring_m,
    before: Annotated[int, typer.Option(metavar="DAYS", help="Length of the time before.")] = USUAL_RULE.before_days,
    after: Annotated[int | None, typer.Option(metavar="DAYS", help="Longest time after.")] = USUAL_RULE.after_days,
    wash_in: Annotated[
        int, typer.Option(metavar="DAYS", help="Days before the start that are used only for matching.")
    ] = USUAL_RULE.wash_in_days,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Fix the rule, write it to --out FILE.json, and look at no result.")
    ] = False,
    rule: Annotated[
        Path | None, typer.Option("--rule", metavar="FILE", help="Use a rule that --plan-only wrote.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Write a .pdf, .geojson or .csv file.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Find out whether a closure, a programme or a service worked, compared with similar places.

    The rule is stated before the result. With --plan-only, you fix it before there is a result.

    Example: hexbeat evaluate --every-closure --from 2025-01-01 --to 2026-01-01 --layer street_dealing
    """
    with open_installation(home, area) as installation:
        require_document(installation.viewer, "evaluation")
        columns = read_area_columns(installation)
        if list_closures:
            _print_closures(installation, columns, form=form)
            return
        request = _PlaceRequest(
            closure or [], every_closure, at, ward or [], cell or [], plan, name, start, end, from_, to
        )
        if out and not plan_only:
            _require_file(Path(out))
        if rule is not None:
            _require_rule_alone(context)
            protocol = load_protocol(rule)
        else:
            layers, categories = parse_weights(weight or [])
            for layer_name in layer or []:
                find_layer(layer_name)  # a layer that does not exist is wrong usage, not a question of access
            settings = Rule(
                layers={
                    layer_name: layers.get(layer_name, 1.0)
                    for layer_name in (layer or list(layers) or USUAL_RULE.layers)
                },
                categories=categories,
                reported_by=tuple(reported_by or ()),
                radius_m=radius,
                ring_m=ring,
                before_days=before,
                wash_in_days=wash_in,
                after_days=after,
            )
            places = _find_places(installation, columns, request)
            protocol = fix_protocol(
                installation.store,
                installation.viewer,
                columns,
                installation.area,
                places,
                settings,
                today=_find_today(installation),
            )
        if plan_only:
            _report_plan(protocol, out, form=form)
            return
        costs, faults = read_usable_costs(installation.store)
        with progress_bar("Comparing") as move:
            evaluation = evaluate_protocol(
                installation.store,
                installation.viewer,
                columns,
                installation.area,
                protocol,
                costs=costs,
                progress=move,
            )
        note = build_provenance(installation, mark=find_demonstration_mark(columns))
        if out:
            _write_evaluation(Path(out), evaluation, note, installation)
    _report(evaluation, note, out, form=form)
    for sentence in faults:
        print_message(sentence)


@dataclass(frozen=True, slots=True)
class _PlaceRequest:
    """The options that name the places, as typed."""

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


def _find_places(installation: Installation, columns: Columns, request: _PlaceRequest) -> list[TreatedPlace]:
    """The treated places; UsageError unless they are named in exactly one way."""
    ways = [bool(request.closures), request.every_closure, bool(request.at), bool(request.wards), bool(request.cells)]
    if sum([*ways, bool(request.plan)]) != 1:
        raise UsageError(
            "Choose one way to name what you evaluate: --closure, --every-closure, --at, --ward, --cell or --plan",
            "no place was named" if not any([*ways, request.plan]) else "several ways were used",
            "list the closures with `hexbeat evaluate --list`",
        )
    if request.closures or request.every_closure:
        return _find_closures(installation, columns, request)
    end = parse_day(request.end) if request.end else None
    if request.plan:
        plan = load_visible_plan(installation.documents, installation.viewer, request.plan)
        return _find_stops(plan, request.start, end, installation)
    if request.start is None:
        raise UsageError("A place needs the day on which it began", "--start is missing", "write --start 2026-05-01")
    start = parse_day(request.start)
    if request.wards:
        codes = resolve_wards(installation.area.wards, request.wards)
        return [build_ward_place(installation.area, codes, start, end=end, name=request.name)]
    if request.cells:
        return [build_cell_place(request.cells, start, end=end, name=request.name)]
    place = find_one_place(request.at or "", installation.area, may_lie_outside=True)
    is_point = place.kind == "point"
    if not is_point:
        print_message(f"Place: {place.name}")
    return [
        build_point_place(place.lon, place.lat, start, end=end, name=request.name or ("" if is_point else place.name))
    ]


def _find_stops(plan: Plan, start_text: str | None, end: date | None, installation: Installation) -> list[TreatedPlace]:
    """The stops of a plan, most expected first, from its day on. The plan used all records up to that day."""
    first = max(
        plan.begins.astimezone(installation.area.tz).date(), plan.made_at.astimezone(installation.area.tz).date()
    )
    start = parse_day(start_text) if start_text else first
    if start < first:
        raise UsageError(
            "A plan is evaluated from its own day or a later day",
            f"plan {plan.plan_id} used records up to {format_date(first)}",
            "leave out --start, or choose a later day",
        )
    stops = sorted((stop for tour in plan.tours for stop in tour.stops), key=lambda stop: -stop.expected)
    places = {
        stop.cell: build_point_place(stop.lon, stop.lat, start, end=end, name=stop.place) for stop in reversed(stops)
    }
    return list(places.values())[::-1]


def _require_rule_alone(context: typer.Context) -> None:
    """UsageError if --rule is given with an option that the rule has fixed, even with its default value."""
    sources = {name: context.get_parameter_source(name) for name in context.params if name not in _BESIDE_RULE}
    if any(source is not None and source.name == "COMMANDLINE" for source in sources.values()):
        raise UsageError(
            "A fixed rule already says what to evaluate, and from which day",
            "another option was given beside --rule",
            "leave out the other option, or leave out --rule",
        )


def _find_closures(installation: Installation, columns: Columns, request: _PlaceRequest) -> list[TreatedPlace]:
    closures = read_closures(installation.store, installation.viewer, columns, installation.area)
    event_ids = request.closures
    if request.every_closure:
        first = parse_day(request.from_) if request.from_ else date.min
        last = parse_day(request.to) if request.to else date.max
        event_ids = closures.loc[[first <= day < last for day in closures["start"]], "event_id"].tolist()
    return select_closures(closures, event_ids)


def _find_today(installation: Installation) -> date:
    return datetime.now(installation.area.tz).date()


def _print_closures(installation: Installation, columns: Columns, *, form: Format) -> None:
    closures = read_closures(installation.store, installation.viewer, columns, installation.area)
    rows = build_json_rows(closures)
    print_answer({"rows": rows}, form=form, rows=rows, heading="Closures", order=("event_id", "start", "end", "place"))


def _report_plan(protocol: Protocol, out: str | None, *, form: Format) -> None:
    """Write and print the rule, and nothing about the result."""
    if not out or not out.endswith(".json"):
        raise UsageError(
            "A fixed rule is written to a .json file",
            f"--out is {out or 'missing'}",
            "write --out with a name that ends in .json, for example --out rule.json",
        )
    save_protocol(Path(out), protocol)
    sentences = describe_rule(protocol)
    payload = {"rule": list(sentences), "rule_sha256": protocol.hash, "places": len(protocol.places), "out": out}
    rows = [{"the rule": sentence} for sentence in (*sentences, f"SHA-256 {protocol.hash}", f"Written to {out}.")]
    print_answer(payload, form=form, rows=rows, heading="Fixed before looking")


def _report(evaluation: Evaluation, note: dict[str, str], out: str | None, *, form: Format) -> None:
    """Print the rule first, then the answer."""
    payload = to_json_value(build_evaluation_payload(evaluation.effect, evaluation.verdict, cost=evaluation.cost)) | (
        {"out": out} if out else {}
    )
    if "demonstration" in note:
        payload["demonstration"] = note["demonstration"]
    if form is Format.TABLE:
        for sentence in (
            *payload["rule"],
            f"SHA-256 of this rule: {payload['rule_sha256']}",
            "",
            *evaluation.verdict.details,
            *(evaluation.cost.sentences if evaluation.cost else ()),
        ):
            print_message(sentence)
    print_answer(
        payload,
        form=form,
        rows=round_side_rows(build_side_rows(evaluation.effect)),
        heading=evaluation.verdict.sentence,
        order=_TABLE,
    )
    if "demonstration" in note:
        print_message(f"DEMONSTRATION: {note['demonstration']}.")


def _write_evaluation(out: Path, evaluation: Evaluation, note: dict[str, str], installation: Installation) -> None:
    """Write the answer to a file, whole or not at all."""
    writers = {
        ".csv": lambda: build_evaluation_csv(evaluation.effect, note=note, cost=evaluation.cost),
        ".geojson": lambda: build_evaluation_geojson(
            evaluation.effect, evaluation.points, evaluation.verdict, note=note, cost=evaluation.cost
        ),
        ".pdf": lambda: render_evaluation_pdf(
            evaluation, installation.area, mark=note.get("demonstration"), made_at=datetime.now(installation.area.tz)
        ),
    }
    write_file(out, writers[out.suffix.lower()]())


def _require_file(out: Path) -> None:
    """UsageError, before anything is computed, for a file that cannot be written."""
    if out.suffix.lower() not in (".csv", ".geojson", ".pdf") or not out.absolute().parent.is_dir():
        raise UsageError(
            "An evaluation is a .pdf, .geojson or .csv file in a folder that exists",
            f"--out is {out.name!r} in {out.parent}",
            "give --out another name or folder",
        )
