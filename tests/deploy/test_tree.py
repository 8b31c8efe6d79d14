"""Which files travel: packages whole, what builds and editors leave behind not."""

from pathlib import Path

import pytest

from aioscrapy_deploy.build.tree import copy_tree, folder_files, project_files
from aioscrapy_deploy.errors import BuildError
from support.deploying import Write

PACKAGE = {"shop/__init__.py": "", "shop/settings.py": "", "shop/data/prices.csv": "1"}
LEFT_OVERS = dict.fromkeys(
    [
        "shop/__pycache__/a.cpython-311.pyc",
        "shop/a.pyc",
        "shop/old.egg",
        "shop/.env",
        "shop/.env.local",
        "shop/.git/HEAD",
        "shop/shop.egg-info/PKG-INFO",
        "shop/env/pyvenv.cfg",
        "shop/env/lib/a.py",
        "shop/node_modules/a.js",
    ],
    "",
)


def test_a_package_travels_whole_without_left_overs(write: Write) -> None:
    folder = write(PACKAGE | LEFT_OVERS | {"shop/.hidden": "", "shop/a.py~": ""})
    assert project_files(folder, "shop.settings")[0].keys() == PACKAGE.keys()


def test_only_packages_travel_from_the_top(write: Write) -> None:
    others = {"other/__init__.py": "", "other/deep/__init__.py": ""}
    folder = write(
        PACKAGE | others | {"loose.py": "", "setup.cfg": "", "docs/a.py": "", "not-a-name/__init__.py": ""}
    )
    assert project_files(folder, "shop.settings")[0].keys() == PACKAGE.keys() | others.keys()


def test_the_settings_folder_travels_without_an_init(write: Write) -> None:
    assert project_files(write({"shop/settings.py": ""}), "shop.settings")[0].keys() == {"shop/settings.py"}


def test_a_settings_module_at_the_top_travels(write: Write) -> None:
    folder = write({"settings.py": "X = 1\n", "loose.py": "", "spiders/__init__.py": ""})
    assert project_files(folder, "settings")[0] == {"settings.py": b"X = 1\n", "spiders/__init__.py": b""}


def test_a_settings_module_that_is_not_there_is_named(write: Write) -> None:
    with pytest.raises(
        BuildError, match=r"^\[settings\] default = shoop.settings, but there is no shoop in "
    ):
        project_files(write(PACKAGE), "shoop.settings")


def test_a_copy_has_what_a_builder_needs_and_no_more(write: Write, tmp_path: Path) -> None:
    kept = {"setup.py": "", "MANIFEST.in": "", ".flake8": "", "docs/a.md": "", "dist/__init__.py": ""}
    left = {
        "build/lib/a.py": "",
        "eggs/p/1.egg": "",
        "logs/a.log": "",
        "dbs/p.db": "",
        ".git/HEAD": "",
        ".env": "",
    }
    folder = write(PACKAGE | kept | LEFT_OVERS | left | {".venv/pyvenv.cfg": "", ".venv/lib/a.py": ""})
    copy_tree(folder, tmp_path / "copy")
    assert folder_files(tmp_path / "copy").keys() == PACKAGE.keys() | kept.keys()


def test_a_link_in_the_project_is_followed_but_not_in_circles(write: Write, tmp_path: Path) -> None:
    folder = write(PACKAGE | {"shared/x.py": "X = 1\n"})
    (folder / "shop" / "shared.py").symlink_to(folder / "shared" / "x.py")
    (folder / "shop" / "more").symlink_to("../shared")
    (folder / "shop" / "round").symlink_to(folder / "shop")
    (folder / "shop" / "gone").symlink_to(tmp_path / "gone")
    files, left = project_files(folder, "shop.settings")
    assert files.keys() == PACKAGE.keys() | {"shop/shared.py", "shop/more/x.py"}
    assert files["shop/shared.py"] == b"X = 1\n"
    assert left.links == []


def test_a_link_that_leads_out_is_not_packed_and_is_named(write: Write, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "id.txt").write_text("secret")
    folder = write(PACKAGE | {".env": "secret", "shop/.git/config": "secret", "keys/id_rsa": "secret"})
    links = {
        "file.txt": tmp_path / "out" / "id.txt",
        "relative.txt": "../../out/id.txt",
        "folder": tmp_path / "out",
        "chain.txt": "file.txt",
        "env.txt": folder / ".env",
        "git.txt": ".git/config",
        "key.txt": "../keys/id_rsa",
        "up": folder.parent,
    }
    for name, target in links.items():
        (folder / "shop" / name).symlink_to(target)
    files, left = project_files(folder, "shop.settings")
    assert files.keys() == PACKAGE.keys()
    assert left.links == sorted(f"shop/{name}" for name in links)
    assert left.warnings()[0] == (
        "Warning: shop/chain.txt is a link that leads out of the project and is not packed "
        "(a line !shop/chain.txt in .eggignore packs it)"
    )
    copied, left_by_the_copy = copy_tree(folder, tmp_path / "copy")
    assert left_by_the_copy.links == left.links
    assert not {f"shop/{name}" for name in links} & copied


def test_the_ignore_list_lets_a_link_out_of_the_project_in(write: Write, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("A = 1\n")
    folder = write(PACKAGE | {".eggignore": "!shop/lib\nshop/other\n"})
    (folder / "shop" / "lib").symlink_to(tmp_path / "lib")
    (folder / "shop" / "other").symlink_to(tmp_path / "lib")
    files, left = project_files(folder, "shop.settings")
    assert files.keys() == PACKAGE.keys() | {"shop/lib/a.py"}
    assert left.links == []  # `other` is ignored on purpose


def test_a_package_that_is_itself_a_link_out_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "settings.py").write_text("")
    folder = write({"aioscrapy.cfg": ""})
    (folder / "shop").symlink_to(tmp_path / "src" / "shop")
    with pytest.raises(BuildError, match=r"^shop in .* is a link that leads out of the project"):
        project_files(folder, "shop.settings")
    write({".eggignore": "!shop\n"})
    assert project_files(folder, "shop.settings")[0].keys() == {"shop/settings.py"}


def test_keys_stay_at_home_and_are_named(write: Write, tmp_path: Path) -> None:
    secrets = dict.fromkeys(["shop/a.pem", "shop/deep/id_rsa", "shop/deep/b.key", "shop/ca.pem"], "")
    others = dict.fromkeys(["shop/notes/a.txt", "shop/raw.bin"], "")
    ignore = {".eggignore": "# our own\nshop/notes\n*.bin\n!ca.pem\n"}
    folder = write(PACKAGE | secrets | others | ignore)
    files, left = project_files(folder, "shop.settings")
    assert files.keys() == PACKAGE.keys() | {"shop/ca.pem"}
    assert left.secrets == ["shop/a.pem", "shop/deep/b.key", "shop/deep/id_rsa"]
    copied, left_by_the_copy = copy_tree(folder, tmp_path / "copy")
    assert copied == PACKAGE.keys() | {"shop/ca.pem", ".eggignore"}
    assert left_by_the_copy == left
    assert folder_files(tmp_path / "copy").keys() == PACKAGE.keys() | {"shop/ca.pem", ".eggignore"}


def test_a_name_that_is_not_utf_8_is_one_line(write: Write) -> None:
    folder = write(PACKAGE)
    try:
        (folder / "shop" / "caf\udce9.txt").write_text("1", encoding="utf-8")
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    with pytest.raises(BuildError, match=r"'shop/caf\\udce9.txt': the name of the file is not UTF-8"):
        project_files(folder, "shop.settings")
    write({".eggignore": "shop/caf?.txt\n"})
    assert project_files(folder, "shop.settings")[0].keys() == PACKAGE.keys()
