"""Settings: layers, conversions, errors that name the setting."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy import default_settings
from aioscrapy.exceptions import SettingError
from aioscrapy.middlewares.offsite import OffsiteMiddleware
from aioscrapy.settings import PRIORITIES, BaseSettings, Settings, SettingsAttribute


def test_settings_start_with_every_default() -> None:
    settings = Settings()
    for name in dir(default_settings):
        if name.isupper():
            assert settings[name] == getattr(default_settings, name)
            assert settings.getpriority(name) == 0


@given(st.permutations(sorted(PRIORITIES)))
def test_the_highest_layer_wins_in_any_order(layers: list[str]) -> None:
    settings = Settings()
    for layer in layers:
        settings.set("X", layer, layer)
    assert settings["X"] == "cmdline"


def test_the_later_value_of_one_layer_wins() -> None:
    settings = Settings({"X": 1})
    settings["X"] = 2
    assert settings["X"] == 2
    assert settings.getpriority("X") == PRIORITIES["project"]


def test_an_unknown_setting_is_none() -> None:
    settings = Settings()
    assert settings["NO_SUCH"] is None
    assert settings.get("NO_SUCH", 5) == 5
    assert settings.getpriority("NO_SUCH") is None
    assert "NO_SUCH" not in settings


@pytest.mark.parametrize("text", ["1", "true", "True", "YES", "on", " on "])
def test_words_for_true(text: str) -> None:
    assert Settings({"X": text}).getbool("X") is True


@pytest.mark.parametrize("text", ["0", "false", "False", "no", "OFF", "none", ""])
def test_words_for_false(text: str) -> None:
    assert Settings({"X": text}).getbool("X") is False


@given(st.integers())
def test_the_command_line_keeps_numbers(number: int) -> None:
    settings = Settings({"X": str(number)}, "cmdline")
    assert settings.getint("X") == number
    assert settings.getfloat("X") == float(number)


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters=",["), min_size=1).map(str.strip)))
def test_the_command_line_keeps_lists(words: list[str]) -> None:
    words = [word for word in words if word]
    assert Settings({"X": ",".join(words)}).getlist("X") == words
    assert Settings({"X": json.dumps(words)}).getlist("X") == words


@given(st.dictionaries(st.text(), st.integers()))
def test_the_command_line_keeps_dicts(pairs: dict[str, int]) -> None:
    assert Settings({"X": json.dumps(pairs)}).getdict("X") == pairs


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("getbool", "maybe"),
        ("getint", "1.5"),
        ("getint", []),
        ("getfloat", "fast"),
        ("getlist", "[1, "),
        ("getdict", "{"),
        ("getdict", "[1]"),
        ("getdict", 7),
    ],
)
def test_an_error_names_the_setting(method: str, value: Any) -> None:
    with pytest.raises(SettingError, match="setting X: ") as caught:
        getattr(Settings({"X": value}), method)("X")
    assert caught.value.name == "X"
    assert "\n" not in str(caught.value)


def test_components_override_the_built_in_ones_and_none_removes_one() -> None:
    settings = Settings({"EXTENSIONS_BASE": {"a": 1, "b": 2}, "EXTENSIONS": {"b": None, "c": 3}})
    assert settings.getwithbase("EXTENSIONS") == {"a": 1, "c": 3}


OURS = "aioscrapy.middlewares.offsite.OffsiteMiddleware"


@pytest.mark.parametrize(
    "path",
    [
        OURS,
        OffsiteMiddleware,
        "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware",
        "aioscrapy.downloadermiddlewares.offsite.OffsiteMiddleware",
        "aioscrapy.libs.downloader.offsite.OffsiteMiddleware",
    ],
)
@pytest.mark.parametrize("setting", ["DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES"])
def test_none_removes_a_built_in_component_by_every_name_of_it(setting: str, path: Any) -> None:
    assert OURS in Settings().getwithbase(setting)
    left = Settings({setting: {path: None}}).getwithbase(setting)
    assert OURS not in left
    assert len(left) == len(Settings().getwithbase(setting)) - 1


def test_none_for_scrapys_name_removes_a_middleware_in_both_of_its_roles() -> None:
    path = "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware"
    settings = Settings({"DOWNLOADER_MIDDLEWARES": {path: None}})
    assert OURS not in settings.getwithbase("SPIDER_MIDDLEWARES")
    ours = Settings({"DOWNLOADER_MIDDLEWARES": {OURS: None}})
    assert OURS in ours.getwithbase("SPIDER_MIDDLEWARES")


def test_none_for_a_component_of_the_project_leaves_ours_of_the_same_name() -> None:
    settings = Settings({"DOWNLOADER_MIDDLEWARES": {"shop.middlewares.OffsiteMiddleware": None}})
    assert OURS in settings.getwithbase("DOWNLOADER_MIDDLEWARES")


def test_a_class_takes_the_place_of_its_path() -> None:
    middlewares = Settings({"SPIDER_MIDDLEWARES": {OffsiteMiddleware: 10}}).getwithbase("SPIDER_MIDDLEWARES")
    assert OURS not in middlewares
    assert middlewares[OffsiteMiddleware] == 10


def test_a_copy_can_change() -> None:
    settings = Settings({"X": 1})
    settings.freeze()
    copy = settings.copy()
    copy.set("X", 2, "cmdline")
    assert (settings["X"], copy["X"]) == (1, 2)
    assert copy.copy_to_dict()["X"] == 2


def test_frozen_settings_refuse_a_change() -> None:
    settings = Settings()
    settings.freeze()
    with pytest.raises(TypeError, match="the crawl has begun"):
        settings["X"] = 1
    with pytest.raises(TypeError, match="the crawl has begun"):
        del settings["BOT_NAME"]


def test_settings_are_a_mapping() -> None:
    settings = Settings({"X": 1})
    assert len(settings) == len(list(settings)) == len(Settings()) + 1
    del settings["X"]
    assert settings.setdefault("X", 3) == 3
    assert settings.setdefault("X", 4) == 3


def test_settings_take_other_settings_pairs_and_json() -> None:
    settings = BaseSettings({"A": 0, "B": [[1]]}, "spider")
    settings.update(BaseSettings({"A": 1}, "cmdline"))
    settings.update([("A", 2), ("C", 3)], "project")
    settings.update('{"D": 4}')
    copy = settings.copy()
    settings["B"][0].append(2)
    assert copy.copy_to_dict() == {"A": 1, "B": [[1]], "C": 3, "D": 4}
    assert settings.getpriority("A") == 40
    with pytest.raises(KeyError):
        settings.delete("UNKNOWN")


def test_a_dict_of_the_defaults_has_layers_of_its_own() -> None:
    settings = Settings()
    settings["EXTENSIONS"]["shop.Extension"] = 5
    assert Settings()["EXTENSIONS"] == {}  # the defaults stay
    settings.set("EXTENSIONS", '{"a.B": 1}', "cmdline")
    assert isinstance(settings["EXTENSIONS"], BaseSettings)
    assert (settings.getdict("EXTENSIONS"), settings["EXTENSIONS"].getpriority("a.B")) == ({"a.B": 1}, 40)


def test_a_dict_that_is_not_one_is_refused_by_its_name() -> None:
    with pytest.raises(SettingError, match="setting EXTENSIONS: "):
        Settings({"EXTENSIONS": '{"a"'}).check()


def test_a_value_is_kept_with_its_layer() -> None:
    settings = BaseSettings({"A": 1}, "spider")
    settings.set("B", SettingsAttribute(2, 40), "default")
    assert {name: (one.value, one.priority) for name, one in settings.attributes.items()} == {
        "A": (1, 30),
        "B": (2, 40),
    }
    assert settings.pop("A") == 1
    assert settings.pop("A", None) is None


def test_a_component_is_found_by_each_of_its_paths() -> None:
    settings = BaseSettings({"X": {"scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": 3, "a.Gone": 4}})
    settings.replace_in_component_priority_dict("X", OffsiteMiddleware, "b.Mine")
    assert settings.getdict("X") == {"a.Gone": 4, "b.Mine": 3}


def test_of_two_names_of_a_class_the_last_is_used(caplog: pytest.LogCaptureFixture) -> None:
    settings = BaseSettings({"X": {OURS: 1, OffsiteMiddleware: 2, "a.Gone": None}})
    assert settings.get_component_priority_dict_with_base("X") == {OffsiteMiddleware: 2}
    assert OURS in caplog.text
