"""`aioscrapy node`: a node here and now, its users and its tokens."""

import configparser
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from aioscrapy.db.embedded import free_port
from node.test_jobs import deploy, schedule
from plugin.jobs import make_egg
from support import REPOSITORY, child_environment
from support.scrapyd import ScrapydServer
from support.site import Site

AIOSCRAPY = [sys.executable, "-m", "aioscrapy"]


def node(folder: Path, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*AIOSCRAPY, "node", *arguments],
        cwd=folder,
        env=child_environment(HOME=str(folder)),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_node_starts_in_an_empty_folder_and_writes_its_configuration(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [*AIOSCRAPY, "node", "here", "--port", str(port)],
        cwd=tmp_path,
        env=child_environment(HOME=str(tmp_path)),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Launcher" in line:
                break
        answer = requests.get(f"http://127.0.0.1:{port}/daemonstatus.json", timeout=10).json()
        assert answer["status"] == "ok"
        assert answer["problems"] == []
        assert (
            "application  = aioscrapy_scrapyd.app.application"
            in (tmp_path / "here" / "scrapyd.conf").read_text()
        )
        assert (tmp_path / "here" / "dbs" / "node.db").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode in {0, -signal.SIGTERM}


def test_the_configuration_of_a_stock_scrapyd_is_not_taken_for_a_nodes(tmp_path: Path) -> None:
    (tmp_path / "scrapyd.conf").write_text("[scrapyd]\nrunner = aioscrapy.scrapyd.runner\n")
    done = node(tmp_path)
    assert (done.returncode, "application = aioscrapy_scrapyd.app.application" in done.stderr) == (1, True)


def test_a_port_that_is_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = node(tmp_path, "here", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert " of 127.0.0.1 is in use, perhaps by a node or a Scrapyd; use another --port" in done.stderr


def test_users_are_added_listed_and_removed_beside_the_users_own_lines(tmp_path: Path) -> None:
    conf = tmp_path / "scrapyd.conf"
    conf.write_text("# mine\n[scrapyd]\nhttp_port = 1\n")
    assert node(tmp_path, "user", "add", "ann", typed="secret\n").returncode == 0
    assert (
        node(
            tmp_path, "user", "add", "bob", "--role", "deployer", "--projects", "shop", typed="x\n"
        ).returncode
        == 0
    )
    assert node(tmp_path, "user", "add", "ann", "--role", "admin", typed="other\n").returncode == 0
    listed = [line.split() for line in node(tmp_path, "user", "list").stdout.splitlines()]
    assert sorted(listed[1:]) == [["ann", "admin", "all"], ["bob", "deployer", "shop"]]
    assert "secret" not in conf.read_text()
    assert conf.read_text().startswith("# mine\n[scrapyd]\nhttp_port = 1\n")
    assert node(tmp_path, "user", "remove", "ann").returncode == 0
    assert "ann" not in conf.read_text()
    for wrong in (
        ["user", "remove", "ann"],
        ["user", "add", "Odd Name"],
        ["user", "add", "a", "--role", "boss"],
        ["user"],
    ):
        done = node(tmp_path, *wrong, typed="x\n")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), wrong
    before = conf.read_text()
    done = node(tmp_path, "user", "add", "cid")
    assert (done.returncode, "the password, is empty" in done.stderr) == (1, True)
    assert conf.read_text() == before


def test_a_user_and_a_token_of_one_project(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "scrapyd.conf").write_text("[scrapyd]\napplication = aioscrapy_scrapyd.app.application\n")
    assert node(folder, "user", "add", "ann", "--role", "admin", typed="secret\n").returncode == 0
    text = (folder / "scrapyd.conf").read_text()
    with ScrapydServer(folder, conf={"username": "ann", "password": "secret"}, conf_text=text) as server:
        token = node(folder, "token", "add", "ci", "--role", "operator", "--projects", "p").stdout.strip()
        other = node(folder, "token", "add", "old", "--days", "0.000000001").stdout.strip()
        assert re.fullmatch(r"aio_[0-9a-f]{8}_[\w-]{43}", token)

        def asked(path: str, bearer: str, **fields: str) -> int:
            headers = {"Authorization": f"Bearer {bearer}"}
            return requests.post(f"{server.url}{path}", data=fields, headers=headers, timeout=10).status_code

        assert asked("schedule.json", token, project="p", spider="one") == 200
        assert asked("schedule.json", token, project="q", spider="one") == 403
        assert asked("delproject.json", token, project="p") == 403
        as_password = [
            requests.get(
                f"{server.url}listspiders.json", {"project": project}, auth=("any", token), timeout=10
            )
            for project in ("p", "q")
        ]
        assert [answer.status_code for answer in as_password] == [200, 403]
        assert asked("schedule.json", other, project="p", spider="one") == 401
        assert asked("schedule.json", token[:-1], project="p", spider="one") == 401
        listed = node(folder, "token", "list").stdout
        # The secret is URL-safe base64 and may hold the separator "_" too.
        _, token_id, secret = token.split("_", 2)
        assert token_id in listed
        assert secret not in listed
        assert node(folder, "token", "remove", token_id).returncode == 0
        assert node(folder, "token", "remove", token_id).returncode == 1


def test_a_job_does_not_get_the_password_of_the_daemon(tmp_path: Path, site: Site) -> None:
    says = "import os\nfrom aioscrapy import Spider\n\nclass One(Spider):\n    name = 'one'\n"
    says += f"    start_urls = ['{site.url}/headers']\n    def parse(self, response):\n"
    says += "        yield {'names': sorted(os.environ)}\n"
    with ScrapydServer(
        tmp_path,
        conf={"application": "aioscrapy_scrapyd.app.application", "username": None},
        environment={"SCRAPYD_USERNAME": "root", "SCRAPYD_PASSWORD": "sesame"},
        login=("root", "sesame"),
    ) as server:
        fields = {"project": "p", "version": "1"}
        egg = make_egg({"spiders/a.py": says})
        requests.post(
            f"{server.url}addversion.json",
            data=fields,
            files={"egg": egg},
            auth=("root", "sesame"),
            timeout=60,
        )
        job = schedule(server, "one")
        server.wait_job(job)
        names = server.items("p", "one", job)[0]["names"]
    assert "AIOSCRAPY_JOB" in names
    assert not [name for name in names if name.startswith("SCRAPYD_PASS")]


def test_the_unit_for_systemd_lets_jobs_live_on() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys of systemd have their case
    unit.read(REPOSITORY / "contrib" / "systemd" / "aioscrapy-node.service")
    assert unit["Service"]["KillMode"] == "process"
    assert "aioscrapy node" in unit["Service"]["ExecStart"]


def test_every_change_is_in_the_audit_table(node_server: ScrapydServer) -> None:
    from node.test_jobs import until

    deploy(node_server)
    job = schedule(node_server, "page", url="http://127.0.0.1:9/")
    node_server.wait_job(job)

    def rows() -> list[tuple[str, str]]:
        import sqlite3

        with sqlite3.connect(f"file:{node_server.folder}/dbs/node.db?mode=ro", uri=True) as connection:
            return connection.execute("SELECT action, object FROM audit ORDER BY time").fetchall()

    assert until(node_server, lambda: rows() if len(rows()) >= 2 else None) == [
        ("/addversion.json", "p 1"),
        ("/schedule.json", "p page"),
    ]
