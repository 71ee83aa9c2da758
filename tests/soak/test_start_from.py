"""A Semi-StyleGAN that starts from another one's networks, with other factors, and is stopped on the way."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from ssgan_tf import config as configs
from ssgan_tf import train
from tests.support import fakes
from tests.support.run_files import assert_same_bits, checkpoint_steps

pytestmark = pytest.mark.slow


def test_a_run_starts_and_resumes_without_the_other_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """The other run is only read at the start; a run that was stopped ends with the same bits as one that was not."""
    fakes.prepare(tmp_path / "data")
    (tmp_path / "tiny.py").write_text(fakes.CONFIG)
    other = tmp_path / "other"
    train.run(f"{tmp_path}/tiny.py", str(other), f"{tmp_path}/data")
    new = configs.load_config(f"{tmp_path}/tiny.py")
    new = dataclasses.replace(new, data=dataclasses.replace(new.data, factors=("shape", "hue")))

    def run(workdir: str, images: int) -> None:
        options = dataclasses.replace(new.train, start_from=str(other), images=images, seed=4)
        train.run(dataclasses.replace(new, train=options), f"{tmp_path}/{workdir}", f"{tmp_path}/data")

    run("straight", 48)
    said = f"starts from  {other}, step 16 (128 images): generator, discriminator/encoder; codes of shape, hue\n"
    assert said in capsys.readouterr().out
    record = json.loads((tmp_path / "straight/started_from.json").read_text())
    assert (record["step"], record["codes"], record["workdir"]) == (16, ["shape", "hue"], str(other))

    run("stopped", 16)
    assert checkpoint_steps(tmp_path / "stopped") == [0, 2]
    shutil.rmtree(other)
    capsys.readouterr()
    run("stopped", 48)
    assert "starts from" not in capsys.readouterr().out
    assert_same_bits(tmp_path / "straight", tmp_path / "stopped", 6)
