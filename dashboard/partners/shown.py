"""Each chosen layer as the chosen view shows it."""

from collections.abc import Sequence
from datetime import date

from dashboard.change_view import change_view
from dashboard.counts_view import counts_view
from dashboard.expected_view import expected_view, nothing_expected
from dashboard.figures import LayerFigures
from dashboard.findings import changes_of, findings_of, next_week_of, study_for
from dashboard.hotspots_view import hotspots_view
from dashboard.judgements import known_judgement
from dashboard.places import ward_labels
from dashboard.session import Installation, scale_maximum
from dashboard.state import Choices
from dashboard.views import LayerView

__all__ = ["layer_views"]


def layer_views(
    here: Installation, choices: Choices, figures: Sequence[LayerFigures], *, last: date, resolution: int
) -> list[LayerView]:
    """A view for each layer, each by itself: unlike things are neither added up nor tested together."""
    return [layer_view(here, choices, each, last=last, resolution=resolution) for each in figures]


def layer_view(
    here: Installation, choices: Choices, figures: LayerFigures, *, last: date, resolution: int
) -> LayerView:
    """One layer."""
    labels = ward_labels(here.area.wards)
    names = [labels[code] for code in choices.wards]
    layer = figures.spec.name
    if choices.view == "hotspots":
        found = findings_of(here, choices, layer=layer, last=last, resolution=resolution)
        study = study_for(here, choices.wards, resolution)
        return hotspots_view(figures, found, study, choices, area=here.area, ward_names=names)
    if choices.view == "change":
        changed = changes_of(here, choices, layer=layer, last=last, resolution=resolution)
        return change_view(figures, changed, choices, area=here.area, ward_names=names)
    if choices.view == "expected":
        week = next_week_of(here, choices, layer=layer, resolution=resolution)
        if week is None:
            return nothing_expected(figures, judged=known_judgement(here, layer) is not None)
        return expected_view(figures, week, choices, area=here.area, ward_names=names)
    maximum = scale_maximum(here, choices, layer=layer, last=last, resolution=resolution)
    return counts_view(figures, choices, maximum=maximum, ward_names=names, area_title=here.area.title)
