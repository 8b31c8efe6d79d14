"""Item loaders: the library itemloaders with this package's items and selectors."""

from typing import Any

import itemloaders

from aioscrapy.item import Item
from aioscrapy.selector import Selector


class ItemLoader(itemloaders.ItemLoader):
    """Collects values for an item, with a processor in front of and behind every field.

    `loader.add_css("title", "h1::text")`, then `loader.load_item()`; see the manual of itemloaders.

    Args:
        item: to fill; None creates one of `default_item_class`.
        selector: in which `add_css`, `add_xpath` and `add_jmes` search.
        response: searched if there is no selector; also in the context of the processors.
        parent: the loader of which this is a part.
        context: more values for the processors.
    """

    default_item_class = Item
    default_selector_class = Selector

    def __init__(
        self,
        item: Any = None,
        selector: Any = None,
        response: Any = None,
        parent: Any = None,
        **context: Any,
    ) -> None:
        if selector is None and response is not None:
            try:
                selector = self.default_selector_class(response)
            except AttributeError:  # not a text response
                selector = None
        super().__init__(item=item, selector=selector, parent=parent, response=response, **context)
