"""What shown events cost, and what they cost more or less than before, where there are unit costs; cached."""

from dataclasses import replace
from datetime import date

import pandas as pd
import streamlit as st

from geo.wards import Wards
from hexbeat.analysis.change_costs import cost_changes
from hexbeat.analysis.change_map import Against
from hexbeat.analysis.costs import cost_counts, cost_rows, list_costed_layers, read_usable_costs
from hexbeat.analysis.study import Study
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.findings import find_study
from hexbeat.dashboard.state.session import Installation, InstallationKey, strip_display_choices
from layers.columns import Columns
from layers.costs import NOT_COSTED, Cost, Costs, format_cost
from layers.filters import Filter

__all__ = ["add_pounds", "describe_change_pounds", "describe_pounds"]


def describe_pounds(installation: Installation, choices: Choices, figures: LayerFigures) -> list[str]:
    """Sentences on the pounds of one layer's numbers, with what they rest on; none without unit costs or numbers.

    If `costs.toml` cannot be used they say so, because the numbers themselves can be shown.
    """
    costs, faults = read_usable_costs(installation.store)
    if faults:
        return faults
    layer = figures.spec.name
    if not costs or not figures.has_number:
        return []
    own = Costs(tuple(costs.list_units([layer])))
    if not own or layer not in list_costed_layers(installation.columns, (layer,)):
        return [f"In pounds: {NOT_COSTED}."]
    event_choices = replace(strip_display_choices(choices), measure="events")
    event_filter = build_filter(event_choices, layer=layer, start=figures.start, end=figures.end)
    area = installation.area
    cost = _cost_layer(installation.columns, area.wards, installation.key, event_filter, own, area.time_zone)
    return [f"In pounds: {format_cost(cost)}.", *own.describe([layer])]


def describe_change_pounds(
    installation: Installation, choices: Choices, *, layer: str, last: date, resolution: int
) -> list[str]:
    """Sentences on the pounds of the difference between two periods; none without unit costs or a comparison."""
    costs, faults = read_usable_costs(installation.store)
    own = Costs(tuple(costs.list_units([layer])))
    if not own:
        return faults
    start, end = choices.bounds(last)
    event_filter = build_filter(
        replace(strip_display_choices(choices), measure="events"), layer=layer, start=start, end=end
    )
    layer_costs = _cost_change(
        installation.columns,
        find_study(installation, choices.wards, resolution),
        installation.key,
        resolution,
        event_filter,
        own,
        choices.against,
        installation.area.time_zone,
    )
    if not layer_costs or layer_costs[0] is None:
        return []
    return [f"The difference in pounds: {format_cost(layer_costs[0])}.", *own.describe([layer])]


def add_pounds(
    installation: Installation, choices: Choices, figures: LayerFigures, rows: pd.DataFrame, *, resolution: int
) -> pd.DataFrame:
    """The rows of the cells of one layer, for a file, with what their events cost; as they were without unit costs."""
    layer = figures.spec.name
    costs, _ = read_usable_costs(installation.store)
    own = Costs(tuple(costs.list_units([layer])))
    if not own or not figures.has_number or layer not in list_costed_layers(installation.columns, (layer,)):
        return rows
    event_filter = build_filter(strip_display_choices(choices), layer=layer, start=figures.start, end=figures.end)
    area = installation.area
    count_costs = cost_rows(
        installation.columns,
        event_filter,
        own,
        [{"cell": cell, "count": 0} for cell in rows["cell"]],
        by=("cell",),
        resolution=resolution,
        wards=area.wards,
        time_zone=area.time_zone,
    )
    return rows if count_costs is None else rows.assign(**count_costs.build_file_columns())


@st.cache_resource(max_entries=64, show_spinner=False)
def _cost_change(
    _columns: Columns,
    _study: Study,
    key: InstallationKey,
    resolution: int,
    event_filter: Filter,
    costs: Costs,
    against: Against,
    time_zone: str,
) -> list[Cost | None]:
    del key, resolution
    return cost_changes(_columns, event_filter, _study, costs, unit="whole", against=against, time_zone=time_zone)


@st.cache_resource(max_entries=64, show_spinner=False)
def _cost_layer(
    _columns: Columns, _wards: Wards, key: InstallationKey, event_filter: Filter, costs: Costs, time_zone: str
) -> Cost:
    del key
    total, _ = cost_counts(
        _columns, event_filter, costs, by=("layer",), resolution=9, wards=_wards, time_zone=time_zone
    )
    return total
