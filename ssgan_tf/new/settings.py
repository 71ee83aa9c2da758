"""Numbers behind the configs of `ssgan new`: networks, batches, rates and lengths, and the experiments they come from.

All of them were found on the rendered scene (docs/demo.md, docs/schedule.md); nothing was measured above 64 pixels.
"""

RESOLUTIONS = (8, 16, 32, 64, 128, 256)
SMALLEST = 32  # resolution that is chosen even if its training takes longer than asked for
LARGEST_TRIED = 64  # resolution beyond which nothing was measured; chosen on GPUs, whose speed is not known beforehand

# Networks. The generator is the larger one: where D wins, a larger G alone learns faster.
FMAP_MAX = 64
GENERATOR_FMAP_MAX = 128
GENERATOR_LARGER = 4  # generator_fmap_base / fmap_base
NOISE_SIZE = STYLE_SIZE = 128
MAPPING_LAYERS = 4
MAPPING_LRMUL = 1.0
CODE_FEATURES = 3


def fmap_base(resolution: int) -> int:
    """Returns `network.fmap_base` of D/E: that of configs/demo.py up to 32 pixels, doubled with the pixels beyond."""
    return max(128, 4 * resolution)


# Optimization.
BATCH, LABELED_BATCH = 16, 8
R1, R1_INTERVAL = 4.0, 4
EMA_HALF_LIFE = 5_000  # images
GROWN_FROM = 64  # resolution from which networks grow; below, growing did not help
RATE = 0.015
SHORT_RATE, SHORT = 0.025, 100_000  # rate of runs of at most that many images
GROWN_RATE = 0.01
# Lengths of phases relative to the first: the one at 8x8, each one in between, and the last; each new block fades in
# during a first phase's length.
FIRST_PHASE, NEXT_PHASE, LAST_PHASE = 1, 2, 3

# Length of a run in images.
LENGTH = 420_000
SHORTEST = 60_000
PASSES = 300  # over the images, at most, unless the run is the shortest
CHECKPOINTS = 16  # in a run

# Images and labels.
FEWEST_IMAGES = 8
FEW_IMAGES = 500  # below, the generator rather repeats the images
HELD_OUT_FROM = 100  # labelled images
HELD_OUT = 0.2
FEW_OF_A_VALUE = 5  # labels

# Machine.
HOURS = 4.0  # of training, unless the user says another number
IN_MEMORY = 0.4  # share of the memory that decoded images may take
EFFICIENCY = 0.33  # speed of a training step relative to a matrix product, on CPUs
