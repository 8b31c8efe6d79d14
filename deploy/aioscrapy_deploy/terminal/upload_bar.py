"""The bar of an upload on a terminal."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LARGE = 1_000_000  # bytes from which on an upload has a bar


@contextmanager
def upload_bar(size: int) -> Iterator[Callable[[int], None] | None]:
    """Draw a bar for `size` bytes on standard error; yields a callback for the number of bytes sent.

    It yields None for less than LARGE bytes, or if standard error is not a terminal that can move its cursor.
    """
    if size < LARGE or not sys.stderr.isatty() or os.environ.get("TERM") in {"dumb", "unknown"}:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Uploading", total=size)

        def on_sent(sent: int) -> None:
            arrived = sent >= size  # Scrapyd answers when it has listed the spiders
            progress.update(
                bar, completed=sent, description="The server lists the spiders" if arrived else "Uploading"
            )

        yield on_sent
