"""The deploy itself: one egg from the project's folder, to each Scrapyd of the targets."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aioscrapy_deploy.build.dependencies import source
from aioscrapy_deploy.build.platforms import Platform, platform_for
from aioscrapy_deploy.build.project import Built, build
from aioscrapy_deploy.build.version import newest_version
from aioscrapy_deploy.eggs.describe import summary
from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from aioscrapy_deploy.errors import TargetError, VersionError
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.login import hidden, open_clients
from aioscrapy_deploy.targets import NO_PROJECT, Project, Target, choose_target, read_targets
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.table import table
from aioscrapy_deploy.upload import Place, upload


def deploy(project: Project, named: list[Target], options: argparse.Namespace) -> int:
    """Build and upload to all Scrapyds of these targets, as parsed options say; returns the exit status.

    What can be known before is told before the build; of several Scrapyds one that fails stops no other.

    Raises:
        TargetError: a target lacks something, or options contradict each other.
        VersionError: HG or GIT can't tell a version.
        BuildError: there is no egg.
    """
    platform = platform_for(named, options)
    clients = open_all(named, options)  # before the work of a build
    places = [
        Place.seen(target, client, options.project or str(target.project)) for target, client in clients
    ]
    stored = [place.stored for place in places if place.stored]
    version = newest_version(options.version or named[0].version, project.folder or Path.cwd(), stored)
    refused: dict[Place, str] = {}
    for place in places:
        try:
            if warning := place.check(version, force=options.force):
                report(warning)
        except VersionError as exc:
            report(f"Error: {exc}")
            refused[place] = "version not the latest"
    if len(refused) == len(places):
        return 1
    built = _egg_for(project, version, options, platform)
    if options.dry_run:
        outcomes = [refused.get(place) or _trouble(place) for place in places]
    else:
        outcomes = [refused.get(place) or upload(place, version, built) for place in places]
    return _report_outcomes(places, outcomes, version, dry_run=options.dry_run)


def build_only(project: Project, options: argparse.Namespace) -> int:
    """Build the egg into the file of --build-egg; targets, where named, tell the server's platform.

    Raises:
        TargetError: there is no project, or an unknown target is named.
        BuildError: there is no egg.
    """
    if project.folder is None:
        raise TargetError(NO_PROJECT)
    targets = read_targets(project.cfg) if options.target else {}
    named = [choose_target(targets, name) for name in options.target]
    built = _build(project, options, platform_for(named, options))
    report(f"Writing egg to {options.build_egg}")
    _write_whole(Path(options.build_egg), built.data)
    return 0


def open_all(named: list[Target], options: argparse.Namespace) -> list[tuple[Target, ScrapydClient]]:
    """Return each Scrapyd of these targets as a target of its own, with its client; nothing is sent yet.

    Raises:
        TargetError: a target lacks its url or its project, or a password can't be had.
    """
    found: list[tuple[Target, ScrapydClient]] = []
    for target in named:
        _check(target, options)
        found += zip(target.each(), open_clients(target, report), strict=True)
    return found


def _check(target: Target, options: argparse.Namespace) -> None:
    several = options.deploy_all_targets or len(options.target) > 1
    where = f" (target {target.name})" if several else ""
    if not (options.project or target.project):
        raise TargetError(f"Missing project{where}")
    if not target.url:
        raise TargetError(f"Missing url for project{where}")


def _egg_for(project: Project, version: str, options: argparse.Namespace, platform: Platform | None) -> Built:
    if options.egg:
        report(f"Using egg: {options.egg}")
        return _given_egg(Path(options.egg))
    report(f"Packing version {version}")
    return _build(project, options, platform)


def _given_egg(path: Path) -> Built:
    data = path.read_bytes()
    return Built(data, recorded_spiders(read_egg(data, str(path))), [])


def _build(project: Project, options: argparse.Namespace, platform: Platform | None) -> Built:
    if platform is not None:
        report(f"Including dependencies from {source(project.folder or Path.cwd())}")
    with _workdir(keep=options.debug) as workdir, hidden(project.password_variables):
        built = build(project, workdir, dependencies=platform, verbose=options.debug)
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
    """Write a file, or leave what was there: no half of it where the disk is full."""
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


def _trouble(place: Place) -> str | None:
    return str(place.trouble) if place.trouble else None


def _report_outcomes(places: list[Place], outcomes: list[str | None], version: str, *, dry_run: bool) -> int:
    """Report how it went, for several servers as a table; returns the exit status."""
    done = "would be deployed" if dry_run else "deployed"
    if len(places) > 1 or dry_run:
        rows = [
            {
                "target": place.target.name,
                "project": place.project,
                "before": place.current,
                "version": version,
                "result": " ".join((outcome or done).split()),
            }
            for place, outcome in zip(places, outcomes, strict=True)
        ]
        for line in table(rows, list(rows[0]), coloured=False):
            report(line)
    failed = [place.target.name for place, outcome in zip(places, outcomes, strict=True) if outcome]
    if failed and len(places) > 1:
        report(f"Deploy failed for {len(failed)} of {len(places)} targets: {', '.join(failed)}")
    return 1 if failed else 0
