"""The names of the keys of crawls in Redis; docs/redis.md describes their contents."""

from aioscrapy.exceptions import ConfigError

TYPES = {
    "meta": "hash",
    "ready": "zset",
    "hosts": "zset",
    "leased": "hash",
    "delayed": "zset",
    "workers": "zset",
    "idle": "zset",
    "replies": "hash",
    "wake": "stream",
    "items": "list",
    "failed": "hash",
    "seeds": "set",
    "slots": "hash",
    "resting": "zset",
    "feeds": "hash",
    "cookies": "hash",
    "push": "stream",
}
"""The type of the key of each suffix."""

KEYS = tuple(TYPES)
"""The suffixes of the keys in the order of the exchange script's KEYS; the filter's key follows them.

Each belongs to one crawl, except `push`, which belongs to the spider.
"""

OWN = (*(suffix for suffix in KEYS if suffix != "push"), "seen", "bloom")
"""The suffixes of all keys that belong to one crawl."""

PREFIX = "aioscrapy:{"
"""The beginning of every key."""


def tag_of(bot: str, spider: str) -> str:
    """Return the beginning of all keys of a spider; the part in braces is Redis's hash tag."""
    return f"{PREFIX}{plain(bot)}/{plain(spider)}}}"


def plain(name: str) -> str:
    """Return the name with the braces replaced, which would end the hash tag."""
    return name.replace("{", "(").replace("}", ")")


def check_name(kind: str, name: str) -> None:
    """Refuse a name that can't be part of a key, or that a terminal would obey.

    Raises:
        ConfigError: it holds a control character, or bytes that are not UTF-8.
    """
    if any(not char.isprintable() for char in name):
        raise ConfigError(f"{kind} {name!r} holds a control character or bytes that are not UTF-8")


def spider_key(tag: str, suffix: str) -> str:
    """Return the name of a key of the spider: `current`, `crawls`, `push`, or a kept filter."""
    return f"{tag}:{suffix}"


def crawl_key(tag: str, crawl_id: str, suffix: str) -> str:
    """Return the name of a key of one crawl."""
    return f"{tag}:{crawl_id}:{suffix}"


def lua_names() -> str:
    """Return the Lua that gives every key of KEYS its name in capitals, and their types as TYPES."""
    names = ", ".join(suffix.upper() for suffix in KEYS)
    kinds = ", ".join(f"[{suffix.upper()}] = '{kind}'" for suffix, kind in TYPES.items())
    return f"local {names} = unpack(KEYS, 1, {len(KEYS)})\nlocal TYPES = {{{kinds}}}\n"


def feed_suffix(number: int) -> str:
    """Return the suffix of the list of a feed, which belongs to one crawl."""
    return f"{number}:items"
