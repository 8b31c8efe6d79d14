"""Our download errors as errors of Twisted too, for projects that catch those.

Many projects of Scrapy name Twisted's errors in `failure.check(...)`, in the `isinstance` of a
`process_exception` and in RETRY_EXCEPTIONS. No error of ours is a Twisted one, because a crawl does not
import Twisted. So if a project has imported it, a download error gets a class that has the bases of both.
"""

import sys
from functools import cache
from typing import Any

from aioscrapy import exceptions
from aioscrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)

_DONE = "twisted.internet.error.ConnectionDone"
_FAILED = "twisted.web._newclient.ResponseFailed"
_NEVER = "twisted.web._newclient.ResponseNeverReceived"

# Our error -> what Scrapy raised in its place while Twisted was its only client.
TWISTED: dict[type[DownloadError], tuple[str, ...]] = {
    CannotResolveHostError: ("twisted.internet.error.DNSLookupError",),
    DownloadCancelledError: ("twisted.internet.defer.CancelledError",),
    DownloadConnectionRefusedError: ("twisted.internet.error.ConnectionRefusedError",),
    DownloadFailedError: (
        "twisted.internet.error.ConnectionLost",
        _DONE,
        "twisted.internet.error.ConnectError",
        _NEVER,
    ),
    DownloadTimeoutError: (
        "twisted.internet.error.TimeoutError",
        "twisted.internet.error.TCPTimedOutError",
        "twisted.internet.defer.TimeoutError",
    ),
    ResponseDataLossError: (_FAILED, _DONE),
}
# Classes of Twisted -> those of the table that they are a base of, or that are the same under another path.
_ALSO: dict[str, tuple[str, ...]] = {
    "twisted.internet.error.ConnectError": (
        "twisted.internet.error.ConnectionRefusedError",
        "twisted.internet.error.TimeoutError",
    ),
    "twisted.internet.error.ConnectionClosed": ("twisted.internet.error.ConnectionLost", _DONE),
    "twisted.internet.error.UserTimeoutError": ("twisted.internet.error.TimeoutError",),
    "twisted.web._newclient.ResponseFailed": (_NEVER,),
    "twisted.web.client.ResponseFailed": (_NEVER, _FAILED),
    "twisted.web.client.ResponseNeverReceived": (_NEVER,),
}


def with_twisted(exc: Any) -> Any:
    """Return a download error as one that is Twisted's too, if Twisted is loaded; another one itself."""
    if "twisted.internet.error" not in sys.modules or not isinstance(exc, DownloadError):
        return exc
    ours = next((cls for cls in TWISTED if isinstance(exc, cls)), None)
    bases = _loaded(ours) if ours is not None else ()
    if not bases:
        return exc
    cls: Any = type(exc)  # as a key of the cache
    both = _joined(cls, bases)(*exc.args)
    both.__dict__.update(exc.__dict__)
    both.__cause__, both.__suppress_context__ = exc.__cause__, exc.__suppress_context__
    return both.with_traceback(exc.__traceback__)


def ours_for(path: str) -> tuple[type[BaseException], ...]:
    """Return our errors for the path of a class of Scrapy or Twisted; () if there is none."""
    if path.startswith("scrapy."):
        own = getattr(exceptions, path.rpartition(".")[2], None)
        return (own,) if own is not None else ()
    paths = {path, *_ALSO.get(path, ())}
    return tuple(cls for cls, theirs in TWISTED.items() if not paths.isdisjoint(theirs))


def _loaded(ours: type[DownloadError]) -> tuple[type[Any], ...]:
    """Return Twisted's classes for one of ours, of the modules that are loaded."""
    pairs = [path.rpartition(".") for path in TWISTED[ours]]
    classes = [getattr(sys.modules.get(module), name, None) for module, _, name in pairs]
    return tuple(cls for cls in classes if cls is not None)


def _init(self: Any, *args: Any) -> None:
    self.args = args  # an OSError with an own __init__ does not set them


@cache
def _joined(cls: type[Any], bases: tuple[type[Any], ...]) -> type[Any]:
    """Return a class with the name of ours; its texts are ours."""
    attributes = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__init__": _init,
        "__str__": lambda self: str(self.args[0]) if self.args else "",
        "__repr__": BaseException.__repr__,
        "reasons": [],  # of ResponseFailed
        "response": None,
        "osError": None,  # of ConnectError
    }
    return type(cls.__name__, (cls, *bases), attributes)
