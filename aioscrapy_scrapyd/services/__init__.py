"""The JSON services of a node: those of Scrapyd, none of which waits for a disk, a lock or a listing."""
