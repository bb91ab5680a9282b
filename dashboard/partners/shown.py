"""Each chosen layer as the chosen view shows it."""

from collections.abc import Sequence
from datetime import date

from dashboard.change_view import build_change_view
from dashboard.counts_view import build_counts_view
from dashboard.expected_view import build_empty_forecast_view, build_forecast_view
from dashboard.figures import LayerFigures
from dashboard.findings import find_changes, find_findings, find_study, load_forecast
from dashboard.hotspots_view import build_hotspots_view
from dashboard.judgements import find_selection
from dashboard.places import build_ward_labels
from dashboard.session import Installation, find_scale_maximum
from dashboard.state import Choices
from dashboard.views import LayerView

__all__ = ["build_layer_views"]


def build_layer_views(
    here: Installation, choices: Choices, figures: Sequence[LayerFigures], *, last: date, resolution: int
) -> list[LayerView]:
    """A view for each layer, each by itself: unlike things are neither added up nor tested together."""
    return [build_layer_view(here, choices, each, last=last, resolution=resolution) for each in figures]


def build_layer_view(
    here: Installation, choices: Choices, figures: LayerFigures, *, last: date, resolution: int
) -> LayerView:
    """One layer."""
    labels = build_ward_labels(here.area.wards)
    names = [labels[code] for code in choices.wards]
    layer = figures.spec.name
    if choices.view == "hotspots":
        found = find_findings(here, choices, layer=layer, last=last, resolution=resolution)
        study = find_study(here, choices.wards, resolution)
        return build_hotspots_view(figures, found, study, choices, area=here.area, ward_names=names)
    if choices.view == "change":
        changed = find_changes(here, choices, layer=layer, last=last, resolution=resolution)
        return build_change_view(figures, changed, choices, area=here.area, ward_names=names)
    if choices.view == "expected":
        week = load_forecast(here, choices, layer=layer, resolution=resolution)
        if week is None:
            return build_empty_forecast_view(figures, judged=find_selection(here, layer) is not None)
        return build_forecast_view(figures, week, choices, area=here.area, ward_names=names)
    maximum = find_scale_maximum(here, choices, layer=layer, last=last, resolution=resolution)
    return build_counts_view(figures, choices, maximum=maximum, ward_names=names, area_title=here.area.title)
