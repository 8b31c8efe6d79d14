import tomllib
from importlib.metadata import version

from aioscrapy.version import __version__
from support import REPOSITORY


def test_the_distribution_takes_its_version_from_the_constant() -> None:
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["hatch"]["version"] == {"path": "aioscrapy/version.py"}
    assert version("aioscrapy-scrapyd") == __version__
