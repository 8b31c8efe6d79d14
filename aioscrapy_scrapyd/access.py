"""What a request is about: the path that is served, the role that it needs, the projects of its user."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from aioscrapy_scrapyd.api.routes import PREFIX, role_of
from aioscrapy_scrapyd.guard import Incoming, role_for
from aioscrapy_scrapyd.users import Role, User
from aioscrapy_scrapyd.web.routes import TABLE

# Where a path names a project, the paths that show all projects, and those that do if no argument names one.
_PROJECT_IN_PATH = re.compile(rf"(?:/logs|/items|{PREFIX}/projects|{PREFIX}/jobs)/([^/]+)")
_ALL_PROJECTS = frozenset({"/jobs", "/logs", "/items", "/metrics"})
_BY_ARGUMENT = frozenset({"/listjobs.json", "/status.json", f"{PREFIX}/jobs"})
# Resources that take what is behind their name for a part of themselves.
_LEAVES = frozenset({"jobs", "metrics", "events"})


def served_path(path: str) -> str:
    """Return the path that Twisted serves for the path of a request: unquoted, without empty parts.

    What is behind the name of a service or of the list of jobs changes nothing. The API reads its own path.
    """
    if path.startswith(f"{PREFIX}/"):
        return path
    parts = [unquote(part) for part in path.split("/") if part]
    if parts and (parts[0].endswith(".json") or parts[0] in _LEAVES):
        parts = parts[:1]
    return "/" + "/".join(parts)


def needed_role(incoming: Incoming) -> Role:
    """Return the role that a request needs."""
    if incoming.path.startswith(f"{PREFIX}/"):
        return role_of(incoming.method, incoming.path.removeprefix(PREFIX))
    is_page = incoming.method in {"GET", "HEAD", "POST"}
    role = TABLE.role_of(incoming.method, incoming.path) if is_page else None
    return role or role_for(Incoming(incoming.method, served_path(incoming.path)))


def concerns(user: User, method: str, path: str, named: Iterable[str]) -> bool:
    """Return True if a request is about projects of the user alone, or about none.

    Args:
        user: who asks.
        method: of HTTP.
        path: as the request has it.
        named: all its arguments `project`: of several, some services read the first and some the last.
    """
    served = served_path(path)
    if method == "POST" and served == f"{PREFIX}/jobs":
        return True  # the project is in the body: the route checks it (Call.check_access)
    in_path = _PROJECT_IN_PATH.match(served)
    projects = [*filter(None, named)]
    if in_path:  # a path of the API is still quoted
        projects.append(unquote(in_path[1]) if served.startswith(f"{PREFIX}/") else in_path[1])
    is_of_one = bool(projects) or served not in _BY_ARGUMENT
    return is_of_one and served not in _ALL_PROJECTS and all(map(user.may_use, projects))
