"""What the shown events of a layer cost, where the installation has unit costs; cached."""

from dataclasses import replace

import streamlit as st

from geo.wards import Wards
from hexbeat.analysis.costs import cost_counts, list_costed_layers, read_usable_costs
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.session import Installation, InstallationKey, strip_display_choices
from layers.columns import Columns
from layers.costs import NOT_COSTED, Cost, Costs, format_cost
from layers.filters import Filter

__all__ = ["describe_pounds"]


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
    own = Costs(tuple(costs.list_of([layer])))
    if not own or layer not in list_costed_layers(installation.columns, (layer,)):
        return [f"In pounds: {NOT_COSTED}."]
    shown = replace(strip_display_choices(choices), measure="events")
    event_filter = build_filter(shown, layer=layer, start=figures.start, end=figures.end)
    area = installation.area
    cost = _cost_layer(installation.columns, area.wards, installation.key, event_filter, own, area.time_zone)
    return [f"In pounds: {format_cost(cost)}.", *own.describe([layer])]


@st.cache_resource(max_entries=64, show_spinner=False)
def _cost_layer(
    _columns: Columns, _wards: Wards, key: InstallationKey, event_filter: Filter, costs: Costs, time_zone: str
) -> Cost:
    del key
    total, _ = cost_counts(
        _columns, event_filter, costs, by=("layer",), resolution=9, wards=_wards, time_zone=time_zone
    )
    return total
