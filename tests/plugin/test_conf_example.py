"""scrapyd.conf.example is the configuration of the seed document, explained and closed to strangers."""

import configparser
import re
from pathlib import Path

import pytest
from scrapyd.config import Config

from support import REPOSITORY
from support.scrapyd import ScrapydServer

EXAMPLE = REPOSITORY / "scrapyd.conf.example"
SEED = """
[scrapyd]
eggs_dir    = eggs
logs_dir    = logs
items_dir   =
jobs_to_keep = 5
dbs_dir     = dbs
max_proc    = 0
max_proc_per_cpu = 4
finished_to_keep = 100
poll_interval = 5.0
bind_address = 0.0.0.0
http_port   = 6800
debug       = off
runner      = aioscrapy.scrapyd.runner
application = scrapyd.app.application
launcher    = scrapyd.launcher.Launcher
webroot     = scrapyd.website.Root

[services]
schedule.json     = scrapyd.webservice.Schedule
cancel.json       = scrapyd.webservice.Cancel
addversion.json   = scrapyd.webservice.AddVersion
listprojects.json = scrapyd.webservice.ListProjects
listversions.json = scrapyd.webservice.ListVersions
listspiders.json  = scrapyd.webservice.ListSpiders
delproject.json   = scrapyd.webservice.DeleteProject
delversion.json   = scrapyd.webservice.DeleteVersion
listjobs.json     = scrapyd.webservice.ListJobs
daemonstatus.json = scrapyd.webservice.DaemonStatus
"""


def parsed(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def test_it_is_the_seeds_configuration_as_a_node_on_loopback_with_room_for_a_password() -> None:
    expected = parsed(SEED)
    expected["scrapyd"] |= {
        "application": "aioscrapy_scrapyd.app.application",
        "bind_address": "127.0.0.1",
        "username": "",
        "password": "",
        "poll_interval": "0.2",
    }
    assert parsed(EXAMPLE.read_text()) == expected


def test_every_key_follows_its_explanation() -> None:
    explained = False
    for line in EXAMPLE.read_text().splitlines():
        if re.match(r"[\w.]+ *=", line):
            assert explained, line
        explained = line.startswith("#") or (explained and bool(line))


def test_scrapyd_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scrapyd.conf").write_text(EXAMPLE.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = Config()
    assert config.get("runner") == "aioscrapy.scrapyd.runner"
    assert config.get("bind_address") == "127.0.0.1"
    assert config.getfloat("poll_interval") == 0.2
    assert dict(config.items("services"))["status.json"] == "scrapyd.webservice.Status"


@pytest.mark.server
def test_it_starts_a_node_whose_services_are_the_nodes_own(tmp_path: Path) -> None:
    with ScrapydServer(tmp_path, conf_text=EXAMPLE.read_text()) as node:
        assert node.api("daemonstatus")["slots"] > 0
        assert node.api("listjobs", limit=1)["next"] is None


@pytest.mark.server
def test_the_seeds_configuration_runs_stock_parts(tmp_path: Path) -> None:
    with ScrapydServer(tmp_path, conf_text=SEED) as stock:
        assert "slots" not in stock.api("daemonstatus")
        assert not (tmp_path / "dbs" / "node.db").exists()
