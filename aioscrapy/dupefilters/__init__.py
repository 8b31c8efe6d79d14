"""Duplicate filters: they remember the requests of a crawl."""
