"""Ours beside the real scrapyd-client 2.0.3: the same scrapy.cfg, the same words, the same answers.

What differs on purpose is in the table of docs/deploy.md, and has its test elsewhere.
"""

import zipfile
from pathlib import Path

import pytest

from support.deploying import OK, PROGRAM, Both, Done, Run, Server

REFUSALS = {
    "json": (500, b'{"status": "error", "message": "a\\nb"}'),
    "other json": (413, b'{"reason": 1}'),
    "html": (404, b"<html>"),
    "nothing": (401, b""),
}


@pytest.fixture
def both(project: Path, python: Run, server: Server) -> Both:
    """Return `both(*argv)`: what theirs and ours do in a project with a scrapy.cfg alone.

    `{who}` in an argument becomes `theirs` and `ours`.
    """
    text = (project / "aioscrapy.cfg").read_text()
    (project / "aioscrapy.cfg").unlink()
    base = "[deploy]\nversion = 5\n"
    slash = f"[deploy:slash]\nurl = {server.url}/pre/\nword = a\nproject = %(word)s-$NAME\n"
    (project / "scrapy.cfg").write_text(
        f"{text}\n{base}{slash}username = me\npassword = 100%%\n[deploy:bare]\nurl = {server.url}\n"
    )

    def both(*argv: str) -> tuple[Done, Done]:
        theirs = python(
            "-m", "scrapyd_client.deploy", *(word.format(who="theirs") for word in argv), NAME="shop"
        )
        ours = python("-c", PROGRAM, *(word.format(who="ours") for word in argv), NAME="shop")
        return theirs, ours

    return both


@pytest.mark.parametrize(
    "argv",
    [
        ["local"],
        ["slash"],
        ["local", "-v", "GIT-no"],
        ["local", "-p", "other"],
        ["bare", "-p", "x", "-v", "1"],
    ],
    ids=" ".join,
)
def test_a_deploy_has_the_same_words_and_fields(both: Both, server: Server, argv: list[str]) -> None:
    theirs, ours = both(*argv)
    assert ours == theirs
    assert ours.out == f"{OK.decode()}\n"
    first, second = server.seen
    assert {**first.fields, "egg": b""} == {**second.fields, "egg": b""}
    assert (first.path, first.authorization, first.file_name) == (
        second.path,
        second.authorization,
        second.file_name,
    )


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_has_the_same_words(both: Both, server: Server, refusal: str) -> None:
    server.status, server.body = REFUSALS[refusal]
    theirs, ours = both("local")
    assert (ours.status, ours.out) == (theirs.status, theirs.out)
    assert ours.err.startswith(theirs.err)  # ours may add a hint


@pytest.mark.parametrize("argv", [["nonesuch"], ["bare"]], ids=" ".join)
def test_a_target_that_will_not_do_has_the_same_first_line(both: Both, argv: list[str]) -> None:
    theirs, ours = both(*argv)
    assert ours.status == theirs.status == 1
    assert ours.err.splitlines()[0] == theirs.err.splitlines()[0]


def test_a_closed_port_is_the_same_failure(both: Both, project: Path) -> None:
    (project / "scrapy.cfg").write_text(
        "[settings]\ndefault = shop.settings\n[deploy:none]\nurl = http://127.0.0.1:1/\nproject = shop\n"
    )
    theirs, ours = both("none", "-v", "1")
    assert ours.status == theirs.status == 1
    assert ours.err.splitlines()[:2] == theirs.err.splitlines()[:2]
    assert ours.err.splitlines()[2].startswith("Deploy failed: ")
    assert theirs.err.splitlines()[2].startswith("Deploy failed: ")


def test_outside_of_a_project_both_say_so(folder: Path, python: Run) -> None:
    theirs = python("-m", "scrapyd_client.deploy")
    ours = python("-m", "aioscrapy.cmdline", "deploy")
    assert ours.status == theirs.status == 1
    assert ours.err.startswith(theirs.err.rstrip("\n"))


def test_both_eggs_have_the_same_modules_and_scrapy_s_entry_point(both: Both, project: Path) -> None:
    theirs, ours = both("--build-egg", "{who}.egg")
    assert theirs == Done(0, "", "Writing egg to theirs.egg\n")
    assert ours == Done(0, "", "Writing egg to ours.egg\n")
    modules, points = [], []
    for who in ("theirs", "ours"):
        with zipfile.ZipFile(project / f"{who}.egg") as egg:
            modules.append({name for name in egg.namelist() if name.endswith(".py")})
            points.append(egg.read("EGG-INFO/entry_points.txt").decode())
    assert modules[0] == modules[1]
    assert points[0].strip() == "[scrapy]\nsettings = shop.settings"
    assert points[0].strip() in points[1]


def test_an_existing_egg_is_uploaded_unchanged_by_both(both: Both, project: Path, server: Server) -> None:
    with zipfile.ZipFile(project / "given.egg", "w") as egg:
        egg.writestr("a.py", "")
    theirs, ours = both("local", "--egg", "given.egg")
    assert ours == theirs
    assert [seen.fields["egg"] for seen in server.seen] == [(project / "given.egg").read_bytes()] * 2
