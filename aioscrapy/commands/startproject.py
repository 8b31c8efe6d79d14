"""Create a project that is ready to crawl and to deploy."""

import argparse
import importlib.util
import keyword
from pathlib import Path
from string import Template

from aioscrapy.exceptions import ProjectError
from aioscrapy.project import CFG_NAMES

SETTINGS = False
_TEMPLATES = Path(__file__).parent.parent / "templates" / "project"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="name of the project and of its package")
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="folder of the project (default: a new folder NAME)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the project, or nothing if one of its files exists already."""
    folder = Path(options.folder or options.name)
    make_project(options.name, folder)
    place = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
    print(
        f"New project {options.name!r} in {folder.resolve()}\n\nFirst steps:\n{place}"
        "  aioscrapy genspider example example.com\n"
        "  aioscrapy crawl example -o items.jl\n"
        "  aioscrapy node ~/mynode     (in another terminal: the server that runs deployed projects)\n"
        "  aioscrapy deploy local\n"
        "  aioscrapy schedule example --wait"
    )
    return 0


def make_project(name: str, folder: Path) -> None:
    """Write the files of a project called `name` into `folder`, which is created if it is missing.

    Raises:
        ProjectError: the name can't be a package's, or the folder holds a project or one of its files.
    """
    _check_name(name)
    _check_free(name, folder)
    words = {"name": name, "Name": "".join(part.capitalize() for part in name.split("_"))}
    try:
        for template, path in _files(name).items():
            target = folder / path
            if path.name == ".gitignore" and target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(template.read_text("utf-8")).substitute(words), "utf-8")
    except OSError as exc:
        raise ProjectError(f"{exc.filename} can't be written: {exc.strerror}") from exc


def _files(name: str) -> dict[Path, Path]:
    """Return template -> path in the project."""
    files = {}
    for template in sorted(_TEMPLATES.rglob("*.tmpl")):
        path = template.relative_to(_TEMPLATES).with_suffix("")
        parts = [name if part == "module" else part for part in path.parts]
        files[template] = Path(*parts[:-1], parts[-1].replace("gitignore", ".gitignore"))
    return files


def _check_name(name: str) -> None:
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise ProjectError(
            f"{name!r} can't be the name of a package: letters, digits and underscores, no digit first"
        )
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.loader is not None:
        raise ProjectError(
            f"the name {name!r} is taken by an importable module ({spec.origin or 'built in'})"
        )


def _check_free(name: str, folder: Path) -> None:
    for cfg in CFG_NAMES:
        if (folder / cfg).exists():
            raise ProjectError(f"there is a project already: {(folder / cfg).resolve()}")
    for path in (folder / name, folder / "setup.py"):
        if path.exists():
            raise ProjectError(f"{path.resolve()} is there already, and would be overwritten")
