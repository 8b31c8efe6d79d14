"""Print the script for Tab completion in a shell.

source <(aioscrapy completion bash)                      # in ~/.bashrc
aioscrapy completion zsh > "${fpath[1]}/_aioscrapy"
aioscrapy completion fish > ~/.config/fish/completions/aioscrapy.fish
"""

import argparse

SETTINGS = False
SHELLS = ("bash", "zsh", "fish")
# compgen expands its words: a target that somebody has called $(…) must not come that far
_TARGETS = """\
_aioscrapy_targets() {
  compgen -W "$(aioscrapy deploy -l 2>/dev/null | cut -d ' ' -f 1 | grep -x '[[:alnum:]._-]*')" -- "$1"
}"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("shell", choices=SHELLS, help="shell")


def run(options: argparse.Namespace) -> int:
    """Print the script; it has the options of all commands, so a new release needs a new one."""
    import shtab

    parser = options.whole_parser()
    _complete(
        parser,
        {
            "FILE": shtab.FILE,
            "EGG": shtab.FILE,
            "TARGET": {"bash": "_aioscrapy_targets", "preamble": {"bash": _TARGETS}},
        },
    )
    print(shtab.complete(parser, shell=options.shell))
    return 0


def _complete(parser: argparse.ArgumentParser, words: dict[str, object]) -> None:
    """Set for the value of every option in all commands how a shell completes it."""
    for action in parser._actions:  # argparse has no public way to its options
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete(command, words)
        elif isinstance(action.metavar, str) and action.metavar in words:
            action.complete = words[action.metavar]  # type: ignore[attr-defined]  # shtab reads it
