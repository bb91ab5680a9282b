"""The words of names, as they are compared: without case, accents and punctuation, short forms written out."""

import re
import unicodedata
from typing import Final

from rapidfuzz.distance import OSA

__all__ = ["covers_name", "split_name"]

# How people shorten the words of names; "st" is a street at the end of a name and a saint before another word.
_SHORT_WORDS: Final = {
    "rd": "road", "str": "street", "ave": "avenue", "av": "avenue", "dr": "drive", "ln": "lane", "cl": "close",
    "cres": "crescent", "cresc": "crescent", "gdns": "gardens", "gdn": "garden", "pl": "place", "sq": "square",
    "ct": "court", "crt": "court", "tce": "terrace", "terr": "terrace", "ter": "terrace", "gr": "grove", "gro": "grove",
    "pk": "park", "wy": "way", "ho": "house", "bldgs": "buildings", "hosp": "hospital", "stn": "station",
    "sch": "school", "prim": "primary", "coll": "college", "n": "north", "s": "south", "e": "east", "w": "west",
    "mt": "mount", "saint": "st",
}  # fmt: skip


def split_name(text: str) -> list[str]:
    """The words of a name as they are compared: lower case, no accents, no punctuation, short forms written out."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = re.sub(r"[^\w\s]", " ", re.sub(r"['\u2019`]", "", plain)).replace("_", " ").split()
    last = len(words) - 1
    return [
        "street" if word == "st" and place == last and place > 0 else _SHORT_WORDS.get(word, word)
        for place, word in enumerate(words)
    ]


def covers_name(words: str, name: str) -> bool:
    """Whether each word of a name is among the words that were typed: begun, or with at most one typing error."""
    typed = split_name(words)
    return all(
        any(known.startswith(word) or OSA.distance(known, word, score_cutoff=1) <= 1 for word in typed)
        for known in split_name(name)
    )
