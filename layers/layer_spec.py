"""What the file of a layer states: its words, its mark, its parts in the work, and its defaults."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from geo.errors import UsageError
from layers.event import Reporter
from layers.roles import Detail, Role

__all__ = [
    "COUNCIL_CONTACT",
    "WORKING_DAYS",
    "Advice",
    "DemonstrationSpec",
    "DemonstrationSweeps",
    "LayerSpec",
    "LogNormal",
    "MarkShape",
    "RecordKind",
    "ReleaseDefaults",
    "Rhythm",
    "SourceWords",
]

COUNCIL_CONTACT: Final = "{needle}"  # a line of advice that each installation fills in: whom to contact
MarkShape = Literal["dot", "square", "triangle", "diamond", "cross"]  # shapes that differ in black and white too


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice to the public. A line may be COUNCIL_CONTACT."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDefaults:
    """How the layer is released unless `release.toml` says otherwise; `hexbeat.release.policy` explains each field."""

    k: int
    months: int
    places: Literal["pieces", "borough"]
    counted: str  # for the public: what counts once, and when
    minimum_places: int | None = None
    half_full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWords:
    """What files call the layer.

    `names` are whole values, in any case, of a column that names the layer; the layer's own name always counts.
    `services` are parts of the names of services to which people report (Open311). `guess` is a pattern for file names,
    headings and values of files that no profile fits. A `general` pattern is tried after those of other layers.
    """

    names: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    guess: str = ""
    general: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often something happens by weekday (Monday first, 7 weights), hour and season.

    `peaks` are (hour, width in hours, height), on top of `floor`. `summer` is how much more happens in July than on
    average, as a share.
    """

    weekdays: tuple[float, ...]
    peaks: tuple[tuple[float, float, float], ...]
    floor: float
    summer: float


# Working days, around noon, the same all year.
WORKING_DAYS: Final = Rhythm((1, 1, 1, 1, 1, 0, 0), ((12.5, 1.8, 1.0),), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RecordKind:
    """One kind of record of a layer: its category, its reporter, its share, and the precision of its time.

    `minute`, `day` and `month` are shares of time precision; the rest lies between two known times.
    """

    category: str
    reported_by: Reporter
    share: float
    minute: float
    day: float = 0.0
    month: float = 0.0


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Whole quantities drawn from a log-normal distribution, cut to `least` and `most`."""

    mean: float
    sigma: float
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationSweeps:
    """Finds of planned sweeps: their share of the layer's events, on which days, of which kind, how many at a time."""

    share: float
    rhythm: Rhythm
    kinds: tuple[RecordKind, ...]
    quantity: LogNormal


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationSpec:
    """How the layer's synthetic events are drawn.

    `share` is of all events; None: what the other layers leave. `most` is the greatest number. `repeated_share` of them
    are near repeats of others. `heeds_closures`: there are fewer near a closure. `spike`: one fortnight has very many.
    `hotspot`: there is a new hotspot, or one that fades. `steady` says in which of every three steady hotspots the
    layer takes part, and in which place among the layers there: (turn, place). `status` is that of answered reports.
    """

    share: float | None
    rhythm: Rhythm
    kinds: tuple[RecordKind, ...] = ()
    most: int | None = None
    repeated_share: float = 0.0
    heeds_closures: bool = False
    spike: bool = False
    hotspot: Literal["new", "fading"] | None = None
    steady: tuple[tuple[int, int], ...] = ()
    quantity: LogNormal | None = None  # None: 1
    status: str | None = None
    sweeps: DemonstrationSweeps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec:
    """One layer: all that is particular to it.

    `kind` is "incident" (counted when it occurs; an interval counts in shares) or "state" (counted while in force).
    `access` says how finely each role sees its events, unless `policy.toml` says otherwise; a role that it does not
    name sees nothing (`layers.policy`). Without `release` it is not released. Without `demonstration` it is not in the
    demonstration. UsageError for kinds of records whose category
    is not in `categories`.
    """

    name: str
    title: str  # "Needle finds"
    short: str  # "needles": one lower-case word where room is short
    one: str  # "needle find"
    many: str  # "needle finds"
    item: str  # what quantity counts, plural: "needles"
    kind: Literal["incident", "state"]
    mark: MarkShape  # on printed maps
    categories: tuple[str, ...] = ()  # the usual ones; a source may have others
    usual_reporter: Reporter = (
        "public"  # where a source does not name the reporter, or names one that its profile does not know
    )
    open_end_months: int | None = None  # a state without an end is taken to last this long

    swept: bool = False  # sweeps are planned for it, and collect it; true of one layer
    naloxone: bool = False  # naloxone cover is measured for it; true of one layer
    searches: tuple[str, str] | None = None  # what its records by officers are called, if these are searches: one, many
    alert_form: bool = False  # people are in danger: its alerts come first and draft a form for the drug services
    evidence_caution: str = ""  # why an evidence pack has it only if it is chosen by name; "": a pack always has it
    usual_target: bool = False  # patrol plans and evaluations use it where nobody chose others

    words: SourceWords = SourceWords()
    access: tuple[tuple[Role, Detail], ...] = ()
    advice: Advice | None = None
    release: ReleaseDefaults | None = None
    demonstration: DemonstrationSpec | None = None

    def __post_init__(self) -> None:
        drawn = self.demonstration
        kinds = (*drawn.kinds, *(drawn.sweeps.kinds if drawn.sweeps else ())) if drawn else ()
        foreign = sorted({kind.category for kind in kinds} - set(self.categories))
        if foreign:
            raise UsageError(
                "A demonstration can only draw categories that its layer names",
                f"{self.name} does not name {', '.join(foreign)}",
                "add them to its categories",
            )

    def as_searches(self) -> "LayerSpec":
        """The layer under the names of its searches by officers; itself if it has none."""
        return replace(self, one=self.searches[0], many=self.searches[1]) if self.searches else self

    @property
    def in_evidence(self) -> bool:
        """Whether an evidence pack has it without being asked for it by name."""
        return not self.evidence_caution

    @property
    def patrolled(self) -> bool:
        """Whether patrols are planned for it: for incidents that are not swept. A state is a decision, not a call."""
        return self.kind == "incident" and not self.swept
