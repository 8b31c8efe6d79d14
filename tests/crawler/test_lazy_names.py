"""Names of a package that load on first use."""

from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["aioscrapy.exporters", "aioscrapy.spiders"])
def test_every_name_of_a_package_loads_once(name: str) -> None:
    package = import_module(name)
    for public in package.__all__:
        assert getattr(package, public) is vars(package)[public]
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Nothing'"):
        _ = package.Nothing
