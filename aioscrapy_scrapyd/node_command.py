"""Run a node: a Scrapyd that keeps its jobs and refuses foreign web pages; manage its users and tokens.

aioscrapy node                          start it in this folder
aioscrapy node FOLDER --port 6801       … in another one; it is created if it is missing
aioscrapy node user add ann --role viewer
aioscrapy node token add ci --role deployer --projects shop
aioscrapy node recover                  replace a damaged node.db; keep what can be read
aioscrapy node handback                 return the waiting jobs to a stock Scrapyd, before you remove the node
"""

import argparse
import configparser
import errno
import getpass
import os
import re
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from aioscrapy.exceptions import ConfigError
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.table import print_table
from aioscrapy_deploy.terminal.text import printable
from aioscrapy_scrapyd import tokens, users
from aioscrapy_scrapyd.handback import hand_back
from aioscrapy_scrapyd.state.folder import StateFolder
from aioscrapy_scrapyd.state.recovery import recover
from aioscrapy_scrapyd.state.schema import StoreError

SETTINGS = False  # no option sets a setting of a crawl
CONF = "scrapyd.conf"
_CONF_TEXT = """\
# A node: a Scrapyd that keeps its jobs over restarts and refuses requests of foreign web pages.
# All keys: docs/node.md and Scrapyd's manual. Relative paths begin in this folder.

[scrapyd]
application  = aioscrapy_scrapyd.app.application
runner       = aioscrapy.scrapyd.runner
bind_address = 127.0.0.1
http_port    = 6800
# Items of each job: items/PROJECT/SPIDER/JOB.jl. Empty: only where the project itself puts them.
items_dir    = items
logs_dir     = logs
eggs_dir     = eggs
# Jobs, history, tokens: dbs/node.db
dbs_dir      = dbs
# Jobs at once. 0: max_proc_per_cpu for each CPU.
max_proc     = 0
max_proc_per_cpu = 4
# Logs and items that are kept for each spider; those of running jobs are never deleted.
jobs_to_keep = 100

# Further users, one a line, as `aioscrapy node user add NAME` writes them.
[users]
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "words",
        nargs="*",
        metavar="FOLDER | user … | token … | recover | handback",
        help="the folder in which the node starts (default: this one), or what to manage",
    )
    add("--port", type=int, help="port to listen on (default: http_port of scrapyd.conf, 6800)")
    add(
        "--bind",
        metavar="ADDRESS",
        help="address to listen on (default: bind_address of scrapyd.conf, 127.0.0.1)",
    )
    add(
        "--folder",
        type=Path,
        default=Path(),
        help="the folder of the node for user, token, recover and handback (default: this one)",
    )
    add("--role", default="viewer", help="viewer, operator, deployer or admin (default: viewer)")
    add("--projects", default="", metavar="P,P", help="projects of the user or the token (default: all)")
    add("--days", type=float, default=0.0, help="days until the token expires (default: never)")


def run(options: argparse.Namespace) -> int:
    """Start the node in the place of this process, or manage its users and tokens.

    Raises:
        AioscrapyError: wrong usage, or a file can't be used.
    """
    words = options.words
    if words[:1] == ["user"]:
        return _user(options, words[1:])
    try:
        if words[:1] == ["token"]:
            return _token(options, words[1:])
        if words == ["recover"]:
            return _recover(options)
        if words == ["handback"]:
            return _handback(options)
    except StoreError as exc:
        raise ConfigError(str(exc)) from exc
    if len(words) > 1:
        raise ConfigError(
            f"{' '.join(words)!r} is not a folder, `user …`, `token …`, `recover` or `handback`"
        )
    return _start(Path(words[0]) if words else Path(), options.port, options.bind)


def _start(folder: Path, http_port: int | None, bind: str | None) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        conf = folder / CONF
        if not conf.exists():
            conf.touch(mode=0o600)  # it will have passwords or their hashes
            conf.write_text(_CONF_TEXT, encoding="utf-8")
            print(f"{conf} is new; docs/node.md and Scrapyd's manual have all keys", flush=True)
        os.chdir(folder)
    except OSError as exc:
        raise ConfigError(f"{folder} can't be used: {exc.strerror}") from exc
    if _application(Path(CONF)) != "aioscrapy_scrapyd.app.application":
        raise ConfigError(
            f"{conf} is of a stock Scrapyd; a node has: application = aioscrapy_scrapyd.app.application"
        )
    if http_port is not None:
        os.environ["SCRAPYD_HTTP_PORT"] = str(http_port)
    if bind is not None:
        os.environ["SCRAPYD_BIND_ADDRESS"] = bind
    _check_port(_parsed(Path(CONF)))
    os.execv(sys.executable, [sys.executable, "-m", "scrapyd", "--pidfile="])  # noqa: S606 our own Python


def _check_port(conf: configparser.ConfigParser) -> None:
    """Refuse a port that another program uses: Scrapyd would print a traceback. Other problems are Scrapyd's.

    Raises:
        ConfigError: the port is in use.
    """
    scrapyd = dict(conf["scrapyd"])
    address = os.environ.get("SCRAPYD_BIND_ADDRESS") or scrapyd.get("bind_address", "127.0.0.1")
    port = os.environ.get("SCRAPYD_HTTP_PORT") or scrapyd.get("http_port", "6800")
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, int(port)))
    except (OSError, ValueError, OverflowError) as exc:
        if getattr(exc, "errno", None) == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} of {address} is in use, perhaps by a node or a Scrapyd; use another --port"
            ) from None


def _user(options: argparse.Namespace, words: list[str]) -> int:
    conf = options.folder / CONF
    section = _users(conf)
    match words:
        case ["list"]:
            print_table([_user_row(*row) for row in section.items()], ("user", "role", "projects"))
        case ["add", name]:
            if not re.fullmatch(r"[a-z0-9._@-]{1,64}", name):
                raise ConfigError(f"{name!r}: a user's name is 1 to 64 of a-z, 0-9 and . _ @ -")
            role = users.role_of(options.role).name.lower()
            where = f"{role}:{options.projects}" if options.projects else role
            line = f"{where} {users.hash_password(_password(name))}"
            users.users_of("", "", [(name, line)])
            _write_user(conf, name, line)
            print(f"{name} is {role}; restart a running node to apply it")
        case ["remove", name] if name in section:
            _write_user(conf, name, None)
            print(f"{name} is removed; restart a running node to apply it")
        case ["remove", name]:
            raise ConfigError(f"{conf} has no user {name!r}")
        case _:
            raise ConfigError("usage: aioscrapy node user add NAME --role ROLE | list | remove NAME")
    return 0


def _token(options: argparse.Namespace, words: list[str]) -> int:
    database = _database(options.folder)
    match words:
        case ["list"]:
            columns = ("id", "name", "role", "projects", "created", "expires")
            print_table([_token_row(token) for token in tokens.list_tokens(database)], columns)
        case ["add", name]:
            role = users.role_of(options.role)
            print(tokens.add_token(database, name, role, options.projects, options.days))
            conf = options.folder / CONF
            username = _parsed(conf).get("scrapyd", "username", fallback="")
            if not _users(conf) and not users.scrapyd_login(username, "")[0]:
                report(
                    "the node has no users and asks nobody for a token; add one: aioscrapy node user add NAME"
                )
            report("note it now, it is not printed again; send it as `Authorization: Bearer TOKEN`")
        case ["remove", token_id]:
            if not tokens.remove_token(database, token_id):
                raise ConfigError(f"there is no token {token_id!r}")
            print(f"token {token_id} is removed")
        case _:
            raise ConfigError("usage: aioscrapy node token add NAME --role ROLE | list | remove ID")
    return 0


def _recover(options: argparse.Namespace) -> int:
    database = _database(options.folder)
    StateFolder(database.parent)  # no daemon works in it, and none begins to
    aside, rows = recover(database)
    print(f"{aside} is the damaged file; {database} is new and has what could be read of it:")
    print(", ".join(f"{number} {table} rows" for table, number in rows.items()))
    return 0


def _handback(options: argparse.Namespace) -> int:
    folder = options.folder
    eggs_dir = folder / _parsed(folder / CONF).get("scrapyd", "eggs_dir", fallback="eggs")
    done = hand_back(_database(folder).parent, eggs_dir)
    for project, number in done.moved.items():
        print(printable(f"{number} waiting job{'s' if number > 1 else ''} of {project}: now in {project}.db"))
    if not done.moved:
        print("No job waits in node.db")
    for project, (active, newest) in done.versions.items():
        report(
            f"{project}: a stock Scrapyd uses version {newest}, the latest by name; {active} is active here"
        )
    if done.limited:
        report(f"{len(done.limited)} jobs had a time limit or retries; a stock Scrapyd has neither")
    if done.running:
        report(f"these jobs run on, and a stock Scrapyd does not know them: {', '.join(done.running)}")
    print("Now remove the line `application` from scrapyd.conf and start scrapyd")
    return 0


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\n")
        if not line:
            raise ConfigError("the first line of standard input, the password, is empty; nothing has changed")
        return line
    first = getpass.getpass(f"Password of {name}: ")
    if not first or first != getpass.getpass("Again: "):
        raise ConfigError("the passwords are empty or differ; nothing has changed")
    return first


def _parsed(conf: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of users have their case
    try:
        parser.read_string(conf.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no {conf}: start the node once, or name its --folder") from None
    except (OSError, UnicodeDecodeError, configparser.Error) as exc:
        raise ConfigError(f"{conf} can't be read: {exc}") from exc
    return parser


def _users(conf: Path) -> dict[str, str]:
    parser = _parsed(conf)
    return dict(parser.items("users")) if parser.has_section("users") else {}


def _application(conf: Path) -> str:
    return _parsed(conf).get("scrapyd", "application", fallback="")


def _database(folder: Path) -> Path:
    dbs_dir = _parsed(folder / CONF).get("scrapyd", "dbs_dir", fallback="dbs")
    return folder / dbs_dir / "node.db"


def _write_user(conf: Path, name: str, line: str | None) -> None:
    """Replace, add or remove one line of [users]; every other line of the file stays as it is."""
    text = conf.read_text("utf-8")
    if not re.search(r"^\[users\]", text, re.MULTILINE):
        text = f"{text.rstrip()}\n\n[users]\n"
    before, header, section = re.split(r"^(\[users\][^\n]*\n?)", text, maxsplit=1, flags=re.MULTILINE)
    section = re.sub(rf"^{re.escape(name)}[ \t]*[=:].*\n?", "", section, flags=re.MULTILINE)
    if line is not None:
        section = f"{name} = {line}\n{section}"
    temporary = conf.with_name(f".{conf.name}.{os.getpid()}")
    temporary.write_text(f"{before}{header.rstrip()}\n{section}", encoding="utf-8")
    temporary.chmod(conf.stat().st_mode)
    temporary.replace(conf)


def _user_row(name: str, line: str) -> dict[str, str]:
    role, _, projects = line.partition(" ")[0].partition(":")
    return {"user": name, "role": role, "projects": projects or "all"}


def _token_row(token: tokens.Token) -> dict[str, str]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role.name.lower(),
        "projects": ",".join(sorted(token.projects)) or "all",
        "created": _day(token.created),
        "expires": _day(token.expires),
    }


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).date().isoformat() if seconds else "never"
