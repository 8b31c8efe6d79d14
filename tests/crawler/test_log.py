"""One handler on the root logger, in the form that LogParser reads."""

import logging
import os
import pty
import re
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import SettingError
from aioscrapy.log import (
    configure_logging,
    install_root_handler,
    logger,
    remove_handler,
    root_handler,
    uninstall_root_handler,
)
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider


def logged(path: Path, *lines: tuple[int, str], **settings: Any) -> str:
    handler = configure_logging(Settings({"LOG_FILE": str(path), **settings}))
    for level, line in lines:
        logger.log(level, line)
    remove_handler(handler)
    return path.read_text("utf-8")


def test_a_line_has_the_form_that_logparser_reads(tmp_path: Path) -> None:
    text = logged(tmp_path / "x.log", (logging.INFO, "Spider opened"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[aioscrapy\] INFO: Spider opened\n", text)


def test_the_level_is_the_least_that_is_logged(tmp_path: Path) -> None:
    lines = ((logging.INFO, "quiet"), (logging.ERROR, "loud"))
    assert "quiet" not in logged(tmp_path / "x.log", *lines, LOG_LEVEL="warning")
    assert "quiet" in logged(tmp_path / "x.log", *lines, LOG_LEVEL=logging.INFO)


def test_the_handler_of_a_script_follows_the_settings_of_a_spider(tmp_path: Path) -> None:
    path = tmp_path / "x.log"

    class Own(Spider):
        name = "own"
        custom_settings: ClassVar = {"LOG_FILE": str(path), "LOG_LEVEL": "WARNING"}

    install_root_handler(Settings({"LOG_ENABLED": False}))
    try:
        script = root_handler()
        Crawler(Spider)._apply_settings()
        assert root_handler() is script
        Crawler(Own)._apply_settings()
        logger.info("quiet")
        logger.warning("loud")
    finally:
        uninstall_root_handler()
    text = path.read_text("utf-8")
    assert "loud" in text
    assert "quiet" not in text


def test_a_log_is_appended_to_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    logged(path, (logging.INFO, "one"))
    assert "one" in logged(path, (logging.INFO, "two"))
    assert "one" not in logged(path, (logging.INFO, "three"), LOG_FILE_APPEND=False)


def test_a_log_may_be_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    handler = configure_logging(Settings({"LOG_FILE": str(path), "LOG_ENCODING": "latin-1"}))
    logger.info("café")
    remove_handler(handler)
    assert b"caf\xe9" in path.read_bytes()


@pytest.mark.parametrize("rotation", [None, "1 MB", "1 day"])
@pytest.mark.parametrize(("encoding", "line"), [("utf-8", "ü \\udcff"), ("ascii", "\\xfc \\udcff")])
def test_a_line_is_there_whatever_its_characters(
    tmp_path: Path, encoding: str, line: str, rotation: str | None
) -> None:
    settings = {"LOG_ENCODING": encoding, "LOG_ROTATION": rotation}
    assert line in logged(tmp_path / "x.log", (logging.ERROR, "ü \udcff"), **settings)


def test_a_removed_handler_gives_the_levels_back(tmp_path: Path) -> None:
    loggers = [logging.getLogger(name) for name in (None, "asyncio", "aiohttp", "redis")]
    before = [logger.level for logger in loggers]
    logged(tmp_path / "x.log", LOG_LEVEL="CRITICAL")
    assert [logger.level for logger in loggers] == before


def test_no_log_is_no_log(tmp_path: Path) -> None:
    settings = Settings({"LOG_ENABLED": "0", "LOG_FILE": str(tmp_path / "x.log")})
    handler = configure_logging(settings)
    logger.error("unheard")
    remove_handler(handler)
    assert not (tmp_path / "x.log").exists()


def test_a_terminal_gets_escapes_and_a_file_the_characters(tmp_path: Path) -> None:
    text = "title \x1b]0;evil\x07\x9b31m\u202e größer\tend\nnext"
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        handler = configure_logging(Settings(), logging.StreamHandler(terminal))
        logger.warning("%s", text)
        remove_handler(handler)
        written = os.read(ours, 4096).decode()
    os.close(ours)
    assert r"title \x1b]0;evil\x07\x9b31m\u202e größer" in written
    assert "\r\nnext" in written
    assert not set(written) & set("\x1b\x07\x9b\u202e")
    assert text.splitlines()[0] in logged(tmp_path / "x.log", (logging.INFO, text))


def test_what_is_printed_may_go_to_the_log(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    before = sys.__stdout__
    handler = configure_logging(Settings({"LOG_FILE": str(path), "LOG_STDOUT": True}))
    print("one\ntwo", end="")  # noqa: T201 that is the point
    print(" halves")  # noqa: T201 that is the point
    remove_handler(handler)
    assert sys.stdout is before
    lines = [line.partition("] ")[2] for line in path.read_text("utf-8").splitlines()]
    assert lines == ["INFO: one", "INFO: two halves"]


@pytest.mark.parametrize(
    ("name", "value"), [("LOG_LEVEL", "LOUD"), ("LOG_FILE", "/no/such/folder/x.log"), ("LOG_FILE", "/")]
)
def test_what_can_not_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"setting {name}: "):
        configure_logging(Settings({name: value}))


def test_a_removed_handler_leaves_nothing_behind(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    logged(tmp_path / "x.log")
    assert logging.getLogger().handlers == before


def test_a_log_begins_anew_at_its_size_and_keeps_some_files(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("old\n")
    lines = [(logging.INFO, f"line {number} {'x' * 150}") for number in range(20)]
    text = logged(path, *lines, LOG_ROTATION="1 KB", LOG_RETENTION=2, LOG_FILE_APPEND=False)
    assert "line 19" in text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2"]
    assert all(file.stat().st_size <= 1000 for file in tmp_path.iterdir())


def test_a_log_begins_anew_after_a_time(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("yesterday\n")
    os.utime(path, (0, 0))
    assert "yesterday" not in logged(path, (logging.INFO, "today"), LOG_ROTATION="1 day")
    assert [file.read_text() for file in tmp_path.iterdir() if file != path] == ["yesterday\n"]


@pytest.mark.parametrize("rule", ["soon", "20", "0 MB", "1 parsec", "12:00"])
def test_a_rule_of_rotation_that_is_not_known_is_named(rule: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"LOG_ROTATION: .* is neither a size such as '20 MB' nor a time"):
        logged(tmp_path / "x.log", LOG_ROTATION=rule)


def test_a_log_on_a_full_disk_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    handler = configure_logging(Settings({"LOG_FILE": "/dev/full"}))
    for _ in range(3):
        logger.info("lost")
    remove_handler(handler)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("aioscrapy: LOG_FILE can't be written, lines are missing: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<GET http://ann:s3cret@a.example/x>", "<GET http://ann:***@a.example/x>"),
        ("<GET http://ann:s'3cret@a.example/x>", "<GET http://ann:***@a.example/x>"),
        ("['http://a:80', 'b@c.example']", "['http://a:80', 'b@c.example']"),
        ("redis://:s3:c@ret@a/0 and http://b:p@c/", "redis://:***@a/0 and http://b:***@c/"),
        ("{'proxy': 'socks5://ann:s3cret@[::1]:80'}", "{'proxy': 'socks5://ann:***@[::1]:80'}"),
        ("http://a:80/?q=me@b.example", "http://a:80/?q=me@b.example"),
        ("http://a:80 me@b.example", "http://a:80 me@b.example"),
        ("http://ann@a.example/ x:y@z", "http://ann@a.example/ x:y@z"),
    ],
)
def test_a_log_has_no_password_of_a_url(tmp_path: Path, text: str, line: str) -> None:
    assert logged(tmp_path / "x.log", (logging.INFO, text)).endswith(f" INFO: {line}\n")


def test_a_traceback_has_no_password_of_a_url(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    handler = configure_logging(Settings({"LOG_FILE": str(path)}))
    try:
        raise ValueError("http://ann:s3cret@a.example/ can't be reached")
    except ValueError:
        logger.exception("It failed")
    remove_handler(handler)
    assert "s3cret" not in path.read_text()
    assert "ValueError: http://ann:***@a.example/ can't be reached" in path.read_text()
