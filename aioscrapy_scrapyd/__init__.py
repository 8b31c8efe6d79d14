"""Everything that runs on the side of Scrapyd: the runner of its jobs."""
