"""Every setting with values of wrong types and out of its range: refused in one line, or harmless."""

import collections
import contextlib
import json
import logging
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy import Spider, default_settings
from aioscrapy.exceptions import AioscrapyError, ConfigError, SettingError
from aioscrapy.process import CrawlerProcess
from aioscrapy.settings import Settings, setting_type
from plugin.jobs import Daemon, make_egg
from support import child_environment

NAMES = [name for name in dir(default_settings) if name.isupper()]
ENDLESS = {"CLOSE_SPIDER_ON_IDLE"}  # False is right, and waits for more requests


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text for this")


VALUES = [
    *(-1, 0, 1, 1.5, 10**30, 1e300, math.nan, math.inf, -math.inf, None, True, False),
    *("", " ", "maybe", "-1", "0", "1", "nan", "inf", "1e999", "9" * 5000, "[]", "{}", "[1", "{", "[1,2]"),
    *('{"a": 1}', "no.such.Class", "os.path", "os.path.nothing", "os.path.join", "aioscrapy.Spider"),
    *(
        "\ud800",
        "a\x00b",
        "a\nb",
        "\x1b[31m",
        "x" * 100_000,
        b"x",
        object(),
        Unprintable(),
        int,
        dict,
        range(3),
    ),
    *([], [None], ["x"], ["a\nb"], [-1], [200], [[]], set(), (), (1,), collections.UserDict(a=1)),
    *(
        {},
        {"a": 1},
        {1: 2},
        {"a": None},
        {"a": "b"},
        {"a.b": 1},
        {"a.b": math.nan},
        {"a": {"b": 1}},
        {"a": []},
    ),
]


class Nothing(Spider):
    name = "nothing"


def crawl(values: dict[str, Any]) -> None:
    process = CrawlerProcess({"LOG_LEVEL": "WARNING", **values})
    process.crawl(Nothing)
    process.start()


def refusal(values: dict[str, Any]) -> str:
    """Return the line with which these settings are refused; "" if they are accepted."""
    try:
        Settings(values).check()
    except SettingError as exc:
        text = str(exc)
    else:
        return ""
    assert text.isprintable()
    assert len(text) < 600
    return text


def accepted_values(name: str) -> list[Any]:
    """Return up to eight different values that the setting accepts."""
    accepted = [value for value in VALUES if not refusal({name: value})]
    return accepted[:: max(1, math.ceil(len(accepted) / 8))]


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_value_is_one_line_with_its_setting(name: str) -> None:
    for value in VALUES:
        text = refusal({name: value})
        assert not text or (text.startswith("setting ") and name in text)


@pytest.mark.parametrize("name", NAMES)
def test_a_default_is_of_its_type(name: str) -> None:
    declared, default = setting_type(name), Settings().copy_to_dict()[name]
    assert declared is not None
    declared.check(default)
    if isinstance(default, (list, dict)):
        declared.check(json.dumps(default))
    elif default is not None:
        declared.check(str(default))


@pytest.mark.parametrize("name", NAMES)
def test_a_type_refuses_at_least_objects_and_lone_surrogates(name: str) -> None:
    for value in (object(), Unprintable(), "\ud800", ["\ud800"]):
        with pytest.raises(SettingError):
            Settings({name: value}).check()


@given(st.sampled_from(NAMES), st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists))
def test_any_value_is_accepted_or_refused(name: str, value: Any) -> None:
    refusal({name: value})


@given(st.sampled_from(NAMES), st.text() | st.floats().map(str) | st.integers().map(str))
def test_any_text_of_a_command_line_is_accepted_or_refused(name: str, text: str) -> None:
    test_any_value_is_accepted_or_refused.hypothesis.inner_test(name, text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("CONCURRENT_REQUESTS", -1, "-1 is not a whole number from 1 to 100000"),
        ("DEFAULT_REQUEST_HEADERS", {":authority": "a.test"}, "':authority' is not the name of a header"),
        ("DEFAULT_REQUEST_HEADERS", {"A\nB": "1"}, "'A\\nB' is not the name of a header"),
        ("DEFAULT_REQUEST_HEADERS", {"A": "1\r\nB: 2"}, "the value of 'A' is not a text in one line"),
        ("DEFAULT_REQUEST_HEADERS", {"A": ["1", b"2\0"]}, "the value of 'A' is not a text in one line"),
        ("CONCURRENT_REQUESTS", "many", "'many' is not a whole number from 1 to 100000"),
        ("CONCURRENT_REQUESTS", 16.5, "16.5 is not a whole number"),
        ("CONCURRENT_REQUESTS", True, "True is not a whole number"),
        ("DOWNLOAD_DELAY", math.nan, "nan is not a number of seconds from 0 to 1e9"),
        ("DOWNLOAD_TIMEOUT", 0, "0 is not a number of seconds from 0.001 to 1e9"),
        ("ROBOTSTXT_OBEY", "maybe", "'maybe' is not true or false"),
        ("ROBOTSTXT_OBEY", [], "[] is not true or false"),
        ("RETRY_HTTP_CODES", [500, "x"], "'x' is not a whole number from 100 to 999"),
        ("RETRY_HTTP_CODES", {}, "{} is not a list"),
        ("SPIDER_MODULES", 5, "5 is not a list"),
        ("REDIS_ARGS", ["redis://:secret@h"], "a value of type list is not a dict: alias -> a dict"),
        ("REDIS_ARGS", {"queue": "redis://:secret@h"}, "the value of 'queue' is not a dict"),
        ("REDIS_ARGS", '{"queue": ', "not valid JSON: "),
        ("ITEM_PIPELINES", {"a.B": "first"}, "the value of 'a.B' is not an order"),
        ("ITEM_PIPELINES", {"pipeline": 1}, "'pipeline' is not the dotted path of a class"),
        ("ITEM_PIPELINES", ["a.B"], "a value of type list is not a dict: class -> an order"),
        ("POLITENESS_SCOPE", "host", "'host' is not 'worker' or 'crawl'"),
        ("STATS_CLASS", "stats", "'stats' is not the dotted path of a class"),
        ("SCHEDULER_QUEUE_CLASS", None, "None is not the dotted path of a class"),
        ("LOG_LEVEL", "LOUD", "'LOUD' is not DEBUG, INFO"),
        ("LOG_FORMAT", "%(nothing)s", "'%(nothing)s' is not a form of log lines"),
        ("LOG_ENCODING", "utf-9", "'utf-9' is not the name of a character encoding"),
        ("BOT_NAME", "a\nb", "'a\\nb' is not a text in one line, not empty"),
        ("FEEDS", {"a.jl": "jsonlines"}, "the value of 'a.jl' is not a dict of options"),
        ("JOBDIR", 5, "5 is not a path, or None"),
    ],
)
def test_the_line_says_what_is_allowed(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings({name: value}).check()
    assert str(caught.value).startswith(f"setting {name}: ")
    assert allowed in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONCURRENT_REQUESTS", "4"),
        ("CONCURRENT_REQUESTS", 4.0),
        ("DOWNLOAD_DELAY", "0.5"),
        ("ROBOTSTXT_OBEY", 1),
        ("RETRY_HTTP_CODES", "500, 503"),
        ("RETRY_HTTP_CODES", (500, "503")),
        ("RETRY_HTTP_CODES", {500}),
        ("RETRY_HTTP_CODES", None),
        ("ITEM_PIPELINES", None),
        ("ITEM_PIPELINES", {Nothing: 300, "a.B": None, "c.D": 1.5}),
        ("FEEDS", {Path("a.jl"): {"format": "jsonlines"}}),
        ("FEED_EXPORT_FIELDS", {"a": "b"}),
        ("FEED_EXPORT_FIELDS", "a,b"),
        ("JOBDIR", Path("job")),
        ("STATS_CLASS", collections.Counter),
        ("LOG_LEVEL", 10),
        ("USER_AGENT", None),
        ("DEFAULT_REQUEST_HEADERS", {b"A": [b"1"], "B": None}),
        ("RETRY_TIMES", -1),
        ("REDIRECT_MAX_TIMES", "-1"),
        ("METAREFRESH_MAXDELAY", -1),
        ("HTTPCACHE_EXPIRATION_SECS", "-1"),
        ("HTTPCACHE_DIR", Path("cache")),
        ("FEED_EXPORT_INDENT", -2),
        ("CURL_CFFI_ARGS", '{"impersonate": "chrome"}'),
    ],
)
def test_what_projects_write_is_accepted(name: str, value: Any) -> None:
    Settings({name: value}).check()


@pytest.mark.parametrize(
    ("name", "value", "meaning"),
    [
        ("RETRY_ENABLED", None, False),
        ("RETRY_TIMES", None, 0),
        ("LOGSTATS_INTERVAL", None, 0.0),
        ("RETRY_HTTP_CODES", None, []),
        ("CONCURRENT_REQUESTS", None, 16),
        ("BOT_NAME", None, default_settings.BOT_NAME),
        ("FEED_EXPORT_INDENT", "", None),
        ("LOG_FORMATTER", "", None),
        ("USER_AGENT", "", ""),
    ],
)
def test_none_is_what_it_is_in_scrapy_and_nothing_is_none(name: str, value: Any, meaning: Any) -> None:
    settings = Settings({name: value})
    settings.check()
    assert settings[name] == meaning


def test_a_sign_of_life_comes_before_the_lease_ends() -> None:
    for values in ({"SCHEDULER_LEASE": 3}, {"SCHEDULER_HEARTBEAT": "20"}):
        with pytest.raises(SettingError, match=r"SCHEDULER_HEARTBEAT: .* is more than SCHEDULER_LEASE"):
            Settings(values).check()
    Settings({"SCHEDULER_LEASE": 3, "SCHEDULER_HEARTBEAT": 1}).check()


@pytest.mark.parametrize("values", [["CONCURRENT_REQUESTS"], "CONCURRENT_REQUESTS", 5, {1: 2}])
def test_settings_that_are_not_a_dict_are_refused(values: Any) -> None:
    with pytest.raises(ConfigError, match="settings are a dict"):
        Settings().setdict(values)


@pytest.mark.server
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ENDLESS])
def test_a_crawl_ends_in_time_with_any_value(
    name: str, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in accepted_values(name)[::2]:
        with contextlib.suppress(AioscrapyError):
            crawl({name: value})
        assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ENDLESS])
def test_a_shared_crawl_ends_in_time_with_any_value(
    name: str, shared: dict[str, Any], tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in accepted_values(name)[1::2]:
        with contextlib.suppress(AioscrapyError):
            crawl({**shared, "CRAWL_JOIN_WINDOW": 0, name: value})
        assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "attribute", ["download_delay", "download_timeout", "max_concurrent_requests", "user_agent"]
)
def test_an_attribute_of_the_spider_has_the_type_of_its_setting(attribute: str, caplog: Any) -> None:
    for value in ([], "a\nb", -1, math.nan):
        process = CrawlerProcess({"LOG_LEVEL": "WARNING"})
        process.crawl(Nothing, **{attribute: value})
        with pytest.raises(ConfigError, match=f"^spider nothing: {attribute}: .* is not "):
            process.start()
    assert not [record for record in caplog.records if record.exc_info]


class FailingStats:
    def __init__(self, crawler: Any) -> None:
        raise ZeroDivisionError("of the project")

    inc_value = get_value = set_value = max_value = min_value = dump = None


class Failing(Nothing):
    @classmethod
    def update_settings(cls, settings: Settings) -> None:
        raise ZeroDivisionError("of the project")


@pytest.mark.parametrize(
    ("spider", "values", "text"),
    [
        (
            Nothing,
            {"STATS_CLASS": FailingStats},
            "setting STATS_CLASS: .*FailingStats.* can't be built: ZeroDivisionError: of the project",
        ),
        (
            Nothing,
            {"DOWNLOAD_HANDLERS": {"http": "os.path.join"}},
            "DOWNLOAD_HANDLERS: os.path.join can't be built",
        ),
        (
            Nothing,
            {"DUPEFILTER_CLASS": "aioscrapy.Spider"},
            "setting DUPEFILTER_CLASS: .* it has no 'shared'",
        ),
        (
            Nothing,
            {"USE_PROXY": True, "PROXY_HANDLER": "os.path.join"},
            "PROXY_HANDLER: os.path.join can't be",
        ),
        (Failing, {}, "Failing.update_settings: ZeroDivisionError: of the project"),
        (type("Listing", (Nothing,), {"custom_settings": ["a"]}), {}, "settings are a dict of NAME -> value"),
    ],
)
def test_what_can_not_be_built_is_one_line(spider: Any, values: Any, text: str, caplog: Any) -> None:
    process = CrawlerProcess({"LOG_LEVEL": "WARNING", **values})
    with pytest.raises(ConfigError, match=text) as caught:  # noqa: PT012 some are refused by the first line
        process.crawl(spider)
        process.start()
    assert "\n" not in str(caught.value)
    assert not [record for record in caplog.records if record.exc_info]


SPIDER = """
from aioscrapy import Spider

class One(Spider):
    name = "one"
    start_urls = []
    custom_settings = {custom}
"""


def run(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "aioscrapy", *arguments]
    env = child_environment(**variables)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=30)


def write_project(folder: Path, settings: str = "", custom: str = "None") -> None:
    (folder / "aioscrapy.cfg").write_text("[settings]\ndefault = bot.settings\n")
    (folder / "bot").mkdir()
    (folder / "bot" / "__init__.py").touch()
    (folder / "bot" / "settings.py").write_text(f"SPIDER_MODULES = ['bot.spiders']\n{settings}\n")
    (folder / "bot" / "spiders.py").write_text(SPIDER.replace("{custom}", custom))


def refused(done: "subprocess.CompletedProcess[str]", text: str) -> bool:
    return done.returncode == 1 and done.stderr == f"aioscrapy: {text}\n"


WRONG = "setting CONCURRENT_REQUESTS: -1 is not a whole number from 1 to 100000"


@pytest.mark.server
def test_a_wrong_value_in_the_settings_module_is_one_line(tmp_path: Path) -> None:
    write_project(tmp_path, settings="CONCURRENT_REQUESTS = -1")
    assert refused(run(tmp_path, "crawl", "one"), WRONG)
    assert refused(run(tmp_path, "list"), WRONG)
    assert "CONCURRENT_REQUESTS = -1" in run(tmp_path, "settings").stdout


@pytest.mark.server
def test_a_wrong_value_of_the_command_line_is_one_line(tmp_path: Path) -> None:
    write_project(tmp_path)
    wrong = WRONG.replace("-1", "'-1'")
    assert refused(run(tmp_path, "crawl", "one", "-s", "CONCURRENT_REQUESTS=-1"), wrong)
    assert refused(run(tmp_path, "crawl", "one", "--processes", "2", "-s", "CONCURRENT_REQUESTS=-1"), wrong)
    assert "CRAWL_PROCESSES: 'x' is not" in run(tmp_path, "crawl", "one", "--processes", "x").stderr


@pytest.mark.server
def test_a_wrong_value_of_the_spider_is_one_line(tmp_path: Path) -> None:
    write_project(tmp_path, custom="{'CONCURRENT_REQUESTS': -1}")
    assert refused(run(tmp_path, "crawl", "one"), WRONG)
    assert refused(run(tmp_path, "runspider", "bot/spiders.py"), WRONG)
    assert run(tmp_path, "list").returncode == 0


@pytest.mark.server
def test_a_settings_module_of_the_environment_is_one_line(tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    for name in ("no.such.module", "bot.nothing", "..", "a b", "leaving"):
        done = run(tmp_path, "crawl", "one", AIOSCRAPY_SETTINGS_MODULE=name)
        assert done.returncode == 1
        assert done.stderr.startswith("aioscrapy: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.server
def test_a_wrong_value_of_a_job_is_one_line(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.store(make_egg({"spiders/a.py": SPIDER.replace("{custom}", "None")}))
    status, out, err = daemon.run("crawl", "one", "-a", "_job=1", "-s", "CONCURRENT_REQUESTS=-1")
    assert (status, out) == (1, "")
    assert err == f"aioscrapy: {WRONG.replace('-1', repr('-1'))}\n"


def test_the_crawl_is_refused_before_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(SettingError):
        crawl({"CONCURRENT_REQUESTS": -1})
    assert "started" not in caplog.text
