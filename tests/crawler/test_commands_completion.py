"""Completion on Tab, and the help, of the whole command."""

import shutil
import subprocess
from pathlib import Path

import pytest

from aioscrapy.cmdline import GROUPS
from support import REPOSITORY
from support.commands import aioscrapy, output

ASK = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE="${COMP_WORDS[*]}"
COMP_POINT=${#COMP_LINE}
_shtab_aioscrapy
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    (folder / "aioscrapy.bash").write_text(output(folder, "completion", "bash"))
    return folder / "aioscrapy.bash"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sche"], {"schedule"}),
        (["schedule", "--w"], {"--wait"}),
        (["items", "x", "--format", "js"], {"json", "jsonl", "jsonlines"}),
        (["crawls", "st"], {"stop"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["deploy", "--deploy"], {"--deploy-all-targets"}),
    ],
)
def test_bash_completes_commands_options_and_words(
    script: Path, words: list[str], expected: set[str]
) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "--norc", "-c", ASK, "bash", str(script), "aioscrapy", *words],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_too(tmp_path: Path, shell: str) -> None:
    script = output(tmp_path, "completion", shell)
    assert "--watch" in script if shell == "zsh" else "watch" in script
    program = shutil.which(shell)
    if program is not None:
        (tmp_path / "script").write_text(script)
        subprocess.run([program, "-n", str(tmp_path / "script")], check=True)


def test_every_command_stands_in_the_help_once(tmp_path: Path) -> None:
    folder = REPOSITORY / "aioscrapy" / "commands"
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    assert sorted(name for group in GROUPS.values() for name in group) == names
    shown = output(tmp_path, "--help")
    for name in names:
        assert f"\n  {name} " in shown


def test_a_command_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = aioscrapy(tmp_path, "crwal", "spider")
    assert done.returncode == 2
    assert "invalid choice: 'crwal'" in done.stderr
