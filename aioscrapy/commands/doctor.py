"""List what a project of Scrapy uses that is missing here or differs, without running it."""

import argparse
from pathlib import Path

from aioscrapy.doors.doctor import examine
from aioscrapy.exceptions import ConfigError

SETTINGS = False  # the project's code is read, not run


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="of the project (default: here)"
    )


def run(options: argparse.Namespace) -> int:
    """Print FILE:LINE of each use; returns 1 if something is missing."""
    folder = Path(options.folder)
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder")
    findings = examine(folder)
    for finding in findings:
        print(finding)
    missing = sum(finding.missing for finding in findings)
    files = len({finding.file for finding in findings})
    if findings:
        print(f"{missing} missing, {len(findings) - missing} different, in {files} files")
    else:
        print("nothing is missing and nothing differs")
    return 1 if missing else 0
