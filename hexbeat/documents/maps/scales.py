"""Classes of counts and their colours: few, whole, rising geometrically, and the same while the filter changes.

The colours run from light to dark on a light background and from dark to light on a dark one, in steps of equal CIE
lightness, through yellow, orange, rose and violet. Lightness alone distinguishes the classes, so the scale works in
print, in grey and for the colour-blind; the hue only helps. The values are written out, and the tests measure them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from geo.errors import UsageError

__all__ = [
    "BACKGROUND_DARK",
    "BACKGROUND_LIGHT",
    "OUTLINE_DARK",
    "OUTLINE_LIGHT",
    "TOO_FEW_CLASS",
    "Scale",
    "add_too_few_class",
    "build_change_scale",
    "build_count_scale",
    "build_forecast_scale",
    "build_hotspot_scale",
]

# The ward fill that cells lie on, and the line around every cell that keeps even the palest class visible.
BACKGROUND_LIGHT: Final = "#fbfcfc"
BACKGROUND_DARK: Final = "#1b2027"
OUTLINE_LIGHT: Final = "#55606c"
OUTLINE_DARK: Final = "#7f8b98"

# CIE L* 88 to 16 on a light background, 30 to 90 on a dark one, in equal steps.
LIGHT: Final = {
    5: ("#fdd892", "#f4925d", "#cf4f72", "#832b7d", "#36165b"),
    6: ("#fdd892", "#f8a15f", "#e16a67", "#b13f7a", "#71277b", "#36165b"),
    7: ("#fdd892", "#f9aa60", "#ed7a5d", "#cf4f72", "#9e347e", "#66237a", "#36165b"),
}
DARK: Final = {
    5: ("#70267b", "#b2407a", "#e36d66", "#f9a65f", "#fddf9b"),
    6: ("#70267b", "#a6397d", "#d4576f", "#f1825a", "#fbb261", "#fddf9b"),
    7: ("#70267b", "#9e347e", "#c74b74", "#e36d66", "#f4925d", "#fcba6a", "#fddf9b"),
}
# Fewer (blue), about the same (grey), more (orange): blue against orange holds for every kind of colour-blindness.
CHANGE_LIGHT: Final = ("#12436d", "#3f86bd", "#9cc6e4", "#dfe3e6", "#f6b877", "#d9762a", "#8a3b06")
CHANGE_DARK: Final = ("#a9d3f2", "#4f97d0", "#2a5f8c", "#3a424c", "#8f5220", "#d9792f", "#fcc48a")

# Cold (blue), not significant (grey), hot (orange): each a clear step of lightness from the next, on either background.
HOT_LIGHT: Final = ("#5b9fd0", "#e3e6e9", "#b9480e")
HOT_DARK: Final = ("#356f9f", "#343c45", "#f5a04c")
TOO_FEW_COLOURS: Final = ("#f4f5f6", "#232931")
TOO_FEW_CLASS: Final = 1e6  # the value of cells with too few events to say; no difference of counts is so large

FEWEST_CLASSES: Final = 5
RATIOS: Final = (2, 3, 4, 6, 10)
# Smaller than any share that a count can hold, so that "under 1" begins just above nothing.
SMALLEST_SHARE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Scale:
    """Class k holds values v with breaks[k] <= v < breaks[k + 1]; the last has no upper end.

    `light` and `dark` hold one "#rrggbb" a class for the two themes, `labels` what the legend says. A value below
    breaks[0] has no class and is not drawn.
    """

    breaks: tuple[float, ...]
    light: tuple[str, ...]
    dark: tuple[str, ...]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.breaks), len(self.light), len(self.dark), len(self.labels)}
        if len(lengths) != 1:
            raise UsageError(
                "A scale needs one colour for light, one for dark and one label a class",
                f"it has {len(self.breaks)} breaks, {len(self.light)} light and {len(self.dark)} dark colours, "
                f"{len(self.labels)} labels",
                "give as many of each as there are breaks",
            )
        if list(self.breaks) != sorted(set(self.breaks)):
            raise UsageError(
                "The breaks of a scale have to rise", f"these are {list(self.breaks)}", "sort them and drop repeats"
            )


def build_count_scale(maximum: float, *, shared: bool = False) -> Scale:
    """A scale for counts from 1 to `maximum`: 1, 2-3, 4-7, 8-15, 16+, and 16-31, 32+ where needed.

    The classes depend on `maximum` only by its bracket: five classes that double up to 31, six up to 63; beyond that
    six classes that rise by the first of 3, 4, 6 and 10 that leaves the last class no wider than its ratio. So give
    the maximum of the whole period, not of the filter, and the scale stays while the filter changes.

    `shared` says that some counts are shares (events known only to an interval): a class "under 1" is added below,
    and the labels speak of lower and upper ends instead of whole numbers.
    """
    if not math.isfinite(maximum):
        raise UsageError("A scale needs a finite maximum", f"it is {maximum}", "leave out empty values first")
    ratio, classes = choose_classes(maximum)
    starts = [ratio**k for k in range(classes)]
    breaks = tuple(map(float, starts))
    labels = format_share_labels(starts) if shared else format_whole_labels(starts)
    if shared:
        breaks = (SMALLEST_SHARE, *breaks)
    return Scale(breaks=breaks, light=LIGHT[len(breaks)], dark=DARK[len(breaks)], labels=labels)


def choose_classes(maximum: float) -> tuple[int, int]:
    """The ratio of each class to the one before it, and the number of classes."""
    if maximum < RATIOS[0] ** FEWEST_CLASSES:
        return RATIOS[0], FEWEST_CLASSES
    fitting = (ratio for ratio in RATIOS if maximum < ratio ** (FEWEST_CLASSES + 1))
    return next(fitting, RATIOS[-1]), FEWEST_CLASSES + 1


def format_whole_labels(starts: Sequence[int]) -> tuple[str, ...]:
    """Labels "1", "2\N{EN DASH}3", ... "16+" for classes of whole numbers that begin at `starts`."""
    ends = [start - 1 for start in starts[1:]]
    ranges = [
        f"{start:,}" if start == end else f"{start:,}\N{EN DASH}{end:,}"
        for start, end in zip(starts, ends, strict=False)
    ]
    return (*ranges, f"{starts[-1]:,}+")


def format_share_labels(starts: Sequence[int]) -> tuple[str, ...]:
    """Labels "under 1", "1 to under 2", ... "16+": a class holds its lower end and not its upper."""
    ranges = [f"{start:,} to under {end:,}" for start, end in pairwise(starts)]
    return ("under 1", *ranges, f"{starts[-1]:,}+")


def build_change_scale(largest: float, *, shared: bool = False) -> Scale:
    """A diverging scale for differences up to `largest` either way: three classes of fewer, three of more, a middle.

    "About the same" is less than 1 either way. The steps rise by the first ratio that holds `largest`, as in counts.
    On both sides a class holds its end nearer to 0 and not the other. `shared` is as in `build_count_scale`.
    """
    if not math.isfinite(largest):
        raise UsageError("A scale needs a finite maximum", f"it is {largest}", "leave out empty values first")
    ratio = next((ratio for ratio in RATIOS[1:] if abs(largest) < ratio**3), RATIOS[-1])
    steps = [1, ratio, ratio**2]
    sizes = (format_share_labels(steps) if shared else format_whole_labels(steps))[-len(steps) :]
    labels = (
        *(f"{size} fewer" for size in reversed(sizes)),
        "about the same",
        *(f"{size} more" for size in sizes),
    )
    fewer = [math.nextafter(-float(step), 0.0) for step in reversed(steps)]
    breaks = (-1e12, *fewer, *map(float, steps))
    return Scale(breaks=breaks, light=CHANGE_LIGHT, dark=CHANGE_DARK, labels=labels)


def add_too_few_class(scale: Scale, label: str) -> Scale:
    """The scale with one more class, the last, for cells whose value is TOO_FEW_CLASS: draw it hatched."""
    return Scale(
        breaks=(*scale.breaks, TOO_FEW_CLASS),
        light=(*scale.light, TOO_FEW_COLOURS[0]),
        dark=(*scale.dark, TOO_FEW_COLOURS[1]),
        labels=(*scale.labels, label),
    )


def build_forecast_scale(labels: tuple[str, str, str]) -> Scale:
    """Three classes that rise: 0 look last, 1 between, 2 look first; `labels` in that order."""
    return Scale(breaks=(0.0, 1.0, 2.0), light=LIGHT[5][::2], dark=DARK[5][::2], labels=labels)


def build_hotspot_scale(labels: tuple[str, str, str]) -> Scale:
    """Three classes: 0 cold spot, 1 not significant, 2 hotspot; `labels` in that order."""
    return Scale(breaks=(0.0, 1.0, 2.0), light=HOT_LIGHT, dark=HOT_DARK, labels=labels)
