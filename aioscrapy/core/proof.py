"""What the frontier proves of the end of a crawl."""

from aioscrapy.ends import End, Reason, end_for
from aioscrapy.queue.base import Reply, State

_REASONS = {
    State.FINISHED: Reason.FINISHED,
    State.LATE: Reason.LATE,
    State.STOPPED: Reason.STOPPED,
    State.GONE: Reason.DELETED,
}


def end_of_state(state: State, proof: Reply | None = None) -> End | None:
    """Return the end of a crawl that a store reports when it is opened; None if the crawl is open.

    `proof` is what the store knows of a crawl that has finished.
    """
    if state is State.FINISHED and proof is not None:
        return end_of_reply(proof)
    return end_for(_REASONS[state]) if state in _REASONS else None


def end_of_reply(reply: Reply) -> End | None:
    """Return the end of the crawl that a store reports in its reply; None if the crawl goes on."""
    if reply.problem:
        return end_for(Reason.PAGES_LOST, reply.problem)
    if reply.state is not State.FINISHED:
        return end_of_state(reply.state)
    if reply.seed_failure:
        return end_for(Reason.START_FAILED, reply.seed_failure)
    return end_of_done(reply.handled, reply.fruitless)


def end_of_done(handled: int, fruitless: int) -> End:
    """Return the end of a crawl that has nothing left to do, from its counts of these pages."""
    if fruitless and not handled:
        return end_for(
            Reason.ALL_FAILED, f"no request succeeded, {fruitless} failed; the log has the reasons"
        )
    return end_for(Reason.FINISHED)
