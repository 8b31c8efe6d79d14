"""Create a project that is ready to crawl and to deploy."""

import argparse
import importlib.util
import keyword
import shutil
import stat
from pathlib import Path
from string import Template

from aioscrapy.exceptions import ProjectError
from aioscrapy.project import CFG_NAMES

_TEMPLATES = Path(__file__).parent.parent / "templates"
# Files of a folder of templates that are not templates.
IGNORE = shutil.ignore_patterns("*.pyc", "__pycache__", ".svn")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="name of the project and of its package")
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="folder of the project (default: a new folder NAME)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the project, or nothing if one of its files exists already."""
    folder = Path(options.folder or options.name)
    own = options.settings["TEMPLATES_DIR"]
    templates = Path(own) if own else _TEMPLATES
    make_project(options.name, folder, templates)
    created = f"New project {options.name!r} in {folder.resolve()}"
    if own:
        created = (
            f"New Scrapy project {options.name!r}, using template directory {str(templates / 'project')!r}, "
            f"created in:\n    {folder.resolve()}"
        )
    place = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
    print(
        f"{created}\n\nFirst steps:\n{place}"
        "  aioscrapy genspider example example.com\n"
        "  aioscrapy crawl example -o items.jl\n"
        "  aioscrapy node ~/mynode     (in another terminal: the server that runs deployed projects)\n"
        "  aioscrapy deploy local\n"
        "  aioscrapy schedule example --wait"
    )
    return 0


def make_project(name: str, folder: Path, templates: Path = _TEMPLATES) -> None:
    """Write the files of a project called `name` into `folder`, which is created if it is missing.

    Words of the templates: $name, $Name, and Scrapy's $project_name and $ProjectName.

    Raises:
        ProjectError: the name can't be a package's, or the folder holds a project or one of its files.
    """
    _check_name(name)
    _check_free(name, folder)
    camel = "".join(part.capitalize() for part in name.split("_"))
    words = {"name": name, "Name": camel, "project_name": name, "ProjectName": camel}
    try:
        _make_folder(templates / "project", folder)
        for template, path in _files(templates / "project", name).items():
            target = folder / path
            if template.is_dir():
                _make_folder(template, target)
            elif not (path.name == ".gitignore" and target.exists()):
                _write(template, target, words)
    except OSError as exc:
        raise ProjectError(f"{exc.filename}: {exc.strerror}") from exc


def _make_folder(template: Path, folder: Path) -> None:
    """Create a folder with the permissions of that of the templates; leave one that exists as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(template.stat().st_mode & 0o777 | stat.S_IRWXU)


def _write(template: Path, target: Path, words: dict[str, str]) -> None:
    """Write a file of the project: a template filled with the words, or a copy of another file."""
    if template.suffix == ".tmpl":
        try:
            target.write_text(Template(template.read_text("utf-8")).substitute(words), "utf-8")
        except (KeyError, ValueError) as exc:
            raise ProjectError(f"{template}: {exc} is not a word of templates: {', '.join(words)}") from None
    else:
        target.write_bytes(template.read_bytes())
    target.chmod(template.stat().st_mode & 0o777 | stat.S_IWUSR)  # as in Scrapy, whatever the umask is


def _files(templates: Path, name: str) -> dict[Path, Path]:
    """Return file or folder of the templates -> its path in the project."""
    files = {}
    for template in sorted(templates.rglob("*")):
        parts = template.relative_to(templates).parts
        if IGNORE(str(templates), list(parts)):
            continue
        named = [name if part == "module" else part.removesuffix(".tmpl") for part in parts]
        files[template] = Path(*named)
    if not files:
        raise ProjectError(f"{templates} has no templates of a project (TEMPLATES_DIR)")
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
