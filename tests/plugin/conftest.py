"""A folder of a daemon for each test of the runner."""

from pathlib import Path

import pytest

from plugin.jobs import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path)
