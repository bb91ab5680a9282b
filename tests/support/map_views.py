"""The demonstration's needle finds as the map's views show them, for tests that need no page."""

from hexbeat.analysis.change_map import build_change_map
from hexbeat.analysis.emerging_map import build_emerging_map
from hexbeat.analysis.hotspot_groups import list_groups
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.study import load_study
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures, count_layer
from hexbeat.dashboard.state.findings import Findings
from hexbeat.dashboard.state.freshness import find_layer_freshness
from hexbeat.dashboard.views.change_view import build_change_view
from hexbeat.dashboard.views.hotspots_view import build_hotspots_view
from hexbeat.dashboard.views.layer_view import LayerView
from layers.columns import Columns
from tests.support.demonstrations import TODAY, demonstration, middlesbrough

__all__ = ["build_change_view_of", "build_findings_of", "build_hotspots_view_of", "count_first_layer"]


LAST = TODAY.replace(day=TODAY.day - 1)


def count_first_layer(choices: Choices, columns: Columns | None = None) -> LayerFigures:
    """The figures of the first chosen layer."""
    columns = columns or demonstration()[0]
    area, layer = middlesbrough(), choices.layers[0]
    reach = find_layer_freshness(columns, time_zone=area.tz)[layer]
    return count_layer(columns, layer=layer, choices=choices, last=LAST, resolution=9, area=area, freshness=reach)


def build_findings_of(choices: Choices, columns: Columns | None = None) -> Findings:
    """The hotspots of the first chosen layer, their groups and patterns."""
    columns = columns or demonstration()[0]
    area, figures = middlesbrough(), count_first_layer(choices, columns)
    study = load_study(area, choices.wards, 9)
    chosen = build_filter(choices, layer=choices.layers[0], start=figures.start, end=figures.end)
    hotspot_map = build_hotspot_map(columns, chosen, study, trend=False)
    return Findings(hotspot_map, list_groups(hotspot_map.rows, area), build_emerging_map(columns, chosen, study))


def build_hotspots_view_of(choices: Choices, columns: Columns | None = None) -> LayerView:
    """The view of hotspots."""
    figures = count_first_layer(choices, columns)
    found = build_findings_of(choices, columns)
    return build_hotspots_view(figures, found, choices, area=middlesbrough(), ward_names=())


def build_change_view_of(choices: Choices, columns: Columns | None = None) -> LayerView:
    """The view of change."""
    columns = columns or demonstration()[0]
    area, figures = middlesbrough(), count_first_layer(choices, columns)
    study = load_study(area, choices.wards, 9)
    chosen = build_filter(choices, layer=choices.layers[0], start=figures.start, end=figures.end)
    found = build_change_map(columns, chosen, study, against=choices.against)
    return build_change_view(figures, found, choices, area=area, ward_names=())
