"""Config for own images: chosen from their number and size, the labels, and the machine, with the reasons."""

import dataclasses

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions
from ssgan_tf.new import settings
from ssgan_tf.new.machine import Machine
from ssgan_tf.train import costs

_CODES = 4  # number of codes that costs are counted for before the factors are known


@dataclasses.dataclass(frozen=True)
class Facts:
    """Images and labels to choose a config for.

    Args:
        images: Number of images.
        side: Size in pixels that nearly all of them have at their shorter side.
        labelled: Number of images with a label.
        channels: 1 for grey, 3 for RGB.
    """

    images: int
    side: int
    labelled: int
    channels: int = 3


@dataclasses.dataclass(frozen=True)
class Advice:
    """Config with the reasons for it.

    Args:
        config: The config.
        reasons: {dotted name of a field: sentence}.
        hours: Expected length of training; 0 if it is not known.
    """

    config: Config
    reasons: dict[str, str]
    hours: float


def choose_resolution(facts: Facts, machine: Machine, hours: float, wanted: int = 0) -> tuple[int, str]:
    """Returns a resolution and the reason for it.

    Args:
        facts: Images and labels.
        machine: Machine to train on.
        hours: Time that training may take.
        wanted: Resolution that the user wants; 0 to choose one.

    Raises:
        ValueError: The images are too small.
    """
    if wanted:
        return wanted, "as asked for"
    possible = [r for r in settings.RESOLUTIONS if r <= facts.side]
    if not possible:
        r = settings.RESOLUTIONS[0]
        raise ValueError(f"images: expected {r}x{r} pixels or more. Received: many with {facts.side}.")
    chosen = possible[0]
    for r in possible[1:]:
        fast = r <= settings.LARGEST_TRIED if machine.gpu else expected_hours(_make(facts, r), machine) <= hours
        if r > settings.SMALLEST and not fast:
            break
        chosen = r
    larger = next((r for r in possible if r > chosen), 0)
    if not larger:
        return chosen, f"nearly all images have {facts.side} pixels or more"
    if machine.gpu:
        return chosen, f"the largest that was tried; --resolution={larger} is possible"
    longer = expected_hours(_make(facts, larger), machine)
    return chosen, f"{larger} would take about {describe_hours(longer)} here: --resolution={larger} if you want it"


def memory_limit(machine: Machine) -> float:
    """Returns the GiB that decoded images may take; larger data sets are read from disk."""
    return min(settings.IN_MEMORY * machine.memory, DataOptions.memory_gib)


def exceeds_memory(facts: Facts, resolution: int, machine: Machine) -> bool:
    """Returns whether the decoded images take more than `memory_limit`."""
    return facts.images * resolution**2 * facts.channels / 2**30 > memory_limit(machine)


def expected_hours(config: Config, machine: Machine) -> float:
    """Returns the expected length of training, from the costs of a step and the machine's speed; 0 with a GPU."""
    if machine.gpu:
        return 0.0
    assert isinstance(config.model, SemiStyleGANOptions)
    total, full = 0.0, config.model.resolution
    for segment in config.schedule.segments:
        end = config.train.images if segment.end is None else config.schedule.images(segment.end)
        phase = segment.phase
        work = costs.step_flops(
            config.model, _CODES, phase.resolution or full, phase.batch, phase.labeled_batch, segment.fading
        )
        total += (end - segment.first_image) * work.total / phase.batch
    return total / (settings.EFFICIENCY * machine.gflops * 1e9) / 3600


def describe_hours(hours: float) -> str:
    """Returns a length of time in words."""
    if hours < 0.95:
        return f"{max(1, round(60 * hours))} minutes"
    return f"{hours:.1f} hours" if hours < 10 else f"{hours:,.0f} hours"


def advise(
    facts: Facts, machine: Machine, resolution: int, reason: str, dataset: str, factors: tuple[str, ...]
) -> Advice:
    """Chooses a config.

    Args:
        facts: Images and labels.
        machine: Machine to train on.
        resolution: Resolution of the prepared images.
        reason: Reason for it, as `choose_resolution` returns it.
        dataset: Name of the prepared data set.
        factors: Names of the factors.
    """
    config = _make(facts, resolution, dataset, factors)
    if exceeds_memory(facts, resolution, machine):
        data = dataclasses.replace(config.data, memory_gib=memory_limit(machine))
        config = dataclasses.replace(config, data=data)
    return Advice(config, {**_reasons(facts, config), "model.network.resolution": reason},
                  expected_hours(config, machine))  # fmt: skip


def _make(
    facts: Facts, resolution: int, dataset: str = "labeled_folder/images", factors: tuple[str, ...] = ()
) -> Config:
    base, held_out = settings.fmap_base(resolution), settings.HELD_OUT * (facts.labelled >= settings.HELD_OUT_FROM)
    length = _length(facts.images)
    interval = max(settings.BATCH, length // settings.CHECKPOINTS // 1000 * 1000)
    return Config(
        data=DataOptions(dataset, factors=factors, labeled_fraction=1.0, held_out_labels=held_out),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=resolution,
                channels=facts.channels,
                fmap_base=base,
                fmap_max=settings.FMAP_MAX,
                generator_fmap_base=settings.GENERATOR_LARGER * base,
                generator_fmap_max=settings.GENERATOR_FMAP_MAX,
                noise_size=settings.NOISE_SIZE,
                style_size=settings.STYLE_SIZE,
                mapping_layers=settings.MAPPING_LAYERS,
                mapping_lrmul=settings.MAPPING_LRMUL,
                code_features=settings.CODE_FEATURES,
            ),
            r1=settings.R1,
            r1_interval=settings.R1_INTERVAL,
            ema_half_life=settings.EMA_HALF_LIFE,
        ),
        phases=_phases(resolution, length, min(settings.BATCH, facts.images), facts.labelled),
        train=TrainOptions(images=length, sample_every=2 * interval, checkpoint_every=interval),
    )


def _length(images: int) -> int:
    return min(settings.LENGTH, max(settings.SHORTEST, settings.PASSES * images // 1000 * 1000))


def _phases(resolution: int, length: int, batch: int, labelled: int) -> tuple[Phase, ...]:
    labeled_batch = max(1, min(settings.LABELED_BATCH, batch, labelled))
    if resolution < settings.GROWN_FROM:
        rate = settings.SHORT_RATE if length <= settings.SHORT else settings.RATE
        return (Phase(batch=batch, labeled_batch=labeled_batch, learning_rate=rate, decay_images=length),)
    grown = [r for r in settings.RESOLUTIONS if r <= resolution]
    parts = [settings.FIRST_PHASE, *[settings.NEXT_PHASE] * (len(grown) - 2), settings.LAST_PHASE]
    unit = length // sum(parts) // 1000 * 1000
    phases = []
    for r, part in zip(grown, parts, strict=True):
        last = r == resolution
        phases.append(
            Phase(
                r, 0 if last else part * unit, unit if r > grown[0] else 0, batch, labeled_batch, settings.GROWN_RATE,
                length - unit * sum(parts[:-1]) if last else 0, r > grown[0],
            )
        )  # fmt: skip
    return tuple(phases)


def _reasons(facts: Facts, config: Config) -> dict[str, str]:
    """Returns {field: sentence} of everything but the resolution."""
    length, labelled = config.train.images, facts.labelled
    held_out = (
        f"a fifth of the labelled images, whose labels only scores see ({settings.HELD_OUT_FROM} or more are labelled)"
        if config.data.held_out_labels
        else f"{labelled:,} labelled images are too few to keep some for scores; from {settings.HELD_OUT_FROM} on, "
        "`ssgan new` keeps a fifth"
    )
    reasons = {
        "data.factors": "one slider for each, in this order",
        "data.labeled_fraction": f"all labels: those of {labelled:,} images",
        "data.held_out_labels": held_out,
        "model.network": "a generator larger than D/E learned faster, and waves of the codes (code_features) help with "
        "factors such as a hue (docs/demo.md, measured at 32x32)",
        "model.r1": "with these batches and rates; docs/demo.md has what was tried",
        "phases": "small batches learn more from each image (docs/demo.md)"
        + ("; grown from 8x8 as configs/scene3d_64.py" if len(config.phases) > 1 else ""),
        "train.images": f"each image {length / facts.images:,.0f} times"
        + ("" if length == settings.LENGTH else f"; {facts.images:,} images are few for a longer run"),
    }
    if config.data.memory_gib != DataOptions.memory_gib:
        reasons["data.memory_gib"] = "larger than the images would be for this machine: they are read from disk"
    return reasons
