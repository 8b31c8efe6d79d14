"""Parsers of robots.txt, with the interface of Scrapy's; handlers of `robots_parsed` get one."""

import re
from typing import Any, Self
from urllib.robotparser import RobotFileParser

from protego import Protego

# bytes that are not UTF-8, as "surrogateescape" decodes them
_stray_byte = re.compile("[\udc80-\udcff]").search
_strays = re.compile("[\udc80-\udcff]").sub
# group 1: a name with its colon, or a line without a colon; group 2: the value
_line_with_strays = re.compile(r"([^:\r\n]*:?)([^\r\n]*)").sub


def decode_robotstxt(body: bytes | str, spider: Any = None, to_native_str_type: bool = False) -> str:
    """Return the text of a robots.txt.

    Bytes that are not UTF-8 are percent-encoded in a value: without them, `Disallow: /` and such a byte would
    forbid the whole site. Elsewhere they are left out.
    """
    if isinstance(body, str):
        return body
    text = body.decode("utf-8-sig", "surrogateescape")
    return _line_with_strays(_without_strays, text) if _stray_byte(text) else text


def _without_strays(line: re.Match[str]) -> str:
    return _strays("", line[1]) + _strays(lambda stray: f"%{ord(stray[0]) - 0xDC00:02X}", line[2])


class RobotParser:
    """The interface."""

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> Self:
        """Parse the body of a robots.txt."""
        raise NotImplementedError

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        """Return True if this user agent may fetch the URL."""
        raise NotImplementedError

    def crawl_delay(self, user_agent: str | bytes) -> float | None:
        """Return the seconds between two requests that the site asks for; None if it does not ask."""
        return None


class ProtegoRobotParser(RobotParser):
    """A robots.txt that Protego has read."""

    def __init__(self, robotstxt_body: bytes | str, spider: Any = None) -> None:
        self.spider = spider
        self.rp = Protego.parse(decode_robotstxt(robotstxt_body))

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> Self:
        return cls(robotstxt_body, crawler.spider if crawler else None)

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        return bool(self.rp.can_fetch(_text(url), _text(user_agent)))

    def crawl_delay(self, user_agent: str | bytes) -> float | None:
        delay = self.rp.crawl_delay(_text(user_agent))
        return None if delay is None else float(delay)


class PythonRobotParser(RobotParser):
    """A robots.txt that the parser of the standard library has read."""

    def __init__(self, robotstxt_body: bytes | str, spider: Any = None) -> None:
        self.spider = spider
        self.rp = RobotFileParser()
        self.rp.parse(decode_robotstxt(robotstxt_body).splitlines())

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> Self:
        return cls(robotstxt_body, crawler.spider if crawler else None)

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        return self.rp.can_fetch(_text(user_agent), _text(url))

    def crawl_delay(self, user_agent: str | bytes) -> float | None:
        delay = self.rp.crawl_delay(_text(user_agent))
        return None if delay is None else float(delay)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
