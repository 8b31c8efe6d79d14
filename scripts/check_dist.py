"""Check a folder with one wheel and one source distribution: scripts/check_dist.py dist [--tag v1.2.3]."""

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

REPOSITORY = Path(__file__).parents[1]
PACKAGES = {
    "aioscrapy": "aioscrapy",
    "aioscrapy_scrapyd": "aioscrapy_scrapyd",
    "deploy/aioscrapy_deploy": "aioscrapy_deploy",
}
_USE = """
import sys
sys.path.insert(0, sys.argv[1])
import aioscrapy, aioscrapy_scrapyd, aioscrapy_deploy
from aioscrapy.cmdline import main
for module in (aioscrapy, aioscrapy_scrapyd, aioscrapy_deploy):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
for name in aioscrapy.__all__:
    getattr(aioscrapy, name)
sys.exit(main(["version"]))
"""


def main() -> int:
    """Print what is wrong; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--tag", help="Git tag of the release: the version must be its, with a date in the changelog"
    )
    options = parser.parse_args()
    (wheel,) = options.folder.resolve().glob("*.whl")
    (source,) = options.folder.resolve().glob("*.tar.gz")
    problems = [*wheel_problems(wheel), *source_problems(source)]
    if options.tag is not None:
        problems += tag_problems(options.tag)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{wheel.name} and {source.name} are complete")
    return 1 if problems else 0


def tag_problems(tag: str) -> list[str]:
    """Return what keeps a tag from being released."""
    problems = []
    if tag != f"v{version()}":
        problems.append(f"the tag is {tag}, aioscrapy/version.py says {version()}")
    changelog = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    if not re.search(rf"^## \[{re.escape(version())}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        problems.append(f"CHANGELOG.md has no section [{version()}] with a date")
    return problems


def tracked(*folders: str) -> set[str]:
    """Return the files that Git tracks in these folders."""
    command = ["git", "ls-files", "--", *folders]
    return set(
        subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.split("\n")
    ) - {""}


def wheel_problems(wheel: Path) -> list[str]:
    """Return what is missing in a wheel, too much, or does not run."""
    expected = {file.removeprefix("deploy/") for folder in PACKAGES for file in tracked(folder)}
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata_name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(metadata_name))
        with tempfile.TemporaryDirectory() as unpacked:
            archive.extractall(unpacked)
            used = subprocess.run(
                [sys.executable, "-I", "-W", "error", "-c", _USE, unpacked], cwd=unpacked, check=False
            )
    problems = [f"{wheel.name} lacks {name}" for name in sorted(expected - names)]
    problems += [f"{wheel.name} should not have {name}" for name in sorted(names - expected)]
    if metadata["Version"] != version():
        problems.append(
            f"{wheel.name} is version {metadata['Version']}, aioscrapy/version.py says {version()}"
        )
    if used.returncode:
        problems.append(f"{wheel.name} does not run")
    return problems


def source_problems(source: Path) -> list[str]:
    """Return what a source distribution lacks."""
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = tracked(
        "aioscrapy",
        "aioscrapy_scrapyd",
        "deploy",
        "tests",
        "docs",
        ":(glob)*.md",
        "LICENSE",
        "pyproject.toml",
    )
    return [f"{source.name} lacks {name}" for name in sorted(expected - names)]


def version() -> str:
    """Return the version that aioscrapy/version.py names."""
    match = re.search(r'__version__ = "(.+)"', (REPOSITORY / "aioscrapy" / "version.py").read_text("utf-8"))
    if match is None:
        raise SystemExit("aioscrapy/version.py has no __version__")
    return match[1]


if __name__ == "__main__":
    sys.exit(main())
