"""Runs Scrapyd's own test suite, which its sdist carries, with our runner in the place of its own.

    python tests/plugin/scrapyd_suite.py [--work FOLDER]

makes an environment in FOLDER (default: a temporary folder that is removed), installs this repository and
the suite's test tools there, fetches the sdist with pip, and runs the suite three times: as it is, with our
runner, and with our runner and our application (a node). It fails if a test fails with ours and not as it is.

What is changed for the second run, and nothing else:

* every `scrapyd.runner` in the tests becomes `aioscrapy.scrapyd.runner`, and so does the daemon's default, by
  ~/.scrapyd.conf of a home that is the suite's own;
* the eggs in tests/fixtures and the project there name their settings in the group `aioscrapy`, and their
  spiders import aioscrapy where they imported scrapy;
* tests/test_runner.py calls `main()` of the stock runner in the test's process. Ours is started as the daemon
  starts it; and where the stock runner ends in a traceback (BadEggError, AttributeError), ours is expected to
  end with exit status 1 and one line.

For the third run also:

* `application` and `Root` are imported from aioscrapy_scrapyd, in the tests and, by ~/.scrapyd.conf, in
  daemons;
* what our services leave to threads is done at once: the tests read the value of `render`;
* the first page is tested as Scrapyd's own, which ours keeps; the integration tests read ours;
* Scrapyd's own classes (launcher, poller, queue, storage), which tests name, are still tested as they are.

In all runs the suite's own mock server is waited for until it listens: it says so a little too early, and on
a busy machine the first request of a test was refused now and then.

`integration_tests` wants a daemon on port 6800; it gets one on a free port.
"""

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from xml.etree import ElementTree as ET

REPOSITORY = Path(__file__).resolve().parents[2]
SCRAPYD = "scrapyd==1.6.0"
TOOLS = [SCRAPYD, "coverage", "py-html-checker", "pytest", "pytest-twisted", "requests"]
OURS = "aioscrapy.scrapyd.runner"

FORMS = ("stock", "ours", "node")
NODE = "aioscrapy_scrapyd.app.application"
# Appended to the suite's conftest.py: what our services leave to threads is done at once, so that a test that
# calls render(), render_GET() or render_POST() has the value or the error; an application that a test builds
# and never starts takes no lock.
DO_AT_ONCE = """

import inspect

from twisted.internet.defer import Deferred, maybeDeferred, succeed

import scrapyd.website

from aioscrapy_scrapyd import accepting, actions, node, spidernames, website
from aioscrapy_scrapyd.services import eggs, jobs
from aioscrapy_scrapyd.state import folder

for module in (accepting, actions, node, spidernames, jobs):
    module.deferToThread = maybeDeferred
for module in (accepting, actions, node):
    module.committed = lambda future, reactor: succeed(future.result())
folder.fcntl.flock = lambda *arguments: None


def at_once(render):
    def wrapper(self, txrequest):
        value = render(self, txrequest)
        if not inspect.iscoroutine(value):
            return value
        results = []
        Deferred.fromCoroutine(value).addBoth(results.append)
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]

    return wrapper


# The first page is ours, and answers later. Scrapyd's tests read its own page, which render_GET returns.
website.Home.render = scrapyd.website.Home.render

for module in (eggs, jobs):
    for service in filter(inspect.isclass, vars(module).values()):
        for name in {"render_GET", "render_POST"} & set(vars(service)):
            setattr(service, name, at_once(vars(service)[name]))
"""
# Tests that fail with a node on purpose, and why.
_MORE = "the answer has more fields"
_SAME = "the same job id is the same job"
_CALM = "a wrong call is no error of the daemon: it is not logged with a traceback"
DIFFERENT = {
    "test_daemonstatus": _MORE,
    "test_list_versions": _MORE,
    "test_list_versions_nonexistent": _MORE,
    "test_listversions": _MORE,
    "test_status": _MORE,
    "test_cancel": _SAME,
    "test_error": _CALM,
}
MAIN = """
def main():
    import subprocess

    # the egg storage of this file is looked for in the suite's folder
    env = {**os.environ, "PYTHONPATH": os.path.dirname(BASEDIR)}
    command = [sys.executable, "-m", "aioscrapy.scrapyd.runner", *sys.argv[1:]]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)
"""
SAID_TOO_EARLY = "                self.url = address.group(1)\n"
WAIT_UNTIL_IT_LISTENS = """\
                while self.process.poll() is None:
                    with socket.socket() as probe:
                        if probe.connect_ex(("127.0.0.1", int(self.http_port))) == 0:
                            break
"""
TEST_RUNNER = [
    ("from scrapyd.exceptions import BadEggError\n", ""),
    ("from scrapyd.runner import main\n", MAIN),
    ('del os.environ["SCRAPY_SETTINGS_MODULE"]', 'os.environ.pop("SCRAPY_SETTINGS_MODULE", None)'),
    ("pytest.raises(BadEggError)", "pytest.raises(SystemExit)"),
    ("pytest.raises(AttributeError)", "pytest.raises(SystemExit)"),
    (
        '    assert str(exc.value) == ""\n    assert captured.out == ""\n    assert captured.err == ""\n',
        '    assert exc.value.code == 1\n    assert captured.out == ""\n'
        '    assert captured.err == "aioscrapy: the egg is damaged: BadZipFile: File is not a zip file\\n"\n',
    ),
    (
        '    assert str(exc.value)\n    assert captured.out == ""\n    assert captured.err == ""\n',
        '    assert exc.value.code == 1\n    assert captured.out == ""\n'
        '    assert captured.err.startswith("aioscrapy: the egg names no settings")\n',
    ),
]


def main() -> int:
    """Prepare, run twice, compare; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=FORMS, help="run the suite in this form alone")
    parser.add_argument("--work", type=Path, help="keep everything in this folder, and use what is there")
    options = parser.parse_args()
    forms = (options.only,) if options.only else FORMS
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
        return run(options.work.resolve(), forms)
    with tempfile.TemporaryDirectory(prefix="scrapyd-suite-") as temporary:
        return run(Path(temporary).resolve(), forms)


def run(work: Path, forms: tuple[str, ...]) -> int:
    """Run the suite in these forms; returns 1 if ours fails what the stock one passes."""
    python = environment(work / "env")
    sdist = source(work, python)
    results = {}
    for name in forms:
        folder = work / name
        shutil.rmtree(folder, ignore_errors=True)
        for part in ("tests", "integration_tests"):
            shutil.copytree(sdist / part, folder / part)
        (folder / "home").mkdir()
        mock_server = folder / "tests" / "mockserver.py"
        text = mock_server.read_text()
        assert SAID_TOO_EARLY in text, "the suite's mock server has changed"
        mock_server.write_text(text.replace(SAID_TOO_EARLY, SAID_TOO_EARLY + WAIT_UNTIL_IT_LISTENS))
        if name != "stock":
            put_ours(folder)
        if name == "node":
            put_node(folder)
        results[name] = run_suite(folder, python)
    report(results)
    failed = {test for result in results.values() for test in result.failed if not _is_different(test)}
    return 1 if failed - set(results["stock"].failed if "stock" in results else ()) else 0


def _is_different(test: str) -> bool:
    return re.sub(r"\[.*", "", test).rpartition("::")[2] in DIFFERENT


def environment(folder: Path) -> Path:
    """Return the Python of an environment that has this repository and the suite's tools."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", REPOSITORY, *TOOLS], check=True)
    return python


def source(work: Path, python: Path) -> Path:
    """Return Scrapyd's unpacked sdist."""
    if not list(work.glob("scrapyd-*.tar.gz")):
        fetch: list[str | Path] = [
            python,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            ":all:",
        ]
        subprocess.run([*fetch, "--dest", work, SCRAPYD], check=True)
    (archive,) = work.glob("scrapyd-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    return work / archive.name.removesuffix(".tar.gz")


def put_ours(folder: Path) -> None:
    """Make the changes that the top of this file names."""
    (folder / "home" / ".scrapyd.conf").write_text(f"[scrapyd]\nrunner = {OURS}\n")
    test_runner = folder / "tests" / "test_runner.py"
    text = test_runner.read_text()
    for old, new in TEST_RUNNER:
        assert old in text, old
        text = text.replace(old, new)
    test_runner.write_text(text)
    for path in (folder / "tests").glob("*.py"):
        text = path.read_text()
        text = re.sub(r"(?<!aioscrapy\.)\bscrapyd(\\\\\.|\.)runner\b", r"aioscrapy\1scrapyd\1runner", text)
        path.write_text(text)
    for path in (folder / "tests" / "fixtures").rglob("*.py"):
        path.write_text(ours_in_python(path.read_text()))
    for egg in (folder / "tests" / "fixtures").glob("*.egg"):
        rewrite(egg)


def put_node(folder: Path) -> None:
    """Make the further changes for our application."""
    with (folder / "home" / ".scrapyd.conf").open("a") as conf:
        conf.write(f"application = {NODE}\n")
    for path in (folder / "tests").glob("*.py"):
        text = path.read_text().replace("from scrapyd.app import", "from aioscrapy_scrapyd.app import")
        path.write_text(
            text.replace("from scrapyd.website import Root", "from aioscrapy_scrapyd.website import Root")
        )
    with (folder / "tests" / "conftest.py").open("a") as conftest:
        conftest.write(DO_AT_ONCE)


def ours_in_python(text: str) -> str:
    """Return a module of a project with `aioscrapy` in the place of `scrapy`."""
    return re.sub(r"\bscrapy\b(?=\.Spider|\.spiders|$)", "aioscrapy", text, flags=re.MULTILINE)


def rewrite(egg: Path) -> None:
    """Give an egg our entry point and our Spider; drop its compiled files, which import scrapy."""
    with zipfile.ZipFile(egg) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith(("/", ".pyc"))}
    with zipfile.ZipFile(egg, "w") as archive:
        for name, data in files.items():
            text = data
            if name.endswith(".py"):
                text = ours_in_python(data.decode()).encode()
            elif name == "EGG-INFO/entry_points.txt":
                text = data.replace(b"[scrapy]", b"[aioscrapy]")
            archive.writestr(name, text)


class Result:
    """The outcomes of the two parts of the suite."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: list[str] = []
        self.skipped: list[str] = []

    def read(self, report: Path) -> None:
        """Add a junit report."""
        for case in ET.parse(report).iter("testcase"):
            # the name of our runner is a parameter of one test
            name = f"{case.get('classname')}::{case.get('name')}".replace(OURS, "scrapyd.runner")
            outcomes = {child.tag for child in case}
            kind = self.failed if outcomes & {"failure", "error"} else self.skipped
            (kind if outcomes & {"failure", "error", "skipped"} else self.passed).append(name)


def run_suite(folder: Path, python: Path) -> Result:
    """Run the unit tests and the integration tests; their output is in the folder."""
    result = Result()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SCRAPY")}
    variables |= {"HOME": str(folder / "home"), "AIOSCRAPY_EGG_CACHE": str(folder / "cache")}
    with (folder / "output.txt").open("w") as output:
        for part in ("tests", "integration_tests"):
            command: list[str | Path] = [
                python,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "--junitxml",
                f"{part}.xml",
                part,
            ]
            with (
                daemon(folder, python, variables) if part == "integration_tests" else contextlib.nullcontext()
            ):
                subprocess.run(command, cwd=folder, env=variables, stdout=output, stderr=output, check=False)
            result.read(folder / f"{part}.xml")
    return result


@contextlib.contextmanager
def daemon(folder: Path, python: Path, variables: dict[str, str]) -> Iterator[None]:
    """Run Scrapyd with the name and the password of the integration tests, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for path in (folder / "integration_tests").glob("*.py"):
        path.write_text(path.read_text().replace(":6800", f":{port}"))
    server = folder / "daemon"
    (server / "logs").mkdir(parents=True)  # the web page has no list of logs before the first job
    (server / "scrapyd.conf").write_text(
        f"[scrapyd]\nhttp_port = {port}\nusername = hello12345\npassword = 67890world\n"
    )
    with (server / "log").open("w") as log:
        process = subprocess.Popen(
            [python.with_name("scrapyd"), "--pidfile="], cwd=server, env=variables, stdout=log, stderr=log
        )
        try:
            wait_until_up(process, port)
            yield
        finally:
            process.terminate()
            process.wait(30)


def wait_until_up(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the daemon answers at all: 401 is an answer."""
    while process.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except URLError as exc:
            if hasattr(exc, "code"):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise AssertionError(f"Scrapyd ended at once with exit status {process.returncode}")


def report(results: dict[str, Result]) -> None:
    """Print the figures and each test that failed."""
    for name, result in results.items():
        print(  # noqa: T201 a script
            f"{name + ' runner:':14} {len(result.passed)} passed, {len(result.failed)} failed, "
            f"{len(result.skipped)} skipped"
        )
        for test in result.failed:
            print(f"  {'differs on purpose' if _is_different(test) else 'failed'}: {test}")  # noqa: T201
    for name in results.keys() - {"stock"} if "stock" in results else ():
        lost = set(results["stock"].passed) - set(results[name].passed) - set(results[name].failed)
        for test in sorted(lost):
            print(f"  passes with the stock runner, not run with {name}: {test}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
