"""The check before the upload: what is the project's fault, and what only this machine lacks."""

from pathlib import Path

import pytest

from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from support.deploying import SPIDER, Run, Server, Write

SETTINGS = "SPIDER_MODULES = ['shop.spiders']\n"
SET = "is not set in the environment here"

EXPLAINED = {
    "a variable": ({"shop/settings.py": "import os\nX = os.environ['SHOP_DSN']\n"}, f"SHOP_DSN {SET}"),
    "getenv and int": (
        {"shop/settings.py": "import os\nX = int(os.getenv('SHOP_PORT'))\n"},
        f"SHOP_PORT {SET}",
    ),
    "get and raise": (
        {
            "shop/settings.py": """
                import os
                DSN = os.environ.get("SHOP_DSN")
                if not DSN:
                    raise RuntimeError("no DSN")
            """
        },
        f"SHOP_DSN {SET}",
    ),
    "get and exit": (
        {"shop/settings.py": "import os, sys\nX = os.getenv('SHOP_DSN') or sys.exit('no DSN')\n"},
        f"SHOP_DSN {SET}",
    ),
    "in": ({"shop/settings.py": "import os\nassert 'SHOP_DSN' in os.environ\n"}, f"SHOP_DSN {SET}"),
    "two": (
        {"shop/settings.py": "import os\nX = os.getenv('SHOP_A')\nX += os.environ['SHOP_B']\n"},
        "SHOP_A, SHOP_B are not set in the environment here",
    ),
    "in a function of the project": (
        {
            "shop/env.py": "import os\n\n\ndef need(name):\n    return os.environ[name]\n",
            "shop/settings.py": "from shop.env import need\nX = need('SHOP_DSN')\n",
        },
        f"SHOP_DSN {SET}",
    ),
    "by a library": (
        {"shop/settings.py": "import collections, os\nX = collections.ChainMap({}, os.environ)['SHOP_X']\n"},
        f"SHOP_X {SET}",
    ),
    "a required distribution": (
        {"requirements.txt": "server.only>=1\n", "shop/settings.py": "import server_only.deep\n"},
        "the project requires server-only, not installed here",
    ),
    "a distribution of another name": (
        {"requirements.txt": "lxml\nPyNonesuch>=1  # yaml\n", "shop/settings.py": "import nonesuch_c\n"},
        "the project requires pynonesuch, not installed here",
    ),
    "a library of the system": (
        {"shop/settings.py": "import ctypes\nX = ctypes.CDLL('libnonesuch.so.5')\n"},
        "a library of the system is not installed here",
    ),
    "a file": (
        {"shop/settings.py": "X = open('/nonesuch/shop.toml').read()\n"},
        "/nonesuch/shop.toml can't be read on this machine",
    ),
    "a host": (
        {"shop/settings.py": "import socket\nX = socket.create_connection(('127.0.0.1', 9))\n"},
        "what it connects to does not answer here",
    ),
    "in a spider": (
        {"shop/settings.py": SETTINGS, "shop/spiders/one.py": "import os\nX = os.environ['SHOP_DSN']\n"},
        f"SHOP_DSN {SET}",
    ),
    "in a pipeline": (
        {
            "shop/settings.py": SETTINGS + "ITEM_PIPELINES = {'shop.pipelines.Clean': 1}\n",
            "shop/pipelines.py": "import os\nX = os.environ['SHOP_DSN']\n\n\nclass Clean:\n    pass\n",
        },
        f"SHOP_DSN {SET}",
    ),
}


@pytest.mark.parametrize(("files", "reason"), EXPLAINED.values(), ids=EXPLAINED)
def test_an_error_that_this_machine_explains_is_a_warning_and_the_server_decides(
    project: Path, write: Write, deploy: Run, server: Server, files: dict[str, str], reason: str
) -> None:
    write(files)
    done = deploy("local", "-v", "7")
    assert done.status == 0, done.err
    (warning,) = [line for line in done.err.splitlines() if line.startswith("Warning: the project")]
    assert warning.startswith("Warning: the project can't be imported here: shop/")
    assert warning.endswith(f" ({reason}); the server checks it")
    assert len(server.seen) == 1


def test_a_list_that_is_short_because_of_this_machine_is_not_written_into_the_egg(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    write({"shop/spiders/two.py": "import os\nX = os.environ['SHOP_DSN']\n"})
    done = deploy("local", "-v", "7")
    assert done.status == 0
    left_out = "Warning: a spider module is left out: shop/spiders/two.py:2: KeyError: 'SHOP_DSN'"
    assert f"{left_out} (SHOP_DSN {SET})\n" in done.err
    assert recorded_spiders(read_egg(server.seen[0].fields["egg"], "it")) is None


UNEXPLAINED = {
    "a default": "import os\nX = os.environ.get('SHOP_DSN', '')\n1 / 0\n",
    "a variable that is set": "import os\nX = os.environ['HOME']\n1 / 0\n",
    "a variable that is removed": "import os\nos.environ.pop('SHOP_DSN', None)\n1 / 0\n",
    "a library's own variables": "import requests\n1 / 0\n",
    "a typing error": "import os\nX = os.environ.get('SHOP_DSN')\nY = shop_dsn\n",
    "a key of the project": "X = {}['SHOP_DSN']\n",
    "an unknown module": "import nonesuch\n",
    "a module of the project": "import shop.nonesuch\n",
    "a name of a module": "import os\nX = os.environ.get('SHOP_DSN')\nfrom shop import nonesuch\n",
    "a file of the project": "X = open('data.json').read()\n",
}


@pytest.mark.parametrize("settings", UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_an_error_of_the_project_ends_the_deploy_and_names_the_way_around(
    project: Path, write: Write, deploy: Run, server: Server, settings: str
) -> None:
    write({"shop/settings.py": settings + SETTINGS})
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith("Error: the project can't be imported: shop/settings.py:")
    assert done.err.endswith(" (--no-check deploys without this check)\n")
    assert server.seen == []
    done = deploy("local", "-v", "7", "--no-check")
    assert done.status == 0
    assert "Note: spiders are not listed before the upload: --no-check\n" in done.err


def test_an_import_that_ends_python_can_be_deployed_unchecked(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    write({"shop/settings.py": "import os\nos._exit(3)\n"})
    assert deploy("local").err.endswith("exit status 3 (--no-check deploys without this check)\n")
    assert deploy("local", "--no-check").status == 0
    assert len(server.seen) == 1


CLEAN = "class Clean:\n    pass\n"
COMPONENTS = {
    "a module beside the cfg": (
        {"shop/pipelines.py": f"from helpers import clean\n{CLEAN}", "helpers.py": "clean = str\n"},
        "ITEM_PIPELINES = {'shop.pipelines.Clean': 1}",
        "shop/pipelines.py:1: ModuleNotFoundError: No module named 'helpers' "
        "(ITEM_PIPELINES: shop.pipelines.Clean); "
        "helpers.py is not in the egg: put it into a package of the project",
    ),
    "a class": (
        {"shop/pipelines.py": CLEAN},
        "ITEM_PIPELINES = {'shop.pipelines.Clear': 1}",
        "ITEM_PIPELINES: 'shop.pipelines' has no 'Clear'",
    ),
    "a module": ({}, "DOWNLOADER_MIDDLEWARES = {'shop.nonesuch.X': 1}", "No module named 'shop.nonesuch'"),
    "spider middleware": ({}, "SPIDER_MIDDLEWARES = {'shop.nonesuch.X': 1}", "(SPIDER_MIDDLEWARES: shop."),
    "an extension": (
        {"shop/ext.py": "1 / 0\n"},
        "EXTENSIONS = {'shop.ext.X': 1}",
        "shop/ext.py:1: Zero",
    ),
    "one of ours": (
        {},
        "EXTENSIONS = {'aioscrapy.extensions.nonesuch.X': 1}",
        "aioscrapy.extensions.nonesuch",
    ),
    "a handler": (
        {},
        "DOWNLOAD_HANDLERS = {'http': 'shop.nonesuch.X'}",
        "(DOWNLOAD_HANDLERS: shop.",
    ),
    "stats": ({}, "STATS_CLASS = 'shop.nonesuch.X'", "(STATS_CLASS: shop.nonesuch.X)"),
    "a wrong value": (
        {},
        "CONCURRENT_REQUESTS = -1",
        "setting CONCURRENT_REQUESTS: -1 is not a whole number",
    ),
    "no dict": ({}, "ITEM_PIPELINES = ['shop.pipelines.Clean']", "ITEM_PIPELINES"),
}


@pytest.mark.parametrize(("files", "setting", "problem"), COMPONENTS.values(), ids=COMPONENTS)
def test_a_component_that_cannot_be_loaded_ends_the_deploy(
    project: Path,
    write: Write,
    deploy: Run,
    server: Server,
    files: dict[str, str],
    setting: str,
    problem: str,
) -> None:
    write({**files, "shop/settings.py": f"{SETTINGS}{setting}\n"})
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith("Error: the project can't be imported: ")
    assert problem in done.err
    assert server.seen == []


def test_a_module_that_is_a_link_out_of_the_project_is_named(
    project: Path, write: Write, deploy: Run, tmp_path: Path
) -> None:
    (tmp_path / "common.py").write_text("X = 1\n")
    (project / "shop" / "common.py").symlink_to(tmp_path / "common.py")
    write({"shop/settings.py": f"import shop.common\n{SETTINGS}"})
    done = deploy("local")
    assert done.status == 1
    assert "; links that lead out of the project are not packed: shop/common.py (--no-check" in done.err
    write({".eggignore": "!shop/common.py\n"})
    assert deploy("local").status == 0


def test_a_component_that_is_switched_off_need_not_exist(project: Path, write: Write, deploy: Run) -> None:
    write({"shop/settings.py": SETTINGS + "EXTENSIONS = {'shop.nonesuch.X': None}\n"})
    assert deploy("local").status == 0


def test_a_spider_without_settings_has_those_of_the_project(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    redis = (
        'SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.redis.SpiderQueue"\n'
        'DUPEFILTER_CLASS = "aioscrapy.dupefilters.redis.RedisRFPDupeFilter"\n'
        'SCHEDULER_SERIALIZER = "aioscrapy.serializer.MsgpackSerializer"\n'
    )
    write({"shop/settings.py": SETTINGS + redis})
    assert "Warning: jobs of spider" not in deploy("local").err


def test_a_component_of_one_spider_is_a_warning(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    own = '    custom_settings = {"ITEM_PIPELINES": {"shop.nonesuch.X": 1}}\n'
    write({"shop/spiders/two.py": SPIDER.replace("One", "Two").replace('"one"', '"two"') + own})
    done = deploy("local")
    assert done.status == 1  # this server counts one spider
    assert (
        "Warning: jobs of spider two can't run: ModuleNotFoundError: No module named 'shop.nonesuch'"
        in done.err
    )
    assert len(server.seen) == 1


REFUSED = {
    "a name that is not a line": (
        {"shop/spiders/two.py": SPIDER.replace("One", "Two").replace('"one"', r'"a\nb"')},
        r"the spider name 'a\nb' has a control character",
    ),
    "an exception without a text": (
        {
            "shop/settings.py": "class Mute(Exception):\n    def __str__(self):\n        return 1 / 0\n"
            "raise Mute\n"
        },
        "shop/settings.py:4: Mute: without a text: ZeroDivisionError",
    ),
    "a settings module that is not there": (
        {"aioscrapy.cfg": "[settings]\ndefault = shop.nonesuch\n[deploy:local]\nurl = URL\nproject = shop\n"},
        "ModuleNotFoundError: No module named 'shop.nonesuch'",
    ),
    "a comment behind the settings": (
        {
            "aioscrapy.cfg": "[settings]\ndefault = shop.settings  # ours\n"
            "[deploy:local]\nurl = URL\nproject = shop\n"
        },
        "ModuleNotFoundError: No module named 'shop.settings # ours'",
    ),
}


@pytest.mark.parametrize(("files", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_the_server_would_refuse_is_not_uploaded(
    project: Path, write: Write, deploy: Run, server: Server, files: dict[str, str], reason: str
) -> None:
    write({name: text.replace("URL", server.url) for name, text in files.items()})
    done = deploy("local")
    assert done.status == 1
    assert (
        done.err.splitlines()[-1]
        == f"Error: the project can't be imported: {reason} (--no-check deploys without this check)"
    )
    assert server.seen == []
