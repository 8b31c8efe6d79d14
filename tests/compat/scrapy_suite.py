"""Run Scrapy's own tests on our classes: `python tests/compat/scrapy_suite.py --work DIR [MODULES]`.

The tests are those of Scrapy's sdist. They run twice: with the real Scrapy, and with our modules in its place
by the alias itself (`aioscrapy.doors.scrapy`). For each module the table has the passed tests of both.
`left_out.py` names the tests that are not about public behaviour, each with its reason.

Options:
    --work DIR      sdist, unpacked copies and results; the results of the real Scrapy are kept there
    --sdist FILE    the sdist; without it pip fetches it
    --verbose       print each failed test with its error

Some tests need packages that this project does not: pip install pexpect.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from left_out import LEFT_OUT, MODULES

VERSION = "2.19.0"
REPOSITORY = Path(__file__).resolve().parents[2]
MODULE_LIMIT_S = 240
OPTIONS = [
    *("-q", "-p", "no:cacheprovider", "--reactor=none", "-o", "asyncio_mode=strict", "-W", "ignore"),
    *("-o", "filterwarnings=", "--timeout=40", "-p", "suite_plugin", "--tb=short"),
]
# Loaded as a plugin before Scrapy's conftest.py, and by every child process as sitecustomize.
ALIAS = "from aioscrapy.doors.scrapy import serve_scrapy\nserve_scrapy()\n"
# What the site of Scrapy's tests takes from Scrapy's Twisted client: the versions of TLS, for its tests.
OF_THE_SERVER = """
from twisted.internet.ssl import TLSVersion
_DEFAULT = CertificateOptions._defaultMinimumTLSVersion
_TWISTED_VERSION_MAP = {
    name: getattr(TLSVersion, name.replace(".", "_")) for name in ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
}
def _get_cert_options_version_kwargs(least, most):
    options = {"lowerMaximumSecurityTo": most} if most else {}
    if least and least != _DEFAULT:
        options["insecurelyLowerMinimumTo" if least < _DEFAULT else "raiseMinimumTo"] = least
    return options
"""
PLUGIN = Path(__file__).with_name("suite_plugin.py")


class Result(NamedTuple):
    """The outcomes of a module: test -> "passed", "failed" or "skipped"; the errors of failed tests."""

    outcomes: dict[str, str]
    errors: dict[str, str]


def main() -> None:
    options = arguments()
    work = Path(options.work).absolute()
    work.mkdir(parents=True, exist_ok=True)
    sdist = Path(options.sdist) if options.sdist else fetch(work)
    theirs, ours = unpack(sdist, work / "theirs", real=True), unpack(sdist, work / "ours", real=False)
    names = options.modules or [name for name in modules(theirs) if name not in MODULES]
    totals, reasons = [0, 0, 0, 0], Counter[str]()
    print(f"{'module':<52} {'Scrapy':>9} {'ours':>9} {'left out':>8}")
    for name in names:
        row = compare(name, theirs, ours, reasons, options.verbose)
        totals = [total + value for total, value in zip(totals, row, strict=True)]
    passed, real, left_out, not_run = totals
    share = 100 * passed / real if real else 0
    print(f"{'all':<52} {real:>9} {passed:>9} {left_out:>8}  {share:.1f} %, {not_run} lost with their module")
    for text, count in reasons.most_common():
        print(f"left out: {count:>4} tests: {text}")
    for name, text in MODULES.items():
        print(f"left out: {name}: {text}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", required=True, metavar="DIR")
    parser.add_argument("--sdist", metavar="FILE")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as test_item; the default is all")
    return parser.parse_args()


def fetch(work: Path) -> Path:
    path = work / f"scrapy-{VERSION}.tar.gz"
    if not path.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "-d", str(work), f"scrapy=={VERSION}"], check=True)
    return path


def unpack(sdist: Path, folder: Path, *, real: bool) -> Path:
    """Return the folder of the tests; ours has no Scrapy in it."""
    root = folder / f"scrapy-{VERSION}"
    if not root.exists():
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        if not real:
            shutil.rmtree(root / "scrapy")
            conftest = root / "conftest.py"
            text = conftest.read_text()
            start = text.index("@pytest.fixture(autouse=True)")
            end = text.index("@pytest.fixture(scope", start)
            text = text[:start] + text[end:]  # it shortens a wait of Scrapy's engine
            conftest.write_text(text.replace("from scrapy.core.engine import ExecutionEngine\n", ""))
            (folder / "sitecustomize.py").write_text(ALIAS)
            server = root / "tests" / "mockserver" / "utils.py"
            lines = [line for line in server.read_text().splitlines() if "import _" not in line]
            server.write_text("\n".join([*lines, OF_THE_SERVER]))
    shutil.copy(PLUGIN, folder)
    return root


def modules(root: Path) -> list[str]:
    files = [*(root / "tests").glob("test_*.py"), *(root / "tests").glob("test_*/__init__.py")]
    return sorted(path.parent.name if path.name == "__init__.py" else path.stem for path in files)


def compare(
    name: str, theirs: Path, ours: Path, reasons: Counter[str], verbose: bool
) -> tuple[int, int, int, int]:
    """Print the row of a module, count the reasons; return passed here, in Scrapy, left out, and not run."""
    kept = theirs.parent / f"{name}.json"
    if kept.exists():
        real = Result(*json.loads(kept.read_text()))
    else:
        real = run(name, theirs)
        if not real.outcomes or set(real.outcomes) == {f"tests/{name}.py"}:
            print(f"{name:<52} can't run: {real.errors.get(name, 'no test')[:150]}", flush=True)
            return 0, 0, 0, 0
        kept.write_text(json.dumps(real))
    result = run(name, ours, [test for test in real.outcomes if reason(test)])
    expected = [test for test, outcome in real.outcomes.items() if outcome == "passed"]
    public = [test for test in expected if not reason(test)]
    reasons.update(text for test in expected if (text := reason(test)))
    passed = [test for test in public if result.outcomes.get(test) == "passed"]
    not_run = [test for test in public if test not in result.outcomes]
    note = f"  {result.errors.get(name, '')[:150]}" if len(passed) < len(public) else ""
    print(f"{name:<52} {len(public):>9} {len(passed):>9} {len(expected) - len(public):>8}{note}", flush=True)
    if verbose:
        for test in public:
            if test not in passed:
                print(f"    {test.partition('::')[2]}: {result.errors.get(test, 'not run')[:300]}")
    return len(passed), len(public), len(expected) - len(public), len(not_run)


def reason(test: str) -> str:
    """Return why a test is left out; "" if it counts."""
    return next((text for pattern, text in LEFT_OUT.items() if fnmatch(test, f"*{pattern}*")), "")


def run(name: str, root: Path, without: Sequence[str] = ()) -> Result:
    """Run a module without these tests: one that waits for ever would lose those behind it."""
    path = root / "tests" / name
    target = path if path.is_dir() else path.with_suffix(".py")
    report = root.parent / "report.json"
    report.unlink(missing_ok=True)
    paths = [str(root.parent), str(REPOSITORY), str(REPOSITORY / "deploy")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "SUITE_REPORT": str(report)}
    if not (root / "scrapy").exists():
        environment |= {"SUITE_ALIAS": "1", "SUITE_TARGET": f"{name}/*.py" if path.is_dir() else f"{name}.py"}
    environment.pop("PYTHONWARNINGS", None)
    command = [
        sys.executable,
        "-m",
        "pytest",
        *OPTIONS,
        *(f"--deselect={test}" for test in without),
        str(target),
    ]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=MODULE_LIMIT_S
        )
        output = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        output = f"ended after {MODULE_LIMIT_S} s"
    if not report.exists():
        return Result({}, {name: last_error(output)})
    outcomes, errors = {}, {}
    for line in report.read_text().splitlines():
        test, outcome, error = json.loads(line)
        if outcomes.get(test) != "failed":
            outcomes[test] = outcome
        if error:
            errors[test] = error
            errors.setdefault(name, error)
    return Result(outcomes, errors)


def last_error(output: str) -> str:
    lines = [line for line in output.splitlines() if "Error" in line or line.startswith("ended")]
    return lines[-1].strip() if lines else output.strip()[-200:]


if __name__ == "__main__":
    main()
