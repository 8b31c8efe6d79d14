"""The Twisted resource of all pages: from a request to its screen or action, and back."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from typing_extensions import override

from aioscrapy_scrapyd.actions import Actions, NotFoundError
from aioscrapy_scrapyd.api.call import AccessError
from aioscrapy_scrapyd.api.resource import STATUSES
from aioscrapy_scrapyd.users import User
from aioscrapy_scrapyd.web.activity import Activity
from aioscrapy_scrapyd.web.assets import PREFIX, Asset, Assets
from aioscrapy_scrapyd.web.downloads import Download, accepts_gzip
from aioscrapy_scrapyd.web.ended import EndedJobs
from aioscrapy_scrapyd.web.forms import MESSAGE_COOKIE, Forms
from aioscrapy_scrapyd.web.language import NAMES, languages, preferred
from aioscrapy_scrapyd.web.screen import Data, Done, Preview, Raw, Screen, Table, Visit, address
from aioscrapy_scrapyd.web.templates import Templates

log = Logger()

# No style but that of the node's own files: these pages have none in their markup.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
THEMES = ("auto", "light", "dark")
# Bytes from which on a page is compressed.
_WORTH_COMPRESSING = 1000
_YEAR_S = 31_536_000


@dataclass
class Reply:
    """What goes back: a status, a content type, the body, further headers."""

    status: int
    kind: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Pages(Resource):
    """Every path that is no service and no file of Scrapyd's.

    Args:
        actions: what can be done with the node.
        activity: what happens on it.
        ended: the jobs of it that have ended.
        position: returns the id of the latest event.
        table: the screens and actions.
        node_name: the name of the node.
        prefix_header: the header in which a proxy names the prefix of all paths.
        folders: of files that Scrapyd serves: "logs", "items".
    """

    isLeaf = True  # noqa: N815 Twisted's name

    def __init__(
        self,
        actions: Actions,
        activity: Activity,
        ended: EndedJobs,
        position: Callable[[], str],
        table: Table,
        node_name: str,
        prefix_header: str,
        folders: Sequence[str],
    ) -> None:
        super().__init__()
        self._actions = actions
        self._activity = activity
        self._ended = ended
        self._position = position
        self._table = table
        self._node_name = node_name
        self._prefix_header = prefix_header
        self._assets = Assets()
        self._templates = Templates(self._assets, folders)
        self._forms = Forms()
        self._languages = languages()

    def prepare(self) -> None:
        """Compile the templates, so that the first visitor does not wait for it; for a thread."""
        self._templates.compile()

    @override
    def render(self, request: Any) -> Any:
        path = request.path.decode("latin-1")
        if path.startswith(PREFIX):
            asset = self._assets.find(path)
            if asset is not None:
                return _send_asset(request, asset)
        request.policy = POLICY
        gone: list[Any] = []
        request.notifyFinish().addErrback(gone.append)  # the client hung up
        answering = Deferred.fromCoroutine(self._answer(request, path))
        answering.addCallback(lambda reply: None if gone else _send(request, reply))
        answering.addErrback(lambda failure: _send_failure(request, failure, is_gone=bool(gone)))
        return NOT_DONE_YET

    async def _answer(self, request: Any, path: str) -> Reply | Raw:
        screen, names = self._table.screen(path)
        is_post = request.method == b"POST"
        action, action_names = self._table.action(path) if is_post else (None, {})
        is_known = screen is not None or action is not None
        visit = self._visit(request, path if is_known else "/", names or action_names)
        as_json = _wants_json(request, path)
        try:
            _check_project(visit)
            if not is_known:
                raise NotFoundError("page", path)
            if is_post and action is None:
                return self._error(visit, as_json, HTTPStatus.METHOD_NOT_ALLOWED, "this page has no form")
            if action is not None:
                return await self._act(request, visit, action.do, screen, as_json)
            if self._switches(request, visit):
                query = {name: value for name, value in visit.query.items() if name not in {"lang", "theme"}}
                return _redirect(visit.prefix + address(visit.path, None, **query))
            if screen is None:  # the address of a form, opened by hand
                return _redirect(f"{visit.prefix}/")
            data = await screen.show(visit)
            return data if isinstance(data, Raw) else self._page(request, visit, screen, data, as_json)
        except Exception as exc:  # noqa: BLE001 every error is an answer
            return self._failed(visit, as_json, exc)

    async def _act(self, request: Any, visit: Visit, do: Any, screen: Screen | None, as_json: bool) -> Reply:
        if not self._forms.matches(visit.field("token"), visit.user_name):
            text = "This page is older than the last start of the node: go back, load it again, and try again"
            return self._error(visit, as_json, HTTPStatus.FORBIDDEN, text)
        result = await do(visit)
        if isinstance(result, Done):
            if as_json:
                status = HTTPStatus.CONFLICT if result.bad else HTTPStatus.OK
                message = visit.language(result.message, **result.values)
                return _json(status, {"message": message, "address": result.address})
            cookie = self._forms.message(result).encode()
            _set_cookie(request, visit, MESSAGE_COOKIE, cookie, 30)
            return _redirect(visit.prefix + result.address)
        if screen is None:
            raise TypeError("an action without a screen returns Done")
        if isinstance(result, Preview):
            return self._page(request, visit, screen, result.data, as_json)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(request, visit, screen, result, as_json, status)

    def _page(
        self,
        request: Any,
        visit: Visit,
        screen: Screen,
        data: Data,
        as_json: bool,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Reply:
        if as_json:
            return _json(status, data)
        if visit.message is not None:
            _set_cookie(request, visit, MESSAGE_COOKIE, b"", 0)
        return self._html(visit, screen.template, screen, status, data)

    def _html(self, visit: Visit, template: str, screen: Screen | None, status: int, data: Data) -> Reply:
        frame = {"token": self._forms.token(visit.user_name)}
        html = self._templates.render(template, visit, screen, {**data, **frame})
        headers = {"Vary": "Accept, Accept-Encoding, Accept-Language, Cookie"}
        return Reply(status, "text/html; charset=utf-8", html.encode(), headers)

    def _failed(self, visit: Visit, as_json: bool, exc: Exception) -> Reply:
        for kinds, status in STATUSES:
            if isinstance(exc, kinds):
                return self._error(visit, as_json, status, str(exc))
        log.failure("A page failed")
        text = f"{type(exc).__name__}: see the log of the node"
        return self._error(visit, as_json, HTTPStatus.INTERNAL_SERVER_ERROR, text)

    def _error(self, visit: Visit, as_json: bool, status: HTTPStatus, text: str) -> Reply:
        if as_json:
            return _json(status, {"error": {"code": status.value, "message": text}})
        data = {"status": status.value, "phrase": status.phrase, "text": text}
        return self._html(visit, "error.html", None, status.value, data)

    def _visit(self, request: Any, path: str, names: dict[str, str]) -> Visit:
        code, theme = _cookie(request, "language"), _cookie(request, "theme")
        if code not in NAMES:
            code = preferred(request.getHeader("accept-language") or "")
        return Visit(
            actions=self._actions,
            activity=self._activity,
            ended=self._ended,
            names={name: unquote(value, errors="replace") for name, value in names.items()},
            query=_query(request),
            form={name.decode("utf-8", "replace"): values for name, values in request.form.items()},
            user=getattr(request, "node_user", None),
            language=self._languages[code],
            theme=theme if theme in THEMES else "auto",
            message=self._forms.read_message(_cookie(request, MESSAGE_COOKIE)),
            position=self._position(),
            prefix=request.getHeader(self._prefix_header) or "",
            path=path,
            node_name=self._node_name,
        )

    def _switches(self, request: Any, visit: Visit) -> bool:
        """Keep the language or the theme that a link asks for; return True if there is one."""
        chosen = {"language": visit.ask("lang"), "theme": visit.ask("theme")}
        known = {"language": tuple(NAMES), "theme": THEMES}
        for name, value in chosen.items():
            if value in known[name]:
                _set_cookie(request, visit, name, value.encode(), _YEAR_S)
        return any(value in known[name] for name, value in chosen.items())


def _check_project(visit: Visit) -> None:
    project = visit.names.get("project")
    user: User | None = visit.user
    if project is not None and user is not None and not user.may_use(project):
        raise AccessError(f"{user.name} has no access to project {project[:80]!r}")


def _cookie(request: Any, name: str) -> str:
    value: bytes = request.getCookie(name.encode()) or b""
    return value.decode("latin-1")


def _query(request: Any) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for part in request.uri.partition(b"?")[2].split(b"&"):
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        if name:
            query.setdefault(unquote(name.decode("latin-1")), []).append(unquote(value.decode("latin-1")))
    return query


def _wants_json(request: Any, path: str) -> bool:
    accept = request.getHeader("accept") or ""
    return path.endswith(".json") or ("application/json" in accept and "text/html" not in accept)


def _json(status: HTTPStatus, data: Any) -> Reply:
    return Reply(status.value, "application/json", json.dumps(data).encode() + b"\n", {"Vary": "Accept"})


def _redirect(location: str) -> Reply:
    return Reply(303, "text/plain; charset=utf-8", b"", {"Location": location})


def _set_cookie(request: Any, visit: Visit, name: str, value: bytes, seconds: int) -> None:
    path = f"{visit.prefix}/".encode()
    request.addCookie(
        name.encode(), value, path=path, max_age=str(seconds).encode(), httpOnly=True, sameSite=b"lax"
    )


def _send(request: Any, reply: Reply | Raw) -> None:
    if isinstance(reply, Raw):
        Download(request, reply).start()
        return
    request.setResponseCode(reply.status, HTTPStatus(reply.status).phrase.encode())
    headers = {"Content-Type": reply.kind, "Cache-Control": "private, no-cache", **reply.headers}
    body = reply.body
    if len(body) > _WORTH_COMPRESSING and accepts_gzip(request):
        body = gzip.compress(body, 5)
        headers["Content-Encoding"] = "gzip"
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.setHeader(name, value)
    request.write(b"" if request.method == b"HEAD" else body)
    request.finish()


def _send_failure(request: Any, failure: Any, *, is_gone: bool) -> None:
    """Answer where no page can be made: a browser must not wait for ever."""
    log.failure("A page could not be sent", failure)
    if not is_gone and not request.startedWriting:
        text = f"{failure.type.__name__}: see the log of the node\n".encode()
        kind = "text/plain; charset=utf-8"
        _send(request, Reply(HTTPStatus.INTERNAL_SERVER_ERROR.value, kind, text))


def _send_asset(request: Any, asset: Asset) -> bytes:
    compressed = accepts_gzip(request)
    body = asset.compressed if compressed else asset.data
    if compressed:
        request.setHeader("Content-Encoding", "gzip")
    request.setHeader("Content-Type", asset.kind)
    request.setHeader("Content-Length", str(len(body)))
    request.setHeader("Cache-Control", f"public, max-age={_YEAR_S}, immutable")
    request.setHeader("Vary", "Accept-Encoding")
    return b"" if request.method == b"HEAD" else body
