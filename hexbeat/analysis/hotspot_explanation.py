"""Why a cell is, or is not, a hotspot: one sentence or two, true of every cell."""

import datetime as dt
from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np

from geo.tails import poisson_at_least
from hexbeat.analysis.hotspot_groups import COLD, HOT
from hexbeat.analysis.hotspot_map import HotspotMap
from layers.wording import (
    format_about,
    format_count,
    format_date,
    format_number,
    format_odds,
    format_plural,
    format_span,
)

__all__ = ["describe_hotspot", "describe_kind", "explain_cell", "is_too_quiet"]

_TIMES_AVERAGE: Final = 6.0  # if even this many times the average would not stand out, there are too few events to say
_ORDINARY_SHARE: Final = 0.25  # of shuffles: from here on no odds are given, whether above or below the average
_FULL: Final = 2.0  # times its surroundings: less is no hotspot (geo.concentration)
Row = Mapping[Hashable, Any]
_SMALL: Final = 10
_FEWEST_TIMES: Final = 3  # days or months of a hotspot (geo.concentration)


def explain_cell(hotspot_map: HotspotMap, cell: str) -> str:
    """Why a cell (H3 string) is hot, cold, neither, or has too few events to say: the class, then its numbers.

    The numbers are those of the test: the cell together with those that touch it, and the average of as many cells away
    from hotspots (for cold spots: away from cold spots). KeyError for a cell that is not on the map.
    """
    if not hotspot_map.is_known:
        return f"The records of {hotspot_map.spec.many} do not cover this time, so there is nothing to compare."
    if hotspot_map.refusal:
        return hotspot_map.refusal
    if not hotspot_map.total:
        return (
            f"There are no {hotspot_map.spec.many} on this map{_format_period(hotspot_map)}, so there is nothing to "
            "compare."
        )
    rows = hotspot_map.rows
    positions = rows.index[rows["cell"] == cell]
    if not len(positions):
        raise KeyError(cell)
    row = rows.loc[positions[0]].to_dict()
    if hotspot_map.method == "concentration":
        return _explain_by_surroundings(hotspot_map, row)
    return _explain_by_gi(hotspot_map, row)


def _explain_by_surroundings(hotspot_map: HotspotMap, row: Row) -> str:
    """What the test of concentration says of a cell."""
    if row["hotspot"] == HOT:
        return f"{'Part of a hotspot' if row['cells'] > 1 else 'A hotspot'}: {describe_hotspot(hotspot_map, row)}"
    plural = hotspot_map.spec.many
    if not np.isfinite(row["expected"]):
        return f"Not a hotspot: no {plural} were ever recorded in this cell."
    number = format_count(float(row["neighbourhood"]), hotspot_map.spec) if row["neighbourhood"] else f"no {plural}"
    count = f"{number} {_format_where(row)}{_format_period(hotspot_map)}"
    average = _format_average(float(row["expected"]))
    around = f"Its surroundings have {average}" if row["cells"] == 1 else f"As many cells around have {average}"
    if row["hotspot"] == COLD:
        return f"A cold spot: {count}. {around}."
    if row["neighbourhood"] > row["expected"]:
        return _explain_full_cell(hotspot_map, row, count, around)
    if _lacks_events(hotspot_map, row):
        return f"Too few events to say: {count}. {around}."
    than = f", no more than {_format_whose(row)} surroundings" if row["neighbourhood"] else ""
    return f"Not a hotspot: {count}{than}. {around}."


def _explain_full_cell(hotspot_map: HotspotMap, row: Row, count: str, around: str) -> str:
    """Why a cell with more than its surroundings is not called a hotspot.

    Its first sentence has the reason, because a card folds what follows it.
    """
    times = _format_times(row)
    if row["beyond"]:
        share = f"{100 * hotspot_map.most_area:g} %"
        return (
            f"Not among the hotspots: {count}, {times}, but fuller places take up the {share} of the area that may be "
            "hot."
        )
    if row["unsteady"]:
        return f"Not a hotspot: {count}, {times}, but {_describe_unsteady(hotspot_map, row)}."
    if _lacks_events(hotspot_map, row) and row["neighbourhood"] < _TIMES_AVERAGE * row["expected"]:
        return f"Too few events to say: {count}. {around}. Even six times as many might not stand out."
    if row["neighbourhood"] >= _FULL * row["expected"]:
        return f"Not a hotspot: {count}, {times}, but that is too few events to be sure."
    return f"Not a hotspot: {count}, less than twice {_format_whose(row)} surroundings. {around}."


def _lacks_events(hotspot_map: HotspotMap, row: Row) -> bool:
    return _is_too_few(float(row["expected"]), hotspot_map.q / len(hotspot_map.rows))


def describe_hotspot(hotspot_map: HotspotMap, row: Row) -> str:
    """How many events, what kind of hotspot, how sure and since when.

    As in "14 needle finds in these 7 cells (the 5 hot ones have 12) in 28 days, 3.2 times their surroundings (at least
    1.9 times), on 11 of 28 days. It grew busier about 14 Sep 2026."
    """
    count = format_count(float(row["neighbourhood"]), hotspot_map.spec)
    where = f"{_format_where(row)}{_describe_hot_part(hotspot_map, row)}{_format_period(hotspot_map)}"
    return f"{count} {where}, {describe_kind(hotspot_map, row, sure=True)}"


def _describe_hot_part(hotspot_map: HotspotMap, row: Row) -> str:
    """As in " (the 5 hot ones have 12)": of the tested patch these are coloured and listed; "" for one cell."""
    if row["cells"] == 1:
        return ""
    rows = hotspot_map.rows
    hot = rows[(rows["patch"] == row["patch"]) & (rows["hotspot"] == HOT)]
    if len(hot) == row["cells"]:
        return " (all of them hot)"
    which = "the hot one has" if len(hot) == 1 else f"the {format_number(len(hot))} hot ones have"
    return f" ({which} {format_about(float(hot['largest'].sum()))})"


def describe_kind(hotspot_map: HotspotMap, row: Row, *, sure: bool = False, since: bool = True) -> str:
    """What kind of hotspot, with `sure` how sure, and since when unless left out; by Gi* what is expected elsewhere.

    With `sure` it follows the numbers of the tested cells. Without, it stands alone, and names a patch as one: "its
    patch holds 3.2 times its surroundings".
    """
    if hotspot_map.method == "gi":
        return f"{format_about(row['neighbourhood'])}, where {format_about(row['expected'])} would be expected"
    text = _format_times(row) if sure else _format_times_alone(row)
    if sure:
        text += f" (at least {_round_times(float(row['times_at_least']))} times)"
    if hotspot_map.caution:
        return f"{text}. {hotspot_map.caution}."
    if unit := hotspot_map.time_unit:
        number = "in" if unit == "month" else "on"
        whole = format_plural(hotspot_map.time_units, unit, f"{unit}s")
        text += f", {number} {format_number(row['active'])} of {whole}"
    begin = _describe_since(hotspot_map, row) if since else ""
    return f"{text}. {begin}" if begin else f"{text}."


def _describe_since(hotspot_map: HotspotMap, row: Row) -> str:
    """Since when a hotspot has its share of the events; "" where nothing was looked at."""
    if hotspot_map.looked_from is None:
        return ""
    if not isinstance(row["since"], dt.date):
        return f"It has been about as busy since {format_date(hotspot_map.looked_from)} or longer."
    return f"It grew busier about {format_date(row['since'])}."


def _format_where(row: Row) -> str:
    cells = int(row["cells"])
    return "in this cell" if cells == 1 else f"in these {cells} cells"


def _format_times(row: Row) -> str:
    """As in "3.2 times its surroundings"; where these have nothing, that."""
    whose = _format_whose(row)
    if not row["expected"]:
        return f"while {whose} surroundings have none"
    return f"{_round_times(float(row['times']))} times {whose} surroundings"


def _format_whose(row: Row) -> str:
    return "its" if row["cells"] == 1 else "their"


def _format_times_alone(row: Row) -> str:
    """As `_format_times`, where no number of cells was given before."""
    if row["cells"] == 1:
        return _format_times(row)
    if not row["expected"]:
        return "while the surroundings of its patch have none"
    return f"its patch holds {_round_times(float(row['times']))} times its surroundings"


def _round_times(times: float) -> str:
    return format_number(round(times, 1) if times < _SMALL else round(times))


def _describe_unsteady(hotspot_map: HotspotMap, row: Row) -> str:
    active, unit = int(row["active"]), hotspot_map.time_unit or "day"
    if active < _FEWEST_TIMES:
        return (
            f"on {active} {unit if active == 1 else unit + 's'} only" if unit == "day" else f"in {active} {unit} only"
        )
    return f"most of them in one half of the {unit}s"


def _explain_by_gi(hotspot_map: HotspotMap, row: Row) -> str:
    """What Gi* says of a cell: with those that touch it, against as many cells away from hotspots."""
    rows, side = hotspot_map.rows, str(row["leans"])
    count = format_count(float(row["neighbourhood"]), hotspot_map.spec, hotspot_map.measure)
    others = int(row["cells"]) - 1
    around = f" and the {others} that touch it" if others > 1 else " and the one that touches it" if others else ""
    elsewhere = _describe_background(side, any_spot=bool((rows["hotspot"] == side).any()))
    verdict, chance = _describe_verdict(hotspot_map, row, side)
    return (
        f"{verdict}: {count} in this cell{around}{_format_period(hotspot_map)}. "
        f"As many cells {elsewhere} have {_format_average(float(row['expected']))} on average.{chance}"
    )


def is_too_quiet(hotspot_map: HotspotMap) -> bool:
    """Whether on the whole map even a place with six times the average might not stand out."""
    rows = hotspot_map.rows
    expected = rows["expected"].iloc[rows["cells"].to_numpy().argmax()]
    if hotspot_map.method == "concentration":
        expected = rows["expected"].max()
    return _is_too_few(float(expected) if np.isfinite(expected) else 0.0, hotspot_map.q / len(rows))


def _describe_verdict(hotspot_map: HotspotMap, row: Row, side: str) -> tuple[str, str]:
    """The beginning of the sentence (what the cell is) and its end (how often chance alone would do that)."""
    p, kind = float(row["p_value"]), row["hotspot"]
    often = f" By chance, {format_odds(p)} maps would have {'as many' if side == HOT else 'as few'} here"
    if kind == HOT and not row["count"]:
        return "Part of a hotspot", f"{often}. None of them lie in this cell itself."
    if kind == HOT:
        return "A hotspot", f"{often}."
    if kind == COLD:
        return "A cold spot", f"{often}."
    if _is_too_few(float(row["expected"]), hotspot_map.q / len(hotspot_map.rows)):
        return "Too few events to say", " Even six times as many might not stand out."
    if p >= _ORDINARY_SHARE:
        return "No clear difference", ""
    name = "hotspot" if side == HOT else "cold spot"
    is_lone = side == HOT and float(row["largest"]) > float(row["neighbourhood"]) / 2
    hint = " Most lie in one cell." if is_lone else ""
    return f"Not a {name}", f"{often}, too often to be sure among {len(hotspot_map.rows):,} cells.{hint}"


def _format_average(value: float) -> str:
    """With a decimal while it is small."""
    return format_number(value) if value < _SMALL else format_about(value)


def _is_too_few(expected: float, level: float) -> bool:
    """Whether even _TIMES_AVERAGE times as many could be chance, if events fell evenly (Poisson)."""
    return bool(poisson_at_least(np.ceil(_TIMES_AVERAGE * expected), expected) > level)


def _describe_background(side: str, *, any_spot: bool) -> str:
    """Where the average is taken: the background of the test, without the clearest hotspots (or cold spots)."""
    if not any_spot:
        return "anywhere here"
    return f"away from the clearest {'hotspots' if side == HOT else 'cold spots'}"


def _format_period(hotspot_map: HotspotMap) -> str:
    """The period, and the filter's other conditions."""
    limits = f" ({', '.join(hotspot_map.limits)})" if hotspot_map.limits else ""
    if hotspot_map.period is None:
        return limits
    days = hotspot_map.known_days
    whole = (hotspot_map.period[1] - hotspot_map.period[0]).days
    if days < whole:
        return f" in {format_number(days)} known {'day' if days == 1 else 'days'}{limits}"
    return (f" in {format_number(days)} days" if days > 1 else f" on {format_span(*hotspot_map.period)}") + limits
