"""Jobs of tools/compare_methods.py: settings that follow from the flags, and differences between two requests."""

from pathlib import Path
from typing import Any

from tools import compare_methods
from tools.comparison import jobs

CONFIG = """
from ssgan_tf.config import Config, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config():
    return Config(model=SemiStyleGANOptions(ema_half_life=700), train=TrainOptions(images=1000),
                  phases=(Phase(32, images=100), Phase(64, decay_images=400)))
"""


def test_lengths_inside_a_config_are_scaled_with_the_budget(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text(CONFIG)
    job = jobs.Job("long", tmp_path / "long.py", 3, tmp_path / "run")
    options = compare_methods.make_parser().parse_args(["--out=o", "--images=500", "--set=model.gamma_g=3"])
    settings, config = jobs.make_settings(job, options)
    assert config.phases[1].decay_images == 200 and config.train.seed == 3
    assert settings == [
        "model.gamma_g=3", "train.seed=3", "train.images=500", "phases.1.decay_images=200",
    ]  # fmt: skip


def request(images: int, *settings: str) -> dict[str, Any]:
    return {"images": images, "minutes": None, "settings": list(settings)}


def test_a_difference_is_described_with_flags_as_a_user_writes_them() -> None:
    short = request(500, "train.images=500", "phases.0.decay_images=9", "a.b=1")
    long = request(600, "train.images=600", "phases.0.decay_images=8", "a.b=1")
    assert jobs.describe_difference(short, long) == ["--images=500"]
    without = request(500, "train.images=500", "phases.0.decay_images=9")
    assert jobs.describe_difference(short, without) == ["--set=a.b=1"]
    assert jobs.describe_difference(without, short) == ["no such flag"]
