"""Runs in the peers' own environment; each command prints one line of JSON.

api URL METHOD ARGUMENTS    what a method of python-scrapyd-api returns; ARGUMENTS is a JSON object
parse LOG                   what `logparser.parse`, which ScrapydWeb uses, reads in a log
watch LOGS SERVER           the stats.json that the program LogParser writes in one round

PEER_LOGIN is the login for the daemon, NAME:PASSWORD.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def api(url: str, method: str, arguments: str) -> Any:
    """Call python-scrapyd-api; an argument `egg` is the path of the file to send."""
    from scrapyd_api import ScrapydAPI  # type: ignore[import-not-found]  # only there

    fields = json.loads(arguments)
    if "egg" in fields:
        fields["egg"] = Path(fields["egg"]).read_bytes()
    name, _, password = os.environ.get("PEER_LOGIN", "").partition(":")
    auth = (name, password) if name else None
    return getattr(ScrapydAPI(url, auth=auth, timeout=60), method)(**fields)


def parse(log: str) -> Any:
    """Read one log."""
    import logparser  # type: ignore[import-not-found]  # only there

    return logparser.parse(Path(log).read_text(encoding="utf-8"))


def watch(logs: str, server: str) -> Any:
    """Run LogParser for one round: `logparser` itself would ask the net for a newer version of itself."""
    from logparser.logparser import LogParser  # type: ignore[import-not-found]  # only there
    from logparser.utils import custom_settings  # type: ignore[import-not-found]  # only there

    custom_settings.update(
        scrapyd_server=server, scrapyd_logs_dir=logs, enable_telnet=False, exit_timeout=0.001
    )
    LogParser(**custom_settings).main()
    return json.loads(Path(logs, "stats.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    commands: dict[str, Any] = {"api": api, "parse": parse, "watch": watch}
    sys.stdout.write("\n" + json.dumps(commands[sys.argv[1]](*sys.argv[2:])) + "\n")
