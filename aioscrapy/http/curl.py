"""Command lines of curl: read one, as browsers copy it, and write one."""

import argparse
import logging
import re
import shlex
from base64 import b64encode
from typing import Any, NoReturn

logger = logging.getLogger("aioscrapy.utils.request")

_NO_VALUE = (
    ("--compressed",), ("-s", "--silent"), ("-v", "--verbose"), ("-#", "--progress-bar"), ("-i", "--include"),
    ("-k", "--insecure"), ("-L", "--location"), ("-S", "--show-error"), ("--http1.1",), ("--http2",),
)  # fmt: skip


# A text of Bash with escapes, as browsers copy a body with "!" in it
_ansi_c = re.compile(r"(?<!\S)\$'((?:[^'\\]|\\.)*)'", re.DOTALL).sub
_escape = re.compile(
    r"\\(?:u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
).sub
_half = re.compile("[\ud800-\udc7f\udd00-\udfff]").sub
_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unescaped(text: str) -> str:
    """Return the text that Bash reads in $'...'; bytes that are not UTF-8 are replaced."""

    def character(match: re.Match[str]) -> str:
        code, long_code, byte, octal, letter = match.groups()
        if letter is not None:
            return _LETTERS.get(letter, letter)
        number = int(octal, 8) & 0xFF if octal else int(code or long_code or byte, 16)
        return chr(0xDC00 + number) if (byte or octal) and number > 0x7F else chr(min(number, 0x10FFFF))

    # \u has the two halves of a character beyond U+FFFF, \x the bytes of UTF-8
    units = _escape(character, text).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return _half("\ufffd", units).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"curl command can't be read: {message}")


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("addresses", nargs="*")
    parser.add_argument("--url")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-b", "--cookie")
    parser.add_argument("-u", "--user")
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument(
        "-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--json", action="append", dest="data"
    )
    for names in _NO_VALUE:
        parser.add_argument(*names, action="store_true")
    return parser


def request_arguments(
    command: str, ignore_unknown_options: bool, *, with_content_type: bool = True
) -> dict[str, Any]:
    """Return arguments of Request: url, method, and headers, cookies and body if the command has them.

    `with_content_type`: add the header that curl itself adds to a body.

    Raises:
        ValueError: not a curl command, no URL, or an unknown option that is not ignored.
    """
    plain = _ansi_c(lambda match: shlex.quote(_unescaped(match[1])), command.replace("\\\n", " "))
    words = shlex.split(plain)
    if not words or words[0] != "curl":
        raise ValueError('a curl command must start with "curl"')
    options, unknown = _parser().parse_known_args(words[1:])
    if unknown and not ignore_unknown_options:
        raise ValueError(f"unknown curl options: {' '.join(unknown)}")
    url = options.url or next(iter(options.addresses), None)
    if url is None:
        raise ValueError("a curl command must have a URL")
    arguments: dict[str, Any] = {"url": url if "://" in url else f"http://{url}"}
    body = "&".join(options.data or ())
    if options.get and body:
        arguments["url"] += ("&" if "?" in url else "?") + body
        body = ""
    arguments["method"] = options.request or ("HEAD" if options.head else "POST" if body else "GET")
    headers, cookies = _headers_and_cookies(options)
    if body:
        arguments["body"] = body
        if with_content_type and not any(name.lower() == "content-type" for name, _ in headers):
            kind = "json" if "--json" in words else "x-www-form-urlencoded"
            headers.append(("Content-Type", f"application/{kind}"))
    if headers:
        arguments["headers"] = headers
    if cookies:
        arguments["cookies"] = cookies
    return arguments


def _headers_and_cookies(
    options: argparse.Namespace,
) -> tuple[list[tuple[str, str | bytes]], dict[str, str]]:
    headers: list[tuple[str, str | bytes]] = []
    cookies = _cookies(options.cookie or "")
    for line in options.header:
        name, _, value = (part.strip() for part in line.partition(":"))
        if name.lower() == "cookie":
            cookies.update(_cookies(value))
        else:
            headers.append((name, value))
    for name, value in (("User-Agent", options.user_agent), ("Referer", options.referer)):
        if value:
            headers.append((name, value))
    if options.user:
        headers.append(("Authorization", b"Basic " + b64encode(options.user.encode())))
    return headers, cookies


def _cookies(line: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in re.split(r";\s*", line) if "=" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}


def request_to_curl(request: Any) -> str:
    """Return a command line of curl that sends the request."""
    words = [f"curl -X {request.method} {request.url}"]
    if request.body:
        words.append(f"--data-raw '{request.body.decode('utf-8')}'")
    words += [f"-H '{name.decode()}: {value.decode()}'" for name, value in request.headers.raw()]
    cookies: Any = request.cookies
    if isinstance(cookies, dict):
        cookies = [{"name": name, "value": value} for name, value in cookies.items()]
    pairs = [pair for cookie in cookies if (pair := _cookie_text(cookie, request))]
    if pairs:
        words.append(f"--cookie '{'; '.join(pairs)}'")
    return " ".join(" ".join(words).split())


def _cookie_text(cookie: dict[str, Any], request: Any) -> str:
    """Return NAME=VALUE of a cookie; "" if one of them is missing."""
    texts = []
    for key in ("name", "value"):
        value = cookie.get(key)
        if value is None:
            logger.warning("Invalid cookie in request %s: %s (%r is missing)", request, cookie, key)
            return ""
        if isinstance(value, bytes):
            text = value.decode("utf-8", "replace")
            if "\N{REPLACEMENT CHARACTER}" in text:
                logger.warning("Non UTF-8 encoded cookie in request %s: %s", request, cookie)
                text = value.decode("latin1")
            texts.append(text)
        else:
            texts.append(str(value))
    return "=".join(texts)
