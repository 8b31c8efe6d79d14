"""The figures of a crawl, under the methods that Scrapy's users know."""

import ast
import logging

import pytest

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
