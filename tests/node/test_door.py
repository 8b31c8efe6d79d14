"""The door of a running node: hosts, origins, users, sizes, headers."""

import configparser
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from aioscrapy.db.embedded import free_port
from aioscrapy_scrapyd.users import hash_password
from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support import child_environment
from support.scrapyd import ScrapydServer

SPIDER = "from aioscrapy import Spider\nclass One(Spider):\n    name = 'one'\n"
ROLES = ("viewer", "operator", "deployer", "admin")
FOREIGN = {"Origin": "http://localhost:9999", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}


def test_a_page_of_another_site_neither_deploys_nor_starts_nor_reads(node: ScrapydServer) -> None:
    egg = make_egg({"spiders/a.py": SPIDER})
    upload = requests.post(
        f"{node.url}addversion.json",
        data={"project": "p", "version": "1"},
        files={"egg": egg},
        headers=FOREIGN,
        timeout=10,
    )
    form = requests.post(
        f"{node.url}schedule.json", data={"project": "p", "spider": "one"}, headers=FOREIGN, timeout=10
    )
    reading = requests.get(f"{node.url}listprojects.json", headers=FOREIGN, timeout=10)
    rebound = requests.get(f"{node.url}listprojects.json", headers={"Host": "evil.example:6800"}, timeout=10)
    assert [answer.status_code for answer in (upload, form, reading, rebound)] == [403, 403, 403, 421]
    assert node.api("listprojects")["projects"] == []


def test_programs_use_the_api_as_before(node: ScrapydServer) -> None:
    answer = requests.post(
        f"{node.url}addversion.json",
        data={"project": "p", "version": "1"},
        files={"egg": make_egg({"spiders/a.py": SPIDER})},
        timeout=60,
    )
    assert answer.json()["status"] == "ok"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert node.api("listspiders", project="p")["spiders"] == ["one"]


def test_every_answer_has_the_security_headers(node: ScrapydServer) -> None:
    for path in ("", "jobs", "logs/", "daemonstatus.json", "nothing-here"):
        headers = requests.get(f"{node.url}{path}", timeout=10).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_file_beside_the_logs_is_text_whatever_its_name(node: ScrapydServer) -> None:
    page = node.folder / "logs" / "p" / "one" / "x.html"
    page.parent.mkdir(parents=True)
    page.write_text("<script>alert(1)</script>")
    headers = requests.get(f"{node.url}logs/p/one/x.html", timeout=10).headers
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in headers["Content-Security-Policy"]


def test_a_prefix_with_markup_does_not_reach_the_page(node: ScrapydServer) -> None:
    for path in ("", "jobs"):
        page = requests.get(
            f"{node.url}{path}", headers={"X-Forwarded-Prefix": '/x"><script>alert(3)</script>'}, timeout=10
        ).text
        assert "alert(3)" not in page
    assert (
        'href="/proxied/jobs"'
        in requests.get(node.url, headers={"X-Forwarded-Prefix": "/proxied"}, timeout=10).text
    )


def test_a_job_id_with_markup_stays_text(tmp_path: Path) -> None:
    job = '"><img src=x onerror=alert(1)>'
    with ScrapydServer(tmp_path / "node", conf={"poll_interval": "1000"}) as stock:
        upload = {"project": "p", "version": "1"}
        egg = make_egg({"spiders/a.py": SPIDER})
        requests.post(f"{stock.url}addversion.json", data=upload, files={"egg": egg}, timeout=60)
        assert stock.api("schedule", "POST", project="p", spider="one", jobid=job)["jobid"] == job
        stock.kill()
    with ScrapydServer(tmp_path / "node", conf={"application": APPLICATION}) as node:
        entry = node.wait_job(job)
        assert entry["log_url"] == "/logs/p/one/%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.log"
        page = requests.get(f"{node.url}jobs", timeout=10).text
        assert "<img" not in page
        refused = node.api("schedule", "POST", project="p", spider="one", jobid=job)
        assert refused["status"] == "error"


@pytest.fixture
def guarded(tmp_path: Path) -> "ScrapydServer":
    users = "\n".join(f"{role} = {role} {hash_password(role)}" for role in ROLES)
    text = f"""
[scrapyd]
application = {APPLICATION}
runner = aioscrapy.scrapyd.runner
username = root
password = sesame
egg_max_mb = 1
[users]
{users}
"""
    return ScrapydServer(
        tmp_path / "guarded", conf={"username": "root", "password": "sesame"}, conf_text=text
    )


def test_each_role_may_do_what_it_should(guarded: ScrapydServer) -> None:
    may = {
        ("GET", "listprojects.json"): ("viewer", "operator", "deployer", "admin", "root"),
        ("POST", "schedule.json"): ("operator", "deployer", "admin", "root"),
        ("POST", "cancel.json"): ("operator", "deployer", "admin", "root"),
        ("POST", "addversion.json"): ("deployer", "admin", "root"),
        ("POST", "delversion.json"): ("deployer", "admin", "root"),
        ("POST", "delproject.json"): ("admin", "root"),
    }
    with guarded:
        for (method, path), allowed in may.items():
            for user in (*ROLES, "root"):
                login = (user, "sesame" if user == "root" else user)
                answer = requests.request(method, f"{guarded.url}{path}", auth=login, timeout=10)
                assert answer.status_code == (200 if user in allowed else 403), (path, user, answer.text)
        assert requests.get(guarded.url, timeout=10).status_code == 401
        assert "Basic authentication enabled" in guarded.daemon_text()


def test_guessing_is_slowed_down_and_a_known_user_is_not(guarded: ScrapydServer) -> None:
    with guarded:
        assert requests.get(guarded.url, auth=("root", "sesame"), timeout=10).status_code == 200
        answers = [
            requests.get(guarded.url, auth=("root", f"{n}"), timeout=10).status_code for n in range(12)
        ]
        assert answers == [401] * 10 + [429] * 2
        assert requests.get(guarded.url, auth=("admin", "admin"), timeout=10).status_code == 429
        assert requests.get(guarded.url, auth=("root", "sesame"), timeout=10).status_code == 200


def test_a_body_over_the_limit_is_refused_unparsed(guarded: ScrapydServer) -> None:
    with guarded:
        answer = requests.post(
            f"{guarded.url}addversion.json",
            data={"project": "p", "version": "1"},
            files={"egg": bytes(2 * 2**20)},
            auth=("root", "sesame"),
            timeout=30,
        )
        assert (answer.status_code, "egg_max_mb" in answer.text) == (413, True)
        assert guarded.api("daemonstatus")["status"] == "ok"


def test_a_refused_request_leaves_the_connection_usable(node: ScrapydServer) -> None:
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 421")
        client.sendall(b"GET /daemonstatus.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def refusal_to_start(folder: Path, **conf: str) -> str:
    folder.mkdir(exist_ok=True)
    parser = configparser.ConfigParser(interpolation=None)
    parser["scrapyd"] = {"application": APPLICATION, "http_port": str(free_port()), **conf}
    with (folder / "scrapyd.conf").open("w") as file:
        parser.write(file)
    done = subprocess.run(
        [sys.executable, "-m", "scrapyd", "--pidfile="],
        cwd=folder,
        env=child_environment(HOME=str(folder)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_a_node_without_users_does_not_start_beyond_loopback(tmp_path: Path) -> None:
    assert "open_access = yes" in refusal_to_start(tmp_path, bind_address="0.0.0.0")
    assert "is not a whole number of at least 1" in refusal_to_start(tmp_path, egg_max_mb="many")


@pytest.mark.parametrize(
    "conf",
    [
        {"http_port": "many"},
        {"max_proc": "-1"},
        {"cancel_deadline": "ten"},
        {"open_access": "perhaps", "bind_address": "0.0.0.0"},
        {"username": "a:b", "password": "x"},
        {"dbs_dir": ":memory:"},
        {"redis_urls": "redis://localhost:6379/0 redis://:sesame/@localhost"},
    ],
    ids=lambda conf: next(iter(conf)),
)
def test_a_wrong_value_is_refused_in_one_line(tmp_path: Path, conf: dict[str, str]) -> None:
    line = refusal_to_start(tmp_path, **conf)
    assert next(iter(conf)) in line
    assert "Error" not in line
    assert "sesame" not in line


def test_open_access_insists(tmp_path: Path) -> None:
    conf = {"application": APPLICATION, "bind_address": "0.0.0.0", "open_access": "yes"}
    with ScrapydServer(tmp_path, conf=conf) as server:
        assert server.api("daemonstatus")["status"] == "ok"


def test_a_part_that_the_user_names_stays_his(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from scrapyd.launcher import Launcher\nclass Mine(Launcher):\n    def startService(self):\n"
        "        print('MINE')\n        super().startService()\n"
    )
    with ScrapydServer(tmp_path, conf={"application": APPLICATION, "launcher": "mine.Mine"}) as server:
        assert server.api("daemonstatus")["status"] == "ok"
        assert "MINE" in server.daemon_text()
        assert "launcher = mine.Mine" in server.daemon_text()
        assert not (tmp_path / "dbs" / "node.db").exists()
