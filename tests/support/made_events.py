"""Events made for a test: a few hundred in Middlesbrough, or a handful with texts that want to be scripts."""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from geo.cells import index_points
from hexbeat.areas.area import Area, load_area
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import EVENT_COLUMNS, RESOLUTIONS

HOSTILE: Final = (
    "<img src=x onerror=window.hacked=1>",
    "${7*7}",
    "</script><script>window.hacked=1</script>",
    "`x`",
    "[x](javascript:window.hacked=1)",
    ":material/home: :red[x]",
    "$x^2$",
    "=1+1",
    "**bold** _it_",
)


def made_frame(
    area: Area,
    *,
    number: int,
    newest: datetime,
    days: int = 100,
    seed: int = 7,
    layer: str = "needle_litter",
    source: str = "table",
    texts: Sequence[str] = ("found",),
) -> pd.DataFrame:
    """Events (EVENT_COLUMNS) spread over wards and over the `days` before `newest`, all known to the minute."""
    rng = np.random.default_rng(seed)
    polygons = area.wards.polygons
    ward = rng.integers(0, len(polygons), number) // 3 * 3 % len(polygons)  # some wards have more, some have none
    middle = [polygons[code].representative_point() for code in ward]
    lon = np.array([point.x for point in middle]) + rng.choice([0.0, 2e-3], number)
    lat = np.array([point.y for point in middle])
    located = area.wards.locate(lon, lat)
    lon, ward = np.where(located < 0, lon - 2e-3, lon), np.where(located < 0, ward, located)
    start = int(newest.timestamp()) - rng.integers(0, days * 86_400, number)
    frame = {
        "layer": layer, "source": source, "source_id": [f"{source}-{layer}-{k}" for k in range(number)],
        "lon": lon, "lat": lat, "occurred_from": start, "occurred_to": start, "time_precision": "minute",
        "quantity": rng.integers(1, 6, number), "category": [texts[k % len(texts)] for k in range(number)],
        "reported_by": rng.choice(["public", "officer", "sweep"], number), "status": [texts[-1]] * number,
        "ward_code": np.array(area.wards.codes, dtype=object)[ward], "scope": None, "note": None,
    }  # fmt: skip
    frame |= {f"h3_{r:02d}": index_points(lon, lat, resolution=r) for r in RESOLUTIONS}
    return pd.DataFrame(frame)[list(EVENT_COLUMNS)]


def load_frame(store: Store, area: Area, frame: pd.DataFrame, *, name: str = "made.csv", source: str = "table") -> None:
    """Put events into a store in a load of one file."""
    with store.begin_load(ANALYST, area=area.name) as load, load.file(name, source, sha256="0" * 64) as part:
        part.add_tally(read=len(frame), skipped={})
        part.add_events(frame)


def filled(home: Path, *, source: str = "table", texts: Sequence[str] = ("found",)) -> None:
    """Make a home whose store holds 400 needle finds and 150 overdoses up to yesterday, for pages to show."""
    shutil.copytree(_filled(source, tuple(texts)), home)


@cache
def _filled(source: str, texts: tuple[str, ...]) -> Path:
    """Such a home to copy from, made once; removed when the tests end."""
    home = Path(tempfile.mkdtemp(prefix="hexbeat-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    area = load_area("middlesbrough")
    newest = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with Store.open(home) as store:
        for layer, number in (("needle_litter", 400), ("overdoses", 150)):
            frame = made_frame(area, number=number, newest=newest, layer=layer, source=source, texts=texts)
            load_frame(store, area, frame, name=f"{layer}.csv", source=source)
    return home
