"""Doors that Scrapyd opens."""
