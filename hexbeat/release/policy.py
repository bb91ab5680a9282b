"""The publisher's choices: for each layer a threshold, a period, the places, a minimum of places."""

import datetime as dt
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from geo.errors import PolicyError
from hexbeat.store.shared_documents import DocumentKind, SharedDocuments
from layers.catalogue import LAYER_NAMES, LAYERS

__all__ = ["POLICY_FILE", "LayerPolicy", "ReleasePolicy", "list_default_entries", "load_policy"]

POLICY_FILE: Final = "release.toml"
DEFAULT: Final = Path(__file__).with_name("policy.toml")
PERIOD_MONTHS: Final = (1, 3, 6, 12)
PLACES: Final = ("pieces", "borough")
LEAST_K: Final = 3
LAYER_KEYS: Final = {"k": int, "months": int, "places": str, "counted": str, "minimum_places": int,
                     "half_full": bool}  # fmt: skip
KEYS: Final = {"licence": str, "floor": float, "first": str, "layers": dict, "sources": list}
_HINT: Final = "see docs/publishing.md"


@dataclass(frozen=True, slots=True)
class LayerPolicy:
    """How one layer is released. `places` is "pieces" or "borough"; `minimum_places` None: no minimum.

    `half_full`: of several places together at most half of what they could have is shown (`geo.disclosure`).
    """

    name: str
    k: int
    months: int
    places: str
    minimum_places: int | None
    half_full: bool
    counted: str

    @property
    def place_set(self) -> str:
        """The name of its set of places: fine, coarse-5 (pieces of five possible places, none touching) or whole."""
        if self.places == "borough":
            return "whole"
        return f"coarse-{self.least_spots}" if self.least_spots > 1 else "fine"

    @property
    def least_spots(self) -> int:
        """How many possible places every piece must have: 2 P - 1 for a minimum of P, which keeps the rule safe."""
        return 2 * self.minimum_places - 1 if self.minimum_places else 1


@dataclass(frozen=True, slots=True)
class ReleasePolicy:
    """The whole policy. `first` is the day from which periods are published, None for three years before the first."""

    licence: str
    floor: float
    first: dt.date | None
    layers: tuple[LayerPolicy, ...]
    sources: tuple[dict[str, str], ...]


def load_policy(documents: SharedDocuments | None = None) -> ReleasePolicy:
    """The policy of release.toml, which all share, else the layers' own defaults; PolicyError if it is unsafe.

    Without release.toml, the settings that are not of one layer come from policy.toml. Its tables of layers are there
    to be copied.

    Unsafe are: a threshold under 3 or under the minimum of places, periods that do not divide a year, a layer that is
    part of another, and anything that this version does not know.
    """
    name = POLICY_FILE
    try:
        own = documents.read(DocumentKind.SETTING, POLICY_FILE) if documents else None
        name = POLICY_FILE if own else DEFAULT.name
        table = tomllib.loads((own.content if own else DEFAULT.read_bytes()).decode("utf-8"))
        first = dt.date.fromisoformat(table["first"]) if "first" in table else None
    except (OSError, ValueError, TypeError) as error:
        raise _build_refusal(f"{name} cannot be read ({type(error).__name__}: {error})") from error
    _require_types(table, KEYS, name)
    entries = table.get("layers", {}) if own else list_default_entries()
    layers = tuple(_parse_layer(name, entry) for name, entry in entries.items())
    if not layers:
        raise _build_refusal(f"{name} names no layer")
    floor = table.get("floor", 0.0)
    if not 0 <= floor < 1:
        raise _build_refusal(f"floor is {floor}; it has to be a share of a cell, from 0 to 1")
    ordered = tuple(sorted(layers, key=lambda layer: LAYER_NAMES.index(layer.name)))
    sources = tuple(_parse_source(entry) for entry in table.get("sources", []))
    return ReleasePolicy(str(table.get("licence", "")), floor, first, ordered, sources)


def list_default_entries() -> dict[str, dict[str, Any]]:
    """The default release settings of each layer by name, in the form of a table of release.toml."""
    tables = {spec.name: asdict(spec.release) for spec in LAYERS if spec.release}
    return {name: {key: value for key, value in table.items() if value is not None} for name, table in tables.items()}


def _parse_layer(name: str, entry: Any) -> LayerPolicy:
    if name not in LAYER_NAMES:
        layer_names = ", ".join(LAYER_NAMES)
        raise PolicyError(
            "Only whole layers can be released: a layer inside another would prove the numbers between them",
            f"{name!r} is not a layer",
            f"choose from {layer_names}",
        )
    if not isinstance(entry, dict):
        raise _build_refusal(f"{name} is not a table")
    _require_types(entry, LAYER_KEYS, name)
    missing = [key for key in ("k", "months", "places", "counted") if key not in entry]
    if missing:
        raise _build_refusal(f"{name} lacks {', '.join(missing)}")
    layer = LayerPolicy(
        name, entry["k"], entry["months"], entry["places"], entry.get("minimum_places"),
        entry.get("half_full", False), entry["counted"],
    )  # fmt: skip
    fewest = layer.minimum_places
    if layer.k < max(LEAST_K, fewest or 0):
        raise _build_refusal(
            f"k of {name} is {layer.k}; it has to be {LEAST_K} or more, and at least the minimum of places"
        )
    if fewest is not None and fewest < 2:  # noqa: PLR2004 - one place is no minimum
        raise _build_refusal(f"the minimum of places of {name} is {fewest}; it has to be 2 or more, or left out")
    if layer.months not in PERIOD_MONTHS:
        raise _build_refusal(f"the period of {name} is {layer.months} months; it has to be 1, 3, 6 or 12")
    if layer.places not in PLACES:
        raise _build_refusal(f"places of {name} is {layer.places!r}; it has to be {' or '.join(PLACES)}")
    if layer.places == "borough" and fewest is not None:
        raise _build_refusal(f"{name} has a minimum of places for the whole borough; only pieces can have one")
    return layer


def _require_types(table: dict[str, Any], kinds: dict[str, type], what: str) -> None:
    wrong = sorted(
        key
        for key, value in table.items()
        if key not in kinds or type(value) not in (kinds[key], _find_other_type(kinds[key]))
    )
    if wrong:
        raise _build_refusal(f"{what} has {', '.join(wrong)}, which is unknown or of the wrong type")


def _find_other_type(kind: type) -> type:
    """The other type that a value may have: TOML may have 0 for 0.0."""
    return int if kind is float else kind


def _parse_source(entry: Any) -> dict[str, str]:
    names = ("name", "title", "note")
    if not isinstance(entry, dict) or set(entry) != set(names) or not all(isinstance(v, str) for v in entry.values()):
        raise _build_refusal("a source needs exactly a name, a title and a note, as texts")
    return {name: entry[name] for name in names}


def _build_refusal(fact: str) -> PolicyError:
    return PolicyError("A release policy has to keep to what is proved safe", fact, _HINT)
