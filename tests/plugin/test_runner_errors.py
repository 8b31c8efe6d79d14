"""What can't be started: one line on standard error, nothing on standard output, exit status 1."""

import pytest

from plugin.jobs import Daemon, make_egg, spider

COMMANDS = pytest.mark.parametrize("argv", [("list", "-s", "LOG_STDOUT=0"), ("crawl", "one", "-a", "_job=1")])


def assert_one_line(result: tuple[int, str, str], *words: str) -> None:
    status, out, err = result
    assert status == 1
    assert out == ""
    assert err.startswith("aioscrapy: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    for word in words:
        assert word in err


@COMMANDS
def test_no_project(daemon: Daemon, argv: tuple[str, ...]) -> None:
    assert_one_line(daemon.run(*argv, project=None), "SCRAPY_PROJECT is not set")


@COMMANDS
def test_a_project_that_is_not_there(daemon: Daemon, argv: tuple[str, ...]) -> None:
    assert_one_line(daemon.run(*argv), "project 'p' has no egg")


@COMMANDS
def test_a_version_that_is_not_there(daemon: Daemon, argv: tuple[str, ...]) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    assert_one_line(daemon.run(*argv, version="2"), "project 'p' has no egg of version '2'")


@pytest.mark.parametrize("project", ["..", ".", "a/b", "../p"])
def test_a_project_outside_of_the_eggs_folder(daemon: Daemon, project: str) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    assert_one_line(daemon.list(project), "can't be the name of a project")


@COMMANDS
@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 200), slice(300, None)])
def test_a_damaged_egg(daemon: Daemon, argv: tuple[str, ...], cut: slice) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")})[cut])
    assert_one_line(daemon.run(*argv), "the egg is damaged")
    assert not list(daemon.cache.glob("*"))


def test_an_egg_whose_bytes_are_damaged(daemon: Daemon) -> None:
    data = bytearray(make_egg({"spiders/a.py": spider("one") + "#" + "".join(map(chr, range(48, 122))) * 9}))
    at = data.index(b"bot/spiders/a.py") + len("bot/spiders/a.py") + 5
    data[at : at + 30] = bytes(30)
    daemon.store(bytes(data))
    assert_one_line(daemon.list(), "the egg is damaged")
    assert not list(daemon.cache.glob("*"))


@COMMANDS
@pytest.mark.parametrize(
    "points", [None, "", "[aioscrapy]\nother = x\n", "[aioscrapy]\nsettings =\n", "no section\n", "[scrapy\n"]
)
def test_an_egg_without_settings(daemon: Daemon, argv: tuple[str, ...], points: str | None) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}, points))
    assert_one_line(daemon.run(*argv), "entry_points.txt")


def test_an_egg_without_its_settings_does_not_take_those_of_the_folder(daemon: Daemon) -> None:
    daemon.store(make_egg(entry_points="[aioscrapy]\nsettings = here.settings\n"))
    (daemon.folder / "scrapy.cfg").write_text("[settings]\ndefault = here.settings\n")
    (daemon.folder / "here").mkdir()
    (daemon.folder / "here" / "settings.py").write_text("")
    assert_one_line(daemon.list(), "the egg names the settings 'here.settings', but does not contain them")


@COMMANDS
def test_settings_that_raise(daemon: Daemon, argv: tuple[str, ...]) -> None:
    daemon.store(make_egg({"settings.py": "raise Exception('should break {list}')"}))
    status, out, err = daemon.run(*argv)
    expected = "should break {list}" if argv[0] == "list" else "should break {{list}}"
    assert (status, out) == (1, "")
    assert err.endswith(f"Exception: {expected}\n")


@COMMANDS
def test_no_password_of_a_url_reaches_the_log_of_scrapyd(daemon: Daemon, argv: tuple[str, ...]) -> None:
    source = "print('redis://me:hush@h')\nraise ValueError('postgres://me:hush@db/x')"
    daemon.store(make_egg({"settings.py": source}))
    status, out, err = daemon.run(*argv)
    assert (status, out, "hush" in err, "postgres://me:***@db/x" in err) == (1, "", False, True)


def test_a_spider_that_is_not_there(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("quotes")}))
    assert_one_line(daemon.run("crawl", "quoted", "-a", "_job=1"), "Spider not found: quoted", "'quotes'?")


def test_a_log_file_that_cant_be_opened(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    log = daemon.folder / "absent" / "job.log"
    assert_one_line(daemon.run("crawl", "one", "-s", f"LOG_FILE={log}", "-a", "_job=1"), "LOG_FILE", str(log))


def test_feeds_that_are_no_json(daemon: Daemon) -> None:
    daemon.store(make_egg({"spiders/a.py": spider("one")}))
    log = daemon.folder / "job.log"
    result = daemon.run("crawl", "one", "-s", f"LOG_FILE={log}", "-s", "FEEDS={1", "-a", "_job=1")
    assert_one_line(result, "FEEDS")


@pytest.mark.parametrize(
    "text", ["no section = 1", "[scrapyd]\neggs_dir = %(absent)s", "[scrapyd]\neggs_dir = 5%"]
)
def test_a_configuration_that_cant_be_read(daemon: Daemon, text: str) -> None:
    daemon.configure(text)
    assert_one_line(daemon.list(), "Scrapyd's configuration")


def test_an_egg_storage_that_cant_be_loaded_or_fails(daemon: Daemon) -> None:
    daemon.configure("[scrapyd]\neggstorage = absent.Storage\n")
    assert_one_line(daemon.list(), "eggstorage", "absent")
    (daemon.folder / "absent.py").write_text(
        "class Storage:\n    def __init__(self, config): raise OSError('no net')"
    )
    assert_one_line(daemon.list(), "absent.Storage", "OSError: no net")


@COMMANDS
def test_a_closed_standard_error_does_not_matter(daemon: Daemon, argv: tuple[str, ...]) -> None:
    with daemon.start(*argv) as process:
        for pipe in (process.stdout, process.stderr):
            assert pipe
            pipe.close()
        assert process.wait(60) in {1, 120}  # 120: Python's own, when it can't write its last words
