"""The short form of the soak. The long form is `python -m faults.soak`."""

import pytest

from faults import soak


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", soak.SCENARIOS)
def test_nothing_is_lost_or_left(name: str) -> None:
    result = soak.run(name, short=True)
    assert not result.faults, result
