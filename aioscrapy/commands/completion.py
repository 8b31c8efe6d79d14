"""Print the script by which a shell completes `aioscrapy` on Tab.

source <(aioscrapy completion bash)                      # in ~/.bashrc
aioscrapy completion zsh > "${fpath[1]}/_aioscrapy"
aioscrapy completion fish > ~/.config/fish/completions/aioscrapy.fish
"""

import argparse

SETTINGS = False
SHELLS = ("bash", "zsh", "fish")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def run(options: argparse.Namespace) -> int:
    """Print it; the options of all commands are in it, so a new release needs a new one."""
    import shtab

    print(shtab.complete(options.whole_parser(), shell=options.shell))
    return 0
