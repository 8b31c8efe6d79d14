"""The switchboard: receivers get what they name, and one that fails does not stop the others."""

import functools
from typing import Any

import pytest

from aioscrapy.exceptions import CloseSpider, DontCloseSpider
from aioscrapy.signals import Signal, SignalManager, spider_idle

moment = Signal("moment")


@pytest.fixture
def manager() -> SignalManager:
    return SignalManager()


async def test_receivers_are_called_in_the_order_of_connection(manager: SignalManager) -> None:
    async def second(item: Any) -> str:
        return f"second {item}"

    manager.connect(lambda: "first", moment)
    manager.connect(second, moment)
    manager.connect(functools.partial(lambda prefix, item: f"{prefix} {item}", "third"), moment)
    assert await manager.send(moment, item=1, spider=None) == ["first", "second 1", "third 1"]


async def test_a_receiver_that_takes_anything_gets_everything(manager: SignalManager) -> None:
    manager.connect(lambda **given: given, moment)
    everything = {"signal": moment, "sender": None, "item": 1, "spider": 2}
    assert await manager.send(moment, item=1, spider=2) == [everything]


async def test_a_method_is_a_receiver_and_may_be_disconnected(manager: SignalManager) -> None:
    class Counter:
        count = 0

        def hear(self) -> None:
            self.count += 1

    counter = Counter()
    manager.connect(counter.hear, moment)
    assert manager.connected(moment)
    await manager.send(moment)
    manager.disconnect(counter.hear, moment)
    manager.disconnect(counter.hear, spider_idle)  # never connected
    assert not manager.connected(moment)
    await manager.send(moment)
    assert counter.count == 1


async def test_a_receiver_that_fails_is_logged_and_the_others_are_called(
    manager: SignalManager, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ValueError("no")

    manager.connect(broken, moment)
    manager.connect(lambda: "called", moment)
    failed, called = await manager.send(moment)
    assert isinstance(failed, ValueError)
    assert called == "called"
    assert "<signal moment>" in caplog.text
    assert "ValueError: no" in caplog.text


@pytest.mark.parametrize("control", [DontCloseSpider, CloseSpider])
async def test_control_is_no_error(
    manager: SignalManager, control: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    def raising() -> None:
        raise control

    manager.connect(raising, moment)
    (answer,) = await manager.send(moment)
    assert isinstance(answer, control)
    assert caplog.text == ""


async def test_nobody_listens_to_another_signal(manager: SignalManager) -> None:
    manager.connect(lambda: 1, moment)
    assert await manager.send(Signal("moment")) == []  # a signal is known by identity, not by name
