"""What remembers the requests that were seen."""
