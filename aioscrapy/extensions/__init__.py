"""What listens to a crawl, one file a built-in."""
