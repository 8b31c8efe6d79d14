"""Servers for files on loopback: S3 (moto), Google Cloud Storage (gcp-storage-emulator), FTP (pyftpdlib)."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aioscrapy.remote_files import remote_files
from aioscrapy.settings import Settings


@dataclass
class FileServer:
    """A running server.

    Attributes:
        uri: of a folder on it.
        settings: the login.
        read: path below the URI -> its bytes; raises an error if there is no such file.
    """

    uri: str
    read: Callable[[str], bytes]
    settings: dict[str, Any] = field(default_factory=dict)


@contextmanager
def s3_server() -> Iterator[FileServer]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    login = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    url = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **login)
    client.create_bucket(Bucket="bucket")

    def read(path: str) -> bytes:
        data: bytes = client.get_object(Bucket="bucket", Key=f"folder/{path}")["Body"].read()
        return data

    settings = {name.upper(): value for name, value in login.items()}
    try:
        yield FileServer("s3://bucket/folder/", read, {"AWS_ENDPOINT_URL": url, **settings})
    finally:
        client.close()
        server.stop()


@contextmanager
def google_server(monkeypatch: Any) -> Iterator[FileServer]:
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    address = server._api._httpd.server_address
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{address[0]}:{address[1]}")

    def read(path: str) -> bytes:
        from gcsfs import core

        files = core.GCSFileSystem(
            project="project", token="anon", skip_instance_cache=True, use_listings_cache=False
        )
        data: bytes = files.cat_file(f"bucket/folder/{path}")
        return data

    try:
        yield FileServer("gs://bucket/folder/", read, {"GCS_PROJECT_ID": "project"})
    finally:
        server.stop()


@contextmanager
def ftp_server(folder: Path) -> Iterator[FileServer]:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

    folder.mkdir(exist_ok=True)
    users = DummyAuthorizer()
    users.add_user("user", "pass word", str(folder), perm="elradfmwMT")
    handler = type("Handler", (FTPHandler,), {"authorizer": users, "auth_failed_timeout": 0})
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            server.serve_forever(timeout=0.05, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    port = server.address[1]
    try:
        yield FileServer(
            f"ftp://user:pass%20word@127.0.0.1:{port}/folder/",
            lambda path: (folder / "folder" / path).read_bytes(),
        )
    finally:
        stopping.set()
        thread.join(10)


def put(server: FileServer, path: str, data: bytes) -> None:
    """Write a file to the server."""
    remote_files(server.uri, Settings(server.settings)).upload(path, io.BytesIO(data))
