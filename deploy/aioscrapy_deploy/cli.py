"""The program behind `scrapyd-deploy`, `aioscrapy deploy` and a generated `deploy.py`."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aioscrapy_deploy.access import open_clients
from aioscrapy_deploy.answers import Answer
from aioscrapy_deploy.build import Built, build
from aioscrapy_deploy.client import ScrapydClient
from aioscrapy_deploy.connection import shown
from aioscrapy_deploy.egg import read_egg, recorded_spiders
from aioscrapy_deploy.errors import DeployError, RefusedError, ServerError, TargetError
from aioscrapy_deploy.targets import NO_PROJECT, Project, Target, choose_target, find_project, read_targets
from aioscrapy_deploy.version import resolve_version

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Do what a command line says (None: that of this process); returns the exit status."""
    parser = argparse.ArgumentParser(description="Deploy a project as an egg to Scrapyd servers")
    configure(parser)
    return run(parser.parse_args(argv))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add target and options, named as those of scrapyd-client."""
    add = parser.add_argument
    add("target", nargs="?", default="default", metavar="TARGET", help="a [deploy:TARGET] of the cfg file")
    add("-p", "--project", help="the project's name on the server, instead of the target's")
    add("-v", "--version", help="the version, or HG or GIT to ask those; default: seconds since 1970")
    add("-a", "--deploy-all-targets", action="store_true", help="deploy to every target, with one version")
    add("-d", "--debug", action="store_true", help="show what builders print, keep the temporary folder")
    add("-l", "--list-targets", action="store_true", help="list the targets, and do nothing else")
    add("-L", "--list-projects", metavar="TARGET", help="list the projects on a target, and do nothing else")
    add("--egg", metavar="FILE", help="upload this egg, build none")
    add("--build-egg", metavar="FILE", help="build the egg into FILE, upload nothing")
    add("--include-dependencies", action="store_true", help="put what requirements.txt names into the egg")


def run(options: argparse.Namespace) -> int:
    """Do what parsed options say; errors become one line on standard error and exit status 1."""
    try:
        return _run(options)
    except DeployError as exc:
        _tell(str(exc))
    except OSError as exc:
        _tell(f"Error: {exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}")
    except KeyboardInterrupt:
        _tell("Interrupted: look at the server's versions if the upload had begun")
        return INTERRUPTED
    return 1


def _run(options: argparse.Namespace) -> int:
    project = find_project(Path.cwd())
    if options.list_targets:
        return _list_targets(_known_targets(project))
    if options.list_projects:
        return _list_projects(choose_target(_known_targets(project), options.list_projects))
    if options.build_egg:
        return _build_only(project, options)
    targets = _known_targets(project)
    if not options.deploy_all_targets:
        return _deploy(project, [choose_target(targets, options.target)], options)
    if not targets:
        raise TargetError("Error: no targets: there is no [deploy:NAME] section")
    return _deploy(project, list(targets.values()), options)


def _known_targets(project: Project) -> dict[str, Target]:
    targets = read_targets(project.cfg)
    if project.folder is None and not targets:
        raise TargetError(NO_PROJECT)
    return targets


def _list_targets(targets: dict[str, Target]) -> int:
    for target in targets.values():
        print(f"{target.name:<20} {' '.join(map(shown, target.urls))}".rstrip())
    return 0


def _list_projects(target: Target) -> int:
    try:
        clients = open_clients(target, _tell)
        projects = {name: None for client in clients for name in client.listprojects()}
    except ServerError as exc:
        raise DeployError(f"Error: {exc}") from exc
    for name in projects:
        print(name)
    return 0


def _build_only(project: Project, options: argparse.Namespace) -> int:
    if project.folder is None:
        raise TargetError(NO_PROJECT)
    built = _build(project, options)
    _tell(f"Writing egg to {options.build_egg}")
    Path(options.build_egg).write_bytes(built.data)
    return 0


def _deploy(project: Project, named: list[Target], options: argparse.Namespace) -> int:
    scrapyds = []
    for target in named:  # before the work of a build
        _check(target, options)
        scrapyds += list(zip(target.each(), open_clients(target, _tell), strict=True))
    version = resolve_version(options.version or named[0].version, project.folder or Path.cwd())
    if options.egg:
        _tell(f"Using egg: {options.egg}")
        built = _given_egg(Path(options.egg))
    else:
        _tell(f"Packing version {version}")
        built = _build(project, options)
    failed = [
        target.name
        for target, client in scrapyds
        if not _upload(client, options.project or str(target.project), version, built)
    ]
    if failed and len(scrapyds) > 1:
        _tell(f"Deploy failed for {len(failed)} of {len(scrapyds)} targets: {', '.join(failed)}")
    return 1 if failed else 0


def _check(target: Target, options: argparse.Namespace) -> None:
    where = f" (target {target.name})" if options.deploy_all_targets else ""
    if not (options.project or target.project):
        raise TargetError(f"Error: Missing project{where}")
    if not target.url:
        raise TargetError(f"Error: Missing url for project{where}")


def _build(project: Project, options: argparse.Namespace) -> Built:
    if options.include_dependencies:
        _tell("Including dependencies from requirements.txt")
    with _workdir(keep=options.debug) as workdir:
        built = build(project, workdir, dependencies=options.include_dependencies, verbose=options.debug)
    for note in built.notes:
        _tell(note)
    return built


def _given_egg(path: Path) -> Built:
    data = path.read_bytes()
    return Built(data, recorded_spiders(read_egg(data, str(path))), [])


@contextmanager
def _workdir(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="scrapydeploy-")).resolve()
    try:
        yield folder
    finally:
        if keep:
            _tell(f"Output dir not removed: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _upload(client: ScrapydClient, project: str, version: str, built: Built) -> bool:
    """Upload to one Scrapyd and tell its answer; False where the version is not there as it should be."""
    _tell(f'Deploying to project "{project}" in {client.endpoint("addversion.json")}')
    try:
        answer = client.addversion(project, version, built.data)
    except RefusedError as exc:
        _tell_refusal(exc)
        return False
    except ServerError as exc:
        _tell(f"Deploy failed: {exc}")
        return False
    _tell(f"Server response ({answer.status}):")
    print(answer.text, flush=True)
    if failure := answer.failure or _missing_spiders(answer, built.spiders):
        _tell(f"Deploy failed: {failure}")
    return not failure


def _missing_spiders(answer: Answer, spiders: list[str] | None) -> str | None:
    count = (answer.data or {}).get("spiders")
    if spiders and count == 0:
        return f"the server finds no spider in the egg, which has {', '.join(spiders)}: see the server's log"
    return None


def _tell_refusal(refused: RefusedError) -> None:
    _tell(f"Deploy failed ({refused.status}):")
    try:
        data = json.loads(refused.body)
    except ValueError:
        print(refused.body, flush=True)
    else:
        if isinstance(data, dict) and "status" in data and "message" in data:
            print(f"Status: {data['status']}\nMessage:\n{data['message']}", flush=True)
        else:
            print(json.dumps(data, indent=3), flush=True)
    if refused.hint:
        _tell(refused.hint)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
