"""Build a project as an egg and deploy it to Scrapyd servers."""
