"""How the keys of crawls in Redis are named: what each holds stands in docs/redis.md."""

KEYS = (
    "meta",
    "ready",
    "hosts",
    "leased",
    "delayed",
    "workers",
    "idle",
    "replies",
    "wake",
    "items",
    "failed",
    "seeds",
    "slots",
    "resting",
    "push",
)
"""The suffixes of the keys, in the order of the script's KEYS; the filter's key comes behind them.

All are a crawl's own but `push`, which is the spider's.
"""

OWN = (*(suffix for suffix in KEYS if suffix != "push"), "seen", "bloom")
"""The suffixes of all keys that a crawl may have of its own."""

PREFIX = "aioscrapy:{"
"""What all keys begin with."""


def tag_of(bot: str, spider: str) -> str:
    """Return what all keys of a spider begin with; the part in braces is Redis's hash tag."""
    return f"{PREFIX}{plain(bot)}/{plain(spider)}}}"


def plain(name: str) -> str:
    """Return a name that can't break out of the hash tag."""
    return name.replace("{", "(").replace("}", ")")
