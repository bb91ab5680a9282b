"""The chosen view of each layer: its result, an older one or counts until that is there, as the page draws it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from hexbeat.analysis.change_map import ChangeMap
from hexbeat.analysis.forecast import Forecast
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.state.choices import Choices
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.findings import Findings, find_changes, find_findings, load_forecast
from hexbeat.dashboard.state.pounds import describe_change_pounds, describe_pounds
from hexbeat.dashboard.state.selected_methods import find_selection
from hexbeat.dashboard.state.session import Installation, find_scale_maximum
from hexbeat.dashboard.state.stand_ins import StandIn, find_stand_in
from hexbeat.dashboard.views.change_view import build_change_view
from hexbeat.dashboard.views.counts_view import build_counts_view
from hexbeat.dashboard.views.expected_view import build_empty_forecast_view, build_forecast_view
from hexbeat.dashboard.views.hotspots_view import build_hotspots_view
from hexbeat.dashboard.views.layer_view import LayerView

__all__ = ["build_layer_views", "list_ward_names"]

COUNTS_INSTEAD: Final = "Counts are shown: any other view would tell small numbers, which your role does not see."


def build_layer_views(
    installation: Installation, choices: Choices, figures: Sequence[LayerFigures], *, last: date, resolution: int
) -> list[LayerView]:
    """A view for each layer, each by itself: unlike things are neither added up nor tested together."""
    return [
        build_layer_view(installation, choices, layer_figures, last=last, resolution=resolution)
        for layer_figures in figures
    ]


def build_layer_view(
    installation: Installation, choices: Choices, figures: LayerFigures, *, last: date, resolution: int
) -> LayerView:
    """The view of one layer, as chosen, or what stands in for it."""
    if figures.fewest > 1:
        view = build_shown_counts(installation, choices, figures, last=last, resolution=resolution)
        return view if choices.view == "counts" else replace(view, notes=(COUNTS_INSTEAD, *view.notes))
    stand_in = find_stand_in(installation, choices, layer=figures.spec.name, last=last, resolution=resolution)
    if stand_in:
        return build_view_meanwhile(installation, choices, figures, stand_in, last=last, resolution=resolution)
    if choices.view == "counts":
        return build_shown_counts(installation, choices, figures, last=last, resolution=resolution)
    return build_statistics_view(installation, choices, figures, last=last, resolution=resolution)


def build_shown_counts(
    installation: Installation, choices: Choices, figures: LayerFigures, *, last: date, resolution: int
) -> LayerView:
    """The view of counts, with what they cost."""
    layer = figures.spec.name
    maximum = find_scale_maximum(installation, choices, layer=layer, last=last, resolution=resolution)
    names = list_ward_names(installation, choices)
    view = build_counts_view(figures, choices, maximum=maximum, ward_names=names, area=installation.area)
    return replace(view, notes=(*view.notes, *describe_pounds(installation, choices, figures)))


def build_statistics_view(
    installation: Installation, choices: Choices, figures: LayerFigures, *, last: date, resolution: int
) -> LayerView:
    """The view of hotspots, of change or of what is expected. A result that nobody works out ahead is computed now."""
    layer = figures.spec.name
    if choices.view == "hotspots":
        findings = find_findings(installation, choices, layer=layer, last=last, resolution=resolution)
        return build_result_view(installation, choices, figures, findings)
    if choices.view == "change":
        change_map = find_changes(installation, choices, layer=layer, last=last, resolution=resolution)
        view = build_result_view(installation, choices, figures, change_map)
        pounds = describe_change_pounds(installation, choices, layer=layer, last=last, resolution=resolution)
        return replace(view, notes=(*view.notes, *pounds))
    forecast = load_forecast(installation, choices, layer=layer, resolution=resolution)
    if forecast is None:
        return build_empty_forecast_view(figures, has_selection=find_selection(installation, layer) is not None)
    return build_result_view(installation, choices, figures, forecast)


def build_result_view(
    installation: Installation, choices: Choices, figures: LayerFigures, result: Findings | ChangeMap | Forecast
) -> LayerView:
    """The view of a result, whichever it is."""
    area, names = installation.area, list_ward_names(installation, choices)
    if isinstance(result, Findings):
        return build_hotspots_view(figures, result, choices, area=area, ward_names=names)
    if isinstance(result, ChangeMap):
        return build_change_view(figures, result, choices, area=area, ward_names=names)
    return build_forecast_view(figures, result, choices, area=area, ward_names=names)


def build_view_meanwhile(
    installation: Installation,
    choices: Choices,
    figures: LayerFigures,
    stand_in: StandIn,
    *,
    last: date,
    resolution: int,
) -> LayerView:
    """The view of an older result, else counts; it says so."""
    if stand_in.older is None:
        view = build_shown_counts(installation, choices, figures, last=last, resolution=resolution)
        return replace(view, meanwhile=stand_in.note, has_counts=True)
    result = stand_in.older.value
    if isinstance(result, Findings):
        start, end = stand_in.period
        figures = replace(figures, start=start, end=end, total=result.hotspots.total, before=None)
    return replace(build_result_view(installation, choices, figures, result), meanwhile=stand_in.note)


def list_ward_names(installation: Installation, choices: Choices) -> list[str]:
    """The names of the chosen wards."""
    labels = build_ward_labels(installation.area.wards)
    return [labels[code] for code in choices.wards]
