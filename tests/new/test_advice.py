"""Settings for own images: resolution by pixels and time, networks that grow, and the config's text."""

import dataclasses
import re

import pytest

from ssgan_tf.config import Config
from ssgan_tf.models import SemiStyleGANOptions
from ssgan_tf.new import advice, settings
from ssgan_tf.new.advice import Facts, advise, choose_resolution, describe_hours, expected_hours
from ssgan_tf.new.config_text import render
from ssgan_tf.new.machine import Machine, this_machine

FAST, SLOW = Machine(2, 16, 1000.0), Machine(2, 16, 1.0)
FACTS = Facts(images=1500, side=100, labelled=75)


def make(facts: Facts = FACTS, machine: Machine = FAST, resolution: int = 32) -> advice.Advice:
    return advise(facts, machine, resolution, "nearly all have it", "labeled_folder/cups", ("shape", "size"))


@pytest.mark.parametrize(
    ("machine", "side", "wanted", "expected", "reason"),
    [
        (FAST, 100, 0, 64, "nearly all images have 100 pixels or more"),
        (FAST, 40, 0, 32, "nearly all images have 40 pixels or more"),
        (FAST, 9, 0, 8, "nearly all images have 9 pixels or more"),
        (SLOW, 100, 0, 32, r"64 would take about \d+ hours here: --resolution=64 if you want it"),
        (SLOW, 100, 64, 64, "as asked for"),
        (dataclasses.replace(SLOW, gpu=True), 300, 0, 64, "the largest that was tried; --resolution=128 is possible"),
    ],
)
def test_the_resolution_follows_from_pixels_and_time(machine, side, wanted, expected, reason):
    chosen, why = choose_resolution(dataclasses.replace(FACTS, side=side), machine, 4, wanted)
    assert chosen == expected and re.fullmatch(reason, why), why


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="^images: expected 8x8 pixels or more. Received: many with 7.$"):
        choose_resolution(dataclasses.replace(FACTS, side=7), FAST, 4)


@pytest.mark.parametrize("resolution", settings.RESOLUTIONS)
@pytest.mark.parametrize("images", [8, 200, 1500, 70_000])
def test_every_config_is_valid_and_its_text_makes_it(resolution, images):
    found = make(Facts(images, resolution, min(images, 120), 1), SLOW, resolution)
    text = render(found, 'Images of "a\\b" """.')
    names: dict = {}
    exec(text, names)
    assert names["get_config"]() == found.config and isinstance(found.config, Config)
    assert all(len(line) <= 120 for line in text.splitlines())
    assert sum(phase.images for phase in found.config.phases[:-1]) < found.config.train.images
    assert found.config.phases[-1].batch == min(16, images)


def test_lengths_rates_and_held_out_labels():
    few, many = make(Facts(40, 32, 10)), make(Facts(70_000, 32, 5_000))
    assert (few.config.train.images, many.config.train.images) == (settings.SHORTEST, settings.LENGTH)
    assert (few.config.phases[0].learning_rate, many.config.phases[0].learning_rate) == (0.025, 0.015)
    assert (few.config.data.held_out_labels, many.config.data.held_out_labels) == (0, 0.2)
    assert "10 labelled images are too few" in few.reasons["data.held_out_labels"]
    assert few.config.data.labeled_fraction == many.config.data.labeled_fraction == 1
    grown = make(resolution=64).config
    assert [phase.resolution for phase in grown.phases] == [8, 16, 32, 64]
    assert isinstance(grown.model, SemiStyleGANOptions)
    network = grown.model.network
    assert (network.fmap_base, network.generator_fmap_base) == (256, 1024)  # D/E as in configs/scene3d_64.py


def test_images_that_exceed_the_memory_are_read_from_disk():
    small = dataclasses.replace(FAST, memory=1.0)
    facts = Facts(200_000, 64, 100)
    assert make(facts, small, 64).config.data.memory_gib == pytest.approx(0.4)
    assert "read from disk" in render(make(facts, small, 64), "Images.")
    assert make(facts, FAST, 64).config.data.memory_gib == 16


def test_expected_hours_follow_from_the_machine():
    config = make().config
    assert expected_hours(config, SLOW) == pytest.approx(1000 * expected_hours(config, FAST))
    assert expected_hours(config, dataclasses.replace(SLOW, gpu=True)) == 0
    assert [describe_hours(hours) for hours in (0.001, 0.5, 2, 30)] == [
        "1 minutes",
        "30 minutes",
        "2.0 hours",
        "30 hours",
    ]
    machine = this_machine(2**34, False)
    assert machine.gflops > 0.1 and str(machine).endswith("GFLOP/s, 16.0 GiB")
