"""What each statistic on a screen means, in plain words: in place, folded away, and all together on one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from layers.wording import escape_html

__all__ = ["MEANINGS", "QUESTION", "Meaning", "render_meaning", "render_sentences"]

QUESTION: Final = "What does this mean?"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one thing on a screen means: its title, sentences, and where it misleads."""

    title: str
    sentences: tuple[str, ...]


MEANINGS: Final = {
    "counts": Meaning(
        "A number of records",
        (
            "It is what was recorded, and not what happened. Where more people report, more is found.",
            "Some records are known only to their month. Each counts by its share of the period.",
            "Not known is not none: nobody counted on those days.",
            "A busy cell may be no riskier than a quiet one, because more people are there.",
        ),
    ),
    "hotspots": Meaning(
        "A hotspot",
        (
            "It has at least twice as many records as the places around it: too many for chance, and on several days.",
            "At most 1 in 20 of the places that stand out is expected to be a false alarm.",
            "Not significant means that nobody can be sure. It does not mean that nothing happened there.",
            "A hotspot is a place. It says nothing about the people who live there.",
        ),
    ),
    "change": Meaning(
        "More or fewer than before",
        (
            "The number is compared with the period before, or with the one that you chose.",
            "1.9 to 4.8 times as many: the truth most likely lies in this range.",
            "If the range includes 1, there is no clear change.",
            "Too few events to say: no answer could have been sure, whatever had happened. It is not all is well.",
            "A line marks places where the change is more than chance would easily explain. Colours alone do not.",
        ),
    ),
    "expected": Meaning(
        "Where to look first",
        (
            (
                "The places to look at first held the largest share of records in the weeks that were tested. Every "
                "week was forecast from the weeks before it alone."
            ),
            "If the first 2 % of the area held 41 % of records, then 59 % were elsewhere.",
            "It is a list of where to go first. It is no forecast for one place, and no sign of what anybody will do.",
            "Where nobody reports, nothing is expected.",
        ),
    ),
    "alerts": Meaning(
        "An alert",
        (
            "Some days had far more of something than the weeks before.",
            "An alert is a question. Recording may have changed, and chance alone brings some every month.",
            "One that is far above what is usual is worth a telephone call.",
        ),
    ),
    "emerging": Meaning(
        "The pattern of a place",
        (
            (
                "The period is cut into parts of equal length. Each part has its own hotspots, and the pattern says in "
                "which parts the place was one."
            ),
            "New means in the last part only. Persistent means in nearly all of them.",
            "No significant trend means that none of the patterns fits. It does not mean that nothing changes.",
        ),
    ),
    "rhythm": Meaning(
        "The busiest hours",
        (
            "Each square is an hour of a weekday. Only records that have a time of day count.",
            "A shift is named as the busiest only if chance would not easily explain its lead over the next.",
            "A time of report can be hours after the event.",
        ),
    ),
    "backtest": Meaning(
        "The test of forecasts",
        (
            "For each of the last weeks, each method saw only the weeks before it. It chose a small part of the area.",
            "Caught is the share of that week's records that fell into this part.",
            "PAI says how many times more than by choosing at random. 1 is no better than random.",
            "PEI compares with the best choice that was possible in hindsight. 1 is as good as that.",
            "RRI is what was predicted for each record that came. 1 is right, and 2 is twice too many.",
            "In brackets is the range in which the truth most likely lies.",
        ),
    ),
    "repeats": Meaning(
        "Near repeats",
        (
            "1.5 means half as many pairs again as there would be if the days of the records were shuffled.",
            "Raised means that shuffling rarely gives as many. About 1 in 20 of these is a false alarm.",
            "A place that became busier over the year looks like repeats. Choose a short period.",
        ),
    ),
    "outcome": Meaning(
        "Did it work?",
        (
            "Expected is what would have happened without the action, going by similar places where nothing was done.",
            "The interval is the range in which the true difference most likely lies.",
            "If it includes 0, nobody can say that anything changed.",
            "Next door shows whether things only moved.",
            "Too few events to say is an answer. Wait longer, or take several places together.",
        ),
    ),
    "precision": Meaning(
        "How well places are known",
        (
            "Some sources move records to a nearby point, or know only the postcode.",
            "Cells are then no smaller than the records know.",
        ),
    ),
}


def render_meaning(name: str) -> str:
    """The meaning of one thing, folded away under the question. The names are the keys of MEANINGS."""
    return (
        f'<details class="hb-sure hb-meaning"><summary>{QUESTION}<span class="hb-sr"> '
        f"{escape_html(MEANINGS[name].title)}</span></summary>{render_sentences(MEANINGS[name].sentences)}</details>"
    )


def render_sentences(sentences: Sequence[str]) -> str:
    """Sentences as a list."""
    return f'<ul class="hb-notes">{"".join(f"<li>{escape_html(sentence)}</li>" for sentence in sentences)}</ul>'
