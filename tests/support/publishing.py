"""A publisher for tests: a store in a home of its own, events of some quarters of Middlesbrough, and releases of it."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from hexbeat.areas.area import Area, load_area
from hexbeat.release.policy import ReleasePolicy, load_policy
from hexbeat.release.publication import Publication, publish_release
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.made_events import made_frame

__all__ = ["Publisher", "at", "made_quarters", "with_layer"]


def at(day: str) -> dt.datetime:
    """Noon of that day."""
    return dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")


def made_quarters(area: Area, *, number: int = 3000, layer: str = "needle_litter", seed: int = 7) -> pd.DataFrame:
    """Events over the two years before July 2026, all known to the minute."""
    return made_frame(area, number=number, newest=at("2026-06-30"), days=725, layer=layer, seed=seed)


def with_layer(policy: ReleasePolicy, name: str, **terms: Any) -> ReleasePolicy:
    """The policy with other terms for one layer."""
    layers = tuple(replace(layer, **terms) if layer.name == name else layer for layer in policy.layers)
    return replace(policy, layers=layers)


class Publisher:
    """Loads and publishes; the clock is what a test says."""

    def __init__(self, home: Path, *, area: Area | None = None) -> None:
        self.home, self.area = home, area or load_area("middlesbrough")
        self.policy = load_policy(home)

    def load(self, frame: pd.DataFrame, *, now: str, name: str = "a.csv", source: str = "table") -> None:
        with (
            Store.open(self.home) as store,
            store.begin_load(ANALYST, area=self.area.name, now=at(now)) as load,
            load.file(name, source, sha256="0" * 64) as part,
        ):
            part.add_tally(read=len(frame), skipped={})
            part.add_events(frame)

    def publish(self, out: Path, *, as_at: str = "2026-11-22", now: str | None = None, **how: Any) -> Publication:
        with Store.open(self.home) as store:
            return publish_release(
                store, ANALYST, self.area, self.policy, out,
                home=self.home, as_at=dt.date.fromisoformat(as_at), now=at(now or as_at), **how,
            )  # fmt: skip
