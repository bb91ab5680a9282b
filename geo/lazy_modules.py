"""Packages that take long to import, imported when something of them is first used.

A command line is started hundreds of times a day, and most commands need few packages. A module names such a package
twice, once for the type checker and once for the program, and quotes the annotations that use it:

    if TYPE_CHECKING:
        import pandas as pd
    else:
        pd = import_lazily("pandas")
"""

from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["import_lazily"]


class _LazyModule(ModuleType):
    """Stands in for a module. It never enters `sys.modules`, so other packages see only what is really loaded."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def import_lazily(name: str) -> Any:
    """The module of that dotted name, imported when an attribute of it is first asked for.

    Errors of the import come then too: ImportError if there is no such module.
    """
    return _LazyModule(name)
