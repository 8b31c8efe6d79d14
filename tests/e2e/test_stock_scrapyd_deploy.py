"""The real scrapyd-deploy of scrapyd-client, in its own environment, on a project made by startproject."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import child_environment
from support.environments import peer_environment
from support.scrapyd import ScrapydServer
from support.site import Site


@pytest.mark.timeout(600)
def test_a_startproject_project_deploys_with_the_stock_command(
    tmp_path: Path, scrapyd: ScrapydServer, site: Site
) -> None:
    stock = peer_environment("scrapyd-client", "scrapyd-client==2.0.3", "setuptools<81")
    aioscrapy = [sys.executable, "-m", "aioscrapy"]
    subprocess.run([*aioscrapy, "startproject", "shop"], cwd=tmp_path, check=True, env=child_environment())
    project = tmp_path / "shop"
    subprocess.run(
        [*aioscrapy, "genspider", "pages", f"{site.url}/"], cwd=project, check=True, env=child_environment()
    )
    for cfg in ("scrapy.cfg", "aioscrapy.cfg"):
        path = project / cfg
        path.write_text(path.read_text().replace("http://localhost:6800/", scrapyd.url))

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [stock / "scrapyd-deploy", "local"], cwd=project, capture_output=True, text=True, env=environment
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spiders"] == 1
    job = scrapyd.api("schedule", "POST", project="shop", spider="pages")["jobid"]
    scrapyd.wait_job(job)
    assert "Spider closed (finished)" in scrapyd.log("shop", "pages", job)
    assert [item["title"] for item in scrapyd.items("shop", "pages", job)]
