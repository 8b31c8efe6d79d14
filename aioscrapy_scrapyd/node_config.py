"""The keys of scrapyd.conf that only a node knows, each checked once, at the start."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapyd.exceptions import ConfigError, InvalidUsernameError

from aioscrapy.db.redis_url import address_of
from aioscrapy_scrapyd.guard import Guard, is_loopback
from aioscrapy_scrapyd.housekeeping import Keep
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.jobs import Limits
from aioscrapy_scrapyd.users import User, UserError, scrapyd_login, users_of


@dataclass(frozen=True)
class NodeConfig:
    """Where a node listens and whom it lets in.

    Attributes:
        bind_address: "" listens on no TCP port.
        http_port: 0 listens on no TCP port.
        unix_socket_path: absolute; "" for none.
        users: name -> user; without users everybody who reaches the node is an admin.
        guard: rules about where requests come from.
        egg_max_mb: megabytes of a request's body at most.
        trusted_proxies: addresses whose prefix header counts; empty for all.
        limits: processes at once.
        dbs_dir: folder of the node's state.
        cancel_deadline_s: seconds that a cancelled job has to end.
        keep: how much of the history and of the files stays.
        redis_urls: of the Redis servers whose crawls the page has, with passwords.
    """

    bind_address: str
    http_port: int
    unix_socket_path: str
    users: dict[str, User]
    guard: Guard
    egg_max_mb: int
    trusted_proxies: frozenset[str]
    limits: Limits
    dbs_dir: Path
    cancel_deadline_s: float
    keep: Keep
    redis_urls: tuple[str, ...] = field(default=(), repr=False)


def node_config(config: Any) -> NodeConfig:
    """Read the keys from Scrapyd's `Config`; the environment comes before the file, as in Scrapyd.

    Raises:
        ConfigError: a value can't be used, or the node would listen beyond this machine without users.
    """
    bind_address = os.getenv("SCRAPYD_BIND_ADDRESS") or config.get("bind_address", "127.0.0.1")
    http_port = _number(config, "http_port", 6800, variable="SCRAPYD_HTTP_PORT")
    unix_socket_path = os.getenv("SCRAPYD_UNIX_SOCKET_PATH") or config.get("unix_socket_path", "")
    users = configured_users(config)
    if bind_address and http_port and not is_loopback(bind_address) and not users and not _insists(config):
        raise ConfigError(
            f"bind_address = {bind_address} lets every machine that reaches it run code here, and no user "
            "is configured. Set username and password (or [users]), or bind_address = 127.0.0.1. "
            "open_access = yes starts it without users all the same"
        )
    cpus = os.cpu_count() or 1
    return NodeConfig(
        bind_address=bind_address,
        http_port=http_port,
        unix_socket_path=str(Path(unix_socket_path).absolute()) if unix_socket_path else "",
        users=users,
        guard=Guard(
            hosts=_hosts(config, bind_address),
            origins=_listed(config, "allowed_origins"),
            cors=_cors(config),
        ),
        egg_max_mb=_number(config, "egg_max_mb", 64, least=1),
        trusted_proxies=_listed(config, "trusted_proxies"),
        limits=Limits(
            slots=_number(config, "max_proc", 0) or cpus * _number(config, "max_proc_per_cpu", 4, least=1),
            per_project=_number(config, "max_proc_per_project", 0),
            per_spider=_number(config, "max_proc_per_spider", 0),
        ),
        dbs_dir=_dbs_dir(config),
        cancel_deadline_s=_number(config, "cancel_deadline", 10),
        keep=Keep(
            history_days=_number(config, "keep_history_days", 90),
            logs_days=_number(config, "keep_logs_days", 30),
            logs_gb=_number(config, "keep_logs_gb", 10),
        ),
        redis_urls=redis_urls(config),
    )


def redis_urls(config: Any) -> tuple[str, ...]:
    """Return the URLs of `redis_urls`; a % is part of a URL, not of ConfigParser's language.

    Raises:
        ConfigError: one of them is not valid; the text has no part of it, for that may be a password.
    """
    urls = tuple(config.cp.get(config.SECTION, "redis_urls", raw=True, fallback="").replace(",", " ").split())
    for number, url in enumerate(urls, 1):
        try:
            address_of({"url": url})
        except ValueError as exc:
            raise ConfigError(f"redis_urls: the {number}. URL can't be used: {exc}") from None
    return urls


def configured_url(config: Any) -> str:
    """Return the address of the node as its users know it, with a slash at the end."""
    host = os.getenv("SCRAPYD_BIND_ADDRESS") or config.get("bind_address", "127.0.0.1")
    port = os.getenv("SCRAPYD_HTTP_PORT") or config.get("http_port", "6800")
    host = {"": "localhost", "0.0.0.0": socket.gethostname(), "127.0.0.1": "localhost"}.get(host, host)  # noqa: S104 it is compared
    return f"{(config.get('url', '') or f'http://{host}:{port}').rstrip('/')}/"


def configured_users(config: Any) -> dict[str, User]:
    """Return name -> user: Scrapyd's own and those of [users].

    Raises:
        ConfigError: one of them can't be used.
    """
    login = scrapyd_login(config.get("username", ""), config.get("password", ""))
    if ":" in login[0]:
        raise InvalidUsernameError
    try:
        return users_of(*login, config.items("users", default=[]))
    except UserError as exc:
        raise ConfigError(str(exc)) from exc


def _insists(config: Any) -> bool:
    try:
        return bool(config.getboolean("open_access", False))
    except ValueError:
        raise ConfigError(f"open_access = {config.get('open_access')} is not yes or no") from None


def _hosts(config: Any, bind_address: str) -> frozenset[str]:
    """Return the names under which the node may be asked, beside all IP addresses."""
    names = {config.get("node_name", socket.gethostname()), socket.gethostname(), bind_address}
    url_host = urlsplit(config.get("url", "")).hostname
    return frozenset(name.lower() for name in (*names, url_host) if name) | _listed(config, "allowed_hosts")


def _cors(config: Any) -> frozenset[str]:
    value = config.get("cors", "off")
    return frozenset() if value.lower() in {"off", "no", "false", "0", ""} else _listed(config, "cors")


def _listed(config: Any, key: str) -> frozenset[str]:
    return frozenset(part.lower().rstrip("/") for part in config.get(key, "").replace(",", " ").split())


def _dbs_dir(config: Any) -> Path:
    folder = config.get("dbs_dir", "dbs")
    if folder == ":memory:":
        raise ConfigError("dbs_dir = :memory: forgets all jobs with the daemon: name a folder")
    return Path(folder).absolute()


def _number(config: Any, key: str, default: int, *, least: int = 0, variable: str = "") -> int:
    """Return a whole number; a variable of the environment comes before the file, as in Scrapyd."""
    name, text = variable, os.getenv(variable) if variable else None
    if not text:
        name, text = key, config.get(key, str(default))
    number = whole(text)
    if number is None or number < least:
        raise ConfigError(f"{name} = {text[:80]} is not a whole number of at least {least}")
    return number
