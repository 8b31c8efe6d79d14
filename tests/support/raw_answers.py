"""Answers of servers, byte by byte, as they occur on the web; each brings the page whose title is "page"."""

import gzip
import zlib
from typing import NamedTuple

PAGE = b"<title>page</title>" + b"<p>some text</p>" * 20
# PAGE, packed once by programs that not every Python has
BROTLI = (
    b"\x1bR\x01\x10\x8c\x93e^5\x8b\x11*\xbdy\xe0\xe8\xf0\xe4\x8bO\x19L\xe4\x80"
    b"\xbd-\xb0\xe8&\xfa\xf2\x10\xaa\x85\x0b\x83\xc1\xb0\xac_\xf7\xc1\x01"
)
ZSTD = b"(\xb5/\xfd`S\x005\x01\x00\xe0<title>page</<p>some text</p\x02\x00.3U}\xac|\x01"
ZSTD_FRAMES = (
    b"(\xb5/\xfd (A\x01\x00<title>page</ti"
    b"tle><p>some text</p><p>s"
    b"o(\xb5/\xfd`+\x00\xbd\x00\x00\x80me text</p><"
    b"p>so\x01\x000F\x9dK"
)


class RawAnswer(NamedTuple):
    """One answer. `lost`: a part of the body is missing; it needs DOWNLOAD_FAIL_ON_DATALOSS = False."""

    name: str
    answer: bytes
    lost: bool = False
    method: str = "GET"
    body: bytes = PAGE


def _ok(lines: bytes = b"", body: bytes = PAGE, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return an answer with a length and these further header lines."""
    kind = b"" if b"content-type" in lines.lower() else b"Content-Type: text/html\r\n"
    return b"%b\r\n%bContent-Length: %d\r\n%b\r\n%b" % (status, kind, len(body), lines, body)


def _open(lines: bytes = b"", body: bytes = PAGE, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return an answer whose body ends where the connection is closed."""
    return b"%b\r\nContent-Type: text/html\r\n%b\r\n%b" % (status, lines, body)


def _coded(coding: bytes, body: bytes) -> bytes:
    return _ok(b"Content-Encoding: %b\r\n" % coding, body)


def _chunked(framed: bytes, lines: bytes = b"") -> bytes:
    return _open(b"Transfer-Encoding: chunked\r\n" + lines, framed)


def _chunk(body: bytes = PAGE) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


_raw = zlib.compressobj(wbits=-15)
_DEFLATE_RAW = _raw.compress(PAGE) + _raw.flush()
_GZIP = gzip.compress(PAGE, mtime=0)
_ZLIB = zlib.compress(PAGE)
_NAMED = zlib.compressobj(wbits=-15)
_GZIP_NAMED = (
    b"\x1f\x8b\x08\x1c\0\0\0\0\0\x03\x04\0abcdpage.html\0a comment\0"
    + _NAMED.compress(PAGE)
    + _NAMED.flush()
    + _GZIP[-8:]
)
_LENGTH = b"Content-Length: %d\r\n" % len(PAGE)

ANSWERS = [
    RawAnswer("plain", _ok()),
    # -- Content-Encoding
    RawAnswer("coding-gzip", _coded(b"gzip", _GZIP)),
    RawAnswer("coding-x-gzip", _coded(b"x-gzip", _GZIP)),
    RawAnswer("coding-upper-case", _coded(b"GZIP", _GZIP)),
    RawAnswer("coding-spaces", _coded(b"  gzip  ", _GZIP)),
    RawAnswer("coding-deflate-zlib", _coded(b"deflate", _ZLIB)),
    RawAnswer("coding-deflate-raw", _coded(b"deflate", _DEFLATE_RAW)),
    RawAnswer("coding-br", _coded(b"br", BROTLI)),
    RawAnswer("coding-zstd", _coded(b"zstd", ZSTD)),
    RawAnswer("coding-identity", _coded(b"identity", PAGE)),
    RawAnswer("coding-none", _coded(b"none", PAGE)),
    RawAnswer("coding-utf-8", _coded(b"UTF-8", PAGE)),
    RawAnswer("coding-text-html", _coded(b"text/html; charset=utf-8", PAGE)),
    RawAnswer("coding-empty", _coded(b"", PAGE)),
    RawAnswer("coding-comma", _coded(b",", PAGE)),
    RawAnswer("coding-aws-chunked", _coded(b"aws-chunked", PAGE)),
    RawAnswer("coding-gzip-gzip", _coded(b"gzip, gzip", gzip.compress(_GZIP, mtime=0))),
    RawAnswer("coding-gzip-deflate", _coded(b"deflate,gzip", gzip.compress(_ZLIB, mtime=0))),
    RawAnswer(
        "coding-gzip-twice-in-two-lines",
        _ok(b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", gzip.compress(_GZIP, mtime=0)),
    ),
    RawAnswer("coding-gzip-named-twice", _coded(b"gzip, gzip", _GZIP)),
    RawAnswer("coding-gzip-identity", _coded(b"gzip, identity", _GZIP)),
    RawAnswer("coding-identity-gzip", _coded(b"identity, gzip", _GZIP)),
    RawAnswer("coding-gzip-utf-8", _coded(b"gzip, utf-8", _GZIP)),
    RawAnswer("coding-gzip-empty-member", _coded(b"gzip,", _GZIP)),
    RawAnswer("coding-gzip-but-plain", _coded(b"gzip", PAGE)),
    RawAnswer("coding-deflate-but-plain", _coded(b"deflate", PAGE)),
    RawAnswer("coding-br-but-plain", _coded(b"br", PAGE)),
    RawAnswer("coding-zstd-but-plain", _coded(b"zstd", PAGE)),
    RawAnswer("coding-deflate-but-gzip", _coded(b"deflate", _GZIP)),
    RawAnswer("coding-gzip-but-zlib", _coded(b"gzip", _ZLIB)),
    RawAnswer("coding-gzip-empty-body", _coded(b"gzip", b""), body=b""),
    RawAnswer("coding-br-empty-body", _coded(b"br", b""), body=b""),
    RawAnswer("coding-space-before-colon", _ok(b"Content-Encoding : gzip\r\n", _GZIP)),
    RawAnswer("coding-folded", _ok(b"Content-Encoding:\r\n gzip\r\n", _GZIP)),
    RawAnswer("gzip-with-name-comment-extra", _coded(b"gzip", _GZIP_NAMED)),
    RawAnswer(
        "gzip-two-members",
        _coded(b"gzip", gzip.compress(PAGE[:40], mtime=0) + gzip.compress(PAGE[40:], mtime=0)),
    ),
    RawAnswer("gzip-zeros-behind", _coded(b"gzip", _GZIP + bytes(20))),
    RawAnswer("gzip-newline-behind", _coded(b"gzip", _GZIP + b"\r\n")),
    RawAnswer("gzip-text-behind", _coded(b"gzip", _GZIP + b"<!-- cached -->")),
    RawAnswer("gzip-without-trailer", _coded(b"gzip", _GZIP[:-8])),
    RawAnswer("gzip-half-a-trailer", _coded(b"gzip", _GZIP[:-3])),
    RawAnswer("gzip-wrong-checksum", _coded(b"gzip", _GZIP[:-8] + b"12345678")),
    RawAnswer("zlib-without-checksum", _coded(b"deflate", _ZLIB[:-4])),
    RawAnswer("zlib-wrong-checksum", _coded(b"deflate", _ZLIB[:-4] + b"1234")),
    RawAnswer("zlib-bytes-behind", _coded(b"deflate", _ZLIB + b"\r\n\0")),
    RawAnswer("deflate-raw-bytes-behind", _coded(b"deflate", _DEFLATE_RAW + b"\r\n\0")),
    RawAnswer("br-bytes-behind", _coded(b"br", BROTLI + b"\r\n")),
    RawAnswer("zstd-bytes-behind", _coded(b"zstd", ZSTD + b"\r\n")),
    RawAnswer("zstd-two-frames", _coded(b"zstd", ZSTD_FRAMES)),
    RawAnswer(
        "gzip-chunked",
        _chunked(_chunk(_GZIP[:30]) + _chunk(_GZIP[30:]) + b"0\r\n\r\n", b"Content-Encoding: gzip\r\n"),
    ),
    RawAnswer(
        "gzip-in-bytes",
        _chunked(
            b"".join(_chunk(_GZIP[i : i + 1]) for i in range(len(_GZIP))) + b"0\r\n\r\n",
            b"Content-Encoding: gzip\r\n",
        ),
    ),
    RawAnswer("gzip-to-the-end", _open(b"Content-Encoding: gzip\r\n", _GZIP)),
    RawAnswer("gzip-length-of-the-page", _open(b"Content-Encoding: gzip\r\n" + _LENGTH, _GZIP)),
    RawAnswer("gzip-of-gzip-file", _ok(b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n", _GZIP)),
    # -- Content-Length and Transfer-Encoding
    RawAnswer("length-twice", _ok(_LENGTH)),
    RawAnswer("length-list", _open(b"Content-Length: %d, %d\r\n" % (len(PAGE), len(PAGE)))),
    RawAnswer("length-zero-padded", _open(b"Content-Length: 000%d\r\n" % len(PAGE))),
    RawAnswer("length-empty", _open(b"Content-Length: \r\n")),
    RawAnswer("length-no-number", _open(b"Content-Length: many\r\n")),
    RawAnswer("length-negative", _open(b"Content-Length: -1\r\n")),
    RawAnswer("length-plus", _open(b"Content-Length: +%d\r\n" % len(PAGE))),
    RawAnswer("length-decimal", _open(b"Content-Length: %d.0\r\n" % len(PAGE))),
    RawAnswer("length-huge", _open(b"Content-Length: 99999999999999999999999\r\n")),
    RawAnswer("length-and-unit", _open(b"Content-Length: %d bytes\r\n" % len(PAGE))),
    RawAnswer("length-beside-chunked", _chunked(_chunk() + b"0\r\n\r\n", _LENGTH)),
    RawAnswer("wrong-length-beside-chunked", _chunked(_chunk() + b"0\r\n\r\n", b"Content-Length: 5\r\n")),
    RawAnswer(
        "length-before-chunked", _open(_LENGTH + b"Transfer-Encoding: chunked\r\n", _chunk() + b"0\r\n\r\n")
    ),
    RawAnswer("length-too-short", _ok(body=PAGE) + b"more than was said"),
    RawAnswer("length-too-long", _open(b"Content-Length: 9999\r\n"), lost=True),
    RawAnswer("no-length", _open()),
    RawAnswer("no-length-keep-alive", _open(b"Connection: keep-alive\r\n")),
    RawAnswer("transfer-identity", _open(b"Transfer-Encoding: identity\r\n")),
    RawAnswer("transfer-identity-length", _ok(b"Transfer-Encoding: identity\r\n")),
    RawAnswer("transfer-unknown", _open(b"Transfer-Encoding: odd\r\n")),
    RawAnswer("transfer-empty", _open(b"Transfer-Encoding: \r\n")),
    RawAnswer("transfer-upper-case", _open(b"Transfer-Encoding: CHUNKED\r\n", _chunk() + b"0\r\n\r\n")),
    RawAnswer("transfer-chunked-twice", _chunked(_chunk() + b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n")),
    RawAnswer(
        "transfer-chunked-list", _open(b"Transfer-Encoding: chunked, chunked\r\n", _chunk() + b"0\r\n\r\n")
    ),
    RawAnswer(
        "transfer-identity-chunked",
        _open(b"Transfer-Encoding: identity, chunked\r\n", _chunk() + b"0\r\n\r\n"),
    ),
    RawAnswer(
        "transfer-space-before-colon", _open(b"Transfer-Encoding : chunked\r\n", _chunk() + b"0\r\n\r\n")
    ),
    RawAnswer(
        "transfer-chunked-identity",
        _open(b"Transfer-Encoding: chunked, identity\r\n", _chunk() + b"0\r\n\r\n"),
    ),
    RawAnswer("transfer-chunked-comma", _open(b"Transfer-Encoding: chunked,\r\n", _chunk() + b"0\r\n\r\n")),
    RawAnswer(
        "transfer-identity-in-a-second-line",
        _chunked(_chunk() + b"0\r\n\r\n", b"Transfer-Encoding: identity\r\n"),
    ),
    # -- Chunks
    RawAnswer("chunk-extension", _chunked(b"%x;name=value\r\n%b\r\n0;last\r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-extension-quoted", _chunked(b'%x;a="b;c"\r\n%b\r\n0\r\n\r\n' % (len(PAGE), PAGE))),
    RawAnswer("chunk-extension-spaces", _chunked(b"%x ; a = b\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-extension-bytes", _chunked(b"%x;\xe9=\0\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-line-feed-behind-size", _chunked(b"%x\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-line-feed-behind-data", _chunked(b"%x\r\n%b\n0\r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-trailer-no-colon", _chunked(_chunk() + b"0\r\nodd trailer\r\n\r\n")),
    RawAnswer("chunk-trailer-nul", _chunked(_chunk() + b"0\r\nX-A: a\0b\r\n\r\n")),
    RawAnswer("chunk-spaces-behind-size", _chunked(b"%x   \r\n%b\r\n0  \r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-upper-case-zeros", _chunked(b"00%X\r\n%b\r\n000\r\n\r\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-line-feeds", _chunked(b"%x\n%b\n0\n\n" % (len(PAGE), PAGE))),
    RawAnswer("chunk-trailers", _chunked(_chunk() + b"0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n")),
    RawAnswer("chunk-garbage-behind", _chunked(_chunk() + b"0\r\n\r\ngarbage")),
    RawAnswer("chunk-newline-behind", _chunked(_chunk() + b"0\r\n\r\n\r\n")),
    RawAnswer("chunk-no-last-line", _chunked(_chunk() + b"0\r\n"), lost=True),
    RawAnswer("chunk-no-last-line-end", _chunked(_chunk() + b"0"), lost=True),
    RawAnswer("chunk-no-last-chunk", _chunked(_chunk()), lost=True),
    RawAnswer("chunk-cut", _chunked(b"%x\r\n%b" % (len(PAGE) + 99, PAGE)), lost=True),
    RawAnswer("chunk-bad-size", _chunked(_chunk() + b"xyz\r\n"), lost=True),
    RawAnswer(
        "chunk-no-line-end-behind-data", _chunked(b"%x\r\n%b" % (len(PAGE), PAGE) + b"0\r\n\r\n"), lost=True
    ),
    RawAnswer("chunked-but-plain", _chunked(PAGE), lost=True, body=b""),
    RawAnswer(
        "chunked-http-1.0",
        _open(b"Transfer-Encoding: chunked\r\n", _chunk() + b"0\r\n\r\n", b"HTTP/1.0 200 OK"),
    ),
    # -- Status line
    RawAnswer("status-no-reason", _ok(status=b"HTTP/1.1 200")),
    RawAnswer("status-no-reason-space", _ok(status=b"HTTP/1.1 200 ")),
    RawAnswer("status-long-reason", _ok(status=b"HTTP/1.1 200 " + b"Very " * 3000)),
    RawAnswer("status-reason-bytes", _ok(status=b"HTTP/1.1 200 D\xe9j\xe0 \xe4\xb8\xad\x01")),
    RawAnswer("status-two-spaces", _ok(status=b"HTTP/1.1  200  OK")),
    RawAnswer("status-tab", _ok(status=b"HTTP/1.1\t200\tOK")),
    RawAnswer("status-lower-case", _ok(status=b"http/1.1 200 OK")),
    RawAnswer("status-http-1.0", _ok(status=b"HTTP/1.0 200 OK")),
    RawAnswer("status-http-1.0-no-length", _open(status=b"HTTP/1.0 200 OK")),
    RawAnswer("status-http-1.0-keep-alive", _ok(b"Connection: keep-alive\r\n", status=b"HTTP/1.0 200 OK")),
    RawAnswer("status-http-1.2", _ok(status=b"HTTP/1.2 200 OK")),
    RawAnswer("status-http-2.0", _ok(status=b"HTTP/2.0 200 OK")),
    RawAnswer("status-http-2", _ok(status=b"HTTP/2 200 OK")),
    RawAnswer("status-http-0.9", _ok(status=b"HTTP/0.9 200 OK")),
    RawAnswer("status-http-no-version", _ok(status=b"HTTP 200 OK")),
    RawAnswer("status-icy", _ok(status=b"ICY 200 OK")),
    RawAnswer("status-glued", _ok(status=b"HTTP/1.1 200OK")),
    RawAnswer("status-with-dot", _ok(status=b"HTTP/1.1 200.5 OK")),
    RawAnswer("status-bare-line-feed", _ok().replace(b"\r\n", b"\n", 3)),
    RawAnswer("status-1000", _ok(status=b"HTTP/1.1 1000 OK")),
    RawAnswer("status-negative", _ok(status=b"HTTP/1.1 -200 OK")),
    RawAnswer("status-299", _ok(status=b"HTTP/1.1 299 Odd")),
    RawAnswer("status-600", _ok(status=b"HTTP/1.1 600 Odd")),
    RawAnswer("status-999", _ok(status=b"HTTP/1.1 999 Denied")),
    RawAnswer("status-404", _ok(status=b"HTTP/1.1 404 Not Found")),
    RawAnswer("blank-line-before", b"\r\n" + _ok()),
    RawAnswer("blank-lines-before", b"\r\n\r\n" + _ok()),
    RawAnswer("line-feeds-before", b"\n\n" + _ok()),
    RawAnswer("spaces-before", b"  " + _ok()),
    RawAnswer("bom-before", b"\xef\xbb\xbf" + _ok()),
    RawAnswer("4-bytes-before", b"junk" + _ok()),
    # -- Interim answers
    RawAnswer("interim-100", b"HTTP/1.1 100 Continue\r\n\r\n" + _ok()),
    RawAnswer("interim-102", b"HTTP/1.1 102 Processing\r\n\r\n" + _ok()),
    RawAnswer(
        "interim-103-links", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + _ok()
    ),
    RawAnswer(
        "interim-several", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + _ok()
    ),
    RawAnswer(
        "interim-with-length-and-odd-line", b"HTTP/1.1 100 C\r\nContent-Length: 5\r\nodd\r\n\r\n" + _ok()
    ),
    RawAnswer("interim-199", b"HTTP/1.1 199 Odd\r\n\r\n" + _ok()),
    # -- Header lines
    RawAnswer("header-no-colon", _ok(b"this is not a header\r\n")),
    RawAnswer("header-no-colon-first", _ok().replace(b"\r\n", b"\r\nodd line\r\n", 1)),
    RawAnswer("header-only-colon", _ok(b": value\r\n")),
    RawAnswer("header-no-name-no-value", _ok(b":\r\n")),
    RawAnswer("header-space-before-colon", _ok(b"X-Name : value\r\n")),
    RawAnswer("header-type-space-before-colon", _ok(b"Content-Type : text/html\r\n")),
    RawAnswer("header-space-in-name", _ok(b"X Name: value\r\n")),
    RawAnswer("header-odd-name", _ok(b"X(Name)[1]/@: value\r\n")),
    RawAnswer("header-name-bytes", _ok(b"X-N\xe9m: value\r\n")),
    RawAnswer("header-name-control", _ok(b"X-\x01: value\r\n")),
    RawAnswer("header-no-space-behind-colon", _ok(b"X-Name:value\r\n")),
    RawAnswer("header-empty-value", _ok(b"X-Name:\r\nX-Two:   \r\n")),
    RawAnswer("header-folded", _ok(b"X-Long: one\r\n two\r\n\tthree\r\n")),
    RawAnswer("header-type-folded", _ok(b"Content-Type: text/html;\r\n charset=utf-8\r\n")),
    RawAnswer("header-fold-first", _ok().replace(b"\r\n", b"\r\n  folded\r\n", 1)),
    RawAnswer("header-fold-colon", _ok().replace(b"\r\n", b"\r\n Folded: 1\r\n", 1)),
    RawAnswer("header-fold-empty", _ok(b"X-Long: one\r\n \r\n")),
    RawAnswer("header-utf-8", _ok("X-Name: é中\r\n".encode())),
    RawAnswer("header-latin-1", _ok(b"X-Name: caf\xe9\r\n")),
    RawAnswer("header-control", _ok(b"X-Name: a\x01\x08\x0b\x1f\x7fb\r\n")),
    RawAnswer("header-nul", _ok(b"X-Name: a\x00b\r\n")),
    RawAnswer("header-escape", _ok(b"Server: \x1b[31mred\r\n")),
    RawAnswer("header-bare-cr", _ok(b"X-Name: a\rb\r\n")),
    RawAnswer("header-bare-line-feeds", _ok(b"X-One: 1\nX-Two: 2\n")),
    RawAnswer("header-two-crs", _ok(b"X-One: 1\r\r\n")),
    RawAnswer("head-bare-line-feeds", _ok().replace(b"\r\n", b"\n")),
    RawAnswer("head-ends-by-line-feeds", _ok().replace(b"\r\n\r\n", b"\n\n")),
    RawAnswer("headers-150", _ok(b"".join(b"Link: </%d>\r\n" % number for number in range(150)))),
    RawAnswer("headers-1000", _ok(b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(1000)))),
    RawAnswer("header-40-kb", _ok(b"Content-Security-Policy: " + b"a" * 40_000 + b"\r\n")),
    RawAnswer("header-120-kb", _ok(b"Content-Security-Policy: " + b"a" * 120_000 + b"\r\n")),
    RawAnswer("headers-200-kb", _ok(b"".join(b"X-%d: %b\r\n" % (n, b"a" * 10_000) for n in range(20)))),
    RawAnswer("header-name-2-kb", _ok(b"X-" + b"a" * 2000 + b": 1\r\n")),
    RawAnswer("server-twice", _ok(b"Server: a\r\nServer: b\r\nDate: x\r\nDate: y\r\n")),
    RawAnswer("upgrade", _ok(b"Connection: Upgrade\r\nUpgrade: h2,h2c\r\n")),
    RawAnswer("connection-odd", _ok(b"Connection: keep-alive, close, odd=1\r\nKeep-Alive: timeout=x\r\n")),
    RawAnswer("websocket-key", _ok(b"Sec-WebSocket-Key1: 1\r\n")),
    RawAnswer("http-in-header-name", _ok(b"HTTP/1.1 200 OK\r\n")),
    # -- Content-Type
    RawAnswer("type-none", b"HTTP/1.1 200 OK\r\n" + _LENGTH + b"\r\n" + PAGE),
    RawAnswer("type-empty", _ok(b"Content-Type:\r\n")),
    RawAnswer("type-twice", _ok(b"Content-Type: text/html\r\nContent-Type: text/html; charset=utf-8\r\n")),
    RawAnswer("type-charset-quoted", _ok(b'Content-Type: text/html; charset="utf-8"\r\n')),
    RawAnswer("type-charset-single-quoted", _ok(b"Content-Type: text/html; charset='utf-8'\r\n")),
    RawAnswer("type-charset-unknown", _ok(b"Content-Type: text/html; charset=foo\r\n")),
    RawAnswer("type-charset-empty", _ok(b"Content-Type: text/html; charset=\r\n")),
    RawAnswer("type-upper-case", _ok(b"CONTENT-TYPE: TEXT/HTML; CHARSET=UTF-8\r\n")),
    RawAnswer("type-comma", _ok(b"Content-Type: text/html, text/html\r\n")),
    RawAnswer("type-semicolons", _ok(b"Content-Type: text/html;;;\r\n")),
    # -- Cookies
    RawAnswer("cookie-control", _ok(b"Set-Cookie: a=b\x01c\x7f\r\n")),
    RawAnswer("cookie-nul", _ok(b"Set-Cookie: a=b\x00c\r\n")),
    RawAnswer("cookie-bytes", _ok(b"Set-Cookie: a=caf\xe9\r\nSet-Cookie: b=\xe4\xb8\xad\r\n")),
    RawAnswer(
        "cookie-odd-names", _ok(b"Set-Cookie: a[0]=1\r\nSet-Cookie: =x\r\nSet-Cookie: {}\r\nSet-Cookie:\r\n")
    ),
    RawAnswer("cookie-json", _ok(b'Set-Cookie: a={"b": [1, "c,d;e"]}; Path=/\r\n')),
    RawAnswer("cookie-20-kb", _ok(b"Set-Cookie: a=" + b"b" * 20_000 + b"\r\n")),
    RawAnswer("cookies-60", _ok(b"".join(b"Set-Cookie: n%d=%b\r\n" % (n, b"v" * 200) for n in range(60)))),
    RawAnswer(
        "cookie-odd-dates", _ok(b"Set-Cookie: a=1; expires=Thu, 99 Foo 2099 99:99:99 GMT; max-age=x\r\n")
    ),
    # -- Statuses without a body
    RawAnswer("head-with-body", _ok(), method="HEAD", body=b""),
    RawAnswer("head-gzip", _coded(b"gzip", _GZIP), method="HEAD", body=b""),
    RawAnswer("head-chunked", _chunked(_chunk() + b"0\r\n\r\n"), method="HEAD", body=b""),
    RawAnswer("204-with-body", _ok(status=b"HTTP/1.1 204 No Content"), body=b""),
    RawAnswer(
        "204-chunked", _chunked(_chunk() + b"0\r\n\r\n").replace(b"200 OK", b"204 No Content"), body=b""
    ),
    RawAnswer("205-with-body", _ok(status=b"HTTP/1.1 205 Reset Content")),
    RawAnswer("304-with-body", _ok(status=b"HTTP/1.1 304 Not Modified"), body=b""),
    RawAnswer("304-gzip", _coded(b"gzip", _GZIP).replace(b"200 OK", b"304 Not Modified"), body=b""),
    RawAnswer("204-gzip", _coded(b"gzip", _GZIP).replace(b"200 OK", b"204 No Content"), body=b""),
    RawAnswer("200-empty", _ok(body=b""), body=b""),
    RawAnswer("200-no-length-empty", _open(body=b""), body=b""),
]

#: What the parser of a library refuses for good.
REFUSED: dict[str, frozenset[str]] = {
    "aiohttp": frozenset(),
    "wreq": frozenset(),
    "curl_cffi": frozenset({"length-huge"}),
}
_BY_BOTH = """
    length-empty length-no-number length-negative length-plus length-decimal length-and-unit status-two-spaces
    status-lower-case status-http-1.2 status-http-2 status-http-0.9 status-http-no-version status-icy
    spaces-before bom-before 4-bytes-before header-nul header-bare-cr header-two-crs cookie-nul
    chunk-trailer-no-colon chunk-trailer-nul transfer-chunked-identity status-1000 status-negative
"""
_BY_WREQ = """
    length-huge chunked-http-1.0 status-reason-bytes status-tab status-http-2.0 status-glued status-with-dot
    transfer-chunked-comma transfer-identity-in-a-second-line
    chunk-line-feeds chunk-line-feed-behind-size chunk-line-feed-behind-data chunk-bad-size
    chunk-no-line-end-behind-data chunked-but-plain
"""
_BY_CURL = """
    transfer-unknown blank-line-before blank-lines-before line-feeds-before header-no-colon
    header-no-colon-first header-fold-first header-fold-colon header-120-kb http-in-header-name
    transfer-space-before-colon interim-with-length-and-odd-line
"""
#: What a library refuses and aiohttp then reads, at a second request.
ASKED_AGAIN: dict[str, frozenset[str]] = {
    "aiohttp": frozenset(),
    "wreq": frozenset((_BY_BOTH + _BY_WREQ).split()),
    "curl_cffi": frozenset((_BY_BOTH + _BY_CURL).split()),
}


def table() -> str:
    """Return the table of docs/handlers.md: the answers that not every library reads by itself."""
    rows = ["| answer | " + " | ".join(REFUSED) + " |", "|---" * (len(REFUSED) + 1) + "|"]
    for answer in ANSWERS:
        words = [_word(handler, answer.name) for handler in REFUSED]
        if set(words) != {"yes"}:
            rows.append(f"| {answer.name} | " + " | ".join(words) + " |")
    return "\n".join(rows) + "\n"


def _word(handler: str, name: str) -> str:
    if name in REFUSED[handler]:
        return "no"
    return "second request" if name in ASKED_AGAIN[handler] else "yes"
