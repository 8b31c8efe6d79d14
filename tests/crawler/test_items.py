import subprocess
import sys
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


@pytest.mark.server
def test_a_generator_of_dicts_loads_no_library_of_items() -> None:
    """They take half a second, in which the event loop of the crawl stands still after its first page."""
    program = (
        "import asyncio, sys\n"
        "from aioscrapy.core.callback_output import stream_of\n"
        "async def main():\n"
        "    return [output async for output in stream_of({'a': n} for n in range(2))]\n"
        "print(asyncio.run(main()), sorted({'itemadapter', 'pydantic'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[{'a': 0}, {'a': 1}] []\n"
