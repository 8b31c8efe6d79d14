"""The seed document's project as a folder: its blocks, verbatim but for hosts and ports."""

import os
from pathlib import Path

from support import REPOSITORY

SEED = REPOSITORY / "tests" / "e2e" / "seed"
LAYOUT = {
    "aioscrapy.cfg": "aioscrapy.cfg",
    "setup.py": "setup.py",
    "myproject/settings.py": "settings.py",
    "myproject/pipelines.py": "pipelines.py",
    "myproject/spiders/distributed.py": "distributed.py",
}


def seed_text(block: str, *, site_url: str, redis_url: str, scrapyd_url: str) -> str:
    """Return one block of the seed with its hosts and ports replaced by ours.

    Args:
        block: Its file name in tests/e2e/seed.
        site_url: In place of https://example.com, with no slash at the end.
        redis_url: In place of redis://localhost:6379/0.
        scrapyd_url: In place of http://localhost:6800/ and http://example.com:6800/.
    """
    text = (SEED / block).read_text(encoding="utf-8")
    for old, new in (
        ("http://localhost:6800/", scrapyd_url),
        ("http://example.com:6800/", scrapyd_url),
        ("https://example.com", site_url),
        ("redis://localhost:6379/0", redis_url),
    ):
        text = text.replace(old, new)
    return text


def write_seed_project(folder: Path, *, site_url: str, redis_url: str, scrapyd_url: str) -> Path:
    """Make the seed's project in `folder`, with its `__init__.py` files; returns the folder."""
    for target, block in LAYOUT.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        text = seed_text(block, site_url=site_url, redis_url=redis_url, scrapyd_url=scrapyd_url)
        path.write_text(text, encoding="utf-8")
    for package in ("myproject", "myproject/spiders"):
        (folder / package / "__init__.py").touch()
    return Path(os.path.realpath(folder))
