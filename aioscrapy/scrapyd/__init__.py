"""The module that scrapyd.conf names as its runner."""
