"""The demonstration's needle finds as the map's views show them, for tests that need no page."""

from dashboard.change_view import change_view
from dashboard.figures import LayerFigures, layer_figures
from dashboard.findings import Findings
from dashboard.freshness import layer_reaches
from dashboard.hotspots_view import hotspots_view
from dashboard.state import Choices, filter_for
from dashboard.views import LayerView
from layers.analysis.change_map import change_map
from layers.analysis.emerging_map import emerging_map
from layers.analysis.hotspot_map import hotspot_map
from layers.analysis.study import study_of
from layers.columns import Columns
from tests.support.analysing import TODAY, demonstration, middlesbrough

__all__ = ["figures_of", "shown_change", "shown_hotspots"]

LAST = TODAY.replace(day=TODAY.day - 1)


def figures_of(choices: Choices, columns: Columns | None = None) -> LayerFigures:
    """The figures of the first chosen layer."""
    columns = columns or demonstration()[0]
    area, layer = middlesbrough(), choices.layers[0]
    reach = layer_reaches(columns, time_zone=area.tz)[layer]
    return layer_figures(columns, layer=layer, choices=choices, last=LAST, resolution=9, area=area, reach=reach)


def shown_hotspots(choices: Choices, columns: Columns | None = None) -> LayerView:
    """The view of hotspots."""
    columns = columns or demonstration()[0]
    area, figures = middlesbrough(), figures_of(choices, columns)
    study = study_of(area, choices.wards, 9)
    chosen = filter_for(choices, layer=choices.layers[0], start=figures.start, end=figures.end)
    found = Findings(hotspot_map(columns, chosen, study, trend=False), emerging_map(columns, chosen, study))
    return hotspots_view(figures, found, study, choices, area=area, ward_names=())


def shown_change(choices: Choices, columns: Columns | None = None) -> LayerView:
    """The view of change."""
    columns = columns or demonstration()[0]
    area, figures = middlesbrough(), figures_of(choices, columns)
    study = study_of(area, choices.wards, 9)
    chosen = filter_for(choices, layer=choices.layers[0], start=figures.start, end=figures.end)
    found = change_map(columns, chosen, study, against=choices.against)
    return change_view(figures, found, choices, area=area, ward_names=())
