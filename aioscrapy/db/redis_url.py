"""Parse the URLs of REDIS_ARGS; no error contains a part that may be a password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

FORMS = (
    "redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster://"
)
_PORTS = {"redis": 6379, "sentinel": 26379, "cluster": 6379}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL.

    Attributes:
        kind: "redis" (one server, also on a socket), "sentinel" or "cluster".
        tls: rediss.
        hosts: (host, port) of the server, of the sentinels, or of some nodes of the cluster.
        master: the name of the master at the sentinels; "" for the other kinds.
        arguments: further arguments of redis-py: username, password, db, path, and the query of the URL.
    """

    kind: str
    tls: bool
    hosts: list[tuple[str, int]]
    master: str
    arguments: dict[str, Any] = field(repr=False)


def read_url(url: str) -> Address:
    """Parse a URL.

    Raises:
        ValueError: the URL is not valid; the text is one line and has no part of the URL, because with a
            mistake in the URL any part may belong to the password.
    """
    scheme, separator, rest = url.strip().partition("://")
    name, _, kind = scheme.lower().partition("+")
    kind = kind or "redis"
    if not separator or kind not in _PORTS or name not in {"redis", "rediss", "unix"}:
        raise ValueError(f"url must begin with one of {FORMS}")
    if "#" in rest:
        raise ValueError("url has a '#': write it as %23")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    if "@" in query or ("@" in path and name != "unix"):
        raise ValueError(
            "url has an '@' after the host: percent-encode user and password "
            "('/' as %2F, '?' as %3F, '@' as %40)"
        )
    credentials, _, hosts = authority.rpartition("@")
    arguments = {**_credentials(credentials), **_query(query)}
    if name == "unix":
        if kind != "redis" or hosts or not path:
            raise ValueError("url of a socket must be unix:///PATH?db=N")
        return Address(kind, False, [], "", {**arguments, "path": "/" + unquote(path)})
    master = ""
    if kind == "sentinel":
        master, _, path = path.partition("/")
        if not master:
            raise ValueError("url of sentinels needs the name of their master: …://host:26379,host/NAME/0")
    if path.strip("/"):
        arguments.setdefault("db", _number(unquote(path).strip("/"), "the database"))
    if kind == "cluster" and arguments.get("db"):
        raise ValueError("a cluster has only the database 0")
    return Address(kind, name == "rediss", _hosts(hosts, kind), unquote(master), arguments)


def address_of(arguments: Mapping[str, Any]) -> str:
    """Return where a Redis is, as a URL without user, password and options.

    Args:
        arguments: an alias of REDIS_ARGS: `url`, or `host`, `port`, `db` or `path`.

    Raises:
        ValueError: the URL is not valid.
    """
    if arguments.get("url"):
        address = read_url(str(arguments["url"]))
    else:
        host, port = arguments.get("host") or "localhost", int(arguments.get("port") or 6379)
        address = Address("redis", bool(arguments.get("ssl")), [(host, port)], "", dict(arguments))
    given = {**arguments, **address.arguments}
    database = int(given.get("db") or 0)
    if given.get("path"):
        return f"unix://{quote(given['path'])}?db={database}"
    kind = "" if address.kind == "redis" else f"+{address.kind}"
    hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in address.hosts)
    path = f"{quote(address.master)}/{database}" if address.master else str(database)
    return f"{'rediss' if address.tls else 'redis'}{kind}://{hosts}/{path}"


def _credentials(text: str) -> dict[str, Any]:
    user, _, password = text.partition(":")
    arguments = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in arguments.items() if value}


def _query(text: str) -> dict[str, Any]:
    """Return the arguments after the `?`, with the types of redis-py."""
    from redis.asyncio.connection import parse_url

    arguments = dict(parse_url(f"redis://localhost?{text}"))
    arguments.pop("host", None)
    return arguments


def _hosts(text: str, kind: str) -> list[tuple[str, int]]:
    hosts = [_host(part, _PORTS[kind]) for part in text.split(",")]
    if kind == "redis" and len(hosts) > 1:
        raise ValueError("url of one server has several hosts: use redis+sentinel:// or redis+cluster://")
    return hosts


def _host(text: str, port: int) -> tuple[str, int]:
    if text.startswith("["):  # IPv6
        host, closed, tail = text[1:].partition("]")
        if not closed or (tail and not tail.startswith(":")):
            raise ValueError("url has a '[' without its ']' or its port")
        text = tail
    else:
        host, colon, number = text.partition(":")
        text = colon + number
    if text:
        port = _number(text[1:], "the port")
    if not 0 < port < 65536:
        raise ValueError("the port in url is not between 1 and 65535")
    return unquote(host) or "localhost", port


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{what} in url is not a whole number")
    return int(text)
