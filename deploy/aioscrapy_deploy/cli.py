"""The program behind `scrapyd-deploy`, `aioscrapy deploy` and a generated `deploy.py`."""

import argparse
import json
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aioscrapy_deploy.cfg import Project, find_project
from aioscrapy_deploy.deployment import build_only, deploy, open_all
from aioscrapy_deploy.eggs.describe import as_text, describe
from aioscrapy_deploy.errors import BuildError, DeployError, TargetError, UnknownTargetError
from aioscrapy_deploy.remote.login import open_clients
from aioscrapy_deploy.rollback import roll_back
from aioscrapy_deploy.targets import NO_PROJECT, Target, choose_target, read_targets
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.option_types import not_empty
from aioscrapy_deploy.terminal.text import printable, redacted

# the exit statuses that a shell reports for a program that Ctrl-C or SIGTERM ended
INTERRUPTED = 130
TERMINATED = 143

EXAMPLES = """\
examples:
  %(prog)s local                        build, list the spiders, upload, check: to [deploy:local]
  %(prog)s -a -v GIT                    to every target, with one version from Git
  %(prog)s production --dry-run         everything except the upload
  %(prog)s --build-egg shop.egg         only build; then, on any machine: %(prog)s local --egg shop.egg
  %(prog)s --list-versions production   list the versions, the latest last
  %(prog)s --rollback production        delete the latest version; jobs use the previous one

A target is a section of aioscrapy.cfg (or scrapy.cfg), in this folder or above:
  [deploy:production]
  url = https://scrapyd.example.com/
  project = shop
  username = me                         the password: ~/.netrc, the variable SCRAPYD_PASSWORD, or typed

Exit status: 0 the server has the egg and lists its spiders, 1 failure, 2 wrong usage, 130 Ctrl-C,
143 SIGTERM.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (None: that of this process); returns the exit status."""
    parser = argparse.ArgumentParser(description="Deploy a project as an egg to Scrapyd servers")
    configure(parser)
    return run(parser.parse_args(argv))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add target and options, named as those of scrapyd-client, and examples."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add("target", nargs="*", metavar="TARGET", help="a [deploy:TARGET] of the cfg file (default: `default`)")
    add("-p", "--project", help="name of the project on the server (default: the target's)")
    add(
        "-v",
        "--version",
        help="version, or HG or GIT to read it from Mercurial or Git (default: seconds since 1970)",
    )
    add("-a", "--deploy-all-targets", action="store_true", help="deploy to every target, with one version")
    add("-n", "--dry-run", action="store_true", help="build and check, but change nothing on a server")
    add(
        "--force",
        action="store_true",
        help="deploy a version that is not the latest; roll back to a version that can't list its spiders",
    )
    add("--no-check", action="store_true", help="deploy without importing the project on this machine before")
    add(
        "-d",
        "--debug",
        action="store_true",
        help="print the output of setup.py and pip, keep the temporary folder",
    )
    add = parser.add_argument_group("dependencies").add_argument
    add(
        "--include-dependencies",
        action="store_true",
        help="put the dependencies of requirements.txt, or of the project's metadata, into the egg",
    )
    add("--platform", help="platform of the server, such as manylinux2014_x86_64 (default: this machine's)")
    add("--python-version", metavar="X.Y", help="Python of the server (default: this machine's)")
    group = parser.add_argument_group("instead of building and deploying, one of")
    add = group.add_mutually_exclusive_group().add_argument
    add("--egg", metavar="FILE", type=not_empty, help="upload this egg")
    add("--build-egg", metavar="FILE", type=not_empty, help="build the egg into FILE, upload nothing")
    add("--show", metavar="EGG", type=not_empty, help="print the description in an egg")
    add("-l", "--list-targets", action="store_true", help="list the targets")
    add("-L", "--list-projects", metavar="TARGET", type=not_empty, help="list the projects on a target")
    add("--list-versions", action="store_true", help="list the project's versions on TARGET, the latest last")
    add(
        "--rollback",
        action="store_true",
        help="delete the latest version on TARGET, so that the previous one is the latest",
    )
    group.add_argument("--json", action="store_true", help="with --show: print JSON")


def run(options: argparse.Namespace) -> int:
    """Run parsed options; errors become one line on standard error and exit status 1."""
    try:
        with _sigterm_as_ctrl_c():
            return _run(options)
    except UnknownTargetError as exc:
        report(str(exc))  # in the words of scrapyd-client
    except DeployError as exc:
        report(f"Error: {exc}")
    except OSError as exc:
        report(f"Error: {exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}")
    except KeyboardInterrupt as exc:
        report("Interrupted: nothing more is sent")
        return TERMINATED if isinstance(exc, Terminated) else INTERRUPTED
    return 1


class Terminated(KeyboardInterrupt):
    """SIGTERM: everything is cleaned up as after Ctrl-C."""


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    def terminate(*_: Any) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace) -> int:
    if options.show:
        return _show(Path(options.show), as_json=options.json)
    if options.json:
        raise TargetError("--json goes with --show")
    project = find_project(Path.cwd())
    if differences := project.differences:
        report(f"Note: aioscrapy.cfg and scrapy.cfg differ in {', '.join(differences)}: aioscrapy.cfg wins")
    if options.list_targets:
        return _list_targets(_known_targets(project))
    if options.list_projects:
        return _list_projects(choose_target(_known_targets(project), options.list_projects))
    if options.build_egg:
        return build_only(project, options)
    targets = _known_targets(project)
    if options.deploy_all_targets and not targets:
        raise TargetError("no targets: there is no [deploy:NAME] section")
    names = targets if options.deploy_all_targets else dict.fromkeys(options.target or ["default"])
    named = [choose_target(targets, name) for name in names]
    if options.rollback or options.list_versions:
        return _versions(named, options)
    return deploy(project, named, options)


def _show(path: Path, *, as_json: bool) -> int:
    about = describe(path.read_bytes(), str(path))
    print(
        json.dumps(about, indent=2, ensure_ascii=False) if as_json else printable(as_text(about)), flush=True
    )
    if about["intact"] is False:
        raise BuildError(f"{path} was changed after it was built: its files have another hash")
    return 0


def _known_targets(project: Project) -> dict[str, Target]:
    targets = read_targets(project.cfg)
    if project.folder is None and not targets:
        raise TargetError(NO_PROJECT)
    return targets


def _list_targets(targets: dict[str, Target]) -> int:
    for target in targets.values():
        print(printable(f"{target.name:<20} {' '.join(map(redacted, target.urls))}".rstrip()))
    return 0


def _list_projects(target: Target) -> int:
    clients = open_clients(target, report)
    projects = dict.fromkeys(name for client in clients for name in client.listprojects())
    for name in projects:
        print(printable(name))
    return 0


def _versions(named: list[Target], options: argparse.Namespace) -> int:
    """List the versions on every Scrapyd, or delete the latest; one that fails stops no other."""
    servers = open_all(named, options)
    failed = False
    for target, client in servers:
        project = options.project or str(target.project)
        try:
            if options.rollback:
                report(roll_back(client, project, force=options.force, dry_run=options.dry_run))
                continue
            versions = client.listversions(project)
            if not versions:
                raise DeployError(f'project "{project}" has no version in {client.url}')
            for version in versions:
                print(printable(f"{version} {client.url}" if len(servers) > 1 else version))
        except DeployError as exc:
            report(f"Error: {exc}")
            failed = True
    return 1 if failed else 0
