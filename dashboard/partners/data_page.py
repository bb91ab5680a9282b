"""The data page (to come)."""


def show(here, pages): ...
