"""Download handlers, one file a client library."""
