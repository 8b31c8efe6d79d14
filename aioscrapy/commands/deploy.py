"""Deploy the project to Scrapyd servers."""

import argparse

SETTINGS = False  # the cfg files say where to deploy; -L and the rest are scrapyd-deploy's own

SCRIPT = '''\
#!/usr/bin/env python
"""Deploy this project to Scrapyd: python deploy.py TARGET (all options: python deploy.py -h)."""

import sys

if __name__ == "__main__":
    try:
        from aioscrapy_deploy.cli import main
    except ModuleNotFoundError as exc:
        sys.exit(f"deploy.py needs aioscrapy-scrapyd, which {sys.executable} does not have ({exc})")
    sys.exit(main())
'''


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `scrapyd-deploy`."""
    from aioscrapy_deploy import cli

    cli.configure(parser)


def run(options: argparse.Namespace) -> int:
    """Deploy; returns the exit status of `scrapyd-deploy`."""
    from aioscrapy_deploy import cli

    return cli.run(options)


def main() -> None:
    """Show the script that is to become a project's `deploy.py`, and nothing else, on standard output."""
    print(SCRIPT, end="")
