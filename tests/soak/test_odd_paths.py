"""Training, resuming, evaluation, export and editing in folders of any name."""

import dataclasses
from pathlib import Path

import pytest

from ssgan_tf import config as configs
from ssgan_tf import evaluate, export, train
from ssgan_tf.editing import Editor
from tests.support import fakes
from tests.support.odd_names import EVERYTHING, ODD_NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ODD_NAMES, EVERYTHING, "x" * 255, "/".join(["y" * 100] * 36)])
def test_everything_works_in_a_folder_of_any_name(name, tmp_path):
    place = tmp_path / name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fakes.Fake, "count", 240)
        patch.setattr(fakes.Fake, "readable", True)
        fakes.prepare(tmp_path / "data")
    place.mkdir(parents=True)
    (tmp_path / "data").rename(place / "data")
    (place / "tiny.py").write_text(fakes.CONFIG)
    config = configs.load_config(f"{place}/tiny.py")
    for images in (8, 16):
        short = dataclasses.replace(config, train=dataclasses.replace(config.train, images=images))
        run = train.run(short, f"{place}/run", f"{place}/data", quiet=True)
    assert run.step == 2
    assert evaluate.run(f"{place}/run", f"{place}/data", samples=100, oracle_images=128, quiet=True)
    export.run(f"{place}/run", f"{place}/export")
    assert len(Editor.load(Path(place, "export")).factors) == 3
