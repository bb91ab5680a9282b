"""Faults, repairs and wrong codes or names of wards, in words."""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.coverage import INLET_M, Fault, area_m2

__all__ = ["describe_fault", "describe_faults", "describe_inlets", "describe_repairs", "find_text_problems"]

LEAST_M2: Final = 0.05  # changes that are told
TOLD: Final = 5  # faults that a message spells out


def find_text_problems(frame: gpd.GeoDataFrame) -> list[str]:
    """What is wrong with codes and names: empty, used twice, or with characters that cannot be shown."""
    problems = []
    for column in frame.columns.drop("geometry"):
        texts = frame[column].astype(str)
        what = column.replace("_", " ")
        if (empty := int((texts == "").sum())) > 0:
            problems.append(f"{_number(empty, 'row')} without a {what}")
        if not texts.map(str.isprintable).all():
            problems.append(f"a {what} has characters that cannot be shown")
    codes = frame["ward_code"]
    twice = sorted(set(codes[codes.duplicated() & (codes != "")]))
    if twice:
        problems.append(f"{_number(len(twice), 'ward code')} used more than once ({_some(twice)})")
    return problems


def describe_faults(faults: list[Fault], frame: gpd.GeoDataFrame) -> str:
    """The first faults in words, and how many there are besides."""
    told = "; ".join(describe_fault(fault, frame) for fault in faults[:TOLD])
    return told + (f"; and {len(faults) - TOLD} more" if len(faults) > TOLD else "")


def describe_fault(fault: Fault, frame: gpd.GeoDataFrame) -> str:
    """A fault in words, with the wards by name and code, and a place to look at (latitude, longitude)."""
    wards = " and ".join(f"{frame['ward_name'][place]} ({frame['ward_code'][place]})" for place in fault.members)
    leave = "leave" if len(fault.members) > 1 else "leaves"
    where = "" if np.isnan(fault.lon) else f" near {fault.lat:.6f}, {fault.lon:.6f}"
    return {
        "ring": f"{wards} is not a valid polygon: {fault.reason}{where}",
        "overlap": f"{wards} overlap by {fault.area_m2:,.1f} m2{where}",
        "sliver": f"{wards} {leave} a sliver of {fault.area_m2:,.1f} m2{where}",
        "edge": f"{wards} meets a neighbour without sharing its corners{where}",
    }[fault.kind]


def describe_inlets(places: list[int], frame: gpd.GeoDataFrame) -> list[str]:
    """What to say of gaps that are open to the outside and very narrow: one sentence, or none."""
    if not places:
        return []
    names = _some([str(frame["ward_name"][place]) for place in places])
    return [
        f"there are gaps narrower than {INLET_M} m, open to the outside, at {names}: creeks, or edges meant to be one"
    ]


def describe_repairs(faults: list[Fault], before: NDArray[Any], frame: gpd.GeoDataFrame) -> list[str]:
    """What was mended, a sentence each, and by how much each ward of the mended frame differs from `before`."""
    told = [f"mended: {describe_fault(fault, frame)}" for fault in faults]
    for name, code, was, now in zip(frame["ward_name"], frame["ward_code"], before, frame.geometry, strict=True):
        # The area of what was no valid polygon is that of the lines it was drawn with, made valid.
        change_m2 = area_m2(now) - area_m2(shapely.make_valid(was))
        if abs(change_m2) >= LEAST_M2:
            told.append(f"mending changed {name} ({code}) by {change_m2:+,.1f} m2")
    return told


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _some(words: list[str]) -> str:
    return ", ".join(words[:TOLD]) + (", ..." if len(words) > TOLD else "")
