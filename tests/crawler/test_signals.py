"""The switchboard: receivers get what they name, and one that fails does not stop the others."""

import functools
from typing import Any

import pytest

from aioscrapy.exceptions import CloseSpider, DontCloseSpider, IgnoreRequest, StopDownload
from aioscrapy.signals import (
    Signal,
    SignalManager,
    headers_received,
    item_scraped,
    request_scheduled,
    spider_closed,
    spider_idle,
)

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


@pytest.mark.parametrize(
    ("signal", "control", "stops", "logged"),
    [
        (spider_idle, DontCloseSpider, False, False),
        (spider_idle, CloseSpider, False, False),  # the scheduler reads it
        (request_scheduled, IgnoreRequest, False, False),
        (headers_received, StopDownload, False, False),
        (headers_received, CloseSpider, True, False),
        (item_scraped, CloseSpider, True, False),
        (item_scraped, DontCloseSpider, False, True),
        (item_scraped, StopDownload, False, True),
        (spider_closed, CloseSpider, False, True),
    ],
)
@pytest.mark.parametrize("plain", [True, False])
async def test_a_control_exception_takes_effect_or_has_a_line(
    manager: SignalManager,
    signal: Signal,
    control: type[Exception],
    stops: bool,
    logged: bool,
    plain: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def raising() -> None:
        raise control

    reasons: list[str] = []
    manager.on_close = reasons.append
    manager.connect(raising, signal)
    if plain:
        ((_, answer),) = manager.send_catch_log(signal)
    else:
        (answer,) = await manager.send(signal)
    assert isinstance(answer, control)
    assert reasons == (["cancelled"] if stops else [])
    assert (control.__name__ in caplog.text) is logged


async def test_nobody_listens_to_another_signal(manager: SignalManager) -> None:
    manager.connect(lambda: 1, moment)
    assert await manager.send(Signal("moment")) == []  # a signal is known by identity, not by name
