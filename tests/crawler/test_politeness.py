"""The limits of each host: requests at once, seconds between two of them, and the news that it is free."""

import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from aioscrapy.core.politeness import Politeness, SharedPoliteness
from aioscrapy.exceptions import SettingError
from aioscrapy.settings import Settings
from support.context import context


def polite(
    limit: int = 2, delay_s: float = 0.0, jitter: float = 0.0, on_free: Callable[[str], None] | None = None
) -> Politeness:
    politeness = Politeness(limit, delay_s, jitter)
    if on_free is not None:
        politeness.on_free = on_free
    return politeness


def test_a_host_takes_as_many_as_it_may() -> None:
    freed: list[str] = []
    politeness = polite(2, on_free=freed.append)
    politeness.take("a")
    assert politeness.is_free("a")
    politeness.take("a")
    assert not politeness.is_free("a")
    assert politeness.is_free("b")
    politeness.done("a")
    assert politeness.is_free("a")
    assert freed == ["a"]


def test_a_host_that_has_nothing_to_do_is_forgotten() -> None:
    politeness = polite()
    for number in range(100):
        politeness.take(f"h{number}")
        politeness.done(f"h{number}")
    assert not politeness._slots


async def test_two_requests_are_a_delay_apart_and_the_news_comes_by_itself() -> None:
    free = asyncio.Event()
    politeness = polite(8, 0.15, on_free=lambda host: free.set())
    began = time.monotonic()
    politeness.take("a")
    assert not politeness.is_free("a")
    await asyncio.wait_for(free.wait(), 2)
    assert politeness.is_free("a")
    assert 0.14 < time.monotonic() - began < 1.0


async def hundred_waits() -> int:
    """Take, then wait for the news; returns how often the host was not free when it came."""
    wrong = 0
    free = asyncio.Event()
    politeness = polite(1, 0.0033, jitter=0.5, on_free=lambda host: free.set())
    for _ in range(100):
        politeness.take("a")
        politeness.done("a")
        free.clear()
        await asyncio.wait_for(free.wait(), 2)
        wrong += not politeness.is_free("a")
    return wrong


def test_the_host_is_free_when_the_news_says_so_on_every_event_loop() -> None:
    assert uvloop.run(hundred_waits()) == 0
    assert asyncio.run(hundred_waits()) == 0


async def test_a_host_whose_delay_has_passed_is_forgotten() -> None:
    free = asyncio.Event()
    politeness = polite(1, 0.01, on_free=lambda host: free.set())
    politeness.take("a")
    politeness.done("a")
    free.clear()
    await asyncio.wait_for(free.wait(), 2)
    assert not politeness._slots


async def test_the_jitter_stays_between_a_half_and_one_and_a_half() -> None:
    politeness = polite(1, 0.2, jitter=0.5)
    for number in range(200):
        politeness.take(f"h{number}")
    waits = [slot.drawn_s for slot in politeness._slots.values()]
    assert 0.1 <= min(waits) < 0.12
    assert 0.28 < max(waits) <= 0.3


async def test_a_delay_begins_when_the_request_is_sent() -> None:
    politeness = polite(2, 0.1)
    for _ in range(2):
        politeness.take("a")
    assert politeness.turn("a") == 0
    assert 0 < politeness.turn("a") <= 0.1, "its delay is not over, although it was taken with the first"


async def test_a_pause_holds_a_request_that_was_taken_before() -> None:
    politeness = polite(2)
    politeness.take("a")
    politeness.pause("a", 60.0)
    assert 59 < politeness.turn("a") <= 60


async def test_turns_are_asked_for_from_the_first_delay_or_pause_on() -> None:
    assert polite(2, 0.1).waits
    paused, throttled = polite(2), polite(2)
    throttled.set_delay("a", 0.0)
    assert not paused.waits
    assert not throttled.waits
    paused.pause("a", 60.0)
    throttled.set_delay("a", 0.05)
    assert paused.waits
    assert throttled.waits


async def test_a_throttle_changes_the_delay_of_one_host() -> None:
    politeness = polite(8, 0.0)
    politeness.set_delay("a", 0.05)
    assert politeness.delay("a") == 0.05
    assert politeness.delay("b") == 0.0
    politeness.take("a")
    assert not politeness.is_free("a")
    politeness.take("b")
    assert politeness.is_free("b")


def test_the_spiders_own_limits_win() -> None:
    settings = Settings({"CONCURRENT_REQUESTS_PER_DOMAIN": 3, "DOWNLOAD_DELAY": 1.5})
    plain = Politeness.from_settings(settings, context().spider)
    assert (plain._limits.limit, plain.delay("a")) == (3, 1.5)
    own = context(None, max_concurrent_requests=7, download_delay=0.25).spider
    special = Politeness.from_settings(settings, own)
    assert (special._limits.limit, special.delay("a")) == (7, 0.25)


def slots(**settings: object) -> Politeness:
    own = {"a.test": {"concurrency": 1, "delay": 2.5, "randomize_delay": False}, "b.test": {"delay": 0}}
    values = {"DOWNLOAD_SLOTS": own, "DOWNLOAD_DELAY": 1.0, "CONCURRENT_REQUESTS_PER_DOMAIN": 3, **settings}
    crawler = context(values)
    return Politeness.from_settings(crawler.settings, crawler.spider)


async def test_a_slot_may_have_limits_of_its_own() -> None:
    politeness = slots()
    assert [politeness.delay(host) for host in ("a.test", "b.test", "c.test")] == [2.5, 0.0, 1.0]
    for _ in range(2):
        assert politeness.is_free("b.test")
        politeness.take("b.test")
    assert politeness.is_free("b.test")
    politeness.take("a.test")
    assert not politeness.is_free("a.test")
    assert politeness._wait_s("a.test") == 2.5
    assert 0.5 <= politeness._wait_s("c.test") <= 1.5


def test_a_slot_is_one_request_at_once_without_a_delay() -> None:
    politeness = slots(DOWNLOAD_SLOTS={"a.test": {"concurrency": 1}}, DOWNLOAD_DELAY=0)
    politeness.take("a.test")
    assert not politeness.is_free("a.test")
    politeness.done("a.test")
    assert politeness.is_free("a.test")
    politeness.take("b.test")
    assert politeness.is_free("b.test")


def test_the_delays_of_slots_go_to_the_store() -> None:
    crawler = context({"DOWNLOAD_SLOTS": {"a.test": {"concurrency": 1, "delay": 2.5}}})
    politeness = SharedPoliteness.from_settings(crawler.settings, crawler.spider)
    assert politeness.limits().delays == {"a.test": 2.5}
    assert politeness.delay("a.test") == 2.5
    politeness.take("a.test")
    assert not politeness.is_free("a.test")


@pytest.mark.parametrize(
    ("settings", "least", "most"),
    [
        ({"DOWNLOAD_DELAY_JITTER": 0.1}, 0.9, 1.1),
        ({"DOWNLOAD_DELAY_JITTER": 0}, 1.0, 1.0),
        ({"RANDOMIZE_DOWNLOAD_DELAY": False}, 1.0, 1.0),
        ({"DOWNLOAD_DELAY_JITTER": 3}, 0.0, 4.0),
        ({"DOWNLOAD_SLOTS": {"a.test": {"jitter": 0.2}}, "RANDOMIZE_DOWNLOAD_DELAY": False}, 0.8, 1.2),
        ({"DOWNLOAD_SLOTS": {"a.test": {"randomize_delay": False}}}, 1.0, 1.0),
    ],
)
def test_the_part_by_which_a_delay_varies(settings: dict[str, object], least: float, most: float) -> None:
    politeness = slots(**{"DOWNLOAD_SLOTS": {}, "DOWNLOAD_DELAY": 1, **settings})
    waits = [politeness._wait_s("a.test") for _ in range(300)]
    third = (most - least) / 3
    assert least <= min(waits) <= least + third
    assert most - third <= max(waits) <= most


@pytest.mark.parametrize(
    "own",
    [
        {"concurrency": "many"},
        {"delay": -1},
        {"concurrency": -2},
        {"jitter": "x"},
        {"jitter": -0.1},
    ],
)
def test_a_slot_that_can_not_be_read_is_named(own: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=r"DOWNLOAD_SLOTS: 'a\.test'"):
        slots(DOWNLOAD_SLOTS={"a.test": own})


def test_a_limit_with_an_unknown_name_is_named(caplog: pytest.LogCaptureFixture) -> None:
    slots(DOWNLOAD_SLOTS={"a.test": {"dealy": 1}})
    assert "DOWNLOAD_SLOTS: 'a.test': 'dealy' is not a limit; there are concurrency, delay" in caplog.text
