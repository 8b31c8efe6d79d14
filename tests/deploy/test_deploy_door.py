"""The doors above the program: the generated deploy.py, and `aioscrapy deploy`."""

import argparse
import subprocess
import sys
from pathlib import Path

from aioscrapy_deploy import cli
from support import child_environment
from support.deploying import OK, Run, Server

GENERATE = f'"{sys.executable}" -c "from aioscrapy.commands.deploy import main; main()" > deploy.py'


def generate(project: Path) -> None:
    """Write deploy.py as the seed says: by a shell, which has made the empty file already."""
    done = subprocess.run(
        GENERATE, shell=True, cwd=project, env=child_environment(), capture_output=True, check=True
    )
    assert done.stderr == b""


def test_a_generated_script_deploys(project: Path, python: Run, server: Server) -> None:
    generate(project)
    done = python("deploy.py", "local", "-v", "7")
    assert (done.status, done.out) == (0, f"{OK.decode()}\n"), done.err
    assert done.err.startswith("Packing version 7\nDeploying to project")
    assert len(server.seen) == 1


def test_a_generated_script_knows_the_options_by_its_own_name(project: Path, python: Run) -> None:
    generate(project)
    assert python("deploy.py", "-h").out.startswith("usage: deploy.py [-h] [-p PROJECT] [-v VERSION]")
    assert python("deploy.py", "-l").out.startswith("local                http://127.0.0.1:")
    assert python("deploy.py", "--nonesuch").status == 2


def test_a_generated_script_says_what_it_needs(project: Path) -> None:
    generate(project)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "deploy.py", "local"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("deploy.py needs aioscrapy-scrapyd, which ")
    assert done.stderr.count("\n") == 1


def test_aioscrapy_deploy_is_the_same_program(project: Path, python: Run, server: Server) -> None:
    done = python("-m", "aioscrapy.cmdline", "deploy", "local", "-v", "7")
    assert (done.status, done.out) == (0, f"{OK.decode()}\n"), done.err
    assert python("-m", "aioscrapy.cmdline", "deploy", "nonesuch").status == 1
    assert len(server.seen) == 1


def test_the_help_has_examples_that_parse(folder: Path, python: Run) -> None:
    help_text = python("-m", "aioscrapy.cmdline", "deploy", "-h").out
    examples = help_text.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) == 6
    parser = argparse.ArgumentParser()
    cli.configure(parser)
    for line in examples:
        command, _, _ = line.strip().partition("   ")
        assert command.startswith("aioscrapy deploy ")
        parser.parse_args(command.split()[2:])  # wrong usage would end the test
