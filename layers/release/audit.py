"""The audit of a release directory: whether anything small can be proved from it and from all releases before it.

It knows the rule, all places, and everything published; it uses nothing of what builds releases but the file format.
Series are safe because their parts are: every event counts in one period of one layer, so periods and layers are
independent, and each is decided exactly by `geo.audit`. That holds only if no number was ever published a second time
in another way, so the audit also looks for everything that breaks it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely

from geo.audit import TreeAudit, audit
from geo.errors import PolicyError
from layers.release.conditions import find_broken_conditions
from layers.release.disclosure import Disclosure
from layers.release.files import build_release_files
from layers.release.format import Period, Place, Release, ReleasedLayer
from layers.release.ground import find_broken_places
from layers.release.reading import parse_release, read_files

__all__ = ["AuditReport", "Disclosure", "LayerAudit", "audit_folder", "audit_release", "require_audited"]


@dataclass(frozen=True, slots=True)
class LayerAudit:
    """What was tried of one layer: its periods, numbers, and sets of unpublished pieces as a power of two.

    `narrowest`: the fewest values that an unpublished piece of a block can have; `narrowest_union`: pieces of a block
    together, where k stands for k or more (`geo.audit.TreeAudit` says among which sets); both empty if there is none.
    Of `pieces_in_blocks` unpublished pieces of blocks `likely_small` hold 1 to k - 1 with odds of 95 %.
    """

    layer: str
    k: int
    periods: int
    blocks: int
    sets_log2: int
    narrowest: tuple[int, ...]
    narrowest_union: tuple[int, ...]
    pieces_in_blocks: int
    likely_small: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was tried and found.

    `trees` layers and periods, `blocks` numbers; `sets_log2`: all sets of so many unpublished pieces, pieces of
    different periods together, were decided; `narrowest`: the fewest values that such a piece of a block can have;
    `pieces_in_blocks` of them, `likely_small` with odds of 95 % for 1 to k - 1. `releases` is how many were looked at;
    `layers` the same for each layer.
    """

    findings: tuple[Disclosure, ...]
    releases: int
    trees: int
    blocks: int
    sets_log2: int
    narrowest: tuple[int, ...]
    pieces_in_blocks: int
    likely_small: int
    missing_before: int
    layers: tuple[LayerAudit, ...] = ()


def audit_folder(folder: Path, *, before: Sequence[Release] = (), more: Iterable[Disclosure] = ()) -> AuditReport:
    """The audit of a directory as it lies there, its bytes included; DataError if it is no release.

    `before` and `more` are as for `audit_release`.
    """
    files = read_files(folder)
    release = parse_release(files, name=folder.name)
    extra = sorted(path.name for path in folder.iterdir() if path.name not in files)
    remade = _remake_files(release)
    changed = sorted(name for name in files if remade.get(name) != files[name])
    bytewise = [Disclosure("", "", name, "a file that is no part of a release") for name in extra]
    bytewise += [Disclosure("", "", name, "holds more, or in another order, than its values") for name in changed]
    return audit_release(release, before=before, more=[*bytewise, *more])


def require_audited(release: Release) -> None:
    """PolicyError if the audit of a release by itself finds anything: nothing else is shown to the public."""
    found = audit_release(release).findings
    if found:
        first = " ".join(part for part in (found[0].layer, found[0].period, found[0].place) if part)
        raise PolicyError(
            "The public is shown a release in which the audit finds nothing",
            f"it finds {len(found):,}, the first: {first}: {found[0].reason}",
            "see hexbeat release audit DIR, and build the release again",
        )


def _remake_files(release: Release) -> dict[str, bytes]:
    """The files of its values; none where release.json says too little to write them."""
    try:
        return build_release_files(release)
    except (KeyError, TypeError):
        return {}


def audit_release(release: Release, *, before: Sequence[Release] = (), more: Iterable[Disclosure] = ()) -> AuditReport:
    """The audit of a release and of all before it, the oldest first; `more` are findings from elsewhere."""
    series = [*before, release]
    terms = [*find_broken_conditions(release), *find_broken_places(release)]
    findings = [*more, *terms, *(found for pair in pairwise(series) for found in _between(*pair))]
    audited = []
    for layer in release.layers:
        places = [place for place in release.places.values() if place.place_set == layer.place_set]
        trees = [_audit_tree(release, layer, period, places) for period in layer.periods]
        audited.append(_join_audits(layer, trees))
        findings += [
            Disclosure(layer.name, period.name, places[found.node].label, found.reason, found.possible)
            for period, tree in zip(layer.periods, trees, strict=True)
            for found in tree.findings
        ]
    return AuditReport(
        findings=tuple(findings),
        releases=len(series),
        trees=sum(layer.periods for layer in audited),
        blocks=sum(layer.blocks for layer in audited),
        sets_log2=sum(layer.sets_log2 for layer in audited),
        narrowest=_narrowest(layer.narrowest for layer in audited),
        pieces_in_blocks=sum(layer.pieces_in_blocks for layer in audited),
        likely_small=sum(layer.likely_small for layer in audited),
        missing_before=max(0, len(release.facts.get("previous", [])) - len(before)),
        layers=tuple(audited),
    )


def _join_audits(layer: ReleasedLayer, trees: Sequence[TreeAudit]) -> LayerAudit:
    return LayerAudit(
        layer.name,
        layer.k,
        len(trees),
        sum(tree.blocks for tree in trees),
        sum(tree.sets_log2 for tree in trees),
        _narrowest(tree.narrowest for tree in trees),
        _narrowest(tree.narrowest_union for tree in trees),
        sum(tree.leaves_in_blocks for tree in trees),
        sum(tree.likely_small for tree in trees),
    )


def _narrowest(values: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The shortest that is not empty."""
    return min((some for some in values if some), key=len, default=())


def _audit_tree(release: Release, layer: ReleasedLayer, period: Period, places: list[Place]) -> TreeAudit:
    number = {place.place_id: k for k, place in enumerate(places)}
    parent = np.array([number.get(place.parent_id or "", -1) for place in places], dtype=np.int64)
    published, count = np.zeros(len(places), dtype=bool), np.zeros(len(places), dtype=np.int64)
    for block in release.blocks_of(layer.name, period.name):
        published[number[block.place_id]], count[number[block.place_id]] = True, block.count
    return audit(published, count, parent, k=layer.k, half_full=layer.half_full)


def _between(earlier: Release, later: Release) -> list[Disclosure]:
    """What a later release may not do to an earlier one: count the same events in another way."""
    found = []
    layers = {layer.name: layer for layer in later.layers}
    if earlier.facts["area"]["name"] != later.facts["area"]["name"]:
        return _goes_on(earlier, layers)
    for old in earlier.layers:
        new = layers.get(old.name)
        if new is None:
            found.append(Disclosure(old.name, "", "", "an earlier release had this layer"))
            continue
        before, now = _terms(earlier, old), _terms(later, new)
        if before != now:
            found.append(Disclosure(old.name, "", "", "an earlier release had another k, period length or geometry"))
        if new.periods[: len(old.periods)] != old.periods:
            found.append(Disclosure(old.name, "", "", "an earlier release had other periods"))
        found += [
            Disclosure(old.name, period.name, "", "an earlier release had other numbers")
            for period in old.periods
            if _numbers(earlier, old.name, period.name) != _numbers(later, old.name, period.name)
        ]
    return found


def _goes_on(earlier: Release, layers: Mapping[str, ReleasedLayer]) -> list[Disclosure]:
    """New wards begin with a new period: no day of a layer may have been published for another area before."""
    return [
        Disclosure(old.name, period.name, "", "an earlier release of another area holds days of this period")
        for old in earlier.layers
        for period in (layers[old.name].periods if old.name in layers else ())
        if any(period.start < other.end and other.start < period.end for other in old.periods)
    ]


def _terms(release: Release, layer: ReleasedLayer) -> tuple[object, ...]:
    """All that may not change from release to release, numbers and periods apart."""
    return layer.k, layer.months, layer.minimum_places, layer.half_full, _outlines(release, layer.place_set)


def _outlines(release: Release, place_set: str) -> list[tuple[object, ...]]:
    chosen = [place for place in release.places.values() if place.place_set == place_set]
    return [
        (place.place_id, place.level, place.parent_id, place.possible_places, shapely.to_wkb(place.outline))
        for place in chosen
    ]


def _numbers(release: Release, layer: str, period: str) -> dict[str, int]:
    return {block.place_id: block.count for block in release.blocks_of(layer, period)}
