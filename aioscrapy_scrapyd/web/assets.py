"""The static files: read once, with a hash in their address, so that a browser keeps them for a year."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
PREFIX = "/static/"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file: its address below the prefix of a proxy, its bytes as they are and compressed."""

    address: str
    kind: str
    data: bytes
    compressed: bytes


class Assets:
    """All static files, by name ("app.js", "vendor/uPlot.iife.min.js") and by address."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._by_name: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix in _KINDS:
                data = path.read_bytes()
                digest = hashlib.sha256(data).hexdigest()[:12]
                address = f"{PREFIX}{path.stem}.{digest}{path.suffix}"
                asset = Asset(address, _KINDS[path.suffix], data, gzip.compress(data, 9, mtime=0))
                self._by_name[path.relative_to(folder).as_posix()] = asset
        self._by_address = {asset.address: asset for asset in self._by_name.values()}

    def address(self, name: str) -> str:
        """Return the address of a file; KeyError if there is none."""
        return self._by_name[name].address

    def find(self, address: str) -> Asset | None:
        """Return the file with this address."""
        return self._by_address.get(address)
