"""The folder of a quickstart: its files before the first program starts."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from aioscrapy.exceptions import ConfigError

_README = """\
This folder was made by `aioscrapy quickstart`, which empties it when it starts again.

project/               the example project, as it was deployed
scrapyd/scrapyd.conf   the configuration of the node, a Scrapyd
scrapyd/dbs/node.db    its jobs: `aioscrapy node scrapyd` in this folder shows them again
scrapyd/logs/          one log per job
scrapyd/items/         one file of items per job, one JSON object per line
scrapyd/scrapyd.log    the log of the node
redis/, site.log       data and log of Redis, log of the demo site
"""
SCRAPYD_CONF = """\
[scrapyd]
application  = aioscrapy_scrapyd.app.application
runner       = aioscrapy.scrapyd.runner
bind_address = 127.0.0.1
http_port    = {port}
eggs_dir     = eggs
logs_dir     = logs
items_dir    = items
dbs_dir      = dbs
jobs_to_keep = 100
max_proc     = {jobs}
"""


def prepare_folder(folder: Path) -> Path:
    """Empty the folder of an earlier quickstart, or create it, and write the files that the programs read.

    Raises:
        ConfigError: The folder has other files.
    """
    folder = folder.expanduser().resolve()
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not _is_ours(folder):
                raise ConfigError(f"{folder} is not empty, and not the folder of an earlier quickstart")
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # the project has the password of the Redis
        (folder / "scrapyd").mkdir()
        (folder / "README.txt").write_text(_README, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"the folder {folder} can't be used: {exc.strerror}") from None
    return folder


def _is_ours(folder: Path) -> bool:
    marker = folder / "README.txt"
    return marker.is_file() and marker.read_bytes().startswith(_README.encode()[:60])


def write_project(folder: Path, redis_url: str, scrapyd_url: str) -> Path:
    """Copy the example project and replace its addresses by those of this run."""
    with as_file(files("aioscrapy.demo") / "project") as bundled:
        shutil.copytree(bundled, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, default, current in (
        ("aioscrapy.cfg", "http://localhost:6800/", scrapyd_url),
        ("quotes/settings.py", "redis://localhost:6379/0", redis_url),
    ):
        file = folder / name
        file.write_text(file.read_text(encoding="utf-8").replace(default, current), encoding="utf-8")
    return folder
