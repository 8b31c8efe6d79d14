"""The standard input, output and error, which a program that starts others may have closed."""

import os
import sys

# The numbers of those that lead to /dev/null because they were closed, or belong to another process.
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
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 for the whole process
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 as above
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 as above
