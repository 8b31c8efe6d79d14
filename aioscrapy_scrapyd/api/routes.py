"""The routes of /api/v1 in one table; the dispatcher, the roles and the OpenAPI document are made from it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aioscrapy_scrapyd.api import handlers
from aioscrapy_scrapyd.api.call import JOB_FIELDS, Call
from aioscrapy_scrapyd.users import Role

PREFIX = "/api/v1"
# Where the description of all routes is, below the prefix.
DOCUMENT = "/openapi.json"


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        method: of HTTP.
        path: with {names}.
        handler: makes the answer from a call.
        role: that it needs.
        status: of a successful answer.
        query: parameter -> meaning.
        body: field -> (JSON type, meaning) of a JSON body, or a text about a body that is not JSON.
    """

    method: str
    path: str
    handler: Handler
    role: Role
    status: int = 200
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, tuple[str, str]] | str = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What the route does, in one line: the first line of its handler."""
        return (self.handler.__doc__ or "").partition("\n")[0]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the names in a path below the prefix; None if it is not this route."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        match = re.fullmatch(pattern, path)
        return match.groupdict() if match and method == self.method else None


_PAGE = {
    "project": "only jobs of this project",
    "spider": "only jobs of this spider",
    "crawl": "only jobs of this crawl",
    "state": "only jobs of these states, with commas: pending, running, stopping, finished, failed …",
    "text": "only jobs with this text in a name, the reason or an argument",
    "since": "only jobs that ended at this time or later, in seconds since 1970",
    "until": "only jobs that ended before this time",
    "limit": "ended jobs of a page, 1 to 1000; default: 100",
    "before": "`next` of the page before",
}
_LOG = {
    "tail": "the last lines, 1 to 10000; default: 200",
    "after": "only what was written behind this byte",
    "level": "only lines of this level and above: DEBUG, INFO, WARNING, ERROR, CRITICAL",
}

ROUTES = (
    Route("GET", "/status", handlers.status, Role.VIEWER),
    Route("GET", "/projects", handlers.projects, Role.VIEWER),
    Route("DELETE", "/projects/{project}", handlers.delete_project, Role.ADMIN),
    Route("GET", "/projects/{project}/versions", handlers.versions, Role.VIEWER),
    Route(
        "PUT",
        "/projects/{project}/versions/{version}",
        handlers.deploy,
        Role.DEPLOYER,
        201,
        body="the bytes of the egg",
    ),
    Route("DELETE", "/projects/{project}/versions/{version}", handlers.delete_version, Role.DEPLOYER),
    Route("POST", "/projects/{project}/versions/{version}/activate", handlers.activate, Role.DEPLOYER),
    Route(
        "GET",
        "/projects/{project}/spiders",
        handlers.spiders,
        Role.VIEWER,
        query={"version": "default: the active one"},
    ),
    Route("GET", "/jobs", handlers.jobs, Role.VIEWER, query=_PAGE),
    Route("POST", "/jobs", handlers.schedule, Role.OPERATOR, 201, body=JOB_FIELDS),
    Route("GET", "/jobs/{project}/{job}", handlers.job, Role.VIEWER),
    Route(
        "POST",
        "/jobs/{project}/{job}/cancel",
        handlers.cancel,
        Role.OPERATOR,
        query={"now": "yes: kill the processes at once"},
    ),
    Route("POST", "/jobs/{project}/{job}/retry", handlers.retry, Role.OPERATOR, 201),
    Route("GET", "/jobs/{project}/{job}/samples", handlers.samples, Role.VIEWER),
    Route("GET", "/jobs/{project}/{job}/log", handlers.log, Role.VIEWER, query=_LOG),
)


def find(method: str, path: str) -> tuple[Route | None, dict[str, str], list[str]]:
    """Return the route of a path below the prefix, the names in it, and the methods that the path has."""
    methods = [route.method for route in ROUTES if route.match(route.method, path) is not None]
    for route in ROUTES:
        names = route.match(method, path)
        if names is not None:
            return route, names, methods
    return None, {}, methods


def role_of(method: str, path: str) -> Role:
    """Return the role that a path of the API needs; ADMIN if it has no such route."""
    if method in {"GET", "HEAD"} and path == DOCUMENT:
        return Role.VIEWER
    route, _, _ = find("GET" if method == "HEAD" else method, path)
    return route.role if route is not None else Role.ADMIN
