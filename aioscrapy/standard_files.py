"""The standard input, output and error, which a program that starts others may have closed."""

import os
import sys

# The numbers of those that are closed: they lead to /dev/null, or to the first file that the program opened.
null_numbers: set[int] = set()


def open_standard_files() -> None:
    """Open /dev/null in the place of those that are closed.

    Else the first socket or file of the crawl gets the number of one of them: what is printed goes there,
    and the event loop of uvloop ends the process when it closes it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
        null_numbers.add(number)
    os.close(number)
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        if getattr(sys, f"__{name}__") is None:
            null_numbers.add(number)
        if getattr(sys, name) is None:
            null = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 for the whole process
            setattr(sys, name, null)
