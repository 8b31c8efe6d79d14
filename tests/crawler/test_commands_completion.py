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


LOADED = {  # what shows that a shell has taken the script, and what it then says
    "zsh": (
        "fpath=($PWD $fpath); autoload -U compinit; compinit -D; print $_comps[aioscrapy]",
        {"_aioscrapy"},
    ),
    "fish": ("source _aioscrapy; complete -C 'aioscrapy deploy --deploy'", {"--deploy-all-targets"}),
}


@pytest.mark.parametrize("shell", LOADED)
def test_other_shells_get_a_script_too(tmp_path: Path, shell: str) -> None:
    """Each is tried where it is installed."""
    text = output(tmp_path, "completion", shell)
    assert "--watch" in text if shell == "zsh" else "watch" in text
    program = shutil.which(shell)
    if program is None:
        return
    script = tmp_path / "_aioscrapy"
    script.write_text(text)
    subprocess.run([program, "-n", script], check=True)
    command, expected = LOADED[shell]
    options = ["-f"] if shell == "zsh" else ["--no-config"]
    done = subprocess.run(
        [program, *options, "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.stderr == ""
    assert set(done.stdout.partition("\t")[0].split()) == expected


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
