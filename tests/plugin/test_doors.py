"""The names under which users and Scrapyd reach the runner."""

import importlib
import subprocess
import sys

import pytest

from plugin.jobs import Daemon, make_egg, spider

DOORS = ("aioscrapy.scrapyd.runner", "aioscrapy_scrapyd.runner")


@pytest.mark.parametrize("door", DOORS)
def test_python_dash_m_lists_the_spiders(daemon: Daemon, door: str) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    (daemon.folder / "bot.py").write_text("raise RuntimeError('the daemon folder hides the egg')")
    command = [sys.executable, "-m", door, "list"]
    env = {**daemon.env, "SCRAPY_PROJECT": "p"}
    done = subprocess.run(command, cwd=daemon.folder, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", "")


@pytest.mark.parametrize("door", DOORS)
def test_an_import_offers_main(
    door: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SCRAPY_PROJECT", raising=False)
    path = list(sys.path)
    assert importlib.import_module(door).main(["settings"]) == 1
    assert "SCRAPY_PROJECT is not set" in capsys.readouterr().err
    assert sys.path == path
