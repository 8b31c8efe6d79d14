"""TLS: certificates that do not verify, passwords that stay at home, old ciphers and versions."""

import base64
import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, SettingError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.http import Request
from aioscrapy.middlewares.defaultheaders import HttpAuthMiddleware
from support.context import context
from support.handlers import HANDLERS, WireServer, open_handler, tls_context

pytestmark = pytest.mark.server

LOGIN = "Basic " + base64.b64encode(b"user:pass").decode()


@pytest.fixture(params=HANDLERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def build(name: str, crawler: CrawlContext) -> DownloadHandler:
    handler: DownloadHandler = load_object(HANDLERS[name], "DOWNLOAD_HANDLERS").from_crawler(crawler)
    return handler


async def test_a_host_without_a_valid_certificate_is_warned_of_once(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crawler = context({"DOWNLOAD_TIMEOUT": 5})
    handler = build(name, crawler)
    async with WireServer(tls=tls_context(tmp_path)) as server:
        for number in range(3):
            response = await handler.download_request(Request(f"{server.url}/{number}"), None)
            assert response.status == 200
        await handler.close()
    warnings = [record.getMessage() for record in caplog.records if "certificate" in record.getMessage()]
    assert len(warnings) == 1
    assert warnings[0].startswith("The certificate of 127.0.0.1 does not verify: ")
    assert crawler.stats.get_value("tls/unverified_hosts") == 1
    assert len(server.requests) == 3


async def test_aiohttp_keeps_the_certificate_and_sends_from_the_address_of_the_settings(
    tmp_path: Path,
) -> None:
    handler = build("aiohttp", context({"DOWNLOAD_TIMEOUT": 5, "DOWNLOAD_BIND_ADDRESS": ("127.0.0.1", 0)}))
    async with WireServer(tls=tls_context(tmp_path)) as server:
        response = await handler.download_request(Request(server.url), None)
        await handler.close()
    assert ssl.DER_cert_to_PEM_cert(response.certificate).startswith("-----BEGIN CERTIFICATE-----")


async def test_another_port_of_a_host_is_verified_by_itself(name: str, tmp_path: Path) -> None:
    crawler = context({"DOWNLOAD_TIMEOUT": 5})
    handler = build(name, crawler)
    async with WireServer(tls=tls_context(tmp_path)) as one, WireServer(tls=tls_context(tmp_path)) as two:
        await handler.download_request(Request(one.url), None)
        assert handler._certificates.verifies(Request(two.url))  # type: ignore[attr-defined]  # each has one
        assert not handler._certificates.verifies(Request(one.url + "/x"))  # type: ignore[attr-defined]
        await handler.close()


async def test_no_password_of_ours_goes_to_a_host_without_a_valid_certificate(
    name: str, tmp_path: Path
) -> None:
    defaults = {"Authorization": "Bearer t0ken", "X-Api-Key": "k3y", "Accept-Language": "en"}
    crawler = context(
        {"DEFAULT_REQUEST_HEADERS": defaults, "DOWNLOAD_TIMEOUT": 5}, http_user="user", http_pass="pass"
    )
    handler = build(name, crawler)
    sent: Any = {**defaults, "X-Own": "own-secret"}
    async with WireServer(tls=tls_context(tmp_path)) as server:
        await handler.download_request(Request(server.url, headers=sent), None)
        await handler.download_request(Request(server.url, headers={"Authorization": LOGIN}), None)
        await handler.download_request(Request(server.url, headers={"Authorization": "Own"}), None)
        await handler.close()
    first, second, third = server.requests
    assert b"t0ken" not in first
    assert b"k3y" not in first
    assert b"Accept-Language: en" in first
    assert b"X-Own: own-secret" in first
    assert LOGIN.encode() not in second
    assert b"Authorization: Own" in third


@pytest.mark.parametrize(
    ("settings", "attributes"),
    [
        ({}, {"http_user": b"user", "http_pass": b"pass", "http_auth_domain": None}),
        ({"HTTPAUTH_USER": "user", "HTTPAUTH_PASS": "pass", "HTTPAUTH_DOMAIN": None}, {}),
        ({"CURL_CFFI_ARGS": {"headers": {"authorization": LOGIN, "X-Api-Key": "k3y"}}}, {}),
        ({"CURL_CFFI_ARGS": {"cookies": {"session": "s"}, "auth": ("user", "pass")}}, {}),
    ],
)
async def test_a_login_is_kept_back_wherever_it_is_set(
    name: str, settings: dict[str, Any], attributes: dict[str, Any], tmp_path: Path
) -> None:
    crawler = context({"DOWNLOAD_TIMEOUT": 5, **settings}, **attributes)
    handler, login = build(name, crawler), HttpAuthMiddleware.from_crawler(crawler)
    async with WireServer(tls=tls_context(tmp_path)) as server:
        request = Request(server.url)
        login.process_request(request)
        await handler.download_request(request, None)
        await handler.close()
    assert not re.search(rb"(?i)authorization|cookie|k3y", server.requests[0])


async def test_a_valid_certificate_is_not_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tls = tls_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    crawler = context({"DOWNLOAD_VERIFY_SSL": True, "DOWNLOAD_TIMEOUT": 5})
    handler = build("aiohttp", crawler)
    async with WireServer(tls=tls) as server:
        headers = {"Authorization": LOGIN}
        assert (await handler.download_request(Request(server.url, headers=headers), None)).status == 200
        await handler.close()
    assert LOGIN.encode() in server.requests[0]
    assert "certificate" not in caplog.text
    assert crawler.stats.get_value("tls/unverified_hosts") is None


async def test_a_cipher_that_browsers_take_needs_no_setting(name: str, tmp_path: Path) -> None:
    tls = tls_context(tmp_path)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("ECDHE-ECDSA-AES128-SHA")
    async with WireServer(tls=tls) as server, open_handler(name) as handler:
        assert (await handler.download_request(Request(server.url), None)).status == 200


@pytest.mark.parametrize("method", ["TLSv1.0", "TLSv1.1"])
async def test_an_old_server_is_reached_by_the_settings(name: str, method: str, tmp_path: Path) -> None:
    tls = tls_context(tmp_path)
    tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.deprecated_call():
        version = getattr(ssl.TLSVersion, method.replace(".0", "").replace(".", "_"))
        tls.minimum_version = tls.maximum_version = version
    settings = {
        "DOWNLOADER_CLIENT_TLS_CIPHERS": "DEFAULT:@SECLEVEL=0",
        "DOWNLOADER_CLIENT_TLS_METHOD": method,
    }
    async with WireServer(tls=tls) as server:
        async with open_handler(name, settings) as handler:
            assert (await handler.download_request(Request(server.url), None)).status == 200
        async with open_handler(name) as handler:
            with pytest.raises(DownloadError):
                await handler.download_request(Request(server.url), None)


async def test_the_ciphers_of_the_settings_are_offered(name: str, tmp_path: Path) -> None:
    tls = tls_context(tmp_path)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    settings = {"DOWNLOADER_CLIENT_TLS_METHOD": "TLSv1.2"}
    async with WireServer(tls=tls) as server:
        for cipher, comes in (
            ("ECDHE-ECDSA-AES256-GCM-SHA384", False),
            ("ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ):
            own = {**settings, "DOWNLOADER_CLIENT_TLS_CIPHERS": cipher}
            async with open_handler(name, own) as handler:
                if comes:
                    assert (await handler.download_request(Request(server.url), None)).status == 200
                else:
                    with pytest.raises(DownloadError):
                        await handler.download_request(Request(server.url), None)


@pytest.mark.parametrize("name", ["aiohttp", "wreq"])
async def test_ciphers_that_do_not_exist_are_a_wrong_setting(name: str) -> None:
    with pytest.raises(SettingError, match="DOWNLOADER_CLIENT_TLS_CIPHERS"):
        build(name, context({"DOWNLOADER_CLIENT_TLS_CIPHERS": "NONSENSE"}))
