"""The web site of a node: each request passes the guard before its body is parsed or a resource sees it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.server import Request, Site
from typing_extensions import override

from aioscrapy_scrapyd.access import concerns, needed_role, served_path
from aioscrapy_scrapyd.bodies import LARGE, PLAIN_LIMIT, Fields, FormError, body_limit, form_of
from aioscrapy_scrapyd.guard import Guard, Incoming, Refusal, is_prefix
from aioscrapy_scrapyd.logins import Logins, basic_login
from aioscrapy_scrapyd.tokens import PREFIX as TOKEN_PREFIX
from aioscrapy_scrapyd.users import User

log = Logger()

# No script but the node's own files, nothing from elsewhere, in no frame. Scrapyd's pages have inline styles.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Logs and items hold what sites sent: a browser shows them and runs nothing.
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
FILE_FOLDERS = ("/logs/", "/items/")

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
    content: Any
    node_user: User | None = None
    policy = PAGE_POLICY
    form: Fields = {}  # noqa: RUF012 it is replaced, never changed
    _received = 0
    _limit = 0
    _problem = ""

    @override
    def gotLength(self, length: int | None) -> None:
        _clean(self.requestHeaders)
        self._limit = self._door.body_limit
        try:  # a large body becomes a temporary file
            super().gotLength(min(length, self._limit) if length is not None else None)
        except OSError as exc:
            self._drop_body(exc)

    @override
    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._limit or self._problem:
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
        content_type = incoming.headers.get("content-type", "")
        if refusal is None and self._received > self._door.body_limit:
            megabytes = self._door.body_limit // 2**20
            refusal = Refusal(413, f"more than {megabytes} MB: see egg_max_mb")
        elif refusal is None and self._received > body_limit(incoming.method, content_type, self._limit):
            refusal = Refusal(413, f"more than {PLAIN_LIMIT // 10**6} MB: only an egg may be larger")
        if refusal is None and self._problem:
            refusal = Refusal(503, self._problem)
        if refusal is not None:
            self._refuse(refusal)
            return
        self._drop_untrusted_prefix()
        if not self._door.logins.users:
            self._read_form(incoming)
            return
        self._log_in(incoming)

    @override
    def process(self) -> None:
        self.content = self._body
        self.content.seek(0)
        self.args.update({name: list(values) for name, values in self.form.items()})
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
        needed = needed_role(incoming)
        if user.role < needed:
            name = needed.name.lower()
            self._refuse(Refusal(403, f"{user.name} is {user.role.name.lower()}; this needs the role {name}"))
            return
        self.node_user = user
        self._read_form(incoming)

    def _read_form(self, incoming: Incoming) -> None:
        """Parse the form in the body, then go on: a large one in a thread, so that no other request waits."""
        content_type = incoming.headers.get("content-type", "")
        if incoming.method != "POST" or not self._received:
            self._go_on({})
            return
        self.content.seek(0)
        body = self.content.read()
        parsing = (maybeDeferred if len(body) < LARGE else deferToThread)(form_of, body, content_type)
        parsing.addCallbacks(self._go_on, self._not_a_form)
        parsing.addErrback(lambda failure: log.failure("A form was not handled", failure))

    def _not_a_form(self, failure: Failure) -> None:
        failure.trap(FormError)
        if not self._disconnected:
            self._refuse(Refusal(400, str(failure.value)))

    def _go_on(self, form: Fields) -> None:
        """Let Twisted find the resource: it gets an empty body, for it would parse forms itself, and wait."""
        if self._disconnected:
            return
        self.form, self._body, self.content = form, self.content, BytesIO()
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
        """Return True if the request is about projects of the user, or about none."""
        method, path = self.method.decode("latin-1"), self.path.decode("latin-1")
        return concerns(user, method, path, self._arguments("project"))

    def _argument(self, name: str) -> str:
        """Return the first value of an argument of the request; "" if there is none."""
        return next(iter(self._arguments(name)), "")

    def _arguments(self, name: str) -> list[str]:
        return [value.decode("utf-8", "replace") for value in (self.args or {}).get(name.encode(), [])]

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


def _clean(headers: Headers) -> None:
    """Replace what a reader of headers fails at: bytes that are not UTF-8, and a list of ranges.

    Twisted's answer with several ranges of a file breaks off where one of them is very short.
    """
    for name, values in list(headers.getAllRawHeaders()):
        headers.setRawHeaders(name, [value.decode("utf-8", "replace").encode() for value in values])
    if any("," in value for value in headers.getRawHeaders("range", [])):
        headers.removeHeader("range")


class NodeSite(Site):
    """A site whose requests pass a door."""

    requestFactory = NodeRequest  # noqa: N815 Twisted's name

    def __init__(self, root: Any, door: Door) -> None:
        super().__init__(root)
        self.door = door
