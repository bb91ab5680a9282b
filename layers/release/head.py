"""What the store knows of its public releases: the checksum of each, so that a lost or older register is noticed.

The register in the home folder is what later releases are held to. Home folder and store can be lost, restored or moved
apart; the store then refuses to publish again what it was published from already.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo.errors import PolicyError
from layers.access import Action, Viewer, require
from layers.storage.schema import published
from layers.storage.state import reading, working

if TYPE_CHECKING:
    from layers.storage.store import Store

__all__ = ["record_head", "require_whole_register"]


def require_whole_register(store: "Store", viewer: Viewer, registered: Mapping[tuple[str, int], str]) -> None:
    """PolicyError if the store knows of a release that the register (area and number: checksum) does not hold."""
    require(viewer, Action.EXPORT)
    with reading(store.engine) as connection:
        known = connection.execute(sa.select(published).order_by(published.c.area, published.c.number)).all()
    for area, number, checksum in known:
        if registered.get((area, number)) != checksum:
            fact = "another one than the register has" if (area, number) in registered else "and the register has none"
            raise PolicyError(
                "The register holds every release that was ever made of this store",
                f"the store knows number {number} of {area}, {fact}",
                "put the folder published back from a copy; without it nothing can be published",
            )


def record_head(store: "Store", viewer: Viewer, area: str, number: int, checksum: str) -> None:
    """Note a release in the store, before it is handed out."""
    require(viewer, Action.EXPORT)
    with working(store.engine) as connection:
        mine = sa.and_(published.c.area == area, published.c.number == number)
        if connection.execute(sa.select(published.c.number).where(mine)).first() is None:
            connection.execute(sa.insert(published).values(area=area, number=number, checksum=checksum))
