"""The crawls in Redis as a node sees them: read and changed in a thread, so that its loop never waits."""
