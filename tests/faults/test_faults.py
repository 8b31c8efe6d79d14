"""The short form: each fault once, counted in the final output. The long form is `python -m faults.run`."""

import random
from functools import partial
from pathlib import Path

import pytest

from faults import scenarios
from faults.feed_scenarios import FEED_SCENARIOS
from faults.scenarios import SCENARIOS, Scenario

PAGES = 2000
SHORT: dict[str, Scenario] = {**SCENARIOS, "killed_redis": partial(scenarios.killed_redis, away_s=1.0)}


FEED_PAGES = 300  # a feed shows a fault on fewer pages


@pytest.mark.parametrize("name", FEED_SCENARIOS)
def test_every_item_is_in_the_feeds_once(tmp_path: Path, name: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    outcome = FEED_SCENARIOS[name](tmp_path, random.Random(seed), FEED_PAGES)
    assert outcome.is_honest, f"seed {seed}: items are lost under `finished`: {outcome}"
    assert outcome.is_right, f"seed {seed}: {outcome}"


@pytest.mark.parametrize("name", [name for name in SHORT if name != "nothing"])
def test_every_page_is_there_once(tmp_path: Path, name: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    outcome = SHORT[name](tmp_path, random.Random(seed), PAGES)
    assert outcome.is_honest, f"seed {seed}: items are lost under `finished`: {outcome}"
    assert outcome.is_right, f"seed {seed}: {outcome}"
