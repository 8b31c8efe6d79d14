import tomllib

from aioscrapy.version import __version__
from support import REPOSITORY


def test_the_constant_is_the_version_of_the_distribution() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert __version__ == project["version"]
