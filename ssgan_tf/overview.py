"""What a person wants to see before a run: data, factors, sizes, memory, phases, devices."""

import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import costs, data


def describe(config: configs.Config, header: data.Header | None, replicas: int, xla: bool) -> str:
    """Some lines of text.

    Args:
        config: what is to be trained.
        header: of its data; None where that is not prepared, for a config that names its factors.
        replicas: devices that share each batch.
        xla: whether XLA compiles the step.
    """
    code_size = header.spec.size if header else len(config.data.factors)
    generator, discriminator = costs.parameters(config.model.network, code_size)
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return "\n".join(
        [
            *_describe_data(config, header),
            f"parameters   {generator + discriminator:,} "
            f"(generator {generator:,}, discriminator/encoder {discriminator:,})",
            f"length       {config.train.images:,} images, {config.schedule.steps(config.train.images):,} steps",
            *_describe_phases(config, code_size, replicas),
            f"runs on      {replicas} {kind}, {config.model.network.precision}, {'with' if xla else 'without'} XLA",
        ]
    )


def _describe_data(config: configs.Config, header: data.Header | None) -> list[str]:
    if header is None:
        return [f"data         {config.data.dataset}, not looked at", f"factors      {', '.join(config.data.factors)}"]
    factors = ", ".join(
        f"{f.name} {f.size}" if f.range is None else f"{f.name} from {f.range[0]:g} to {f.range[1]:g}"
        for f in header.spec.factors
    )
    place = "" if header.in_memory else ", read from disk"
    return [f"data         {header.name}, {header.count:,} images{place}", f"factors      {factors}"]


def _describe_phases(config: configs.Config, code_size: int, replicas: int) -> list[str]:
    """A line for each phase that the run reaches; memory is per device."""
    lines = ["phases                      images  fading in  a step labelled    rate memory per device"]
    full, total = config.model.network.resolution, config.train.images
    for phase in config.phases:
        segments = [s for s in config.schedule.segments if s.phase is phase]
        begin, end = segments[0].first_image, segments[-1].end
        images = (total if end is None else min(total, config.schedule.images(end))) - begin
        if images <= 0:
            break
        size = phase.resolution or full
        memory = costs.memory(config.model, code_size, size, phase.batch // replicas, phase.labeled_batch // replicas)
        lines.append(
            f"             {f'{size}x{size}':>9} {images:>11,} {min(images, phase.fade_images):>10,} {phase.batch:>7} "
            f"{phase.labeled_batch:>8} {phase.learning_rate:>7g} {memory.total / 2**20:>13,.0f} MiB"
        )
    return lines
