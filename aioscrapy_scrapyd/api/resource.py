"""The Twisted resource of /api/v1: finds the route, runs it, answers in JSON."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from scrapyd.exceptions import DirectoryTraversalError
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from typing_extensions import override

from aioscrapy_scrapyd.actions import Actions, NotFoundError
from aioscrapy_scrapyd.api.call import AccessError, Call
from aioscrapy_scrapyd.api.openapi import document
from aioscrapy_scrapyd.api.routes import DOCUMENT, PREFIX, find
from aioscrapy_scrapyd.eggstorage import BadEggError
from aioscrapy_scrapyd.spidernames import ListingError
from aioscrapy_scrapyd.state.job import JobError
from aioscrapy_scrapyd.state.schema import StoreError

log = Logger()

# Errors that a caller may see as they are -> status.
STATUSES = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    ((JobError, BadEggError, DirectoryTraversalError), HTTPStatus.BAD_REQUEST),
    (AccessError, HTTPStatus.FORBIDDEN),
    (ListingError, HTTPStatus.CONFLICT),
    ((StoreError, OSError), HTTPStatus.SERVICE_UNAVAILABLE),
)


class Api(Resource):
    """All of /api: what is not in /api/v1 does not exist."""

    isLeaf = True  # noqa: N815 Twisted's name

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions

    @override
    def render(self, request: Any) -> Any:
        method = request.method.decode("latin-1")
        path = request.path.decode("latin-1").removeprefix(PREFIX)
        if method in {"GET", "HEAD"} and path == DOCUMENT:
            return _answer(request, HTTPStatus.OK, document())
        route, names, methods = find("GET" if method == "HEAD" else method, path)
        if route is None and methods:
            request.setHeader("Allow", ", ".join(methods))
            return _answer(
                request, *_error(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} has {', '.join(methods)}")
            )
        if route is None:
            return _answer(
                request,
                *_error(HTTPStatus.NOT_FOUND, f"there is no route {request.path.decode('latin-1')[:200]}"),
            )
        try:
            call = Call(
                self._actions,
                {name: unquote(value, errors="strict") for name, value in names.items()},
                {name.decode(): values[-1].decode() for name, values in request.args.items()},
                request.content.read(),
                getattr(request, "node_user", None),
            )
        except UnicodeDecodeError:
            return _answer(request, *_error(HTTPStatus.BAD_REQUEST, "the address is not UTF-8"))
        gone: list[Any] = []
        request.notifyFinish().addErrback(gone.append)  # the client hung up

        def answer(value: Any) -> None:
            status, data = _failed(value) if isinstance(value, Failure) else (HTTPStatus(route.status), value)
            if not gone:
                request.write(_answer(request, status, data))
                request.finish()

        Deferred.fromCoroutine(_run(route.handler, call)).addBoth(answer)
        return NOT_DONE_YET


async def _run(handler: Any, call: Call) -> Any:
    return await handler(call)


def _failed(failure: Failure) -> tuple[HTTPStatus, dict[str, Any]]:
    for kinds, status in STATUSES:
        if isinstance(failure.value, kinds):
            return _error(status, str(failure.value))
    log.failure("A route failed", failure)
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(failure.value).__name__}: {failure.value}")


def _error(status: HTTPStatus, message: str) -> tuple[HTTPStatus, dict[str, Any]]:
    return status, {"error": {"code": status.value, "message": message}}


def _answer(request: Any, status: HTTPStatus, data: Any) -> bytes:
    content = json.dumps(data).encode() + b"\n"
    request.setResponseCode(status.value, status.phrase.encode())
    request.setHeader("Content-Type", "application/json")
    request.setHeader("Content-Length", str(len(content)))
    return b"" if request.method == b"HEAD" else content
