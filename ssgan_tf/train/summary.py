"""Summary of a run, printed before it starts: data, factors, parameters, phases, memory and devices."""

import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from ssgan_tf.train import costs, memory


def describe(config: configs.Config, info: data.DatasetInfo | None, replicas: int, xla: bool) -> str:
    """Returns the summary as lines of text.

    Args:
        config: Config to train.
        info: Description of its data; None if the data is not prepared, for a config that names its factors.
        replicas: Number of devices that share each batch.
        xla: Whether XLA compiles the training step.
    """
    spec = info.spec if info else _guessed_spec(config)
    sizes = costs.network_sizes(config.model, spec)
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return "\n".join(
        [
            *_describe_data(config, info),
            f"parameters   {sum(sizes.values()):,} ({', '.join(f'{name} {size:,}' for name, size in sizes.items())})",
            f"length       {config.train.images:,} images, {config.schedule.steps(config.train.images):,} steps",
            *_describe_phases(config, spec.size, replicas),
            f"memory       {memory.describe(memory.needed(config, info, replicas))}",
            f"runs on      {replicas} {kind}, {config.model.precision}, {'with' if xla else 'without'} XLA",
        ]
    )


def _guessed_spec(config: configs.Config) -> CodeSpec:
    """Returns the factors that the config names. Their sizes are unknown and set to 2."""
    return CodeSpec(tuple(FactorSpec(name, 2) for name in config.data.factors))


def _memory(config: configs.Config, code_size: int, resolution: int, phase: Phase, replicas: int) -> str:
    """Returns the memory of a training step on one device, which is known for Semi-StyleGAN only."""
    if not isinstance(config.model, SemiStyleGANOptions):
        return "not counted"
    batches = phase.batch // replicas, phase.labeled_batch // replicas
    return f"{costs.memory(config.model, code_size, resolution, *batches).total / 2**20:,.0f} MiB"


def _describe_data(config: configs.Config, info: data.DatasetInfo | None) -> list[str]:
    if info is None:
        return [f"data         {config.data.dataset}, not prepared", f"factors      {', '.join(config.data.factors)}"]
    factors = ", ".join(
        f"{f.name} {f.size}" if f.range is None else f"{f.name} from {f.range[0]:g} to {f.range[1]:g}"
        for f in info.spec.factors
    )
    place = "" if info.in_memory else ", read from disk"
    return [f"data         {info.name}, {info.count:,} images{place}", f"factors      {factors}"]


def _describe_phases(config: configs.Config, code_size: int, replicas: int) -> list[str]:
    """Returns one line for each phase that the run reaches; memory is per device."""
    lines = ["phases                      images  fading in   batch labelled    rate memory per device"]
    full, total = config.model.resolution, config.train.images
    for phase in config.phases:
        segments = [s for s in config.schedule.segments if s.phase is phase]
        begin, end = segments[0].first_image, segments[-1].end
        images = (total if end is None else min(total, config.schedule.images(end))) - begin
        if images <= 0:
            break
        size = phase.resolution or full
        memory = _memory(config, code_size, size, phase, replicas)
        labelled = phase.labeled_batch if config.model.uses_labels else "-"
        lines.append(
            f"             {f'{size}x{size}':>9} {images:>11,} {min(images, phase.fade_images):>10,} {phase.batch:>7} "
            f"{labelled:>8} {phase.learning_rate:>7g} {memory:>17}"
        )
    return lines
