"""A whole crawl over every way to a Redis: password, ACL user, socket, TLS, sentinels, cluster."""

import asyncio
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from redis import Redis
from redis.asyncio import RedisCluster
from redis.exceptions import RedisError

from aioscrapy.crawls.progress import filter_usage, memory, progress, workers_of
from aioscrapy.crawls.script import Script
from aioscrapy.db import DbManager
from aioscrapy.db.embedded import free_port, server_binary
from aioscrapy.db.redis_client import make_client
from aioscrapy.exceptions import ConfigError, QueueError, SettingError
from aioscrapy.open_crawls import open_crawls
from aioscrapy.settings import Settings
from support.crawling import Crawled, Everything, SiteSpider, crawl
from support.redis import BINARY_VARIABLE, RedisServer
from support.site import Site

PASSWORD = "p@ss/w?r#d:%é"
ESCAPED = "p%40ss%2Fw%3Fr%23d%3A%25%C3%A9"
FILTERS = ["RFPDupeFilter", "BloomDupeFilter"]
SOON_S = 20.0  # seconds in which servers must have found one another


def of(arguments: dict[str, Any], filter_class: str = "RFPDupeFilter") -> dict[str, Any]:
    """Return the settings of a crawl that is shared in this Redis."""
    return {
        "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
        "DUPEFILTER_CLASS": f"aioscrapy.dupefilters.redis.{filter_class}",
        "REDIS_ARGS": {"queue": arguments},
    }


async def crawls_once(site: Site, arguments: dict[str, Any], filter_class: str = "RFPDupeFilter") -> None:
    """Crawl the site over this Redis; every page must come once."""
    crawled = await crawl(Everything, of(arguments, filter_class), site=site.url)
    check_once(site, crawled)


def check_once(site: Site, crawled: Crawled) -> None:
    assert crawled.reason == "finished"
    assert sorted(site.url + item["path"] for item in crawled.items) == sorted(site.urls)
    assert set(site.counts().values()) == {1}


def until(holds: Callable[[], bool]) -> None:
    """Wait for what servers settle among themselves and tell nobody."""
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
async def manager() -> AsyncIterator[DbManager]:
    made = DbManager()
    yield made
    await made.close_all()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate for loopback that is its own authority, and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ours"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run(command, check=True, capture_output=True)
    return str(made[0]), str(made[1])


class TlsGate:
    """TLS before a server that has none, as stunnel does it; clients must show the certificate too."""

    def __init__(self, certificate: tuple[str, str]) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate[0])
        self._tls.load_cert_chain(*certificate)
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._server: asyncio.Server
        self.behind = 0  # port of the server
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *ignored: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other side hung up
    finally:
        writer.close()


def tls_arguments(certificate: tuple[str, str]) -> dict[str, Any]:
    return {
        "ssl_ca_certs": certificate[0],
        "ssl_certfile": certificate[0],
        "ssl_keyfile": certificate[1],
        "ssl_cert_reqs": "required",
    }


@pytest.mark.parametrize("filter_class", FILTERS)
async def test_a_password_in_the_url(
    tmp_path: Path, site: Site, filter_class: str, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer(tmp_path, options={"requirepass": PASSWORD}) as server:
        await crawls_once(site, {"url": f"redis://:{ESCAPED}@127.0.0.1:{server.port}/2"}, filter_class)
        with Redis(port=server.port or 0, password=PASSWORD, db=2) as client:
            assert client.dbsize() > 0
    assert PASSWORD not in caplog.text
    assert ESCAPED not in caplog.text


@pytest.mark.parametrize("in_url", [True, False])
async def test_a_user_who_may_touch_the_keys_of_crawls_only(tmp_path: Path, site: Site, in_url: bool) -> None:
    with RedisServer(tmp_path) as server:
        with server.client() as client:
            rules = ["reset", "on", f">{PASSWORD}", "~aioscrapy:*", "+@all", "-@admin", "-@dangerous"]
            client.execute_command("ACL", "SETUSER", "ann@home", *rules)
            client.execute_command("ACL", "SETUSER", "default", "off")
        if in_url:
            arguments = {"url": f"redis://ann%40home:{ESCAPED}@127.0.0.1:{server.port}"}
        else:
            arguments = {"host": "127.0.0.1", "port": server.port, "username": "ann@home"}
            arguments["password"] = PASSWORD
        await crawls_once(site, arguments)


@pytest.mark.parametrize("filter_class", FILTERS)
async def test_a_socket(site: Site, filter_class: str) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,  # pytest's may be too long for a socket
        RedisServer(folder, unix_socket=f"{folder}/r", options={"requirepass": PASSWORD}) as server,
    ):
        await crawls_once(site, {"url": f"unix://:{ESCAPED}@{server.unix_socket}?db=1"}, filter_class)


@pytest.mark.parametrize("filter_class", FILTERS)
async def test_tls(tmp_path: Path, site: Site, certificate: tuple[str, str], filter_class: str) -> None:
    with RedisServer(tmp_path, options={"requirepass": PASSWORD}) as server:
        async with TlsGate(certificate) as gate:
            gate.behind = server.port or 0
            url = f"rediss://:{ESCAPED}@localhost:{gate.port}/1"
            await crawls_once(site, {"url": url, **tls_arguments(certificate)}, filter_class)
            assert gate.connections > 0


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, site: Site, certificate: tuple[str, str]
) -> None:
    with RedisServer(tmp_path) as server:
        async with TlsGate(certificate) as gate:
            gate.behind = server.port or 0
            arguments = {"url": f"rediss://127.0.0.1:{gate.port}", **tls_arguments(certificate)}
            del arguments["ssl_ca_certs"]
            with pytest.raises(QueueError, match=r"REDIS_ARGS\['queue'\].*(?i:certificate)"):
                await crawl(Everything, of(arguments), site=site.url)
            await crawls_once(site, {**arguments, "ssl_cert_reqs": "none"})


@contextmanager
def cluster(folder: Path, announced: list[int] | None = None) -> Iterator[list[RedisServer]]:
    """Three servers that are a cluster; its clients shall come to these ports."""
    buses = [free_port() for _ in range(3)]
    with ExitStack() as closing:
        servers = []
        for number, bus in enumerate(buses):
            options = {"cluster-enabled": "yes", "cluster-port": str(bus), "cluster-announce-ip": "127.0.0.1"}
            options["requirepass"] = PASSWORD
            if announced:
                options["cluster-announce-port"] = str(announced[number])
            server = RedisServer(folder / str(number), options=options)
            servers.append(closing.enter_context(server))
        clients = [
            closing.enter_context(Redis(port=server.port or 0, password=PASSWORD)) for server in servers
        ]
        slots = [0, 5461, 10923, 16384]
        for number, client in enumerate(clients):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", slots[number], slots[number + 1] - 1)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server, bus in zip(servers[1:], buses[1:], strict=True):
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port or 0, bus)
        for client in clients:
            until(lambda client=client: _whole(client))  # type: ignore[misc]  # mypy infers no default
        yield servers


def _whole(client: Any) -> bool:
    info: bytes = client.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info


def sizes(servers: list[RedisServer]) -> list[int]:
    """Return how many keys each node has."""
    found = []
    for server in servers:
        with Redis(port=server.port or 0, password=PASSWORD) as client:
            found.append(int(client.dbsize()))
    return found


@pytest.mark.parametrize("filter_class", FILTERS)
async def test_a_cluster(tmp_path: Path, site: Site, filter_class: str) -> None:
    with cluster(tmp_path) as servers:
        nodes = f"127.0.0.1:{servers[0].port},127.0.0.1:{servers[1].port}"
        await crawls_once(site, {"url": f"redis+cluster://:{ESCAPED}@{nodes}", "timeout": 5}, filter_class)
        assert sorted(sizes(servers))[:2] == [0, 0], "the keys of a spider lie on one node"


async def test_a_cluster_behind_tls(tmp_path: Path, site: Site, certificate: tuple[str, str]) -> None:
    async with TlsGate(certificate) as one, TlsGate(certificate) as two, TlsGate(certificate) as three:
        gates = [one, two, three]
        with cluster(tmp_path, [gate.port for gate in gates]) as servers:
            for gate, server in zip(gates, servers, strict=True):
                gate.behind = server.port or 0
            url = f"rediss+cluster://:{ESCAPED}@127.0.0.1:{gates[1].port}"
            await crawls_once(site, {"url": url, **tls_arguments(certificate)})
            assert sum(gate.connections > 0 for gate in gates) > 1


@pytest.mark.server
async def test_a_node_that_lost_its_scripts_gets_them_again(tmp_path: Path, manager: DbManager) -> None:
    with cluster(tmp_path) as servers:
        url = f"redis+cluster://:{ESCAPED}@127.0.0.1:{servers[0].port}"
        await manager.from_dict({"redis": {"queue": {"url": url}}})
        client, script = manager.redis("queue"), Script("return redis.call('INCR', KEYS[1])")
        for key in ("a", "b", "c", "d"):  # on different nodes, and each node has to learn it
            assert await script.run(client, [key], []) == 1
        await client.script_flush()
        assert [await script.run(client, [key], []) for key in ("a", "b", "c", "d")] == [2, 2, 2, 2]
        assert isinstance(client, RedisCluster)
        assert manager.redis.silence_s("queue") == 10.0


@contextmanager
def sentinel(folder: Path, master: RedisServer) -> Iterator[int]:
    """A sentinel that watches this master, and alone decides that it is gone; gives its port."""
    folder.mkdir()
    port = free_port()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nrequirepass keeper\n"
        f"sentinel monitor ours 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds ours 300\nsentinel failover-timeout ours 3000\n"
        f'sentinel auth-pass ours "{PASSWORD}"\n'
    )
    binary = os.environ.get(BINARY_VARIABLE) or server_binary()
    log = folder / "sentinel.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(binary), str(configuration), "--sentinel"],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        until(lambda: b"+slave" in log.read_bytes())
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def guarded(folder: Path) -> Iterator[tuple[RedisServer, RedisServer, int]]:
    """A master, its replica, and the port of their sentinel."""
    options = {"requirepass": PASSWORD, "masterauth": PASSWORD, "repl-diskless-sync-delay": "0"}
    with (
        RedisServer(folder / "one", options=options) as master,
        RedisServer(folder / "two", options=options) as replica,
        Redis(port=replica.port or 0, password=PASSWORD) as follower,
        Redis(port=master.port or 0, password=PASSWORD) as client,
    ):
        follower.replicaof("127.0.0.1", master.port or 0)
        client.set("first", "write")
        assert client.wait(1, int(SOON_S * 1000)) == 1, "from here on the replica gets every write at once"
        with sentinel(folder / "three", master) as port:
            yield master, replica, port


def sentinel_arguments(port: int) -> dict[str, Any]:
    return {
        # nobody listens at the first of the two
        "url": f"redis+sentinel://:{ESCAPED}@127.0.0.1:{free_port()},127.0.0.1:{port}/ours/1",
        "sentinel_kwargs": {"password": "keeper"},
    }


@pytest.mark.parametrize("filter_class", FILTERS)
async def test_sentinels(tmp_path: Path, site: Site, filter_class: str) -> None:
    with guarded(tmp_path) as (master, _, port):
        await crawls_once(site, sentinel_arguments(port), filter_class)
        with Redis(port=master.port or 0, password=PASSWORD, db=1) as client:
            assert client.dbsize() > 0


@pytest.mark.server
async def test_two_who_ask_at_once_lose_no_sentinel(tmp_path: Path) -> None:
    with guarded(tmp_path) as (master, _, port):
        client = make_client(sentinel_arguments(port))
        pool = client.connection_pool
        try:
            answers = await asyncio.gather(*(pool.get_master_address() for _ in range(2)))
            assert answers == [("127.0.0.1", master.port)] * 2
            assert len({id(each) for each in pool.sentinel_manager.sentinels}) == 2
        finally:
            await client.aclose()


@pytest.mark.server
async def test_the_worker_goes_on_when_the_master_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with guarded(tmp_path) as (master, replica, port), Site(pages=60, delay_s=0.02) as site:

        class Killing(Everything):
            pages = 0

            def parse(self, response: Any) -> Any:
                Killing.pages += 1
                if Killing.pages == 20:
                    master.kill()
                yield from super().parse(response)

        crawled = await crawl(Killing, of(sentinel_arguments(port)), site=site.url)
        assert crawled.reason == "finished"
        assert {site.url + item["path"] for item in crawled.items} == site.urls
        assert "Waiting for the frontier" in caplog.text
        assert "The frontier is back" in caplog.text
        assert PASSWORD not in caplog.text
        with Redis(port=replica.port or 0, password=PASSWORD, db=1) as client:
            assert client.info("replication")["role"] == "master"
            assert client.dbsize() > 0


@pytest.mark.parametrize("kind", ["redis", "redis+cluster", "redis+sentinel"])
async def test_nobody_there_is_one_line_without_the_password(site: Site, kind: str) -> None:
    name = "/ours" if "sentinel" in kind else ""
    arguments = {"url": f"{kind}://ann:{ESCAPED}@127.0.0.1:{free_port()}{name}"}
    with pytest.raises(QueueError, match=r"REDIS_ARGS\['queue'\]") as error:
        await crawl(Everything, of(arguments), site=site.url)
    assert PASSWORD not in str(error.value)
    assert "\n" not in str(error.value)


async def test_a_wrong_password_is_one_line(tmp_path: Path, site: Site) -> None:
    with RedisServer(tmp_path, options={"requirepass": PASSWORD}) as server:
        with pytest.raises(QueueError, match=r"REDIS_ARGS\['queue'\].*(WRONGPASS|invalid)") as error:
            await crawl(Everything, of({"url": f"redis://:guessed@127.0.0.1:{server.port}"}), site=site.url)
        assert "guessed" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"url": "secret"}, "must begin with"),
        ({"url": "http://:secret@h"}, "must begin with"),
        ({"url": "unix+cluster:///s"}, "unix:///PATH"),
        ({"url": "redis+ssh://:secret@h"}, "must begin with"),
        ({"url": "redis://:sec/ret@h:1"}, "percent-encode"),
        ({"url": "redis://:sec?ret=secret@h:1"}, "percent-encode"),
        ({"url": "redis://:sec#ret@h:1"}, "%23"),
        ({"url": "redis://secret:secret"}, "the port in url is not a whole number"),
        ({"url": "redis://h:70000"}, "the port in url is not between"),
        ({"url": "redis://:secret@[::1"}, "'[' without"),
        ({"url": "redis://h/secret"}, "the database in url is not a whole number"),
        ({"url": "redis://a,b"}, "several hosts"),
        ({"url": "redis://h?db=secret"}, "Invalid value for 'db'"),
        ({"url": "redis://h?nonsense=secret"}, "unexpected keyword argument 'nonsense'"),
        ({"url": "redis+sentinel://:secret@h"}, "needs the name of their master"),
        ({"url": "redis+sentinel://h/ours", "nonsense": "secret"}, "unexpected keyword argument 'nonsense'"),
        ({"url": "redis+cluster://h", "nonsense": "secret"}, "unexpected keyword argument 'nonsense'"),
        ({"url": "redis+cluster://h/1"}, "only the database 0"),
        ({"url": "unix://:secret@host/s"}, "unix:///PATH"),
        ({"url": "rediss://h", "ssl_ca_certs": "/no/such"}, "ssl_ca_certs: there is no file '/no/such'"),
        ({"url": "rediss://h", "ssl_cert_reqs": "perhaps"}, "Invalid SSL Certificate Requirements"),
        ({"host": "h", "port": "p", "password": "secret"}, "invalid literal"),
    ],
)
def test_a_mistake_names_the_alias_and_never_the_password(arguments: dict[str, Any], problem: str) -> None:
    manager = DbManager()
    manager.redis.configure({"good": {"host": "h"}, "bad": arguments})
    with pytest.raises(SettingError) as error:
        manager.redis("bad")
    text = str(error.value)
    assert text.startswith("setting REDIS_ARGS: 'bad': ")
    assert problem in text
    assert "secret" not in text
    assert "\n" not in text


async def test_a_text_in_place_of_the_dict_is_not_shown() -> None:
    with pytest.raises(SettingError) as error:
        await DbManager().from_settings(Settings({"REDIS_ARGS": '"redis://:secret@h"'}))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://ann:secret@[::1]:7/3",
        "rediss://ann:secret@h",
        "unix://ann:secret@/s?db=3",
        "redis+sentinel://ann:secret@a,b:7/ours/3",
        "rediss+sentinel://ann:secret@a/ours",
        "redis+cluster://ann:secret@a,b:7",
        "rediss+cluster://ann:secret@a",
    ],
)
def test_no_repr_shows_the_password(url: str) -> None:
    manager = DbManager()
    manager.redis.configure({"queue": {"url": url}})
    client = manager.redis("queue")
    pool = getattr(client, "connection_pool", None)
    shown = [client, manager, manager.redis, pool, getattr(pool, "sentinel_manager", None)]
    if pool is not None:
        shown.append(pool.connection_class(**pool.connection_kwargs))
    assert "secret" not in repr(shown)


def test_aliases_are_servers_of_their_own() -> None:
    manager = DbManager()
    manager.redis.configure(
        {
            "queue": {"url": "redis://a:1/2?socket_timeout=3&health_check_interval=5", "db": 7},
            "items": {"url": "rediss://b", "db": 7, "socket_timeout": None},
            "proxy": {"host": "c", "ssl": True, "port": "6"},
        }
    )
    kwargs = [manager.redis(alias).connection_pool.connection_kwargs for alias in ("queue", "items", "proxy")]
    assert [(each["host"], each["port"], each.get("db")) for each in kwargs] == [
        ("a", 1, 2),
        ("b", 6379, 7),
        ("c", 6, None),
    ]
    assert manager.redis.silence_s("queue") == 3.0
    assert manager.redis.silence_s("items") is None
    assert manager.redis.silence_s("proxy") == 10.0


def test_redis_has_a_base_for_what_sentinels_say() -> None:
    from redis.asyncio.sentinel import MasterNotFoundError

    assert issubclass(MasterNotFoundError, RedisError)


async def test_the_commands_see_the_spiders_of_every_node_of_a_cluster(tmp_path: Path, site: Site) -> None:
    with cluster(tmp_path) as servers:
        settings = of({"url": f"redis+cluster://:{ESCAPED}@127.0.0.1:{servers[1].port}"})
        names = [f"spider{number}" for number in range(8)]
        for name in names:
            spider = type(name, (SiteSpider,), {"name": name, "paths": ("/page/1", "/private/0")})
            await crawl(spider, {**settings, "ITEMS_IN_REDIS": True}, site=site.url)
        assert all(sizes(servers)), "no node is without keys"
        async with open_crawls(Settings({**settings, "BOT_NAME": "x"}), None, bot="") as crawls:
            found = await crawls.all()
            assert sorted(each.spider for each in found) == names
            told = await progress(crawls.redis, found)
            assert [each.done for each in told] == [2] * len(names)
            for each in found:
                assert await crawls.find(each.spider) == each
                assert [len(page) async for page in crawls.items(each)] == [2]
                assert [letter async for letter in crawls.failed(each)] == []
                assert await crawls.retry(each) == (0, False)
                assert (await filter_usage(crawls.redis, each))["fingerprints"] == 2
                assert await workers_of(crawls.redis, each, 15.0) == []
                assert (await memory(crawls.redis, each))["items"] > 0
                assert await crawls.delete(each) > 0
            assert await crawls.all() == []
        async with open_crawls(Settings(settings), None, bot="aioscrapybot") as crawls:
            assert await crawls.push(names[0], [{"request": b"{}"}] * 3) == 3


@pytest.mark.parametrize(
    ("directives", "words"),
    [
        ({"maxmemory-policy": "allkeys-lru", "appendonly": "yes"}, ["maxmemory-policy allkeys-lru"]),
        ({"maxmemory-policy": "noeviction", "appendonly": "no", "save": ""}, ["in memory only"]),
        ({"maxmemory-policy": "volatile-lru", "appendonly": "yes"}, []),
        ({"maxmemory-policy": "noeviction", "appendonly": "no", "save": "60 1"}, []),
    ],
)
async def test_a_server_that_may_lose_a_crawl_is_named(
    tmp_path: Path,
    site: Site,
    caplog: pytest.LogCaptureFixture,
    directives: dict[str, str],
    words: list[str],
) -> None:
    """As a warning, which can be made an error, or switched off."""
    with RedisServer(tmp_path / "redis") as server:
        with server.client() as client:
            for name, value in directives.items():
                client.config_set(name, value)
        settings = of({"url": server.url})
        with caplog.at_level("WARNING"):
            await crawl(SiteSpider, settings, site=site.url, paths=("/page/1",))
        warnings = [text for text in caplog.messages if text.startswith("Redis ")]
        assert [word for word in words if not any(word in text for text in warnings)] == []
        assert len(warnings) == len(words)
        if words:
            with pytest.raises(ConfigError, match=words[0]):
                await crawl(SiteSpider, {**settings, "REDIS_CHECK": "refuse"}, site=site.url)
            caplog.clear()
            await crawl(SiteSpider, {**settings, "REDIS_CHECK": "off"}, site=site.url, paths=())
            assert not [text for text in caplog.messages if text.startswith("Redis ")]
