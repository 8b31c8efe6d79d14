"""Passwords stay where they are: not in an egg, a message, a command line, or a child's environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import child_environment
from support.deploying import PROGRAM, Run, Server, Write
from support.processes import family

SETUP = """
    import urllib.request

    urllib.request.urlopen("{url}/here").read()
    from setuptools import setup, find_packages

    setup(name="shop", version="1", packages=find_packages())
"""
ASKS = (
    "import urllib.request\nurllib.request.urlopen('{url}/here').read()\nSPIDER_MODULES = ['shop.spiders']\n"
)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")
@pytest.mark.parametrize("moment", ["setup.py", "listing", "upload"])
def test_no_command_line_and_no_child_has_a_password(
    project: Path, write: Write, server: Server, moment: str
) -> None:
    url = server.url.replace("//", "//me:hush-url@")
    (project / "aioscrapy.cfg").write_text(
        f"[settings]\ndefault = shop.settings\n[deploy:local]\nurl = {url}\nproject = shop\n"
        "[deploy:other]\nurl = http://localhost\nusername = me\npassword = ${OTHER_PASSWORD}\n"
    )
    if moment == "setup.py":
        write({"setup.py": SETUP.format(url=server.url)})
    if moment == "listing":
        write({"shop/settings.py": ASKS.format(url=server.url)})
    server.answer_now.clear()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "local", "-d"],
        cwd=project,
        env=child_environment(SCRAPYD_PASSWORD="hush-variable", OTHER_PASSWORD="hush-other", KEPT="kept"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert server.arrived.wait(30)
        deploy, *children = family(process.pid)
        server.answer_now.set()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert deploy.pid == process.pid
    assert "hush-variable" in deploy.environment  # we look at the right place
    assert len(children) == (0 if moment == "upload" else 1)
    assert "hush" not in deploy.command + "".join(child.command for child in children)
    assert all("KEPT=kept" in child.environment for child in children)
    assert all("hush" not in child.environment for child in children)
    assert "hush" not in out + err
    assert b"hush" not in server.seen[-1].fields["egg"]
    assert server.seen[-1].authorization


def test_an_error_of_the_project_is_printed_without_passwords_of_urls(
    project: Path, write: Write, deploy: Run
) -> None:
    write({"shop/settings.py": "raise ValueError('postgres://me:hush@db/x')\n"})
    done = deploy("--build-egg", "it.egg")
    assert (done.status, "hush" in done.err, "postgres://me:***@db/x" in done.err) == (1, False, True)


@pytest.mark.parametrize("setup", [True, False])
def test_no_egg_has_the_cfg_or_a_password(project: Path, write: Write, deploy: Run, setup: bool) -> None:
    if setup:
        write({"setup.py": "from setuptools import *\nsetup(name='shop', packages=find_packages())\n"})
    with (project / "aioscrapy.cfg").open("a") as cfg:
        cfg.write("username = me\npassword = hush\n")
    write({"shop/.netrc": "machine a login b password hush\n", ".env": "hush\n", "shop/.env": "hush\n"})
    assert deploy("--build-egg", "it.egg").status == 0
    assert b"hush" not in (project / "it.egg").read_bytes()


def test_the_variables_are_there_again_for_the_upload(
    project: Path, deploy: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPYD_PASSWORD", "hush")
    assert deploy("local").status == 0
    assert os.environ["SCRAPYD_PASSWORD"] == "hush"


def test_a_deploy_warns_before_a_password_goes_over_plain_http(project: Path, deploy: Run) -> None:
    """The name .invalid belongs to nobody (RFC 2606): nothing is sent."""
    with (project / "aioscrapy.cfg").open("a") as cfg:
        cfg.write("[deploy:far]\nurl = http://me:hush@scrapyd.invalid/\nproject = shop\n")
    done = deploy("far", "-v", "1")
    assert done.status == 1
    assert done.err.splitlines()[0] == (
        "Warning: the password for http://scrapyd.invalid goes over the net as plain text: "
        "use https, or a tunnel to a port of this machine"
    )
    assert "hush" not in done.err
    assert "plain text" not in deploy("local").err
