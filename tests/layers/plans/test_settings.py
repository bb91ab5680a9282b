"""plans.toml: what it may not say of where tours begin."""

from pathlib import Path

import pytest

from geo.errors import DataError
from layers.plans.settings import read_plan_settings


@pytest.mark.parametrize("lon", ["nan", "inf", "181.0"])
def test_a_start_without_degrees_is_refused(tmp_path: Path, lon: str) -> None:
    (tmp_path / "plans.toml").write_text(f'[start]\nname = "Yard"\nlon = {lon}\nlat = 54.574\n')
    with pytest.raises(DataError) as caught:
        read_plan_settings(tmp_path)
    assert str(caught.value) == (
        "plans.toml holds roads, standard_hours and a [start] with name, lon and lat; its [start] has no lon and lat "
        "in degrees; mend it, or take it away: plans do without"
    )
