"""The layers in their fixed order: a layer's code is its place in this order.

`LAYERS` and `LAYER_NAMES` are views, so whoever holds them also sees a layer that is registered later.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeVar, overload

from geo.errors import UsageError
from layers.closed_properties import CLOSED_PROPERTIES
from layers.layer_spec import LayerSpec
from layers.needle_litter import NEEDLE_LITTER
from layers.overdoses import OVERDOSES
from layers.street_dealing import STREET_DEALING

__all__ = [
    "LAYERS",
    "LAYER_NAMES",
    "OnlyOne",
    "find_layer",
    "find_layer_code",
    "find_only_layer",
    "format_layer_number",
    "list_usual_targets",
    "register",
    "unregister",
]

T = TypeVar("T")
OnlyOne = Literal["swept", "naloxone"]  # parts of the work that only one layer has
_ONLY_ONE: Final[tuple[OnlyOne, ...]] = ("swept", "naloxone")
_MOST: Final = 127  # a layer's code is one byte in the columns, and -1 means no layer
_NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class _View(Sequence[T]):
    """A list that can be read, not changed."""

    def __init__(self, items: list[T]) -> None:
        self._items = items

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        return self._items[place]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(tuple(self._items))


_specs: Final = [NEEDLE_LITTER, STREET_DEALING, OVERDOSES, CLOSED_PROPERTIES]
_names: Final = [spec.name for spec in _specs]
LAYERS: Final[Sequence[LayerSpec]] = _View(_specs)
LAYER_NAMES: Final[Sequence[str]] = _View(_names)


def register(spec: LayerSpec) -> None:
    """Add a layer after the others, whose codes stay as they are.

    UsageError if its name or its mark is taken, if it has a part that only one layer can have, or for too many layers.
    """
    for fact, is_true in (
        (f"another layer has the name {spec.name}", spec.name in _names),
        (f"another layer has the mark {spec.mark}", any(spec.mark == other.mark for other in _specs)),
        *(
            (
                f"another layer has the part {part}",
                getattr(spec, part) and any(getattr(other, part) for other in _specs),
            )
            for part in _ONLY_ONE
        ),
        (f"there are {len(_specs)} layers already", len(_specs) >= _MOST),
    ):
        if is_true:
            raise UsageError(
                "A layer needs a name, a mark and a code of its own", fact, "choose another, or leave this layer out"
            )
    _specs.append(spec)
    _names.append(spec.name)


def unregister(name: str) -> None:
    """Remove the last layer; UsageError for any other, because the codes of later layers depend on it. For tests."""
    if not _names or _names[-1] != name:
        raise UsageError(
            "Only the last layer can be removed", f"{name!r} is not the last", "remove the later layers first"
        )
    _specs.pop()
    _names.pop()


def format_layer_number() -> str:
    """How many layers there are, as in "four"."""
    return _NUMBERS[len(_specs)] if len(_specs) < len(_NUMBERS) else str(len(_specs))


def find_layer_code(name: str) -> int:
    """The place of a layer in LAYERS; UsageError if there is no such layer."""
    if name not in LAYER_NAMES:
        raise UsageError(
            f"A layer is one of the {format_layer_number()}",
            f"there is no layer {name!r}",
            f"choose from {', '.join(LAYER_NAMES)}",
        )
    return LAYER_NAMES.index(name)


def find_layer(name: str) -> LayerSpec:
    """The layer of that name; UsageError if there is none."""
    return LAYERS[find_layer_code(name)]


def list_usual_targets() -> list[str]:
    """The names of the layers that patrol plans and evaluations use where nobody chose others."""
    return [spec.name for spec in LAYERS if spec.usual_target]


def find_only_layer(part: OnlyOne) -> LayerSpec:
    """The layer that has a part of the work that only one layer has."""
    return next(spec for spec in LAYERS if getattr(spec, part))
