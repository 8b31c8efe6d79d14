"""The program: its messages, its exit status, what it leaves behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aioscrapy_deploy.eggs.format import egg_bytes
from aioscrapy_deploy.eggs.record import with_record
from support import child_environment
from support.deploying import OK, PROGRAM, Run, Server, Write


def target(name: str, url: str, rest: str = "project = shop") -> str:
    return f"[deploy:{name}]\nurl = {url}\n{rest}\n"


def cfg(project: Path, *sections: str) -> None:
    (project / "aioscrapy.cfg").write_text("\n".join(["[settings]\ndefault = shop.settings\n", *sections]))


def test_a_deploy_speaks_as_scrapyd_client_does(project: Path, deploy: Run, server: Server) -> None:
    done = deploy("local", "-v", "7")
    assert done.err == (
        f'Packing version 7\nDeploying to project "shop" in {server.url}/addversion.json\n'
        "Server response (200):\n"
    )
    assert (done.status, done.out) == (0, f"{OK.decode()}\n")
    (seen,) = server.seen
    assert (seen.fields["project"], seen.fields["version"]) == (b"shop", b"7")


def test_options_go_before_the_target_s_values(project: Path, deploy: Run, server: Server) -> None:
    cfg(project, target("local", server.url, "project = shop\nversion = 1"))
    deploy("local")
    deploy("local", "-p", "other", "-v", "2")
    assert [(seen.fields["project"], seen.fields["version"]) for seen in server.seen] == [
        (b"shop", b"1"),
        (b"other", b"2"),
    ]


def test_the_default_target_needs_no_name(project: Path, deploy: Run, server: Server) -> None:
    cfg(project, f"[deploy]\nurl = {server.url}\nproject = shop\n")
    assert deploy().status == 0


A = target("a", "http://h")
NO_FILE = "Error: No such file or directory:"
NO_ZIP = "Error: aioscrapy.cfg is not an egg (a zip file): File is not a zip file"
AS_IT_IS = "Error: --egg uploads a file unchanged: --include-dependencies needs a build"
NO_GIT = "Error: version GIT: fatal: not a git repository (or any of the parent directories): .git"
NO_HTTP = "Error: the url must begin with http:// or https:// and a host: h:6800"


@pytest.mark.parametrize(
    ("sections", "argv", "expected"),
    [
        (A, ["x"], "Unknown target: x\nKnown targets: a"),
        (A, [], "Unknown target: default\nKnown targets: a"),
        (A, ["x", "--build-egg", "it.egg"], "Unknown target: x\nKnown targets: a"),
        ("", ["x"], "Unknown target: x\nNo [deploy:NAME] section has been found"),
        ("[deploy:a]\nproject = p\n", ["a"], "Error: Missing url for project"),
        (target("a", "http://h", ""), ["a"], "Error: Missing project"),
        (target("a", "h:6800"), ["a"], NO_HTTP),
        ("", ["-a"], "Error: no targets: there is no [deploy:NAME] section"),
        (A + "[deploy:b]\nproject = p\n", ["-a"], "Error: Missing url for project (target b)"),
        (A, ["a", "--egg", "none"], f"Using egg: none\n{NO_FILE} none"),
        (A, ["a", "--egg", "aioscrapy.cfg"], f"Using egg: aioscrapy.cfg\n{NO_ZIP}"),
        (A, ["a", "--egg", "it.egg", "--include-dependencies"], AS_IT_IS),
        (A, ["a", "-v", "GIT"], NO_GIT),
        ("[deploy:a]\nproject = p\n", ["-L", "a"], "Error: target a has no url"),
        ("", ["--build-egg", "none/it.egg"], f"Writing egg to none/it.egg\n{NO_FILE} none/it.egg"),
    ],
)
def test_bad_input_is_reported_before_any_work(
    project: Path, deploy: Run, sections: str, argv: list[str], expected: str
) -> None:
    cfg(project, sections)
    done = deploy(*argv)
    assert (done.status, done.out, done.err) == (1, "", f"{expected}\n")


@pytest.mark.parametrize("option", ["--egg", "--build-egg", "--show", "-L"])
def test_an_empty_value_is_wrong_usage(
    project: Path, deploy: Run, server: Server, option: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        deploy("local", option, "")
    assert ended.value.code == 2
    assert "the value is empty" in capfd.readouterr().err
    assert server.versions == []


@pytest.mark.parametrize(
    "argv",
    [["--rollback", "--list-versions"], ["--egg", "it.egg", "--build-egg", "new.egg"], ["-l", "--rollback"]],
)
def test_two_things_at_once_are_wrong_usage(
    project: Path, deploy: Run, server: Server, argv: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Which one is meant nobody knows, and a rollback is not what a list is."""
    server.versions = ["1", "2"]
    with pytest.raises(SystemExit) as ended:
        deploy("local", *argv)
    assert ended.value.code == 2
    assert "not allowed with argument" in capfd.readouterr().err
    assert server.versions == ["1", "2"]
    assert server.seen == []


@pytest.mark.parametrize("argv", [["local"], ["-l"], ["-a"], ["--build-egg", "it.egg"]])
def test_a_folder_without_a_project_is_reported(folder: Path, deploy: Run, argv: list[str]) -> None:
    done = deploy(*argv)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("Error: no Scrapy project found in this location")
    assert list(folder.iterdir()) == []


def test_an_egg_can_be_deployed_from_anywhere(folder: Path, home: Path, deploy: Run, server: Server) -> None:
    (home / ".aioscrapy.cfg").write_text(target("far", server.url))
    (folder / "it.egg").write_bytes(egg_bytes({"a.py": b""}))
    done = deploy("far", "--egg", "it.egg")
    assert done.status == 0
    assert done.err.startswith("Using egg: it.egg\nDeploying to project")
    assert server.seen[0].fields["egg"] == (folder / "it.egg").read_bytes()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"status": "error", "message": "no\\nKeyError: 1"}', "the server says: KeyError: 1"),
        (b"<html>", "the answer is not from a Scrapyd: <html>"),
        (
            OK.replace(b"1}", b"0}"),
            "the server finds no spider in the egg, which has one: see the server's log",
        ),
    ],
)
def test_a_server_that_did_not_do_it_is_exit_status_1(
    project: Path, deploy: Run, server: Server, body: bytes, expected: str
) -> None:
    server.body = body
    done = deploy("local", "-v", "7")
    assert (done.status, done.out) == (1, f"{body.decode()}\n")
    assert f"Server response (200):\nDeploy failed: {expected}\n" in done.err


def test_the_record_of_an_existing_egg_has_its_spiders(project: Path, deploy: Run, server: Server) -> None:
    Path("it.egg").write_bytes(egg_bytes(with_record({}, ["one", "two"])))
    server.body = OK.replace(b"1}", b"0}")
    done = deploy("local", "--egg", "it.egg")
    assert done.status == 1
    assert "which has one, two" in done.err


@pytest.mark.parametrize(
    ("status", "body", "out"),
    [
        (404, b"<html>", "<html>\n"),
        (500, b'{"status": "error", "message": "a\\nb"}', "Status: error\nMessage:\na\nb\n"),
        (413, b'{"reason": 1}', '{\n   "reason": 1\n}\n'),
        (401, b"[]", "[]\n"),
    ],
)
def test_a_refusal_is_printed(
    project: Path, deploy: Run, server: Server, status: int, body: bytes, out: str
) -> None:
    server.status, server.body = status, body
    done = deploy("local", "-v", "7")
    assert (done.status, done.out) == (1, out)
    assert done.err.splitlines()[2] == f"Deploy failed ({status}):"


def test_all_targets_get_one_egg_and_one_version(project: Path, deploy: Run, server: Server) -> None:
    cfg(
        project, target("a", server.url + "/a", "project = shop\nversion = 3"), target("b", server.url + "/b")
    )
    done = deploy("-a")
    assert done.status == 0
    first, second = server.seen
    assert (first.path, second.path) == ("/a/addversion.json", "/b/addversion.json")
    assert first.fields == second.fields
    assert first.fields["version"] == b"3"
    assert done.err.count("Packing version 3\n") == 1


def test_one_failure_of_all_is_exit_status_1_and_stops_no_other(
    project: Path, deploy: Run, server: Server
) -> None:
    cfg(project, target("a", "http://127.0.0.1:1"), target("b", server.url))
    done = deploy("-a")
    assert done.status == 1
    assert len(server.seen) == 1
    assert done.err.endswith("\nDeploy failed for 1 of 2 targets: a\n")


def test_projects_of_a_target_are_listed(project: Path, deploy: Run, server: Server) -> None:
    server.body = b'{"status": "ok", "projects": ["a", "b"]}'
    assert deploy("-L", "local").out == "a\nb\n"
    server.status = 404
    done = deploy("-L", "local")
    assert (done.status, done.out) == (1, "")
    url = f"{server.url}/listprojects.json"
    assert done.err.startswith(f"Error: {url}: the server answers with status 404. There is no Scrapyd")


def test_no_message_has_the_password(project: Path, deploy: Run, server: Server) -> None:
    server.status = 401
    cfg(
        project,
        target("a", server.url.replace("//", "//me:hush@")),
        target("b", "http://me:hush@127.0.0.1:1"),
    )
    for argv in (["-l"], ["a"], ["b"], ["-a"], ["-L", "a"], ["-L", "b"], ["x"]):
        done = deploy(*argv)
        assert "hush" not in done.out + done.err


def test_a_deploy_leaves_no_trace(project: Path, deploy: Run, tmp_path: Path) -> None:
    before = sorted(project.rglob("*"))
    deploy("local")
    assert sorted(project.rglob("*")) == before
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("moment", ["upload", "build"])
def test_ctrl_c_is_one_line_and_leaves_nothing(
    project: Path, write: Write, server: Server, tmp_path: Path, moment: str
) -> None:
    server.answer_now.clear()
    if moment == "build":
        write({"setup.py": f"import urllib.request as r; r.urlopen('{server.url}/here').read()"})
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "local"],
        cwd=project,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.arrived.wait(30)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("Interrupted: ")
    assert "Traceback" not in err
    assert list((tmp_path / "tmp").iterdir()) == []


def test_neither_scrapy_nor_aioscrapy_nor_setuptools_is_loaded(project: Path, python: Run) -> None:
    code = (
        "import sys; from aioscrapy_deploy.cli import main; status = main(['local']); "
        "print({name.partition('.')[0] for name in sys.modules} & "
        "{'scrapy', 'aioscrapy', 'setuptools', 'pkg_resources', 'scrapyd_client', 'six'}); sys.exit(status)"
    )
    done = python("-c", code)
    assert done.status == 0, done.err
    assert done.out.endswith("\nset()\n")


def test_what_is_not_asked_for_does_not_load_requests(project: Path, python: Run) -> None:
    done = python(
        "-c",
        "import sys; from aioscrapy_deploy.cli import main; main(['-l']); print('requests' in sys.modules)",
    )
    assert done.out.endswith("\nFalse\n")


def test_a_target_of_several_scrapyds_is_deployed_to_all(project: Path, deploy: Run, server: Server) -> None:
    cfg(project, target("all", f"{server.url}/a {server.url}/b"))
    done = deploy("all", "-v", "7")
    assert done.status == 0, done.err
    assert [seen.path for seen in server.seen] == ["/a/addversion.json", "/b/addversion.json"]
    assert server.seen[0].fields == server.seen[1].fields
    server.next_statuses = [500]
    done = deploy("all", "-v", "8")
    assert done.status == 1
    assert done.err.endswith(f"Deploy failed for 1 of 2 targets: all ({server.url}/a)\n")
    assert deploy("-l").out == f"all                  {server.url}/a {server.url}/b\n"
