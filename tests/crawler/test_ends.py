"""The reasons of the ends of a crawl, and which of them wins."""

from collections.abc import Callable

import pytest

from aioscrapy import ends
from aioscrapy.ends import End, Ending, Reason, without_passwords
from aioscrapy_deploy.terminal import text

FINISHED = End("finished", 0)


def test_a_crawl_without_a_stop_or_a_failure_ends_as_its_frontier_proves() -> None:
    for end in (End("finished", 0), End("stopped", 0), End("deleted", 1, "why")):
        assert Ending().end(end) == end


def test_nothing_proven_is_not_finished() -> None:
    assert Ending().end(None) == End("crashed", 1)


def test_the_first_stop_is_the_reason() -> None:
    ending = Ending()
    ending.stop("enough")
    ending.stop("shutdown")
    assert ending.end(FINISHED) == End("enough", 0)


def test_the_first_failure_wins_over_every_stop() -> None:
    ending = Ending()
    ending.stop("enough")
    ending.fail(Reason.OUTPUT_FAILED, "no space\n  left")
    ending.fail(Reason.EXITED, "SystemExit: 3", 3)
    assert ending.end(FINISHED) == End("output_failed", 1, "no space left")


def test_a_failure_may_bring_its_own_exit_status() -> None:
    ending = Ending()
    ending.fail(Reason.EXITED, "SystemExit: 3", 3)
    assert ending.end(FINISHED).exit_status == 3


@pytest.mark.parametrize(
    ("reason", "status"),
    [("finished", 0), ("late", 0), ("shutdown", 0), ("stopped", 0), ("closespider_timeout", 0), ("mine", 0)]
    + [(reason.value, 1) for reason in Reason if reason not in ("finished", "late", "shutdown", "stopped")],
)
def test_the_exit_status_is_0_where_the_end_was_asked_for(reason: str, status: int) -> None:
    assert ends.exit_status(reason) == status


def test_every_reason_has_a_meaning_and_is_plain_text() -> None:
    assert all(ends.meaning(reason) for reason in (*Reason, "mine"))
    assert type(ends.end_for(Reason.FINISHED).reason) is str


def test_an_error_has_no_passwords_of_urls() -> None:
    ending, error = Ending(), ConnectionError("redis://ann:s3cret@a.test/0 does not answer")
    ending.fail_by(error)
    line = "ConnectionError: redis://ann:***@a.test/0 does not answer"
    assert ending.end(FINISHED) == End("crashed", 1, line)
    assert ends.error_text(error) == line
    assert ends.end_for(Reason.NOT_STARTED, str(error)).error == line.removeprefix("ConnectionError: ")


@pytest.mark.parametrize("hide", [without_passwords, text.without_passwords])
def test_a_message_may_say_where_the_password_belongs(hide: Callable[[str], str]) -> None:
    assert hide("redis://:PASSWORD@HOST and redis://:hush@a") == "redis://:PASSWORD@HOST and redis://:***@a"
