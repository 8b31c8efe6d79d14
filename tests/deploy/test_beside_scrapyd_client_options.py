"""Ours beside the real scrapyd-client 2.0.3: versions, options, and what is in the eggs of both."""

import os
import re
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from support.deploying import Both, Sent, Server, Write, same
from support.environments import peer_environment


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("commands", "version"),
    [
        ([], "r1-main"),
        ([["tag", "-a", "v1", "-m", "v1"]], "v1-main"),
        ([["tag", "light"]], "r1-main"),
        ([["checkout", "-q", "-b", "a/b"]], "r1-a/b"),
        ([["checkout", "-q", "--detach"]], "r1-HEAD"),
    ],
    ids=["commits", "tag", "light tag", "branch", "detached"],
)
def test_git_gives_the_same_version(
    beside: Both, server: Server, project: Path, commands: list[list[str]], version: str
) -> None:
    for words in (["init"], ["commit", "--allow-empty", "-m", "1"], *commands):
        git(project, *words)
    answers = beside(f"[deploy:t]\nurl = {server.url}\nproject = p\nversion = GIT\n", "t")
    assert same(server, *answers).version == version


def test_the_option_asks_git_too(beside: Both, server: Server, project: Path) -> None:
    for words in (["init"], ["commit", "--allow-empty", "-m", "1"]):
        git(project, *words)
    answers = beside(f"[deploy:t]\nurl = {server.url}\nproject = p\nversion = 5\n", "t", "-v", "GIT")
    assert same(server, *answers).version == "r1-main"


def test_mercurial_gives_the_same_version(beside: Both, server: Server, project: Path) -> None:
    hg = peer_environment("mercurial", "mercurial==7.2.4") / "hg"
    words = ["init", "add shop", "commit -u t -m 1", "branch stable", "commit -u t -m 2"]
    for command in words:
        subprocess.run([hg, "--cwd", project, *command.split()], check=True, capture_output=True)
    answers = beside(
        f"[deploy:t]\nurl = {server.url}\nproject = p\nversion = HG\n",
        "t",
        PATH=f"{hg.parent}:{os.environ['PATH']}",
    )
    assert same(server, *answers).version == "r1-stable"


def test_no_version_is_the_time_to_both(beside: Both, server: Server) -> None:
    before = int(time.time())
    theirs, ours = beside(f"[deploy:t]\nurl = {server.url}\nproject = p\n", "t")
    first, second = (int(seen.fields["version"]) for seen in server.seen)
    assert before <= first <= second <= time.time()
    assert re.sub(r"\d{9,}", "N", ours.err) == re.sub(r"\d{9,}", "N", theirs.err)


def test_all_targets_get_the_first_one_s_version_from_both(beside: Both, server: Server) -> None:
    cfg = "".join(
        f"[deploy:{name}]\nurl = {server.url}/{name}/\nproject = {name}\nversion = {name}\n" for name in "ab"
    )
    theirs, ours = beside(cfg, "-a")
    sent = [Sent.of(seen) for seen in server.seen]
    assert sent[:2] == sent[2:]
    assert sent[2:] == [
        Sent("/a/addversion.json", "a", "a", None),
        Sent("/b/addversion.json", "b", "a", None),
    ]
    assert (ours.status, ours.out) == (theirs.status, theirs.out) == (0, ours.out)
    assert [line for line in ours.err.splitlines() if line.startswith("Deploying")] == [
        line for line in theirs.err.splitlines() if line.startswith("Deploying")
    ]


def test_debug_keeps_the_folder_of_the_build_in_both(beside: Both, server: Server) -> None:
    for done in beside(f"[deploy:t]\nurl = {server.url}\nproject = p\n", "t", "-d"):
        last = done.err.splitlines()
        (kept,) = (line for line in last if line.startswith("Output dir not removed: "))
        assert done.status == 0
        assert list(Path(kept.removeprefix("Output dir not removed: ")).glob("*.egg"))


def test_dependencies_go_into_both_eggs(beside: Both, project: Path, write: Write, server: Server) -> None:
    cfg = f"[deploy:t]\nurl = {server.url}\nproject = p\nversion = 1\n"
    theirs, ours = beside(cfg, "t", "--include-dependencies")
    assert ours.status == theirs.status == 1
    missing = "Error: Missing requirements.txt"
    assert ours.err.splitlines()[-1] == theirs.err.splitlines()[-1] == missing  # setup.py names none either
    wheel = project / "extra-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("extra.py", "")
        archive.writestr("extra-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
        archive.writestr(
            "extra-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("extra-1.0.dist-info/RECORD", "")
    write({"requirements.txt": f"./{wheel.name}\n"})
    assert same(server, *beside(cfg, "t", "--include-dependencies")).version == "1"
    for seen in server.seen:
        (project / "seen.egg").write_bytes(seen.fields["egg"])
        with zipfile.ZipFile(project / "seen.egg") as egg:
            assert {"extra.py", "shop/settings.py"} <= set(egg.namelist())


def test_a_setup_of_one_s_own_packs_the_same_files(beside: Both, project: Path, write: Write) -> None:
    write(
        {
            "setup.py": "from setuptools import *\nsetup(name='shop', version='2', packages=find_packages(), "
            "package_data={'shop': ['*.txt']}, py_modules=['top'], entry_points={'scrapy': "
            "['settings = shop.settings']})\n",
            "shop/data.txt": "data",
            "shop/data.csv": "not named",
            "top.py": "",
        }
    )
    names = []
    for who in ("theirs", "ours"):
        answers = beside("", "--build-egg", f"{who}.egg")
        assert [done.status for done in answers] == [0, 0]
        with zipfile.ZipFile(project / f"{who}.egg") as egg:
            names.append({name for name in egg.namelist() if name.endswith((".py", ".txt", ".csv"))})
    assert names[0] == names[1]


def test_theirs_has_no_option_that_ours_has_not(beside: Both) -> None:
    theirs, ours = beside("", "-h")
    options = set(re.findall(r"(?<!\S)--?[a-z][\w-]*", theirs.out))
    assert (
        {"-p", "--project", "--include-dependencies"}
        <= options
        <= set(re.findall(r"--?[a-z][\w-]*", ours.out))
    )
    wrong = beside("", "--nonesuch")
    assert [done.status for done in wrong] == [2, 2]
