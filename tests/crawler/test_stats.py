"""The figures of a crawl, under the methods that Scrapy's users know."""

import ast
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aioscrapy.stats import StatsCollector


def test_figures_are_counted_from_where_they_begin() -> None:
    stats = StatsCollector()
    stats.inc_value("a")
    stats.inc_value("a", 2)
    stats.inc_value("b", start=10)
    assert stats.get_stats() == {"a": 3, "b": 11}
    assert stats.get_value("c") is None
    assert stats.get_value("c", 0) == 0


def test_the_largest_and_the_smallest_are_kept() -> None:
    stats = StatsCollector()
    for value in (3, 5, 4):
        stats.max_value("most", value)
        stats.min_value("least", value)
    assert stats.get_stats() == {"most": 5, "least": 3}


def test_scrapys_spider_argument_is_taken_and_ignored() -> None:
    stats = StatsCollector()
    stats.set_value("a", 1, spider=object())
    stats.inc_value("a", spider=object())
    assert stats.get_value("a", spider=None) == 2
    stats.set_stats({"b": 1})
    assert stats.get_stats(spider=object()) == {"b": 1}
    stats.clear_stats()
    assert stats.get_stats() == {}


def test_the_dump_can_be_read_back(caplog: pytest.LogCaptureFixture) -> None:
    stats = StatsCollector()
    figures = {f"some/figure_{number}": number for number in range(30)}
    stats.set_stats(dict(figures))
    with caplog.at_level(logging.INFO):
        stats.dump()
    (line,) = caplog.messages
    head, _, rest = line.partition("\n")
    assert head == "Dumping Scrapy stats:"
    assert ast.literal_eval(rest) == figures


ODD = (
    st.none()
    | st.text(max_size=3)
    | st.just("\ud800")
    | st.floats()
    | st.integers()
    | st.lists(st.integers(), max_size=2)
    | st.builds(object)
)


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["set", "inc", "incs", "max", "min"]), ODD, ODD), max_size=6),
    count=st.integers(1, 9),
)
def test_whatever_a_project_sets_the_crawl_counts_on(steps: list[tuple[str, Any, Any]], count: int) -> None:
    stats = StatsCollector()
    for step, key, value in steps:
        name = repr(key)
        if step == "set":
            stats.set_value(name, value)
        elif step == "max":
            stats.max_value(name, value)
        elif step == "min":
            stats.min_value(name, value)
        elif step == "inc":
            stats.inc_value(name, count)
        else:
            stats.inc_values({name: count})
        before = stats.get_value(name)
        stats.inc_value(name, count)
        if isinstance(before, int):
            assert stats.get_value(name) == before + count
        else:
            assert stats.get_value(name) == count or isinstance(before, float)
    stats.dump()


@pytest.mark.parametrize("values", [None, 5, ["ab", 1]])
def test_stats_that_are_not_pairs_are_refused_at_their_door(values: Any) -> None:
    stats = StatsCollector()
    stats.inc_value("a")
    with pytest.raises((TypeError, ValueError)):
        stats.set_stats(values)
    assert stats.get_stats() == {"a": 1}


class Mute:
    def __repr__(self) -> str:
        raise ValueError("no text")


def test_a_value_without_a_text_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    stats = StatsCollector()
    stats.set_stats({"items": 3, "odd": Mute(), "text": "a"})
    with caplog.at_level(logging.INFO):
        stats.dump()
    figures = ast.literal_eval(caplog.messages[0].partition("\n")[2])
    assert figures == {"items": 3, "odd": "<Mute without a text: ValueError>", "text": "a"}
