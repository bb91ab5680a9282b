"""The installation of a screen: the settings, the area, the open store and the viewer.

The store is opened once and shared by all sessions.

Cached functions here use only their arguments and wrap plain functions. The role of the viewer and their policy are
part of every key.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from hexbeat.areas.area import Area, load_area
from hexbeat.areas.place_names import choose_resolution, measure_area_km2
from hexbeat.dashboard.state.choices import Choices, build_filter
from hexbeat.dashboard.state.figures import LayerFigures, count_layer
from hexbeat.dashboard.state.freshness import Freshness, find_layer_freshness
from hexbeat.dashboard.state.login import Login, find_local_login, open_shared_store, require_login, resolve_home
from hexbeat.settings import Settings
from hexbeat.store.column_cache import ColumnCache
from hexbeat.store.live_columns import build_no_columns
from hexbeat.store.shared_documents import SharedDocuments
from hexbeat.store.store import Store
from layers.access import Action, Viewer, find_detail, may
from layers.columns import Columns
from layers.event import RESOLUTIONS
from layers.policy import Policy
from layers.precision import LocationPrecision, measure_chosen_precision

__all__ = [
    "Installation",
    "InstallationKey",
    "choose_area_resolution",
    "choose_ward_resolution",
    "count_all_layers",
    "find_chosen_freshness",
    "find_freshness",
    "find_precision",
    "find_scale_maximum",
    "is_history_navigation",
    "measure_wards_km2",
    "open_installation",
    "strip_display_choices",
]


InstallationKey = tuple[str, int, tuple[str, Policy], str]


@dataclass(frozen=True, slots=True, eq=False)
class Installation:
    """One installation in one run of a page. `today` is the local date of the area."""

    settings: Settings
    area: Area
    store: Store
    login: Login
    columns: Columns
    today: date

    @property
    def viewer(self) -> Viewer:
        """The viewer, for a read of the store: looked up again each time, because a sign-in may end meanwhile.

        PolicyError if it has ended, or if its role has changed.
        """
        return require_login(self.settings, self.login)

    @property
    def documents(self) -> SharedDocuments:
        """What all users of the store share: plans, settings, profiles, registers."""
        return self.store.documents(self.viewer)

    @property
    def key(self) -> InstallationKey:
        """The part of a cache's key that all numbers depend on: store, version, role and policy, wards."""
        place = self.settings.database_url or resolve_home(self.settings.home)
        role_and_policy = self.login.viewer.role, self.login.viewer.policy
        return place, self.columns.version, role_and_policy, f"{self.area.name}|{self.area.vintage}"


@st.cache_resource(show_spinner="Opening the store …")
def _open_store(home: str, database_url: str | None, _settings: Settings) -> tuple[Store, ColumnCache]:
    del home, database_url
    store = open_shared_store(_settings)
    return store, ColumnCache(store)


def open_installation(settings: Settings, *, login: Login | None = None) -> Installation:
    """Open the store and the area of the settings, and read the events that changed since the last run.

    Without a login it is the local account (`hexbeat.policy`). One who may not see counts has no events at all.
    AreaError if there is no such area, StoreError if the store cannot be opened, PolicyError or DataError if the access
    policy gives the local account no role.
    """
    # Of a shared store the areas may come from the store; without one, a wrong name makes no store.
    area = None if settings.database_url else load_area(settings.area, home=settings.home)
    store, cache = _open_store(resolve_home(settings.home), settings.database_url, settings)
    login = login or find_local_login(store)
    viewer = login.viewer
    store.refresh_areas()
    area = area or load_area(settings.area, home=settings.home)
    return Installation(
        settings=settings,
        area=area,
        store=store,
        login=login,
        columns=cache.columns(viewer, ward_codes=tuple(area.wards.codes), wards=area.wards)
        if may(viewer, Action.SEE_COUNTS)
        else build_no_columns(version=store.version(), ward_codes=tuple(area.wards.codes)),
        today=datetime.now(area.tz).date(),
    )


def find_freshness(
    installation: Installation, wards: tuple[str, ...] = (), reported_by: tuple[str, ...] = ()
) -> dict[str, Freshness]:
    """What is known of each layer in these wards (none: the whole area), from sources that bring such reporters."""
    return _build_freshness(installation.columns, installation.area, installation.key, wards, reported_by)


@st.cache_resource(max_entries=64, show_spinner=False)
def _build_freshness(
    _columns: Columns,
    _area: Area,
    key: InstallationKey,
    wards: tuple[str, ...],
    reported_by: tuple[str, ...],
) -> dict[str, Freshness]:
    del key
    return find_layer_freshness(_columns, time_zone=_area.tz, wards=wards, reported_by=reported_by)


def find_chosen_freshness(installation: Installation, choices: Choices) -> dict[str, Freshness]:
    """What is known of each layer in the chosen wards, from the sources that bring what is chosen."""
    return find_freshness(installation, choices.wards, choices.reported_by)


def choose_area_resolution(installation: Installation, choices: Choices) -> int:
    """The chosen resolution, or the one that fits the chosen wards, no finer than the records know.

    It is never finer than the viewer may see the layers.
    """
    viewer = installation.login.viewer  # reads nothing
    allowed = min(find_detail(viewer, layer).finest or RESOLUTIONS[0] for layer in choices.layers)
    return min(
        allowed,
        choices.size
        or min(choose_ward_resolution(installation, choices), find_precision(installation, choices).finest),
    )


def choose_ward_resolution(installation: Installation, choices: Choices) -> int:
    """The resolution that fits the chosen wards."""
    return choose_resolution(measure_wards_km2(installation.area, choices.wards))


def find_precision(installation: Installation, choices: Choices) -> LocationPrecision:
    """The location precision of the chosen records; of several layers, of the one with the largest cells."""
    zone = installation.area.time_zone
    filters = [build_filter(choices, layer=layer, start=None, end=None) for layer in choices.layers]
    precisions = [
        measure_chosen_precision(installation.columns, event_filter, time_zone=zone) for event_filter in filters
    ]
    return min(precisions, key=lambda precision: precision.finest)


def measure_wards_km2(area: Area, wards: tuple[str, ...]) -> float:
    """The area of these wards in square kilometres; of all wards if none are given."""
    return _measure_area_km2(area, f"{area.name}|{area.vintage}", wards)


@st.cache_resource(max_entries=256, show_spinner=False)
def _measure_area_km2(_area: Area, key: str, wards: tuple[str, ...]) -> float:
    del key
    return measure_area_km2(_area.wards, wards)


def count_all_layers(
    installation: Installation, choices: Choices, *, last: date, resolution: int
) -> list[LayerFigures]:
    """The figures of every chosen layer, from the cache if they were counted before."""
    bare = strip_display_choices(choices)
    return [
        _count_figures(
            installation.columns,
            installation.area,
            installation.key,
            layer,
            bare,
            last,
            resolution,
            find_chosen_freshness(installation, choices)[layer],
        )
        for layer in choices.layers
    ]


def strip_display_choices(choices: Choices) -> Choices:
    """The choices without those that change no number of a layer: the open card, the other layers, and the view."""
    return replace(choices, cell=None, layers=(), view="counts", against="before")


@st.cache_resource(max_entries=256, show_spinner=False)
def _count_figures(
    _columns: Columns,
    _area: Area,
    key: InstallationKey,
    layer: str,
    choices: Choices,
    last: date,
    resolution: int,
    _layer_freshness: Freshness,
) -> LayerFigures:
    del key
    return count_layer(
        _columns, layer=layer, choices=choices, last=last, resolution=resolution, area=_area, freshness=_layer_freshness
    )


def find_scale_maximum(
    installation: Installation, choices: Choices, *, layer: str, last: date, resolution: int
) -> float:
    """The largest count of a cell over the period without other filters, so that a filter does not change colours."""
    wide = Choices(layers=(layer,), period=choices.period, dates=choices.dates, measure=choices.measure)
    cells = count_all_layers(installation, wide, last=last, resolution=resolution)[0].cells
    return float(cells["count"].max()) if len(cells) else 1.0


def is_history_navigation() -> bool:
    """True if the browser's back or forward button caused this run. Then the choices come from the address.

    Streamlit makes an entry in the browser's history whenever a page writes another query string. It marks the run that
    going back or forward causes, and makes no new entry in it.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.is_history_navigation
