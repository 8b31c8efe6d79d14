"""The job side under Scrapyd, tested as Scrapyd uses it."""
