"""What the services of a node share: answers that wait for no disk, errors in one line."""

import inspect
import traceback
from typing import Any

from scrapyd.exceptions import DirectoryTraversalError, RunnerError
from scrapyd.webservice import WsResource
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import error, resource
from twisted.web.server import NOT_DONE_YET
from typing_extensions import override

from aioscrapy_scrapyd.actions import Actions, NotFoundError
from aioscrapy_scrapyd.eggstorage import BadEggError
from aioscrapy_scrapyd.spidernames import ListingError
from aioscrapy_scrapyd.state.job import JobError
from aioscrapy_scrapyd.state.schema import StoreError

log = Logger()

# Errors of ours whose text is for the caller as it is.
_PLAIN = (JobError, StoreError, BadEggError, NotFoundError)


class NodeResource(WsResource):
    """A service whose `render_GET` or `render_POST` may be a coroutine.

    What is there at once is returned at once. Scrapyd's own `render` can't wait.
    """

    @property
    def actions(self) -> Actions:
        """What can be done with the node."""
        actions: Actions = self.root.actions
        return actions

    @override
    def render(self, txrequest: Any) -> Any:
        try:
            if txrequest.method == b"HEAD" and not hasattr(self, "render_GET"):
                raise error.UnsupportedMethod([b"OPTIONS", b"POST"])
            result = resource.Resource.render(self, txrequest)
        except Exception:  # noqa: BLE001 every error is an answer
            return self._content(txrequest, Failure())
        if not inspect.iscoroutine(result):
            return self._content(txrequest, result)
        waiting = Deferred.fromCoroutine(result)
        answers: list[bytes] = []
        waiting.addBoth(lambda value: self._content(txrequest, value)).addCallback(answers.append)
        if answers:
            return answers[0]
        gone: list[Any] = []
        txrequest.notifyFinish().addErrback(gone.append)  # the client hung up
        waiting.addCallback(lambda _: None if gone else _finish(txrequest, answers[0]))
        return NOT_DONE_YET

    def _content(self, txrequest: Any, value: Any) -> bytes:
        """Return the body of an answer, with the headers of Scrapyd's services."""
        if isinstance(value, Failure):
            if self.root.debug:
                log.failure("", value)  # as Scrapyd does
                return "".join(traceback.format_exception(value.value)).encode()
            data = {"status": "error", "message": _message(txrequest, value)}
        elif value is None:  # OPTIONS
            data = None
        else:
            data = {**value, "status": "ok"}
        content = b""
        if data is not None:
            data["node_name"] = self.root.node_name
            content = self.json_encoder.encode(data).encode() + b"\n"
            txrequest.setHeader("Content-Type", "application/json")
        txrequest.setHeader("Access-Control-Allow-Origin", "*")
        txrequest.setHeader("Access-Control-Allow-Methods", self.methods)
        txrequest.setHeader("Access-Control-Allow-Headers", "X-Requested-With")
        txrequest.setHeader("Content-Length", str(len(content)))
        return content


def user_of(txrequest: Any) -> str:
    """Return the name of the user who asks; "" without users."""
    user = getattr(txrequest, "node_user", None)
    return str(user.name) if user is not None else ""


def _finish(txrequest: Any, content: bytes) -> None:
    txrequest.write(content if txrequest.method != b"HEAD" else b"")
    txrequest.finish()


def _message(txrequest: Any, failure: Failure) -> str:
    exc = failure.value
    if isinstance(exc, error.Error):
        txrequest.setResponseCode(int(exc.status))
        return (exc.message or b"").decode()
    if isinstance(exc, ListingError):
        return f"{RunnerError.__name__}: {exc}"
    if isinstance(exc, DirectoryTraversalError):
        return f"{type(exc).__name__}: {exc}"
    if isinstance(exc, _PLAIN):
        return str(exc)
    if isinstance(exc, error.UnsupportedMethod):  # Scrapyd's own words
        return f"{type(exc).__name__}: {exc}"
    if isinstance(exc, OSError):
        return f"{exc.strerror or exc}: nothing has changed"
    log.failure("A service failed", failure)
    return f"{type(exc).__name__}: {exc}"
