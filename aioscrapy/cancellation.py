"""How a cancellation from outside differs from one that the project's own code raised."""

import asyncio

# What one bad request, page or item may raise without ending the crawl. Call `raise_if_aborted` first.
ERRORS = (Exception, asyncio.CancelledError)


def raise_if_aborted(exc: BaseException) -> None:
    """Raise `exc` again if it is the cancellation of this task from outside.

    A CancelledError that nobody asked for comes from the project's code, as from awaiting a task that was
    cancelled: it is an error like any other.
    """
    if isinstance(exc, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise exc


def keep_running() -> None:
    """Take back the cancellation of the current task, which the project's code asked for."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
