"""Signals of the operating system: handled inside a context, and given back behind it."""

import os
import signal
import threading

import pytest

from aioscrapy.os_signals import INTERRUPTS, interruptible, policy


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in INTERRUPTS]


def test_the_first_signal_and_the_later_ones_have_their_own_function() -> None:
    calls: list[tuple[str, signal.Signals]] = []
    with policy(lambda n: calls.append(("first", n)), lambda n: calls.append(("later", n))):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
    assert calls == [("first", signal.SIGTERM), ("later", signal.SIGINT), ("later", signal.SIGTERM)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_earlier_handlers_are_restored_after_an_error(error: type[BaseException]) -> None:
    before = handlers()
    with pytest.raises(error), policy(lambda _: None, numbers=INTERRUPTS):
        raise error
    assert handlers() == before


def test_the_earlier_handlers_are_restored_at_the_end() -> None:
    before = handlers()
    with policy(lambda _: None, numbers=INTERRUPTS):
        assert handlers() != before
    assert handlers() == before


def command(number: signal.Signals) -> None:
    with interruptible():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)  # ignored: the command cleans up


@pytest.mark.parametrize("number", INTERRUPTS)
def test_a_command_is_interrupted_once(number: signal.Signals) -> None:
    before = handlers()
    with pytest.raises(KeyboardInterrupt):
        command(number)
    assert handlers() == before


def test_a_command_that_cleans_up_is_not_interrupted() -> None:
    with interruptible() as interrupts:
        interrupts.ignore()
        signal.raise_signal(signal.SIGTERM)


def test_nothing_is_handled_outside_of_the_main_thread() -> None:
    before, inside = handlers(), []

    def thread() -> None:
        with policy(lambda _: None, numbers=INTERRUPTS):
            inside.extend(handlers())

    running = threading.Thread(target=thread)
    running.start()
    running.join()
    assert inside == before
