"""Feeds: files that items are written to, each item once."""

from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.uri import STDOUT, FeedError

__all__ = ["STDOUT", "Feed", "FeedError"]
