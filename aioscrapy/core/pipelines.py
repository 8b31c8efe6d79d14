"""Pass items through the pipelines; the hooks are looked up once."""

from typing import Any

from aioscrapy.cancellation import raise_if_aborted
from aioscrapy.components import build_all
from aioscrapy.context import CrawlContext
from aioscrapy.contracts import Pipeline
from aioscrapy.ends import error_text
from aioscrapy.exceptions import ItemLostError
from aioscrapy.hooks import Hook, hooks, own_hooks, settle
from aioscrapy.items import is_running
from aioscrapy.log import logger


class Pipelines:
    """The pipelines of ITEM_PIPELINES in their order, then the spider's own `process_item`."""

    def __init__(self, pipelines: list[Any], spider: Any) -> None:
        self._steps: list[tuple[str, Hook]] = [
            (type(pipeline).__name__, hook)
            for pipeline in pipelines
            for hook in hooks([pipeline], Pipeline.process_item, spider)
        ]
        self._last: list[Hook] = own_hooks(spider, Pipeline.process_item)
        self._on_open: list[Hook] = hooks(pipelines, Pipeline.open_spider, spider)
        self._on_close: list[Hook] = hooks(reversed(pipelines), Pipeline.close_spider, spider)
        self.empty = not self._steps and not self._last

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "Pipelines":
        """Create the pipelines of the settings.

        Raises:
            SettingError: a pipeline can't be loaded or created.
        """
        orders = crawler.settings.getwithbase("ITEM_PIPELINES")
        return cls(await build_all("ITEM_PIPELINES", orders, crawler), crawler.spider)

    async def open(self) -> None:
        """Call `open_spider` of every pipeline."""
        for hook in self._on_open:
            await settle(hook())

    async def process(self, item: Any) -> Any:
        """Pass an item through all pipelines; return the result of the last one.

        Raises:
            DropItem: a pipeline drops the item.
            ItemLostError: a pipeline returned None, or a generator.
        """
        for name, hook in self._steps:
            item = await settle(hook(item))
            if item is None:
                raise ItemLostError(f"{name}.process_item returned None: is `return item` missing?")
            if is_running(item):
                raise ItemLostError(f"{name}.process_item returned a {type(item).__name__}: use `return`")
        for hook in self._last:
            await settle(hook(item))
        return item

    async def close(self) -> list[str]:
        """Call `close_spider` of every pipeline, also after an error; return the errors."""
        errors = []
        for hook in self._on_close:
            try:
                await settle(hook())
            except BaseException as exc:  # noqa: BLE001 the other pipelines must close too
                raise_if_aborted(exc)
                logger.exception("A pipeline did not close")
                errors.append(f"a pipeline did not close: {error_text(exc)}")
        return errors
