"""Run a Redis of your own on this machine, for crawls that are shared."""

import argparse
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from platformdirs import user_state_path

from aioscrapy.db.embedded import EmbeddedRedis, server_binary
from aioscrapy.exceptions import ConfigError, QueueError
from aioscrapy.os_signals import interruptible


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--port", type=_port, default=6379, help="where it listens (default: 6379)")
    add("--dir", type=Path, help="where its data stand (default: one for each port, yours alone)")
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="on which address (default: 127.0.0.1)")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C, SIGTERM or SIGHUP; 0 then."""
    server_binary()
    address = _address(options.bind)
    _check_free(address, options.port)
    server = EmbeddedRedis(
        options.dir or user_state_path("aioscrapy") / f"redis-{options.port}",
        port=options.port,
        appendonly=True,
        # Without a password the server would refuse all others than this machine, whatever it is bound to.
        options={"bind": address, "protected-mode": "yes" if _is_ours(address) else "no"},
    )
    with contextlib.suppress(KeyboardInterrupt), interruptible() as interrupts:
        try:
            with _folder_error(server.folder), _alone(server.folder), server:
                _tell(server, address, str(options.settings["SCHEDULER_QUEUE_ALIAS"]))
                _wait_for_end(server)
                raise QueueError(f"the Redis has ended by itself (log: {server.log_file})")
        finally:
            interrupts.ignore()
    print("Redis is stopped")
    return 0


def _tell(server: EmbeddedRedis, address: str, alias: str) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 nothing is bound here
    url = f"redis://{f'[{host}]' if ':' in host else host}:{server.port}/0"
    print(f"Redis runs at {url} and keeps its data in {server.folder}")
    print("For the project's settings:\n")
    print(f'REDIS_ARGS = {{"{alias}": {{"url": "{url}"}}}}\n')
    if not _is_ours(address):
        print(f"It has no password: whoever reaches port {server.port} can read and change everything in it.")
    print("It ends by Ctrl-C; what it holds is there again at the next start.", flush=True)


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
    """Keep a second server out of the folder: both would write to the same files, and spoil them."""
    import fcntl  # only where there is an embedded server

    folder.mkdir(parents=True, exist_ok=True)
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


def _is_ours(address: str) -> bool:
    return ip_address(address).is_loopback


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no TCP port")
    return number
