"""Folders of `ssgan new`: programs find the run, the data and the export from the config alone."""

import pytest

from ssgan_tf.utils import project
from ssgan_tf.utils.project import Places, find_places


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cups").mkdir()
    (tmp_path / "cups/config.py").touch()
    project.write_state("cups", {"run": "run"})
    return tmp_path


def test_places_beside_the_config(folder, monkeypatch):
    assert find_places("cups/config.py") == Places("cups/run", "cups/data", "cups/run/export")
    assert find_places("cups/config.py:large").workdir == "cups/run"
    project.write_state("cups", {"run": "run2", "more": 1})
    assert find_places("cups/config.py") == Places("cups/run2", "cups/data", "cups/run2/export")
    monkeypatch.chdir(folder / "cups")
    assert find_places("config.py") == Places("run2", "data", "run2/export")


def test_places_that_are_given_win(folder):
    assert find_places("cups/config.py", "runs/a", "d") == Places("runs/a", "d", "")
    assert find_places("cups/config.py", "cups/run").export == "cups/run/export"
    assert find_places("demo", "runs/a") == find_places(None, "runs/a") == Places("runs/a", "data")


@pytest.mark.parametrize("config", [None, "demo", "other.py", "cups/other.py", "cups/config.py/x"])
def test_other_configs_need_a_workdir(config, folder):
    (folder / "cups/other.py").touch()
    with pytest.raises(ValueError, match="^workdir: expected the folder of the run, or a --config that `ssgan new`"):
        find_places(config)


@pytest.mark.parametrize("text", ["", "[]", '{"run": "../elsewhere"}', '{"run": 3}', "{"])
def test_a_damaged_record_is_named(text, folder):
    (folder / "cups/project.json").write_text(text)
    message = "^config: cups/project.json is not a record of `ssgan new`: .* another --out.$"
    with pytest.raises(ValueError, match=message):
        find_places("cups/config.py")
