"""Create ids for crawls without a name."""

import secrets
import time


def new_id() -> str:
    """Return the id of a new crawl: the time in UTC, then six random hex digits."""
    return time.strftime("%Y%m%dT%H%M%S-", time.gmtime()) + secrets.token_hex(3)
