"""A layer's file is checked when it is read."""

from dataclasses import replace

import pytest

from geo.errors import UsageError
from layers.overdoses import OVERDOSES


def test_a_demonstration_draws_categories_that_the_layer_names() -> None:
    with pytest.raises(UsageError) as caught:
        replace(OVERDOSES, categories=("fatal",))
    assert str(caught.value) == (
        "A demonstration can only draw categories that its layer names; overdoses does not name not fatal, not "
        "fatal, naloxone given; add them to its categories"
    )
