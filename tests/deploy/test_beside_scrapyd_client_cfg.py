"""Ours beside the real scrapyd-client 2.0.3: what the cfg files and netrc mean to both."""

from pathlib import Path

import pytest

from support.deploying import Both, Run, Sent, Server, same

NETRC = "machine 127.0.0.1 login net password rc\n"

T = "[deploy:t]\nurl = {url}/\nversion = 1\n"

CFGS: dict[str, tuple[str, list[str], Sent]] = {
    "a value of the section": (
        f"{T}name = shop\nproject = %(name)s-100%%\n",
        ["t"],
        Sent("/addversion.json", "shop-100%", "1", None),
    ),
    "variables, set and not": (
        f"{T}project = $NAME-${{NAME}}-$UNSET-${{UNSET}}\n",
        ["t"],
        Sent("/addversion.json", "env-env-$UNSET-${UNSET}", "1", None),
    ),
    "a variable in a value of the section": (
        f"{T}name = $NAME\nproject = %(name)s\n",
        ["t"],
        Sent("/addversion.json", "env", "1", None),
    ),
    "what [deploy] says for all": (
        "[deploy]\nproject = base\nversion = 3\nusername = me\npassword = word\n[deploy:t]\nurl = {url}\n",
        ["t"],
        Sent("/addversion.json", "base", "3", "me:word"),
    ),
    "a target's own goes before": (
        f"[deploy]\nproject = base\nversion = 3\n{T}project = own\n",
        ["t"],
        Sent("/addversion.json", "own", "1", None),
    ),
    "what [DEFAULT] says for all": (
        f"[DEFAULT]\nproject = all\n{T}",
        ["t"],
        Sent("/addversion.json", "all", "1", None),
    ),
    "[deploy] with a url is default": (
        "[deploy]\nurl = {url}\nproject = p\nversion = 2\n",
        [],
        Sent("/addversion.json", "p", "2", None),
    ),
    "[deploy:default] goes before": (
        "[deploy]\nurl = http://127.0.0.1:1/\nproject = p\nversion = 2\n[deploy:default]\nurl = {url}/own/\n",
        ["default"],
        Sent("/own/addversion.json", "p", "2", None),
    ),
    "options go before": (
        f"{T}project = p\n",
        ["t", "-p", "q", "-v", "v 1/2"],
        Sent("/addversion.json", "q", "v 1/2", None),
    ),
    "long options": (
        f"{T}project = p\n",
        ["--project=q", "--version", "7", "t"],
        Sent("/addversion.json", "q", "7", None),
    ),
    "names in capitals": (
        "[deploy:T]\nURL = {url}\nProject = p\nVERSION = 1\n",
        ["T"],
        Sent("/addversion.json", "p", "1", None),
    ),
    "a url without a slash": (
        "[deploy:t]\nurl = {url}\nversion = 1\nproject = p\n",
        ["t"],
        Sent("/addversion.json", "p", "1", None),
    ),
    "a user without a password": (
        f"{T}project = p\nusername = me\n",
        ["t"],
        Sent("/addversion.json", "p", "1", "me:"),
    ),
    "a password in a variable": (
        f"{T}project = p\nusername = me\npassword = $NAME:%%@\n",
        ["t"],
        Sent("/addversion.json", "p", "1", "me:env:%@"),
    ),
}


@pytest.mark.parametrize("case", CFGS)
def test_a_cfg_means_the_same(beside: Both, server: Server, case: str) -> None:
    cfg, argv, expected = CFGS[case]
    assert same(server, *beside(cfg.replace("{url}", server.url), *argv, NAME="env")) == expected


def test_a_user_in_the_url_is_used_by_both_and_printed_by_theirs_alone(beside: Both, server: Server) -> None:
    url = server.url.replace("//", "//me:p%%40@")
    theirs, ours = beside(f"[deploy:t]\nurl = {url}/\nproject = p\nversion = 1\n", "t")
    assert [Sent.of(seen).credentials for seen in server.seen] == ["me:p@", "me:p@"]
    assert ours.err == theirs.err.replace("me:p%40@", "")
    assert ours.err != theirs.err


@pytest.mark.parametrize(
    ("netrc", "user", "sent"),
    [
        (NETRC, "", "net:rc"),
        ("default login any password one\n", "", "any:one"),
        (NETRC, "username = me\npassword = word\n", "me:word"),
        ("machine elsewhere login a password b\n", "", None),
    ],
)
def test_netrc_means_the_same(
    beside: Both, server: Server, home: Path, netrc: str, user: str, sent: str | None
) -> None:
    (home / ".netrc").write_text(netrc)
    (home / ".netrc").chmod(0o600)
    cfg = f"[deploy:t]\nurl = {server.url}\nproject = p\nversion = 1\n{user}"
    assert same(server, *beside(cfg, "t")).credentials == sent


@pytest.mark.parametrize(
    ("last", "xdg"), [("config", True), ("config", False), ("home", True), ("closest", True)]
)
def test_of_the_cfg_files_the_later_wins(
    beside: Both, server: Server, home: Path, tmp_path: Path, last: str, xdg: bool
) -> None:
    config = (tmp_path / "xdg") if xdg else home / ".config"
    config.mkdir()
    text = "[deploy:t]\nurl = {url}\nversion = 1\nproject = {name}\nusername = {name}\n"
    places = {"config": config / "scrapy.cfg", "home": home / ".scrapy.cfg"}
    names = [*places, "closest"]
    for name, path in places.items():
        if names.index(name) <= names.index(last):
            path.write_text(text.format(url=server.url, name=name))
    closest = "[deploy:t]\nproject = closest\n" if last == "closest" else ""
    answers = beside(closest, "t", **({"XDG_CONFIG_HOME": str(config)} if xdg else {}))
    sent = same(server, *answers)
    assert sent.project == last
    assert sent.credentials == f"{'home' if last == 'closest' else last}:"


def test_the_cfg_is_looked_for_upwards(beside: Both, python: Run, server: Server) -> None:
    """Both pack the folder of the cfg file, wherever below it one stands."""
    beside(f"[deploy:t]\nurl = {server.url}\nproject = p\nversion = 1\n", "nonesuch")
    go = "import os, sys; os.chdir('shop/spiders'); from {} import main; sys.exit(main())"
    theirs, ours = (
        python("-c", go.format(module), "t") for module in ("scrapyd_client.deploy", "aioscrapy_deploy.cli")
    )
    assert same(server, theirs, ours).project == "p"
    assert all(b"shop/settings.py" in seen.fields["egg"] for seen in server.seen)
