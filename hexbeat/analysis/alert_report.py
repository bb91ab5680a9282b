"""What alerts are, whichever method found them, and the report that holds them."""

import datetime as dt
from dataclasses import dataclass

__all__ = ["Alert", "AlertReport", "MethodRow"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One or more days with more events than usual of one layer in one place.

    `ward_code` None: the whole area. `count` events from `first_day` to `last_day` (inclusive); the busiest day, `day`,
    had `peak` of them. `expected` is for all of these days. `methods` raised the alert. `false_alarms_a_year`: how many
    alerts noise alone would raise for this layer over all places, at this setting. `searches`: all of them are searches
    by officers. `records_end`: the last known day, where it lies too far back for the alert to be one of now.

    Alerts of the daily scan have more: `cells` (H3, the strongest first; none where the viewer sees wards alone),
    `told_on`, the day on which it was told first, `updated_on`, the last one on which it was unusual, and `is_open`,
    whether it may still grow. `chance_a_year`: how often chance alone brings one as strong, in this layer. `category`:
    the one to which it is limited, or that is most of it. `identifier`: what an acknowledgement names. `arrived`: the
    share of the records of its days that are here by now, as past loads show; `expected` allows for it.
    """

    layer: str
    ward_code: str | None
    place: str
    first_day: dt.date
    last_day: dt.date
    day: dt.date
    count: float
    peak: float
    expected: float
    methods: tuple[str, ...]
    false_alarms_a_year: float
    sentence: str
    searches: bool = False
    records_end: dt.date | None = None
    cells: tuple[str, ...] = ()
    told_on: dt.date | None = None
    updated_on: dt.date | None = None
    is_open: bool = True
    chance_a_year: float | None = None
    category: str = ""
    identifier: str = ""
    arrived: float = 1.0

    @property
    def is_current(self) -> bool:
        """Whether the alert is of now, and not of when the records ended."""
        return self.records_end is None


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One setting for one layer: how many places it watches, and its false alarms a year over all of them."""

    layer: str
    method: str
    places: int
    false_alarms_a_year: float


@dataclass(frozen=True, slots=True)
class AlertReport:
    """The alerts of the `days` days up to `day`, newest and largest first; the settings; notes.

    `headline` says first that all records end long ago; "" where some are of now. `unknown`: layers of which having no
    alert says nothing: none of these days is known, or a note says why they cannot be tested.
    """

    day: dt.date
    days: int
    alerts: tuple[Alert, ...]
    settings: tuple[MethodRow, ...]
    notes: tuple[str, ...]
    headline: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether any of the layers is known on any of these days."""
        return len(self.unknown) < len({row.layer for row in self.settings} | set(self.unknown))
