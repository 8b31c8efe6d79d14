"""A pytest plugin for Scrapy's tests: one line of JSON for each outcome."""

import json
import os
from pathlib import Path

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        error = report.longrepr.reprcrash.message if hasattr(report.longrepr, "reprcrash") else ""
        write(report.nodeid, report.outcome, error.splitlines()[0] if error else "")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        lines = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
        write(report.nodeid, "failed", lines[-1].removeprefix("E ").strip() if lines else "")


def write(test: str, outcome: str, error: str) -> None:
    with Path(os.environ["SUITE_REPORT"]).open("a") as file:
        file.write(json.dumps([test, outcome, error]) + "\n")
