"""Environments of their own for peers that must not share ours, made once in `.peers/` of the repository."""

import hashlib
import subprocess
import sys
from pathlib import Path

from support import REPOSITORY


def peer_environment(name: str, *requirements: str) -> Path:
    """Return the folder of the executables of an environment with these requirements, made if need be.

    Needs pip to reach its index the first time.
    """
    digest = hashlib.sha256("\n".join((sys.version, *requirements)).encode()).hexdigest()[:12]
    folder = REPOSITORY / ".peers" / f"{name}-{digest}"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, *requirements], check=True, timeout=600)
        (folder / "complete").touch()
    return folder / "bin"
