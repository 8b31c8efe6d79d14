"""Run a Redis on this machine, for shared crawls."""

import argparse
import contextlib
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from platformdirs import user_state_path

from aioscrapy.db.embedded import EmbeddedRedis, server_binary
from aioscrapy.exceptions import ConfigError, QueueError
from aioscrapy.os_signals import interruptible
from aioscrapy_deploy.terminal.option_types import port


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--port", type=port, default=6379, help="port (default: 6379)")
    add("--dir", type=Path, help="data folder (default: a private folder for the port)")
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C, SIGTERM or SIGHUP; then return 0."""
    server_binary()
    os.umask(0o077)  # everything that is written here is for this user only
    address = _address(options.bind)
    _check_free(address, options.port)
    folder = (options.dir or user_state_path("aioscrapy") / f"redis-{options.port}").resolve()
    with contextlib.suppress(KeyboardInterrupt), interruptible() as interrupts:
        try:
            with _folder_error(folder), _alone(folder):
                password = _password(folder)
                server = EmbeddedRedis(
                    folder,
                    port=options.port,
                    appendonly=True,
                    options={"bind": address, "protected-mode": "no"},  # the password protects it
                    password=password,
                )
                with server:
                    _print_connection(
                        server, address, password, str(options.settings["SCHEDULER_QUEUE_ALIAS"])
                    )
                    _wait_for_end(server)
                raise QueueError(f"the Redis has ended by itself (log: {server.log_file})")
        finally:
            interrupts.ignore()
    print("Redis is stopped")
    return 0


def _print_connection(server: EmbeddedRedis, address: str, password: str, alias: str) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 nothing is bound here
    url = f"redis://:{password}@{f'[{host}]' if ':' in host else host}:{server.port}/0"
    print(f"Redis runs on port {server.port} of {host} and keeps its data in {server.folder}")
    print("For the project's settings (the password stays the same for this folder):\n")
    print(f'REDIS_ARGS = {{"{alias}": {{"url": "{url}"}}}}\n')
    print("Press Ctrl-C to stop. Data is kept and loaded at the next start.", flush=True)


def _password(folder: Path) -> str:
    """Return the password of the data folder; create it at the first start. Only this user can read it."""
    file = folder / "password"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as new:
            new.write(secrets.token_urlsafe(24))
    file.chmod(0o600)
    password = file.read_text(encoding="ascii").strip()
    if not password:
        raise ConfigError(f"{file} is empty: delete it, and a new password is created")
    return password


def _wait_for_end(server: EmbeddedRedis) -> None:
    """Return when the server has ended; until then a signal raises KeyboardInterrupt."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    else:  # macOS before Python 3.13: only a signal ends us
        signal.pause()


def _check_free(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as exc:
            raise ConfigError(
                f"port {port} of {address} can't be used ({exc.strerror}); name another one by --port"
            ) from None


@contextlib.contextmanager
def _folder_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ConfigError(f"{folder} can't be used: {exc.strerror}") from None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second server out of the folder: both would write to the same files."""
    import fcntl  # only systems with an embedded server have it

    created = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if created or folder.parent == user_state_path("aioscrapy"):
        folder.chmod(0o700)  # ours: also one that an earlier version left open
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"another Redis keeps its data in {folder}; name another by --dir") from None
        yield


def _address(text: str) -> str:
    try:
        return str(ip_address("127.0.0.1" if text == "localhost" else text))
    except ValueError:
        raise ConfigError(f"--bind {text}: an address is needed, as 127.0.0.1 or 0.0.0.0") from None
