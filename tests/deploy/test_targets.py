"""Targets: what the cfg files of project, home and system say together."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy_deploy.cfg import find_project
from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.targets import Target, choose_target, read_targets
from support.deploying import Run, Write


def targets_of(folder: Path) -> dict[str, Target]:
    return read_targets(find_project(folder).cfg)


def test_a_named_target_inherits_from_deploy(write: Write) -> None:
    folder = write(
        {
            "aioscrapy.cfg": "[deploy]\nproject = p\nusername = me\n"
            "[deploy:a]\nurl = http://a\n[deploy:b]\nproject = q"
        }
    )
    assert targets_of(folder) == {
        "a": Target("a", url="http://a", project="p", username="me"),
        "b": Target("b", project="q", username="me"),
    }


def test_deploy_is_the_target_default_only_with_a_url(write: Write) -> None:
    folder = write({"aioscrapy.cfg": "[deploy]\nurl = http://a\n"})
    assert targets_of(folder) == {"default": Target("default", url="http://a")}
    write({"aioscrapy.cfg": "[deploy]\nurl = http://a\nproject = p\n[deploy:default]\nurl = http://b\n"})
    assert targets_of(folder) == {"default": Target("default", url="http://b", project="p")}


def test_aioscrapy_cfg_wins_over_scrapy_cfg_in_the_same_folder(write: Write) -> None:
    folder = write(
        {
            "scrapy.cfg": "[settings]\ndefault = old.settings\n[deploy:a]\nurl = http://a\nproject = p\n",
            "aioscrapy.cfg": "[deploy:a]\nurl = http://b\n",
        }
    )
    assert targets_of(folder) == {"a": Target("a", url="http://b", project="p")}
    assert find_project(folder).settings_module("default") == "old.settings"


def test_the_closest_folder_with_a_cfg_is_the_project(write: Write) -> None:
    folder = write({"aioscrapy.cfg": "[deploy:a]\nurl = http://a\n", "in/scrapy.cfg": "", "in/deep/x": ""})
    assert find_project(folder / "in" / "deep").folder == folder / "in"
    assert targets_of(folder / "in" / "deep") == {}


def test_a_file_at_home_counts_for_projects_of_its_name(write: Write, home: Path) -> None:
    (home / ".scrapy.cfg").write_text("[deploy:old]\nurl = http://old\n")
    (home / ".config").mkdir()
    (home / ".config" / "aioscrapy.cfg").write_text("[deploy:new]\nurl = http://new\nproject = far\n")
    folder = write({"aioscrapy.cfg": "[deploy:new]\nproject = near\n"})
    assert targets_of(folder) == {"new": Target("new", url="http://new", project="near")}
    (folder / "aioscrapy.cfg").rename(folder / "scrapy.cfg")
    assert targets_of(folder) == {
        "old": Target("old", url="http://old"),
        "new": Target("new", project="near"),
    }


def test_xdg_config_home_is_looked_into(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "aioscrapy.cfg").write_text("[deploy:a]\nurl = http://a\n")
    assert targets_of(write({"aioscrapy.cfg": ""})) == {"a": Target("a", url="http://a")}


def test_values_are_interpolated_then_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "sesame")
    folder = write(
        {
            "aioscrapy.cfg": """
                [deploy:a]
                host = a.example
                url = http://%(host)s:6800/
                password = ${WORD}100%%
                username = $NOT_THERE
            """
        }
    )
    assert targets_of(folder)["a"] == Target(
        "a", url="http://a.example:6800/", username="$NOT_THERE", password="sesame100%"
    )


@pytest.mark.parametrize("password", ["hush%rush", "hush%", "hush%(secret)s"])
def test_a_percent_sign_in_a_password_is_explained_without_it(write: Write, password: str) -> None:
    folder = write({"aioscrapy.cfg": f"[deploy:a]\npassword = {password}\n"})
    with pytest.raises(TargetError, match=r"^\[deploy:a\] password .*%%") as caught:
        targets_of(folder)
    assert "hush" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("password = hush\n", "line 1: a \\[section\\] is missing"),
        ("[deploy:a]\nhush\n", "line 2: neither"),
        ("[deploy:a]\n[deploy:a]\n", "line 2: \\[deploy:a\\] appears twice"),
        ("[deploy:a]\nurl = 1\nurl = 2\n", "line 3: 'url' appears twice in \\[deploy:a\\]"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(write: Write, text: str, problem: str) -> None:
    folder = write({"aioscrapy.cfg": ""})
    (folder / "aioscrapy.cfg").write_text(text)
    with pytest.raises(TargetError, match=f"aioscrapy.cfg, {problem}") as caught:
        find_project(folder)
    assert "hush" not in str(caught.value)


def test_bytes_that_are_not_text_are_reported(write: Write) -> None:
    folder = write({"aioscrapy.cfg": ""})
    (folder / "aioscrapy.cfg").write_bytes(b"[deploy:\xff]\n")
    with pytest.raises(TargetError, match="not UTF-8"):
        find_project(folder)


def test_an_unknown_target_is_reported_with_the_known_ones() -> None:
    with pytest.raises(TargetError, match=r"^Unknown target: x\nKnown targets: a, b$"):
        choose_target({"a": Target("a"), "b": Target("b")}, "x")


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="$"), min_size=1)
)
def test_any_word_is_a_password_once_its_percent_signs_are_doubled(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    text = f"[deploy:a]\npassword = {password.replace('%', '%%')}\n"
    (folder / "aioscrapy.cfg").write_text(text, encoding="utf-8")
    assert targets_of(folder)["a"].password == password


def test_targets_are_listed_without_their_passwords(write: Write, deploy: Run) -> None:
    write({"aioscrapy.cfg": "[deploy:a]\nurl = http://me:hush@host:6800/p\n[deploy:much-longer]\n"})
    done = deploy("-l")
    assert (done.status, done.err) == (0, "")
    assert done.out == "a                    http://host:6800/p\nmuch-longer\n"


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("http://a", ("http://a",)),
        ("http://a http://b:1/x", ("http://a", "http://b:1/x")),
        ("http://a,https://b, http://a", ("http://a", "https://b")),
        ("\nhttp://a\nhttp://b\n", ("http://a", "http://b")),
        ("http://me:1,2@a", ("http://me:1,2@a",)),
        ("", ()),
        (None, ()),
    ],
)
def test_a_url_may_be_several(url: str | None, urls: tuple[str, ...]) -> None:
    assert Target("t", url=url).urls == urls


def test_every_scrapyd_of_a_target_is_a_target() -> None:
    one = Target("t", url="http://a", project="p")
    assert one.by_server() == [one]
    two = Target("t", url="http://a http://me:hush@b", project="p")
    assert two.by_server() == [
        Target("t (http://a)", url="http://a", project="p"),
        Target("t (http://b)", url="http://me:hush@b", project="p"),
    ]
