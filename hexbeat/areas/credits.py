"""Who published the wards, streets and names of places: the sentences that their licences require."""

from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.streets import read_streets

__all__ = ["format_credits", "list_credits", "list_name_credits"]


def list_credits(area: Area, *, streets: bool = False) -> list[str]:
    """The credits of an area's wards, of its `streets` if they are drawn, and of the names of its places."""
    drawn = read_streets(area) if streets else None
    return [*filter(None, [area.attribution]), *(drawn.credits if drawn else []), *list_name_credits(area)]


def format_credits(area: Area, *, streets: bool = False) -> str:
    """`list_credits` in one line, each with its full stop."""
    return " ".join(f"{credit.removesuffix('.')}." for credit in list_credits(area, streets=streets))


def list_name_credits(area: Area) -> list[str]:
    """The credit of the area's gazetteer in one line, a sentence for each source; those of the wards are not repeated.

    Empty if the area has no gazetteer, or if nothing is left to say.
    """
    gazetteer = read_gazetteer(area)
    texts = [text.strip(" .") for text in gazetteer.name_attributions] if gazetteer else []
    left = [f"{text}." for text in texts if text and text not in area.attribution]
    return [" ".join(left)] if left else []
