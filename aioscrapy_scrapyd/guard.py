"""Who is let in: rules about a request's Host, origin, user and role. No I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from aioscrapy_scrapyd.users import Role

# Path -> the role that it needs. Everything else: GET and HEAD need VIEWER, other methods ADMIN.
ROLES: Mapping[str, Role] = {
    "/schedule.json": Role.OPERATOR,
    "/cancel.json": Role.OPERATOR,
    "/addversion.json": Role.DEPLOYER,
    "/delversion.json": Role.DEPLOYER,
    "/activate.json": Role.DEPLOYER,
    "/delproject.json": Role.ADMIN,
}
READING = frozenset({"GET", "HEAD", "OPTIONS"})

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class Refusal:
    """Why a request gets no answer: a status of HTTP and one line for the person behind it."""

    status: int
    reason: str


@dataclass(frozen=True)
class Incoming:
    """What the rules look at: header names are in lower case, the path is without its query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Guard:
    """The rules of one node.

    Attributes:
        hosts: names under which the node may be asked, in lower case and without a port. "localhost" and all
            IP addresses are allowed too: DNS rebinding needs a name that its attacker owns.
        origins: origins (`https://example.com`) whose pages may call the node.
        cors: origins to which the answers may also be readable; "*" for all.
    """

    hosts: frozenset[str]
    origins: frozenset[str] = frozenset()
    cors: frozenset[str] = frozenset()

    def refuse(self, request: Incoming) -> Refusal | None:
        """Return why this request comes from a place that must not ask; None where it may.

        A program (curl, requests, scrapyd-deploy) sends neither Origin nor Sec-Fetch-Site and passes. A
        browser sends them with every request that a foreign page makes.

        Source: Fetch Metadata Request Headers (W3C), section 2; Fetch standard, "Origin".
        """
        headers = request.headers
        host = host_name(headers.get("host", ""))
        if host not in self.hosts and host != "localhost" and not _is_address(host):
            return Refusal(421, f"{host or 'an empty Host'} is not a name of this node: see allowed_hosts")
        if self._is_foreign(request):
            return Refusal(403, "a page of another site must not use this node: see allowed_origins")
        return None

    def may_read(self, origin: str) -> bool:
        """Return True if pages of this origin may read the answers."""
        return "*" in self.cors or _origin(origin) in self.cors

    def _is_foreign(self, request: Incoming) -> bool:
        headers = request.headers
        origin = headers.get("origin", "")
        if origin and _origin(origin) in self.origins | self.cors:
            return False
        if "*" in self.cors:
            return False
        site = headers.get("sec-fetch-site", "")
        if site:
            by_link = request.method in READING and headers.get("sec-fetch-mode") == "navigate"
            framed = headers.get("sec-fetch-dest") in {"iframe", "frame", "object", "embed"}
            return site not in {"same-origin", "none"} and (framed or not by_link)
        return bool(origin) and _authority(origin) != headers.get("host", "").lower()


def role_for(request: Incoming) -> Role:
    """Return the role that a request needs."""
    if request.method in READING:
        return Role.VIEWER
    return ROLES.get(request.path, Role.ADMIN)


def host_name(host: str) -> str:
    """Return the name in a Host header: lower case, no port, no brackets, no dot at the end."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower().rstrip(".")


def is_loopback(address: str) -> bool:
    """Return True if only this machine reaches the address."""
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def is_prefix(value: str) -> bool:
    """Return True if a path prefix that a proxy sends can stand in a page."""
    return _PREFIX.fullmatch(value) is not None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # half an IPv6 address
        return None


def _origin(origin: str) -> str:
    return origin.strip().lower().rstrip("/")
