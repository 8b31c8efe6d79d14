"""The contents of an egg: one value that every step of a build refines."""

from dataclasses import dataclass, field, replace
from typing import Self

from aioscrapy_deploy.build.tree import LeftOut
from aioscrapy_deploy.eggs.entry_points import with_entry_points


@dataclass(frozen=True)
class EggContents:
    """The files of an egg, and their properties.

    Attributes:
        files: path in the egg -> content.
        module: the settings module that its entry points name.
        packed: paths of the files of the project's folder that were packed or given to a builder.
        left_out: paths of the files that were not packed.
        foreign: paths of files that are compiled for another platform or Python.
    """

    files: dict[str, bytes]
    module: str
    packed: frozenset[str]
    left_out: LeftOut
    foreign: frozenset[str] = field(default_factory=frozenset)

    def with_entry_points(self, *, replace_settings: bool) -> Self:
        """Add the settings module to both groups; `replace_settings` replaces the module of a group."""
        return self.with_files(with_entry_points(self.files, self.module, replace=replace_settings))

    def with_files(self, files: dict[str, bytes]) -> Self:
        """Replace the files."""
        return replace(self, files=files)

    def with_dependencies(self, files: dict[str, bytes], foreign: set[str]) -> Self:
        """Add the files of distributions; the project's own files stay."""
        return replace(self, files={**files, **self.files}, foreign=frozenset(foreign - self.files.keys()))

    def foreign_modules(self) -> set[str]:
        """Return the names of top-level modules that can't be imported here."""
        return {path.partition("/")[0].partition(".")[0] for path in self.foreign}
