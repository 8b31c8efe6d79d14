"""The web site of a node: each request passes the guard before its body is parsed or a resource sees it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.web.server import Request, Site
from typing_extensions import override

from aioscrapy_scrapyd.api.routes import PREFIX, role_of
from aioscrapy_scrapyd.guard import Guard, Incoming, Refusal, is_prefix, role_for
from aioscrapy_scrapyd.logins import Logins, basic_login
from aioscrapy_scrapyd.tokens import PREFIX as TOKEN_PREFIX
from aioscrapy_scrapyd.users import Role, User
from aioscrapy_scrapyd.web.routes import TABLE

log = Logger()

# No script but the node's own files, nothing from elsewhere, in no frame. Scrapyd's pages have inline styles.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Logs and items hold what sites sent: a browser shows them and runs nothing.
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
FILE_FOLDERS = ("/logs/", "/items/")

# Where a path names a project, and the paths that show all projects.
_PROJECT_IN_PATH = re.compile(rf"(?:/logs|/items|{PREFIX}/projects|{PREFIX}/jobs)/([^/]+)")
_ALL_PROJECTS = {
    *("/listjobs.json", "/status.json", "/jobs", "/logs", "/items", "/metrics"),
    f"{PREFIX}/jobs",
}

Audit = Callable[[str, str, str, str, int], None]
Ended = Callable[[str, str, int, float], None]


@dataclass(frozen=True)
class Door:
    """What a site checks each request against.

    Attributes:
        guard: rules about where a request comes from.
        logins: the users; without users everybody who passes the guard is an admin.
        body_limit: bytes of a request's body at most; larger ones are answered with 413.
        prefix_header: the header in which a proxy names the prefix of all paths, in lower case.
        proxies: addresses whose `prefix_header` counts; empty for all.
        audit: takes user, address, path, object and status of each request that may change something.
        ended: takes method, path, status and seconds of each request that was answered.
    """

    guard: Guard
    logins: Logins
    body_limit: int
    prefix_header: str
    proxies: frozenset[str]
    audit: Audit
    ended: Ended


class NodeRequest(Request):
    """One request. A refused one costs no parsing of its body."""

    channel: Any
    node_user: User | None = None
    policy = PAGE_POLICY
    _received = 0
    _problem = ""

    @override
    def gotLength(self, length: int | None) -> None:
        try:  # a large body becomes a temporary file
            super().gotLength(min(length, self._door.body_limit) if length is not None else None)
        except OSError as exc:
            self._drop_body(exc)

    @override
    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._door.body_limit or self._problem:
            return
        try:
            super().handleContentChunk(data)
        except OSError as exc:
            self._drop_body(exc)

    def _drop_body(self, error: OSError) -> None:
        self._problem = f"the body of the request can't be kept: {error.strerror}"
        self.content = BytesIO()

    @override
    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.client, self.host = self.channel.getPeer(), self.channel.getHost()
        self._measure()
        incoming = self._incoming()
        refusal = self._door.guard.refuse(incoming)
        if refusal is None and self._received > self._door.body_limit:
            megabytes = self._door.body_limit // 2**20
            refusal = Refusal(413, f"more than {megabytes} MB: see egg_max_mb")
        if refusal is None and self._problem:
            refusal = Refusal(503, self._problem)
        if refusal is not None:
            self._refuse(refusal)
            return
        self._drop_untrusted_prefix()
        if not self._door.logins.users:
            super().requestReceived(command, path, version)
            return
        self._log_in(incoming)

    @override
    def process(self) -> None:
        user = self.node_user
        if user is not None and user.projects and not self._concerns(user):
            self._refuse(Refusal(403, f"{user.name} has access to {', '.join(sorted(user.projects))} only"))
            return
        if self.method not in {b"GET", b"HEAD", b"OPTIONS"}:
            # Now: a service takes its arguments out, and a finished request has no channel and so no door.
            note = partial(
                self._door.audit,
                self._user_name(),
                self._address(),
                self.path.decode("latin-1"),
                self._object(),
            )
            self.notifyFinish().addCallbacks(lambda _: note(self.code), lambda _: None)
        super().process()

    @override
    def write(self, data: bytes) -> None:
        if not self.startedWriting:
            self._set_security_headers()
        super().write(data)

    def _measure(self) -> None:
        began, ended = time.monotonic(), self._door.ended
        method, path = self.method.decode("latin-1"), self.path.decode("latin-1")
        self.notifyFinish().addCallbacks(
            lambda _: ended(method, path, self.code, time.monotonic() - began), lambda _: None
        )

    @property
    def _door(self) -> Door:
        door: Door = self.channel.site.door
        return door

    def _incoming(self) -> Incoming:
        headers = {
            name.decode("latin-1").lower(): b",".join(values).decode("latin-1")
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        return Incoming(self.method.decode("latin-1"), self.path.decode("latin-1"), headers)

    def _address(self) -> str:
        return str(getattr(self.client, "host", "unix"))

    def _drop_untrusted_prefix(self) -> None:
        header = self._door.prefix_header
        prefix = self.requestHeaders.getRawHeaders(header, [""])[-1]
        trusted = not self._door.proxies or self._address() in self._door.proxies
        if not (trusted and is_prefix(prefix)):
            self.requestHeaders.removeHeader(header)

    def _log_in(self, incoming: Incoming) -> None:
        logins, address = self._door.logins, self._address()
        header = incoming.headers.get("authorization", "")
        login = basic_login(header)
        if login is not None and login[1].startswith(TOKEN_PREFIX) and login[0] not in logins.users:
            header, login = f"Bearer {login[1]}", None  # a program that knows only names and passwords
        user = logins.passed_before(*login) if login is not None else None
        if user is not None:
            logins.forget_failures(address)
            self._admit(user, incoming)
        elif not header:
            self._ask_for_login()
        elif logins.must_wait(address):
            self._refuse(Refusal(429, "too many failed logins from this address: wait a minute"))
        else:
            logins.failed(address)  # counted before the check: guesses at the same time count as well
            check = logins.matches if login is not None else logins.by_token
            checking = deferToThread(check, *(login if login is not None else (header,)))
            checking.addCallback(self._checked, login, address, incoming)
            checking.addErrback(lambda failure: log.failure("A login could not be checked", failure))

    def _checked(self, answer: Any, login: tuple[str, str] | None, address: str, incoming: Incoming) -> None:
        """Go on with a request whose password or token was checked."""
        if self._disconnected:
            return
        if not answer:
            log.info("A login from {address} failed", address=address)
            self._ask_for_login()
            return
        logins = self._door.logins
        logins.forget_failures(address)
        self._admit(logins.passed(*login) if login is not None else answer, incoming)

    def _admit(self, user: User, incoming: Incoming) -> None:
        needed = _needed_role(incoming)
        if user.role < needed:
            name = needed.name.lower()
            self._refuse(Refusal(403, f"{user.name} is {user.role.name.lower()}; this needs the role {name}"))
            return
        self.node_user = user
        super().requestReceived(self.method, self.uri, self.clientproto)

    def _ask_for_login(self) -> None:
        self.setHeader(b"www-authenticate", b'Basic realm="Scrapyd", charset="UTF-8"')
        self._refuse(Refusal(401, "Unauthorized"))

    def _user_name(self) -> str:
        return self.node_user.name if self.node_user is not None else ""

    def _object(self) -> str:
        """Return what the request is about: project, spider, job, version."""
        return " ".join(filter(None, map(self._argument, ("project", "spider", "job", "jobid", "version"))))

    def _concerns(self, user: User) -> bool:
        """Return True if the request is about a project of the user, or about none."""
        path = served_path(self.path.decode("latin-1"))
        in_path = _PROJECT_IN_PATH.match(path)
        project = unquote(in_path[1]) if in_path else self._argument("project")
        if self.method == b"POST" and path == f"{PREFIX}/jobs":
            return True  # the project is in the body: the route checks it (Call.check_access)
        return user.may_use(project) if project else path not in _ALL_PROJECTS

    def _argument(self, name: str) -> str:
        """Return the first value of an argument of the request; "" if there is none."""
        values = (self.args or {}).get(name.encode(), [b""])
        return bytes(values[0]).decode("utf-8", "replace")

    def _refuse(self, refusal: Refusal) -> None:
        body = refusal.reason.encode()
        self.setResponseCode(refusal.status, HTTPStatus(refusal.status).phrase.encode())
        self.setHeader(b"content-type", b"text/plain; charset=utf-8")
        self.setHeader(b"content-length", str(len(body)).encode())
        self.write(b"" if self.method == b"HEAD" else body)
        self.finish()

    def _set_security_headers(self) -> None:
        headers = self.responseHeaders
        origin = self.requestHeaders.getRawHeaders("origin", [""])[0]
        if origin and self._door.guard.may_read(origin):
            headers.setRawHeaders("access-control-allow-origin", [origin])
            headers.addRawHeader("vary", "Origin")
        else:
            for name in ("origin", "methods", "headers"):
                headers.removeHeader(f"access-control-allow-{name}")
        is_file = f"{served_path(self.path.decode('latin-1'))}/".startswith(FILE_FOLDERS)
        if is_file and not self.path.endswith(b"/"):
            headers.setRawHeaders("content-type", ["text/plain; charset=utf-8"])
        headers.setRawHeaders("content-security-policy", [FILE_POLICY if is_file else self.policy])
        headers.setRawHeaders("x-content-type-options", ["nosniff"])
        headers.setRawHeaders("x-frame-options", ["DENY"])
        headers.setRawHeaders("referrer-policy", ["same-origin"])
        headers.setRawHeaders("cross-origin-resource-policy", ["same-origin"])


def served_path(path: str) -> str:
    """Return the path that Twisted serves for the path of a request: unquoted, without empty parts.

    What is behind the name of a service or of the list of jobs changes nothing. The API reads its own path.
    """
    if path.startswith(f"{PREFIX}/"):
        return path
    parts = [unquote(part) for part in path.split("/") if part]
    if parts and (parts[0].endswith(".json") or parts[0] == "jobs"):
        parts = parts[:1]
    return "/" + "/".join(parts)


def _needed_role(incoming: Incoming) -> Role:
    if incoming.path.startswith(f"{PREFIX}/"):
        return role_of(incoming.method, incoming.path.removeprefix(PREFIX))
    is_page = incoming.method in {"GET", "HEAD", "POST"}
    role = TABLE.role_of(incoming.method, incoming.path) if is_page else None
    return role or role_for(Incoming(incoming.method, served_path(incoming.path)))


class NodeSite(Site):
    """A site whose requests pass a door."""

    requestFactory = NodeRequest  # noqa: N815 Twisted's name

    def __init__(self, root: Any, door: Door) -> None:
        super().__init__(root)
        self.door = door
