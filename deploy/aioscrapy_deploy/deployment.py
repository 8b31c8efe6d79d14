"""The deploy itself: from the project's folder to every Scrapyd of the targets."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aioscrapy_deploy.build.dependencies import source
from aioscrapy_deploy.build.platforms import Platform, platform_for
from aioscrapy_deploy.build.project import Built, build
from aioscrapy_deploy.build.version import newest_version
from aioscrapy_deploy.cfg import Project, named_projects
from aioscrapy_deploy.eggs.describe import summary
from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from aioscrapy_deploy.errors import TargetError, VersionError
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.login import open_clients, without_passwords_in_environment
from aioscrapy_deploy.targets import NO_PROJECT, Target, choose_target, password_variables, read_targets
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.table import table
from aioscrapy_deploy.terminal.text import one_line
from aioscrapy_deploy.upload import Destination, upload


def deploy(project: Project, named: list[Target], options: argparse.Namespace) -> int:
    """Build and upload to all Scrapyds of these targets, as parsed options say; returns the exit status.

    What can be known before is reported before the build; a server that fails stops no other.

    Raises:
        TargetError: a target lacks something, or options contradict each other.
        VersionError: HG or GIT has no version.
        BuildError: there is no egg.
    """
    platform = platform_for(named, options)
    clients = open_all(named, options)  # before the work of a build
    destinations = [
        Destination.inspect(target, client, options.project or str(target.project))
        for target, client in clients
    ]
    stored = [destination.stored for destination in destinations if destination.stored]
    version = newest_version(options.version or named[0].version, project.folder or Path.cwd(), stored)
    refused: dict[Destination, str] = {}
    for destination in destinations:
        try:
            if warning := destination.check(version, force=options.force):
                report(warning)
        except VersionError as exc:
            report(f"Error: {exc}")
            refused[destination] = "version not the latest"
    if len(refused) == len(destinations):
        return 1
    eggs = _eggs_for(destinations, project, version, options, platform)
    outcomes = []
    for destination in destinations:
        outcome = refused.get(destination)
        if outcome is None and options.dry_run:
            outcome = _trouble(destination)
        elif outcome is None:
            outcome = upload(destination, version, eggs[destination.project])
        outcomes.append(outcome)
    return _report_outcomes(destinations, outcomes, version, dry_run=options.dry_run)


def build_only(project: Project, options: argparse.Namespace) -> int:
    """Build the egg into the file of --build-egg; named targets have the server's platform and project.

    Raises:
        TargetError: there is no project, or an unknown target is named.
        BuildError: there is no egg.
    """
    if project.folder is None:
        raise TargetError(NO_PROJECT)
    targets = read_targets(project.cfg) if options.target else {}
    named = [choose_target(targets, name) for name in options.target]
    names = [options.project] if options.project else [target.project for target in named if target.project]
    built = _build(project, names or named_projects(), options, platform_for(named, options))
    report(f"Writing egg to {options.build_egg}")
    _write_whole(Path(options.build_egg), built.data)
    return 0


def open_all(named: list[Target], options: argparse.Namespace) -> list[tuple[Target, ScrapydClient]]:
    """Return every Scrapyd of these targets as a target of its own, with its client; nothing is sent yet.

    Raises:
        TargetError: a target lacks its url or its project, or a password can't be had.
    """
    clients: list[tuple[Target, ScrapydClient]] = []
    for target in named:
        _check(target, options)
        clients += zip(target.by_server(), open_clients(target, report), strict=True)
    return clients


def _check(target: Target, options: argparse.Namespace) -> None:
    several = options.deploy_all_targets or len(options.target) > 1
    where = f" (target {target.name})" if several else ""
    if not (options.project or target.project):
        raise TargetError(f"Missing project{where}")
    if not target.url:
        raise TargetError(f"Missing url for project{where}")


def _eggs_for(
    destinations: list[Destination],
    project: Project,
    version: str,
    options: argparse.Namespace,
    platform: Platform | None,
) -> dict[str, Built]:
    """Return project's name -> egg: one for every settings module that the cfg has for these names."""
    names = list(dict.fromkeys(destination.project for destination in destinations))
    if options.egg:
        report(f"Using egg: {options.egg}")
        return dict.fromkeys(names, _read_built(Path(options.egg)))
    eggs: dict[str | None, Built] = {}
    for name in names:
        module = project.settings_module(name)
        if module not in eggs:
            report(f"Packing version {version}")
            eggs[module] = _build(project, [name], options, platform)
    return {name: eggs[project.settings_module(name)] for name in names}


def _read_built(path: Path) -> Built:
    data = path.read_bytes()
    return Built(data, recorded_spiders(read_egg(data, str(path))), [])


def _build(
    project: Project, names: Sequence[str], options: argparse.Namespace, platform: Platform | None
) -> Built:
    if platform is not None:
        report(f"Including dependencies from {source(project.folder or Path.cwd())}")
    secrets = password_variables(project.cfg)
    with _workdir(keep=options.debug) as workdir, without_passwords_in_environment(secrets):
        built = build(
            project,
            workdir,
            names=names,
            dependencies=platform,
            verbose=options.debug,
            checked=not options.no_check,
        )
    for note in built.notes:
        report(note)
    report(f"Packed {summary(built.data)}")
    return built


@contextmanager
def _workdir(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="scrapydeploy-")).resolve()
    try:
        yield folder
    finally:
        if keep:
            report(f"Output dir not removed: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file, or leave the old one: never half of it, also on a full disk."""
    if path.exists() and not path.is_file():  # /dev/stdout, a named pipe
        path.write_bytes(data)
        return
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException as exc:
        with suppress(OSError):
            part.unlink()
        if isinstance(exc, OSError):
            exc.filename = str(path)
        raise


def _trouble(destination: Destination) -> str | None:
    return str(destination.trouble) if destination.trouble else None


def _report_outcomes(
    destinations: list[Destination], outcomes: list[str | None], version: str, *, dry_run: bool
) -> int:
    """Report the outcomes, of several servers as a table; returns the exit status."""
    done = "would be deployed" if dry_run else "deployed"
    if len(destinations) > 1 or dry_run:
        rows = [
            {
                "target": destination.target.name,
                "project": destination.project,
                "before": destination.current,
                "version": version,
                "result": one_line(outcome or done),
            }
            for destination, outcome in zip(destinations, outcomes, strict=True)
        ]
        for line in table(rows, list(rows[0])):
            report(line)
    failed = [
        destination.target.name
        for destination, outcome in zip(destinations, outcomes, strict=True)
        if outcome
    ]
    if failed and len(destinations) > 1:
        report(f"Deploy failed for {len(failed)} of {len(destinations)} targets: {', '.join(failed)}")
    return 1 if failed else 0
