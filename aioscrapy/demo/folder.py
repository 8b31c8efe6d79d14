"""The folder of a quickstart: what is in it before the first program starts."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from aioscrapy.exceptions import ConfigError

_README = """\
This folder was made by `aioscrapy quickstart`, which empties it when it starts again.

project/               the example project, as it was deployed
scrapyd/scrapyd.conf   how Scrapyd was set up
scrapyd/logs/          one log a job
scrapyd/items/         one file of items a job, a JSON object a line
scrapyd/scrapyd.log    what Scrapyd itself had to say
redis/, site.log       the same of the shared queue and of the demo site
"""
SCRAPYD_CONF = """\
[scrapyd]
bind_address  = 127.0.0.1
http_port     = {port}
runner        = aioscrapy.scrapyd.runner
eggs_dir      = eggs
logs_dir      = logs
items_dir     = items
dbs_dir       = dbs
jobs_to_keep  = 100
max_proc      = {jobs}
poll_interval = 0.2
"""


def prepare_folder(folder: Path) -> Path:
    """Empty the folder, which is new or one of ours, and write what the programs read.

    Raises:
        ConfigError: Somebody else's files are in it.
    """
    folder = folder.expanduser().resolve()
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not _is_ours(folder):
                raise ConfigError(f"{folder} is not empty, and not of an earlier quickstart")
            shutil.rmtree(folder)
        (folder / "scrapyd").mkdir(parents=True)
        (folder / "README.txt").write_text(_README, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"the folder {folder} can't be used: {exc.strerror}") from None
    return folder


def _is_ours(folder: Path) -> bool:
    marker = folder / "README.txt"
    return marker.is_file() and marker.read_bytes().startswith(_README.encode()[:60])


def write_project(folder: Path, redis_url: str, scrapyd_url: str) -> Path:
    """Copy the example project, with the addresses of this run in place of the usual ones."""
    with as_file(files("aioscrapy.demo") / "project") as bundled:
        shutil.copytree(bundled, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, usual, ours in (
        ("aioscrapy.cfg", "http://localhost:6800/", scrapyd_url),
        ("quotes/settings.py", "redis://localhost:6379/0", redis_url),
    ):
        file = folder / name
        file.write_text(file.read_text(encoding="utf-8").replace(usual, ours), encoding="utf-8")
    return folder
