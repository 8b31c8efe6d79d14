"""Every public name of Scrapy, scrapy-redis and aio-scrapy is here, or one line says what to use.

`public_names.txt` has the classes, functions and constants of Scrapy 2.19, those that Scrapy 2.13 has in
addition, of scrapy-redis 0.9 and of aio-scrapy 2.1: MODULE: NAMES, below the root of each. Types of hints
and helpers that no page documents are not in it.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

NAMES = Path(__file__).with_name("public_names.txt")
ROOTS = {
    "scrapy": "aioscrapy",
    "scrapy 2.13": "aioscrapy",
    "scrapy_redis": "aioscrapy.scrapy_redis",
    "aioscrapy": "aioscrapy",
}


def names_of(package: str) -> Iterator[tuple[str, str]]:
    """Return (module, name) for the section of a package."""
    section = NAMES.read_text().partition(f"[{package}]\n")[2].partition("\n\n")[0]
    for line in section.splitlines():
        path, _, names = line.partition(":")
        module = f"{ROOTS[package]}.{path}".rstrip(".")
        yield from ((module, name) for name in names.split())


def answer(module: str, name: str) -> str:
    """Return "present", the line of what to use instead, or the error of Python."""
    try:
        getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as exc:
        return str(exc)
    return "present"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("package", ROOTS)
def test_each_name_is_there_or_says_what_to_use(package: str) -> None:
    answers = {f"{module}.{name}": answer(module, name) for module, name in names_of(package)}
    assert answers
    unknown = {
        name: text for name, text in answers.items() if text != "present" and "isn't here: " not in text
    }
    assert unknown == {}
