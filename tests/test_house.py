"""Rules of the house that no linter knows."""

import ast
import importlib.util
import io
import re
import subprocess
import sys
import tokenize
from functools import cache
from pathlib import Path

import pytest

from support import REPOSITORY

PACKAGES = ("aioscrapy", "aioscrapy_scrapyd", "deploy/aioscrapy_deploy")
DEFAULTS = [REPOSITORY / "aioscrapy" / name for name in ("default_settings.py", "default_output_settings.py")]
NOT_OURS = ("aioscrapy/templates/", "aioscrapy/demo/project/")


def sources(suffix: str = ".py") -> list[Path]:
    """Every file of this kind that is installed, without the projects that are templates or examples."""
    files = [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob(f"*{suffix}"))]
    return [path for path in files if not path.relative_to(REPOSITORY).as_posix().startswith(NOT_OURS)]


def settings_page() -> "object":
    spec = importlib.util.spec_from_file_location("make_settings", REPOSITORY / "docs" / "make_settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nobody_inside_imports_the_face() -> None:
    face = REPOSITORY / "aioscrapy" / "__init__.py"
    names = {path.stem for path in face.parent.iterdir()}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "aioscrapy":
                assert {alias.name for alias in node.names} <= names, f"{path} imports the face"


def test_types_count_as_imports() -> None:
    for path in sources():
        if path.name != "__init__.py" and path.parts[-2:] != ("http", "text.py"):  # lxml loads on first use
            names = {
                node.id for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name)
            }
            assert "TYPE_CHECKING" not in names, path


WRITTEN = {".py", ".lua", ".md", ".tmpl"}
RARE_WORDS = ("told", "heard", "hidden", "shown")  # as names and in prose, at most 5 times
RARE_NAMES = ("each", "found")  # as names, at most 20 times
LONGEST = {".py": 330, ".lua": 150}  # lines of a file
TABLES = {"aioscrapy/default_settings.py": 450}  # rows that are looked up, not read


@pytest.mark.parametrize(
    "path", sources(".py") + sources(".lua"), ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_a_file_fits_the_eye(path: Path) -> None:
    longest = TABLES.get(path.relative_to(REPOSITORY).as_posix(), LONGEST[path.suffix])
    assert len(path.read_text("utf-8").splitlines()) <= longest


def test_an_exception_to_a_rule_has_its_reason() -> None:
    """The reason is behind the code of the rule, or a comment in the line above."""
    for path in sources():
        lines = path.read_text("utf-8").splitlines()
        for number, comment in comments(path).items():
            if "noqa" in comment or "type: ignore" in comment:
                reason = re.search(
                    r"noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* \w|type: ignore\[[\w, -]+\]  # \w", comment
                )
                assert reason or lines[number - 2].lstrip().startswith("#"), f"{path}:{number}: {comment}"


def test_the_comment_of_a_value_is_above_it() -> None:
    """The formatter puts brackets around a value with a long comment behind it."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                part = node.value if isinstance(node.value, ast.Constant | ast.BinOp) else None
                part = node.annotation if isinstance(node, ast.AnnAssign) else part
                lines = range(node.lineno, (part.end_lineno or 0) + 1 if part else 0)
                assert len(lines) < 2 or not comments(path).keys() & set(lines), f"{path}:{node.lineno}"


def test_words_that_hide_what_they_mean_stay_rare() -> None:
    """A thermometer for the word list of CONTRIBUTING.md, over the packages and docs."""
    folders = [*(REPOSITORY / package for package in ("aioscrapy", "aioscrapy_scrapyd", "deploy", "docs"))]
    paths = [path for folder in folders for path in folder.rglob("*") if path.suffix in WRITTEN]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    words = {word: len(re.findall(rf"(?<![A-Za-z]){word}(?![A-Za-z])", text)) for word in RARE_WORDS}
    assert {word: count for word, count in words.items() if count > 5} == {}
    names = [
        node.id if isinstance(node, ast.Name) else node.arg
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name | ast.arg)
    ]
    assert {name: names.count(name) for name in RARE_NAMES if names.count(name) > 20} == {}


@cache
def comments(path: Path) -> dict[int, str]:
    """Return line number -> comment."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def test_every_setting_has_its_type_and_meaning_on_its_page() -> None:
    module = settings_page()
    texts = [path.read_text("utf-8") for path in DEFAULTS]
    for text in texts:
        for _, name, declared, _, meaning in module.settings(text):  # type: ignore[attr-defined]
            assert declared, f"{name} has no type"
            assert meaning, f"{name} has no comment above it"
    page = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    assert page == module.page(*texts), "run: python docs/make_settings.py"  # type: ignore[attr-defined]


def test_every_setting_has_a_reader() -> None:
    code = "\n".join(path.read_text("utf-8") for path in sources() if path not in DEFAULTS)
    names = [row[1] for path in DEFAULTS for row in settings_page().settings(path.read_text("utf-8"))]  # type: ignore[attr-defined]
    assert len(names) > 200
    unread = [
        name for name in names if f'"{name}"' not in code and f'"{name.removesuffix("_BASE")}"' not in code
    ]
    assert unread == []


@pytest.mark.server
def test_the_public_names_load() -> None:
    script = "import aioscrapy\nfor name in aioscrapy.__all__: getattr(aioscrapy, name)"
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, cwd=REPOSITORY)


def test_the_examples_of_the_principles_are_in_the_code() -> None:
    page = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    blocks = re.findall(r"```(?:py|toml)\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == len(re.findall(r"^\*\*\d+\. ", page, re.MULTILINE)) == 15
    for name, text in blocks:
        assert text in (REPOSITORY / name).read_text("utf-8"), f"{name} has no longer:\n{text}"
