"""Settings: defaults, file, environment, command line, in that order; and one line for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedstore import Recorder, Settings, SettingsError, StartSettings, Store, load_settings, start_settings


def test_no_file_is_needed() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.sources == {}


def test_the_last_word_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'window = "7d"\ntheme = "dusk"\nretention_runs_days = "keep"\n[policy]\ntarget = 0.9\nlocked = ["layer:x"]\n'
    )
    monkeypatch.setenv("FEDTOP_CONFIG", str(file))
    monkeypatch.setenv("FEDTOP_THEME", "dawn")
    monkeypatch.setenv("FEDTOP_READONLY", "1")
    settings = Settings.load(window="15m", interval_s=None)
    assert (settings.window, settings.theme, settings.readonly) == ("15m", "dawn", True)
    assert (settings.retention_runs_days, settings.policy.target, settings.policy.locked) == ("keep", 0.9, ("layer:x",))
    assert settings.sources == {
        "window": "command line", "theme": "FEDTOP_THEME", "readonly": "FEDTOP_READONLY",
        "retention_runs_days": str(file), "policy": str(file),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("windw = '7d'", "windw: unknown setting"), ("window = 'soon'", "window: 'soon' is not a window"),
        ("interval_s = 0", "interval_s: "), ("interval_s = nan", "interval_s: "), ("theme =", "is not valid TOML"),
        ("retention_runs_days = 'forever'", "retention_runs_days"), ("[policy]\ntarget = 2", "policy.target: "),
        ("store = 5", "store: "), ("\x00", "is not valid TOML"), ("a = " + "[" * 9_000, "nested too deeply"),
        ("a = " + "9" * 9_000, "is not valid TOML"), ("metrics_json = '/'", "'/' is a folder: name the file in it"),
        ("[policy]\nlocked = ['x']", "policy.locked: 'x' locks nothing: write agent:NAME"),
        ("[policy]\nlocked = ['layers:keyword']", "'layers:keyword' locks nothing"),
        ("[policy]\nlocked = ['agent:']", "'agent:' locks nothing"),
    ],
)  # fmt: skip
def test_nonsense_is_one_line_that_names_it(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as error:
        Settings.load(file)
    assert "\n" not in str(error.value)
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(tmp_path / "none.toml")


def test_the_environment_is_named_when_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDTOP_INTERVAL", "often")
    with pytest.raises(SettingsError, match="FEDTOP_INTERVAL: interval_s: "):
        Settings.load()


def test_every_setting_says_what_it_is() -> None:
    for model in (Settings, type(Settings().policy)):
        unsaid = [name for name, field in model.model_fields.items() if not field.description]
        assert unsaid == []


def test_a_store_goes_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(settings=Settings(store=tmp_path / "a.db")) as store:
        assert store.path == tmp_path / "a.db"
        assert store.settings.store == tmp_path / "a.db"
    monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / "b.db"))
    with Store() as store:
        assert store.path == tmp_path / "b.db"
        assert "b.db" in repr(store)


def test_a_pane_starts_with_what_would_be_loaded(tmp_path: Path) -> None:
    given = {"store": tmp_path / "a.db", "window": "7d", "interval_s": 3.0, "theme": "dusk", "ascii": None}
    for words in ({}, given):
        start, loaded = start_settings(**words), Settings.load(**words)
        assert start is not None
        assert {name: getattr(loaded, name) for name in StartSettings._fields} == start._asdict()


def test_a_pane_starts_without_a_look_only_where_nothing_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start_settings(window="soon") is None
    monkeypatch.setenv("FEDTOP_READONLY", "1")
    assert start_settings() is None
    monkeypatch.delenv("FEDTOP_READONLY")
    monkeypatch.setenv("FEDTOP_STORE", str(tmp_path / "b.db"))
    assert start_settings() == StartSettings()
    monkeypatch.setenv("FEDTOP_CONFIG", str(tmp_path / "config.toml"))
    assert start_settings() is not None
    (tmp_path / "config.toml").write_text("")
    assert start_settings() is None


_ODD = (
    'windw = "7d"', "window = 5", "theme = 5", '[keymap]\n"time.pause" = 5', "[policy]\ntarget = 2",
    "interval_s = 0", 'tool_rule = "luck"',
)  # fmt: skip


@pytest.mark.parametrize("text", [*_ODD, "retention_runs_days = 'for ever'"])
def test_a_mistake_in_another_setting_does_not_keep_from_recording(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"keep_content = true\n{text}\n")
    settings = Settings.load(file, purpose="recording", store=tmp_path / "s.db")
    assert (settings.keep_content, settings.store) == (True, tmp_path / "s.db")
    file.write_text(f"keep_content = 'perhaps'\n{text}\n")
    with pytest.raises(SettingsError, match="keep_content"):
        Settings.load(file, purpose="recording")


@pytest.mark.parametrize("text", [*_ODD, "keep_content = 'perhaps'"])
@pytest.mark.parametrize("opened", [False, True])
def test_a_mistake_in_another_setting_does_not_keep_from_purging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, opened: bool
) -> None:
    file, path = tmp_path / "config.toml", tmp_path / "s.db"
    file.write_text(f"retention_runs_days = 3\n{text}\n")
    monkeypatch.setenv("FEDTOP_CONFIG", str(file))
    now = [1_773_146_096_789]
    with Store(path, clock=lambda: now[0]) as store:
        recorder = Recorder(store if opened else path, clock=lambda: now[0])
        for day in range(5):
            now[0] += 86_400_000
            for _ in range(20):  # steps of a purge, which a recorder does now and then
                recorder._sink._next_slice = 0.0
                recorder.task(f"day {day}", id=f"{day}")
        recorder.close()
        agents = [agent for (agent,) in store.database.read("SELECT agent FROM runs")]
        assert agents == [f"day {n}" for n in (1, 2, 3, 4)]
