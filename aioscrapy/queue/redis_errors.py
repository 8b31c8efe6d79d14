"""What the errors of Redis mean for the frontier: to wait, or to end."""

import re
from typing import Any

from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from aioscrapy.crawls.script import Script
from aioscrapy.exceptions import ConfigError, QueueError, StoreError
from aioscrapy.queue.joining import source

# Codes of errors that end by themselves (full, starting, failing over); in Redis 6 they are inside the text.
_WILL_END = re.compile(
    r"\b(OOM|MISCONF|READONLY|NOREPLICAS|MASTERDOWN|LOADING|BUSY|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOAUTH|NOSCRIPT)\b"
)
# The answers of a server with a password to a client without one, of RESP 3 and of RESP 2.
_WITHOUT_PASSWORD = ("HELLO ", "Authentication required")
# A script that raised: data or commands are not as the frontier needs them.
_STAYS = re.compile(r"WRONGTYPE|NOPERM|script|unknown command", re.IGNORECASE)


def queue_error(exc: BaseException) -> QueueError:
    """Return the error of a call of Redis: StoreError if waiting does not help."""
    text = f"Redis: {reason_of(exc)}"
    stays = isinstance(exc, ResponseError) and _STAYS.search(text) and not _WILL_END.search(text)
    return StoreError(text) if stays or isinstance(exc, NoPermissionError) else QueueError(text)


def reason_of(exc: BaseException) -> str:
    """Return the text of an error with what to do about it, or the name of its class."""
    text = str(exc) or type(exc).__name__
    if isinstance(exc, AuthenticationError) and text.startswith(_WITHOUT_PASSWORD):
        return "the server asks for a password: write it into the URL, redis://:PASSWORD@HOST:PORT/0"
    if isinstance(exc.__cause__ or exc.__context__, ConnectionRefusedError):
        return f"{text.rstrip('.')}: is Redis running there?"
    return text


async def check_commands(redis: Any, key: str) -> None:
    """Refuse a server or a user without the commands of the frontier; one round trip.

    A command that is refused in the middle of a script would leave half of an exchange.

    Args:
        redis: of redis-py's asyncio.
        key: that nobody uses, beside those of the crawl.

    Raises:
        ConfigError: names the commands.
    """
    named, *names = await Script(source("probe.lua")).run(redis, [key], [])
    if isinstance(named, str):
        raise ConfigError("REDIS_ARGS: the frontier needs bytes: remove decode_responses")
    refused = [name.decode() for name in names]
    if refused == ["ZADD LT"]:
        raise ConfigError("the frontier needs Redis 6.2 or later: this server is older")
    if refused:
        raise ConfigError(
            f"this user of Redis may not use {', '.join(refused)}, or the server does not know them: "
            'the frontier needs them (docs/redis-connections.md, "An ACL user for crawls")'
        )
