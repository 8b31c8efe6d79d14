"""`runner list` ends although modules of the project wait, fork or fail, and it closes its pipes."""

import os
import signal
import time
from pathlib import Path

import pytest

from plugin.jobs import Daemon, make_egg, spider

ONE = spider("one")


def list_with(daemon: Daemon, module: str, conf: str = "") -> tuple[int, str, str]:
    """List a project with the spider `one` and this module, to the end of both pipes."""
    daemon.configure(f"[scrapyd]\n{conf}\n")
    daemon.store(make_egg({"spiders/a.py": ONE, "spiders/b.py": module}))
    return daemon.list()


STAYS = {
    "a thread": "import threading\nthreading.Thread(target=threading.Event().wait).start()\n",
    "a thread pool": """
        from concurrent.futures import ThreadPoolExecutor
        import threading
        ThreadPoolExecutor().submit(threading.Event().wait)
    """,
    "an atexit handler": "import atexit, threading\natexit.register(threading.Event().wait)\n",
    "a child with the pipes": "import subprocess\nsubprocess.Popen(['sleep', '300'], close_fds=False)\n",
    "a child in a session of its own": """
        import subprocess
        from pathlib import Path
        child = subprocess.Popen(['sleep', '300'], start_new_session=True)
        Path('pids').write_text(str(child.pid))
    """,
    "a forked child": "import os, time\nif not os.fork():\n    time.sleep(300)\n",
    "a daemon": """
        import os, time
        from pathlib import Path
        if not os.fork():
            os.setsid()
            Path('pids').write_text(str(os.getpid()))
            time.sleep(300)
    """,
    "a multiprocessing pool": "import multiprocessing\npool = multiprocessing.get_context('fork').Pool(2)\n",
    "a lock that is held at exit": """
        import threading
        lock = threading.Lock()
        lock.acquire()
        threading._register_atexit(lock.acquire)
    """,
    "an excepthook and a filter for signals": """
        import signal, sys
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        sys.excepthook = None
    """,
    "an object that can't be deleted": """
        import time
        class Stays:
            def __del__(self):
                time.sleep(300)
        stays = Stays()
    """,
    "closed files": "import os\nos.closerange(20, 256)\n",
    "a closed standard output": "import sys\nsys.stdout.close()\n",
}


@pytest.mark.parametrize("module", STAYS.values(), ids=STAYS)
def test_nothing_that_an_import_starts_delays_the_end(daemon: Daemon, module: str) -> None:
    began = time.monotonic()
    status, out, _ = list_with(daemon, module)
    assert (status, out) == (0, "one\n")
    assert time.monotonic() - began < 20
    pids = daemon.folder / "pids"
    if pids.exists():
        os.kill(int(pids.read_text()), signal.SIGKILL)  # it left our group on purpose, and lives


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("import time\ntime.sleep(300)\n", 2),
        ("import threading\n\nthreading.Event().wait()\n", 3),
        ("while True:\n    pass\n", None),
        ("import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')\n", 2),  # one C call, which no thread can interrupt
        ("import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.accept()\n", 3),
        ("import os\nos.read(os.pipe()[0], 1)\n", 2),
        ("while True:\n    print('x' * 1000)\n", None),
    ],
)
def test_an_import_that_does_not_return_is_named(daemon: Daemon, module: str, line: int | None) -> None:
    status, out, err = list_with(daemon, module, "list_timeout = 1")
    assert (status, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith(
        "aioscrapy: the spiders can't be listed within 1 s (list_timeout in scrapyd.conf): "
    )
    assert f"/bot/spiders/b.py:{line or ''}" in last
    assert len(err) < 100_000


def test_a_stopped_import_is_killed(daemon: Daemon) -> None:
    stop = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n"
    status, out, err = list_with(daemon, stop, "list_timeout = 1")
    assert (status, out) == (1, "")
    assert "can't be listed within 1 s" in err


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("import os\nos._exit(0)\n", "ended with exit status 0 before"),
        ("import os\nos._exit(7)\n", "ended with exit status 7 before"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "ended by SIGKILL before"),
        ("import os\nos.abort()\n", "ended by SIGABRT before"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "ended by SIGSEGV before"),
    ],
)
def test_an_import_that_ends_the_process_is_not_an_empty_list(
    daemon: Daemon, module: str, words: str
) -> None:
    status, out, err = list_with(daemon, module)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith("aioscrapy: the process that imports the spiders " + words)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_listing_that_is_killed_leaves_no_process(daemon: Daemon, number: signal.Signals) -> None:
    waits = """
        import os, time
        from pathlib import Path
        Path('pids').write_text(str(os.getpid()))
        time.sleep(300)
    """
    daemon.configure("[scrapyd]\nlist_timeout = 2\n")
    daemon.store(make_egg({"spiders/a.py": waits}))
    process = daemon.start("list", "-s", "LOG_STDOUT=0")
    pids = daemon.folder / "pids"
    deadline = time.monotonic() + 30
    while not (pids.exists() and pids.read_text()):
        assert time.monotonic() < deadline
    process.send_signal(number)
    process.communicate(timeout=30)
    child = Path("/proc", pids.read_text())
    while child.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)  # the kernel does not report the end of a grandchild


@pytest.mark.parametrize("name", ["a\nb", "a\x85b", "a\u2028b", "a\x1b[31m", "a\x00b", "\ud800", "tab\t"])
def test_a_name_that_is_no_line_is_refused(daemon: Daemon, name: str) -> None:
    status, out, err = list_with(daemon, spider(name))
    assert (status, out) == (1, "")
    assert err == f"aioscrapy: the spider name {name!a} has a control character or a line break\n"


def test_printed_text_reaches_scrapyd_without_control_characters_and_as_utf_8(daemon: Daemon) -> None:
    noisy = """
        import os
        os.write(1, b'\\xff\\x1b[2J')
        print('é\\x07\\x9b')
        raise RuntimeError('\\x1b]0;title\\x07')
    """
    status, out, err = list_with(daemon, noisy, "")
    assert (status, out) == (0, "one\n")
    assert "\\xff\\x1b[2J" in err
    assert "é\\x07\\x9b" in err
    assert "RuntimeError: \\x1b]0;title\\x07" in err
    assert all(char.isprintable() or char == "\n" for char in err)


def test_much_output_is_cut_at_its_beginning(daemon: Daemon) -> None:
    status, out, err = list_with(daemon, "for n in range(100_000):\n    print(f'line {n}')\n")
    assert (status, out) == (0, "one\n")
    assert len(err) < 100_000
    assert "line 99999" in err
