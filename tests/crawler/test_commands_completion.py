"""Completion on Tab, and the help, of the whole command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aioscrapy.cmdline import ELSEWHERE, GROUPS, OPERATE
from support import REPOSITORY, child_environment
from support.commands import aioscrapy, output

pytestmark = pytest.mark.server

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


def completed(script: Path, folder: Path, *words: str) -> set[str]:
    """Return what Tab offers after these words in a bash in `folder`."""
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "--norc", "-c", ASK, "bash", str(script), "aioscrapy", *words],
        cwd=folder,
        env={**child_environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


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
    assert completed(script, script.parent, *words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["deploy", "--egg", "sh"], {"shop.egg"}),
        (["deploy", "--show", "sh"], {"shop.egg"}),
        (["runspider", "one"], {"one.py"}),
        (["deploy", "pro"], {"production"}),
        (["jobs", "-t", ""], {"local", "production"}),
    ],
)
def test_bash_completes_files_and_targets(
    script: Path, tmp_path: Path, words: list[str], expected: set[str]
) -> None:
    (tmp_path / "aioscrapy.cfg").write_text(
        "[deploy:local]\nurl = http://localhost:6800/\n[deploy:production]\nurl = https://one.example.com/\n"
    )
    with (tmp_path / "aioscrapy.cfg").open("a") as cfg:
        cfg.write("[deploy:$(touch${IFS}bad)]\nurl = http://localhost:6801/\n")
    for name in ("shop.egg", "one.py"):
        (tmp_path / name).touch()
    assert completed(script, tmp_path, *words) == expected
    assert not (tmp_path / "bad").exists(), "the name of a target was run as a command"


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
    assert sorted({name for group in GROUPS.values() for name in group} - {*OPERATE, *ELSEWHERE}) == names
    shown = output(tmp_path, "--help")
    for name in (*names, *OPERATE, *ELSEWHERE):
        assert f"\n  {name} " in shown


def test_a_command_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = aioscrapy(tmp_path, "crwal", "spider")
    assert done.returncode == 2
    assert done.stderr == "aioscrapy: no command 'crwal'; did you mean crawl or crawls?\n"
