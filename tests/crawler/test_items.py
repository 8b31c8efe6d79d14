from dataclasses import dataclass
from typing import Any

import pytest

from aioscrapy.items import as_dict


@dataclass
class Price:
    amount: int


@pytest.mark.parametrize("item", [{}, {"a": None, "b": [1, ("x", {"c": 1.5})], "d": True, "e": b"\0"}])
def test_plain_data_stays_itself(item: dict[str, Any]) -> None:
    assert as_dict(item) is item


@pytest.mark.parametrize(
    "item",
    [Price(3), {"offers": [{"price": Price(3)}]}, {"price": Price(3)}],
)
def test_items_within_become_dicts(item: Any) -> None:
    assert "Price(" not in repr(as_dict(item))
    assert "{'amount': 3}" in repr(as_dict(item))


def test_what_is_no_item_is_refused() -> None:
    with pytest.raises(TypeError):
        as_dict(3)
