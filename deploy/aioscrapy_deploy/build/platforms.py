"""The platform and the Python of a server, as options of pip."""

import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.targets import Target

# old names of manylinux -> minor version of the C library (PEP 513, 571, 599)
_OLD_NAMES = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "macosx": ("darwin", "Darwin", "posix"),
    "win": ("win32", "Windows", "nt"),
}


@dataclass(frozen=True)
class Platform:
    """A platform such as `manylinux2014_x86_64` and a Python such as `3.11`; None: that of this machine.

    Raises:
        TargetError: the platform or the version is unknown.
    """

    name: str | None = None
    python: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            self._system_and_machine()
        if self.python is not None and not re.fullmatch(r"3\.\d+(\.\d+)?", self.python):
            raise TargetError(f"the Python version must have the form 3.11, not {self.python!r}")

    def __str__(self) -> str:
        return " and ".join(filter(None, (self.name, self.python and f"Python {self.python}")))

    def pip_options(self) -> list[str]:
        """Return pip's options for this platform, with which it accepts only wheels; [] for this machine."""
        if self == HERE:
            return []
        options = ["--only-binary=:all:", "--implementation=cp"]
        options += [f"--platform={tag}" for tag in self._tags()]
        return options + ([f"--python-version={self.python}"] if self.python else [])

    def record(self) -> dict[str, str]:
        """Return the platform of the dependencies for the record of an egg."""
        fields = {"platform": self.name, "python_version": self.python}
        return {name: value for name, value in fields.items() if value}

    def markers(self) -> dict[str, str]:
        """Return the markers of PEP 508 for this platform, without those of this machine."""
        values: dict[str, str] = {}
        if self.name is not None:
            system, machine = self._system_and_machine()
            sys_platform, platform_system, os_name = _SYSTEMS[system]
            values |= {
                "os_name": os_name,
                "platform_machine": {"amd64": "AMD64", "arm64": "ARM64"}.get(machine, machine)
                if system == "win"
                else machine,
                "platform_system": platform_system,
                "sys_platform": sys_platform,
            }
        if self.python is not None:
            version, whole = ".".join(self.python.split(".")[:2]), f"{self.python}.0"
            whole = ".".join(whole.split(".")[:3])
            values |= {
                "python_version": version,
                "python_full_version": whole,
                "implementation_version": whole,
            }
            values |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
        return values

    def _system_and_machine(self) -> tuple[str, str]:
        name = self.name or ""
        if match := re.fullmatch(r"(?:many|musl)?(linux)(?:1|2010|2014)?(?:_\d+_\d+)?_([a-z]\w*)", name):
            return match[1], match[2]
        if match := re.fullmatch(r"(macosx)_\d+_\d+_([a-z]\w*)", name):
            return match[1], match[2]
        if match := re.fullmatch(r"(win)(32|_amd64|_arm64)", name):
            return match[1], "x86" if match[2] == "32" else match[2].strip("_")
        raise TargetError(
            "the platform must have the form manylinux2014_x86_64, musllinux_1_2_aarch64, "
            f"macosx_11_0_arm64 or win_amd64, not {name!r}"
        )

    def _tags(self) -> Iterator[str]:
        """Yield the platform tags of suitable wheels, also for an older C library, the closest first.

        pip does this only for three old names. Source: PEP 600 and PEP 656.
        """
        name = self.name or ""
        family, _, rest = name.partition("_")
        if family in _OLD_NAMES:
            family, rest = "manylinux", f"2_{_OLD_NAMES[family]}_{rest}"
        match = re.fullmatch(r"(\d+)_(\d+)_(.+)", rest)
        if not name or not match or family not in {"manylinux", "musllinux"}:
            yield from [name] if name else []
            return
        oldest = 5 if family == "manylinux" else 0
        for minor in range(int(match[2]), oldest - 1, -1):
            yield f"{family}_{match[1]}_{minor}_{match[3]}"
            yield from (
                f"{old}_{match[3]}"
                for old, age in _OLD_NAMES.items()
                if family[0:4] == "many" and age == minor
            )


HERE = Platform()


def platform_for(targets: Sequence[Target], options: Namespace) -> Platform | None:
    """Return the platform of the dependencies, from the options or the targets; None: no dependencies.

    Raises:
        TargetError: the targets, which get one egg, differ; or options contradict each other.
    """
    if not options.include_dependencies:
        if options.platform or options.python_version:
            raise TargetError("--platform and --python-version need --include-dependencies")
        return None
    if options.egg:
        raise TargetError("--egg uploads a file unchanged: --include-dependencies needs a build")
    platforms = {
        (options.platform or target.platform, options.python_version or target.python_version)
        for target in targets
    }
    if len(platforms) > 1:
        raise TargetError(
            "the targets get one egg, but differ in platform or python_version: deploy to them separately"
        )
    return Platform(*(platforms.pop() if platforms else (options.platform, options.python_version)))
