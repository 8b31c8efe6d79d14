"""The other crawlers to compare, one environment for each: `python benchmarks/peers.py install [NAME …]`.

The environments are in `.peers/`, which git ignores; the benchmark leaves out what is not installed. The
versions are the newest that work together on Python 3.11.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] / ".peers" / "benchmarks"
# benchmarks/README.md describes them.
PEERS: dict[str, list[str]] = {
    "crawlee": ["crawlee[parsel]==1.11.0", "uvloop==0.23.0"],
    # The latest release imports private names of w3lib, and pkg_resources.
    "aio-scrapy": ["aio-scrapy==2.1.9", "w3lib==2.1.2", "setuptools<81", "uvloop==0.23.0"],
    "scrapy": ["Scrapy==2.19.0", "uvloop==0.23.0"],
    # It calls start_requests, which Scrapy 2.16 removed.
    "scrapy-redis": ["scrapy-redis==0.9.1", "Scrapy==2.15.2", "uvloop==0.23.0"],
}


def python_of(peer: str) -> Path | None:
    """Return the interpreter of a peer's environment; None if it is not installed."""
    python = HOME / peer / "bin" / "python"
    return python if (HOME / peer / "installed").exists() else None


def install(peer: str) -> None:
    """Create or renew the environment of a peer."""
    requirements = "\n".join(PEERS[peer])
    done = HOME / peer / "installed"
    if done.exists() and done.read_text() == requirements:
        return
    venv.create(HOME / peer, with_pip=True, clear=True)
    command = [str(HOME / peer / "bin" / "python"), "-m", "pip", "install", "--quiet", *PEERS[peer]]
    subprocess.run(command, check=True)
    done.write_text(requirements)


def main() -> int:
    parser = argparse.ArgumentParser(description="Install the crawlers to compare with.")
    parser.add_argument("what", choices=["install"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PEERS)}; none: all")
    options = parser.parse_args()
    for name in options.names or PEERS:
        install(name)
        print(f"{name}: {', '.join(PEERS[name])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
